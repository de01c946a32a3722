//! A world as the edges would see it, and the round that looks at it.
//!
//! In: a configuration and, per host and address, what is observed there. Out: the report, and the work that was asked for.
//! Every address that is not described is silent; every name that is not described does not exist.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime};

use closedpath_core::attribution::{Confidence, Exit, Path, PathClass};
use closedpath_core::catalog::Catalog;
use closedpath_core::closure::{Ask, Closure, Outcome, PacAnswers, Past, Picture, Work, roots};
use closedpath_core::config::{Edge, Plan, parse};
use closedpath_core::failure::{Code, Failure, Step};
use closedpath_core::findings::{Finding, FindingId};
use closedpath_core::observation::{
    AddressObservation, Answer, Cname, Contact, Contacted, DnsObservation, DnsStatus, DnsView,
    FetchObservation, Hop, Neighbour, NextHop, PathCheck, PathMtu, Protection, Protocol, RouteKind,
    RouteObservation, Selected, Selector, TlsObservation, TraceEnd, TraceObservation,
};
use closedpath_core::pki::crl::{CrlAnswer, Listing};
use closedpath_core::pki::inquiry::{Question, Reading};
use closedpath_core::pki::ocsp::{OcspAnswer, OcspStatus, Signer};
use closedpath_core::pki::revocation::Said;
use closedpath_core::pki::{Reasons, Trust};
use closedpath_core::report::{EndpointReport, Report, Round, WorkloadReport, assemble};
use closedpath_core::rib::Rib;
use closedpath_core::tables::Tables;
use closedpath_core::target::EndpointKey;

use crate::certificates::anchors;

/// What is observed of one address of one host.
#[derive(Clone)]
pub struct Observed {
    host: String,
    ip: IpAddr,
    pub contact: Contact,
    route: Vec<NextHop>,
    selected: Vec<Selected>,
    pub traces: Vec<TraceObservation>,
    chain: Option<(Vec<Vec<u8>>, PathCheck)>,
    staple: Option<Vec<u8>>,
    stalls: bool,
    /// The rest; its route counts where no way out is told.
    pub more: AddressObservation,
}

/// A silent address without route or trace.
pub fn observed(host: &str, ip: &str) -> Observed {
    let contact = Contact::Failed(Failure::new(Step::Connect, Code::Timeout, "no answer in 5s"));
    let ip = address(ip);
    let (route, selected, traces) = (Vec::new(), Vec::new(), Vec::new());
    let more = AddressObservation::new(ip, now(), contact.clone());
    let host = host.into();
    Observed { host, ip, contact, route, selected, traces, chain: None, staple: None, more, stalls: false }
}

impl Observed {
    pub fn connected(self) -> Self {
        self.connected_from("192.168.1.10")
    }

    pub fn connected_from(mut self, source: &str) -> Self {
        let local = Some(SocketAddr::new(address(source), 40_000));
        self.contact = Contact::Made(Contacted { local, took: Duration::from_millis(3) });
        self
    }

    pub fn refused(mut self) -> Self {
        self.contact = Contact::Failed(Failure::new(Step::Connect, Code::Refused, "connection refused"));
        self
    }

