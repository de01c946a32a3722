//! What a name alone tells: EL6 and EL8 decide by name, a set or a hint that names a community makes a condition, and all else
//! needs an address.

use crate::config::Topology;
use crate::eligibility::{Eligibility, Outcome, Peering, Rule};
use crate::tables::{Community, M365Match, Tables};

/// What the name (or wildcard) and its aliases tell; `hint` is the catalogue's word on ExpressRoute.
pub(super) fn by_name(
    name: &str,
    cname: &[String],
    hint: Option<&str>,
    topology: &Topology,
    tables: &Tables,
) -> Eligibility {
    let names: Vec<&str> = std::iter::once(name).chain(cname.iter().map(String::as_str)).collect();
    let sets = names.iter().map(|name| sets(name, tables)).find(|sets| !sets.is_empty()).unwrap_or_default();
    if let Some(first) = sets.first() {
        // The best of the sets, as EL7 does with an address.
        let Some(may) = sets.iter().find(|found| found.set.express_route) else {
            return kept_off(&sets);
        };
        let service = tables.communities.of_m365(may.set);
        let fact = format!("Microsoft 365 set {} by {}: ExpressRoute yes", may.set.id, first.by);
        let Some(service) = service else {
            return answer(Outcome::Conditional, Rule::El7, "no_documented_community").with(fact);
        };
        let mut answer = on_address(Rule::El7, "address_in_set", service.community(), topology).with(fact);
        answer.facts.push(format!("{} is {}", service.community(), service.name));
        if service.authorisation {
            let authorised = topology.circuits.values().any(|circuit| circuit.m365_authorised);
            let premium = topology.circuits.values().any(|c| c.sku == crate::config::Sku::Premium);
            let lacking = [(authorised, "m365_authorisation"), (premium, "m365_needs_premium")];
            let lacking = lacking.into_iter().filter(|(has, _)| !has).map(|(_, what)| what.to_owned());
            answer.conditions.extend(lacking);
        }
        return answer;
    }
    if let Some(unsupported) = tables.support.unsupported(&names, &[]) {
        let mut answer = answer(Outcome::NotEligible, Rule::El8, "unsupported");
        answer.supported = Some(false);
        return answer.with(format!(
            "{} is not supported on Microsoft peering ({})",
            unsupported.service, unsupported.by
        ));
    }
    match hint.and_then(community) {
        Some(community) => on_address(Rule::El10, "address_in_service", community, topology)
            .with(format!("the catalogue's hint: {}", hint.unwrap_or_default())),
        None => answer(Outcome::Unknown, Rule::El14, "no_address"),
    }
}

/// The sets that own the name most specifically; wildcards for platforms that customers share do not count (EL6).
pub(super) fn sets<'a>(name: &str, tables: &'a Tables) -> Vec<M365Match<'a>> {
    let mut found = tables.m365.as_ref().map(|m365| m365.by_name(name)).unwrap_or_default();
    found.retain(|found| !tables.support.is_shared_platform(found));
    found
}

/// EL6.
fn kept_off(sets: &[M365Match<'_>]) -> Eligibility {
    let mut answer = answer(Outcome::NotEligible, Rule::El6, "m365_er_no");
    answer.supported = Some(false);
    sets.iter().fold(answer, |answer, found| {
        answer.with(format!("Microsoft 365 set {} by {}: ExpressRoute no", found.set.id, found.by))
    })
}

/// Carried by a community, if the address turns out to be one of the service's.
fn on_address(rule: Rule, reason: &str, community: Community, topology: &Topology) -> Eligibility {
    let mut answer = answer(Outcome::Conditional, rule, &format!("{reason}: {community}"));
    answer.peering = Some(Peering::Microsoft);
    answer.community = Some(community.to_string());
    answer.supported = Some(true);
    let filtered = topology.circuits.values().flat_map(|circuit| &circuit.route_filter);
    if !filtered.into_iter().any(|text| text.parse() == Ok(community)) {
        let code = if topology.circuits.is_empty() { "no_circuit" } else { "route_filter" };
        answer.conditions.push(format!("{code}: {community}"));
    }
    answer
}

/// The community at the beginning of a hint.
fn community(hint: &str) -> Option<Community> {
    hint.split(|c: char| c == ';' || c.is_whitespace()).next()?.parse().ok()
}

fn answer(result: Outcome, rule: Rule, reason: &str) -> Eligibility {
    Eligibility {
        result,
        rule,
        peering: None,
        community: None,
        reason: reason.to_owned(),
        conditions: Vec::new(),
        facts: Vec::new(),
        routable: None,
        supported: None,
    }
}

trait With {
    fn with(self, fact: String) -> Self;
}

impl With for Eligibility {
    fn with(mut self, fact: String) -> Self {
        self.facts.push(fact);
        self
    }
}
