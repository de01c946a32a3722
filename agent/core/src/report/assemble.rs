//! From a judged round to the report: the one place where conclusions take their written form.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use super::address::{AddressReport, Transport};
use super::ca_url::ca_urls;
use super::endpoint::{Bypass, DnsReport, EndpointReport, Outside};
use super::handshake::handshake;
use super::untested::untested;
use super::{AgentReport, DataReport, Report, SCHEMA, WorkloadReport};
use crate::attribution::{Judged, Judgement, judge};
use crate::catalog::Catalog;
use crate::closure::{Chain, Member, Past, Picture, Seen};
use crate::config::Plan;
use crate::findings;
use crate::observation::{Contact, DnsObservation, DnsStatus, Neighbour};
use crate::pki::revocation::{Revocation, Staple};
use crate::rib::Rib;
use crate::tables::Tables;
use crate::target::{EndpointKey, Origin, is_private};
use crate::verdict::{self, Ruling};

/// A finished round.
#[derive(Debug)]
pub struct Round<'a> {
    /// The agent's version.
    pub version: &'a str,
    /// The plan.
    pub plan: &'a Plan,
    /// Catalogues in force.
    pub catalogs: &'a [Catalog],
    /// Tables in force.
    pub tables: &'a Tables,
    /// What was seen.
    pub picture: &'a Picture,
    /// What earlier rounds saw; with this one.
    pub past: &'a Past,
    /// The edge routers' tables, where they are listened to.
    pub rib: Option<&'a Rib>,
    /// This host's neighbours, by which gateways are known to be edge routers.
    pub neighbours: &'a [Neighbour],
    /// When it began.
    pub started_at: SystemTime,
    /// When it was complete.
    pub finished_at: SystemTime,
    /// What the edges could not do, in words.
    pub not_tested: Vec<String>,
}

/// The report on a round.
pub fn assemble(round: Round<'_>) -> Report {
    let Round { version, plan, catalogs, tables, picture, past, rib, neighbours, .. } = round;
    let Round { started_at, finished_at, not_tested, .. } = round;
    let judged = judge(plan, tables, picture, rib, neighbours, finished_at);
    let rulings: Vec<Ruling> =
        plan.workloads.iter().map(|workload| verdict::rule(&judged, workload, past)).collect();
    let verdicts: Vec<_> = plan
        .workloads
        .iter()
        .zip(&rulings)
        .map(|(workload, ruling)| (workload.policy, ruling.verdict))
        .collect();
    let verdict = verdict::overall(&verdicts);
    let workloads = plan.workloads.iter().zip(&rulings);
    Report {
        schema: SCHEMA.into(),
        agent: AgentReport { version: version.into(), site: plan.agent.site.clone() },
        started_at,
        finished_at,
        verdict,
        valid_until: valid_until(&judged, finished_at),
        workloads: workloads
            .map(|(workload, ruling)| WorkloadReport {
                name: workload.name.clone(),
                policy: workload.policy,
                verdict: ruling.verdict,
                reasons: ruling.reasons.clone(),
                breaks_at: judged.breaks_at(&workload.name, past),
            })
            .collect(),
        endpoints: picture.members.iter().map(|(key, member)| endpoint(&judged, key, member)).collect(),
        required_outside: picture.members.keys().filter_map(|key| outside(&judged, key)).collect(),
        ca_urls: ca_urls(&judged),
        findings: findings::find(&judged, catalogs, tables, past),
        data: tables.data_sets().into_iter().map(|set| data(set, finished_at)).collect(),
        not_tested: untested(&judged, not_tested),
    }
}

fn endpoint(judged: &Judged<'_>, key: &EndpointKey, member: &Member) -> EndpointReport {
    let addresses = member.addresses.iter().filter_map(|(ip, seen)| {
        let judgement = judged.of.get(key)?.get(ip)?;
        Some(address(judged, key, *ip, seen, judgement))
    });
    EndpointReport {
        id: key.to_string(),
        host: key.host.clone(),
        port: key.port,
        probe: key.probe,
        via: key.via.clone(),
        origins: member.origins.iter().copied().collect(),
        requirement: judged.requirement(key),
        required_by: member.required_by.iter().map(ToString::to_string).collect(),
        workloads: judged.workloads(key),
        class: judged.class(key),
        dns: dns(judged.picture.resolved(key)),
        addresses: addresses.collect(),
        bypass: judged
            .bypasses
            .get(key)
            .map(|direct| Bypass { reachable: direct.reachable, class: direct.class }),
    }
}

fn dns(observation: Option<&DnsObservation>) -> DnsReport {
    let Some(observation) = observation else {
        return DnsReport {
            status: DnsStatus::Timeout,
            resolver: String::new(),
            cname: Vec::new(),
            answers: Vec::new(),
        };
    };
    let mut answers = Vec::new();
    for answer in observation.views.iter().flat_map(|view| &view.answers) {
        if answers.iter().all(|known: &crate::observation::Answer| known.ip != answer.ip) {
            answers.push(*answer);
        }
    }
    let chosen = observation.chosen();
    DnsReport {
        status: chosen.map_or(DnsStatus::Timeout, |view| view.status),
        resolver: chosen.map(|view| view.resolver.clone()).unwrap_or_default(),
        cname: chosen
            .map(|view| view.cname.iter().map(|cname| cname.target.clone()).collect())
            .unwrap_or_default(),
        answers,
    }
}

