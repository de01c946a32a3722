//! What earlier rounds saw behind each endpoint: issuers and CA hosts. Chains rotate, and an allow-list that was built from
//! the old ones is too short for the new (F36, DOMAIN §4.4.3). And until when their answers on revocation hold (F39).

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::member::{Chain, Picture};
use super::revocation::revocations;
use crate::pki::fingerprint;
use crate::pki::revocation::Revocation;
use crate::target::{EndpointKey, Origin};

/// An endpoint that was not seen for so long is forgotten.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(90 * 86_400);
/// Who has not looked for so long, and for three intervals, has not observed in between.
const GAP: Duration = Duration::from_secs(2 * 3600);
/// Endpoints that are remembered.
const MOST: usize = 10_000;

/// What was seen, by endpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    endpoints: BTreeMap<String, Seen>,
    /// Until when the last verified answer on each certificate holds, in seconds since 1970, by fingerprint.
    #[serde(default)]
    answers: BTreeMap<String, u64>,
    /// Since when each workload's targets are observed without a gap.
    #[serde(default)]
    observed: BTreeMap<String, Span>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Span {
    #[serde(with = "humantime_serde")]
    since: SystemTime,
    #[serde(with = "humantime_serde")]
    last: SystemTime,
    /// What was observed: a target that is new was not.
    #[serde(default)]
    targets: String,
    /// What is no gap yet.
    #[serde(with = "humantime_serde")]
    gap: Duration,
}

impl Span {
    /// Whether a look at this time goes on with it; a clock that was set back proves no time.
    fn reaches(&self, now: SystemTime) -> bool {
        now.duration_since(self.last).is_ok_and(|gap| gap <= self.gap)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    #[serde(with = "humantime_serde")]
    since: SystemTime,
    #[serde(with = "humantime_serde")]
    last: SystemTime,
    /// By fingerprint.
    issuers: BTreeMap<String, First>,
    ca_hosts: BTreeMap<String, First>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct First {
    /// As people call it.
    name: String,
    #[serde(with = "humantime_serde")]
    seen: SystemTime,
}

/// What is new behind an endpoint, in words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// Issuers that sign its chains now and did not before.
    pub issuers: Vec<String>,
    /// CA hosts that its certificates point to now and did not before.
    pub ca_hosts: Vec<String>,
}

impl Past {
    /// Takes in what a round saw, of which there is one every `interval`. True if there is anything to be written down.
    pub fn remember(&mut self, picture: &Picture, interval: Duration, now: SystemTime) -> bool {
        let before = self.clone();
        for (key, member) in picture.members.iter().filter(|(_, member)| !member.chains.is_empty()) {
            let fresh =
                || Seen { since: now, last: now, issuers: BTreeMap::new(), ca_hosts: BTreeMap::new() };
            let seen = self.endpoints.entry(key.to_string()).or_insert_with(fresh);
            seen.last = now;
            for sha256 in member.chains.iter().flat_map(issuers) {
                let name = picture.certificates.get(sha256).map_or(sha256, |facts| &facts.subject);
                let first = || First { name: name.clone(), seen: now };
                seen.issuers.entry(sha256.clone()).or_insert_with(first);
            }
        }
        for (key, member) in &picture.members {
            for by in member.required_by.iter().map(ToString::to_string) {
                if let Some(seen) = self.endpoints.get_mut(&by) {
                    let first = || First { name: key.host.clone(), seen: now };
                    seen.ca_hosts.entry(key.host.clone()).or_insert_with(first);
                }
            }
        }
        self.remember_answers(picture, now);
        self.remember_workloads(picture, GAP.max(interval * 3), now);
        let recent = |seen: &Seen| now.duration_since(seen.last).unwrap_or_default() < FORGOTTEN_AFTER;
        self.endpoints.retain(|_, seen| recent(seen));
        while self.endpoints.len() > MOST {
            self.endpoints.pop_last();
        }
        // The time alone is written down once a day, that of the workloads once in half a gap.
        let told = |past: &Self| -> Vec<_> {
            let day = |at: SystemTime| {
                at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs() / 86_400
            };
            let endpoints = past.endpoints.iter();
            endpoints
                .map(|(id, it)| (id.clone(), day(it.last), it.issuers.clone(), it.ca_hosts.clone()))
                .collect()
        };
        let span = |past: &Self| -> Vec<_> {
            let half = |at: SystemTime| {
                at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs() / (GAP.as_secs() / 2)
            };
            past.observed.iter().map(|(name, span)| (name.clone(), span.since, half(span.last))).collect()
        };
        told(&before) != told(self) || before.answers != self.answers || span(&before) != span(self)
    }

    /// How long a workload has been observed until now without a gap (DOMAIN §4.2, 4).
    pub fn observed_for(&self, workload: &str, now: SystemTime) -> Duration {
        let span = self.observed.get(workload).filter(|span| span.reaches(now));
        span.and_then(|span| now.duration_since(span.since).ok()).unwrap_or_default()
    }

    fn remember_workloads(&mut self, picture: &Picture, gap: Duration, now: SystemTime) {
        let mut targets: BTreeMap<&String, BTreeSet<String>> = BTreeMap::new();
        for root in &picture.roots.roots {
            let of_workload = targets.entry(&root.workload).or_default();
            if matches!(root.origin, Origin::Target | Origin::Catalog) {
                of_workload.insert(root.key.to_string());
            }
        }
        self.observed.retain(|name, _| targets.contains_key(name));
        for (name, keys) in targets {
            let targets = fingerprint(Vec::from_iter(keys).join(" ").as_bytes());
            let goes_on = |span: &&Span| span.reaches(now) && span.targets == targets;
            let since = self.observed.get(name).filter(goes_on).map_or(now, |span| span.since);
            self.observed.insert(name.clone(), Span { since, last: now, targets, gap });
        }
    }

    /// F39: until when clients that have the last verified answer on a certificate need no other.
    pub fn answered_until(&self, sha256: &str) -> Option<SystemTime> {
        self.answers.get(sha256).map(|seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(*seconds))
    }

    fn remember_answers(&mut self, picture: &Picture, now: SystemTime) {
        let seconds =
            |at: SystemTime| at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        for (sha256, revocation) in revocations(picture, now).all() {
            match revocation {
                Revocation::Good { until, .. } => {
                    self.answers.insert(sha256.clone(), seconds(*until));
                }
                Revocation::Revoked { .. } => {
                    self.answers.remove(sha256);
                }
                Revocation::Undetermined { .. } | Revocation::NotChecked(_) => {}
            }
        }
        self.answers.retain(|_, until| *until > seconds(now));
        while self.answers.len() > MOST {
            self.answers.pop_last();
        }
    }

    /// What became new behind an endpoint within `window`, after it was first seen.
    pub fn change(&self, key: &EndpointKey, window: Duration, now: SystemTime) -> Option<Change> {
        let seen = self.endpoints.get(&key.to_string())?;
        let new = |first: &&First| {
            first.seen > seen.since && now.duration_since(first.seen).unwrap_or_default() < window
        };
        let names =
            |of: &BTreeMap<String, First>| of.values().filter(new).map(|first| first.name.clone()).collect();
        let change = Change { issuers: names(&seen.issuers), ca_hosts: names(&seen.ca_hosts) };
        (change != Change::default()).then_some(change)
    }

    /// Whether an endpoint was seen before this moment at all.
    pub fn is_empty(&self) -> bool {
        self.endpoints.is_empty()
    }
}

/// All but the leaf, which is renewed all the time.
fn issuers(chain: &Chain) -> impl Iterator<Item = &String> {
    chain.certificates.iter().skip(1).chain(&chain.completed)
}