    /// One flow's trace; `*` is a silent hop.
    pub fn hops<'a>(self, hops: impl IntoIterator<Item = &'a str>) -> Self {
        self.hops_at(hops, now())
    }

    pub fn hops_at<'a>(mut self, hops: impl IntoIterator<Item = &'a str>, at: SystemTime) -> Self {
        let hops = hops.into_iter().zip(1..).map(|(from, ttl)| {
            let from = (from != "*").then(|| address(from));
            Hop { ttl, from, rtt: None }
        });
        self.traces.push(TraceObservation {
            protocol: Protocol::Tcp,
            destination: SocketAddr::new(self.ip, 443),
            source: None,
            hops: hops.collect(),
            end: TraceEnd::Silent,
            at,
        });
        self
    }

    /// One more equal-cost way out; `gateway` may be empty.
    pub fn route(mut self, interface: &str, gateway: &str) -> Self {
        let gateway = (!gateway.is_empty()).then(|| address(gateway));
        self.route.push(NextHop { interface: interface.into(), gateway, kind: None });
        self
    }

    /// A rule sends packets that it selects another way.
    pub fn selects(mut self, by: Selector, interface: &str, gateway: &str) -> Self {
        let gateway = (!gateway.is_empty()).then(|| address(gateway));
        let hop = NextHop { interface: interface.into(), gateway, kind: None };
        self.selected.push(Selected { by, next_hops: vec![hop] });
        self
    }

    /// The server saw the request come from this address.
    pub fn saw(mut self, reflexive: &str) -> Self {
        self.more.reflexive = Some(address(reflexive));
        self
    }

    /// An IPsec policy of this host covers it, and its association has carried so many packets, where there is one.
    pub fn protected(mut self, outer_peer: &str, carried: Option<u64>) -> Self {
        self.more.protection = Some(Protection {
            destination: self.ip.into(),
            outer_peer: address(outer_peer),
            associated: carried.is_some(),
            packets: carried.map(|packets| (7, 7 + packets)),
        });
        self
    }

    /// Packets of `largest` bytes arrive, those of `lost` do not.
    pub fn carries(mut self, largest: u32, lost: u32, told_by: Option<&str>) -> Self {
        let told_by = told_by.map(address);
        self.more.path_mtu = Some(PathMtu { largest: Some(largest), lost: Some(lost), told_by });
        self
    }

    /// The TLS handshake gets no answer.
    pub fn stalls(mut self) -> Self {
        self.stalls = true;
        self
    }

    /// The interface of the last way out is of this kind.
    pub fn by_a(mut self, kind: &str) -> Self {
        self.route.last_mut().expect("a route comes first").kind = Some(kind.into());
        self
    }

    pub fn presents(mut self, chain: impl IntoIterator<Item = Vec<u8>>) -> Self {
        self.chain = Some((chain.into_iter().collect(), PathCheck::Trusted));
        self
    }

    pub fn presents_incomplete(mut self, chain: impl IntoIterator<Item = Vec<u8>>) -> Self {
        self.chain = Some((chain.into_iter().collect(), PathCheck::UnknownIssuer));
        self
    }

    pub fn staples(mut self, response: &[u8]) -> Self {
        self.staple = Some(response.to_vec());
        self
    }

    fn seen(&self, key: &EndpointKey, ip: IpAddr) -> AddressObservation {
        let tls = self.chain.as_ref().filter(|_| key.probe.uses_tls() && self.contact.made());
        let tls = tls.map(|(chain, path)| TlsObservation {
            failure: None,
            version: Some("TLSv1.3".into()),
            cipher: None,
            group: None,
            alpn: None,
            chain: chain.clone(),
            staple: self.staple.clone(),
            path: Some(path.clone()),
            name: None,
            client_certificate_required: false,
            took: Duration::from_millis(5),
        });
        let tls = tls.or_else(|| {
            self.stalls.then(|| TlsObservation {
                failure: Some(Failure::new(Step::Tls, Code::Timeout, "no answer in 5s")),
                version: None,
                cipher: None,
                group: None,
                alpn: None,
                chain: Vec::new(),
                staple: None,
                path: None,
                name: None,
                client_certificate_required: false,
                took: Duration::from_secs(5),
            })
        });
        let route = (!self.route.is_empty()).then(|| RouteObservation {
            destination: ip,
            kind: RouteKind::Unicast,
            next_hops: self.route.clone(),
            source: None,
            prefix: None,
            table: None,
            selected: self.selected.clone(),
        });
        let route = route.or_else(|| self.more.route.clone());
        let (contact, traces) = (self.contact.clone(), self.traces.clone());
        AddressObservation { ip, contact, tls, route, traces, ..self.more.clone() }
    }
}

