//! What bears on every flow of a picture besides what was seen of its own address.

use std::net::IpAddr;
use std::time::SystemTime;

use super::Control;
use super::outer::Outer;
use super::spread::Spread;
use crate::closure::{Picture, Seen};
use crate::config::Topology;
use crate::observation::AddressObservation;

/// All that bears on a flow besides what was seen of its own address.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// The declared ways out.
    pub topology: &'a Topology,
    /// The tables of the edge routers, where they tell.
    pub control: Option<&'a Control<'a>>,
    /// What the echo servers answered in this round (E8).
    pub echoes: &'a [Echoed<'a>],
    /// Paths to the outer peers of tunnels (A3).
    pub outer: &'a Outer,
    /// Groups of addresses whose flows go several ways.
    pub spread: &'a Spread,
    /// When it is judged.
    pub now: SystemTime,
}

/// What one echo server answered.
#[derive(Debug, Clone, Copy)]
pub struct Echoed<'a> {
    /// What was seen of its address.
    pub seen: &'a AddressObservation,
    /// Our address as it saw it.
    pub reflexive: IpAddr,
}

/// The answers of a round.
pub fn echoed(picture: &Picture) -> Vec<Echoed<'_>> {
    let seen = picture.members.values().flat_map(|member| member.addresses.values());
    let observed = seen.filter_map(|seen| match seen {
        Seen::Observed(seen) => Some(seen),
        Seen::Pending | Seen::Forbidden(_) => None,
    });
    observed.filter_map(|seen| Some(Echoed { seen, reflexive: seen.reflexive?.to_canonical() })).collect()
}
