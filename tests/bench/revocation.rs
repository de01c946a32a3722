//! What revocation costs: a CRL of 24.5 MB and 500,000 entries, 1,000 endpoints over 12 CRLs, a chain seen before.
//!
//! `cargo bench --bench revocation`. Prints a table; a count that is not as it must be ends it. The server is a process of its
//! own, so that what is measured is the agent's side: CPU of all its threads, and how far its peak of resident memory rises.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, ensure};
use closedpath::cache::Cache;
use closedpath::fetcher::{self, Fetcher};
use closedpath::inquiries::{Inquiries, Place};
use closedpath_core::closure::{Ask, Closure, Outcome, Work, roots};
use closedpath_core::config::{Plan, parse};
use closedpath_core::observation::{
    AddressObservation, Answer, Contact, Contacted, DnsObservation, DnsStatus, DnsView, PathCheck,
    TlsObservation,
};
use closedpath_core::pki::inquiry::Question;
use closedpath_core::pki::revocation::Said;
use closedpath_core::pki::{Trust, fingerprint};
use closedpath_core::tables::Tables;
use closedpath_net::{Method, TlsClient};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CrlDistributionPoint, IsCa, Issuer,
    KeyIdMethod, KeyPair, KeyUsagePurpose, RevocationReason, RevokedCertParams, SerialNumber,
};
use time::OffsetDateTime;

const ENTRIES: u32 = 500_000;
const ENDPOINTS: usize = 1_000;
const CRLS: usize = 12;
const RUNS: usize = 7;
const SERVER: &str = "CLOSEDPATH_BENCH_SERVER";
const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A CA with the CRL that it publishes.
struct Authority {
    key: KeyPair,
    params: CertificateParams,
    der: Vec<u8>,
}

impl Authority {
    fn new(name: &str) -> anyhow::Result<Self> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::CrlSign, KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate()?;
        let der = params.clone().self_signed(&key)?.der().to_vec();
        Ok(Self { key, params, der })
    }

    fn issuer(&self) -> Issuer<'_, &KeyPair> {
        Issuer::new(self.params.clone(), &self.key)
    }

    fn leaf(&self, number: usize, crl: &str) -> anyhow::Result<Vec<u8>> {
        let mut params = CertificateParams::new(vec![format!("host{number}.example")])?;
        params.crl_distribution_points = vec![CrlDistributionPoint { uris: vec![crl.to_owned()] }];
        Ok(params.signed_by(&KeyPair::generate()?, &self.issuer())?.der().to_vec())
    }

    fn crl(&self, entries: u32) -> anyhow::Result<Vec<u8>> {
        let now = OffsetDateTime::now_utc();
        let revoked = |number: u32| {
            let mut serial = [0x5a; 18];
            serial[..4].copy_from_slice(&number.to_be_bytes());
            serial[0] |= 0x40;
            RevokedCertParams {
                serial_number: SerialNumber::from_slice(&serial),
                revocation_time: now,
                reason_code: Some(RevocationReason::KeyCompromise),
                invalidity_date: None,
            }
        };
        let params = CertificateRevocationListParams {
            this_update: now - Duration::from_secs(3_600),
            next_update: now + Duration::from_secs(7 * 86_400),
            crl_number: SerialNumber::from(1_u64),
            issuing_distribution_point: None,
            revoked_certs: (0..entries).map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        Ok(params.signed_by(&self.issuer())?.der().to_vec())
    }
}