/// Everything there is.
pub struct World {
    pub plan: Plan,
    pub tables: Tables,
    pub catalogs: Vec<Catalog>,
    pub rib: Option<Rib>,
    pub neighbours: Vec<Neighbour>,
    pub pac: PacAnswers,
    observed: Vec<Observed>,
    dns: BTreeMap<String, DnsView>,
    elsewhere: BTreeMap<String, Vec<DnsView>>,
    pages: BTreeMap<String, (u16, Option<String>)>,
    bodies: BTreeMap<String, Vec<u8>>,
    answers: BTreeMap<String, Said>,
    freshest: BTreeMap<String, String>,
    kept: BTreeMap<String, IpAddr>,
    pub past: Past,
    pub inspection: Vec<Vec<u8>>,
    pub public: Vec<Vec<u8>>,
}

/// What a round over the world gave.
pub struct Seen {
    pub report: Report,
    pub work: Vec<Work>,
}

/// A world under a configuration.
pub fn world(config: &str) -> World {
    with_catalogs(config, Vec::new())
}

/// The same with catalogues.
pub fn with_catalogs(config: &str, catalogs: Vec<Catalog>) -> World {
    let names: Vec<&str> = catalogs.iter().map(|catalog| catalog.service.as_str()).collect();
    let plan = parse("test.toml", config, &names).unwrap_or_else(|errors| panic!("{errors}"));
    // No service tags and no address ranges: what a rule is to find in them, its test puts there.
    static TABLES: LazyLock<Tables> =
        LazyLock::new(|| Tables::documents().expect("the built-in tables parse"));
    let tables = TABLES.clone();
    let (observed, dns) = (Vec::new(), BTreeMap::new());
    let (pages, bodies, answers) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let past = Past::default();
    let (inspection, public) = (Vec::new(), Vec::new());
    let (freshest, kept) = (BTreeMap::new(), BTreeMap::new());
    World {
        plan,
        tables,
        catalogs,
        rib: None,
        neighbours: Vec::new(),
        pac: PacAnswers::new(),
        observed,
        dns,
        elsewhere: BTreeMap::new(),
        pages,
        bodies,
        answers,
        freshest,
        kept,
        past,
        inspection,
        public,
    }
}

impl World {
    pub fn see(mut self, seen: Observed) -> Self {
        if seen.host.parse::<IpAddr>().is_err() {
            let view = self.dns.entry(seen.host.clone()).or_insert_with(|| view(DnsStatus::Ok));
            view.answers.push(Answer { ip: seen.ip, ttl: 60 });
        }
        self.observed.push(seen);
        self
    }

    /// An address that the first resolver does not give.
    pub fn unlisted(mut self, seen: Observed) -> Self {
        self.observed.push(seen);
        self
    }

    /// The edge routers told their tables.
    pub fn tables(mut self, rib: Rib) -> Self {
        self.rib = Some(rib);
        self
    }

    /// A name that gives no address.
    pub fn unresolved(mut self, host: &str, status: DnsStatus) -> Self {
        self.dns.insert(host.into(), view(status));
        self
    }

    /// The name is an alias of another.
    pub fn alias(self, host: &str, target: &str) -> Self {
        self.alias_of(host, host, target)
    }

    /// In the answer for `host`, `owner` is an alias of `target`.
    pub fn alias_of(mut self, host: &str, owner: &str, target: &str) -> Self {
        let view = self.dns.entry(host.into()).or_insert_with(|| view(DnsStatus::Ok));
        view.cname.push(Cname { name: owner.into(), target: target.into(), ttl: 60 });
        self
    }

    /// What another resolver says of the name.
    pub fn elsewhere(mut self, host: &str, resolver: &str, status: DnsStatus, answers: &[&str]) -> Self {
        let answers = answers.iter().map(|ip| Answer { ip: address(ip), ttl: 60 }).collect();
        let other = DnsView { resolver: resolver.into(), answers, ..view(status) };
        self.elsewhere.entry(host.into()).or_default().push(other);
        self
    }

    /// What a URL answers; 200 where nothing is said.
    pub fn page(mut self, url: &str, status: u16, location: Option<&str>) -> Self {
        self.pages.insert(url.into(), (status, location.map(str::to_string)));
        self
    }

