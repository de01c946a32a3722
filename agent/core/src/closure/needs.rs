//! Which workload needs what, and how badly: requirements flow from the roots along certificates and redirects (R3–R7).

use std::collections::BTreeMap;

use super::member::Picture;
use super::revocation::Revocations;
use crate::config::{ClientProfile, Plan};
use crate::pki::CertificateFacts;
use crate::pki::revocation::Said;
use crate::target::{EndpointKey, Origin, Requirement};

/// What all workloads need of a picture.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Needs {
    /// Per endpoint: the workloads it belongs to, and how badly they need it.
    pub of: BTreeMap<EndpointKey, BTreeMap<String, Need>>,
    /// What each workload needs one of.
    pub groups: Vec<Group>,
}

/// What one workload needs of one endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// How badly.
    pub requirement: Requirement,
    /// Whether it is a member of the workload's required set. What only certificates point to for clients that never
    /// check revocation (R4), and an echo (E8), are none: they are looked at and shown, and cannot make the workload leak.
    pub member: bool,
}

impl Need {
    fn at_least(self, other: Self) -> bool {
        self.requirement >= other.requirement && self.member >= other.member
    }

    fn max(self, other: Self) -> Self {
        let requirement = self.requirement.max(other.requirement);
        Self { requirement, member: self.member || other.member }
    }
}

/// Alternatives: a workload needs one of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The workload.
    pub workload: String,
    /// How badly.
    pub requirement: Requirement,
    /// Whether that is a guess, because the clients' behaviour is not known (DOMAIN §4.4.1).
    pub unsure: bool,
    /// What it is, in words.
    pub what: String,
    /// One suffices.
    pub choices: Vec<Choice>,
}

/// One alternative.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Choice {
    /// An endpoint must be obtainable.
    Endpoint(EndpointKey),
    /// A URL must be served.
    Url(String),
    /// Whether the certificate with this fingerprint is revoked must be known on this way, and it must not be.
    Revocation {
        /// The fingerprint.
        sha256: String,
        /// The forward proxy that the clients ask through.
        via: Option<String>,
    },
}

impl Group {
    fn offer(&mut self, choice: Choice) {
        if !self.choices.contains(&choice) {
            self.choices.push(choice);
        }
    }

    /// Whether one of the choices is to be had.
    pub fn satisfied(&self, picture: &Picture, revocations: &Revocations) -> bool {
        self.choices.iter().any(|choice| match choice {
            Choice::Revocation { sha256, via } => revocations.satisfied(via, sha256),
            Choice::Endpoint(key) => picture.members.get(key).is_some_and(super::Member::obtainable),
            Choice::Url(key) => picture.served(key),
        })
    }

    /// Whether it is about a certificate that is revoked: clients that look refuse the connection.
    pub fn revoked(&self, revocations: &Revocations) -> bool {
        self.choices.iter().any(|choice| match choice {
            Choice::Revocation { sha256, via } => revocations.revoked(via, sha256),
            Choice::Endpoint(_) | Choice::Url(_) => false,
        })
    }
}

/// How badly clients of a profile need an answer about revocation (R4), and whether that is a guess.
fn revocation(profile: ClientProfile) -> (Requirement, bool) {
    match profile {
        ClientProfile::CurlSchannel => (Requirement::Hard, false),
        ClientProfile::WindowsCryptoapi | ClientProfile::Dotnet => (Requirement::Soft, false),
        ClientProfile::Java | ClientProfile::Openssl | ClientProfile::Go | ClientProfile::None => {
            (Requirement::Optional, false)
        }
        ClientProfile::Unknown => (Requirement::Soft, true),
    }
}

/// Whether clients fetch the missing issuer of an incomplete chain (R5); those that do not fail with it (F37).
fn fetches_issuers(profile: ClientProfile) -> bool {
    match profile {
        ClientProfile::Java | ClientProfile::Openssl | ClientProfile::Go => false,
        ClientProfile::CurlSchannel
        | ClientProfile::WindowsCryptoapi
        | ClientProfile::Dotnet
        | ClientProfile::None
        | ClientProfile::Unknown => true,
    }
}

/// How badly they need the issuer of an incomplete chain.
fn missing_issuer(profile: ClientProfile) -> (Requirement, bool) {
    match profile {
        ClientProfile::CurlSchannel | ClientProfile::WindowsCryptoapi | ClientProfile::Dotnet => {
            (Requirement::Hard, false)
        }
        ClientProfile::Java | ClientProfile::Openssl | ClientProfile::Go | ClientProfile::None => {
            (Requirement::Optional, false)
        }
        ClientProfile::Unknown => (Requirement::Soft, true),
    }
}

