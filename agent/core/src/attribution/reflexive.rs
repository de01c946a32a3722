//! The reflexive address as evidence (E8): which source address the far end saw, compared with the links' `nat_pool`.
//!
//! In: what was seen of a flow, and the echo servers' answers of the round. Out: evidence and at most one vote. A pool of
//! several links, or of none, says nothing. Translation may depend on the destination: another destination's answer decides
//! only where the forwarding table and the edge routers send both flows the same way.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::SystemTime;

use super::around::{Around, Echoed};
use super::control::{self, Told};
use super::evidence::{Evidence, Plane, Strength};
use super::hops::EVIDENCE_LIMIT;
use super::ways::{self, Vote, Ways};
use crate::observation::{AddressObservation, NextHop};

/// E8 for one flow. `told` is what the routers' tables say of it.
pub(super) fn ask<'a>(
    seen: &AddressObservation,
    around: &Around<'a>,
    told: &Told<'a>,
    evidence: &mut Vec<Evidence>,
) -> Option<Vote<'a>> {
    let fresh = |at: SystemTime| around.now.duration_since(at).unwrap_or_default() <= EVIDENCE_LIMIT;
    if let Some(reflexive) = seen.reflexive.filter(|_| fresh(seen.at)) {
        let (saw, ways) = pool(around, reflexive.to_canonical());
        let strength = if ways.len() == 1 { Strength::A } else { Strength::C };
        evidence.push(item(strength, format!("{} saw {saw}", seen.ip), seen));
        return (ways.len() == 1).then_some(Vote { ways, plane: Plane::Data, decides: true });
    }
    let mut by_strength: [Ways<'a>; 2] = [Ways::new(), Ways::new()];
    for echo in around.echoes.iter().filter(|echo| is_comparable(echo, seen, around)) {
        let (saw, ways) = pool(around, echo.reflexive);
        let strength = match ways.len() {
            1 if goes_with(echo, around, told) => Strength::A,
            1 => Strength::B,
            _ => Strength::C,
        };
        let says = match strength {
            Strength::A => format!("{}, which the same routes lead to, saw {saw}", echo.seen.ip),
            _ => format!("{}, which the same next hop leads to, saw {saw}", echo.seen.ip),
        };
        evidence.push(item(strength, says, echo.seen));
        match strength {
            // Where routers spread over several links, the two flows may take any two of them.
            Strength::A => match told.vote.as_ref().filter(|vote| ways.is_subset(&vote.ways)) {
                Some(vote) => by_strength[0].extend(&vote.ways),
                None => by_strength[0].extend(ways),
            },
            Strength::B => by_strength[1].extend(ways),
            Strength::C | Strength::D => {}
        }
    }
    let decides = !by_strength[0].is_empty();
    let ways = by_strength.into_iter().find(|ways| !ways.is_empty())?;
    Some(Vote { ways, plane: Plane::Data, decides })
}

/// The address in words, and the links that use it.
fn pool<'a>(around: &Around<'a>, reflexive: IpAddr) -> (String, Ways<'a>) {
    let ways = ways::by_source(around.topology, reflexive);
    let names = ways.iter().copied().collect::<Vec<_>>().join(" and ");
    let words = match ways.len() {
        0 => format!("{reflexive}, which is in no link's nat_pool"),
        1 => format!("{reflexive} of {names}"),
        _ => format!("{reflexive}, which {names} share"),
    };
    (words, ways)
}

/// Whether the host sends both flows to the same router, the answer is fresh, and they are of one family.
fn is_comparable(echo: &Echoed<'_>, seen: &AddressObservation, around: &Around<'_>) -> bool {
    let hops = |seen: &AddressObservation| -> BTreeSet<NextHop> {
        seen.route.iter().flat_map(|route| route.next_hops.iter().cloned()).collect()
    };
    let (here, there) = (hops(seen), hops(echo.seen));
    here.len() == 1
        && here == there
        && echo.seen.ip.to_canonical().is_ipv4() == seen.ip.to_canonical().is_ipv4()
        && around.now.duration_since(echo.seen.at).unwrap_or_default() <= EVIDENCE_LIMIT
}

/// Whether the edge routers' tables send both the same way; without tables nobody knows.
fn goes_with(echo: &Echoed<'_>, around: &Around<'_>, told: &Told<'_>) -> bool {
    let (Some(control), Some(vote)) = (around.control, &told.vote) else { return false };
    let there = echo.seen.ip.to_canonical();
    let other = control::ask(control, echo.seen, around.topology, there, around.now, &mut Vec::new());
    !told.mixed && !other.mixed && other.vote.is_some_and(|other| other.ways == vote.ways)
}

fn item(strength: Strength, says: String, seen: &AddressObservation) -> Evidence {
    Evidence { id: "E8".into(), plane: Plane::Data, strength, says, at: seen.at }
}
