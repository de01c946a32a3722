//! What would carry a flow if the routes of its present closed class vanished (F23, DESIGN §4.5).
//!
//! In: the path as attributed and the tables. Out: per router that the flow meets, what is left. It decides no path.

use std::net::IpAddr;
use std::time::SystemTime;

use ipnet::IpNet;

use super::control::{self, Control};
use super::path::PathClass;
use super::ways::{self, Way, Ways};
use crate::config::{Edge, Link, Topology};
use crate::observation::AddressObservation;
use crate::rib::{Latent, Lookup, Policy, Route};

/// What is left at one router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failover {
    /// The router.
    pub router: IpAddr,
    /// How many closed routes stand before it.
    pub before: usize,
    /// What is left.
    pub left: Left,
}

/// What is left when the closed routes are away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Left {
    /// A way that is not closed.
    Open {
        /// The prefix that matches then.
        prefix: IpNet,
        /// The link it leads to.
        link: String,
    },
    /// Another closed way.
    Closed,
    /// Nothing: the traffic stops.
    Nothing,
    /// It cannot be told.
    Unknown(String),
}

impl Control<'_> {
    /// What would carry a flow of a closed class if every route of that class were away, at each router that it may meet.
    /// Empty where the question does not arise.
    pub fn failover(
        &self,
        seen: &AddressObservation,
        topology: &Topology,
        class: PathClass,
        now: SystemTime,
    ) -> Vec<Failover> {
        let ip = seen.ip.to_canonical();
        let tunnels = ways::tunnels_of(topology, ip);
        let (asked, carrying): (Vec<IpAddr>, Ways<'_>) = match class {
            PathClass::ErPrivate | PathClass::ErMicrosoft => {
                let carries = |link: &&Link| Way::Link(link).class(ip, topology).0 == class;
                (vec![ip], topology.links.iter().filter(carries).map(|link| link.name.as_str()).collect())
            }
            // What is lost then is the tunnel's outer path.
            PathClass::ErPrivateIpsec => {
                let outer = tunnels.iter().flat_map(|tunnel| &tunnel.outer_peer).map(IpAddr::to_canonical);
                let edge = |link: &&Link| tunnels.iter().any(|tunnel| tunnel.over == link.edge);
                (outer.collect(), topology.links.iter().filter(edge).map(|link| link.name.as_str()).collect())
            }
            PathClass::Internal
            | PathClass::InternetDirect
            | PathClass::InternetPeeringService
            | PathClass::VpnInternet
            | PathClass::InternetViaAzureProxy
            | PathClass::InternetViaAzureBgp
            | PathClass::InternetViaProxy
            | PathClass::GsaRemoteNetwork
            | PathClass::GsaClient
            | PathClass::Mixed
            | PathClass::Unknown => return Vec::new(),
        };
        let candidates = self.candidates(seen, topology, now);
        if !candidates.met && !control::reachable(seen, topology, &carrying) {
            return Vec::new();
        }
        let vanished =
            |route: &Route<'_>| control::by_route(topology, route).iter().any(|way| carrying.contains(way));
        let mut found = Vec::new();
        for router in &candidates.routers {
            for about in &asked {
                let latent = self.rib().latent(*router, *about, now, vanished);
                found.push(Failover {
                    router: *router,
                    before: latent.before,
                    left: left(&latent, *about, topology),
                });
            }
        }
        found
    }
}

fn left(latent: &Latent<'_>, about: IpAddr, topology: &Topology) -> Left {
    let answer = match &latent.lookup {
        Lookup::Unknown(doubt) => return Left::Unknown(doubt.to_string()),
        _ if latent.vanished == 0 => {
            return Left::Unknown("BGP has no route of the present class; static routes are not seen".into());
        }
        // It stands before those that carry now, so the router rejects it: perhaps, since it does not say so.
        Lookup::Found(answer)
            if latent.before == 0 && answer.routes.iter().all(|route| route.policy == Policy::Pre) =>
        {
            return Left::Unknown(format!("{} stands before policy, and is not used", answer.prefix));
        }
        Lookup::Found(answer) => Some(answer),
        Lookup::Nothing => None,
    };
    let mut undeclared = None;
    for route in answer.iter().flat_map(|answer| &answer.routes) {
        let ways = control::by_route(topology, route);
        if ways.is_empty() {
            undeclared = Some(format!("{}, which no link declares", control::shown(route)));
        }
        let links = topology.links.iter().filter(|link| ways.contains(link.name.as_str()));
        if let Some(link) = links.into_iter().find(|link| is_open(link, about, topology)) {
            return Left::Open { prefix: route.prefix, link: link.name.clone() };
        }
    }
    match (undeclared, latent.complete, answer) {
        (Some(why), ..) => Left::Unknown(why),
        (None, false, _) => Left::Unknown("the router tells only what it chose".into()),
        (None, true, Some(_)) => Left::Closed,
        (None, true, None) => Left::Nothing,
    }
}

/// Whether what takes this link meets the Internet; by a private peering it does beyond the virtual networks (E7d).
fn is_open(link: &Link, about: IpAddr, topology: &Topology) -> bool {
    let by_internet = matches!(link.edge, Edge::Internet | Edge::S2sVpnOverInternet);
    by_internet || Way::Link(link).class(about, topology).0.is_open()
}
