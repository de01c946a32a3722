//! Evidence must mean one thing: a hop that two links claim, or an interface that a tunnel shares, proves none.
//!
//! Source addresses, BGP peers and interfaces that several links share are no mistake: they are simply no vote.

use std::net::IpAddr;
use std::ops::Range;

use ipnet::IpNet;

use crate::config::Terminates;
use crate::config::errors::Problems;
use crate::config::field::Field;
use crate::config::mask::shown;
use crate::config::raw::{RawFile, called, is_expressroute};
use crate::config::scalar::{Declared, Name};

/// Something that proves a link or tunnel.
struct Claim<T> {
    what: T,
    span: Range<usize>,
    /// Which entry of the file claims it.
    owner: usize,
    owner_is_called: String,
}

/// Notes hops that would prove two links, or a link and a tunnel (E6).
pub(super) fn hops(file: &RawFile, problems: &mut Problems) {
    let mut claims = Vec::new();
    for (owner, link) in file.link.iter().enumerate() {
        let name = called("link", &link.table.name);
        claim(&link.table.msee, owner, &name, |ip: &IpAddr| IpNet::from(*ip), &mut claims);
        claim(&link.table.hops, owner, &name, |net: &IpNet| *net, &mut claims);
    }
    for (owner, tunnel) in file.tunnel.iter().enumerate() {
        let name = called("tunnel", &tunnel.table.name);
        claim(&tunnel.table.hops, file.link.len() + owner, &name, |net: &IpNet| *net, &mut claims);
    }
    disjoint(&claims, "as a hop", overlap, problems);
}

/// Notes interfaces of tunnels that something else claims too (E1). Links may share one among themselves.
pub(super) fn interfaces(file: &RawFile, problems: &mut Problems) {
    const ANY_LINK: usize = 0;
    let mut claims = Vec::new();
    for link in &file.link {
        let name = called("link", &link.table.name);
        claim(&link.table.interface, ANY_LINK, &name, |name: &Name| shown(&name.0), &mut claims);
    }
    for (owner, tunnel) in file.tunnel.iter().enumerate() {
        if tunnel.table.terminates.get() == Some(&Terminates::Ce) {
            continue;
        }
        let name = called("tunnel", &tunnel.table.name);
        claim(&tunnel.table.interface, 1 + owner, &name, |name: &Name| shown(&name.0), &mut claims);
    }
    disjoint(&claims, "as an interface", PartialEq::eq, problems);
}

/// Notes MACsec where it is impossible: it exists only on ExpressRoute Direct (P5).
pub(super) fn macsec(file: &RawFile, problems: &mut Problems) {
    for link in file.link.iter().map(|link| &link.table) {
        let macsec = &link.encryption.macsec;
        let (Some(Declared::Declared), Some(edge)) = (macsec.get(), link.edge.get()) else { continue };
        if !is_expressroute(*edge) {
            let message = format!("MACsec on a link whose edge is {}", crate::failure::label(edge));
            problems.add(
                &macsec.span,
                message,
                "MACsec exists only on ExpressRoute Direct: write macsec = \"none\"",
            );
            continue;
        }
        let Some(circuit) = &link.circuit else {
            let help = "add `circuit`, and `direct = true` to that [circuit.NAME]";
            problems.add(
                &macsec.span,
                "MACsec on a link without a circuit: it exists only on ExpressRoute Direct",
                help,
            );
            continue;
        };
        let declared = circuit.get().and_then(|name| file.circuit.get_key_value(&name.0));
        if let Some((name, circuit)) = declared
            && circuit.table.direct.get() == Some(&false)
        {
            problems.add(
                &macsec.span,
                format!("MACsec on the circuit \"{}\", which is not ExpressRoute Direct", shown(name)),
                "a provider's circuit cannot have it: write macsec = \"none\", or direct = true if the ports are yours",
            );
        }
    }
}

fn overlap(one: &IpNet, other: &IpNet) -> bool {
    one.contains(other) || other.contains(one)
}

fn claim<'a, T: crate::config::field::Scalar + 'a, U>(
    fields: impl IntoIterator<Item = &'a Field<T>>,
    owner: usize,
    owner_is_called: &str,
    what: impl Fn(&T) -> U,
    claims: &mut Vec<Claim<U>>,
) {
    claims.extend(fields.into_iter().filter_map(|field| {
        let what = what(field.get()?);
        Some(Claim { what, span: field.span.clone(), owner, owner_is_called: owner_is_called.to_owned() })
    }));
}

fn disjoint<T: std::fmt::Display>(
    claims: &[Claim<T>],
    role: &str,
    clash: impl Fn(&T, &T) -> bool,
    problems: &mut Problems,
) {
    for (index, later) in claims.iter().enumerate() {
        let clashes = |earlier: &&Claim<T>| earlier.owner != later.owner && clash(&earlier.what, &later.what);
        if let Some(earlier) = claims[..index].iter().find(clashes) {
            problems.add(
                &later.span,
                format!(
                    "{} {role} would prove both {} (by {}) and {}",
                    later.what, earlier.owner_is_called, earlier.what, later.owner_is_called
                ),
                "it must belong to one of them only; if both really share it, remove it from both: it proves neither",
            );
        }
    }
}
