//! BMP messages (RFC 7854 §4, RFC 8671, RFC 9069) as updates of the table.

use std::collections::HashMap;
use std::net::IpAddr;

use closedpath_core::rib::{Families, Family, Feed, PeerKey, Policy, Update};

use super::update::{AddPath, unicast, update};
use super::wire::{Bytes, Malformed};

/// The largest message that is read.
pub(super) const MAX_MESSAGE: usize = 1 << 20;
/// Version, length and kind.
const HEADER: usize = 6;
/// As many peers as a table holds of one router (`Limits::peers`); those beyond are not read.
const MAX_PEERS: usize = 256;

/// The length of the message that begins here, when its header is there.
pub(super) fn length(buffer: &[u8]) -> Result<Option<usize>, Malformed> {
    let Some([version, a, b, c, d, _]) = buffer.first_chunk::<HEADER>() else { return Ok(None) };
    if *version != 3 {
        return Err(Malformed { at: 0, what: "not BMP version 3" });
    }
    let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
    if !(HEADER..=MAX_MESSAGE).contains(&length) {
        return Err(Malformed { at: 1, what: "message too short or too long" });
    }
    Ok(Some(length))
}

/// What a message was, besides its updates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Initiation,
    Termination,
    Other,
}

/// Reads one router's messages in order.
pub(super) struct Reader {
    router: IpAddr,
    /// Those that are up, and what they negotiated.
    peers: HashMap<PeerKey, AddPath>,
}

impl Reader {
    pub(super) fn new(router: IpAddr) -> Self {
        Self { router, peers: HashMap::new() }
    }

    /// Reads a whole message. One that cannot be understood makes the table incomplete; the stream goes on.
    pub(super) fn read(&mut self, message: &[u8], updates: &mut Vec<Update>) -> Kind {
        let kind = match message.get(HEADER - 1) {
            Some(4) => Kind::Initiation,
            Some(5) => Kind::Termination,
            _ => Kind::Other,
        };
        if self.body(message, updates).is_err() {
            updates.push(Update::Incomplete { router: self.router });
        }
        kind
    }

    fn body(&mut self, message: &[u8], updates: &mut Vec<Update>) -> Result<(), Malformed> {
        let mut bytes = Bytes::new(message);
        let kind = bytes.array::<HEADER>()?[HEADER - 1];
        match kind {
            0 => self.route_monitoring(bytes, updates),
            2 => {
                let Some(header) = self.header(&mut bytes)? else { return Ok(()) };
                self.peers.remove(&header.feed.peer);
                updates.push(Update::PeerDown { peer: header.feed.peer });
                Ok(())
            }
            3 => self.peer_up(bytes, updates),
            // Statistics, mirrored messages, and what later documents add.
            _ => {
                updates.push(Update::Heard { router: self.router });
                Ok(())
            }
        }
    }

    fn route_monitoring(&mut self, mut bytes: Bytes<'_>, updates: &mut Vec<Update>) -> Result<(), Malformed> {
        let Some(header) = self.header(&mut bytes)? else { return Ok(()) };
        let feed = header.feed;
        if header.adj_rib_out {
            updates.push(Update::Heard { router: self.router });
            return Ok(());
        }
        if header.filtered {
            updates.push(Update::Incomplete { router: self.router });
        }
        let (kind, body) = bgp(&mut bytes)?;
        if kind != 2 {
            return Err(bytes.malformed("not an UPDATE"));
        }
        let add_path = self.peers.get(&feed.peer).copied().unwrap_or_default();
        let said = update(body, header.wide_asns, add_path)?;
        if !said.withdrawn.is_empty() {
            updates.push(Update::Withdraw { feed, prefixes: said.withdrawn });
        }
        // GoBGP tells its Loc-RIB without the Peer Up that RFC 9069 §5.2 asks for. Nothing came before its first route.
        if feed.policy == Policy::Loc && !said.announced.is_empty() && !self.peers.contains_key(&feed.peer) {
            self.is_up(feed.peer, AddPath::default(), &bytes)?;
            let (asn, local_asn) = (header.asn, Some(header.asn));
            updates.push(Update::PeerUp { peer: feed.peer, asn, local_asn, families: Families::BOTH });
        }
        for (attributes, prefixes) in said.announced {
            updates.push(Update::Announce { feed, attributes, prefixes });
        }
        if let Some(family) = said.end_of_rib {
            updates.push(Update::EndOfRib { feed, family });
        }
        Ok(())
    }

    fn peer_up(&mut self, mut bytes: Bytes<'_>, updates: &mut Vec<Update>) -> Result<(), Malformed> {
        let Some(header) = self.header(&mut bytes)? else { return Ok(()) };
        // Local address and both ports.
        bytes.array::<20>()?;
        let sent = open(&mut bytes)?;
        let received = open(&mut bytes)?;
        let peer = header.feed.peer;
        let both = |family: Family| sent.families.has(family) && received.families.has(family);
        let families = match (sent.multiprotocol || received.multiprotocol, peer.neighbour) {
            (true, _) => Families { v4: both(Family::V4), v6: both(Family::V6) },
            // RFC 4760 §8: without the capability IPv4 alone. The messages of a Loc-RIB are made up, and may lack it.
            (false, Some(_)) => Families { v4: true, v6: false },
            (false, None) => Families::BOTH,
        };
        let paths = |family: usize| sent.receives_paths[family] && received.sends_paths[family];
        self.is_up(peer, AddPath { v4: paths(0), v6: paths(1) }, &bytes)?;
        updates.push(Update::PeerUp { peer, asn: header.asn, local_asn: Some(sent.asn), families });
        Ok(())
    }

