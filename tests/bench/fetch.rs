//! What a large CRL costs: 24.5 MB from loopback, kept, read back, revalidated. Prints a table; asserts nothing.
//!
//! `cargo bench --bench fetch`. The server is a process of its own, so that what is measured is the agent's side: CPU of all
//! its threads, and how far its peak of resident memory rises above what it had before the first body, in sizes of the body.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context;
use closedpath::cache::Cache;
use closedpath::fetcher::{Ask, Fetched, Fetcher, Validity};
use closedpath_net::{Method, TlsClient};

const SIZE: usize = 24_500_000;
const RUNS: usize = 7;
const SERVER: &str = "CLOSEDPATH_BENCH_SERVER";
const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn main() -> anyhow::Result<()> {
    // `cargo test --benches` passes arguments of its own; a bench is only run by `cargo bench`.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    if std::env::var_os(SERVER).is_some() {
        return serve();
    }
    let mut server = Command::new(std::env::current_exe()?)
        .arg("--bench")
        .env(SERVER, "1")
        .stdout(Stdio::piped())
        .spawn()?;
    let mut port = String::new();
    BufReader::new(server.stdout.take().context("the server's output")?).read_line(&mut port)?;
    let folder = std::env::temp_dir().join(format!("closedpath-bench-{}", std::process::id()));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().worker_threads(2).build()?;
    let measured = runtime.block_on(measure(port.trim(), &folder));
    server.kill()?;
    server.wait()?;
    std::fs::remove_dir_all(&folder)?;
    measured
}

async fn measure(port: &str, folder: &std::path::Path) -> anyhow::Result<()> {
    let (cache, notes) = Cache::open(Some(folder));
    anyhow::ensure!(notes.is_empty(), "{notes:?}");
    let fetcher = Fetcher::new(Duration::from_secs(10), cache, Arc::new(TlsClient::new(&[])?));
    let (base, now) = (status("VmRSS:")?, SystemTime::now());
    let until = |seconds| Some(now + Duration::from_secs(seconds));
    let (valid, expired) = (
        Validity { this_update: Some(now), next_update: until(86_400) },
        Validity { next_update: Some(now), ..Default::default() },
    );
    println!("{:<50} {:>10} {:>10} {:>14}", "24.5 MB (median of 7)", "wall", "CPU", "memory, sizes");
    for (what, path) in [("fetched, Content-Length", "whole"), ("fetched, chunked", "chunked")] {
        let ask = ask(port, path);
        row(what, base, &fetcher, async || Ok(fetcher.fetch(&ask, LOCAL).await)).await?;
    }
    let ask = ask(port, "whole");
    row("fetched and kept (fsync)", base, &fetcher, async || {
        let fetched = fetcher.fetch(&Ask { accept_cached: false, ..ask.clone() }, LOCAL).await;
        fetcher.keep(&ask, &fetched, valid).await;
        Ok(fetched)
    })
    .await?;
    row("read from the cache, every byte checked", base, &fetcher, async || {
        let fetched = fetcher.fetch(&ask, LOCAL).await;
        anyhow::ensure!(fetched.cached);
        Ok(fetched)
    })
    .await?;
    let kept = fetcher.fetch(&ask, LOCAL).await;
    fetcher.keep(&ask, &kept, expired).await;
    drop(kept);
    row("revalidated (304) and read from the cache", base, &fetcher, async || {
        Ok(fetcher.fetch(&ask, LOCAL).await)
    })
    .await
}

fn ask(port: &str, path: &str) -> Ask {
    let url = format!("http://crl.example:{port}/{path}");
    Ask { key: url.clone(), url, method: Method::Get, accept_cached: true, via: None }
}

async fn row(
    what: &str,
    base: u64,
    fetcher: &Fetcher,
    run: impl AsyncFn() -> anyhow::Result<Fetched>,
) -> anyhow::Result<()> {
    let (mut walls, mut cpus, mut sizes) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        fetcher.begin_round();
        // Resets VmHWM to what is resident now (proc(5)).
        std::fs::write("/proc/self/clear_refs", "5")?;
        let (cpu, began) = (cpu()?, Instant::now());
        let fetched = run().await?;
        walls.push(began.elapsed());
        cpus.push(self::cpu()?.saturating_sub(cpu));
        sizes.push(status("VmHWM:")?.saturating_sub(base) * 1000 / SIZE as u64);
        anyhow::ensure!(fetched.body.is_some_and(|body| body.len() == SIZE), "{:?}", fetched.seen);
    }
    walls.sort();
    cpus.sort();
    sizes.sort_unstable();
    let shown = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1000.0);
    let size = format!("{:.2} (≤ {:.2})", sizes[RUNS / 2] as f64 / 1000.0, sizes[RUNS - 1] as f64 / 1000.0);
    println!("{what:<50} {:>10} {:>10} {size:>14}", shown(walls[RUNS / 2]), shown(cpus[RUNS / 2]));
    Ok(())
}

/// Bytes, of a line in kB of /proc/self/status.
fn status(line: &str) -> anyhow::Result<u64> {
    let text = std::fs::read_to_string("/proc/self/status")?;
    let rest = text.lines().find_map(|found| found.strip_prefix(line)).context("the line")?;
    Ok(rest.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
}

/// CPU time of all threads that live.
fn cpu() -> anyhow::Result<Duration> {
    let mut sum = 0;
    for task in std::fs::read_dir("/proc/self/task")? {
        let text = std::fs::read_to_string(task?.path().join("schedstat"))?;
        sum += text.split(' ').next().context("the first number")?.parse::<u64>()?;
    }
    Ok(Duration::from_nanos(sum))
}

/// One connection after the other; `/whole` says its length and can be revalidated, `/chunked` does neither.
fn serve() -> anyhow::Result<()> {
    let listener = TcpListener::bind((LOCAL, 0))?;
    println!("{}", listener.local_addr()?.port());
    let body: Vec<u8> = (0..SIZE).map(|at| (at * 31 % 251) as u8).collect();
    for stream in listener.incoming() {
        let mut stream = stream?;
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte)?;
            request.push(byte[0]);
        }
        let request = String::from_utf8(request)?;
        if request.contains("if-none-match: \"1\"") {
            stream.write_all(b"HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\n\r\n")?;
        } else if request.starts_with("GET /whole ") {
            let head = format!("HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: {SIZE}\r\n\r\n");
            stream.write_all(head.as_bytes())?;
            stream.write_all(&body)?;
        } else {
            stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
            for chunk in body.chunks(16 * 1024) {
                stream.write_all(format!("{:x}\r\n", chunk.len()).as_bytes())?;
                stream.write_all(chunk)?;
                stream.write_all(b"\r\n")?;
            }
            stream.write_all(b"0\r\n\r\n")?;
        }
    }
    Ok(())
}
