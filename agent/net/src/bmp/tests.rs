//! Messages written by hand, a station on loopback, and 200,000 broken messages.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime};

use closedpath_core::rib::{Doubt, Families, Family, Limits, Lookup, PeerKey, Policy, Rib, Update};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpSocket;

use super::{Station, read_stream};

const PEER: [u8; 4] = [198, 51, 100, 1];

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn later() -> SystemTime {
    SystemTime::now() + Duration::from_secs(10)
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[3][..], &(6 + body.len() as u32).to_be_bytes(), &[kind], body].concat()
}

fn bgp(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[0xff; 16][..], &(19 + body.len() as u16).to_be_bytes(), &[kind], body].concat()
}

/// A per-peer header of AS 64500 at 198.51.100.1.
fn header(kind: u8, flags: u8) -> Vec<u8> {
    let mut header = vec![0; 42];
    (header[0], header[1]) = (kind, flags);
    if kind != 3 {
        header[22..26].copy_from_slice(&PEER);
    }
    header[26..30].copy_from_slice(&64500u32.to_be_bytes());
    header
}

fn initiation() -> Vec<u8> {
    message(4, &[0, 2, 0, 2, b'c', b'e'])
}

/// An OPEN of AS 65010 with these capabilities.
fn open(capabilities: &[u8]) -> Vec<u8> {
    let parameter = [&[2, capabilities.len() as u8][..], capabilities].concat();
    let parameters = if capabilities.is_empty() { vec![] } else { parameter };
    bgp(1, &[&[4, 0xfd, 0xf2, 0, 180, 192, 0, 2, 1, parameters.len() as u8][..], &parameters].concat())
}

fn peer_up(kind: u8, sent: &[u8], received: &[u8]) -> Vec<u8> {
    message(3, &[&header(kind, 0)[..], &[0; 20], &open(sent), &open(received)].concat())
}

/// ORIGIN IGP, AS_PATH 64500 8075, NEXT_HOP, community 12076:51004.
fn attributes() -> Vec<u8> {
    let mut bytes = vec![0x40, 1, 1, 0, 0x40, 2, 10, 2, 2, 0, 0, 0xfb, 0xf4, 0, 0, 0x1f, 0x8b, 0x40, 3, 4];
    bytes.extend(PEER);
    bytes.extend([0xc0, 8, 4, 0x2f, 0x2c, 0xc7, 0x3c]);
    bytes
}

fn routes(flags: u8, kind: u8, attributes: &[u8], nlri: &[u8]) -> Vec<u8> {
    let body = [&[0, 0][..], &(attributes.len() as u16).to_be_bytes(), attributes, nlri].concat();
    message(0, &[&header(kind, flags)[..], &bgp(2, &body)].concat())
}

fn read(messages: &[Vec<u8>]) -> Vec<Update> {
    read_stream(ip("127.0.0.1"), &messages.concat()).unwrap().0
}

