//! Per workload: what the Internet remains necessary for, even with everything approved; and what cannot be told.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::{IpNet, Ipv4Net};

use super::by_name::sets;
use super::input::Input;
use super::judged::is_carried;
use super::report::{InternetNeed, NeedKind, NotTold, PlannedEndpoint, PlannedPattern, PlannedWorkload};
use super::words;
use crate::catalog::Catalog;
use crate::config::{ClientProfile, Workload};
use crate::eligibility::{Eligibility, Outcome, Rule};
use crate::tables::{Tables, Tag, TagMatch};
use crate::target::Requirement;

/// The catalogue of the CA hosts that Azure documents.
const CA_CATALOG: &str = "azure-ca-revocation";

/// What all workloads want.
pub(super) struct Wanted<'a> {
    pub endpoints: &'a [PlannedEndpoint],
    pub patterns: &'a [PlannedPattern],
    /// By endpoint id: which workload needs it how badly.
    pub by: &'a BTreeMap<String, BTreeMap<String, Requirement>>,
}

/// One workload's answer.
pub(super) fn workload(input: &Input<'_>, one: &Workload, wanted: &Wanted<'_>) -> PlannedWorkload {
    let mut groups = Groups { tables: input.tables, needs: BTreeMap::new(), not_told: BTreeMap::new() };
    let (mut counts, mut if_address, mut private, mut tls) = ([0_usize; 4], 0, BTreeSet::new(), false);
    let own = |endpoint: &&PlannedEndpoint| endpoint.workloads.contains(&one.name);
    for endpoint in wanted.endpoints.iter().filter(own) {
        let needs = wanted.by.get(&endpoint.id).and_then(|by| by.get(&one.name));
        let needed = needs.is_none_or(|requirement| *requirement > Requirement::Optional);
        tls |= endpoint.probe.uses_tls();
        counts[match endpoint.declared.result {
            Outcome::Eligible | Outcome::Internal => 0,
            Outcome::Conditional => 1,
            Outcome::NotEligible => 2,
            Outcome::Unknown => 3,
        }] += 1;
        if is_carried(&endpoint.approved) {
            if_address += usize::from(endpoint.approved.result == Outcome::Conditional);
            continue;
        }
        if let Some(link) = &endpoint.private_link {
            let service = if link.if_yours { ", if the resource is yours" } else { "" };
            private.insert(format!("{} (zone {}{service})", endpoint.host, link.zone));
            if !link.if_yours {
                continue;
            }
        }
        groups.add(&endpoint.host, &endpoint.approved, needed, Some(endpoint));
    }
    let mut sampled = Vec::new();
    for pattern in wanted.patterns.iter().filter(|pattern| pattern.workload == one.name) {
        let needed = pattern.requirement > Requirement::Optional;
        let is_sampled = pattern.why.starts_with(words::SAMPLED);
        if is_sampled {
            sampled.push(format!("{} ({})", pattern.pattern, pattern.why));
        }
        // What a wildcard's samples could not tell, its name cannot either.
        let told = pattern.declared.result == Outcome::NotEligible || !is_sampled;
        if told && !is_carried(&pattern.declared) {
            groups.add(&pattern.pattern, &pattern.declared, needed, None);
            // It stays among what cannot be told: nobody has looked whether such an endpoint exists.
            private
                .extend(pattern.private_zone.iter().map(|zone| format!("{} (zone {zone})", pattern.pattern)));
        }
    }
    let chosen: Vec<&Catalog> =
        input.catalogs.iter().filter(|catalog| one.catalogs.contains(&catalog.service)).collect();
    for catalog in &chosen {
        groups.tags(&catalog.service_tags);
    }
    if tls {
        groups.authorities(input.catalogs, one.client_profile);
    }
    let mut internet: Vec<InternetNeed> = groups.needs.into_values().collect();
    let not_told: Vec<NotTold> = groups.not_told.into_values().collect();
    for need in &mut internet {
        need.why = words::why(need.kind, one.client_profile).to_owned();
    }
    let mut notes: Vec<String> = chosen
        .iter()
        .flat_map(|catalog| catalog.notes.iter().map(|note| format!("{}: {note}", catalog.service)))
        .collect();
    if let Some(proxy) = &one.proxy {
        notes.push(format!(
            "it goes through the proxy {proxy}: what is said here holds for direct connections"
        ));
    }
    let private: Vec<String> = private.into_iter().collect();
    PlannedWorkload {
        sentence: words::sentence(&words::Told {
            name: &one.name,
            destinations: counts.iter().sum(),
            if_address,
            internet: &internet,
            private: &private,
            not_told: &not_told,
            sampled: sampled.len(),
        }),
        name: one.name.clone(),
        catalogs: one.catalogs.clone(),
        eligible: counts[0],
        conditional: counts[1],
        if_address,
        not_eligible: counts[2],
        unknown: counts[3],
        internet,
        private_endpoints: private,
        not_told,
        sampled,
        notes,
    }
}

struct Groups<'a> {
    tables: &'a Tables,
    needs: BTreeMap<NeedKind, InternetNeed>,
    not_told: BTreeMap<String, NotTold>,
}