    pub fn perform(&self, work: &Work) -> Outcome {
        match work {
            Work::Resolve { name } => {
                let view = self.dns.get(name).cloned().unwrap_or_else(|| view(DnsStatus::Nxdomain));
                let others = self.elsewhere.get(name).cloned().unwrap_or_default();
                let views = std::iter::once(view).chain(others).collect();
                Outcome::Resolved(DnsObservation { name: name.clone(), views })
            }
            Work::Probe { key, ip } => {
                let silent = observed(&key.host, &ip.to_string());
                let here = self.at(&key.host, *ip).unwrap_or(&silent);
                Outcome::Probed { key: key.clone(), seen: Box::new(here.seen(key, *ip)) }
            }
            Work::Fetch { key, url, ip, ask, .. } => {
                let page = self.pages.get(&format!("{url} {ip}")).or_else(|| self.pages.get(url));
                let (status, location) = page.cloned().unwrap_or((200, None));
                let failure =
                    (status == 0).then(|| Failure::new(Step::Http, Code::Reset, "reset by the peer"));
                let seen = Box::new(FetchObservation {
                    status: failure.is_none().then_some(status),
                    location,
                    body: self.bodies.get(url).cloned().unwrap_or_default(),
                    failure,
                    took: Duration::from_millis(2),
                    ..FetchObservation::of(url, self.kept.get(url).copied().unwrap_or(*ip))
                });
                let at = format!("{url} {ip}");
                let told = self.answers.get(&at).or_else(|| self.answers.get(url)).cloned();
                let trouble = match &told {
                    Some(Said::Nothing(trouble)) => Some(trouble.clone()),
                    _ => None,
                };
                let answer = || told.clone().unwrap_or_else(|| good(ask));
                let said = questions(ask).into_iter().map(|question| (question.about.clone(), answer()));
                let freshest = self.freshest.get(url).cloned().into_iter().collect();
                let reading = Reading { said: said.collect(), freshest, trouble, ..Reading::default() };
                Outcome::Fetched { key: key.clone(), seen, reading }
            }
        }
    }

    fn at(&self, host: &str, ip: IpAddr) -> Option<&Observed> {
        let exact = self.observed.iter().find(|seen| seen.host == host && seen.ip == ip);
        exact.or_else(|| self.observed.iter().find(|seen| seen.ip == ip))
    }

    /// What a URL serves.
    pub fn body(mut self, url: &str, body: Vec<u8>) -> Self {
        self.bodies.insert(url.into(), body);
        self
    }

    /// What a CRL or a responder says of every certificate; good where nothing is said. For one address: `URL IP`.
    pub fn says(mut self, url: &str, said: Said) -> Self {
        self.answers.insert(url.into(), said);
        self
    }

    /// What a URL serves was kept since it came from another address.
    pub fn kept_from(mut self, url: &str, ip: &str) -> Self {
        self.kept.insert(url.into(), address(ip));
        self
    }

    /// A complete CRL names where its delta CRL is.
    pub fn has_delta(mut self, url: &str, delta: &str) -> Self {
        self.freshest.insert(url.into(), delta.into());
        self
    }

    /// The picture at the fixed point, and the work that led there, driven as the daemon does.
    pub fn picture(&self) -> (Picture, Vec<Work>) {
        let trust = Trust::new(anchors()).with_inspection(&self.inspection).with_public(&self.public);
        let trust = Arc::new(trust);
        let roots = roots(&self.plan, &self.catalogs, &[]).routed(&self.plan, &self.pac);
        let tables = Tables::documents().expect("the built-in tables parse");
        let mut closure = Closure::new(&self.plan, roots, trust, &tables.ca_hosts);
        let mut done = Vec::new();
        while let Some(work) = closure.next_work() {
            assert!(done.len() < 100_000, "the closure does not end");
            closure.observe(self.perform(&work));
            done.push(work);
        }
        assert_eq!(closure.outstanding(), 0);
        (closure.finish(), done)
    }

    pub fn report_on(&self, picture: &Picture) -> Report {
        self.report_at(picture, now())
    }

