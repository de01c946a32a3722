//! A router's bytes (BMP, RFC 7854): framing, messages and UPDATEs into the table, which stays within its bounds, answers only
//! with what was announced, and never where something was missed.
#![no_main]

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, SystemTime};

use closedpath_core::rib::{Limits, Lookup, Rib, Update};
use closedpath_net::bmp::read_stream;
use ipnet::IpNet;
use libfuzzer_sys::fuzz_target;

const ROUTER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const LIMITS: Limits =
    Limits { routers: 2, peers: 8, routes_of_router: 64, routes: 64, attribute_bytes: 4096 };

fuzz_target!(|data: &[u8]| {
    let Ok((updates, read)) = read_stream(ROUTER, data) else { return };
    assert!(read <= data.len());
    let began = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    // Every peer has been up and quiet for long enough.
    let later = began + Duration::from_secs(3600);
    let mut rib = Rib::with_limits(LIMITS);
    rib.apply(&Update::SessionUp { router: ROUTER, until: None }, began);
    let mut announced: Vec<IpNet> = Vec::new();
    let mut missed = false;
    for update in &updates {
        assert_eq!(update.router(), ROUTER);
        match update {
            Update::Announce { prefixes, .. } => announced.extend(prefixes.iter().map(|p| p.prefix.trunc())),
            Update::Incomplete { .. } => missed = true,
            _ => {}
        }
        rib.apply(update, began);
        let states: Vec<_> = rib.sessions(began).collect();
        assert!(
            states.len() == 1 && states[0].routes <= LIMITS.routes && rib.peers(began).len() <= LIMITS.peers
        );
        assert!(rib.attribute_sets() <= LIMITS.attribute_bytes / size_of::<usize>());
    }
    let of_table = |rib: &Rib| rib.sessions(later).next().is_some_and(|state| state.truncated);
    assert!(!missed || of_table(&rib), "what was missed is forgotten");
    for net in &announced {
        let latent = rib.latent(ROUTER, net.addr(), later, |_| false).lookup;
        for lookup in [rib.lookup(ROUTER, net.addr(), later), latent] {
            let Lookup::Found(answer) = lookup else { continue };
            assert!(!of_table(&rib), "a table with gaps answers");
            assert!(answer.prefix.contains(&net.addr()) && announced.contains(&answer.prefix.trunc()));
            assert!(
                !answer.routes.is_empty() && answer.routes.iter().all(|route| route.prefix == answer.prefix)
            );
        }
    }
    for state in rib.peers(later) {
        rib.apply(&Update::PeerDown { peer: state.peer }, later);
    }
    let answers = |rib: &Rib, net: &IpNet| matches!(rib.lookup(ROUTER, net.addr(), later), Lookup::Found(_));
    assert!(!announced.iter().any(|net| answers(&rib, net)), "routes of peers that are down");
    rib.apply(&Update::SessionUp { router: ROUTER, until: None }, later);
    assert!(rib.attribute_sets() == 0 && rib.sessions(later).all(|state| state.routes == 0));
});
