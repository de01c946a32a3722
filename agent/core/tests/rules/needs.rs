//! Requirements (DOMAIN §4.3 R4–R7, §4.4.1): what clients of each profile need of the hosts that certificates name.

use closedpath_core::findings::{FindingId, Severity};
use closedpath_core::target::Requirement;
use closedpath_core::verdict::Verdict;

use crate::certificates::{Pointers, issued};
use crate::world::{Observed, World, observed, world};

fn config(profile: &str) -> String {
    format!(
        r#"
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
client_profile = "{profile}"
[[target]]
workload = "w"
host = "a.example"
port = 443
probe = "tls"
"#
    )
}

fn closed(host: &str, ip: &str) -> Observed {
    observed(host, ip).hops(["198.51.100.1"]).connected()
}

const BOTH: Pointers<'_> =
    Pointers { crl: &["http://crl.example/a.crl"], ocsp: Some("http://ocsp.example/"), ca_issuers: None };

fn with(profile: &str, pointers: Pointers<'_>) -> World {
    let chain = [issued("a.example", "CA", pointers)];
    world(&config(profile)).see(closed("a.example", "203.0.113.1").presents(chain))
}

#[test]
fn a_dead_crl_breaks_hard_clients_slows_soft_ones_and_leaves_the_unknown_undetermined() {
    for (profile, requirement, verdict, severity) in [
        ("curl-schannel", Requirement::Hard, Verdict::ClosedButBroken, Severity::Critical),
        ("windows-cryptoapi", Requirement::Soft, Verdict::Closed, Severity::High),
        ("dotnet", Requirement::Soft, Verdict::Closed, Severity::High),
        ("go", Requirement::Optional, Verdict::Closed, Severity::Info),
        ("openssl", Requirement::Optional, Verdict::Closed, Severity::Info),
        ("java", Requirement::Optional, Verdict::Closed, Severity::Info),
        ("none", Requirement::Optional, Verdict::Closed, Severity::Info),
        ("unknown", Requirement::Soft, Verdict::Undetermined, Severity::High),
    ] {
        let seen =
            with(profile, Pointers { ocsp: None, ..BOTH }).see(observed("crl.example", "203.0.113.2")).look();
        assert_eq!(seen.endpoint("crl.example:80/http").requirement, requirement, "{profile}");
        assert_eq!(seen.report.verdict, verdict, "{profile}");
        assert_eq!(seen.findings(FindingId::F33)[0].severity, severity, "{profile}");
    }
}

#[test]
fn a_ca_host_by_the_internet_is_a_leak_only_for_clients_that_go_there() {
    for (profile, verdict) in [
        ("curl-schannel", Verdict::NotClosed),
        ("windows-cryptoapi", Verdict::NotClosed),
        ("unknown", Verdict::NotClosed),
        ("go", Verdict::Closed),
        ("none", Verdict::Closed),
    ] {
        let seen = with(profile, Pointers { ocsp: None, ..BOTH })
            .see(observed("crl.example", "203.0.113.2").hops(["192.0.2.1"]).connected())
            .look();
        assert_eq!(seen.report.verdict, verdict, "{profile}");
        assert_eq!(seen.outside(), ["crl.example:80"], "{profile}: it is shown all the same");
    }
}

#[test]
fn a_served_ocsp_responder_makes_a_dead_crl_no_lack() {
    let seen = with("curl-schannel", BOTH).see(closed("ocsp.example", "203.0.113.3")).look();
    assert_eq!(seen.report.verdict, Verdict::Closed);
    let dead = with("curl-schannel", BOTH).look();
    assert_eq!(dead.report.verdict, Verdict::ClosedButBroken);
}

#[test]
fn an_ocsp_responder_that_redirects_in_circles_serves_nothing() {
    let seen = with("curl-schannel", BOTH)
        .see(closed("ocsp.example", "203.0.113.3"))
        .page("http://ocsp.example/", 302, Some("http://ocsp.example/again"))
        .page("http://ocsp.example/again", 302, Some("http://ocsp.example/"))
        .look();
    assert_eq!(seen.report.verdict, Verdict::ClosedButBroken);
    let blocked = with("curl-schannel", BOTH)
        .see(closed("ocsp.example", "203.0.113.3"))
        .page("http://ocsp.example/", 403, None)
        .look();
    assert_eq!(blocked.report.verdict, Verdict::ClosedButBroken);
}

#[test]
fn certificates_that_share_a_name_do_not_share_their_revocation() {
    let at = |url: &'static [&'static str]| issued("", "CA", Pointers { crl: url, ..Pointers::default() });
    let seen = world(&config("curl-schannel"))
        .see(
            closed("a.example", "203.0.113.1")
                .presents([at(&["http://dead.example/a"]), at(&["http://crl.example/a"])]),
        )
        .see(closed("crl.example", "203.0.113.2"))
        .look();
    assert_eq!(seen.report.verdict, Verdict::ClosedButBroken);
}

#[test]
fn a_missing_issuer_is_a_lack_for_clients_that_fetch_it_and_for_those_that_never_do() {
    let pointers = Pointers { ca_issuers: Some("http://aia.example/ca.cer"), ..Pointers::default() };
    for (profile, verdict) in [
        ("windows-cryptoapi", Verdict::ClosedButBroken),
        ("curl-schannel", Verdict::ClosedButBroken),
        ("openssl", Verdict::ClosedButBroken),
        ("go", Verdict::ClosedButBroken),
        ("java", Verdict::ClosedButBroken),
        ("none", Verdict::Closed),
        ("unknown", Verdict::Undetermined),
    ] {
        let chain = || [issued("a.example", "unknown CA", pointers)];
        let seen = |seen: Observed| world(&config(profile)).see(seen).look().report.verdict;
        assert_eq!(
            seen(closed("a.example", "203.0.113.1").presents_incomplete(chain())),
            verdict,
            "{profile}"
        );
        assert_eq!(seen(closed("a.example", "203.0.113.1").presents(chain())), Verdict::Closed, "{profile}");
    }
}

#[test]
fn a_certificate_whose_only_pointers_nobody_can_fetch_leaves_hard_clients_without_an_answer() {
    let ldap = Pointers { crl: &["ldap:///CN=CA"], ..Pointers::default() };
    assert_eq!(with("curl-schannel", ldap).look().report.verdict, Verdict::ClosedButBroken);
    assert_eq!(with("go", ldap).look().report.verdict, Verdict::Closed);
}

#[test]
fn where_a_page_redirects_to_is_needed_as_much_as_the_page() {
    let config = config("go").replace("probe = \"tls\"", "probe = \"https\"");
    let moved = || {
        world(&config).see(closed("a.example", "203.0.113.1")).page(
            "https://a.example/",
            302,
            Some("https://b.example/"),
        )
    };
    let dead = moved().see(observed("b.example", "203.0.113.2")).look();
    assert_eq!(dead.endpoint("b.example:443/https").requirement, Requirement::Hard);
    assert_eq!(dead.report.verdict, Verdict::ClosedButBroken);
    let leaking = moved().see(observed("b.example", "203.0.113.2").hops(["192.0.2.1"]).connected()).look();
    assert_eq!(leaking.report.verdict, Verdict::NotClosed);
    assert_eq!(moved().see(closed("b.example", "203.0.113.2")).look().report.verdict, Verdict::Closed);
}
