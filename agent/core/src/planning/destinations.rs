//! The destinations of all workloads, each judged; the entry point of the module.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::approved::approved;
use super::input::Input;
use super::internet::{Wanted, workload};
use super::judged::{Named, Site, worst};
use super::report::{
    DnsUse, PlanReport, PlannedAddress, PlannedEndpoint, PlannedPattern, PrivateLink, SCHEMA,
};
use super::words;
use super::zones::PrivateZones;
use crate::catalog::{Catalog, Entry};
use crate::config::{Plan, Workload};
use crate::eligibility::owner;
use crate::failure::label;
use crate::observation::{DnsObservation, DnsStatus};
use crate::target::{EndpointKey, Requirement};

/// The names that have to be resolved, canonical, each once.
pub fn hosts(plan: &Plan, catalogs: &[Catalog]) -> Vec<String> {
    let drafts = drafts(plan, catalogs).0;
    let names: BTreeSet<String> =
        drafts.into_keys().filter(|key| key.ip().is_none()).map(|key| key.host).collect();
    names.into_iter().collect()
}

/// What could and could not go over ExpressRoute.
pub fn plan(input: &Input<'_>) -> PlanReport {
    let approved = approved(&input.plan.topology, &input.tables.communities);
    let site =
        Site { declared: &input.plan.topology, approved: &approved, tables: input.tables, now: input.now };
    let (drafts, patterns) = drafts(input.plan, input.catalogs);
    let wanted: BTreeMap<String, BTreeMap<String, Requirement>> =
        drafts.iter().map(|(key, draft)| (key.to_string(), draft.workloads.clone())).collect();
    let endpoints: Vec<PlannedEndpoint> =
        drafts.into_iter().map(|(key, draft)| endpoint(input, &site, key, draft)).collect();
    let patterns: Vec<PlannedPattern> = patterns
        .into_iter()
        .map(|draft| {
            let named = Named { name: &draft.pattern, cname: &[], hint: draft.hint.as_deref() };
            PlannedPattern {
                declared: site.by_name(named).0,
                private_zone: draft.private_zone,
                pattern: draft.pattern,
                workload: draft.workload,
                requirement: draft.requirement,
                why: draft.why,
            }
        })
        .collect();
    let workloads = input
        .plan
        .workloads
        .iter()
        .map(|one| workload(input, one, &Wanted { endpoints: &endpoints, patterns: &patterns, by: &wanted }))
        .collect();
    PlanReport {
        schema: SCHEMA.to_owned(),
        version: input.version.to_owned(),
        site: input.plan.agent.site.clone(),
        made_at: input.now,
        dns: if input.names.is_some() { DnsUse::Resolved } else { DnsUse::Offline },
        workloads,
        endpoints,
        patterns,
        data_gaps: words::data_gaps(input.tables, input.now),
        data: input.tables.data_sets().into_iter().chain([&input.zones.data_set]).cloned().collect(),
    }
}

/// A destination before it is judged.
#[derive(Default)]
struct Draft {
    workloads: BTreeMap<String, Requirement>,
    purpose: Option<String>,
    pattern: Option<String>,
    hint: Option<String>,
    private_link: Option<String>,
    /// A target, or a name made from the operator's own parameters.
    own: bool,
}

struct PatternDraft {
    pattern: String,
    workload: String,
    requirement: Requirement,
    why: String,
    hint: Option<String>,
    private_zone: Option<String>,
}

fn drafts(plan: &Plan, catalogs: &[Catalog]) -> (BTreeMap<EndpointKey, Draft>, Vec<PatternDraft>) {
    let (mut all, mut patterns) = (BTreeMap::<EndpointKey, Draft>::new(), Vec::new());
    for workload in &plan.workloads {
        for target in plan.targets.iter().filter(|target| target.workload == workload.name) {
            let draft = all.entry(target.endpoint.clone()).or_default();
            draft.own = true;
            want(draft, workload, Requirement::Hard);
        }
        for catalog in catalogs.iter().filter(|catalog| workload.catalogs.contains(&catalog.service)) {
            let expansion = catalog.expand(&workload.parameters);
            for found in expansion.endpoints {
                let entry = entry(catalog, &found.key.host, found.pattern.as_deref());
                let draft = all.entry(found.key).or_default();
                want(draft, workload, found.requirement);
                draft.purpose.get_or_insert(found.purpose);
                if let Some(pattern) = found.pattern {
                    draft.pattern.get_or_insert(pattern);
                }
                if let Some(zone) = found.private_link {
                    draft.private_link.get_or_insert(zone);
                }
                if let Some(hint) = entry.and_then(|entry| entry.er_hint.clone()) {
                    draft.hint.get_or_insert(hint);
                }
                draft.own |= entry.is_some_and(|entry| is_own(&entry.name));
            }
            let mut lost = |pattern: &str, requirement, why: String| {
                let named = catalog.entries.iter().find(|entry| entry.name == pattern);
                patterns.push(PatternDraft {
                    pattern: pattern.to_owned(),
                    workload: workload.name.clone(),
                    requirement,
                    why,
                    hint: named.and_then(|entry| entry.er_hint.clone()),
                    private_zone: named.and_then(|entry| entry.private_link.clone()),
                });
            };
            for skipped in &expansion.skipped {
                lost(&skipped.pattern, skipped.requirement, skipped.why.to_string());
            }
            for sampled in &expansion.sampled {
                let entries = catalog.entries.iter().filter(|entry| entry.name == sampled.pattern);
                let requirement = entries.map(|entry| entry.requirement(&workload.parameters)).max();
                let why = format!("{}{}", words::SAMPLED, words::counted(sampled.count, "name"));
                lost(&sampled.pattern, requirement.unwrap_or(Requirement::Hard), why);
            }
        }
    }
    (all, patterns)
}

