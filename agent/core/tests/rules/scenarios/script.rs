//! The format of a scenario: what `tests/data/scenarios/README.md` describes. Unknown keys are errors.
//!
//! In: the text of a scenario and of its site. Out: a world to look at, and what must come of it.

use std::net::IpAddr;
use std::time::Duration;

use closedpath_core::attribution::PathClass;
use closedpath_core::failure::{Code, Failure, Step};
use closedpath_core::observation::{
    Contact, DnsStatus, Neighbour, NextHop, Protocol, RouteKind, RouteObservation, Selector, TraceEnd,
};
use closedpath_core::rib::{AsPath, Attributes, Community, Policy};
use closedpath_core::tables::{AsnTable, DataFile, ServiceTags};
use serde::Deserialize;

use crate::router::{CE, Router, router, via};
use crate::world::{Observed, World, address, now, observed, world};

const TAGS: &str = include_str!("../../../../../tests/data/ServiceTags_Public_20251110.extract.json");
const ASN: &str = include_str!("../../../../../tests/data/asn.tsv");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    pub class: PathClass,
    pub kind: Kind,
    /// The rule it is about, and what makes the case.
    pub why: String,
    site: String,
    /// Keys of `[topology]`, or of the link, tunnel or circuit of that name, that differ from the site's.
    #[serde(default)]
    change: toml::Table,
    /// More sections of the configuration.
    #[serde(default)]
    config: String,
    #[serde(default)]
    workload: Workload,
    /// Azure's service tags and the origin of addresses are known.
    #[serde(default)]
    service_tags: bool,
    see: Vec<See>,
    #[serde(default)]
    dns: Vec<Dns>,
    #[serde(default)]
    router: Vec<Told>,
    #[serde(default)]
    neighbours: Vec<String>,
    pub expect: Vec<Expect>,
    pub report: Whole,
}

#[derive(Deserialize, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Plain,
    Degraded,
    Spoofed,
    Ambiguous,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Workload {
    policy: String,
    proxy: Option<String>,
    allow: Vec<String>,
    targets: Vec<String>,
    accept_probable: bool,
}

impl Default for Workload {
    fn default() -> Self {
        let targets = vec![TARGET.to_string()];
        Self { policy: "closed".into(), proxy: None, allow: Vec::new(), targets, accept_probable: false }
    }
}

const HOST: &str = "a.example";
const TARGET: &str = "a.example:443/tcp";

/// What is seen of one address of one host.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct See {
    #[serde(default = "host")]
    host: String,
    ip: String,
    #[serde(default)]
    contact: Answer,
    from: Option<String>,
    /// `eth0 via 192.168.1.1`, `tun0 (tun)`; or `local`, `unreachable`.
    #[serde(default)]
    route: Vec<String>,
    /// `mark 0x7: eth3 via 192.168.33.1`, `user 1001: …`.
    #[serde(default)]
    rules: Vec<String>,
    #[serde(default)]
    trace: Vec<Trace>,
    /// By which interface first routers are neighbours: `eth3 via 192.168.33.1`.
    #[serde(default)]
    first: Vec<String>,
    reflexive: Option<String>,
    ipsec: Option<Ipsec>,
    mtu: Option<Mtu>,
    /// How long ago it was probed.
    age: Option<String>,
    /// The first resolver does not give it.
    #[serde(default)]
    unlisted: bool,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum Answer {
    #[default]
    Connected,
    Refused,
    Timeout,
    Reset,
    Unreachable,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Trace {
    Hops(String),
    Told(Probes),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Probes {
    hops: String,
    age: Option<String>,
    protocol: Option<Protocol>,
}

/// `carried` is absent where there is no security association.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ipsec {
    peer: String,
    carried: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mtu {
    arrives: u32,
    lost: u32,
    told_by: Option<String>,
}

/// What resolvers say of a name beside the addresses that are seen.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Dns {
    #[serde(default = "host")]
    name: String,
    status: Option<DnsStatus>,
    #[serde(default)]
    alias: Vec<String>,
    #[serde(default)]
    elsewhere: Vec<Elsewhere>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Elsewhere {
    resolver: String,
    #[serde(default = "ok")]
    status: DnsStatus,
    #[serde(default)]
    answers: Vec<String>,
}

/// An edge router and its table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    #[serde(default = "ce")]
    address: String,
    #[serde(default)]
    session: Session,
    #[serde(default)]
    table: Vec<Routes>,
    /// Neighbours whose BGP session is down now.
    #[serde(default)]
    down: Vec<String>,
}

#[derive(Deserialize, Default, Clone, Copy, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Session {
    #[default]
    Up,
    /// It ended after this was told.
    Lost,
    /// It began in this second.
    Settling,
    /// The router could not tell everything.
    Incomplete,
}

