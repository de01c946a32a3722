//! What a full table over BMP costs: 1,000,000 routes as real BMP bytes over loopback, then look-ups. Prints a table; asserts
//! nothing.
//!
//! `cargo bench --bench bmp`. The budgets: ≤ 2 s of CPU and ≤ 100 MB for the routes, ≤ 250 ns for a look-up. The router that
//! sends is another process, so that CPU and memory are the station's alone.

use std::hint::black_box;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use closedpath_core::rib::{Limits, Lookup};
use closedpath_net::Station;

const ROUTES: u32 = 1_000_000;
/// Prefixes of one UPDATE.
const TOGETHER: u32 = 4;
/// Distinct attribute sets: what 1,000,000 routes of the Internet have.
const SETS: u32 = 135_000;
const LOOKUPS: u32 = 2_000_000;
const ROUTER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const PEER: [u8; 4] = [198, 51, 100, 1];

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    if let Some(address) = arguments.by_ref().skip_while(|argument| argument != "--router").nth(1) {
        return send(address.parse()?);
    }
    // `cargo test --benches` passes arguments of its own; a bench is only run by `cargo bench`.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(measure())
}

async fn measure() -> anyhow::Result<()> {
    println!("{:<52} {:>12} {:>12}", "what", "measured", "budget");
    let before = (cpu()?, resident()?);
    let station = Station::listen("127.0.0.1:0".parse()?, &[ROUTER], Limits::default()).await?;
    let table = station.table();
    let mut changes = station.changes();
    let mut router = Command::new(std::env::current_exe()?)
        .args(["--router", &station.local_addr().to_string()])
        .stdin(Stdio::piped())
        .spawn()?;
    let began = Instant::now();
    loop {
        tokio::time::timeout(Duration::from_secs(60), changes.changed()).await??;
        if table.read().await.peers(SystemTime::now()).first().is_some_and(|peer| peer.end_of_rib_v4) {
            break;
        }
    }
    let wall = began.elapsed();
    let (used, grown) = (cpu()? - before.0, resident()?.saturating_sub(before.1));
    let later = SystemTime::now() + Duration::from_secs(10);
    let rib = table.read().await;
    let state = rib.peers(later)[0];
    println!(
        "{:<52} {:>12} {:>12}",
        "routes, attribute sets",
        format!("{} {}", state.pre, rib.attribute_sets()),
        ""
    );
    println!("{:<52} {:>10.2} s {:>10} s", "1,000,000 routes over BMP, CPU", used.as_secs_f64(), 2);
    println!(
        "{:<52} {:>10.2} s {:>12}",
        "the same, wall (the router's bytes included)",
        wall.as_secs_f64(),
        ""
    );
    println!("{:<52} {:>9.1} MB {:>9} MB", "grown resident memory", grown as f64 / 1e6, 100);
    println!("{:<52} {:>9.1} MB {:>9} MB", "all resident memory", resident()? as f64 / 1e6, 100);

    let mut place = 12345u32;
    let mut found = 0u32;
    let began = Instant::now();
    for _ in 0..LOOKUPS {
        place = place.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let ip = IpAddr::V4(Ipv4Addr::from(prefix(place % ROUTES).0 | (place & 0x7)));
        found += u32::from(matches!(black_box(rib.lookup(ROUTER, ip, later)), Lookup::Found(_)));
    }
    let each = began.elapsed() / LOOKUPS;
    anyhow::ensure!(found == LOOKUPS, "{found} of {LOOKUPS} were found");
    println!("{:<52} {:>9} ns {:>9} ns", "a look-up (random, all found)", each.as_nanos(), 250);
    drop(rib);
    router.kill()?;
    router.wait()?;
    Ok(())
}

/// Prefixes of the lengths that the Internet has: two thirds /24, the rest shorter and around them.
fn prefix(number: u32) -> (u32, u8) {
    let net = 0x0100_0000 + (number / 3) * 0x0000_0200;
    match number % 3 {
        0 => (net, 24),
        1 => (net + 0x100, 24),
        _ => (net, 23),
    }
}

/// The router: an Initiation, a Peer Up, all routes, an End-of-RIB.
fn send(station: SocketAddr) -> anyhow::Result<()> {
    let stream = std::net::TcpStream::connect(station)?;
    let mut stream = std::io::BufWriter::with_capacity(1 << 16, stream);
    stream.write_all(&message(4, &[0, 2, 0, 1, b'r']))?;
    let open = bgp(1, &[&[4, 0xfb, 0xf4, 0, 180][..], &PEER, &[0]].concat());
    let up = [&header()[..], &[0; 20], &open, &open].concat();
    stream.write_all(&message(3, &up))?;
    for first in (0..ROUTES).step_by(TOGETHER as usize) {
        let set = (first / TOGETHER).wrapping_mul(2_654_435_761) % SETS;
        let mut attributes = vec![0x40, 1, 1, 0, 0x40, 2, 18, 2, 4];
        for asn in [64500, 3000 + set % 50, 100_000 + set, 200_000 + set / 3] {
            attributes.extend(asn.to_be_bytes());
        }
        attributes.extend([0x40, 3, 4]);
        attributes.extend(PEER);
        attributes.extend([0xc0, 8, 8]);
        attributes.extend(((64500u32 << 16) | (set % 1000)).to_be_bytes());
        attributes.extend(((64500u32 << 16) | 2000).to_be_bytes());
        let mut body = vec![0, 0];
        body.extend((attributes.len() as u16).to_be_bytes());
        body.extend(attributes);
        for number in first..first + TOGETHER {
            let (net, length) = prefix(number);
            body.push(length);
            body.extend(&net.to_be_bytes()[..3]);
        }
        stream.write_all(&message(0, &[&header()[..], &bgp(2, &body)].concat()))?;
    }
    stream.write_all(&message(0, &[&header()[..], &bgp(2, &[0; 4])].concat()))?;
    stream.flush()?;
    // Until the station is done.
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    Ok(())
}

fn header() -> Vec<u8> {
    let mut header = vec![0; 42];
    header[22..26].copy_from_slice(&PEER);
    header[26..30].copy_from_slice(&64500u32.to_be_bytes());
    header
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[3][..], &(6 + body.len() as u32).to_be_bytes(), &[kind], body].concat()
}

fn bgp(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[0xff; 16][..], &(19 + body.len() as u16).to_be_bytes(), &[kind], body].concat()
}

/// User and system time of this process.
fn cpu() -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    // In hundredths of a second (USER_HZ) on every Linux.
    let ticks = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
    Ok(Duration::from_millis(ticks * 10))
}

/// Bytes of memory in use.
fn resident() -> anyhow::Result<usize> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok());
    kilobytes.map(|kilobytes| kilobytes * 1024).ok_or_else(|| anyhow::anyhow!("no VmRSS"))
}