    /// The report on what was seen, judged at this time.
    pub fn report_at(&self, picture: &Picture, at: SystemTime) -> Report {
        let report = assemble(Round {
            version: "test",
            plan: &self.plan,
            catalogs: &self.catalogs,
            tables: &self.tables,
            picture,
            past: &self.past,
            rib: self.rib.as_ref(),
            neighbours: &self.neighbours,
            started_at: now(),
            finished_at: at,
            not_tested: Vec::new(),
        });
        // What holds of every report (DESIGN §4.5).
        for path in report.endpoints.iter().flat_map(|endpoint| &endpoint.addresses).map(|at| &at.path) {
            let unknown = (path.class == PathClass::Unknown, path.confidence == Confidence::Unknown);
            assert!(unknown == (true, true) || unknown == (false, false), "{path:?}");
            assert_eq!(path.class == PathClass::Unknown, path.reason.is_some(), "{path:?}");
            let stays = (path.edge == Some(Edge::Internal), path.exit == Some(Exit::Onprem));
            assert!(path.class != PathClass::Internal || stays == (true, true), "{path:?}");
        }
        report
    }

    pub fn look(&self) -> Seen {
        let (picture, work) = self.picture();
        Seen { report: self.report_on(&picture), work }
    }
}

impl Seen {
    pub fn endpoint(&self, id: &str) -> &EndpointReport {
        let found = self.report.endpoints.iter().find(|endpoint| endpoint.id == id);
        found.unwrap_or_else(|| panic!("no {id} among {:?}", self.ids()))
    }

    pub fn ids(&self) -> Vec<&str> {
        self.report.endpoints.iter().map(|endpoint| endpoint.id.as_str()).collect()
    }

    /// The path of the only address of an endpoint.
    pub fn path(&self, id: &str) -> &Path {
        let addresses = &self.endpoint(id).addresses;
        assert_eq!(addresses.len(), 1, "{id} has one address");
        &addresses[0].path
    }

    pub fn findings(&self, id: FindingId) -> Vec<&Finding> {
        self.report.findings.iter().filter(|finding| finding.id == id).collect()
    }

    /// The report on the first workload.
    pub fn workload(&self) -> &WorkloadReport {
        &self.report.workloads[0]
    }

    /// `host:port` of everything required from outside.
    pub fn outside(&self) -> Vec<String> {
        self.report.required_outside.iter().map(|it| format!("{}:{}", it.host, it.port)).collect()
    }

    pub fn fetches(&self) -> Vec<String> {
        let fetch = |work: &Work| match work {
            Work::Fetch { url, ip, .. } => Some(format!("{url} {ip}")),
            Work::Resolve { .. } | Work::Probe { .. } => None,
        };
        self.work.iter().filter_map(fetch).collect()
    }
}

fn questions(ask: &Ask) -> Vec<&Question> {
    match ask {
        Ask::Page | Ask::Certificates => Vec::new(),
        Ask::Crl { questions, .. } => questions.iter().collect(),
        Ask::Ocsp { question, .. } => vec![question],
    }
}

/// What a URL that serves says of every certificate.
fn good(ask: &Ask) -> Said {
    let until = now() + Duration::from_secs(86_400);
    match ask {
        Ask::Ocsp { .. } => Said::Ocsp(Ok(OcspAnswer {
            status: OcspStatus::Good,
            this_update: now(),
            next_update: Some(until),
            produced_at: now(),
            signer: Signer::Issuer,
        })),
        Ask::Page | Ask::Certificates | Ask::Crl { .. } => Said::Crl(Ok(CrlAnswer {
            listing: Listing::NotListed(Reasons::ALL),
            this_update: now(),
            next_update: until,
        })),
    }
}

/// `class(confidence)`, or `unknown(reason)`.
pub fn short(path: &Path) -> String {
    use closedpath_core::failure::label;
    let why = path.reason.map_or_else(|| label(&path.confidence), |reason| label(&reason));
    format!("{}({why})", label(&path.class))
}

pub fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

pub fn address(text: &str) -> IpAddr {
    text.parse().unwrap_or_else(|_| panic!("{text} is an address"))
}

fn view(status: DnsStatus) -> DnsView {
    DnsView {
        resolver: "test".into(),
        server: None,
        status,
        cname: Vec::new(),
        answers: Vec::new(),
        incomplete: false,
        text: String::new(),
        took: Duration::ZERO,
    }
}
