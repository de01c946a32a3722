//! Labs do not meet, need no root, give the agent no power, and leave nothing behind.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use closedpath_lab::Lab;
use closedpath_lab::plan::NODES;

use crate::{lab, said};

const PROGRAM: &str = env!("CARGO_BIN_EXE_closedpath-lab");

/// The network namespaces that any process is in.
fn living() -> BTreeSet<PathBuf> {
    let processes = fs::read_dir("/proc").expect("/proc can be read").flatten();
    processes.filter_map(|process| fs::read_link(process.path().join("ns/net")).ok()).collect()
}

fn namespaces(lab: &Lab) -> BTreeSet<PathBuf> {
    let link = |name| {
        fs::read_link(format!("/proc/{}/ns/net", lab.pid(name).expect("a node"))).expect("a namespace")
    };
    NODES.iter().map(|node| link(node.name)).collect()
}

#[test]
fn dropping_a_lab_leaves_neither_namespace_nor_file() {
    let lab = lab();
    let (dir, namespaces) = (lab.dir().to_owned(), namespaces(&lab));
    assert_eq!(namespaces.len(), NODES.len());
    assert!(namespaces.is_subset(&living()) && dir.exists());
    drop(lab);
    assert!(namespaces.is_disjoint(&living()));
    assert!(!dir.exists());
}

#[test]
fn two_labs_live_side_by_side_and_do_not_meet() {
    let (mut one, two) = (lab(), lab());
    assert!(namespaces(&one).is_disjoint(&namespaces(&two)));
    assert_ne!(one.dir(), two.dir());
    one.cut_internet().expect("cut");
    let crl = "curl -s -m 2 -o /dev/null -w %{http_code} http://crl.pki.example/root.crl";
    assert_eq!((said(&one, "host", crl).as_str(), said(&two, "host", crl).as_str()), ("000", "200"));
}

#[test]
fn a_killed_lab_leaves_neither_process_nor_file() {
    closedpath_lab::enter().expect("network namespaces are needed");
    let before = living();
    let script = "readlink /proc/self/ns/net; echo $PPID; sleep 600";
    let mut program = Command::new(PROGRAM);
    program.args(["exec", "ce", "--", "sh", "-c", script]).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = program.spawn().expect("the program starts");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines().map_while(Result::ok);
    let namespace = PathBuf::from(lines.next().expect("a namespace"));
    let dir = std::env::temp_dir().join(format!("cp{}x1", child.id()));
    assert!(!before.contains(&namespace) && living().contains(&namespace) && dir.exists());
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    let killed = Instant::now();
    while living().contains(&namespace) || dir.exists() {
        assert!(killed.elapsed() < Duration::from_secs(5), "something is left of the lab");
        std::thread::yield_now();
    }
}

#[test]
fn the_agent_has_no_power_and_its_own_directory() {
    let lab = lab();
    let script = "grep -E '^(Uid|Cap(Inh|Prm|Eff|Bnd|Amb)|NoNewPrivs)' /proc/self/status; touch state/mine && ls state; cat /etc/resolv.conf";
    let output =
        lab.agent(Path::new("sh")).expect("a command").args(["-c", script]).output().expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for capability in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert!(text.contains(&format!("{capability}:\t0000000000000000")), "{text}");
    }
    assert!(
        text.contains("NoNewPrivs:\t1") && text.contains("mine") && text.contains("192.168.1.53"),
        "{text}"
    );
    if closedpath_lab::is_root() {
        assert!(text.contains("Uid:\t65534\t65534\t65534\t65534"), "{text}");
    }
}

#[test]
fn an_ordinary_user_can_build_a_lab_or_is_told_what_forbids_it() {
    closedpath_lab::enter().expect("network namespaces are needed");
    if !closedpath_lab::is_root() {
        // Every test of this run has just proven it.
        return;
    }
    let dir = std::env::temp_dir().join(format!("closedpath-lab-{}", std::process::id()));
    fs::create_dir(&dir).expect("a directory");
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o777)).expect("its mode");
    let program = dir.join("closedpath-lab");
    fs::copy(PROGRAM, &program).expect("a copy that others may run");
    let mut user = Command::new("setpriv");
    user.args(["--reuid", "1000", "--regid", "1000", "--clear-groups"]).arg(&program).env("TMPDIR", &dir);
    let trace = ["exec", "host", "--", "traceroute", "-T", "-n", "-q", "1", "-p", "443", "198.51.100.130"];
    let output = user.args(trace).output().expect("it runs");
    let left: Vec<_> =
        fs::read_dir(&dir).expect("the directory").flatten().map(|entry| entry.file_name()).collect();
    fs::remove_dir_all(&dir).expect("the directory goes");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(out.contains("198.51.100.2") || err.contains("network namespaces need root"), "{out}{err}");
    assert_eq!(left, ["closedpath-lab"]);
}
