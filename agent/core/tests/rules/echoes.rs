//! Echoes (E8, DESIGN §4.5): they are asked and shown, and no workload needs them.

use closedpath_core::closure::{Seen as SeenAddress, Work};
use closedpath_core::target::{Origin, Requirement};
use closedpath_core::verdict::Verdict;

use crate::certificates::{Pointers, issued};
use crate::world::{Observed, World, observed, world};

const CONFIG: &str = r#"
[topology]
[[link]]
name = "ms"
edge = "er_microsoft"
hops = ["198.51.100.1"]
[[link]]
name = "isp"
edge = "internet"
hops = ["192.0.2.1"]
[[workload]]
name = "w"
policy = "closed"
client_profile = "curl-schannel"
[[target]]
host = "a.example"
port = 443
probe = "tls"
"#;

fn leaking(host: &str, ip: &str) -> Observed {
    observed(host, ip).hops(["192.0.2.1"]).connected()
}

/// One target on a closed path, and more configuration.
fn with(more: &str) -> World {
    let target = observed("a.example", "203.0.113.1").hops(["198.51.100.1"]).connected();
    world(&format!("{CONFIG}{more}")).see(target)
}

const STUN: &str = "[[echo]]\nstun = \"stun.example\"\n";
const PAGE: &str = "[[echo]]\nurl = \"https://echo.example:8443/ip\"\n";

#[test]
fn an_echo_that_answers_by_the_internet_leaves_the_verdict_closed() {
    let seen = with(&format!("{STUN}{PAGE}"))
        .see(leaking("stun.example", "203.0.113.8").saw("198.51.100.77"))
        .see(leaking("echo.example", "203.0.113.9").saw("198.51.100.77"))
        .look();
    assert_eq!((seen.report.verdict, &seen.workload().reasons), (Verdict::Closed, &Vec::new()));
    assert!(seen.report.required_outside.is_empty(), "{:?}", seen.report.required_outside);
    let findings = &seen.report.findings;
    assert!(
        findings
            .iter()
            .all(|finding| !finding.subject.contains(":3478/stun") && !finding.subject.contains("echo")),
        "{findings:?}"
    );
    assert!(!seen.report.not_tested.iter().any(|words| words.contains("echo")));
    for id in ["stun.example:3478/stun", "echo.example:8443/https"] {
        let echo = seen.endpoint(id);
        assert_eq!((&echo.origins[..], echo.requirement), (&[Origin::Echo][..], Requirement::Optional));
        assert!(echo.addresses[0].reachable);
    }
}

#[test]
fn what_an_echo_saw_is_kept_for_its_address() {
    let world = with(STUN).see(leaking("stun.example", "203.0.113.8").saw("198.51.100.77"));
    let (picture, _) = world.picture();
    let (_, echo) = picture.members.iter().find(|(key, _)| key.host == "stun.example").expect("a member");
    let SeenAddress::Observed(seen) = echo.addresses.values().next().expect("its address") else {
        panic!("probed")
    };
    assert_eq!(seen.reflexive, Some("198.51.100.77".parse().expect("literal")));
}

#[test]
fn an_echo_that_is_silent_or_does_not_resolve_is_said_and_changes_nothing_else() {
    let seen = with(&format!("{STUN}{PAGE}")).see(observed("stun.example", "203.0.113.8")).look();
    assert_eq!(seen.report.verdict, Verdict::Closed);
    let findings = &seen.report.findings;
    assert!(
        findings
            .iter()
            .all(|finding| !finding.subject.contains(":3478/stun") && !finding.subject.contains("echo")),
        "{findings:?}"
    );
    let of_echoes: Vec<&String> =
        seen.report.not_tested.iter().filter(|words| words.contains("echo")).collect();
    assert_eq!(
        of_echoes,
        [
            "the echo echo.example:8443/https told no address: which source it saw is not known",
            "the echo stun.example:3478/stun told no address: which source it saw is not known",
        ]
    );
}

#[test]
fn a_canary_at_the_same_place_still_proves_an_open_way_out() {
    let canary = "[[canary]]\nhost = \"stun.example\"\nprobe = \"stun\"\n";
    let seen = with(&format!("{STUN}{canary}")).see(leaking("stun.example", "203.0.113.8")).look();
    assert_eq!(seen.report.verdict, Verdict::NotClosed);
    assert_eq!(seen.workload().reasons, ["the canary stun.example:3478/stun answers: the way out is open"]);
}

#[test]
fn an_echo_that_is_also_a_target_stays_a_target() {
    let target = "[[target]]\nhost = \"stun.example\"\nprobe = \"stun\"\n";
    let seen = with(&format!("{STUN}{target}")).see(leaking("stun.example", "203.0.113.8")).look();
    assert_eq!(seen.report.verdict, Verdict::NotClosed);
    assert_eq!(seen.endpoint("stun.example:3478/stun").requirement, Requirement::Hard);
    assert_eq!(seen.report.required_outside.len(), 1);
}

#[test]
fn neither_the_page_nor_the_certificate_of_an_echo_brings_anything() {
    let pointers = Pointers { crl: &["http://crl.example/a.crl"], ..Pointers::default() };
    let seen = with(PAGE)
        .see(leaking("echo.example", "203.0.113.9").presents([issued("echo.example", "CA", pointers)]))
        .page("https://echo.example:8443/", 302, Some("https://b.example/"))
        .look();
    assert_eq!(seen.ids(), ["a.example:443/tls", "echo.example:8443/https"]);
    assert!(!seen.work.iter().any(|work| matches!(work, Work::Fetch { .. })));
}

#[test]
fn certificates_of_an_echo_count_as_soon_as_something_redirects_there() {
    let pointers = Pointers { crl: &["http://crl.example/a.crl"], ..Pointers::default() };
    let target = "[[target]]\nhost = \"b.example\"\nprobe = \"http\"\n";
    let seen = with(&format!("{PAGE}{target}"))
        .see(observed("b.example", "203.0.113.2").hops(["198.51.100.1"]).connected())
        .see(leaking("echo.example", "203.0.113.9").presents([issued("echo.example", "CA", pointers)]))
        .see(leaking("crl.example", "203.0.113.10"))
        .page("http://b.example/", 302, Some("https://echo.example:8443/welcome"))
        .look();
    let echo = seen.endpoint("echo.example:8443/https");
    assert_eq!(echo.origins, [Origin::Redirect, Origin::Echo]);
    assert_eq!(seen.endpoint("crl.example:80/http").origins, [Origin::Crl]);
    assert_eq!(seen.report.verdict, Verdict::NotClosed);
}

#[test]
fn the_target_of_one_workload_is_no_more_than_an_echo_for_another() {
    let other = "[[workload]]\nname = \"v\"\npolicy = \"closed\"\n[[target]]\nworkload = \"v\"\nhost = \"stun.example\"\nprobe = \"stun\"\n";
    let config = CONFIG.replace("[[target]]\n", "[[target]]\nworkload = \"w\"\n");
    let seen = world(&format!("{config}{STUN}{other}"))
        .see(observed("a.example", "203.0.113.1").hops(["198.51.100.1"]).connected())
        .see(leaking("stun.example", "203.0.113.8"))
        .look();
    let verdicts: Vec<Verdict> = seen.report.workloads.iter().map(|workload| workload.verdict).collect();
    assert_eq!(verdicts, [Verdict::Closed, Verdict::NotClosed]);
}
