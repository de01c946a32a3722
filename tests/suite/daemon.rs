//! `closedpath run` as a service: ready after the first round, metrics that follow the network, a clean end, no privilege.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant, SystemTime};

use closedpath::metrics::{FAMILIES, Kind};
use closedpath_lab::{ConfigVariant, Lab, TRUTH, is_root};
use serde_json::Value;

use crate::lab::{self, AGENT};

/// Passes the listening socket, which comes as standard input, as systemd does: descriptor 3, for this very process.
const ACTIVATE: &str = r#"exec 3<&0 0</dev/null; export LISTEN_FDS=1 LISTEN_PID=$$; exec "$0" "$@""#;

/// Nothing in the lab takes as long; whoever waits longer waits for what never comes.
const LIMIT: Duration = Duration::from_secs(60);

/// A destination that is asked by ICMP echo.
const ECHOED: &str = "\n[[target]]\nworkload = \"rest\"\nhost = \"app.vnet.example\"\nprobe = \"icmp\"\n";

/// A running agent; it dies with this.
pub struct Daemon {
    pub child: Child,
    at: SocketAddr,
}

impl Daemon {
    /// In the lab, on a socket of this machine that is handed over.
    pub fn activated(lab: &Lab) -> Self {
        Self::every("1s", lab)
    }