    fn is_up(&mut self, peer: PeerKey, add_path: AddPath, bytes: &Bytes<'_>) -> Result<(), Malformed> {
        if self.peers.len() >= MAX_PEERS && !self.peers.contains_key(&peer) {
            return Err(bytes.malformed("too many peers"));
        }
        self.peers.insert(peer, add_path);
        Ok(())
    }

    /// The per-peer header; `None` for a kind of peer that is not known.
    fn header(&self, bytes: &mut Bytes<'_>) -> Result<Option<PeerHeader>, Malformed> {
        let kind = bytes.u8()?;
        let flags = bytes.u8()?;
        let distinguisher = bytes.u64()?;
        let mut address = bytes.part(16)?;
        let asn = bytes.u32()?;
        // BGP identifier, and a time that cannot be trusted (routers send 0 or their uptime).
        bytes.array::<12>()?;
        let bit = |mask: u8| flags & mask != 0;
        let (instance, neighbour, policy) = match kind {
            0..=2 => {
                let ip = if bit(0x80) {
                    address.v6()?
                } else {
                    address.array::<12>()?;
                    address.v4()?
                };
                let policy = if bit(0x40) { Policy::Post } else { Policy::Pre };
                (if kind == 0 { 0 } else { distinguisher }, Some(ip), policy)
            }
            3 => (distinguisher, None, Policy::Loc),
            _ => return Ok(None),
        };
        let loc = kind == 3;
        Ok(Some(PeerHeader {
            feed: Feed { peer: PeerKey { router: self.router, instance, neighbour }, policy },
            asn,
            wide_asns: loc || !bit(0x20),
            adj_rib_out: !loc && bit(0x10),
            filtered: loc && bit(0x80),
        }))
    }
}

struct PeerHeader {
    feed: Feed,
    asn: u32,
    wide_asns: bool,
    adj_rib_out: bool,
    filtered: bool,
}

/// What an OPEN offers.
#[derive(Default)]
struct Open {
    asn: u32,
    multiprotocol: bool,
    families: Offered,
    receives_paths: [bool; 2],
    sends_paths: [bool; 2],
}

#[derive(Default)]
struct Offered([bool; 2]);

impl Offered {
    fn has(&self, family: Family) -> bool {
        self.0[place(family)]
    }
}

fn place(family: Family) -> usize {
    match family {
        Family::V4 => 0,
        Family::V6 => 1,
    }
}

/// A BGP message: its kind and its body.
fn bgp<'a>(bytes: &mut Bytes<'a>) -> Result<(u8, Bytes<'a>), Malformed> {
    const HEADER: usize = 19;
    bytes.array::<16>()?;
    let length = usize::from(bytes.u16()?);
    let kind = bytes.u8()?;
    let body = length.checked_sub(HEADER).ok_or(bytes.malformed("BGP message too short"))?;
    Ok((kind, bytes.part(body)?))
}

fn open(bytes: &mut Bytes<'_>) -> Result<Open, Malformed> {
    let (kind, mut body) = bgp(bytes)?;
    if kind != 1 {
        return Err(body.malformed("not an OPEN"));
    }
    body.u8()?;
    let mut open = Open { asn: body.u16()?.into(), ..Open::default() };
    body.array::<6>()?;
    let mut length = usize::from(body.u8()?);
    // RFC 9072: a length of 255 and a parameter 255 announce wide lengths.
    let wide = length == 255 && body.rest().first() == Some(&255);
    if wide {
        body.u8()?;
        length = body.u16()?.into();
    }
    let mut parameters = body.part(length)?;
    while !parameters.is_empty() {
        let kind = parameters.u8()?;
        let length = if wide { parameters.u16()?.into() } else { parameters.u8()?.into() };
        let mut value = parameters.part(length)?;
        while kind == 2 && !value.is_empty() {
            let code = value.u8()?;
            let length = value.u8()?;
            capability(&mut open, code, value.part(length.into())?)?;
        }
    }
    Ok(open)
}

fn capability(open: &mut Open, code: u8, mut value: Bytes<'_>) -> Result<(), Malformed> {
    match code {
        1 => {
            let afi = value.u16()?;
            value.u8()?;
            open.multiprotocol = true;
            if let Some(family) = unicast(afi, value.u8()?) {
                open.families.0[place(family)] = true;
            }
        }
        65 => open.asn = value.u32()?,
        69 => {
            while !value.is_empty() {
                let family = unicast(value.u16()?, value.u8()?);
                let mode = value.u8()?;
                if let Some(family) = family {
                    open.receives_paths[place(family)] = mode & 1 != 0;
                    open.sends_paths[place(family)] = mode & 2 != 0;
                }
            }
        }
        _ => {}
    }
    Ok(())
}
