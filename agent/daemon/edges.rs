//! The edges of one agent: performs what the closure asks for, and remembers traces between rounds.

mod contact;
mod echoes;
mod environment;
mod mtu;
mod traces;

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use closedpath_core::closure::{Outcome, Roots, Work};
use closedpath_core::config::Plan;
use closedpath_core::observation::{
    AddressObservation, Contact, Neighbour, NextHop, Protocol, RouteObservation, TlsObservation,
    TraceObservation,
};
use closedpath_core::pki::Trust;
use closedpath_core::target::{EndpointKey, Probe};
use closedpath_net::{
    Egress, IpFlow, Ipsec, NetError, Resolvers, RouteTable, TlsClient, Watch, free_port_at_close, tcp_info,
};

use crate::cache::Cache;
use crate::fetcher::Fetcher;
use crate::inquiries::{Inquiries, Place};
use crate::pac;
use contact::Reached;
use echoes::Echoes;
use mtu::PathMtus;
use traces::Traces;

/// Sockets, resolvers and trust anchors.
pub struct Edges {
    resolvers: Arc<Resolvers>,
    tls: Arc<TlsClient>,
    routes: RouteTable,
    timeout: Duration,
    proxies: Vec<closedpath_core::config::Proxy>,
    echoes: Echoes,
    lost: Vec<String>,
    egress: Arc<Egress>,
    ipsec: Option<Ipsec>,
    traces: Traces,
    mtus: PathMtus,
    inquiries: Inquiries,
    trust: Arc<Trust>,
}

impl Edges {
    /// Opens everything a plan needs; must be called inside the runtime. `memory` is the folder for what is remembered
    /// between rounds and runs; without one, each round asks anew.
    pub fn open(plan: &Plan, memory: Option<&Path>) -> Result<Self, NetError> {
        let tls = Arc::new(TlsClient::new(&plan.agent.trust_anchors)?);
        let folder = memory.map(|folder| folder.join("cache"));
        let (cache, lost) = Cache::open(folder.as_deref());
        let (traces, untraced) = Traces::new(plan);
        let unused = environment::unused(|name| {
            std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
        });
        let egress = Egress::open(&plan.probe)?;
        let (ipsec, unseen) = match Ipsec::open() {
            Ok(ipsec) => (ipsec, None),
            Err(unseen) => (None, Some(unseen)),
        };
        Ok(Self {
            resolvers: Arc::new(Resolvers::new(&plan.resolvers, plan.probe.timeout)?),
            routes: RouteTable::open()?,
            timeout: plan.probe.timeout,
            proxies: plan.proxies.clone(),
            echoes: Echoes::new(plan),
            lost: untraced.into_iter().chain(unseen).chain(lost).chain(unused).collect(),
            egress: Arc::new(egress),
            ipsec,
            traces,
            mtus: PathMtus::new(&plan.probe),
            inquiries: Inquiries::new(
                Fetcher::new(plan.probe.timeout, cache, tls.clone()).with_proxies(&plan.proxies),
                memory.is_some(),
            ),
            trust: Arc::new(trust(plan, &tls)?),
            tls,
        })
    }

    /// To be called before each round: silent routers are asked again with new patience.
    pub fn begin_round(&self) {
        self.inquiries.begin_round();
        self.traces.begin_round();
    }

    /// What the site trusts.
    pub fn trust(&self) -> Arc<Trust> {
        self.trust.clone()
    }

    /// The resolvers' real addresses.
    pub fn servers(&self) -> Vec<(String, SocketAddr)> {
        self.resolvers.servers()
    }

    /// The roots as the workloads' PAC scripts lead them.
    pub async fn routed(&self, plan: &Plan, roots: Roots) -> Roots {
        // The address that the way to a resolver begins with; none is asked for that leaves the site.
        let first = self.servers().first().map(|(_, server)| *server);
        let route = match first {
            Some(server) => self.routes.lookup(server, Protocol::Udp).await,
            None => None,
        };
        let own = match route.and_then(|route| route.source) {
            Some(IpAddr::V4(own)) => own,
            Some(IpAddr::V6(_)) | None => Ipv4Addr::LOCALHOST,
        };
        pac::routed(plan, roots, Arc::clone(&self.resolvers), own).await
    }

    /// This host's neighbours.
    pub async fn neighbours(&self) -> Vec<Neighbour> {
        self.routes.neighbours().await
    }

    /// What these edges cannot do here, in words.
    pub fn lost(&self) -> Vec<String> {
        self.lost.clone()
    }

