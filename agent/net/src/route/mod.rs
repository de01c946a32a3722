//! The kernel's forwarding table (E1), asked over rtnetlink; needs no privilege.
//!
//! In: a flow. Out: the matched route with all its equal-cost ways out, and the source address the kernel would
//! choose. Two questions are asked: one for the route as it stands in the table (`RTM_F_FIB_MATCH`), one for what a packet
//! would get. It is asked for the probe's own protocol, port, source, interface and mark; and once more for each mark and each
//! other user that a rule of this host selects, since nobody sees what nftables marks (E3, `rules`).

mod answer;
mod rules;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use closedpath_core::observation::{
    Neighbour, NextHop, Protocol, RouteKind, RouteObservation, Selected, Selector,
};
use futures_util::{StreamExt, TryStreamExt};
use rtnetlink::packet_route::link::{LinkAttribute, LinkInfo};
use rtnetlink::packet_route::neighbour::{NeighbourAddress, NeighbourAttribute, NeighbourState};
use rtnetlink::packet_route::route::{RouteAttribute, RouteFlags, RouteMessage, RouteType};
use rtnetlink::{Error, Handle, IpVersion, RouteMessageBuilder};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::NetError;
use crate::egress::{self, Egress};
use answer::{is_no_route, prefix, source, table, ways_out};

/// The kernel answers at once; more than this is no answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// An interface may be renamed: its name is asked for again after this.
const NAME_AGE: Duration = Duration::from_secs(30);

/// Rules are read again after this.
const RULES_AGE: Duration = Duration::from_secs(5);

/// Of more neighbours than these none is believed.
const NEIGHBOURS: usize = 16_384;

/// Name and kind of an interface.
type Link = (String, Option<String>);

/// The rules of a family as they were read, for one mark of the probes.
type Rules = HashMap<(bool, Option<u32>), (Instant, Vec<Selector>)>;

/// A netlink socket and the task that drives it.
#[derive(Debug)]
pub struct RouteTable {
    handle: Handle,
    links: Mutex<HashMap<u32, (Instant, Link)>>,
    rules: Mutex<Rules>,
    _driver: JoinSet<()>,
}

impl RouteTable {
    /// Opens the socket; to be called inside a tokio runtime.
    pub fn open() -> Result<Self, NetError> {
        let (connection, handle, _) = rtnetlink::new_connection().map_err(NetError::Netlink)?;
        let mut driver = JoinSet::new();
        driver.spawn(connection);
        Ok(Self { handle, links: Mutex::default(), rules: Mutex::default(), _driver: driver })
    }

    /// How packets of this protocol to `to` leave this host, as [`Egress`] has them leave; `None` where the kernel gave no
    /// usable answer.
    pub async fn lookup(&self, to: SocketAddr, protocol: Protocol) -> Option<RouteObservation> {
        timeout(PATIENCE, self.ask(to, protocol, None)).await.ok().flatten()
    }

    /// The same for a flow that is already known by its own end: the kernel looks again with the source that it chose, and rules may
    /// send that elsewhere (E1, E3).
    pub async fn lookup_from(
        &self,
        from: SocketAddr,
        to: SocketAddr,
        protocol: Protocol,
    ) -> Option<RouteObservation> {
        timeout(PATIENCE, self.ask(to, protocol, Some(from))).await.ok().flatten()
    }

    /// By which interfaces a router is a neighbour of this host; by none where another router leads to it.
    pub async fn on_link(&self, router: IpAddr) -> Vec<NextHop> {
        let route = self.lookup(SocketAddr::new(router, 0), Protocol::Icmp).await;
        let route = route.filter(|route| route.kind == RouteKind::Unicast);
        let hops = route.into_iter().flat_map(|route| route.next_hops);
        let on_link = hops.filter(|hop| hop.gateway.is_none());
        on_link.map(|hop| NextHop { gateway: Some(router), ..hop }).collect()
    }

    /// This host's neighbours with known link-layer addresses; none where the kernel does not tell all of them.
    pub async fn neighbours(&self) -> Vec<Neighbour> {
        timeout(PATIENCE, self.ask_neighbours()).await.unwrap_or_default()
    }

