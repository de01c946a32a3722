//! From a catalogue and a workload's parameters to endpoints (R1), with everything that could not become one.
//!
//! Parameters bind placeholders (`region = "japaneast"` for `<region>`), switch features on (`features = "ssh, esu"`, or the
//! feature's own name), and name hosts for wildcards (`"*.servicebus.windows.net" = "a.servicebus.windows.net"`), as a list with commas or
//! as the JSON list that the service answered (W7).

use std::collections::BTreeMap;

use super::{Catalog, Entry, Need, Pattern, Protocol};
use crate::target::{EndpointKey, Probe, Requirement, canonical_host};

/// What a catalogue becomes for one workload.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expansion {
    /// To be reached; each key once, with its strongest requirement; in order of keys.
    pub endpoints: Vec<CatalogEndpoint>,
    /// Entries, or samples of entries, that became nothing.
    pub skipped: Vec<Skipped>,
    /// Wildcards of which only samples are looked at (W3).
    pub sampled: Vec<Sampled>,
}

impl Expansion {
    /// Whether something needed could not be looked at, so that the workload cannot be called closed (W4).
    pub fn forbids_closed(&self) -> bool {
        self.skipped.iter().any(|skipped| skipped.requirement > Requirement::Optional)
    }
}

/// An endpoint that a catalogue asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogEndpoint {
    /// What to reach.
    pub key: EndpointKey,
    /// How badly.
    pub requirement: Requirement,
    /// For what.
    pub purpose: String,
    /// The wildcard it stands for.
    pub pattern: Option<String>,
    /// Private DNS zone of its private endpoint.
    pub private_link: Option<String>,
}

/// An entry that could not be made into an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The entry's name as the catalogue has it.
    pub pattern: String,
    /// How badly it would have been needed.
    pub requirement: Requirement,
    /// Why it was skipped.
    pub why: Why,
}

/// Why an entry was skipped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// A placeholder without a parameter (W4).
    #[error("no parameter gives a value for <{0}>")]
    Unbound(String),
    /// A wildcard without a known name (W3).
    #[error("a wildcard of which no name is known")]
    NoSamples,
    /// A wildcard without a known name, and the URL that tells them (W7).
    #[error(
        "a wildcard of which no name is known: GET {0} tells them; give its answer in the parameter of the wildcard's name"
    )]
    Untold(String),
    /// What the parameter gives is not a host name, or does not match.
    #[error("`{0}` is not a host name that matches")]
    Invalid(String),
    /// No probe speaks the protocol.
    #[error("nothing can probe UDP port {0}")]
    NoProbe(u16),
}

/// A wildcard that was sampled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sampled {
    /// The wildcard.
    pub pattern: String,
    /// How many names stand for it.
    pub count: usize,
}

impl Catalog {
    /// The endpoints for one workload.
    pub fn expand(&self, parameters: &BTreeMap<String, String>) -> Expansion {
        let mut expansion = Expansion::default();
        let mut endpoints: BTreeMap<EndpointKey, CatalogEndpoint> = BTreeMap::new();
        for entry in &self.entries {
            let requirement = entry.requirement(parameters);
            let mut skip = |why| {
                expansion.skipped.push(Skipped { pattern: entry.name.clone(), requirement, why });
            };
            let (hosts, problems) = hosts(entry, parameters);
            problems.into_iter().for_each(&mut skip);
            let mut probed = 0;
            for host in &hosts {
                for &port in &entry.ports {
                    let Some(probe) = probe(entry.proto, port) else {
                        skip(Why::NoProbe(port));
                        continue;
                    };
                    probed += 1;
                    let key = EndpointKey::new(host, port, probe);
                    let endpoint = CatalogEndpoint {
                        key: key.clone(),
                        requirement,
                        purpose: entry.purpose.clone(),
                        pattern: entry.is_wildcard().then(|| entry.name.clone()),
                        private_link: entry.private_link.clone(),
                    };
                    // The strongest entry speaks for a destination that several name.
                    if endpoints.get(&key).is_none_or(|known| known.requirement < requirement) {
                        endpoints.insert(key, endpoint);
                    }
                }
            }
            if entry.is_wildcard() && probed > 0 {
                expansion.sampled.push(Sampled { pattern: entry.name.clone(), count: hosts.len() });
            }
        }
        expansion.endpoints = endpoints.into_values().collect();
        expansion
    }
}

/// Whether some catalogue names the host, as itself, as a sample or by a wildcard (F15).
pub fn contains(catalogs: &[Catalog], host: &str) -> bool {
    let host = canonical_host(host);
    catalogs.iter().flat_map(|catalog| &catalog.entries).any(|entry| {
        entry.pattern().matches(&host).is_some()
            || entry
                .samples
                .iter()
                .any(|s| Pattern::new(&placeholders_as_wildcards(s)).matches(&host).is_some())
    })
}

/// `<region>.x` as `*.x`.
pub(super) fn placeholders_as_wildcards(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    let mut rest = name;
    while let Some((before, _, after)) = split_placeholder(rest) {
        text.push_str(before);
        text.push('*');
        rest = after;
    }
    text + rest
}

