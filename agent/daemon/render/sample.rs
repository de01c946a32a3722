//! Small reports made by hand, for the tests of this crate.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use closedpath_core::attribution::{Confidence, Evidence, Path, PathClass, Plane, Reason, Strength};
use closedpath_core::config::{Edge, Policy};
use closedpath_core::eligibility::{Eligibility, Outcome, Owner, Peering, Rule};
use closedpath_core::failure::{Code, Failure, Step};
use closedpath_core::findings::{Finding, FindingId, Severity};
use closedpath_core::observation::{Answer, DnsStatus};
use closedpath_core::pki::TlsVerdict;
use closedpath_core::report::{
    AddressReport, AgentReport, CaUrl, CertificateReport, DataReport, DnsReport, EndpointReport, Outside,
    Report, Revocation, RevocationOfCertificate, RevocationStatus, SCHEMA, Stapled, TlsReport,
    WorkloadReport,
};
use closedpath_core::target::{EndpointKey, Origin, Probe, Requirement};
use closedpath_core::verdict::Verdict;

/// 2026-11-01T00:00:00Z.
pub(crate) fn at() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_793_491_200)
}

/// An endpoint without addresses.
pub(crate) fn endpoint(host: &str, port: u16, probe: Probe) -> EndpointReport {
    EndpointReport {
        id: EndpointKey::new(host, port, probe).to_string(),
        host: host.to_owned(),
        port,
        probe,
        via: None,
        origins: vec![Origin::Target],
        requirement: Requirement::Hard,
        required_by: Vec::new(),
        workloads: vec!["arc".to_owned()],
        class: PathClass::Unknown,
        dns: DnsReport {
            status: DnsStatus::Nxdomain,
            resolver: "onprem".to_owned(),
            cname: Vec::new(),
            answers: Vec::new(),
        },
        addresses: Vec::new(),
        bypass: None,
    }
}

/// An address that answered in 4 ms by `class`.
pub(crate) fn address(ip: &str, class: PathClass, link: &str) -> AddressReport {
    let ip: IpAddr = ip.parse().expect("an address");
    let (result, rule, reason) = match class {
        PathClass::ErPrivate => (Outcome::Eligible, Rule::El1, "vnet"),
        _ => (Outcome::NotEligible, Rule::El13, "third_party"),
    };
    AddressReport {
        ip,
        reachable: true,
        failure: None,
        timings: BTreeMap::from([("connect".to_owned(), 0.004)]),
        transport: None,
        owner: Owner::default(),
        eligibility: Eligibility {
            result,
            rule,
            peering: (result == Outcome::Eligible).then_some(Peering::Private),
            community: None,
            reason: reason.to_owned(),
            conditions: Vec::new(),
            facts: Vec::new(),
            routable: None,
            supported: None,
        },
        path: Path {
            class,
            edge: Some(if class.is_closed() { Edge::ErPrivate } else { Edge::Internet }),
            exit: None,
            link: Some(link.to_owned()),
            links: vec![link.to_owned()],
            circuit: None,
            confidence: Confidence::Confirmed,
            encryption: Vec::new(),
            reason: None,
            route_only: None,
            evidence: vec![Evidence {
                id: "E6".to_owned(),
                plane: Plane::Data,
                strength: Strength::A,
                says: format!("hop 2 is 203.0.113.2, which only {link} has"),
                at: at(),
            }],
        },
        tls: None,
    }
}

/// `endpoint` with one address that answered.
pub(crate) fn reached(mut endpoint: EndpointReport, address: AddressReport) -> EndpointReport {
    endpoint.class = address.path.class;
    endpoint.dns.status = DnsStatus::Ok;
    endpoint.dns.answers.push(Answer { ip: address.ip, ttl: 60 });
    endpoint.addresses.push(address);
    endpoint
}