fn main() -> anyhow::Result<()> {
    // `cargo test --benches` passes arguments of its own; a bench is only run by `cargo bench`.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    if let Some(folder) = std::env::var_os(SERVER) {
        return serve(folder.as_ref());
    }
    closedpath_net::kernel::give_large_blocks_back();
    let folder = std::env::temp_dir().join(format!("closedpath-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let large = Authority::new("large")?;
    std::fs::write(folder.join("large.crl"), large.crl(ENTRIES)?)?;
    let mut server = Command::new(std::env::current_exe()?)
        .arg("--bench")
        .env(SERVER, &folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut lines = BufReader::new(server.stdout.take().context("the server's output")?).lines();
    let port = lines.next().context("the port")??;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().worker_threads(2).build()?;
    let measured = runtime.block_on(async {
        large_crl(&large, &port, &folder).await?;
        shared_crls(&port, &folder).await
    });
    drop(server.stdin.take());
    server.wait()?;
    let asked = lines.next().context("the count")??;
    std::fs::remove_dir_all(&folder)?;
    measured?;
    println!("{:<58} {asked}", "requests for the 12 CRLs in 3 rounds");
    ensure!(asked == CRLS.to_string(), "{asked} requests");
    seen_chain()
}

fn inquiries(folder: Option<&std::path::Path>) -> anyhow::Result<Inquiries> {
    let (cache, _) = Cache::open(folder);
    let fetcher = Fetcher::new(Duration::from_secs(10), cache, Arc::new(TlsClient::new(&[])?));
    Ok(Inquiries::new(fetcher, folder.is_some()))
}

async fn large_crl(large: &Authority, port: &str, folder: &std::path::Path) -> anyhow::Result<()> {
    let url = format!("http://crl.example:{port}/large.crl");
    let leaf = large.leaf(0, &url)?;
    let question = Question {
        about: fingerprint(&leaf),
        certificate: leaf.into(),
        issuer: large.der.clone().into(),
        pointer: url.clone(),
    };
    let size = std::fs::metadata(folder.join("large.crl"))?.len();
    let base = status("VmRSS:")?;
    println!("{:<58} {size}", "size of the CRL with 500,000 entries");
    println!("{:<58} {:>10} {:>10} {:>14}", "median of 7", "wall", "CPU", "memory, sizes");
    let fetcher = Fetcher::new(Duration::from_secs(10), Cache::open(None).0, Arc::new(TlsClient::new(&[])?));
    let plain = fetcher::Ask {
        key: url.clone(),
        url: url.clone(),
        method: Method::Get,
        accept_cached: false,
        via: None,
    };
    let copied = row("copied from loopback", base, size, async || {
        fetcher.begin_round();
        ensure!(fetcher.fetch(&plain, LOCAL).await.body.is_some());
        Ok(())
    })
    .await?;
    drop(fetcher);
    let judged = row("copied, verified and searched", base, size, async || {
        // A new memory each time: an answer that is remembered costs nothing.
        let inquiries = inquiries(None)?;
        let ask = Ask::Crl { questions: vec![question.clone()], complete: None };
        let Outcome::Fetched { reading, .. } =
            inquiries.ask(url.clone(), url.clone(), Place { ip: LOCAL, via: None }, ask).await
        else {
            anyhow::bail!("another outcome")
        };
        ensure!(matches!(reading.said[..], [(_, Said::Crl(Ok(_)))]), "{reading:?}");
        Ok(())
    })
    .await?;
    let beyond = judged.saturating_sub(copied).as_secs_f64() * 1000.0;
    println!("{:<58} {beyond:>10.1} ms (budget 60)", "CPU beyond the copy");
    Ok(())
}

/// Drives the closure over 1,000 targets whose probes are made up and whose CRLs are really fetched.
async fn shared_crls(port: &str, folder: &std::path::Path) -> anyhow::Result<()> {
    let mut config =
        "[[workload]]\nname = \"w\"\npolicy = \"closed\"\nclient_profile = \"curl-schannel\"\n".to_owned();
    let mut chains = BTreeMap::new();
    let mut anchors = Vec::new();
    for group in 0..CRLS {
        let authority = Authority::new(&format!("CA {group}"))?;
        std::fs::write(folder.join(format!("{group}.crl")), authority.crl(5_000)?)?;
        let url = format!("http://crl{}.example:{port}/{group}.crl", group % 3);
        for number in (group..ENDPOINTS).step_by(CRLS) {
            config += &format!(
                "[[target]]\nworkload = \"w\"\nhost = \"host{number}.example\"\nport = 443\nprobe = \"tls\"\n"
            );
            chains.insert(format!("host{number}.example"), vec![authority.leaf(number, &url)?]);
        }
        anchors.push(authority.der);
    }
    let plan = parse("bench", &config, &[]).map_err(|errors| anyhow::anyhow!("{errors}"))?;
    let trust = Arc::new(Trust::new(anchors));
    let inquiries = inquiries(Some(&folder.join("cache")))?;
    println!("{:<58} {:>10} {:>10}", "1,000 endpoints over 12 CRLs of 5,000 entries", "wall", "CPU");
    for number in 1..=3 {
        let (before, began) = (cpu()?, Instant::now());
        inquiries.begin_round();
        round(&plan, trust.clone(), &chains, &inquiries).await?;
        let (wall, cpu) = (shown(began.elapsed()), shown(cpu()?.saturating_sub(before)));
        println!("{:<58} {wall:>10} {cpu:>10}", format!("round {number}, probes left out"));
    }
    Ok(())
}

async fn round(
    plan: &Plan,
    trust: Arc<Trust>,
    chains: &BTreeMap<String, Vec<Vec<u8>>>,
    inquiries: &Inquiries,
) -> anyhow::Result<()> {
    let tables = Tables::documents()?;
    let mut closure = Closure::new(plan, roots(plan, &[], &[]), trust, &tables.ca_hosts);
    let public = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 1));
    while let Some(work) = closure.next_work() {
        let outcome = match work {
            Work::Resolve { name } => Outcome::Resolved(resolved(&name, public)),
            Work::Probe { key, ip } => {
                let seen = Box::new(probed(ip, chains.get(&key.host)));
                Outcome::Probed { key, seen }
            }
            // The documentation address stands for the server on loopback.
            Work::Fetch { key, url, ask, .. } => {
                inquiries.ask(key, url, Place { ip: LOCAL, via: None }, ask).await
            }
        };
        closure.observe(outcome);
    }
    let picture = closure.finish();
    let found = closedpath_core::closure::revocations(&picture, SystemTime::now());
    let leaves = chains.values().flatten();
    let unsettled = leaves.filter(|leaf| !found.satisfied(&None, &fingerprint(leaf))).count();
    ensure!(unsettled == 0, "{unsettled} certificates are not settled");
    Ok(())
}

