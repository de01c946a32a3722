//! The order of the rules: EL0–EL4, EL6, EL7, EL5, EL8–EL13, with EL14 wherever data is missing or too old.
//!
//! The first rule that decides gives the result; what else matched is attached as facts.

use std::time::SystemTime;

use super::circuits::Circuits;
use super::{Eligibility, Outcome, Peering, Question, ReceivedRoute, Rule};
use super::{address, azure, m365, outside};
use crate::tables::{DataSet, TagMatch};

/// What could carry this destination, with everything else that matched in words.
pub fn judge(q: &Question<'_>) -> Eligibility {
    let (ip, nat64) = address::effective(q.ip);
    let inner = Question { ip, ..*q };
    let tags = inner.tags();
    let mut answer = decided(&inner, &tags);
    if nat64 {
        answer.facts.push(format!("judged by {ip}, which the NAT64 address carries"));
    }
    if answer.peering == Some(Peering::Microsoft) {
        conditions(&inner, &mut answer);
    }
    facts(&inner, &tags, &mut answer);
    answer
}

/// The same without the words: the result, the rule that decided, and its reason.
pub fn decide(q: &Question<'_>) -> Eligibility {
    let inner = Question { ip: address::effective(q.ip).0, ..*q };
    decided(&inner, &inner.tags())
}

fn decided(q: &Question<'_>, tags: &[TagMatch<'_>]) -> Eligibility {
    address::judge(q).unwrap_or_else(|| public(q, tags))
}

fn public(q: &Question<'_>, tags: &[TagMatch<'_>]) -> Eligibility {
    let Some(service_tags) = &q.tables.service_tags else {
        return Eligibility::unknown(Rule::El14, "no_data").with_fact("there are no Azure service tags");
    };
    if let Some(answer) = q.tables.m365.as_ref().and_then(|table| m365::judge(q, table)) {
        return answer;
    }
    if let Some(answer) = received(q, tags) {
        return answer;
    }
    let answer = azure::judge(q, tags);
    // Without Microsoft 365's data a regional tag may be Teams, and a Front Door address Exchange (D3, D4).
    if answer.is_some() && q.tables.m365.is_none() {
        return Eligibility::unknown(Rule::El14, "no_data").with_fact("there are no Microsoft 365 endpoints");
    }
    let answer = answer.unwrap_or_else(|| outside::judge(q));
    match service_tags.data_set.is_older_than(q.tables.limits.service_tags_stale, q.now) {
        true => stale(&service_tags.data_set, q.now, &answer),
        false => answer,
    }
}

/// EL5: a route that Microsoft peering really announces; the longest one decides.
fn received(q: &Question<'_>, tags: &[TagMatch<'_>]) -> Option<Eligibility> {
    let routes = q.routes.unwrap_or_default().iter().filter(|route| route.prefix.contains(&q.ip));
    let (route, fact) = match routes.max_by_key(|route| route.prefix.prefix_len()) {
        Some(route) => (route.clone(), format!("{} is received on Microsoft peering", route.prefix)),
        None => listed(q)?,
    };
    if let Some(unsupported) = q.tables.support.unsupported(&q.names(), tags) {
        let answer = Eligibility::conditional(Rule::El5, "conflict_unsupported_vs_route");
        let service = format!("{} is not supported on Microsoft peering", unsupported.service);
        return Some(answer.told(Some(true), Some(false)).with_fact(fact).with_fact(service));
    }
    let circuits = Circuits::new(q.topology);
    let in_filter = route.communities.iter().copied().find(|&community| circuits.receive(community));
    let answer = match (in_filter, route.communities.first()) {
        (Some(community), _) => Eligibility::over_microsoft(Rule::El5, "route_received", community),
        (None, Some(&community)) => circuits.lacking(Rule::El5, community).told(Some(true), Some(true)),
        (None, None) => Eligibility::conditional(Rule::El5, "route_without_community").told(Some(true), None),
    };
    Some(answer.with_fact(fact))
}

