//! MRT table dumps, TABLE_DUMP_V2 (RFC 6396 §4.3, RFC 8050), for sites whose routers do not speak BMP.
//!
//! In: the bytes of a dump, the router it is of, and until when it may count. Out: updates as the router would have told
//! them, after policy (a dump holds what the router kept). The routes of each peer are complete.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::SystemTime;

use closedpath_core::rib::{Announced, Families, Family, Feed, PeerKey, Policy, Update};

use super::update::{dumped, prefix};
use super::wire::{Bytes, Malformed};

const TABLE_DUMP_V2: u16 = 13;
const PEER_INDEX_TABLE: u16 = 1;
/// The largest dump that is read.
const MAX_DUMP: usize = 256 << 20;
/// The largest record that is read.
const MAX_RECORD: usize = 1 << 20;

/// Reads a dump as the whole table of a router. `local_asn` is the router's own AS.
///
/// # Errors
///
/// What is wrong, and at which byte; then nothing of it counts.
pub fn from_mrt(
    dump: &[u8],
    router: IpAddr,
    local_asn: Option<u32>,
    until: SystemTime,
) -> Result<Vec<Update>, Malformed> {
    let mut bytes = Bytes::new(dump);
    if dump.len() > MAX_DUMP {
        return Err(bytes.malformed("dump too long"));
    }
    let mut updates = vec![Update::SessionUp { router, until: Some(until) }];
    let mut peers: Vec<PeerKey> = Vec::new();
    let mut families = BTreeSet::new();
    while !bytes.is_empty() {
        bytes.u32()?;
        let (kind, subtype) = (bytes.u16()?, bytes.u16()?);
        let length = bytes.u32()? as usize;
        if length > MAX_RECORD {
            return Err(bytes.malformed("record too long"));
        }
        let mut record = bytes.part(length)?;
        if kind != TABLE_DUMP_V2 {
            return Err(record.malformed("not TABLE_DUMP_V2"));
        }
        let (family, add_path) = match subtype {
            PEER_INDEX_TABLE => {
                if !peers.is_empty() {
                    return Err(record.malformed("a second list of peers"));
                }
                peers = index(&mut record, router, local_asn, &mut updates)?;
                continue;
            }
            2 => (Family::V4, false),
            4 => (Family::V6, false),
            8 => (Family::V4, true),
            10 => (Family::V6, true),
            // Multicast, and what is neither family.
            _ => continue,
        };
        families.insert(family);
        record.u32()?;
        let prefix = prefix(&mut record, family)?;
        let count = record.u16()?;
        for _ in 0..count {
            let place = record.u16()?;
            record.u32()?;
            let path = if add_path { record.u32()? } else { 0 };
            let length = record.u16()?;
            let attributes = dumped(record.part(length.into())?)?;
            let peer =
                *peers.get(usize::from(place)).ok_or(record.malformed("a peer that is not in the list"))?;
            // Its own routes stand under a peer without an address.
            if peer.neighbour.is_some_and(|address| !address.is_unspecified()) {
                let feed = Feed { peer, policy: Policy::Post };
                updates.push(Update::Announce {
                    feed,
                    attributes,
                    prefixes: vec![Announced { prefix, path }],
                });
            }
        }
    }
    for peer in
        peers.into_iter().filter(|peer| peer.neighbour.is_some_and(|address| !address.is_unspecified()))
    {
        for &family in &families {
            updates.push(Update::EndOfRib { feed: Feed { peer, policy: Policy::Post }, family });
        }
    }
    Ok(updates)
}

fn index(
    record: &mut Bytes<'_>,
    router: IpAddr,
    local_asn: Option<u32>,
    updates: &mut Vec<Update>,
) -> Result<Vec<PeerKey>, Malformed> {
    record.u32()?;
    let name = record.u16()?;
    record.part(name.into())?;
    let count = record.u16()?;
    let mut peers = Vec::new();
    for _ in 0..count {
        let kind = record.u8()?;
        record.u32()?;
        let address = if kind & 1 != 0 { record.v6()? } else { record.v4()? };
        let asn = if kind & 2 != 0 { record.u32()? } else { record.u16()?.into() };
        let peer = PeerKey { router, instance: 0, neighbour: Some(address) };
        if !address.is_unspecified() {
            updates.push(Update::PeerUp { peer, asn, local_asn, families: Families::BOTH });
        }
        peers.push(peer);
    }
    Ok(peers)
}