    /// The same with this interval.
    fn every(interval: &str, lab: &Lab) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let at = listener.local_addr().expect("an address");
        let config = lab.config(ConfigVariant::Full).expect("a configuration");
        let text = fs::read_to_string(&config).expect("it was just written");
        assert!(text.contains("\ninterval = \"10s\""), "{text}");
        let text = text.replace("\ninterval = \"10s\"", &format!("\ninterval = \"{interval}\""));
        fs::write(&config, text + ECHOED).expect("it can be written");
        let mut command = lab.agent(Path::new("sh")).expect("a command");
        command.args(["-c", ACTIVATE, AGENT, "run", "--config"]).arg(&config);
        command.stdin(Stdio::from(OwnedFd::from(listener)));
        command.stderr(File::create(lab.dir().join("run.log")).expect("a log"));
        Self { child: command.spawn().expect("the agent starts"), at }
    }

    /// Status and body.
    pub fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.at).expect("the socket listens");
        stream.set_read_timeout(Some(LIMIT)).expect("a timeout");
        write!(stream, "GET {path} HTTP/1.1\r\nHost: agent\r\nConnection: close\r\n\r\n").expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        (status, body.to_owned())
    }

    /// Asks until the answer is the wanted one.
    #[expect(
        clippy::disallowed_methods,
        reason = "a pause between questions; the condition decides, not the time"
    )]
    pub fn until<T>(&self, what: &str, mut wanted: impl FnMut(&Self) -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if let Some(got) = wanted(self) {
                return got;
            }
            assert!(began.elapsed() < LIMIT, "waited {LIMIT:?} for {what}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The report of a round that began after now.
    pub fn next_report(&self) -> Value {
        let now = SystemTime::now();
        self.until("a round that begins after now", |daemon| {
            let report: Value = serde_json::from_str(&daemon.get("/report.json").1).ok()?;
            let began = humantime::parse_rfc3339(report["started_at"].as_str()?).expect("a time");
            (began > now).then_some(report)
        })
    }

    fn metrics(&self) -> Metrics {
        let (status, text) = self.get("/metrics");
        assert_eq!(status, 200);
        Metrics::read(&text)
    }

    /// Sends SIGTERM and waits for the end; tells also how long it took.
    fn terminate(&mut self) -> (ExitStatus, Duration) {
        let began = Instant::now();
        let kill = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status();
        assert!(kill.expect("`kill` starts").success());
        let status = self.child.wait().expect("it ends");
        (status, began.elapsed())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Samples of one scrape: name, labels, value.
struct Metrics(Vec<(String, BTreeMap<String, String>, f64)>);

impl Metrics {
    /// Reads the text format; label values of the lab hold no quotes and no commas.
    fn read(text: &str) -> Self {
        let sample = |line: &str| {
            let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("a value in {line}"));
            let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
            let labels = labels.trim_end_matches('}').split(',').filter_map(|label| label.split_once('='));
            let labels = labels.map(|(key, value)| (key.to_owned(), value.trim_matches('"').to_owned()));
            (
                name.to_owned(),
                labels.collect(),
                value.parse().unwrap_or_else(|_| panic!("a number in {line}")),
            )
        };
        Self(text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(sample).collect())
    }

    /// Labels and values of one name, without those that lack any of the labels given.
    fn of<'a>(
        &'a self,
        name: &'a str,
        with: &'a [(&'a str, &'a str)],
    ) -> impl Iterator<Item = (&'a BTreeMap<String, String>, f64)> {
        let has = |labels: &BTreeMap<String, String>| {
            with.iter().all(|(key, value)| labels.get(*key).is_some_and(|own| own == value))
        };
        self.0
            .iter()
            .filter(move |(own, labels, _)| own == name && has(labels))
            .map(|(_, labels, value)| (labels, *value))
    }

    fn sum(&self, name: &str, with: &[(&str, &str)]) -> f64 {
        self.of(name, with).map(|(_, value)| value).sum()
    }

    /// Classes of a host's addresses that a path is known of.
    fn classes(&self, host: &str) -> BTreeSet<&str> {
        let of = self.of("closedpath_endpoint_addresses", &[]);
        of.filter(|(labels, value)| labels["host"] == host && *value > 0.0)
            .map(|(labels, _)| labels["class"].as_str())
            .filter(|class| *class != "unknown")
            .collect()
    }

    /// The verdict on a workload; exactly one holds.
    fn verdict(&self, workload: &str) -> &str {
        let all: Vec<_> = self
            .of("closedpath_workload_verdict", &[])
            .filter(|(labels, _)| labels["workload"] == workload)
            .collect();
        assert_eq!(all.len(), 5, "{all:?}");
        assert!(all.iter().all(|(_, value)| *value == 0.0 || *value == 1.0), "{all:?}");
        let holds: Vec<_> = all.iter().filter(|(_, value)| *value == 1.0).collect();
        assert_eq!(holds.len(), 1, "{all:?}");
        holds[0].0["verdict"].as_str()
    }
}

/// Holds the classes of the metrics against the truth table.
fn hold(lab: &Lab, metrics: &Metrics) {
    for truth in &TRUTH {
        let classes = metrics.classes(truth.host);
        match lab.truth(truth.host).expect("the table has it") {
            "unknown" => assert!(classes.is_empty(), "{}: {classes:?}", truth.host),
            "mixed" => assert!(classes.len() > 1, "{}: {classes:?}", truth.host),
            class => assert_eq!(classes, BTreeSet::from([class]), "{}", truth.host),
        }
    }
}

#[test]
fn it_is_alive_at_once_and_ready_after_the_first_round_with_every_family_filled() {
    let mut lab = lab::build();
    lab.start_bgp().expect("the routers start");
    let daemon = Daemon::activated(&lab);
    assert_eq!(daemon.get("/-/healthy").0, 200);
    // The first round waits 2 s for the dead hosts of the lab, whatever else it does.
    assert_eq!(daemon.get("/-/ready").0, 503);
    let before = daemon.metrics();
    assert_eq!(before.sum("closedpath_build_info", &[]), 1.0);
    assert_eq!(
        before.of("closedpath_endpoint_up", &[]).count(),
        0,
        "nothing is claimed before the first round"
    );
    daemon.until("readiness", |daemon| (daemon.get("/-/ready").0 == 200).then_some(()));

    let (_, text) = daemon.get("/metrics");
    let metrics = Metrics::read(&text);
    for family in FAMILIES {
        let name = match family.kind {
            Kind::Histogram => format!("{}_count", family.name),
            Kind::Gauge | Kind::Counter => family.name.to_owned(),
        };
        assert!(metrics.of(&name, &[]).count() > 0, "{name} has no value");
        let labels: BTreeSet<&str> = family.labels.iter().copied().collect();
        for (own, _) in metrics.of(&name, &[]) {
            assert_eq!(own.keys().map(String::as_str).collect::<BTreeSet<_>>(), labels, "{name}");
        }
    }
    hold(&lab, &metrics);
    assert_eq!((metrics.verdict("backup"), metrics.verdict("portal")), ("CLOSED", "CLOSED_EXCEPT"));
    assert_eq!(metrics.sum("closedpath_path_changes_total", &[]), 0.0, "the first round changes nothing");
    promtool(&text);
    let (status, page) = daemon.get("/");
    assert!(status == 200 && page.contains("CLOSED_EXCEPT") && page.contains("blob.azure.example"), "{page}");
}

/// Prometheus' own opinion on the text.
fn promtool(text: &str) {
    let mut child = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool; tests/install installs it");
    child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("promtool reads");
    let said = child.wait_with_output().expect("promtool ends");
    let words = String::from_utf8_lossy(&[said.stdout, said.stderr].concat()).into_owned();
    assert!(said.status.success() && words.is_empty(), "{words}");
}

#[test]
fn a_withdrawn_circuit_flips_classes_counters_and_verdict_in_the_next_round_and_a_restored_one_flips_them_back()
 {
    let mut lab = lab::build();
    let daemon = Daemon::activated(&lab);
    daemon.next_report();
    let first = daemon.metrics();
    hold(&lab, &first);
    assert_eq!(first.verdict("backup"), "CLOSED");
    let blob = [("host", "blob.azure.example")];
    assert_eq!(first.sum("closedpath_path_changes_total", &blob), 0.0);

    lab.withdraw_msees().expect("the switch");
    daemon.next_report();
    let leak = daemon.metrics();
    hold(&lab, &leak);
    assert!(leak.sum("closedpath_path_changes_total", &blob) >= 1.0);
    assert_eq!((leak.verdict("backup"), leak.verdict("portal")), ("NOT_CLOSED", "NOT_CLOSED"));
    assert!(leak.sum("closedpath_finding", &[("id", "F01"), ("workload", "backup")]) >= 1.0);

    lab.restore_msees().expect("the switch");
    daemon.next_report();
    let mended = daemon.metrics();
    hold(&lab, &mended);
    let changes = |metrics: &Metrics| metrics.sum("closedpath_path_changes_total", &blob);
    assert!(changes(&mended) > changes(&leak));
    assert_eq!((mended.verdict("backup"), mended.verdict("portal")), ("CLOSED", "CLOSED_EXCEPT"));
    assert_eq!(mended.sum("closedpath_finding", &[("id", "F01"), ("workload", "backup")]), 0.0);
    // A round waits 2 s for dead hosts and the interval is 1.1 s at most: each round but the first is late by 0.9 s.
    let rounds = mended.sum("closedpath_scheduler_lag_seconds_count", &[]);
    let late = mended.sum("closedpath_scheduler_lag_seconds_sum", &[]);
    assert!(rounds >= 3.0 && late >= 0.9 * (rounds - 1.0), "{rounds} rounds, {late} s late");
}

#[test]
fn withdrawn_msees_change_the_class_within_two_seconds_of_the_routers_message_and_long_before_the_next_round()
{
    let mut lab = lab::build();
    lab.start_bgp().expect("the routers start");
    // No round of the schedule comes in the time of this test.
    let daemon = Daemon::every("1h", &lab);
    let confirmed = |class: &'static str| {
        move |daemon: &Daemon| {
            let with = [("host", "blob.azure.example"), ("class", class), ("confidence", "confirmed")];
            let metrics = daemon.metrics();
            (metrics.sum("closedpath_endpoint_addresses", &with) >= 1.0).then_some(metrics)
        }
    };
    let router = [("peer", closedpath_lab::BMP_ROUTER)];
    // F23 comes from the table alone: without the MSEEs the provider would carry it.
    let first = daemon.until("the router's table", |daemon| {
        let metrics = daemon.metrics();
        (metrics.sum("closedpath_finding", &[("id", "F23")]) >= 1.0).then_some(metrics)
    });
    assert_eq!(first.sum("closedpath_bmp_session_up", &router), 1.0);
    assert!(first.sum("closedpath_bmp_routes", &router) >= 10.0);
    assert_eq!(first.classes("blob.azure.example"), BTreeSet::from(["er_microsoft"]));
    daemon.until("the first class", confirmed("er_microsoft"));

    lab.withdraw_msees().expect("the switch");
    let told = Instant::now();
    let leak = daemon.until("another class", |daemon| {
        let metrics = daemon.metrics();
        let closed = metrics.classes("blob.azure.example").contains("er_microsoft");
        (!closed).then_some(metrics)
    });
    let took = told.elapsed();
    println!("the class changed {took:?} after the last withdrawal was ordered");
    assert!(took <= Duration::from_secs(2), "{took:?}");
    assert_ne!(leak.verdict("backup"), "CLOSED");
    let seen = daemon.until("traces of the new path", confirmed("internet_direct"));
    assert_eq!(seen.sum("closedpath_finding", &[("id", "F30")]), 0.0);
    assert_eq!(seen.verdict("backup"), "NOT_CLOSED");

    lab.restore_msees().expect("the switch");
    let mended = daemon.until("the way back", confirmed("er_microsoft"));
    assert_eq!(mended.verdict("backup"), "CLOSED");
}

