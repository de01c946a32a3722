//! The worklist: R2 to R7 and R9 as reactions to what comes back.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

use super::guard;
use super::member::{Chain, Member, Picture, Seen};
use super::roots::Roots;
use super::urls::{self, MAX_REDIRECTS, UrlState};
use super::work::{Outcome, Work};
use crate::config::Plan;
use crate::failure::{Code, Failure, Step};
use crate::observation::{
    AddressObservation, Answer, DnsObservation, DnsStatus, DnsView, FetchObservation, PathCheck,
    TlsObservation,
};
use crate::pki;
use crate::target::{EndpointKey, Origin};

/// Bounds on what the network may add (DOMAIN §4.3, termination).
const MAX_DEPTH: u8 = 8;
const MAX_ADDED: usize = 5_000;
const MAX_URLS_PER_HOST: usize = 64;

/// The closure of a plan, growing.
#[derive(Debug)]
pub struct Closure<'a> {
    plan: &'a Plan,
    picture: Picture,
    queue: VecDeque<Work>,
    outstanding: usize,
    /// Members that wait for a name.
    waiting: BTreeMap<String, Vec<EndpointKey>>,
    names: BTreeMap<String, DnsObservation>,
    added: usize,
}

impl<'a> Closure<'a> {
    /// A closure that begins with what the configuration asks for.
    pub fn new(plan: &'a Plan, roots: Roots) -> Self {
        let mut closure = Self {
            plan,
            picture: Picture::default(),
            queue: VecDeque::new(),
            outstanding: 0,
            waiting: BTreeMap::new(),
            names: BTreeMap::new(),
            added: 0,
        };
        for root in &roots.roots {
            closure.add_member(&root.key, root.origin, 0, None);
            closure.add_page(&root.key);
        }
        closure.picture.roots = roots;
        closure
    }

    /// The next thing to do, if there is one now.
    pub fn next_work(&mut self) -> Option<Work> {
        let work = self.queue.pop_front()?;
        self.outstanding += 1;
        Some(work)
    }

    /// How many handed-out items wait for their outcome. Complete when this is 0 and there is no next work.
    pub fn outstanding(&self) -> usize {
        self.outstanding
    }

    /// How many members are known so far.
    pub fn members(&self) -> usize {
        self.picture.members.len()
    }

    /// Takes one outcome.
    pub fn observe(&mut self, outcome: Outcome) {
        self.outstanding = self.outstanding.saturating_sub(1);
        match outcome {
            Outcome::Resolved(dns) => self.resolved(dns),
            Outcome::Probed { key, seen } => self.probed(&key, *seen),
            Outcome::Fetched(fetched) => self.fetched(fetched),
        }
    }

    /// The picture at the fixed point.
    pub fn finish(self) -> Picture {
        self.picture
    }

    fn add_member(
        &mut self,
        key: &EndpointKey,
        origin: Origin,
        depth: u8,
        required_by: Option<&EndpointKey>,
    ) -> bool {
        let new = !self.picture.members.contains_key(key);
        if new && depth > 0 {
            if depth > MAX_DEPTH {
                self.picture.truncated.insert(format!("{key} is more than {MAX_DEPTH} steps away"));
                return false;
            }
            if !self.count_one_more() {
                return false;
            }
        }
        let member = self.picture.members.entry(key.clone()).or_insert_with(|| Member::new(depth));
        member.origins.insert(origin);
        member.depth = member.depth.min(depth);
        member.trusted |= depth == 0;
        member.required_by.extend(required_by.cloned());
        if new {
            self.resolve(key);
        }
        true
    }

    /// R2, R9: the name that must resolve before the endpoint can be probed.
    fn resolve(&mut self, key: &EndpointKey) {
        let host = match &key.via {
            None => key.host.clone(),
            Some(via) => match self.plan.proxies.iter().find(|proxy| proxy.name == *via) {
                Some(proxy) => proxy.host.clone(),
                None => return,
            },
        };
        if let Ok(ip) = host.parse() {
            let dns = literal(&host, ip);
            self.give_addresses(key, &dns);
        } else if let Some(dns) = self.names.get(&host).cloned() {
            self.give_addresses(key, &dns);
        } else {
            let waiting = self.waiting.entry(host.clone()).or_default();
            if waiting.is_empty() {
                self.queue.push_back(Work::Resolve { name: host });
            }
            waiting.push(key.clone());
        }
    }

