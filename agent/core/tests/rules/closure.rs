//! The closure (DOMAIN §4.3, DESIGN §5): what certificates and redirects bring in, its bounds, and its guard.

use closedpath_core::closure::Work;
use closedpath_core::failure::Code;
use closedpath_core::findings::FindingId;
use closedpath_core::observation::DnsStatus;
use closedpath_core::target::{Origin, Requirement};
use closedpath_core::verdict::Verdict;

use crate::certificates::{Pointers, extended, issued, root};
use crate::world::{Observed, World, observed, world};

const CONFIG: &str = r#"
[topology]
onprem = ["192.168.0.0/16"]
[[link]]
name = "ms"
edge = "er_microsoft"
hops = ["198.51.100.1"]
[[workload]]
name = "w"
policy = "closed"
client_profile = "windows-cryptoapi"
[[target]]
workload = "w"
host = "a.example"
port = 443
probe = "tls"
"#;

fn closed(host: &str, ip: &str) -> Observed {
    observed(host, ip).hops(["198.51.100.1"]).connected()
}

/// A target that presents one certificate with these pointers.
fn presenting(pointers: Pointers<'_>) -> World {
    world(CONFIG).see(closed("a.example", "203.0.113.1").presents([issued("a.example", "CA", pointers)]))
}

