//! What a round could not tell, in words, for the report's `not_tested`.

use std::collections::{BTreeMap, BTreeSet};

use crate::attribution::{Judged, other_users};
use crate::closure::{Picture, Seen};
use crate::config::{ClientProfile, Echo, Plan, Workload};
use crate::failure::label;
use crate::findings;
use crate::target::{EndpointKey, Origin};

/// What a reader could take for granted and was not looked at.
pub(super) fn untested(judged: &Judged<'_>, mut words: Vec<String>) -> Vec<String> {
    let Judged { plan, picture, .. } = judged;
    words.push(
        "one round was judged as it was seen; addresses and chains that rotate may differ later".into(),
    );
    if plan.canaries.is_empty() {
        words.push(
            "no [[canary]] is declared: that the outside is unreachable was not tried (DOMAIN §4.2, 8)"
                .into(),
        );
    }
    let members = &picture.members;
    let undialled = plan
        .canaries
        .iter()
        .filter(|canary| members.get(&canary.endpoint).is_some_and(|member| member.addresses.is_empty()));
    words.extend(undialled.map(|canary| {
        format!(
            "the canary {} gives no address, so it was never dialled: name an address too (DOMAIN §4.2, 8)",
            canary.endpoint
        )
    }));
    let windows = |workload: &&Workload| {
        use ClientProfile::{CurlSchannel, WindowsCryptoapi};
        matches!(workload.client_profile, CurlSchannel | WindowsCryptoapi)
    };
    words.extend(plan.workloads.iter().filter(windows).map(|workload| {
        format!(
            "{}: whether its clients' own store holds the roots cannot be seen from here; for those that it lacks Windows asks ctldl.windowsupdate.com:80 (R11)",
            workload.name
        )
    }));
    if plan.topology.ntp.is_empty() {
        words.push("no topology.ntp is declared: where the time comes from is not known".into());
    }
    let resolvers = picture.members.iter().filter(|(_, member)| member.origins.contains(&Origin::Resolver));
    words.extend(resolvers.map(|(key, _)| {
        format!(
            "the resolver {} was asked; whom it asks in turn, and by which path, cannot be seen from here",
            key.host
        )
    }));
    words.extend(failing_resolvers(picture));
    words.extend(findings::untold(judged));
    words.extend(other_users(picture));
    if plan.bmp.as_ref().is_some_and(|bmp| bmp.allow.is_empty()) {
        words.push("bmp.allow names no router, so none may send its table".into());
    }
    words.extend(resolving_proxies(plan, picture));
    words.extend(picture.roots.alternatives.iter().cloned());
    words.extend(silent_echoes(plan, picture));
    words.extend(picture.unfetchable.iter().map(|url| {
        format!("a certificate points to {url}, or a page redirects there, which no HTTP client can fetch")
    }));
    for (workload, catalog, expansion) in &picture.roots.expansions {
        words.extend(expansion.sampled.iter().map(|sampled| {
            format!(
                "{workload}: {} of {catalog} was sampled by {} names, not all",
                sampled.pattern, sampled.count
            )
        }));
        words.extend(expansion.skipped.iter().map(|skipped| {
            format!("{workload}: {} of {catalog} was skipped: {}", skipped.pattern, skipped.why)
        }));
    }
    words
}

/// Resolvers that gave no answer for names that others know: what their clients would be told is not known (F14).
fn failing_resolvers(picture: &Picture) -> Vec<String> {
    let mut failing: BTreeMap<&str, (usize, String)> = BTreeMap::new();
    for dns in picture.members.values().filter_map(|member| member.dns.as_ref()) {
        if dns.addresses().is_empty() {
            continue;
        }
        for view in dns.views.iter().filter(|view| view.status.is_failure()) {
            let first = || (0, format!("{}: {}", dns.name, label(&view.status)));
            failing.entry(&view.resolver).or_insert_with(first).0 += 1;
        }
    }
    let words = failing.into_iter().map(|(resolver, (count, first))| {
        let more = if count > 1 { format!(", and {} more", count - 1) } else { String::new() };
        format!("the resolver {resolver} gave no answer where another did ({first}{more}): what it tells its clients is not known")
    });
    words.collect()
}

/// E8: echoes that told no address.
fn silent_echoes(plan: &Plan, picture: &Picture) -> Vec<String> {
    let told = |key: &EndpointKey| {
        let seen = picture.members.get(key).into_iter().flat_map(|member| member.addresses.values());
        seen.into_iter().any(|seen| match seen {
            Seen::Observed(seen) => seen.reflexive.is_some(),
            Seen::Pending | Seen::Forbidden(_) => false,
        })
    };
    let keys: BTreeSet<EndpointKey> = plan.echoes.iter().filter_map(Echo::endpoint).collect();
    let silent = keys.into_iter().filter(|key| !told(key));
    silent.map(|key| format!("the echo {key} told no address: which source it saw is not known")).collect()
}

/// What lies behind a proxy is resolved there; and what is asked beside it.
fn resolving_proxies(plan: &Plan, picture: &Picture) -> Vec<String> {
    let named = picture.members.keys().filter(|key| key.ip().is_none());
    let proxies: BTreeSet<&String> = named.filter_map(|key| key.via.as_ref()).collect();
    let proxies = proxies.into_iter().filter(|name| plan.proxies.iter().any(|proxy| proxy.name == **name));
    let words = |proxy: &String| {
        format!(
            "the proxy {proxy} resolves names by itself: which address it connects to cannot be seen from here; dns shows what our resolvers say"
        )
    };
    proxies.map(words).collect()
}