/// One closed endpoint, one leak, one dead CA host, one name that does not exist.
pub(crate) fn report() -> Report {
    let mut closed = reached(
        endpoint("acct.blob.core.windows.net", 443, Probe::Tls),
        address("10.100.0.4", PathClass::ErPrivate, "er-primary"),
    );
    closed.dns.cname = vec!["acct.privatelink.blob.core.windows.net".to_owned()];
    closed.addresses[0].timings.insert("tls".to_owned(), 0.011);
    closed.addresses[0].tls = Some(tls());
    let leak = reached(
        endpoint("login.example", 443, Probe::Tcp),
        address("198.51.100.7", PathClass::InternetDirect, "isp"),
    );
    let mut dead = address("203.0.113.80", PathClass::Unknown, "isp");
    dead.reachable = false;
    dead.failure = Some(Failure::new(Step::Connect, Code::Timeout, "no answer within 5 s"));
    dead.timings.clear();
    dead.path = Path::unknown(Reason::Unreachable, Vec::new());
    dead.path.route_only = Some(PathClass::InternetDirect);
    let mut ca = reached(endpoint("crl.example", 80, Probe::Http), dead);
    ca.origins = vec![Origin::Crl];
    ca.requirement = Requirement::Soft;
    ca.required_by = vec![closed.id.clone()];
    let gone = endpoint("gone.example", 443, Probe::Tls);
    Report {
        schema: SCHEMA.to_owned(),
        agent: AgentReport { version: "0.1.0".to_owned(), site: "tokyo-dc1".to_owned() },
        started_at: at(),
        finished_at: at() + Duration::from_secs(7),
        verdict: Verdict::NotClosed,
        valid_until: None,
        workloads: vec![WorkloadReport {
            name: "arc".to_owned(),
            policy: Policy::Closed,
            verdict: Verdict::NotClosed,
            reasons: vec!["login.example:443/tcp leaves by internet_direct (confirmed)".to_owned()],
            breaks_at: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_500_000)),
        }],
        ca_urls: vec![CaUrl {
            url: "http://crl.example/a.crl".to_owned(),
            kind: Origin::Crl,
            endpoint: "crl.example:80/http".to_owned(),
            served: true,
            problem: None,
            moved_to: None,
            certificates: 1,
            this_update: Some(at()),
            next_update: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_600_000)),
            took: Some(0.02),
        }],
        endpoints: vec![closed, ca, gone, leak],
        required_outside: vec![Outside {
            host: "crl.example".to_owned(),
            port: 80,
            why: vec!["CRL of acct.blob.core.windows.net".to_owned()],
            class: PathClass::Unknown,
            reachable: false,
            requirement: Requirement::Soft,
            workloads: vec!["arc".to_owned()],
        }],
        findings: vec![Finding {
            id: FindingId::F02,
            name: FindingId::F02.name().to_owned(),
            severity: Severity::High,
            subject: "login.example:443/tcp".to_owned(),
            workloads: vec!["arc".to_owned()],
            detail: "it goes by internet_direct over isp".to_owned(),
            remedy: "take it off the Internet or declare it as an exception".to_owned(),
        }],
        data: vec![DataReport {
            name: "service-tags".to_owned(),
            version: "376".to_owned(),
            date: Some("2025-11-10".to_owned()),
            age_seconds: Some(356.0 * 86_400.0),
            source: "ServiceTags_Public_20251110.json".to_owned(),
        }],
        not_tested: vec!["UDP 123 to the time source".to_owned()],
    }
}

/// A certificate that a CRL says is good.
pub(crate) fn known(position: usize) -> RevocationOfCertificate {
    RevocationOfCertificate {
        position,
        sha256: format!("{position:02x}").repeat(32),
        status: RevocationStatus::Good,
        source: Some("crl".to_owned()),
        reason: None,
        revoked_at: None,
        next_update: Some(at() + Duration::from_secs(86_400)),
    }
}

fn tls() -> TlsReport {
    TlsReport {
        version: Some("TLSv1.3".to_owned()),
        cipher: Some("TLS13_AES_256_GCM_SHA384".to_owned()),
        group: Some("X25519".to_owned()),
        alpn: None,
        verdict: Some(TlsVerdict::Ok),
        verdicts: vec![TlsVerdict::Ok],
        completed_by_aia: false,
        client_certificate_required: false,
        chain: vec![CertificateReport {
            sha256: "ab".repeat(32),
            subject: "CN=*.blob.core.windows.net".to_owned(),
            issuer: "CN=Lab Issuing CA".to_owned(),
            not_before: at(),
            not_after: at() + Duration::from_secs(90 * 86_400),
            crl: vec!["http://crl.example/a.crl".to_owned()],
            ocsp: Vec::new(),
            ca_issuers: Vec::new(),
        }],
        stapled: Stapled { present: false, status: None, next_update: None },
        revocation: Revocation {
            status: RevocationStatus::Undetermined,
            source: Some("crl".to_owned()),
            certificates: Vec::new(),
        },
    }
}
