//! IPsec that begins on this host as evidence (A3, E4): an outgoing policy of the kernel, its security association, and
//! whether that one really carried the flow.
//!
//! In: what was seen of a flow. Out: evidence, and the tunnel that the outer packets belong to. A policy without packets is no
//! encryption.

use super::evidence::{Evidence, Plane, Strength};
use super::ways::{Vote, Ways};
use crate::config::{Terminates, Topology, Tunnel};
use crate::observation::{AddressObservation, Protection};

/// What the kernel's IPsec does with a flow.
pub(super) enum Protected<'a> {
    /// Nothing, as far as is seen.
    No,
    /// It carries it, or may carry it, to the peer of a declared tunnel.
    Through(Vote<'a>),
    /// It carries it, or may carry it, to a peer that no tunnel declares.
    Undeclared,
}

/// Whether a security association carried packets while the flow was probed.
pub(super) fn carried(protection: &Protection) -> bool {
    protection.associated && protection.packets.is_some_and(|(before, after)| after > before)
}

/// The tunnels that begin on this host and lead to the peer.
fn tunnels<'a>(topology: &'a Topology, protection: &Protection) -> impl Iterator<Item = &'a Tunnel> {
    let peer = protection.outer_peer.to_canonical();
    let leads = move |tunnel: &&Tunnel| {
        tunnel.terminates == Terminates::Host
            && tunnel.outer_peer.iter().any(|outer| outer.to_canonical() == peer)
    };
    topology.tunnels.iter().filter(leads)
}

/// Whether what was seen shows that a flow entered a tunnel on this host: by IPsec of the kernel, or by its interface.
pub(crate) fn enters(seen: &AddressObservation, tunnel: &Tunnel) -> bool {
    let by_policy = seen.protection.as_ref().is_some_and(|protection| {
        carried(protection) && tunnel.outer_peer.contains(&protection.outer_peer.to_canonical())
    });
    let by_interface = seen.route.as_ref().is_some_and(|route| {
        !route.next_hops.is_empty()
            && route.next_hops.iter().all(|hop| Some(&hop.interface) == tunnel.interface.as_ref())
    });
    by_policy || by_interface
}

/// E4 for one flow.
pub(super) fn ask<'a>(
    seen: &AddressObservation,
    topology: &'a Topology,
    evidence: &mut Vec<Evidence>,
) -> Protected<'a> {
    let Some(protection) = &seen.protection else { return Protected::No };
    let ways: Ways<'a> = tunnels(topology, protection).map(|tunnel| tunnel.name.as_str()).collect();
    let Protection { destination, outer_peer, .. } = protection;
    let about = format!("the IPsec policy for {destination} leads to {outer_peer}");
    let (strength, says) = match protection.packets {
        _ if !protection.associated => (Strength::C, format!("{about}, without a security association")),
        Some((before, after)) if after > before => {
            let of = match ways.is_empty() {
                true => "which no [[tunnel]] declares".to_string(),
                false => format!("outer_peer of {}", ways.iter().copied().collect::<Vec<_>>().join(", ")),
            };
            (
                Strength::A,
                format!("{about}, {of}; its association carried {} packets meanwhile", after - before),
            )
        }
        Some((before, after)) if after == before => {
            (Strength::C, format!("{about}, and its association carried nothing meanwhile"))
        }
        Some(_) | None => {
            (Strength::C, format!("{about}; whether its association carried anything is not known"))
        }
    };
    evidence.push(Evidence { id: "E4".into(), plane: Plane::Host, strength, says, at: seen.at });
    // Where the association is there and its counters tell nothing, the flow may have been inside: its own route proves nothing.
    let untold = protection.packets.is_none_or(|(before, after)| after < before);
    let carried = carried(protection);
    match (carried || protection.associated && untold, ways.is_empty()) {
        (false, _) => Protected::No,
        (true, true) => Protected::Undeclared,
        (true, false) => Protected::Through(Vote { ways, plane: Plane::Host, decides: carried }),
    }
}
