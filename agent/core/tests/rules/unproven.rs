//! What looks closed and is not proven: each of these has once passed for CLOSED.

use std::time::Duration;

use closedpath_core::closure::{Closure, Outcome, Past, Work, roots};
use closedpath_core::failure::{Code, Failure, Step};
use closedpath_core::findings::{FindingId, Severity};
use closedpath_core::observation::{DnsStatus, FetchObservation, Protection};
use closedpath_core::pki::inquiry::Reading;
use closedpath_core::pki::ocsp::{OcspAnswer, OcspStatus, Signer};
use closedpath_core::pki::revocation::Said;
use closedpath_core::target::{EndpointKey, Probe};
use closedpath_core::verdict::Verdict;

use crate::certificates::{Pointers, authority_of, issued};
use crate::world::{Observed, Seen, now, observed, short, world};

const HOUR: Duration = Duration::from_secs(3600);

const SITE: &str = r#"
[topology]
onprem = ["192.168.0.0/16"]
vnet = ["10.100.0.0/16"]
[[link]]
name = "er"
edge = "er_private"
msee = ["172.16.0.2"]
interface = "eth1"
[[link]]
name = "ms"
edge = "er_microsoft"
hops = ["198.51.100.1"]
[[link]]
name = "isp"
edge = "internet"
hops = ["192.0.2.1"]
interface = "eth3"
[[proxy]]
name = "squid"
url = "http://192.168.7.1:3128"
exit = "internet"
"#;

/// One closed workload with one target, `a.example:443`.
fn site(probe: &str, keys: &str) -> String {
    format!(
        "{SITE}[[workload]]\nname = \"w\"\npolicy = \"closed\"\n{keys}\n\
         [[target]]\nworkload = \"w\"\nhost = \"a.example\"\nport = 443\nprobe = \"{probe}\"\n"
    )
}

const NO_CHECKS: &str = "client_profile = \"none\"";

fn closed(host: &str, ip: &str) -> Observed {
    observed(host, ip).hops(["198.51.100.1"]).connected()
}

fn leaking(host: &str, ip: &str) -> Observed {
    observed(host, ip).hops(["192.0.2.1"]).connected()
}

fn because(seen: &Seen, words: &str) -> bool {
    seen.workload().reasons.iter().any(|reason| reason.contains(words))
}

#[test]
fn where_a_window_is_required_nothing_is_closed_before_it_has_passed() {
    let config = format!("[verdict]\nrequire_window = true\nwindow = \"1day\"\n{}", site("tls", NO_CHECKS));
    let world = || world(&config).see(closed("a.example", "203.0.113.1"));
    let picture = world().picture().0;
    let after = |looks: &[u32]| {
        let mut past = Past::default();
        for hours in looks {
            past.remember(&picture, HOUR, now() - HOUR * *hours);
        }
        let mut world = world();
        world.past = past;
        world.look()
    };
    let hourly = |from: u32| (0..=from).rev().collect::<Vec<u32>>();
    assert_eq!(after(&hourly(24)).report.verdict, Verdict::Closed);
    let first = after(&[]);
    assert_eq!(first.report.verdict, Verdict::Undetermined);
    assert!(because(&first, "observed for 0s of the 1day"), "{:?}", first.workload().reasons);
    assert!(because(&after(&hourly(23)), "observed for 23h of the 1day"));
    let other = config.replace("a.example", "b.example");
    let mut renamed = crate::world::world(&other).see(closed("b.example", "203.0.113.2"));
    for hours in hourly(24) {
        renamed.past.remember(&picture, HOUR, now() - HOUR * hours);
    }
    renamed.past.remember(&renamed.picture().0, HOUR, now());
    assert!(because(&renamed.look(), "observed for 0s of the 1day"), "its target is new");
    // Of three intervals without a look nobody knows anything.
    assert!(because(&after(&[30, 29, 2, 1, 0]), "observed for 2h of the 1day"));
    assert!(because(&after(&[30, 29, 28]), "observed for 0s of the 1day"));
}

#[test]
fn where_the_answer_for_one_family_failed_its_addresses_are_not_known() {
    let world = world(&site("tls", NO_CHECKS)).see(closed("a.example", "203.0.113.1"));
    let (mut picture, _) = world.picture();
    assert_eq!(world.report_on(&picture).verdict, Verdict::Closed);
    for view in
        picture.members.values_mut().filter_map(|member| member.dns.as_mut()).flat_map(|dns| &mut dns.views)
    {
        (view.incomplete, view.text) = (true, "AAAA: timeout".into());
    }
    let report = world.report_on(&picture);
    assert_eq!(report.verdict, Verdict::Undetermined);
    let reasons = &report.workloads[0].reasons;
    assert!(
        reasons.iter().any(|reason| reason.contains("other family") && reason.contains("AAAA: timeout")),
        "{reasons:?}"
    );
}