    /// Does one thing. Nothing that a peer does makes this fail.
    pub async fn perform(&self, work: Work) -> Outcome {
        match work {
            Work::Resolve { name } => Outcome::Resolved(self.resolvers.observe(&name).await),
            Work::Probe { key, ip } => {
                let seen = Box::new(self.egress.around(Box::pin(self.probe(&key, ip))).await);
                Outcome::Probed { key, seen }
            }
            Work::Fetch { key, url, ip, via, ask } => {
                let place = Place { ip, via };
                self.egress.around(Box::pin(self.inquiries.ask(key, url, place, ask))).await
            }
        }
    }

    /// Where the packets of a probe go: to the endpoint, or to the proxy before it.
    fn destination(&self, key: &EndpointKey, ip: IpAddr) -> SocketAddr {
        let proxy = key.via.as_ref().and_then(|via| self.proxies.iter().find(|proxy| proxy.name == *via));
        SocketAddr::new(ip, proxy.map_or(key.port, |proxy| proxy.port))
    }

    async fn probe(&self, key: &EndpointKey, ip: IpAddr) -> AddressObservation {
        let at = SystemTime::now();
        // What goes to a proxy goes over TCP.
        let traced = if key.via.is_some() { Probe::Tcp } else { key.probe };
        let (to, protocol) = (self.destination(key, ip), Protocol::of(traced));
        let route = self.routes.lookup(to, protocol).await;
        let source = self.egress.source_for(ip).or(route.as_ref().and_then(|route| route.source));
        let flow = IpFlow { source, to, protocol, mark: self.egress.mark.unwrap_or(0) };
        let watch = self.ipsec.as_ref().and_then(|ipsec| ipsec.watch(&flow));
        let Reached { to, contact, stream, mapped, round_trips } = self.contact(key, ip).await;
        let reachable = contact.answered();
        // The kernel looked again with the source that it chose, and the flow's own port: rules may send that elsewhere (E3).
        let local = match &contact {
            Contact::Made(made) => made.local,
            Contact::Failed(_) => None,
        };
        let from = local.or(source.map(|source| SocketAddr::new(source, 0)));
        let own = match from {
            Some(from) => self.routes.lookup_from(from, to, protocol).await,
            None => None,
        };
        let route = own.or(route);
        let tcp = stream.as_ref().and_then(|stream| tcp_info(stream.tcp()));
        if let Some(stream) = &stream {
            free_port_at_close(stream.tcp());
        }
        let port = local.map(|local| local.port()).filter(|port| *port != 0);
        let handshake = async {
            let stream = stream.filter(|_| key.probe.uses_tls())?;
            Some(self.tls.handshake(stream, &key.host, self.timeout).await.0)
        };
        // What follows is the connection's own flow, once it has ended: equal-cost ways part by the ports.
        let followed = async {
            let tls: Option<TlsObservation> = handshake.await;
            (tls, self.traces.to(to, traced, reachable, route.as_ref(), port).await)
        };
        let echo = async {
            let asked = contact.made() && self.echoes.contain(key);
            if asked {
                mapped.or(Box::pin(self.echoes.ask(key, ip, self.timeout, &self.tls)).await)
            } else {
                None
            }
        };
        let ((tls, traces), reflexive, path_mtu) = tokio::join!(followed, echo, self.mtus.to(ip, reachable));
        let first = self.neighbouring(&traces, route.as_ref()).await;
        let protection = watch.map(Watch::end);
        AddressObservation {
            tls,
            route,
            traces,
            first,
            reflexive,
            protection,
            tcp,
            round_trips,
            path_mtu,
            ..AddressObservation::new(ip, at, contact)
        }
    }

    /// By which interface the routers that traces met first are neighbours, where they are not the route's own: the forwarding table
    /// knows without a packet.
    async fn neighbouring(
        &self,
        traces: &[TraceObservation],
        route: Option<&RouteObservation>,
    ) -> Vec<NextHop> {
        let own = |router: &IpAddr| {
            route.is_some_and(|route| route.next_hops.iter().any(|hop| hop.gateway == Some(*router)))
        };
        let firsts = traces.iter().filter_map(|trace| trace.hops.first().filter(|hop| hop.ttl == 1)?.from);
        let firsts: BTreeSet<IpAddr> =
            firsts.map(|from| from.to_canonical()).filter(|router| !own(router)).collect();
        let mut found = Vec::new();
        for router in firsts {
            found.extend(self.routes.on_link(router).await);
        }
        found
    }
}

/// The anchors of the agent's store, the roots that everybody has, and the site's inspection CA.
fn trust(plan: &Plan, tls: &TlsClient) -> Result<Trust, NetError> {
    let inspection = match &plan.agent.inspection_ca {
        Some(file) => closedpath_net::certificates_in(file)?,
        None => Vec::new(),
    };
    let public = webpki_root_certs::TLS_SERVER_ROOT_CERTS;
    Ok(Trust::new(tls.certificates()).with_public(public).with_inspection(inspection))
}