/// Whether a sample matches its entry's wildcard or is its bare parent (W2).
pub(super) fn stands_for(sample: &str, entry: &Entry) -> bool {
    let plain = placeholders_as_wildcards(sample).replace('*', "x");
    let parent = entry.name.strip_prefix("*.").map(|p| placeholders_as_wildcards(p).replace('*', "x"));
    entry.pattern().matches(&plain).is_some() || parent.is_some_and(|parent| parent == plain)
}

impl Entry {
    /// How badly a workload with these parameters needs it.
    pub fn requirement(&self, parameters: &BTreeMap<String, String>) -> Requirement {
        requirement(&self.need, parameters)
    }
}

fn requirement(need: &Need, parameters: &BTreeMap<String, String>) -> Requirement {
    let named = |feature: &str| {
        let listed = parameters.get("features").is_some_and(|list| values(list).any(|item| item == feature));
        listed || parameters.get(feature).is_some_and(|value| !matches!(value.trim(), "" | "false" | "no"))
    };
    match need {
        Need::Always => Requirement::Hard,
        Need::Install => Requirement::Deferred,
        Need::Feature(feature) if named(feature) => Requirement::Hard,
        Need::Feature(_) | Need::Optional => Requirement::Optional,
    }
}

/// The hosts an entry stands for, and why others are missing.
fn hosts(entry: &Entry, parameters: &BTreeMap<String, String>) -> (Vec<String>, Vec<Why>) {
    let named = parameters.get(&entry.name).map(String::as_str).unwrap_or_default();
    let candidates: Vec<&str> = match entry.is_wildcard() {
        true => entry.samples.iter().map(String::as_str).chain(values(named)).collect(),
        false => vec![entry.name.as_str()],
    };
    let (mut hosts, mut problems) = (Vec::new(), Vec::new());
    for candidate in candidates {
        match bind(candidate, parameters) {
            Ok(host) if is_host_name(&host) && (!entry.is_wildcard() || stands_for(&host, entry)) => {
                if !hosts.contains(&host) {
                    hosts.push(host);
                }
            }
            Ok(host) => problems.push(Why::Invalid(host)),
            Err(placeholder) => problems.push(Why::Unbound(placeholder)),
        }
    }
    if entry.is_wildcard() && !hosts.is_empty() {
        // Another sample stands for it: a wildcard is never complete anyway (W3).
        problems.retain(|why| matches!(why, Why::Invalid(_)));
    }
    if hosts.is_empty() && problems.is_empty() {
        // With its placeholders where nothing binds them: the operator knows what to put in.
        let from =
            entry.names_from.as_ref().map(|from| filled(from, parameters).unwrap_or_else(|_| from.clone()));
        problems.push(from.map_or(Why::NoSamples, Why::Untold));
    }
    (hosts, problems)
}

/// Fills the placeholders in; the first one without a value is the error.
fn bind(name: &str, parameters: &BTreeMap<String, String>) -> Result<String, String> {
    filled(name, parameters).map(|name| canonical_host(&name))
}

/// The same for any text.
fn filled(name: &str, parameters: &BTreeMap<String, String>) -> Result<String, String> {
    let mut text = String::with_capacity(name.len());
    let mut rest = name;
    while let Some((before, placeholder, after)) = split_placeholder(rest) {
        let value = parameters.get(placeholder).or_else(|| parameters.get(&placeholder.replace('-', "_")));
        text.push_str(before);
        text.push_str(value.ok_or_else(|| placeholder.to_owned())?.trim());
        rest = after;
    }
    Ok(text + rest)
}

fn split_placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('<')?;
    let (placeholder, after) = rest.split_once('>')?;
    Some((before, placeholder, after))
}

/// `a, b`, or `["a", "b"]` as a service answers it.
fn values(list: &str) -> impl Iterator<Item = &str> {
    let around = |letter: char| letter.is_whitespace() || matches!(letter, '[' | ']' | '"');
    list.split(',').map(move |item| item.trim_matches(around)).filter(|item| !item.is_empty())
}

/// RFC 1123 §2.1, and underscores, which DNS carries.
fn is_host_name(host: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    host.len() <= 253 && host.contains('.') && host.split('.').all(label)
}

/// What speaks the protocol of a port; UDP only where a probe exists for it.
fn probe(proto: Protocol, port: u16) -> Option<Probe> {
    match (proto, port) {
        (Protocol::Tcp, 443) => Some(Probe::Tls),
        (Protocol::Tcp, 80) => Some(Probe::Http),
        (Protocol::Tcp, _) => Some(Probe::Tcp),
        (Protocol::Udp, 53) => Some(Probe::UdpDns),
        (Protocol::Udp, 123) => Some(Probe::Ntp),
        (Protocol::Udp, 3478..=3481) => Some(Probe::Stun),
        (Protocol::Udp, _) => None,
    }
}

#[cfg(test)]
mod tests;
