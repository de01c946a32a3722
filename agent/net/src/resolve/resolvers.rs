//! All configured resolvers, asked at once.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use closedpath_core::config::{Resolver, ResolverServer};
use closedpath_core::observation::{Answer, DnsObservation, DnsStatus, DnsView};
use futures_util::future::join_all;
use hickory_proto::rr::{Name, RecordType};

use super::combine::combine;
use super::order::ask_in_order;
use super::system::{Hosts, Watched, parse_hosts, parse_resolv_conf};
use crate::NetError;

/// The configured resolvers and the system's files.
#[derive(Debug)]
pub struct Resolvers {
    resolvers: Vec<Resolver>,
    timeout: Duration,
    system: Watched<Vec<SocketAddr>>,
    hosts: Watched<Hosts>,
}

impl Resolvers {
    /// Takes the resolvers as configured; each view is complete within `timeout` (and half a second more where a failure
    /// is looked into).
    pub fn new(specs: &[Resolver], timeout: Duration) -> Result<Self, NetError> {
        let resolvers = Self {
            resolvers: specs.to_vec(),
            timeout,
            system: Watched::new("/etc/resolv.conf", parse_resolv_conf),
            hosts: Watched::new("/etc/hosts", parse_hosts),
        };
        if let Some(empty) = specs.iter().find(|spec| spec.servers.is_empty()) {
            return Err(NetError::NoServer { name: empty.name.clone() });
        }
        if specs.iter().any(uses_system) {
            resolvers.system.now().map_err(|error| file_error("/etc/resolv.conf", &error))?;
            resolvers.hosts.now().map_err(|error| file_error("/etc/hosts", &error))?;
        }
        Ok(resolvers)
    }

    /// What every resolver says about `name` now; a literal address answers for itself.
    pub async fn observe(&self, name: &str) -> DnsObservation {
        let canonical = name.trim_end_matches('.').to_ascii_lowercase();
        let views = match literal(&canonical) {
            Some(ip) => vec![immediate("literal", DnsStatus::Ok, vec![Answer { ip, ttl: 0 }], "")],
            None => join_all(self.resolvers.iter().map(|one| self.view(one, &canonical))).await,
        };
        DnsObservation { name: canonical, views }
    }

    /// The real addresses behind every resolver, the system's expanded.
    pub fn servers(&self) -> Vec<(String, SocketAddr)> {
        let pairs = self.resolvers.iter().map(|one| (one.name.clone(), self.addresses(one)));
        pairs.flat_map(|(name, servers)| servers.into_iter().map(move |at| (name.clone(), at))).collect()
    }

    async fn view(&self, resolver: &Resolver, name: &str) -> DnsView {
        if uses_system(resolver) {
            let answers = self.in_hosts(name);
            if !answers.is_empty() {
                return immediate("hosts", DnsStatus::Ok, answers, "");
            }
        }
        let Ok(mut full) = Name::from_ascii(name) else {
            let words = format!("\"{name}\" is not a domain name (RFC 1035 §2.3.4) and was not asked for");
            return immediate(&resolver.name, DnsStatus::Nxdomain, Vec::new(), &words);
        };
        full.set_fqdn(true);
        let servers = self.addresses(resolver);
        let began = Instant::now();
        let (v4, v6) = tokio::join!(
            ask_in_order(&servers, &full, RecordType::A, self.timeout),
            ask_in_order(&servers, &full, RecordType::AAAA, self.timeout),
        );
        combine(&resolver.name, v4, v6, began.elapsed())
    }

    fn in_hosts(&self, name: &str) -> Vec<Answer> {
        let Ok(hosts) = self.hosts.now() else { return Vec::new() };
        let matching = hosts.iter().filter(|(known, _)| known == name);
        let mut answers: Vec<Answer> = matching.map(|(_, ip)| Answer { ip: *ip, ttl: 0 }).collect();
        answers.sort_by_key(|answer| answer.ip.is_ipv6());
        answers
    }

    fn addresses(&self, resolver: &Resolver) -> Vec<SocketAddr> {
        let expand = |server: &ResolverServer| match server {
            ResolverServer::Address(address) => vec![*address],
            ResolverServer::System => self.system.now().map(|servers| servers.to_vec()).unwrap_or_default(),
        };
        resolver.servers.iter().flat_map(expand).collect()
    }
}

fn uses_system(resolver: &Resolver) -> bool {
    resolver.servers.contains(&ResolverServer::System)
}

fn file_error(file: &str, error: &std::io::Error) -> NetError {
    NetError::ResolverFile { file: file.into(), why: error.to_string() }
}

/// An IP address written as a name, IPv6 also in brackets.
fn literal(name: &str) -> Option<IpAddr> {
    name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name).parse().ok()
}

fn immediate(resolver: &str, status: DnsStatus, answers: Vec<Answer>, text: &str) -> DnsView {
    DnsView {
        resolver: resolver.to_owned(),
        server: None,
        status,
        cname: Vec::new(),
        answers,
        incomplete: false,
        text: text.to_owned(),
        took: Duration::ZERO,
    }
}