/// The operator's export lists what Microsoft peering announces; one that is as old as stale service tags lists nothing.
fn listed(q: &Question<'_>) -> Option<(ReceivedRoute, String)> {
    let table = q.tables.announced.as_ref()?;
    if table.data_set.is_older_than(q.tables.limits.service_tags_stale, q.now) {
        return None;
    }
    let (prefix, communities) = table.of(q.ip)?;
    let fact = format!("{prefix} is listed in the export of communities ({})", table.data_set.source);
    Some((ReceivedRoute { prefix, communities }, fact))
}

/// EL14: the answer of old data is only a fact, and data whose age nobody knows may be old.
fn stale(data: &DataSet, now: SystemTime, answer: &Eligibility) -> Eligibility {
    let mut unknown = Eligibility::unknown(Rule::El14, "stale_data");
    unknown.facts.push(format!("{} {} is {}", data.name, data.version, data.age_in_words(now)));
    unknown.facts.push(format!(
        "by it: {} ({}, {})",
        crate::failure::label(&answer.result),
        crate::failure::label(&answer.rule),
        answer.reason
    ));
    unknown.facts.extend(answer.facts.iter().cloned());
    unknown
}

/// What holds for everything over Microsoft peering (DOMAIN §2.1, last paragraph).
fn conditions(q: &Question<'_>, answer: &mut Eligibility) {
    for condition in [
        "snat_to_validated_public_prefixes",
        "at_most_200_prefixes_per_session",
        "prefixes_not_announced_to_internet",
    ] {
        answer.conditions.push(condition.to_owned());
    }
    if q.ip.is_ipv6() {
        answer.conditions.push("ipv6_peering".to_owned());
    }
}

/// Tags, sets and ranges that matched without deciding, and the data behind the answer.
fn facts(q: &Question<'_>, tags: &[TagMatch<'_>], answer: &mut Eligibility) {
    let mut push = |fact: String| {
        if !answer.facts.contains(&fact) {
            answer.facts.push(fact);
        }
    };
    for found in tags {
        push(format!("service tag {} ({})", found.tag.name, found.prefix));
    }
    if let Some(m365) = &q.tables.m365 {
        for found in m365.by_address(q.ip) {
            let community = q.tables.communities.of_m365(found.set).map(|service| service.community());
            let community = community.map(|community| format!(", {community}")).unwrap_or_default();
            push(format!("address in Microsoft 365 set {} ({}){community}", found.set.id, found.by));
        }
        for found in q.names().first().map(|name| m365.by_name(name)).unwrap_or_default() {
            let over = if found.set.express_route { "yes" } else { "no" };
            push(format!("Microsoft 365 set {} by {}: ExpressRoute {over}", found.set.id, found.by));
        }
    }
    if let Some(net) = q.tables.networks.gsa_edge(q.ip) {
        push(format!("edge of Global Secure Access ({net})"));
    }
    if let Some(net) = q.tables.public_space.as_ref().and_then(|table| table.of(q.ip)) {
        push(format!("in Microsoft's public IP space ({net})"));
    }
    if let Some(origin) = q.tables.asn.as_ref().and_then(|table| table.of(q.ip)) {
        push(format!("announced by AS{} {}", origin.asn, origin.org));
    }
    if answer.result != Outcome::Internal && answer.peering != Some(Peering::Private) {
        let tables = q.tables;
        let sets = [
            tables.service_tags.as_ref().map(|table| &table.data_set),
            tables.m365.as_ref().map(|table| &table.data_set),
            tables.asn.as_ref().map(|table| &table.data_set),
        ];
        let sets: Vec<String> = sets
            .into_iter()
            .flatten()
            .map(|set| format!("{} {}", set.name, set.version).trim_end().to_owned())
            .collect();
        push(format!("data: {}", sets.join(", ")));
    }
}

#[cfg(test)]
mod tests;