fn address(
    judged: &Judged<'_>,
    key: &EndpointKey,
    ip: IpAddr,
    seen: &Seen,
    judgement: &Judgement,
) -> AddressReport {
    let mut timings = BTreeMap::new();
    let (reachable, failure, tls) = match seen {
        Seen::Pending => (false, None, None),
        Seen::Forbidden(failure) => (false, Some(failure.clone()), None),
        Seen::Observed(seen) => {
            if let Contact::Made(made) = &seen.contact {
                timings.insert("connect".to_string(), made.took.as_secs_f64());
            }
            if let Some(tls) = seen.tls.as_ref().filter(|tls| tls.failure.is_none()) {
                timings.insert("tls".to_string(), tls.took.as_secs_f64());
            }
            if let Some(rtt) = seen.round_trips.map(|series| series.mean).or(seen.tcp.map(|tcp| tcp.rtt)) {
                timings.insert("rtt".to_string(), rtt.as_secs_f64());
            }
            if let Some(series) = seen.round_trips {
                timings.insert("jitter".to_string(), series.jitter.as_secs_f64());
            }
            let of_tls = seen.tls.as_ref().and_then(|tls| tls.failure.clone());
            (seen.contact.made(), seen.contact.failure().cloned().or(of_tls), seen.tls.as_ref())
        }
    };
    AddressReport {
        ip,
        reachable,
        failure,
        timings,
        transport: match seen {
            Seen::Observed(seen) => Transport::of(seen),
            Seen::Pending | Seen::Forbidden(_) => None,
        },
        owner: judgement.owner.clone(),
        eligibility: judgement.eligibility.clone(),
        path: judgement.path.clone(),
        tls: tls.map(|tls| handshake(judged, key, ip, tls)),
    }
}

/// An entry of `required_outside`; `None` for what is on a closed path, black-holed inside, or only watched (DESIGN §4.5).
fn outside(judged: &Judged<'_>, key: &EndpointKey) -> Option<Outside> {
    let member = judged.picture.members.get(key)?;
    if member.is_only_watched() {
        return None;
    }
    let answering = judged.answering(key);
    let closed = |(ip, judgement): &(IpAddr, &Judgement)| {
        let refused = member.contacted().all(|made| made != *ip);
        verdict::is_closed_path(judged, judgement.path.class, judgement.path.confidence)
            || (refused && judgement.path.class.is_closed())
    };
    if !answering.is_empty() && answering.iter().all(closed) {
        return None;
    }
    let topology = &judged.plan.topology;
    let inside = |ip: &IpAddr| {
        let ip = ip.to_canonical();
        is_private(ip) || topology.onprem.iter().chain(&topology.vnet).any(|net| net.contains(&ip))
    };
    if answering.is_empty() && !member.addresses.is_empty() && member.addresses.keys().all(inside) {
        return None;
    }
    Some(Outside {
        host: key.host.clone(),
        port: key.port,
        why: why(judged, key, member),
        class: judged.class(key),
        reachable: member.contacted().next().is_some(),
        requirement: judged.requirement(key),
        workloads: judged.workloads(key),
    })
}

fn why(judged: &Judged<'_>, key: &EndpointKey, member: &Member) -> Vec<String> {
    /// More are a number; `required_by` of the endpoint names them all.
    const NAMED: usize = 3;
    let mut by: Vec<String> = member.required_by.iter().take(NAMED).map(ToString::to_string).collect();
    if member.required_by.len() > NAMED {
        by.push(format!("{} more", member.required_by.len() - NAMED));
    }
    let by = by.join(", ");
    member
        .origins
        .iter()
        .map(|origin| match origin {
            Origin::Catalog => "a catalogue of the workload names it".to_string(),
            Origin::Target => "a [[target]] names it".to_string(),
            Origin::Crl => format!("CRL of certificates presented by {by}"),
            Origin::Ocsp => format!("OCSP responder of certificates presented by {by}"),
            Origin::Aia => format!("issuer certificates (caIssuers) of what {by} presents"),
            Origin::Redirect => format!("{by} redirects to it"),
            Origin::Proxy => "forward proxy of the workload".to_string(),
            Origin::Resolver => "names are resolved there".to_string(),
            Origin::RootUpdate => "Windows fetches trusted roots there".to_string(),
            Origin::Ntp => "time source".to_string(),
            Origin::Echo => "tells the source address".to_string(),
            Origin::Canary => "canary".to_string(),
        })
        .chain(
            judged
                .picture
                .urls
                .values()
                .filter(|url| url.endpoint == *key && url.kind.is_ca())
                .map(|url| url.url.clone())
                .collect::<BTreeSet<String>>(),
        )
        .collect()
}

/// DOMAIN §4.2, 11, as far as this version knows: the first certificate of a presented chain, staple or answer on revocation
/// to expire.
fn valid_until(judged: &Judged<'_>, now: SystemTime) -> Option<SystemTime> {
    let picture = judged.picture;
    let chains = picture.members.values().flat_map(|member| &member.chains);
    let certificates = chains.flat_map(Chain::all).filter_map(|sha256| picture.certificates.get(sha256));
    let ends = certificates.map(|certificate| certificate.not_after);
    let staples = judged.revocations.staples.values().filter_map(|staple| match staple {
        Staple::Valid(answer) => answer.next_update,
        Staple::Absent | Staple::MissingThoughRequired | Staple::Refused { .. } => None,
    });
    let answers = judged.revocations.all().filter_map(|(_, revocation)| match revocation {
        Revocation::Good { until, .. } => Some(*until),
        Revocation::Revoked { .. } | Revocation::Undetermined { .. } | Revocation::NotChecked(_) => None,
    });
    ends.chain(staples).chain(answers).filter(|end| *end > now).min()
}

fn data(set: &crate::tables::DataSet, now: SystemTime) -> DataReport {
    DataReport {
        name: set.name.clone(),
        version: set.version.clone(),
        date: set.date.map(|date| humantime::format_rfc3339_seconds(date).to_string()[..10].to_string()),
        age_seconds: set.age(now).map(|age: Duration| age.as_secs_f64()),
        source: set.source.clone(),
    }
}
