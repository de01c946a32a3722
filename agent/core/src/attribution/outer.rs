//! The paths of tunnels' outer packets (A3): where an endpoint is at a tunnel's outer peer, its path is that of the tunnel.
//!
//! In: the paths to those endpoints. Out: what is known of each tunnel's outer path, and what follows for a flow that may take it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::SystemTime;

use super::evidence::{Evidence, Plane, Strength};
use super::ways::Ways;
use super::{Confidence, Path};
use crate::config::{Topology, Tunnel};
use crate::failure::label;

/// Paths to the outer peers that were looked at.
#[derive(Debug, Default)]
pub struct Outer<'a> {
    of: BTreeMap<&'a str, Vec<(IpAddr, Path)>>,
}

impl<'a> Outer<'a> {
    /// Adds the path to an address, if it is the outer peer of a tunnel.
    pub(super) fn add(&mut self, topology: &'a Topology, ip: IpAddr, path: impl Fn() -> Path) {
        for tunnel in topology.tunnels.iter().filter(|tunnel| leads_to(tunnel, ip)) {
            self.of.entry(&tunnel.name).or_default().push((ip.to_canonical(), path()));
        }
    }
}

fn leads_to(tunnel: &Tunnel, ip: IpAddr) -> bool {
    tunnel.outer_peer.iter().any(|peer| peer.to_canonical() == ip.to_canonical())
}

/// What is known of the outer paths of the ways that remain for a flow.
#[derive(Debug, Default)]
pub(super) struct Beneath {
    /// Each way is a tunnel, and the paths to all of its outer peers are confirmed.
    pub(super) confirmed: bool,
    /// An outer path takes another edge than the declared one.
    pub(super) contradicted: bool,
    pub(super) says: Vec<Evidence>,
}

/// What the outer paths say of the ways that remain.
pub(super) fn beneath(
    outer: &Outer<'_>,
    remaining: &Ways<'_>,
    topology: &Topology,
    now: SystemTime,
) -> Beneath {
    let mut beneath = Beneath { confirmed: !remaining.is_empty(), ..Beneath::default() };
    for name in remaining {
        let Some(tunnel) = topology.tunnels.iter().find(|tunnel| tunnel.name == *name) else {
            beneath.confirmed = false;
            continue;
        };
        let paths = outer.of.get(name).map(Vec::as_slice).unwrap_or_default();
        for peer in tunnel.outer_peer.iter().map(IpAddr::to_canonical) {
            let known: Vec<&Path> = paths
                .iter()
                .filter(|(ip, path)| *ip == peer && path.edge.is_some())
                .map(|(_, path)| path)
                .collect();
            beneath.contradicted |= known.iter().any(|path| path.edge != Some(tunnel.over));
            let sure = |path: &&Path| path.confidence == Confidence::Confirmed;
            beneath.confirmed &= known.iter().any(sure);
            let (strength, says) = match known.iter().max_by_key(|path| path.confidence) {
                Some(path) => (
                    Strength::B,
                    format!(
                        "{peer}, outer peer of {name}, is reached {} ({})",
                        label(&path.class),
                        label(&path.confidence)
                    ),
                ),
                None => (
                    Strength::D,
                    format!(
                        "the path to {peer}, outer peer of {name}, was not looked at: make it a [[target]]"
                    ),
                ),
            };
            beneath.says.push(Evidence { id: "E6".into(), plane: Plane::Data, strength, says, at: now });
        }
    }
    beneath
}