#[test]
fn it_runs_without_any_privilege_and_ends_cleanly_within_two_seconds_in_the_middle_of_a_round() {
    let lab = lab::build();
    let mut daemon = Daemon::activated(&lab);
    // Once it answers, it is the agent itself and no longer the programs that start it.
    assert_eq!(daemon.get("/-/healthy").0, 200);
    let status = fs::read_to_string(format!("/proc/{}/status", daemon.child.id())).expect("it lives");
    let of = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(&format!("{key}:")));
        line.unwrap_or_else(|| panic!("{key} in {status}")).split_whitespace().collect::<Vec<_>>()
    };
    assert_eq!(of("Name"), ["closedpath"]);
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert_eq!(of(set), ["0000000000000000"], "{set}");
    }
    assert_eq!(of("NoNewPrivs"), ["1"]);
    if is_root() {
        assert_eq!(of("Uid"), ["65534"; 4]);
        assert_eq!(of("Groups"), [""; 0]);
    }
    assert_eq!(daemon.get("/-/ready").0, 503, "the first round is under way");
    let (ended, took) = daemon.terminate();
    let log = fs::read_to_string(lab.dir().join("run.log")).expect("a log");
    assert_eq!(ended.code(), Some(0), "{log}");
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert!(log.contains("SIGTERM received, stopping"), "{log}");
    assert!(log.trim_end().ends_with("stopped"), "{log}");
}

