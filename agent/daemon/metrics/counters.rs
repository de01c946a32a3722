//! What is counted over rounds: failures, changes of the path, changes of the link.

use std::collections::{BTreeMap, BTreeSet};

use closedpath_core::failure::label;
use closedpath_core::observation::DnsStatus;
use closedpath_core::report::{EndpointReport, Report};

/// Counts since the agent started; endpoints that left the closure are forgotten, so the counts stay bounded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counters {
    /// By host, port, step and code.
    pub probe_failures: BTreeMap<[String; 4], u64>,
    /// By host, port and via.
    pub path_changes: BTreeMap<[String; 3], u64>,
    /// By host, port and via.
    pub link_changes: BTreeMap<[String; 3], u64>,
}

impl Counters {
    /// Counts what the round `current` adds. A class that becomes unknown because nothing answers is a change, too.
    pub fn note(&mut self, previous: Option<&Report>, current: &Report) {
        let before: BTreeMap<&str, &EndpointReport> = previous
            .iter()
            .flat_map(|report| &report.endpoints)
            .map(|endpoint| (endpoint.id.as_str(), endpoint))
            .collect();
        let mut present = BTreeSet::new();
        for endpoint in &current.endpoints {
            let key =
                [endpoint.host.clone(), endpoint.port.to_string(), endpoint.via.clone().unwrap_or_default()];
            let path = self.path_changes.entry(key.clone()).or_default();
            let link = self.link_changes.entry(key.clone()).or_default();
            if let Some(earlier) = before.get(endpoint.id.as_str()) {
                if earlier.class != endpoint.class {
                    *path += 1;
                } else if links(earlier) != links(endpoint) {
                    *link += 1;
                }
            }
            for (step, code) in failures(endpoint) {
                let [host, port, _] = key.clone();
                *self.probe_failures.entry([host, port, step, code]).or_default() += 1;
            }
            present.insert(key);
        }
        self.path_changes.retain(|key, _| present.contains(key));
        self.link_changes.retain(|key, _| present.contains(key));
        let hosts: BTreeSet<(&str, &str)> =
            present.iter().map(|[host, port, _]| (host.as_str(), port.as_str())).collect();
        self.probe_failures.retain(|[host, port, ..], _| hosts.contains(&(host.as_str(), port.as_str())));
    }
}

/// The links in use, the possible ones where no single one is known.
fn links(endpoint: &EndpointReport) -> BTreeSet<&str> {
    let of = endpoint.addresses.iter().map(|address| &address.path);
    of.flat_map(|path| match &path.link {
        Some(link) => vec![link.as_str()],
        None => path.links.iter().map(String::as_str).collect(),
    })
    .collect()
}

fn failures(endpoint: &EndpointReport) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = endpoint
        .addresses
        .iter()
        .filter_map(|address| address.failure.as_ref())
        .map(|failure| (label(&failure.step), label(&failure.code)))
        .collect();
    let code = match endpoint.dns.status {
        DnsStatus::Ok => return found,
        // The code of a failure tells it from a refused connection.
        DnsStatus::Refused => "dns_refused".to_owned(),
        status @ (DnsStatus::Nxdomain
        | DnsStatus::Nodata
        | DnsStatus::Servfail
        | DnsStatus::Timeout
        | DnsStatus::Loop) => label(&status),
    };
    found.push(("resolve".to_owned(), code));
    found
}

#[cfg(test)]
mod tests {
    use super::Counters;
    use crate::render::sample;
    use closedpath_core::attribution::{Path, PathClass, Reason};

    fn key(host: &str, port: &str) -> [String; 3] {
        [host.to_owned(), port.to_owned(), String::new()]
    }

    #[test]
    fn a_class_that_changes_counts_once_and_a_link_only_under_the_same_class() {
        let first = sample::report();
        let mut second = first.clone();
        second.endpoints[0].addresses[0].path.link = Some("er-secondary".to_owned());
        second.endpoints[3].class = PathClass::Unknown;
        second.endpoints[3].addresses[0].path = Path::unknown(Reason::Unreachable, Vec::new());
        let mut counters = Counters::default();
        counters.note(None, &first);
        assert!(
            counters.path_changes.values().chain(counters.link_changes.values()).all(|count| *count == 0)
        );
        counters.note(Some(&first), &second);
        assert_eq!(counters.path_changes[&key("login.example", "443")], 1);
        assert_eq!(counters.link_changes[&key("login.example", "443")], 0);
        assert_eq!(counters.link_changes[&key("acct.blob.core.windows.net", "443")], 1);
        assert_eq!(counters.path_changes[&key("acct.blob.core.windows.net", "443")], 0);
    }

    #[test]
    fn failures_add_up_by_step_and_cause_and_a_gone_endpoint_is_forgotten() {
        let mut report = sample::report();
        let mut counters = Counters::default();
        counters.note(None, &report);
        counters.note(Some(&report.clone()), &report);
        let of = |words: [&str; 4]| words.map(str::to_owned);
        assert_eq!(counters.probe_failures[&of(["crl.example", "80", "connect", "timeout"])], 2);
        assert_eq!(counters.probe_failures[&of(["gone.example", "443", "resolve", "nxdomain"])], 2);
        report.endpoints.clear();
        counters.note(None, &report);
        assert_eq!(counters, Counters::default());
    }
}
