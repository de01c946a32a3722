//! What certificates and redirects behind a forward proxy lead to (R3–R7, R9): clients fetch it by the proxy too, and the guard
//! holds there as well (DESIGN §5).

use closedpath_core::findings::FindingId;
use closedpath_core::verdict::Verdict;

use crate::certificates::{Pointers, authority_of, issued};
use crate::world::{World, observed, world};

const PROXY: &str = "192.168.7.1";
const CRL: Pointers<'_> = Pointers {
    crl: &["http://crl.example/a.crl"],
    ocsp: None,
    ca_issuers: Some("http://aia.example/ca.crt"),
};

/// One workload behind a proxy on the site whose exit is the Internet; its clients insist on revocation.
fn config(workload: &str) -> String {
    format!(
        r#"
[topology]
onprem = ["192.168.0.0/16"]
[[link]]
name = "isp"
edge = "internet"
hops = ["192.0.2.1"]
[[proxy]]
name = "squid"
url = "http://{PROXY}:3128"
exit = "internet"
[[workload]]
name = "w"
policy = "closed-except"
allow = ["a.example"]
client_profile = "curl-schannel"
proxy = "squid"
{workload}
[[target]]
workload = "w"
host = "a.example"
port = 443
probe = "tls"
"#
    )
}

/// The target answers behind the proxy with a certificate that points so; nothing of it answers directly.
fn behind(pointers: Pointers<'_>) -> World {
    world(&config(""))
        .see(observed(PROXY, PROXY).connected())
        .see(observed("a.example", "203.0.113.5"))
        .unlisted(observed("a.example", PROXY).connected().presents([issued("a.example", "CA", pointers)]))
}

#[test]
fn what_a_certificate_behind_a_proxy_points_to_is_asked_for_by_that_proxy() {
    let seen = behind(CRL)
        .see(observed("crl.example", "203.0.113.6"))
        .see(observed("aia.example", "203.0.113.7"))
        .body("http://aia.example/ca.crt", authority_of("CA"))
        .look();
    let ids = "192.168.7.1:3128/tcp a.example:443/tls via squid aia.example:80/http via squid crl.example:80/http via squid";
    assert_eq!(seen.ids().join(" "), ids);
    // One from the issuing certificate is not needed where the issuer is an anchor, and asked for all the same.
    assert_eq!(
        seen.fetches(),
        ["http://crl.example/a.crl 192.168.7.1", "http://aia.example/ca.crt 192.168.7.1"]
    );
    assert_eq!(seen.findings(FindingId::F33), Vec::<&closedpath_core::findings::Finding>::new());
    // The CA hosts leave by the proxy, and only the target is excepted.
    assert_eq!(seen.report.verdict, Verdict::NotClosed);
    let crl = seen.endpoint("crl.example:80/http via squid");
    assert!(crl.bypass.as_ref().is_some_and(|bypass| !bypass.reachable), "the direct attempt is made, too");
}

#[test]
fn a_ca_host_that_the_proxy_does_not_reach_is_a_lack_though_it_is_reached_directly() {
    let seen = behind(Pointers { ca_issuers: None, ..CRL })
        .see(observed("crl.example", "203.0.113.6").hops(["192.0.2.1"]).connected())
        .unlisted(observed("crl.example", PROXY))
        .look();
    let reasons = seen.workload().reasons.join("; ");
    assert!(reasons.contains("revocation of \"CN=a.example\" is needed and cannot be had"), "{reasons}");
    assert!(reasons.contains("crl.example:80/http via squid also connects directly"), "{reasons}");
    assert_eq!(seen.findings(FindingId::F24)[0].subject, "crl.example:80/http via squid");
}