    async fn ask_neighbours(&self) -> Vec<Neighbour> {
        let mut entries = std::pin::pin!(self.handle.neighbours().get().execute());
        let mut found = Vec::new();
        while let Some(entry) = entries.next().await {
            // With a part of them, two routers behind one link-layer address may look like one.
            let Some(entry) = entry.ok().filter(|_| found.len() < NEIGHBOURS) else { return Vec::new() };
            // What is not confirmed any more is still who answered last.
            if matches!(
                entry.header.state,
                NeighbourState::Incomplete
                    | NeighbourState::Failed
                    | NeighbourState::None
                    | NeighbourState::Noarp
            ) {
                continue;
            }
            let address = entry.attributes.iter().find_map(|attribute| match attribute {
                NeighbourAttribute::Destination(NeighbourAddress::Inet(address)) => Some((*address).into()),
                NeighbourAttribute::Destination(NeighbourAddress::Inet6(address)) => Some((*address).into()),
                _ => None,
            });
            let link_layer = entry.attributes.iter().find_map(|attribute| match attribute {
                NeighbourAttribute::LinkLayerAddress(bytes) => Some(bytes.clone()),
                _ => None,
            });
            let (Some(address), Some(link_layer)) = (address, link_layer) else { continue };
            let Some((interface, _)) = self.link(entry.header.ifindex).await else { continue };
            found.push(Neighbour { interface, address, link_layer });
        }
        found
    }

    async fn ask(
        &self,
        flow: SocketAddr,
        protocol: Protocol,
        from: Option<SocketAddr>,
    ) -> Option<RouteObservation> {
        let to = flow.ip();
        let egress = egress::current();
        let interface = match egress.interface.as_deref().filter(|_| !to.is_loopback()) {
            Some(name) => match self.index(name).await {
                Some(index) => Some(index),
                None => return Some(unreachable(to)),
            },
            None => None,
        };
        let request = |flags| request((from, flow), protocol, &egress, interface, flags);
        let to_match = || request(RouteFlags::FibMatch | RouteFlags::LookupTable);
        // Without `LookupTable` the kernel says "main" whatever the table.
        let matched = match self.route(to_match()?).await {
            Ok(route) => route,
            Err(error) if is_no_route(&error) => return Some(unreachable(to)),
            Err(_) => return None,
        };
        // A cached exception or a race may give no second answer; the source is then not known.
        let resolved = self.route(request(RouteFlags::LookupTable)?).await.ok();
        let kind = match matched.header.kind {
            RouteType::Local => RouteKind::Local,
            RouteType::BlackHole | RouteType::Unreachable | RouteType::Prohibit | RouteType::Throw => {
                return Some(unreachable(to));
            }
            _ => RouteKind::Unicast,
        };
        let next_hops = self.next_hops(&matched).await?;
        let mut selected = Vec::new();
        for by in self.selectors(to, &egress).await? {
            let next_hops_then = self.asked_for(by, to_match()?).await?;
            if next_hops_then.iter().any(|hop| !next_hops.contains(hop)) {
                selected.push(Selected { by, next_hops: next_hops_then });
            }
        }
        Some(RouteObservation {
            destination: to,
            kind,
            next_hops,
            // Of a source that it was asked for, the kernel says nothing.
            source: resolved.as_ref().and_then(source).or(from.map(|from| from.ip())),
            prefix: prefix(&matched, to),
            table: Some(table(&matched)),
            selected,
        })
    }

    /// What rules select besides the flow itself (E3).
    async fn selectors(&self, to: IpAddr, egress: &Egress) -> Option<Vec<Selector>> {
        if to.is_loopback() {
            return Some(Vec::new());
        }
        let key = (to.is_ipv4(), egress.mark);
        {
            let rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((at, selectors)) = rules.get(&key)
                && at.elapsed() < RULES_AGE
            {
                return Some(selectors.clone());
            }
        }
        let version = if to.is_ipv4() { IpVersion::V4 } else { IpVersion::V6 };
        let selectors = rules::selectors(&self.handle, version, egress.mark).await.ok()?;
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        rules.insert(key, (Instant::now(), selectors.clone()));
        Some(selectors)
    }

