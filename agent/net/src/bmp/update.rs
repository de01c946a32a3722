//! UPDATE messages and path attributes (RFC 4271 §4.3, RFC 4760, RFC 6793, RFC 7911).
//!
//! In: bytes, the width of AS numbers, and whether prefixes carry path identifiers, as negotiated. Out: routes of unicast;
//! other address families are left out. Nothing is guessed from the bytes: `0.0.0.0/0` begins with a zero like a path
//! identifier does.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use closedpath_core::rib::{Announced, AsPath, Attributes, Community, Family, Origin};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::wire::{Bytes, Malformed};

const UNICAST: u8 = 1;

/// Which families' prefixes carry path identifiers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct AddPath {
    pub(super) v4: bool,
    pub(super) v6: bool,
}

impl AddPath {
    fn of(self, family: Family) -> bool {
        match family {
            Family::V4 => self.v4,
            Family::V6 => self.v6,
        }
    }
}

/// What one UPDATE says.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Said {
    pub(super) withdrawn: Vec<Announced>,
    /// Prefixes that share attributes: at most those of the NLRI field, and those of MP_REACH_NLRI.
    pub(super) announced: Vec<(Attributes, Vec<Announced>)>,
    pub(super) end_of_rib: Option<Family>,
}

/// Reads the body of an UPDATE.
pub(super) fn update(mut body: Bytes<'_>, wide_asns: bool, add_path: AddPath) -> Result<Said, Malformed> {
    let length = body.u16()?;
    let mut withdrawn = body.part(length.into())?;
    let length = body.u16()?;
    let attributes = body.part(length.into())?;
    let mut said = Said { withdrawn: prefixes(&mut withdrawn, Family::V4, add_path.v4)?, ..Said::default() };
    if said.withdrawn.is_empty() && attributes.is_empty() && body.is_empty() {
        said.end_of_rib = Some(Family::V4);
        return Ok(said);
    }
    let nlri = prefixes(&mut body, Family::V4, add_path.v4)?;
    let read = path_attributes(attributes, wide_asns)?;
    if let Some((family, mut unreachable)) = read.unreachable {
        let gone = prefixes(&mut unreachable, family, add_path.of(family))?;
        let alone = read.count == 1 && said.withdrawn.is_empty() && nlri.is_empty();
        if gone.is_empty() && alone {
            said.end_of_rib = Some(family);
        }
        said.withdrawn.extend(gone);
    }
    let reachable = match read.reachable {
        Some((family, next_hop, mut bytes)) => {
            Some((next_hop, prefixes(&mut bytes, family, add_path.of(family))?))
        }
        None => None,
    };
    if (!nlri.is_empty() || reachable.as_ref().is_some_and(|(_, prefixes)| !prefixes.is_empty()))
        && !read.has_path
    {
        return Err(attributes.malformed("routes without AS_PATH"));
    }
    if let Some((next_hop, prefixes)) = reachable.filter(|(_, prefixes)| !prefixes.is_empty()) {
        said.announced.push((Attributes { next_hop, ..read.attributes.clone() }, prefixes));
    }
    if !nlri.is_empty() {
        said.announced.push((read.attributes, nlri));
    }
    Ok(said)
}

/// The attributes of a route in a table dump, where MP_REACH_NLRI is its next hop alone (RFC 6396 §4.3.4).
pub(super) fn dumped(bytes: Bytes<'_>) -> Result<Attributes, Malformed> {
    let read = path_attributes(bytes, true)?;
    let mut attributes = read.attributes;
    if let Some((.., next_hop, _)) = read.reachable {
        attributes.next_hop = next_hop;
    }
    Ok(attributes)
}