fn announced(update: &Update) -> Vec<(String, u32)> {
    match update {
        Update::Announce { prefixes, .. } => {
            prefixes.iter().map(|p| (p.prefix.to_string(), p.path)).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_default_route_before_others_is_no_path_identifier() {
    let nlri = [0, 16, 20, 38, 16, 20, 39, 24, 20, 40, 1];
    let updates = read(&[peer_up(0, &[], &[]), routes(0x40, 0, &attributes(), &nlri)]);
    let plain = |text: &str| (text.to_owned(), 0);
    assert_eq!(
        announced(&updates[1]),
        [plain("0.0.0.0/0"), plain("20.38.0.0/16"), plain("20.39.0.0/16"), plain("20.40.1.0/24")]
    );
    let Update::Announce { feed, attributes, .. } = &updates[1] else { panic!("{updates:?}") };
    assert_eq!((feed.policy, feed.peer.neighbour), (Policy::Post, Some(IpAddr::from(PEER))));
    assert_eq!(attributes.as_path.to_string(), "64500 8075");
    assert_eq!(attributes.communities[0].to_string(), "12076:51004");
}

#[test]
fn path_identifiers_are_read_where_both_sides_agreed_on_them() {
    // Router receives (1), neighbour sends (2), IPv4 unicast.
    let (sent, received) = ([69, 4, 0, 1, 1, 1], [69, 4, 0, 1, 1, 2]);
    let nlri = [0, 0, 0, 7, 16, 20, 38, 0, 0, 0, 8, 16, 20, 38];
    let updates = read(&[peer_up(0, &sent, &received), routes(0, 0, &attributes(), &nlri)]);
    assert_eq!(announced(&updates[1]), [("20.38.0.0/16".to_owned(), 7), ("20.38.0.0/16".to_owned(), 8)]);
    let updates = read(&[peer_up(0, &received, &sent), routes(0, 0, &attributes(), &[16, 20, 38])]);
    assert_eq!(announced(&updates[1]), [("20.38.0.0/16".to_owned(), 0)]);
}

#[test]
fn peers_tell_their_families_and_routers_their_as() {
    let (v4, v6) = ([1, 4, 0, 1, 0, 1], [1, 4, 0, 2, 0, 1]);
    let both = [v4, v6].concat();
    let families = |kind, sent: &[u8], received: &[u8]| match &read(&[peer_up(kind, sent, received)])[0] {
        Update::PeerUp { families, local_asn, .. } => (*families, *local_asn),
        other => panic!("{other:?}"),
    };
    assert_eq!(families(0, &both, &v6), (Families { v4: false, v6: true }, Some(65010)));
    assert_eq!(families(0, &[], &[]).0, Families { v4: true, v6: false });
    assert_eq!(families(3, &[], &[]).0, Families::BOTH);
    let wide = [&[65, 4][..], &4_200_000_000u32.to_be_bytes()].concat();
    assert_eq!(families(0, &wide, &[]).1, Some(4_200_000_000));
}

#[test]
fn ends_of_rib_are_told_by_family_and_place() {
    let end_v6 = [0x80, 15, 3, 0, 2, 1];
    let updates = read(&[routes(0, 3, &[], &[]), routes(0x40, 0, &end_v6, &[])]);
    let ends = updates.iter().map(|update| match update {
        Update::EndOfRib { feed, family } => (feed.policy, feed.peer.neighbour.is_some(), *family),
        other => panic!("{other:?}"),
    });
    assert_eq!(
        ends.collect::<Vec<_>>(),
        [(Policy::Loc, false, Family::V4), (Policy::Post, true, Family::V6)]
    );
}

#[test]
fn a_loc_rib_without_a_peer_up_is_up_with_its_first_route() {
    let route = || routes(0, 3, &attributes(), &[16, 20, 38]);
    let kinds = |messages: &[Vec<u8>]| {
        let kind = |update: &Update| match update {
            Update::PeerUp { .. } => "up",
            Update::PeerDown { .. } => "down",
            Update::Announce { .. } => "route",
            Update::EndOfRib { .. } => "end",
            Update::Incomplete { .. } => "incomplete",
            other => panic!("{other:?}"),
        };
        read(messages).iter().map(kind).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(kinds(&[route(), route()]), "up route route");
    assert_eq!(kinds(&[peer_up(3, &[], &[]), route()]), "up route");
    assert_eq!(kinds(&[routes(0, 3, &[], &[])]), "end", "no route yet");
    assert_eq!(kinds(&[routes(0, 0, &attributes(), &[16, 20, 38])]), "route", "a neighbour's own is missed");
    // A router that makes up ever more of them.
    let many: Vec<Vec<u8>> = (0..300u64)
        .map(|instance| {
            let mut message = route();
            message[8..16].copy_from_slice(&instance.to_be_bytes());
            message
        })
        .collect();
    assert_eq!(read(&many).iter().filter(|update| matches!(update, Update::PeerUp { .. })).count(), 256);
    assert_eq!(read(&many).iter().filter(|update| matches!(update, Update::Incomplete { .. })).count(), 44);
}

#[test]
fn what_is_sent_out_is_not_taken_for_what_came_in() {
    let updates = read(&[routes(0x10, 0, &attributes(), &[16, 20, 38])]);
    assert!(matches!(updates[..], [Update::Heard { .. }]), "{updates:?}");
}

#[test]
fn what_cannot_be_read_makes_the_table_incomplete() {
    let incomplete = |bytes: Vec<u8>| matches!(read(&[bytes])[..], [Update::Incomplete { .. }]);
    assert!(incomplete(routes(0, 0, &attributes(), &[33, 20, 38, 1, 2, 3])));
    assert!(incomplete(routes(0, 0, &attributes(), &[16, 20])));
    assert!(incomplete(routes(0, 0, &[0x40, 1, 1, 0], &[16, 20, 38])), "routes without AS_PATH");
    assert!(incomplete(message(0, &header(0, 0))));
    // A Loc-RIB that the router filters before it tells (RFC 9069).
    assert!(matches!(read(&[routes(0x80, 3, &[], &[])])[0], Update::Incomplete { .. }));
    // Framing that is wrong ends the stream.
    let router = ip("127.0.0.1");
    assert!(read_stream(router, &[2, 0, 0, 0, 6, 4]).is_err());
    assert!(read_stream(router, &[3, 0, 0, 0, 5, 4]).is_err());
    assert!(read_stream(router, &[3, 0, 0x10, 0, 1, 4]).is_err());
    assert_eq!(read_stream(router, &[3, 0, 0, 0, 7, 4]).unwrap(), (vec![], 0));
}

/// Waits for the table to become so.
async fn until(station: &Station, so: impl Fn(&Rib) -> bool) {
    let (mut changes, table) = (station.changes(), station.table());
    let waiting = async {
        while !so(&*table.read().await) {
            changes.changed().await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("the table becomes so");
}

async fn connect(from: &str, to: SocketAddr) -> tokio::net::TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(ip(from), 0)).unwrap();
    socket.connect(to).await.unwrap()
}

#[tokio::test]
async fn routers_of_the_list_tell_their_tables_byte_by_byte_and_strangers_are_closed() {
    let (one, two) = ("127.0.0.1", "127.0.0.2");
    let station = Station::listen("127.0.0.1:0".parse().unwrap(), &[ip(one), ip(two)], Limits::default())
        .await
        .unwrap();
    let table = [initiation(), peer_up(0, &[], &[]), routes(0x40, 0, &attributes(), &[16, 20, 38])].concat();
    let end = routes(0x40, 0, &[], &[]);
    let mut first = connect(one, station.local_addr()).await;
    first.set_nodelay(true).unwrap();
    for byte in [&table[..], &end].concat() {
        first.write_all(&[byte]).await.unwrap();
    }
    let found = |rib: &Rib, router: &str| {
        matches!(rib.lookup(ip(router), ip("20.38.1.1"), later()), Lookup::Found(_))
    };
    until(&station, |rib| found(rib, one)).await;
    let mut second = connect(two, station.local_addr()).await;
    second.write_all(&[&table[..], &end].concat()).await.unwrap();
    until(&station, |rib| found(rib, one) && found(rib, two)).await;

    let mut stranger = connect("127.0.0.3", station.local_addr()).await;
    let mut nothing = [0; 1];
    let closed = tokio::io::AsyncReadExt::read(&mut stranger, &mut nothing);
    let closed = tokio::time::timeout(Duration::from_secs(20), closed).await.expect("it is closed at once");
    assert!(matches!(closed, Ok(0) | Err(_)));
    assert_eq!(station.strangers(), 1);

    // One is lost; the other stands. When it is back, it begins anew.
    drop(first);
    let stale = |rib: &Rib| {
        matches!(rib.lookup(ip(one), ip("20.38.1.1"), later()), Lookup::Unknown(Doubt::Stale { .. }))
    };
    until(&station, stale).await;
    assert!(found(&*station.table().read().await, two));
    let mut again = connect(one, station.local_addr()).await;
    again.write_all(&table).await.unwrap();
    until(&station, |rib| {
        let doubt = Doubt::NoEndOfRib { neighbour: Some(PEER.into()) };
        rib.lookup(ip(one), ip("20.38.1.1"), later()) == Lookup::Unknown(doubt)
    })
    .await;
    // A second connection of the same router takes its place.
    let mut third = connect(one, station.local_addr()).await;
    third.write_all(&[&table[..], &end].concat()).await.unwrap();
    until(&station, |rib| found(rib, one)).await;
}

#[tokio::test]
async fn a_stream_that_does_not_begin_with_an_initiation_is_closed() {
    let router = "127.0.0.1";
    let station =
        Station::listen("127.0.0.1:0".parse().unwrap(), &[ip(router)], Limits::default()).await.unwrap();
    for bytes in [peer_up(0, &[], &[]), b"GET / HTTP/1.1\r\n\r\n".to_vec()] {
        let mut stream = connect(router, station.local_addr()).await;
        stream.write_all(&bytes).await.unwrap();
        let mut nothing = [0; 1];
        let closed = tokio::io::AsyncReadExt::read(&mut stream, &mut nothing);
        let closed = tokio::time::timeout(Duration::from_secs(20), closed).await.expect("it is closed");
        assert!(matches!(closed, Ok(0) | Err(_)));
    }
}

#[test]
fn broken_messages_do_no_harm() {
    let v6 = [
        0x80, 14, 26, 0, 2, 1, 16, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 32, 0x20, 1,
        0x0d, 0xb8,
    ];
    let samples = [
        initiation(),
        peer_up(0, &[1, 4, 0, 1, 0, 1, 69, 4, 0, 1, 1, 3], &[1, 4, 0, 1, 0, 1, 69, 4, 0, 1, 1, 3]),
        peer_up(3, &[], &[]),
        routes(0, 0, &attributes(), &[0, 16, 20, 38]),
        routes(0x40, 0, &[&attributes()[..], &v6].concat(), &[24, 20, 40, 1]),
        routes(0, 3, &attributes(), &[8, 20]),
        routes(0x40, 0, &[0x80, 15, 3, 0, 2, 1], &[]),
        message(2, &[&header(0, 0)[..], &[1, 0, 0]].concat()),
    ];
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random >> 16).unwrap() % below
    };
    let limits = Limits { routes: 10_000, peers: 64, attribute_bytes: 1 << 20, ..Limits::default() };
    let mut rib = Rib::with_limits(limits);
    let router = ip("127.0.0.1");
    let now = SystemTime::now();
    for round in 0..200_000 {
        if round % 1000 == 0 {
            rib.apply(&Update::SessionUp { router, until: None }, now);
        }
        let mut bytes = samples[next(samples.len())].clone();
        for _ in 0..next(4) {
            let place = 6 + next(bytes.len() - 6);
            match next(3) {
                0 => bytes[place] = u8::try_from(next(256)).unwrap(),
                1 => bytes[place] ^= 1 << next(8),
                _ => bytes.truncate(place.max(7)),
            }
        }
        let length = u32::try_from(bytes.len()).unwrap();
        bytes[1..5].copy_from_slice(&length.to_be_bytes());
        let (updates, read) = read_stream(router, &bytes).unwrap();
        assert_eq!(read, bytes.len());
        for update in updates {
            rib.apply(&update, now);
        }
        if round % 100 == 99 {
            let far = now + Duration::from_secs(300);
            for probe in ["20.38.1.1", "2001:db8::1"] {
                let _ = (rib.lookup(router, ip(probe), far), rib.latent(router, ip(probe), far, |_| true));
            }
            let peers = rib.peers(far);
            let told: u32 = peers.iter().map(|peer| peer.pre + peer.post + peer.loc).sum();
            let session = rib.sessions(far).next().unwrap();
            assert_eq!(told as usize, session.routes, "every route is some peer's");
            assert!(session.routes <= 10_000 && peers.len() <= 64);
        }
    }
    let key = PeerKey { router, instance: 0, neighbour: Some(PEER.into()) };
    assert!(rib.peers(now).iter().any(|peer| peer.peer == key));
}