fn resolved(name: &str, ip: IpAddr) -> DnsObservation {
    let view = DnsView {
        resolver: "bench".into(),
        server: None,
        status: DnsStatus::Ok,
        cname: Vec::new(),
        answers: vec![Answer { ip, ttl: 60 }],
        incomplete: false,
        text: String::new(),
        took: Duration::ZERO,
    };
    DnsObservation { name: name.into(), views: vec![view] }
}

fn probed(ip: IpAddr, chain: Option<&Vec<Vec<u8>>>) -> AddressObservation {
    let tls = chain.map(|chain| TlsObservation {
        failure: None,
        version: None,
        cipher: None,
        group: None,
        alpn: None,
        chain: chain.clone(),
        staple: None,
        path: Some(PathCheck::Trusted),
        name: None,
        client_certificate_required: false,
        took: Duration::ZERO,
    });
    let local = Some(SocketAddr::new(LOCAL, 40_000));
    let contact = Contact::Made(Contacted { local, took: Duration::ZERO });
    AddressObservation { tls, ..AddressObservation::new(ip, SystemTime::now(), contact) }
}

/// What the check of a chain costs the second time.
fn seen_chain() -> anyhow::Result<()> {
    const TIMES: u32 = 20_000;
    let authority = Authority::new("CA")?;
    let chain = [authority.leaf(1, "http://crl.example/a.crl")?, authority.der];
    let client = TlsClient::new(&[])?;
    let first = Instant::now();
    client.verify(&chain, "host1.example");
    let first = first.elapsed();
    let began = Instant::now();
    for _ in 0..TIMES {
        std::hint::black_box(client.verify(&chain, "host1.example"));
    }
    let again = began.elapsed() / TIMES;
    println!("{:<58} {first:>10.1?}", "a chain of an unknown issuer, for the first time");
    println!("{:<58} {again:>10.2?} (budget 5 µs)", "a chain that was seen before");
    Ok(())
}

async fn row(
    what: &str,
    base: u64,
    size: u64,
    run: impl AsyncFn() -> anyhow::Result<()>,
) -> anyhow::Result<Duration> {
    let (mut walls, mut cpus, mut sizes) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        // Resets VmHWM to what is resident now (proc(5)).
        std::fs::write("/proc/self/clear_refs", "5")?;
        let (cpu, began) = (cpu()?, Instant::now());
        run().await?;
        walls.push(began.elapsed());
        cpus.push(self::cpu()?.saturating_sub(cpu));
        sizes.push(status("VmHWM:")?.saturating_sub(base) * 1000 / size);
    }
    walls.sort();
    cpus.sort();
    sizes.sort_unstable();
    let memory = format!("{:.2} (≤ {:.2})", sizes[RUNS / 2] as f64 / 1000.0, sizes[RUNS - 1] as f64 / 1000.0);
    println!("{what:<58} {:>10} {:>10} {memory:>14}", shown(walls[RUNS / 2]), shown(cpus[RUNS / 2]));
    Ok(cpus[RUNS / 2])
}

fn shown(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
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

/// Serves the files of a folder, one connection after the other; says at the end how often one of the twelve was asked for.
fn serve(folder: &std::path::Path) -> anyhow::Result<()> {
    let listener = TcpListener::bind((LOCAL, 0))?;
    println!("{}", listener.local_addr()?.port());
    let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = asked.clone();
    let folder = folder.to_owned();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream?;
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte)?;
                request.push(byte[0]);
            }
            let request = String::from_utf8(request)?;
            let name = request.split(' ').nth(1).context("a path")?.trim_start_matches('/');
            if name != "large.crl" {
                count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            }
            let body = std::fs::read(folder.join(name))?;
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            stream.write_all(head.as_bytes())?;
            stream.write_all(&body)?;
        }
        anyhow::Ok(())
    });
    std::io::stdin().read_to_end(&mut Vec::new())?;
    println!("{}", asked.load(std::sync::atomic::Ordering::SeqCst));
    Ok(())
}