    /// The ways out of packets that are selected so; none where they leave by none.
    async fn asked_for(&self, by: Selector, mut question: RouteMessage) -> Option<Vec<NextHop>> {
        question
            .attributes
            .retain(|attribute| !matches!((attribute, by), (RouteAttribute::Mark(_), Selector::Mark(_))));
        match by {
            Selector::Mark(mark) => question.attributes.push(RouteAttribute::Mark(mark)),
            Selector::Tos(tos) => question.header.tos = tos,
            Selector::User(user) => question.attributes.push(RouteAttribute::Uid(user)),
        }
        match self.route(question).await {
            Ok(route) if route.header.kind == RouteType::Unicast => self.next_hops(&route).await,
            Ok(_) => Some(Vec::new()),
            Err(error) if is_no_route(&error) => Some(Vec::new()),
            Err(_) => None,
        }
    }

    async fn next_hops(&self, route: &RouteMessage) -> Option<Vec<NextHop>> {
        let mut next_hops = Vec::new();
        for (index, gateway) in ways_out(route) {
            let (interface, kind) = self.link(index).await?;
            next_hops.push(NextHop { interface, gateway, kind });
        }
        Some(next_hops)
    }

    async fn route(&self, request: RouteMessage) -> Result<RouteMessage, Error> {
        let answers = self.handle.route().get(request).execute();
        std::pin::pin!(answers).try_next().await?.ok_or(Error::RequestFailed)
    }

    async fn index(&self, name: &str) -> Option<u32> {
        let links = self.handle.link().get().match_name(name.to_owned()).execute();
        Some(std::pin::pin!(links).next().await?.ok()?.header.index)
    }

    /// Name and kind (E5) of an interface.
    async fn link(&self, index: u32) -> Option<Link> {
        {
            let links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((at, link)) = links.get(&index)
                && at.elapsed() < NAME_AGE
            {
                return Some(link.clone());
            }
        }
        let links = self.handle.link().get().match_index(index).execute();
        let seen = std::pin::pin!(links).next().await?.ok()?;
        let name = seen.attributes.iter().find_map(|attribute| match attribute {
            LinkAttribute::IfName(name) => Some(name.clone()),
            _ => None,
        })?;
        let infos = seen.attributes.iter().find_map(|attribute| match attribute {
            LinkAttribute::LinkInfo(infos) => Some(infos),
            _ => None,
        });
        let kind = infos.into_iter().flatten().find_map(|info| match info {
            LinkInfo::Kind(kind) => Some(kind.to_string()),
            _ => None,
        });
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        links.insert(index, (Instant::now(), (name.clone(), kind.clone())));
        Some((name, kind))
    }
}

/// The question for one flow; `None` where the addresses do not go together.
fn request(
    (from, to): (Option<SocketAddr>, SocketAddr),
    protocol: Protocol,
    egress: &Egress,
    interface: Option<u32>,
    flags: RouteFlags,
) -> Option<RouteMessage> {
    let (length, icmp) = if to.is_ipv4() { (32, libc::IPPROTO_ICMP) } else { (128, libc::IPPROTO_ICMPV6) };
    let number = match protocol {
        Protocol::Tcp => libc::IPPROTO_TCP,
        Protocol::Udp => libc::IPPROTO_UDP,
        Protocol::Icmp => icmp,
    };
    let mut builder = RouteMessageBuilder::<IpAddr>::new()
        .destination_prefix(to.ip(), length)
        .ok()?
        .ip_protocol(u8::try_from(number).ok()?);
    if protocol != Protocol::Icmp && to.port() != 0 {
        builder = builder.dport(to.port());
    }
    if let Some(port) = from.map(|from| from.port()).filter(|port| protocol != Protocol::Icmp && *port != 0) {
        builder = builder.sport(port);
    }
    if let Some(source) = from.map(|from| from.ip()).or(egress.source_for(to.ip())) {
        builder = builder.source_prefix(source, length).ok()?;
    }
    if let Some(index) = interface {
        builder = builder.output_interface(index);
    }
    let mut message = builder.build();
    // The builder knows marks for single families only.
    message.attributes.extend(egress.mark.filter(|_| !to.ip().is_loopback()).map(RouteAttribute::Mark));
    message.header.flags = flags;
    Some(message)
}

fn unreachable(to: IpAddr) -> RouteObservation {
    RouteObservation {
        destination: to,
        kind: RouteKind::Unreachable,
        next_hops: Vec::new(),
        source: None,
        prefix: None,
        table: None,
        selected: Vec::new(),
    }
}