#[test]
fn what_a_proxy_brings_settles_nothing_for_clients_that_ask_directly() {
    let chain = || [issued("a.example", "CA", Pointers { ca_issuers: None, ..CRL })];
    let direct = "[[workload]]\nname = \"direct\"\npolicy = \"closed-except\"\nallow = [\"a.example\", \"crl.example\"]\nclient_profile = \"curl-schannel\"\n\
                  [[target]]\nworkload = \"direct\"\nhost = \"a.example\"\nport = 443\nprobe = \"tls\"\n";
    let certificate = chain();
    let seen = world(&(config("") + direct))
        .see(observed(PROXY, PROXY).connected())
        .see(
            observed("a.example", "203.0.113.5")
                .hops(["192.0.2.1"])
                .connected()
                .presents(certificate.clone()),
        )
        .unlisted(observed("a.example", PROXY).connected().presents(certificate))
        .see(observed("crl.example", "203.0.113.6"))
        .look();
    let verdict = |name: &str| {
        let workload = seen.report.workloads.iter().find(|workload| workload.name == name).expect("declared");
        (workload.verdict, workload.reasons.join("; "))
    };
    let urls: Vec<(&str, bool)> =
        seen.report.ca_urls.iter().map(|url| (url.endpoint.as_str(), url.served)).collect();
    assert_eq!(urls, [("crl.example:80/http", false), ("crl.example:80/http via squid", true)]);
    assert_eq!(verdict("direct").0, Verdict::ClosedButBroken, "{}", verdict("direct").1);
    assert!(!verdict("w").1.contains("cannot be had"), "{}", verdict("w").1);
}

#[test]
fn a_proxy_is_asked_for_nothing_that_must_not_be_reached() {
    for (host, ip, why) in [
        ("crl.example", Some("10.1.2.3"), "10.1.2.3 is a private address"),
        ("crl.example", Some("169.254.169.254"), "is a cloud platform's own address"),
        ("169.254.169.254", None, "is a cloud platform's own address"),
        ("localhost.example", Some("127.0.0.1"), "is a loopback"),
        ("crl.example", None, "crl.example does not resolve here"),
    ] {
        let url = format!("http://{host}/a.crl");
        let mut world = behind(Pointers { crl: &[&url], ocsp: None, ca_issuers: None });
        if let Some(ip) = ip {
            world = world.see(observed(host, ip).connected());
        }
        let seen = world.look();
        assert_eq!(seen.fetches(), Vec::<String>::new(), "{url}");
        let refused = &seen.endpoint(&format!("{host}:80/http via squid")).addresses[0];
        let text = &refused.failure.as_ref().expect("it was refused").text;
        assert!(text.contains(why), "{url}: {text}");
        assert_ne!(seen.report.verdict, Verdict::ClosedExcept, "{url}");
    }
}

#[test]
fn a_documented_ca_host_is_asked_for_by_the_proxy_though_the_site_does_not_resolve_it() {
    for (host, allowed, asked) in [
        ("crl3.digicert.com", "", true),
        ("crl.example", "", false),
        ("crl.example", "[fetch]\nallow_private = [\"crl.example\"]\n", true),
    ] {
        let url = format!("http://{host}/a.crl");
        let pointers = Pointers { crl: &[&url], ocsp: None, ca_issuers: None };
        let world = world(&(config("") + allowed)).see(observed(PROXY, PROXY).connected()).unlisted(
            observed("a.example", PROXY).connected().presents([issued("a.example", "CA", pointers)]),
        );
        let seen = world.look();
        let expected = if asked { vec![format!("{url} {PROXY}")] } else { Vec::new() };
        assert_eq!(seen.fetches(), expected, "{host} {allowed}");
    }
}

#[test]
fn a_page_behind_a_proxy_leads_by_the_proxy_to_where_it_redirects() {
    let text = config("").replace("probe = \"tls\"", "probe = \"http\"").replace("port = 443", "port = 80");
    let seen = world(&text)
        .see(observed(PROXY, PROXY).connected())
        .see(observed("a.example", "203.0.113.5"))
        .see(observed("b.example", "203.0.113.6"))
        .page("http://a.example/", 302, Some("https://b.example/start"))
        .look();
    let ids = "192.168.7.1:3128/tcp a.example:80/http via squid b.example:443/https via squid";
    assert_eq!(seen.ids().join(" "), ids);
}