#[test]
fn it_listens_where_the_configuration_says_and_outlives_the_reader_of_its_log() {
    let config = std::env::temp_dir().join(format!("cpd{}.toml", std::process::id()));
    let text =
        "[http]\nlisten = [\"127.0.0.1:0\"]\n[[resolver]]\nname = \"own\"\nservers = [\"127.0.0.1\"]\n";
    fs::write(&config, text).expect("a file");
    let mut command = Command::new(AGENT);
    command.arg("run").arg("--config").arg(&config).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the agent starts");
    let log = BufReader::new(child.stderr.take().expect("a pipe"));
    let told = log.lines().map_while(Result::ok).find_map(|line| {
        let (_, at) = line.split_once("serving the status page and metrics on http://")?;
        at.trim_end_matches('/').parse().ok()
    });
    // The reader of the log is gone now, as when journald restarts; the first round and the end are still to be logged.
    let mut daemon = Daemon { child, at: told.expect("it says where it listens") };
    daemon.until("readiness", |daemon| (daemon.get("/-/ready").0 == 200).then_some(()));
    assert_eq!(daemon.get("/-/healthy").0, 200);
    assert_eq!(daemon.get("/nothing").0, 404);
    let (ended, _) = daemon.terminate();
    fs::remove_file(&config).expect("it is there");
    assert_eq!(ended.code(), Some(0));
}