/// Routes of one neighbour; `chose` is the Loc-RIB, whose next hop is `peer`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Routes {
    peer: String,
    path: Vec<u32>,
    #[serde(default)]
    pre: Vec<String>,
    #[serde(default)]
    post: Vec<String>,
    #[serde(default)]
    chose: Vec<String>,
    #[serde(default)]
    community: Vec<u16>,
    prefer: Option<u32>,
    /// It is told now, and no End-of-RIB has come.
    #[serde(default)]
    unfinished: bool,
}

/// What must be said of an endpoint, or of one address of several.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    #[serde(default = "target")]
    pub of: String,
    pub ip: Option<IpAddr>,
    /// `class(confidence)`, or `unknown(reason)`.
    pub path: Option<String>,
    /// Of the endpoint.
    pub class: Option<String>,
    pub link: Option<String>,
    pub links: Option<Vec<String>>,
    pub circuit: Option<String>,
    pub exit: Option<String>,
    pub route_only: Option<String>,
    pub encryption: Option<Vec<String>>,
    /// `E6 A`: there is one of this strength; `E8 -`: there is none.
    #[serde(default)]
    pub evidence: Vec<String>,
    /// Of the direct attempt beside a proxy.
    pub bypass: Option<String>,
}

/// What must be said of the whole.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Whole {
    pub verdict: String,
    /// `F01 critical`: all findings but those that [`super`] leaves out.
    #[serde(default)]
    pub raises: Vec<String>,
    /// Words of `not_tested`.
    #[serde(default)]
    pub not_tested: Vec<String>,
}

fn host() -> String {
    HOST.into()
}

fn target() -> String {
    TARGET.into()
}

fn ce() -> String {
    CE.into()
}

fn ok() -> DnsStatus {
    DnsStatus::Ok
}

impl Scenario {
    pub fn parse(text: &str) -> Self {
        toml::from_str(text).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The world it describes; `site` reads the text of a shared site.
    pub fn world(&self, site: impl Fn(&str) -> String) -> World {
        let mut world = world(&self.configuration(&site(&self.site)));
        for dns in &self.dns {
            if let Some(status) = dns.status {
                world = world.unresolved(&dns.name, status);
            }
            for (at, alias) in dns.alias.iter().enumerate() {
                let owner = if at == 0 { &dns.name } else { &dns.alias[at - 1] };
                world = world.alias_of(&dns.name, owner, alias);
            }
            for other in &dns.elsewhere {
                let answers: Vec<&str> = other.answers.iter().map(String::as_str).collect();
                world = world.elsewhere(&dns.name, &other.resolver, other.status, &answers);
            }
        }
        for see in &self.see {
            world = if see.unlisted { world.unlisted(see.observed()) } else { world.see(see.observed()) };
        }
        if let Some(router) = self.router.iter().fold(None, |before, told| Some(told.on(before))) {
            world = world.tables(router.rib);
        }
        world.neighbours = self.neighbours.iter().map(|line| neighbour(line)).collect();
        if self.service_tags {
            let file = |name, text| DataFile { name, modified: None, text };
            let tags = ServiceTags::parse(&file("ServiceTags_Public_20251110.extract.json", TAGS));
            world.tables.service_tags = Some(tags.expect("the extract parses"));
            world.tables.asn = Some(AsnTable::parse(&file("asn.tsv", ASN)).expect("the extract parses"));
            world.tables.limits.service_tags_stale = Duration::MAX;
        }
        world
    }

    fn configuration(&self, site: &str) -> String {
        let mut site: toml::Table = toml::from_str(site).unwrap_or_else(|error| panic!("site: {error}"));
        for (name, keys) in &self.change {
            let keys = keys.as_table().unwrap_or_else(|| panic!("change.{name} is a table"));
            let entry = section(&mut site, name).unwrap_or_else(|| panic!("the site has no {name}"));
            entry.extend(keys.clone());
        }
        let site = toml::to_string(&site).expect("what was read can be written");
        let workload = &self.workload;
        let proxy = workload.proxy.iter().map(|name| format!("proxy = {name:?}\n")).collect::<String>();
        let targets = workload.targets.iter().map(|target| {
            let (at, probe) = target.rsplit_once('/').expect("host:port/probe");
            let (host, port) = at.rsplit_once(':').expect("host:port/probe");
            format!("[[target]]\nworkload = \"w\"\nhost = {host:?}\nport = {port}\nprobe = {probe:?}\n")
        });
        format!(
            "{site}\n[verdict]\naccept_probable = {}\n[[workload]]\nname = \"w\"\npolicy = {:?}\nclient_profile = \"none\"\nallow = {:?}\n{proxy}{}{}",
            workload.accept_probable,
            workload.policy,
            workload.allow,
            targets.collect::<String>(),
            self.config
        )
    }
}

/// `[topology]`, `[circuit.NAME]`, or the link, tunnel or proxy of this name.
fn section<'a>(site: &'a mut toml::Table, name: &str) -> Option<&'a mut toml::Table> {
    if name == "topology" || name == "bmp" {
        return site.get_mut(name)?.as_table_mut();
    }
    let named = |section: &toml::Value| section.get("name").and_then(toml::Value::as_str) == Some(name);
    let kinds = ["link", "tunnel", "proxy"];
    let kind = kinds.into_iter().find(|kind| {
        let all = site.get(*kind).and_then(toml::Value::as_array);
        all.is_some_and(|all| all.iter().any(named))
    });
    match kind {
        Some(kind) => {
            let all = site.get_mut(kind)?.as_array_mut()?;
            all.iter_mut().find(|section| named(section))?.as_table_mut()
        }
        None => site.get_mut("circuit")?.get_mut(name)?.as_table_mut(),
    }
}

