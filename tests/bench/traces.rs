//! What traces cost: 200 at once through three routers, on one thread. Prints a table; asserts only that all are right.
//!
//! `cargo bench --bench traces`, as root: the routers are namespaces that answer without limit. The agent's side runs in a
//! process of its own with CAP_NET_RAW and nothing else; CPU is that of its one thread.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

#[path = "../../agent/net/tests/netns/mod.rs"]
mod netns;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Context;
use closedpath_core::observation::TraceEnd;
use closedpath_core::target::Probe;
use closedpath_net::{Reading, TraceSettings, trace};
use futures_util::future::join_all;
use netns::{Namespaces, inside};

const TRACES: usize = 200;
const RUNS: usize = 7;
const NAMES: [&str; 5] = ["agent", "r1", "r2", "r3", "server"];
const SERVER: &str = "10.99.4.2:443";
const HOPS: [&str; 3] = ["10.99.1.2", "10.99.2.2", "10.99.3.2"];

fn main() -> anyhow::Result<()> {
    if inside() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        return runtime.block_on(measure());
    }
    // `cargo test --benches` passes arguments of its own; a bench is only run by `cargo bench`.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let spaces = chain();
    let listener = spaces.listen("server", SERVER);
    std::thread::spawn(move || listener.incoming().for_each(drop));
    spaces.echo("server", SERVER);
    spaces.run_test_with("agent", "traces", "-all,+net_raw");
    Ok(())
}

async fn measure() -> anyhow::Result<()> {
    println!(
        "{:<44} {:>9} {:>9} {:>9}",
        format!("{TRACES} traces at once (median of {RUNS})"),
        "right",
        "wall",
        "CPU"
    );
    row("TCP, error queue", Probe::Tls, Reading::ErrorQueue).await?;
    row("TCP, raw socket", Probe::Tls, Reading::raw()?).await?;
    row("UDP (STUN)", Probe::Stun, Reading::ErrorQueue).await?;
    row("ICMP echo, ping sockets", Probe::Icmp, Reading::ErrorQueue).await
}

async fn row(what: &str, probe: Probe, reading: Reading) -> anyhow::Result<()> {
    let to: SocketAddr = SERVER.parse()?;
    let settings = TraceSettings { reading, ..TraceSettings::default() };
    let (mut walls, mut cpus, mut right) = (Vec::new(), Vec::new(), TRACES);
    for _ in 0..RUNS {
        let (cpu, began) = (cpu_time()?, Instant::now());
        let seen = join_all((0..TRACES).map(|_| trace(to, probe, true, &settings))).await;
        walls.push(began.elapsed());
        cpus.push(cpu_time()?.saturating_sub(cpu));
        let all = |hops: Vec<String>| hops == HOPS;
        let good = seen.iter().filter(|seen| {
            seen.end == TraceEnd::Destination { ttl: 4, refused: false }
                && all(seen
                    .hops
                    .iter()
                    .map(|hop| hop.from.map(|from| from.to_string()).unwrap_or_default())
                    .collect())
        });
        right = right.min(good.count());
    }
    walls.sort();
    cpus.sort();
    let shown = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1000.0);
    println!("{what:<44} {right:>9} {:>9} {:>9}", shown(walls[RUNS / 2]), shown(cpus[RUNS / 2]));
    anyhow::ensure!(right == TRACES, "{what}: {right} of {TRACES} traces were right");
    Ok(())
}

/// CPU time of this thread.
fn cpu_time() -> anyhow::Result<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let first = text.split(' ').next().context("the first number")?;
    Ok(Duration::from_nanos(first.parse()?))
}

fn chain() -> Namespaces {
    let spaces = Namespaces::new("bench", &NAMES);
    spaces.forward(&NAMES[1..4]);
    for (index, pair) in NAMES.windows(2).enumerate() {
        let net = index + 1;
        spaces.cable((pair[0], "next"), (pair[1], "back"));
        spaces.ip(pair[0], &format!("addr add 10.99.{net}.1/24 dev next\n"));
        spaces.ip(pair[1], &format!("addr add 10.99.{net}.2/24 dev back\n"));
    }
    spaces.ip("agent", "route add default via 10.99.1.2\n");
    spaces.ip("r1", "route add default via 10.99.2.2\n");
    spaces.ip("r2", "route add default via 10.99.3.2\nroute add 10.99.1.0/24 via 10.99.2.1\n");
    spaces.ip("r3", "route add 10.99.1.0/24 via 10.99.3.1\n");
    spaces.ip("server", "route add default via 10.99.4.1\n");
    for name in &NAMES[1..] {
        for limit in ["icmp_ratelimit=0", "icmp_msgs_per_sec=1000000", "icmp_msgs_burst=1000000"] {
            spaces.sysctl(name, &format!("net.ipv4.{limit}"));
        }
    }
    spaces.sysctl("agent", "net.ipv4.ping_group_range=0 0");
    spaces
}