#[test]
fn the_hosts_of_a_delegated_responders_certificate_belong_to_the_workload() {
    let both = Pointers { ocsp: Some("http://ocsp.example/"), ..Pointers::default() };
    let own = Pointers { crl: &["http://delegate-crl.example/d.crl"], ..Pointers::default() };
    let verdict = |nocheck: bool| {
        let certificate = issued("responder", "CA", own);
        let sha256 = closedpath_core::pki::fingerprint(&certificate);
        let signer = Signer::Delegated { subject: "CN=responder".into(), sha256, nocheck, certificate };
        let answer = OcspAnswer {
            status: OcspStatus::Good,
            this_update: now(),
            next_update: Some(now() + HOUR),
            produced_at: now(),
            signer,
        };
        let seen = world(&site("tls", "client_profile = \"curl-schannel\""))
            .see(
                closed("a.example", "203.0.113.1")
                    .presents([issued("a.example", "CA", both), authority_of("CA")]),
            )
            .see(closed("ocsp.example", "203.0.113.3"))
            .see(leaking("delegate-crl.example", "203.0.113.4"))
            .says("http://ocsp.example/", Said::Ocsp(Ok(answer)))
            .look();
        seen.report.verdict
    };
    assert_eq!(verdict(false), Verdict::NotClosed);
    assert_eq!(verdict(true), Verdict::Closed, "it exempts itself (id-pkix-ocsp-nocheck)");
}

#[test]
fn a_redirect_is_followed_however_long_or_else_the_closure_is_cut_short() {
    let to = |location: &str| {
        world(&site("https", NO_CHECKS))
            .see(closed("a.example", "203.0.113.1"))
            .see(leaking("login.example", "203.0.113.7"))
            .page("https://a.example/", 302, Some(location))
            .look()
    };
    let long = |length| format!("https://login.example/authorize?state={}", "x".repeat(length));
    assert_eq!(to(&long(1)).report.verdict, Verdict::NotClosed);
    assert_eq!(to(&long(2100)).report.verdict, Verdict::NotClosed);
    let joke = to(&long(9000));
    assert_eq!(joke.report.verdict, Verdict::Undetermined);
    assert!(because(&joke, "redirects to what cannot be followed"));
    let app = to("ms-appinstaller:?source=x");
    assert_eq!(app.report.verdict, Verdict::Closed);
    assert!(app.report.not_tested.iter().any(|words| words.contains("ms-appinstaller:")));
}

#[test]
fn a_redirect_counts_though_its_body_never_ends() {
    let world = world(&site("https", NO_CHECKS))
        .see(closed("a.example", "203.0.113.1"))
        .see(leaking("login.example", "203.0.113.7"));
    let trust = std::sync::Arc::new(closedpath_core::pki::Trust::new(Vec::<Vec<u8>>::new()));
    let mut closure = Closure::new(&world.plan, roots(&world.plan, &[], &[]), trust, &world.tables.ca_hosts);
    while let Some(work) = closure.next_work() {
        let outcome = match work {
            Work::Fetch { key, url, ip, .. } if url.contains("a.example") => {
                let mut seen = FetchObservation::of(&url, ip);
                (seen.status, seen.location) = (Some(302), Some("https://login.example/".into()));
                seen.failure = Some(Failure::new(Step::Http, Code::Timeout, "nothing more of the body came"));
                Outcome::Fetched { key, seen: Box::new(seen), reading: Reading::default() }
            }
            other => world.perform(&other),
        };
        closure.observe(outcome);
    }
    assert_eq!(world.report_on(&closure.finish()).verdict, Verdict::NotClosed);
}

#[test]
fn an_association_whose_counters_tell_nothing_may_have_carried_the_flow() {
    let path = |associated: bool, packets: Option<(u64, u64)>| {
        let mut it = observed("a.example", "10.100.0.4").route("eth1", "192.168.1.1").connected();
        it.more.protection = Some(Protection {
            destination: "10.100.0.0/16".parse().unwrap(),
            outer_peer: "203.0.113.99".parse().unwrap(),
            associated,
            packets,
        });
        let seen = world(&site("tcp", NO_CHECKS)).see(it).look();
        let path = &seen.report.endpoints[0].addresses[0].path;
        let e4 = path.evidence.iter().find(|item| item.id == "E4").unwrap();
        (short(path), e4.says.clone())
    };
    let is = |seen: (String, String), class: &str, words: &str| {
        assert!(seen.0 == class && seen.1.contains(words), "{seen:?}, not {class}, {words}");
    };
    let hidden = "unknown(undeclared_tunnel)";
    is(path(true, None), hidden, "whether its association carried anything is not known");
    is(path(true, Some((1000, 3))), hidden, "whether its association carried anything is not known");
    is(path(true, Some((3, 4))), hidden, "carried 1 packets meanwhile");
    is(path(true, Some((3, 3))), "er_private(confirmed)", "its association carried nothing meanwhile");
    is(path(false, None), "er_private(confirmed)", "without a security association");
}