    fn resolved(&mut self, dns: DnsObservation) {
        for key in self.waiting.remove(&dns.name).unwrap_or_default() {
            self.give_addresses(&key, &dns);
        }
        self.names.insert(dns.name.clone(), dns);
    }

    fn give_addresses(&mut self, key: &EndpointKey, dns: &DnsObservation) {
        let plan = self.plan;
        let Some(member) = self.picture.members.get_mut(key) else { return };
        member.dns = Some(dns.clone());
        for ip in dns.addresses() {
            if member.addresses.contains_key(&ip) {
                continue;
            }
            let refusal = (!member.trusted).then(|| guard::refusal(plan, &key.host, ip)).flatten();
            let seen = match refusal {
                Some(text) => Seen::Forbidden(Failure::new(Step::Guard, Code::ForbiddenAddress, text)),
                None => {
                    self.queue.push_back(Work::Probe { key: key.clone(), ip });
                    Seen::Pending
                }
            };
            member.addresses.insert(ip, seen);
        }
    }

    fn probed(&mut self, key: &EndpointKey, seen: AddressObservation) {
        let tls = seen.tls.clone();
        let made = seen.contact.made();
        if let Some(member) = self.picture.members.get_mut(key) {
            member.addresses.insert(seen.ip, Seen::Observed(Box::new(seen)));
        }
        if let Some(tls) = tls {
            self.presented(key, &tls);
        }
        if made {
            self.fetch_all(key);
        }
    }

    /// R3, R4, R5: the certificates of a presented chain lead to CA hosts.
    fn presented(&mut self, key: &EndpointKey, tls: &TlsObservation) {
        let facts: Vec<_> = tls.chain.iter().filter_map(|der| pki::read(der)).collect();
        let incomplete = !matches!(tls.path, Some(PathCheck::Trusted)) && !pki::is_complete(&facts);
        let chain =
            Chain { certificates: facts.iter().map(|facts| facts.sha256.clone()).collect(), incomplete };
        let Some(member) = self.picture.members.get_mut(key) else { return };
        let depth = member.depth.saturating_add(1);
        if facts.len() < tls.chain.len() {
            self.picture.truncated.insert(format!("{key} presents a certificate that cannot be read"));
        }
        if chain.certificates.is_empty() || !member.chains.insert(chain) {
            return;
        }
        for certificate in facts {
            self.picture.unfetchable.extend(pki::unfetchable(&certificate).into_iter().map(str::to_string));
            if !certificate.self_issued {
                for extension in &certificate.unreadable {
                    let text = format!("{key} presents a certificate whose {extension} cannot be read");
                    self.picture.truncated.insert(text);
                }
                let pointers = certificate.crl.iter().flatten().map(|url| (url, Origin::Crl));
                let pointers = pointers.chain(certificate.ocsp.iter().map(|url| (url, Origin::Ocsp)));
                let pointers = pointers.chain(certificate.ca_issuers.iter().map(|url| (url, Origin::Aia)));
                for (url, kind) in pointers {
                    match urls::parse(url, kind, None) {
                        Some(link) => _ = self.add_url(link, kind, kind, depth, 0, key),
                        None => _ = self.picture.unfetchable.insert(url.clone()),
                    }
                }
            }
            self.picture.certificates.insert(certificate.sha256.clone(), certificate);
        }
    }

    /// R6: a URL brings its endpoint. `kind` is what it is for, `origin` why its endpoint is in the closure.
    fn add_url(
        &mut self,
        link: urls::Link,
        kind: Origin,
        origin: Origin,
        depth: u8,
        redirects: u8,
        from: &EndpointKey,
    ) -> bool {
        if !self.picture.urls.contains_key(&link.key) {
            let of_host = self.picture.urls.values().filter(|url| url.endpoint.host == link.endpoint.host);
            if of_host.count() >= MAX_URLS_PER_HOST {
                let host = &link.endpoint.host;
                self.picture.truncated.insert(format!("{host} has more than {MAX_URLS_PER_HOST} URLs"));
                return false;
            }
            if !self.count_one_more() {
                return false;
            }
        }
        if !self.add_member(&link.endpoint, origin, depth, Some(from)) {
            return false;
        }
        let key = link.key.clone();
        self.picture.urls.entry(link.key.clone()).or_insert_with(|| UrlState::new(link, kind, redirects));
        self.fetch(&key);
        true
    }