#[derive(Default)]
struct Read<'a> {
    attributes: Attributes,
    has_path: bool,
    count: usize,
    reachable: Option<(Family, Option<IpAddr>, Bytes<'a>)>,
    unreachable: Option<(Family, Bytes<'a>)>,
}

fn path_attributes(mut bytes: Bytes<'_>, wide_asns: bool) -> Result<Read<'_>, Malformed> {
    const EXTENDED: u8 = 0x10;
    let mut read = Read::default();
    let mut wide_path = None;
    while !bytes.is_empty() {
        let flags = bytes.u8()?;
        let kind = bytes.u8()?;
        let length = if flags & EXTENDED != 0 { bytes.u16()?.into() } else { bytes.u8()?.into() };
        let mut value = bytes.part(length)?;
        read.count += 1;
        match kind {
            1 => {
                read.attributes.origin = match value.u8()? {
                    0 => Origin::Igp,
                    1 => Origin::Egp,
                    _ => Origin::Incomplete,
                }
            }
            2 => {
                read.attributes.as_path = as_path(value, wide_asns)?;
                read.has_path = true;
            }
            3 => read.attributes.next_hop = Some(value.v4()?),
            4 => read.attributes.med = Some(value.u32()?),
            5 => read.attributes.local_pref = Some(value.u32()?),
            8 => {
                let mut all = Vec::with_capacity(value.len() / 4);
                while !value.is_empty() {
                    all.push(Community(value.u16()?, value.u16()?));
                }
                all.sort_unstable();
                read.attributes.communities = all.into();
            }
            14 => read.reachable = reachable(value)?,
            15 => {
                let family = family(value.u16()?, value.u8()?);
                read.unreachable = family.map(|family| (family, value));
            }
            17 => wide_path = Some(as_path(value, true)?),
            _ => {}
        }
    }
    if let Some(wide) = wide_path.filter(|_| !wide_asns) {
        widen(&mut read.attributes.as_path, &wide);
    }
    Ok(read)
}

fn reachable(mut value: Bytes<'_>) -> Result<Option<(Family, Option<IpAddr>, Bytes<'_>)>, Malformed> {
    // A table dump keeps just the next hop: then its length comes first, and no AFI begins with 4, 16 or 32.
    if matches!(value.rest(), [4 | 16 | 32, hop @ ..] if hop.len() == usize::from(value.rest()[0])) {
        let length = value.u8()?;
        let (family, next_hop) =
            if length == 4 { (Family::V4, value.v4()?) } else { (Family::V6, value.v6()?) };
        return Ok(Some((family, Some(next_hop), value.part(value.len())?.part(0)?)));
    }
    let family = family(value.u16()?, value.u8()?);
    let length = value.u8()?;
    let mut hop = value.part(length.into())?;
    let next_hop = match length {
        4 => Some(hop.v4()?),
        // Of two, the second is link-local.
        16 | 32 => Some(hop.v6()?),
        _ => None,
    };
    value.u8()?;
    Ok(family.map(|family| (family, next_hop, value)))
}

fn family(afi: u16, safi: u8) -> Option<Family> {
    match (afi, safi) {
        (1, UNICAST) => Some(Family::V4),
        (2, UNICAST) => Some(Family::V6),
        _ => None,
    }
}

pub(super) fn unicast(afi: u16, safi: u8) -> Option<Family> {
    family(afi, safi)
}

fn as_path(mut bytes: Bytes<'_>, wide: bool) -> Result<AsPath, Malformed> {
    const SET: u8 = 1;
    const SEQUENCE: u8 = 2;
    const CONFED_SEQUENCE: u8 = 3;
    const CONFED_SET: u8 = 4;
    let mut asns = Vec::new();
    let mut length = 0u16;
    let mut aggregated = false;
    while !bytes.is_empty() {
        let kind = bytes.u8()?;
        let count = bytes.u8()?;
        for _ in 0..count {
            asns.push(if wide { bytes.u32()? } else { bytes.u16()?.into() });
        }
        length = length.saturating_add(match kind {
            SEQUENCE => count.into(),
            SET => 1,
            CONFED_SEQUENCE | CONFED_SET => 0,
            _ => return Err(bytes.malformed("unknown kind of AS_PATH segment")),
        });
        aggregated = matches!(kind, SET | CONFED_SET);
    }
    Ok(AsPath { asns: asns.into(), length, aggregated })
}

/// Puts the AS numbers that did not fit into 16 bits in their places (RFC 6793 §4.2.3).
fn widen(narrow: &mut AsPath, wide: &AsPath) {
    let Some(leading) = narrow.asns.len().checked_sub(wide.asns.len()) else { return };
    narrow.asns = narrow.asns[..leading].iter().chain(wide.asns.iter()).copied().collect();
    narrow.aggregated = wide.aggregated;
}

/// All prefixes that are left.
fn prefixes(bytes: &mut Bytes<'_>, family: Family, add_path: bool) -> Result<Vec<Announced>, Malformed> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let path = if add_path { bytes.u32()? } else { 0 };
        all.push(Announced { prefix: prefix(bytes, family)?, path });
    }
    Ok(all)
}

/// One prefix: its length in bits, and as many bytes as that takes.
pub(super) fn prefix(bytes: &mut Bytes<'_>, family: Family) -> Result<IpNet, Malformed> {
    let before = *bytes;
    let length = bytes.u8()?;
    let part = bytes.part(usize::from(length).div_ceil(8))?;
    let mut octets = [0; 16];
    let wrong = before.malformed("prefix too long");
    octets.get_mut(..part.len()).ok_or(wrong)?.copy_from_slice(part.rest());
    let net = match family {
        Family::V4 => {
            let [a, b, c, d, ..] = octets;
            Ipv4Net::new(Ipv4Addr::new(a, b, c, d), length).map(IpNet::V4)
        }
        Family::V6 => Ipv6Net::new(Ipv6Addr::from(octets), length).map(IpNet::V6),
    };
    net.map_err(|_| wrong)
}