/// What each workload needs of the picture.
pub fn needs(plan: &Plan, picture: &Picture) -> Needs {
    let mut needs = Needs::default();
    let mut groups: BTreeMap<(String, String), Group> = BTreeMap::new();
    let mut queue: Vec<(EndpointKey, String, Need)> = Vec::new();
    for root in &picture.roots.roots {
        let need = Need { requirement: root.requirement, member: root.origin != Origin::Echo };
        queue.push((root.key.clone(), root.workload.clone(), need));
        // Whether it is to be had where nothing can be followed is not known: the verdict says so.
        let routed = !picture.roots.unrouted.contains_key(&(root.workload.clone(), root.key.clone()));
        if !root.origin.is_only_watched() && routed {
            let of = (root.workload.clone(), root.group.clone());
            join(&mut groups, of, &root.group, (root.requirement, false))
                .offer(Choice::Endpoint(root.key.clone()));
        }
    }
    let profiles: BTreeMap<&str, ClientProfile> =
        plan.workloads.iter().map(|workload| (workload.name.as_str(), workload.client_profile)).collect();
    while let Some((key, workload, need)) = queue.pop() {
        let of_key = needs.of.entry(key.clone()).or_default();
        let known = of_key.get(&workload).copied();
        if known.is_some_and(|known| known.at_least(need)) {
            continue;
        }
        let need = known.map_or(need, |known| known.max(need));
        of_key.insert(workload.clone(), need);
        let requirement = need.requirement;
        let Some(member) = picture.members.get(&key) else { continue };
        let profile = profiles.get(workload.as_str()).copied().unwrap_or_default();
        let mut follow = |url: &str, need: Need| {
            let leads = picture.redirects(url).map(|url| url.endpoint.clone());
            queue.extend(leads.map(|endpoint| (endpoint, workload.clone(), need)));
        };
        if let Some(page) = &member.page {
            // The page itself is this endpoint; only where it redirects to is new.
            if let Some(next) = picture.urls.get(page).and_then(|url| url.next.as_ref()) {
                follow(next, need);
                for url in picture.redirects(next) {
                    let what = url.endpoint.to_string();
                    join(&mut groups, (workload.clone(), what.clone()), &what, (requirement, false))
                        .offer(Choice::Endpoint(url.endpoint.clone()));
                }
            }
        }
        let via = key.via.as_deref();
        let pointed = |requirement| Need { requirement, member: need.member && profile.follows_pointers() };
        for chain in &member.chains {
            if chain.incomplete && !fetches_issuers(profile) {
                // Nothing satisfies it: what the server does not send, these clients do not have.
                let what = format!("the issuer that {key} does not send");
                join(&mut groups, (workload.clone(), what.clone()), &what, (requirement, false));
            }
            // R8: delegated responders' certificates follow those of the chain.
            let mut certificates: Vec<&String> = chain.all().collect();
            let (of_chain, mut next) = (certificates.len(), 0);
            while let Some(sha256) = certificates.get(next).copied() {
                let delegated = next >= of_chain;
                next += 1;
                let Some(certificate) = picture.certificates.get(sha256) else { continue };
                if certificate.self_signed || picture.pool.trust().contains(sha256) {
                    continue;
                }
                let (wanted, unsure) = revocation(profile);
                let wanted = wanted.min(requirement);
                let crl = certificate.crl.iter().flatten().map(|url| (url, Origin::Crl));
                let ocsp = certificate.ocsp.iter().map(|url| (url, Origin::Ocsp));
                for (url, kind) in crl.chain(ocsp) {
                    let what = format!("revocation of \"{}\"", certificate.subject);
                    // By certificate, not by name: subjects may be empty, or alike under two issuers (DOMAIN §4.4.3).
                    let of = (workload.clone(), format!("{what} {sha256} {via:?}"));
                    // Whether a responder is revoked decides on its answer, which is a choice already.
                    if !delegated {
                        join(&mut groups, of, &what, (wanted, unsure))
                            .offer(Choice::Revocation { sha256: sha256.clone(), via: key.via.clone() });
                    }
                    let Some(link) = super::urls::parse(url, kind, None) else { continue };
                    let key = link.by(via).about(kind, 0, sha256).key;
                    follow(&key, pointed(wanted));
                    if let Some((delegate, _)) = picture.said(&key, sha256).and_then(Said::delegate)
                        && !certificates.contains(&delegate)
                    {
                        certificates.push(delegate);
                    }
                    // R4': without the delta, the complete CRL still counts.
                    for delta in picture.deltas(&key) {
                        follow(delta, pointed(wanted.min(Requirement::Soft)));
                    }
                }
                if delegated {
                    continue;
                }
                let issued_by = |other: &&CertificateFacts| other.subject == certificate.issuer;
                let presented =
                    chain.certificates.iter().filter_map(|sha256| picture.certificates.get(sha256));
                let issuer_there = presented.into_iter().any(|other| issued_by(&other))
                    || picture.pool.issuers(sha256).iter().any(|issuer| issuer.anchor);
                let (wanted, unsure) = match chain.incomplete && !issuer_there {
                    true => missing_issuer(profile),
                    false => (Requirement::Optional, false),
                };
                let wanted = wanted.min(requirement);
                for url in &certificate.ca_issuers {
                    let what = format!("issuer of \"{}\"", certificate.subject);
                    let of = (workload.clone(), format!("{what} {sha256} {via:?}"));
                    let group = join(&mut groups, of, &what, (wanted, unsure));
                    let Some(link) = super::urls::parse(url, Origin::Aia, None) else { continue };
                    let link = link.by(via);
                    group.offer(Choice::Url(link.key.clone()));
                    follow(&link.key, pointed(wanted));
                }
            }
        }
    }
    needs.groups = groups.into_values().collect();
    needs
}

/// The group of a workload with this identity, at least this much wanted, whether as a guess or not.
fn join<'a>(
    groups: &'a mut BTreeMap<(String, String), Group>,
    of: (String, String),
    what: &str,
    (requirement, unsure): (Requirement, bool),
) -> &'a mut Group {
    let workload = of.0.clone();
    let group = groups.entry(of).or_insert_with(|| Group {
        workload,
        requirement,
        unsure,
        what: what.to_string(),
        choices: Vec::new(),
    });
    group.requirement = group.requirement.max(requirement);
    group
}