fn crl<'a>(urls: &'a [&'a str]) -> Pointers<'a> {
    Pointers { crl: urls, ..Pointers::default() }
}

#[test]
fn crl_ocsp_and_aia_hosts_become_members_required_by_who_presents_them() {
    let pointers = Pointers {
        crl: &["http://crl.example/a.crl"],
        ocsp: Some("http://ocsp.example/"),
        ca_issuers: Some("http://aia.example/ca.cer"),
    };
    let seen = presenting(pointers).look();
    for (id, origin) in [
        ("crl.example:80/http", Origin::Crl),
        ("ocsp.example:80/http", Origin::Ocsp),
        ("aia.example:80/http", Origin::Aia),
    ] {
        let member = seen.endpoint(id);
        assert_eq!(
            (member.origins.as_slice(), member.required_by.as_slice()),
            ([origin].as_slice(), ["a.example:443/tls".to_string()].as_slice())
        );
    }
    assert_eq!(seen.endpoint("crl.example:80/http").requirement, Requirement::Soft);
    assert_eq!(
        seen.endpoint("aia.example:80/http").requirement,
        Requirement::Optional,
        "the chain is complete"
    );
}

#[test]
fn the_pointers_of_a_certificate_that_signed_itself_are_not_followed() {
    let seen = world(CONFIG).see(closed("a.example", "203.0.113.1").presents([root("a.example")])).look();
    assert_eq!(seen.ids(), ["a.example:443/tls"]);
}

#[test]
fn an_https_crl_host_brings_its_own_certificate() {
    let chain = [issued("crl", "CA", crl(&["http://second.example/b.crl"]))];
    let seen = presenting(crl(&["https://crl.example/a.crl"]))
        .see(closed("crl.example", "203.0.113.2").presents(chain))
        .look();
    // The CRL host is fetched over https; TLS is part of that probe.
    assert!(seen.ids().contains(&"crl.example:443/https"));
    assert_eq!(seen.endpoint("second.example:80/http").required_by, ["crl.example:443/https"]);
}

#[test]
fn the_target_of_a_redirect_is_a_member() {
    let seen = presenting(crl(&["http://crl.example/a.crl"]))
        .see(closed("crl.example", "203.0.113.2"))
        .see(closed("cdn.example", "203.0.113.3"))
        .page("http://crl.example/a.crl", 302, Some("http://cdn.example/b.crl"))
        .look();
    let member = seen.endpoint("cdn.example:80/http");
    assert_eq!(
        (member.origins.as_slice(), member.required_by[0].as_str()),
        ([Origin::Redirect].as_slice(), "crl.example:80/http")
    );
    assert_eq!(member.requirement, Requirement::Soft);
    assert!(seen.findings(FindingId::F33).is_empty(), "it is served in the end");
}

#[test]
fn a_redirect_loop_ends_and_serves_nothing() {
    let seen = presenting(crl(&["http://crl.example/a"]))
        .see(closed("crl.example", "203.0.113.2"))
        .page("http://crl.example/a", 302, Some("/b"))
        .page("http://crl.example/b", 302, Some("/a"))
        .look();
    assert_eq!(seen.fetches().len(), 2);
    assert_eq!(seen.findings(FindingId::F33).len(), 1);
}

#[test]
fn more_than_five_redirects_cut_the_closure_short() {
    let hops = |last: usize| {
        let mut world = presenting(crl(&["http://crl.example/0"])).see(closed("crl.example", "203.0.113.2"));
        for at in 0..last {
            let next = format!("/{}", at + 1);
            world = world.page(&format!("http://crl.example/{at}"), 301, Some(&next));
        }
        world.look()
    };
    let five = hops(5);
    assert!(five.findings(FindingId::F40).is_empty());
    assert_eq!(five.report.verdict, Verdict::Closed);
    let six = hops(6);
    assert_eq!(six.findings(FindingId::F40).len(), 1);
    assert_eq!((six.report.verdict, six.fetches().len()), (Verdict::Undetermined, 6));
}

#[test]
fn more_than_64_urls_of_one_host_cut_the_closure_short() {
    let urls: Vec<String> = (0..64).map(|n| format!("http://crl.example/{n}.crl")).collect();
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
    let with = |more: &[&str]| {
        let chain = [issued("a.example", "CA", crl(&urls)), issued("b", "CA", crl(more))];
        let target = closed("a.example", "203.0.113.1").presents(chain);
        world(CONFIG).see(target).see(closed("crl.example", "203.0.113.2")).look()
    };
    assert!(with(&[]).findings(FindingId::F40).is_empty());
    let seen = with(&["http://crl.example/64.crl"]);
    assert_eq!(seen.findings(FindingId::F40).len(), 1);
    assert_eq!((seen.report.verdict, seen.fetches().len()), (Verdict::Undetermined, 64));
}

#[test]
fn a_url_from_the_network_never_leads_to_a_private_or_metadata_address() {
    for ip in ["169.254.169.254", "10.0.0.1", "192.168.1.1", "127.0.0.1", "::1", "fd00::1", "::ffff:10.0.0.1"]
    {
        let by_name = presenting(crl(&["http://crl.example/a"])).see(closed("crl.example", ip));
        let host = if ip.contains(':') { format!("[{ip}]") } else { ip.to_string() };
        let literal = format!("http://{host}/a");
        let by_literal = presenting(crl(&[&literal])).see(closed(ip, ip));
        let moved = presenting(crl(&["http://ok.example/a"]))
            .see(closed("ok.example", "203.0.113.2"))
            .see(closed(ip, ip))
            .page("http://ok.example/a", 302, Some(&literal));
        for (how, world) in [("name", by_name), ("literal", by_literal), ("redirect", moved)] {
            let seen = world.look();
            let forbidden: std::net::IpAddr = ip.parse().expect("literal");
            let reached = seen.work.iter().any(|work| match work {
                Work::Probe { ip, .. } | Work::Fetch { ip, .. } => {
                    ip.to_canonical() == forbidden.to_canonical()
                }
                Work::Resolve { .. } => false,
            });
            assert!(!reached, "{ip} by {how}");
            let refused = seen.report.endpoints.iter().flat_map(|endpoint| &endpoint.addresses);
            let codes: Vec<Code> = refused.filter_map(|it| it.failure.as_ref()).map(|it| it.code).collect();
            assert_eq!(codes, [Code::ForbiddenAddress], "{ip} by {how}");
        }
    }
}

#[test]
fn what_the_guard_refused_to_look_at_is_not_called_closed() {
    let seen = presenting(crl(&["http://crl.example/a"])).see(closed("crl.example", "10.9.0.1")).look();
    assert_eq!(seen.report.verdict, Verdict::Undetermined);
    assert!(seen.workload().reasons[0].contains("fetch.allow_private"), "{:?}", seen.workload().reasons);
    let sunk = presenting(crl(&["http://crl.example/a"])).see(closed("crl.example", "0.0.0.0")).look();
    assert_eq!(sunk.report.verdict, Verdict::Closed, "a sinkhole carries nothing away");
}

#[test]
fn the_operator_may_allow_a_private_crl_host() {
    let config = format!("{CONFIG}[fetch]\nallow_private = [\"crl.example\"]\n");
    let chain = [issued("a.example", "CA", crl(&["http://crl.example/a"]))];
    let seen = world(&config)
        .see(closed("a.example", "203.0.113.1").presents(chain))
        .see(observed("crl.example", "192.168.7.7").connected())
        .look();
    assert_eq!(seen.fetches(), ["http://crl.example/a 192.168.7.7"]);
    assert_eq!(seen.report.verdict, Verdict::Closed);
}

#[test]
fn a_url_is_fetched_once_and_from_the_next_address_only_when_that_fails() {
    let two = || {
        presenting(crl(&["http://crl.example/a"]))
            .see(closed("crl.example", "203.0.113.2"))
            .see(closed("crl.example", "203.0.113.3"))
    };
    assert_eq!(two().look().fetches(), ["http://crl.example/a 203.0.113.2"]);
    let failing = two().page("http://crl.example/a 203.0.113.2", 0, None).look();
    assert_eq!(failing.fetches(), ["http://crl.example/a 203.0.113.2", "http://crl.example/a 203.0.113.3"]);
    assert!(failing.findings(FindingId::F33).is_empty());
}

#[test]
fn a_cname_loop_ends_without_an_address_and_is_a_lack() {
    let seen = world(CONFIG).unresolved("a.example", DnsStatus::Loop).look();
    assert_eq!(seen.endpoint("a.example:443/tls").dns.status, DnsStatus::Loop);
    assert_eq!(seen.findings(FindingId::F16).len(), 1);
    assert_eq!(seen.report.verdict, Verdict::ClosedButBroken);
}

#[test]
fn a_certificate_that_cannot_be_read_leaves_the_closure_open() {
    let seen =
        world(CONFIG).see(closed("a.example", "203.0.113.1").presents([vec![0x30, 0x03, 1, 2, 3]])).look();
    assert_eq!(seen.report.verdict, Verdict::Undetermined);
    assert_eq!(seen.findings(FindingId::F40).len(), 1);
}

#[test]
fn pointers_that_are_there_but_cannot_be_read_leave_the_closure_open() {
    let with = |value: &[u8]| {
        // authorityInfoAccess
        let leaf = extended("a.example", "CA", &[1, 3, 6, 1, 5, 5, 7, 1, 1], value);
        world(CONFIG).see(closed("a.example", "203.0.113.1").presents([leaf])).look()
    };
    let seen = with(&[0x30, 0x05, 1]);
    assert_eq!(seen.report.verdict, Verdict::Undetermined);
    let findings = seen.findings(FindingId::F40);
    assert_eq!(findings.len(), 1);
    let text = "a.example:443/tls presents a certificate whose authorityInfoAccess cannot be read";
    assert!(findings[0].detail.contains(text), "{}", findings[0].detail);
    // One description with an unknown method (1.3): read, and leading nowhere.
    let seen = with(&[0x30, 0x0a, 0x30, 0x08, 6, 1, 0x2b, 0x86, 3, b'a', b':', b'b']);
    assert_eq!(seen.report.verdict, Verdict::Closed);
}

#[test]
fn pointers_that_no_client_can_fetch_are_named() {
    let seen = presenting(crl(&["ldap:///CN=CA", "http://a b/"])).look();
    let named = |url: &str| seen.report.not_tested.iter().any(|words| words.contains(url));
    assert!(named("ldap:///CN=CA") && named("http://a b/"), "{:?}", seen.report.not_tested);
}