    /// The page of an http or https target, whose redirects belong to the closure (R7).
    fn add_page(&mut self, key: &EndpointKey) {
        use crate::target::Probe;
        let scheme = match key.probe {
            Probe::Http => "http",
            Probe::Https => "https",
            Probe::Tls | Probe::Tcp | Probe::Icmp | Probe::Stun | Probe::UdpDns | Probe::Ntp => return,
        };
        if key.via.is_some() {
            return;
        }
        let host = if key.host.contains(':') { format!("[{}]", key.host) } else { key.host.clone() };
        let Some(link) = urls::parse(&format!("{scheme}://{host}:{}/", key.port), Origin::Target, None)
        else {
            return;
        };
        if let Some(member) = self.picture.members.get_mut(key) {
            member.page = Some(link.key.clone());
        }
        self.picture.urls.insert(link.key.clone(), UrlState::new(link, Origin::Target, 0));
    }

    fn fetch_all(&mut self, key: &EndpointKey) {
        let of_endpoint: Vec<String> = self
            .picture
            .urls
            .iter()
            .filter(|(_, url)| url.endpoint == *key)
            .map(|(key, _)| key.clone())
            .collect();
        for url in of_endpoint {
            self.fetch(&url);
        }
    }

    /// Asks the next contacted address for the URL, until one has served it.
    fn fetch(&mut self, key: &str) {
        let Some(url) = self.picture.urls.get_mut(key) else { return };
        let done = url.fetched.as_ref().is_some_and(|fetched| fetched.failure.is_none());
        if url.in_flight || done {
            return;
        }
        let Some(member) = self.picture.members.get(&url.endpoint) else { return };
        let Some(ip) = member.contacted().find(|ip| !url.tried.contains(ip)) else { return };
        url.tried.insert(ip);
        url.in_flight = true;
        self.queue.push_back(Work::Fetch { url: url.url.clone(), ip });
    }

    fn fetched(&mut self, fetched: FetchObservation) {
        let mut urls = self.picture.urls.iter_mut();
        let Some((key, url)) = urls.find(|(_, url)| url.in_flight && url.url == fetched.url) else { return };
        let key = key.clone();
        url.in_flight = false;
        let (kind, redirects, endpoint) = (url.kind, url.redirects, url.endpoint.clone());
        let moved = fetched.status.is_some_and(|status| (300..400).contains(&status) && status != 304);
        let location = fetched.location.clone().filter(|_| moved);
        let base = fetched.url.clone();
        url.fetched = Some(fetched);
        match location {
            Some(location) => self.redirected(&key, &base, &location, kind, redirects, &endpoint),
            None => self.fetch(&key),
        }
    }

    /// R7: a redirect brings another URL.
    fn redirected(
        &mut self,
        key: &str,
        base: &str,
        location: &str,
        kind: Origin,
        redirects: u8,
        from: &EndpointKey,
    ) {
        if redirects >= MAX_REDIRECTS {
            self.picture.truncated.insert(format!("{base} redirects more than {MAX_REDIRECTS} times"));
            return;
        }
        let depth = self.picture.members.get(from).map_or(1, |member| member.depth.saturating_add(1));
        let Some(link) = urls::parse(location, kind, Some(base)) else { return };
        let next = link.key.clone();
        if next == key || !self.add_url(link, kind, Origin::Redirect, depth, redirects + 1, from) {
            return;
        }
        if let Some(url) = self.picture.urls.get_mut(key) {
            url.next = Some(next);
        }
    }

    fn count_one_more(&mut self) -> bool {
        if self.added >= MAX_ADDED {
            self.picture
                .truncated
                .insert(format!("certificates and redirects name more than {MAX_ADDED} things"));
            return false;
        }
        self.added += 1;
        true
    }
}

/// An address in place of a name resolves to itself.
fn literal(host: &str, ip: IpAddr) -> DnsObservation {
    DnsObservation {
        name: host.to_string(),
        views: vec![DnsView {
            resolver: "literal".into(),
            server: None,
            status: DnsStatus::Ok,
            cname: Vec::new(),
            answers: vec![Answer { ip, ttl: 0 }],
            text: String::new(),
            took: std::time::Duration::ZERO,
        }],
    }
}
