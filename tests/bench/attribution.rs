//! What attribution costs for one address with every kind of evidence there is. Prints a table; asserts nothing but that the
//! answer is the expected one.
//!
//! `cargo bench --bench attribution`. The budget: ≤ 50 µs.

use std::hint::black_box;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant, SystemTime};

use closedpath_core::attribution::{Around, Control, Echoed, Outer, PathClass, Spread, attribute};
use closedpath_core::config::{Plan, parse};
use closedpath_core::observation::{
    AddressObservation, Contact, Contacted, Hop, NextHop, Protocol, RouteKind, RouteObservation, TraceEnd,
    TraceObservation,
};
use closedpath_core::rib::{
    AsPath, Attributes, Community, Families, Family, Feed, PeerKey, Policy, Rib, Update,
};

const TIMES: u32 = 20_000;
/// Flows that were traced, and hops of each.
const FLOWS: u16 = 8;
const HOPS: u8 = 12;
/// Routes of the edge router's table.
const ROUTES: u32 = 20_000;

const SITE: &str = r#"
[topology]
onprem = ["192.168.0.0/16"]
vnet = ["10.100.0.0/16"]
[circuit.tokyo]
sku = "standard"
[[link]]
name = "er-1"
edge = "er_microsoft"
circuit = "tokyo"
msee = ["203.0.113.2"]
bgp_peer = ["203.0.113.2"]
nat_pool = ["198.51.100.16/29"]
[[link]]
name = "er-2"
edge = "er_microsoft"
circuit = "tokyo"
msee = ["203.0.113.6"]
bgp_peer = ["203.0.113.6"]
[[link]]
name = "isp"
edge = "internet"
hops = ["198.51.100.1"]
bgp_peer = ["198.51.100.1"]
[bmp]
listen = "127.0.0.1:11019"
allow = ["192.168.1.1"]
[[workload]]
name = "w"
policy = "closed"
"#;

fn main() -> anyhow::Result<()> {
    // `cargo test --benches` passes arguments of its own; a bench is only run by `cargo bench`.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let plan: Plan = parse("bench.toml", SITE, &[]).map_err(|errors| anyhow::anyhow!("{errors}"))?;
    let now = SystemTime::now();
    let rib = table(now)?;
    let router: IpAddr = "192.168.1.1".parse()?;
    let control = Control::new(&rib, &[router], now);
    let echo = flow("203.0.113.140".parse()?, Some("198.51.100.17".parse()?), now)?;
    let echoes = [Echoed { seen: &echo, reflexive: "198.51.100.17".parse()? }];
    let outer = Outer::default();
    let spread = Spread::default();
    let around = Around {
        topology: &plan.topology,
        control: Some(&control),
        echoes: &echoes,
        outer: &outer,
        spread: &spread,
        now,
    };
    let seen = flow("203.0.113.130".parse()?, None, now)?;
    let path = attribute(&seen, &around);
    anyhow::ensure!(path.class == PathClass::ErMicrosoft, "{path:?}");
    let began = Instant::now();
    for _ in 0..TIMES {
        black_box(attribute(black_box(&seen), &around));
    }
    let each = began.elapsed() / TIMES;
    println!("{:<52} {:>12} {:>12}", "what", "measured", "budget");
    let what = format!("one address, {} items of evidence", path.evidence.len());
    println!("{what:<52} {:>9.1} µs {:>9} µs", each.as_nanos() as f64 / 1e3, 50);
    Ok(())
}

fn flow(ip: IpAddr, reflexive: Option<IpAddr>, now: SystemTime) -> anyhow::Result<AddressObservation> {
    let source: SocketAddr = "192.168.1.10:40000".parse()?;
    let contact = Contact::Made(Contacted { local: Some(source), took: Duration::from_millis(3) });
    let gateway = Some("192.168.1.1".parse()?);
    let hop = NextHop { interface: "eth0".into(), gateway, kind: None };
    let route = RouteObservation {
        destination: ip,
        kind: RouteKind::Unicast,
        next_hops: vec![hop],
        source: Some(source.ip()),
        prefix: None,
        table: Some(254),
        selected: Vec::new(),
    };
    let trace = |port: u16| -> anyhow::Result<TraceObservation> {
        let hops = (1..=HOPS).map(|ttl| {
            let from = match ttl {
                1 => "192.168.1.1".parse()?,
                2 if port.is_multiple_of(2) => "203.0.113.2".parse()?,
                2 => "203.0.113.6".parse()?,
                _ => format!("192.0.2.{ttl}").parse()?,
            };
            Ok(Hop { ttl, from: Some(from), rtt: Some(Duration::from_millis(2)) })
        });
        Ok(TraceObservation {
            protocol: Protocol::Tcp,
            destination: SocketAddr::new(ip, 443),
            source: Some(SocketAddr::new(source.ip(), port)),
            hops: hops.collect::<anyhow::Result<_>>()?,
            end: TraceEnd::Destination { ttl: HOPS + 1, refused: false },
            at: now,
        })
    };
    let traces = (0..FLOWS).map(trace).collect::<anyhow::Result<_>>()?;
    let route = Some(route);
    Ok(AddressObservation { route, traces, reflexive, ..AddressObservation::new(ip, now, contact) })
}

/// The edge router's table: both MSEEs announce the region, the provider everything.
fn table(now: SystemTime) -> anyhow::Result<Rib> {
    let router = "192.168.1.1".parse()?;
    let mut rib = Rib::default();
    let long_ago = now - Duration::from_secs(3600);
    rib.apply(&Update::SessionUp { router, until: None }, long_ago);
    for (neighbour, asn) in [("203.0.113.2", 12076), ("203.0.113.6", 12076), ("198.51.100.1", 64500)] {
        let neighbour: IpAddr = neighbour.parse()?;
        let peer = PeerKey { router, instance: 0, neighbour: Some(neighbour) };
        let up = Update::PeerUp { peer, asn, local_asn: Some(65010), families: Families::BOTH };
        rib.apply(&up, long_ago);
        let feed = Feed { peer, policy: Policy::Post };
        let attributes = Attributes {
            next_hop: Some(neighbour),
            as_path: AsPath::sequence(&[asn]),
            communities: [Community(12076, 51012), Community(12076, 51013)].into(),
            ..Attributes::default()
        };
        let prefixes = match asn {
            12076 => vec!["203.0.113.128/25".parse::<ipnet::IpNet>()?.into()],
            _ => (0..ROUTES)
                .map(|number| {
                    let net = std::net::Ipv4Addr::from(0x1400_0000 + number * 0x100);
                    Ok(ipnet::IpNet::new(net.into(), 24)?.into())
                })
                .collect::<anyhow::Result<_>>()?,
        };
        rib.apply(&Update::Announce { feed, attributes, prefixes }, long_ago);
        for family in [Family::V4, Family::V6] {
            rib.apply(&Update::EndOfRib { feed, family }, long_ago);
        }
    }
    Ok(rib)
}