impl Groups<'_> {
    /// One destination that ExpressRoute does not carry for certain; `name` may be a wildcard.
    fn add(&mut self, name: &str, approved: &Eligibility, needed: bool, endpoint: Option<&PlannedEndpoint>) {
        if approved.result != Outcome::NotEligible {
            let reason = match (endpoint, approved.reason.as_str()) {
                (None, "no_address") if name.contains('*') => "name_only",
                (None, "no_address") => "unbound",
                (_, reason) => reason,
            };
            let group = self.not_told.entry(reason.to_owned()).or_insert_with(|| NotTold {
                reason: reason.to_owned(),
                why: words::not_told(reason).to_owned(),
                needed: Vec::new(),
                optional: Vec::new(),
            });
            let list = if needed { &mut group.needed } else { &mut group.optional };
            push(list, name);
            return;
        }
        let kind = match approved.rule {
            Rule::El6 | Rule::El7 => NeedKind::Microsoft365,
            Rule::El8 => self.unsupported(name, endpoint),
            Rule::El10 => NeedKind::ServiceTagOnly,
            Rule::El12 => NeedKind::MicrosoftNotAzure,
            Rule::El13 => NeedKind::ThirdParty,
            Rule::El0
            | Rule::El1
            | Rule::El2
            | Rule::El3
            | Rule::El4
            | Rule::El5
            | Rule::El9
            | Rule::El11
            | Rule::El14 => NeedKind::Other,
        };
        let sets = self.kept_off(name, endpoint);
        let group = self.group(kind);
        push(if needed { &mut group.needed } else { &mut group.optional }, name);
        if kind == NeedKind::Microsoft365 {
            for (id, required) in sets {
                let list =
                    if needed && required { &mut group.required_sets } else { &mut group.optional_sets };
                if !list.contains(&id) {
                    list.push(id);
                    list.sort_unstable();
                }
            }
            let required = group.required_sets.clone();
            group.optional_sets.retain(|id| !required.contains(id));
        }
    }

    fn group(&mut self, kind: NeedKind) -> &mut InternetNeed {
        self.needs.entry(kind).or_insert_with(|| InternetNeed {
            kind,
            needed: Vec::new(),
            optional: Vec::new(),
            service_tags: Vec::new(),
            required_sets: Vec::new(),
            optional_sets: Vec::new(),
            why: String::new(),
        })
    }

    /// The sets with expressRoute=false that own the name, its alias, or have the wildcard as it is written.
    fn kept_off(&self, name: &str, endpoint: Option<&PlannedEndpoint>) -> BTreeSet<(u32, bool)> {
        let aliases = endpoint.map(|endpoint| endpoint.cname.as_slice()).unwrap_or_default();
        let names = std::iter::once(name).chain(aliases.iter().map(String::as_str));
        let own = names.map(|name| sets(name, self.tables)).find(|found| !found.is_empty());
        let own = own.unwrap_or_default().into_iter().map(|found| found.set);
        let all = self.tables.m365.as_ref().map(|m365| m365.sets()).unwrap_or_default();
        let written = all
            .iter()
            .filter(|set| set.patterns.iter().any(|(text, _)| crate::target::canonical_host(text) == name));
        own.chain(written).filter(|set| !set.express_route).map(|set| (set.id, set.required)).collect()
    }

    fn unsupported(&self, name: &str, endpoint: Option<&PlannedEndpoint>) -> NeedKind {
        let aliases = endpoint.map(|endpoint| endpoint.cname.as_slice()).unwrap_or_default();
        let names: Vec<&str> = std::iter::once(name).chain(aliases.iter().map(String::as_str)).collect();
        let addresses = endpoint.map(|endpoint| endpoint.addresses.as_slice()).unwrap_or_default();
        let tags = self.tables.service_tags.as_ref();
        let tags: Vec<TagMatch<'_>> =
            addresses.iter().flat_map(|a| tags.map(|tags| tags.of(a.ip)).unwrap_or_default()).collect();
        let service = self.tables.support.unsupported(&names, &tags).map(|found| found.service);
        kind_of(service.as_deref().unwrap_or_default())
    }

    /// Tags that the service's page asks for, of services that Microsoft peering does not support.
    fn tags(&mut self, tags: &[String]) {
        for name in tags {
            let tag = Tag { name: name.clone(), region: String::new() };
            let found = TagMatch { tag: &tag, prefix: IpNet::V4(Ipv4Net::default()) };
            if let Some(unsupported) = self.tables.support.unsupported(&[], &[found]) {
                push(&mut self.group(kind_of(&unsupported.service)).service_tags, name);
            }
        }
    }

    /// The documented CA hosts: what the certificates of the destinations usually name.
    fn authorities(&mut self, catalogs: &[Catalog], profile: ClientProfile) {
        let documented = catalogs.iter().filter(|catalog| catalog.service == CA_CATALOG);
        let hosts: Vec<&str> =
            documented.flat_map(|catalog| catalog.entries.iter().map(|entry| entry.name.as_str())).collect();
        if hosts.is_empty() {
            return;
        }
        let group = self.group(NeedKind::CertificateAuthorities);
        let list = if profile.follows_pointers() { &mut group.needed } else { &mut group.optional };
        for host in hosts {
            push(list, host);
        }
    }
}

fn kind_of(service: &str) -> NeedKind {
    match service {
        "Azure Front Door" | "Content Delivery Network" => NeedKind::ContentNetworks,
        _ => NeedKind::UnsupportedService,
    }
}

fn push(list: &mut Vec<String>, name: &str) {
    if !list.iter().any(|known| known == name) {
        list.push(name.to_owned());
    }
}