fn age(text: Option<&String>) -> Duration {
    text.map_or(Duration::ZERO, |text| humantime::parse_duration(text).expect("such as 16m"))
}

impl See {
    fn observed(&self) -> Observed {
        let mut seen = observed(&self.host, &self.ip);
        let fails = |code, words: &str| Contact::Failed(Failure::new(Step::Connect, code, words));
        match (self.contact, &self.from) {
            (Answer::Connected, Some(from)) => seen = seen.connected_from(from),
            (Answer::Connected, None) => seen = seen.connected(),
            (Answer::Refused, _) => seen = seen.refused(),
            (Answer::Timeout, _) => {}
            (Answer::Reset, _) => seen.contact = fails(Code::Reset, "reset by the peer"),
            (Answer::Unreachable, _) => seen.contact = fails(Code::NetUnreachable, "network is unreachable"),
        }
        for way in &self.route {
            seen = match way.as_str() {
                "local" => self.route_of(seen, RouteKind::Local),
                "unreachable" => self.route_of(seen, RouteKind::Unreachable),
                way => out(seen, way),
            };
        }
        for rule in &self.rules {
            let (by, way) = rule.split_once(": ").expect("SELECTOR: INTERFACE [via GATEWAY]");
            let (interface, gateway) = way.split_once(" via ").unwrap_or((way, ""));
            seen = seen.selects(selector(by), interface, gateway);
        }
        for trace in &self.trace {
            let (hops, ago, protocol) = match trace {
                Trace::Hops(hops) => (hops, Duration::ZERO, Protocol::Tcp),
                Trace::Told(told) => {
                    (&told.hops, age(told.age.as_ref()), told.protocol.unwrap_or(Protocol::Tcp))
                }
            };
            // Where the destination itself answers, "!" stands.
            let (before, reached) =
                hops.strip_suffix('!').map_or((hops.as_str(), false), |before| (before, true));
            seen = seen.hops_at(before.split_whitespace(), now() - ago);
            let trace = seen.traces.last_mut().expect("it was just added");
            trace.protocol = protocol;
            if reached {
                let ttl = u8::try_from(trace.hops.len() + 1).expect("a TTL");
                trace.end = TraceEnd::Destination { ttl, refused: false };
            }
        }
        seen.more.first = self.first.iter().map(|way| neighbouring(way)).collect();
        if let Some(reflexive) = &self.reflexive {
            seen = seen.saw(reflexive);
        }
        if let Some(ipsec) = &self.ipsec {
            seen = seen.protected(&ipsec.peer, ipsec.carried);
        }
        if let Some(mtu) = &self.mtu {
            seen = seen.carries(mtu.arrives, mtu.lost, mtu.told_by.as_deref());
        }
        seen.more.at = now() - age(self.age.as_ref());
        seen
    }

