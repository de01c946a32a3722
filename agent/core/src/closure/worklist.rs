//! The worklist: names, addresses and probes (R2, R9) as reactions to what comes back.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;

use super::guard;
use super::member::{Member, Picture, Seen};
use super::roots::Roots;
use super::work::{Outcome, Work};
use crate::config::Plan;
use crate::failure::{Code, Failure, Step};
use crate::observation::{AddressObservation, Answer, DnsObservation, DnsStatus, DnsView};
use crate::pki::{Pool, Trust};
use crate::tables::CaHosts;
use crate::target::{EndpointKey, Origin};

/// Bounds on what the network may add (DOMAIN §4.3, termination).
const MAX_DEPTH: u8 = 8;
const MAX_ADDED: usize = 5_000;

/// The closure of a plan, growing.
#[derive(Debug)]
pub struct Closure<'a> {
    plan: &'a Plan,
    documented: &'a CaHosts,
    pub(super) picture: Picture,
    pub(super) queue: VecDeque<Work>,
    outstanding: usize,
    /// Members that wait for a name.
    waiting: BTreeMap<String, Vec<EndpointKey>>,
    names: BTreeMap<String, DnsObservation>,
    added: usize,
}

impl<'a> Closure<'a> {
    /// A closure that begins with what the configuration asks for, under what the site trusts. Hosts that are `documented` may be
    /// asked for through a proxy though they do not resolve here.
    pub fn new(plan: &'a Plan, roots: Roots, trust: Arc<Trust>, documented: &'a CaHosts) -> Self {
        let mut closure = Self {
            plan,
            documented,
            picture: Picture { pool: Pool::new(trust), ..Picture::default() },
            queue: VecDeque::new(),
            outstanding: 0,
            waiting: BTreeMap::new(),
            names: BTreeMap::new(),
            added: 0,
        };
        for root in &roots.roots {
            closure.add_member(&root.key, root.origin, 0, None);
            if root.origin != Origin::Echo {
                closure.add_page(&root.key);
            }
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
            Outcome::Fetched { key, seen, reading } => self.fetched(&key, *seen, reading),
        }
    }

    /// The picture at the fixed point.
    pub fn finish(self) -> Picture {
        self.picture
    }

    pub(super) fn add_member(
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
        let was_echo = !new && member.is_only_echo();
        member.origins.insert(origin);
        member.depth = member.depth.min(depth);
        member.trusted |= depth == 0;
        member.required_by.extend(required_by.cloned());
        if new {
            self.picture.ways.insert(key.via.clone());
            if key.via.is_some() {
                self.add_bypass(key, depth);
            }
            self.resolve(key);
        } else if was_echo {
            self.present_all(key);
        }
        true
    }

    /// A1: beside the proxy, the direct attempt, which must fail where the proxy is the only way (F24).
    fn add_bypass(&mut self, key: &EndpointKey, depth: u8) {
        let direct = EndpointKey { via: None, ..key.clone() };
        if self.member_mut(&direct).is_none() {
            self.picture.bypasses.insert(direct.clone(), Member::new(depth));
            self.resolve(&direct);
        }
    }

    fn member_mut(&mut self, key: &EndpointKey) -> Option<&mut Member> {
        let Picture { members, bypasses, .. } = &mut self.picture;
        members.get_mut(key).or_else(|| bypasses.get_mut(key))
    }

    /// R2, R9: the name that must resolve before the endpoint can be probed. Behind a proxy that is the proxy's, once the guard
    /// has let the host's own pass.
    fn resolve(&mut self, key: &EndpointKey) {
        let host = match &key.via {
            None => key.host.clone(),
            Some(_) if self.is_unguarded(key) => key.host.clone(),
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

    /// Whether what lies behind a proxy has still to pass the guard: it came from the network.
    fn is_unguarded(&self, key: &EndpointKey) -> bool {
        let member = self.picture.members.get(key);
        key.via.is_some() && member.is_some_and(|member| !member.trusted && member.behind.is_none())
    }

    fn give_addresses(&mut self, key: &EndpointKey, dns: &DnsObservation) {
        let plan = self.plan;
        if self.is_unguarded(key) {
            let refusal = guard::refusal_behind_proxy(plan, self.documented, &key.host, &dns.addresses());
            if let Some(member) = self.member_mut(key) {
                member.behind = Some(refusal.map_or(Ok(()), Err));
            }
            return self.resolve(key);
        }
        let Picture { members, bypasses, .. } = &mut self.picture;
        let Some(member) = members.get_mut(key).or_else(|| bypasses.get_mut(key)) else { return };
        member.dns = Some(dns.clone());
        for ip in dns.addresses() {
            if member.addresses.contains_key(&ip) {
                continue;
            }
            let refusal = match (&member.behind, &key.via) {
                (Some(Err(text)), _) => Some(text.clone()),
                // The address is the proxy's, which the configuration names.
                (_, Some(_)) => None,
                (_, None) => (!member.trusted).then(|| guard::refusal(plan, &key.host, ip)).flatten(),
            };
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
        if let Some(member) = self.member_mut(key) {
            member.addresses.insert(seen.ip, Seen::Observed(Box::new(seen)));
        }
        if !self.picture.members.contains_key(key) {
            return;
        }
        if let Some(tls) = tls.filter(|_| !self.is_only_echo(key)) {
            self.presented(key, &tls);
        }
        if made {
            self.fetch_all(key);
        }
    }

    fn is_only_echo(&self, key: &EndpointKey) -> bool {
        self.picture.members.get(key).is_some_and(Member::is_only_echo)
    }

    /// The certificates of what was an echo alone until now count like everybody's.
    fn present_all(&mut self, key: &EndpointKey) {
        if self.is_only_echo(key) {
            return;
        }
        let Some(member) = self.picture.members.get(key) else { return };
        let seen = member.addresses.values().filter_map(|seen| match seen {
            Seen::Observed(seen) => seen.tls.clone(),
            Seen::Pending | Seen::Forbidden(_) => None,
        });
        for tls in seen.collect::<Vec<_>>() {
            self.presented(key, &tls);
        }
    }

    pub(super) fn count_one_more(&mut self) -> bool {
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
            incomplete: false,
            text: String::new(),
            took: std::time::Duration::ZERO,
        }],
    }
}