fn want(draft: &mut Draft, workload: &Workload, requirement: Requirement) {
    let known = draft.workloads.entry(workload.name.clone()).or_insert(requirement);
    *known = requirement.max(*known);
}

/// The entry that a host was made from.
fn entry<'a>(catalog: &'a Catalog, host: &str, pattern: Option<&str>) -> Option<&'a Entry> {
    let name = pattern.unwrap_or(host);
    catalog.entries.iter().find(|entry| entry.name == name).or_else(|| {
        let made = |entry: &&Entry| !entry.is_wildcard() && entry.name.contains('<');
        catalog.entries.iter().filter(made).find(|entry| entry.pattern().matches(host).is_some())
    })
}

/// Whether a placeholder other than the region's stands in the name: then the resource is the operator's.
fn is_own(name: &str) -> bool {
    name.split('<')
        .skip(1)
        .filter_map(|rest| rest.split_once('>'))
        .any(|(placeholder, _)| !matches!(placeholder, "region" | "region-code"))
}

fn endpoint(input: &Input<'_>, site: &Site<'_>, key: EndpointKey, draft: Draft) -> PlannedEndpoint {
    let observed = input.names.and_then(|names| names.get(&key.host));
    let (addresses, cname) = addresses(site, &key, observed, draft.hint.as_deref());
    let named = Named { name: &key.host, cname: &cname, hint: draft.hint.as_deref() };
    let by_name = site.by_name(named);
    let declared = worst(addresses.iter().map(|address| &address.declared)).cloned();
    let approved = worst(addresses.iter().map(|address| &address.approved)).cloned();
    let unresolved = match (observed, addresses.is_empty()) {
        (Some(observed), true) => {
            Some(observed.chosen().map_or_else(|| "no resolver".to_owned(), |view| label(&view.status)))
        }
        _ => None,
    };
    let private_link = private_link(input.zones, &key, &draft);
    PlannedEndpoint {
        id: key.to_string(),
        port: key.port,
        probe: key.probe,
        requirement: draft.workloads.values().copied().max().unwrap_or(Requirement::Optional),
        workloads: draft.workloads.into_keys().collect(),
        purpose: draft.purpose.filter(|purpose| !purpose.is_empty()),
        pattern: draft.pattern,
        declared: declared.unwrap_or(by_name.0),
        approved: approved.unwrap_or(by_name.1),
        addresses,
        host: key.host,
        cname,
        unresolved,
        private_link,
    }
}

/// Every address of every resolver, each judged with the aliases of the view it is from; and the aliases to show.
fn addresses(
    site: &Site<'_>,
    key: &EndpointKey,
    observed: Option<&DnsObservation>,
    hint: Option<&str>,
) -> (Vec<PlannedAddress>, Vec<String>) {
    let mut all: Vec<PlannedAddress> = Vec::new();
    let mut add = |ip: IpAddr, cname: &[String]| {
        if all.iter().any(|known| known.ip == ip) {
            return;
        }
        let (declared, approved) = site.by_address(Named { name: &key.host, cname, hint }, ip);
        let name = key.ip().is_none().then_some(key.host.as_str());
        all.push(PlannedAddress { ip, owner: owner(ip, name, site.tables), declared, approved });
    };
    if let Some(ip) = key.ip() {
        add(ip, &[]);
    }
    let mut shown = Vec::new();
    for view in observed.map(|observed| observed.views.as_slice()).unwrap_or_default() {
        let cname: Vec<String> = view.cname.iter().map(|alias| alias.target.clone()).collect();
        for answer in &view.answers {
            add(answer.ip, &cname);
        }
        if shown.is_empty() || view.status == DnsStatus::Ok {
            shown = cname;
        }
    }
    (all, shown)
}

/// What the catalogue says; else Resource Manager's zone; else, for the operator's own names, what the table of zones says.
fn private_link(zones: &PrivateZones, key: &EndpointKey, draft: &Draft) -> Option<PrivateLink> {
    if key.ip().is_some() {
        return None;
    }
    let known = zones.of(&key.host);
    if let Some(zone) = &draft.private_link {
        let service = known.map(|(_, service)| service.to_owned());
        return Some(PrivateLink { zone: zone.clone(), service, if_yours: false });
    }
    let (zone, service) = known.filter(|_| draft.own || zones.is_single(&key.host))?;
    let if_yours = !zones.is_single(&key.host);
    Some(PrivateLink { zone: zone.to_owned(), service: Some(service.to_owned()), if_yours })
}