#[test]
fn what_a_pac_script_was_not_asked_of_is_not_known_to_stay_inside() {
    let to = |location: &str| {
        let mut world = world(&site("https", &format!("{NO_CHECKS}\npac = \"proxy.pac\"")))
            .see(closed("a.example", "203.0.113.1"))
            .see(closed("b.example", "203.0.113.2"))
            .page("https://a.example/", 302, Some(location));
        let asked = EndpointKey::new("a.example", 443, Probe::Https);
        world.pac.insert(("w".into(), asked), Ok("DIRECT".into()));
        world.look()
    };
    let elsewhere = to("https://b.example/");
    assert_eq!(elsewhere.report.verdict, Verdict::Undetermined);
    assert!(because(&elsewhere, "the PAC script was not asked"));
    assert_eq!(to("https://a.example/home").report.verdict, Verdict::Closed, "the same host");
}

#[test]
fn one_address_that_leaks_beside_the_proxy_is_a_leak_though_another_does_not() {
    let seen = world(&site("tls", &format!("{NO_CHECKS}\nproxy = \"squid\"")))
        .see(observed("192.168.7.1", "192.168.7.1").connected())
        .unlisted(observed("a.example", "192.168.7.1"))
        .see(leaking("a.example", "203.0.113.1"))
        .see(closed("a.example", "203.0.113.2"))
        .look();
    assert_eq!(seen.report.verdict, Verdict::NotClosed);
    assert!(because(&seen, "also connects directly, internet_direct"));
}

#[test]
fn a_canary_that_was_never_dialled_is_told() {
    let config = format!("{}[[canary]]\nhost = \"canary.example\"\nport = 443\n", site("tls", NO_CHECKS));
    let told = |seen: &Seen| seen.report.not_tested.iter().any(|words| words.contains("canary.example"));
    for status in [DnsStatus::Timeout, DnsStatus::Nxdomain] {
        let seen = world(&config)
            .see(closed("a.example", "203.0.113.1"))
            .unresolved("canary.example", status)
            .look();
        assert!(told(&seen), "{:?}", seen.report.not_tested);
    }
    let dialled =
        world(&config).see(closed("a.example", "203.0.113.1")).see(observed("canary.example", "203.0.113.8"));
    assert!(!told(&dialled.look()));
}

#[test]
fn what_windows_asks_for_unknown_roots_is_told() {
    let told = |profile: &str| {
        let world = world(&site("tls", &format!("client_profile = \"{profile}\"")));
        let seen = world.see(closed("a.example", "203.0.113.1")).look();
        seen.report.not_tested.iter().any(|words| words.contains("ctldl.windowsupdate.com"))
    };
    assert!(told("windows-cryptoapi") && told("curl-schannel"));
    assert!(!told("openssl") && !told("none"));
}

#[test]
fn f33_asks_how_much_the_url_is_wanted_that_is_not_served_not_the_host() {
    let of = |url: &str| {
        let pointers = Pointers {
            crl: &["http://ca.example/a.crl"],
            ocsp: None,
            ca_issuers: Some("http://ca.example/ca.cer"),
        };
        let seen = world(&site("tls", "client_profile = \"curl-schannel\""))
            .see(
                closed("a.example", "203.0.113.1")
                    .presents([issued("a.example", "CA", pointers), authority_of("CA")]),
            )
            .see(closed("ca.example", "203.0.113.3"))
            .page(url, 404, None)
            .look();
        seen.report
            .findings
            .into_iter()
            .find(|finding| finding.id == FindingId::F33)
            .map(|finding| finding.severity)
    };
    assert_eq!(of("http://ca.example/ca.cer"), Some(Severity::Info), "the server sends the issuer itself");
    assert_eq!(of("http://ca.example/a.crl"), Some(Severity::Critical));
}

#[test]
fn a_resolver_that_fails_beside_another_is_told() {
    let look = |status| {
        let world = world(&site("tls", NO_CHECKS)).see(closed("a.example", "203.0.113.1"));
        let seen = world.elsewhere("a.example", "dc2", status, &[]).look();
        seen.report.not_tested.into_iter().find(|words| words.contains("the resolver dc2 gave no answer"))
    };
    assert!(look(DnsStatus::Servfail).is_some_and(|words| words.contains("a.example: servfail")));
    assert!(look(DnsStatus::Timeout).is_some());
    assert_eq!(look(DnsStatus::Nxdomain), None, "that is an answer (F14)");
}

#[test]
fn e1_says_what_is_shared_and_what_is_on_the_link_itself() {
    let says = |interface: &str, gateway: &str, kind: Option<&str>| {
        let mut it = observed("a.example", "10.100.0.4").route(interface, gateway).connected();
        if let Some(kind) = kind {
            it = it.by_a(kind);
        }
        let seen = world(&site("tcp", NO_CHECKS)).see(it).look();
        let evidence = &seen.report.endpoints[0].addresses[0].path.evidence;
        evidence.iter().find(|item| item.id == "E1").unwrap().says.clone()
    };
    assert!(says("eth1", "", None).ends_with("on the link itself, so no router leads there"));
    assert!(says("eth1", "192.168.31.1", None).ends_with("which leads to er"));
    assert!(says("eth0", "192.168.1.1", None).ends_with("the first hop only, shared by ms"));
    assert!(says("tun0", "", Some("tun")).ends_with("the first hop only, shared by ms"));
}