    fn route_of(&self, mut seen: Observed, kind: RouteKind) -> Observed {
        let (next_hops, source, prefix, table) = (Vec::new(), None, None, None);
        let destination = address(&self.ip);
        let selected = Vec::new();
        seen.more.route =
            Some(RouteObservation { destination, kind, next_hops, source, prefix, table, selected });
        seen
    }
}

/// `INTERFACE via ROUTER`
fn neighbouring(way: &str) -> NextHop {
    let (interface, router) = way.split_once(" via ").expect("INTERFACE via ROUTER");
    NextHop { interface: interface.into(), gateway: Some(address(router)), kind: None }
}

/// `mark 0x7` or `user 1001`.
fn selector(by: &str) -> Selector {
    match by.split_once(' ').expect("mark or user, and a number") {
        ("mark", mark) => {
            Selector::Mark(u32::from_str_radix(mark.trim_start_matches("0x"), 16).expect("a mark"))
        }
        ("tos", tos) => {
            Selector::Tos(u8::from_str_radix(tos.trim_start_matches("0x"), 16).expect("a type of service"))
        }
        ("user", user) => Selector::User(user.parse().expect("a user's number")),
        _ => panic!("{by}: mark, tos or user"),
    }
}

/// `INTERFACE [via GATEWAY] [(KIND)]`
fn out(seen: Observed, way: &str) -> Observed {
    let (way, kind) = match way.split_once(" (") {
        Some((way, kind)) => (way, Some(kind.trim_end_matches(')'))),
        None => (way, None),
    };
    let (interface, gateway) = way.split_once(" via ").unwrap_or((way, ""));
    assert!(!interface.contains(' '), "{way}: INTERFACE [via GATEWAY] [(KIND)]");
    let seen = seen.route(interface, gateway);
    match kind {
        Some(kind) => seen.by_a(kind),
        None => seen,
    }
}

impl Told {
    fn on(&self, before: Option<Router>) -> Router {
        let fresh = self.session == Session::Settling;
        let mut router = match before {
            Some(before) if fresh => before.now().joined(&self.address),
            Some(before) => before.joined(&self.address),
            None if fresh => router(&self.address).now().joined(&self.address),
            None => router(&self.address),
        };
        for (path, routes) in (1..).zip(&self.table) {
            router = routes.on(router, path);
        }
        for neighbour in &self.down {
            router = router.down(neighbour);
        }
        match self.session {
            Session::Up | Session::Settling => router,
            Session::Lost => router.lost(),
            Session::Incomplete => router.incomplete(),
        }
    }
}

impl Routes {
    fn on(&self, router: Router, path: u32) -> Router {
        let asn = *self.path.first().expect("an AS path");
        let attributes = || Attributes {
            as_path: AsPath::sequence(&self.path),
            communities: self.community.iter().map(|value| Community(12076, *value)).collect(),
            local_pref: self.prefer,
            ..via(&self.peer, &[])
        };
        let peer = Some(self.peer.as_str());
        let router = if self.unfinished { router.now() } else { router };
        // Several paths to one prefix stand beside each other in the Loc-RIB only.
        [
            (peer, Policy::Pre, &self.pre, 0),
            (peer, Policy::Post, &self.post, 0),
            (None, Policy::Loc, &self.chose, path),
        ]
        .into_iter()
        .filter(|(.., prefixes, _)| !prefixes.is_empty())
        .fold(router, |router, (neighbour, policy, prefixes, path)| {
            let prefixes: Vec<&str> = prefixes.iter().map(String::as_str).collect();
            let asn = if neighbour.is_none() { 65010 } else { asn };
            let told = router.path(path, !self.unfinished);
            told.routes(neighbour, policy, asn, attributes(), &prefixes)
        })
    }
}

/// `INTERFACE ADDRESS LINK-LAYER-ADDRESS`, as `ip neigh` names them.
fn neighbour(line: &str) -> Neighbour {
    let words: Vec<&str> = line.split(' ').collect();
    let [interface, address, link_layer] = words[..] else { panic!("not a neighbour: {line}") };
    let octet = |octet| u8::from_str_radix(octet, 16).expect("hexadecimal");
    Neighbour {
        interface: interface.into(),
        address: address.parse().expect("an address"),
        link_layer: link_layer.split(':').map(octet).collect(),
    }
}
