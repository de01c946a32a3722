//! The outside world of a certificate (DOMAIN §4.3 R4–R8, §4.4, §4.5): answers, missing issuers, and the findings about them.

use std::time::{Duration, SystemTime};

use closedpath_core::closure::{Ask, Past, Work};
use closedpath_core::findings::{FindingId, Severity};
use closedpath_core::pki::crl::{CrlAnswer, Listing};
use closedpath_core::pki::ocsp::{OcspAnswer, OcspError, OcspStatus, Signer};
use closedpath_core::pki::revocation::Said;
use closedpath_core::pki::{Reason, Reasons, TlsVerdict};
use closedpath_core::report::{RevocationStatus, TlsReport};
use closedpath_core::target::Requirement;
use closedpath_core::verdict::Verdict;

use crate::certificates::{Pointers, authority_of, intermediate, issued, root};
use crate::world::{Observed, Seen, World, now, observed, world};

const HOUR: Duration = Duration::from_secs(3600);

const CONFIG: &str = r#"
[[link]]
name = "ms"
edge = "er_microsoft"
hops = ["198.51.100.1"]
[[workload]]
name = "w"
policy = "closed"
client_profile = "curl-schannel"
[[target]]
workload = "w"
host = "a.example"
port = 443
probe = "tls"
"#;

const CRL: Pointers<'_> = Pointers { crl: &["http://crl.example/a.crl"], ocsp: None, ca_issuers: None };
const BOTH: Pointers<'_> = Pointers { ocsp: Some("http://ocsp.example/"), ..CRL };

fn closed(host: &str, ip: &str) -> Observed {
    observed(host, ip).hops(["198.51.100.1"]).connected()
}

fn target() -> Observed {
    closed("a.example", "203.0.113.1")
}

/// A target that presents this chain, and CA hosts that serve.
fn presenting<const N: usize>(chain: [Vec<u8>; N]) -> World {
    with_hosts(world(CONFIG).see(target().presents(chain)))
}

fn with_hosts(world: World) -> World {
    world
        .see(closed("crl.example", "203.0.113.2"))
        .see(closed("ocsp.example", "203.0.113.3"))
        .see(closed("aia.example", "203.0.113.4"))
}

fn tls(seen: &Seen) -> TlsReport {
    seen.endpoint("a.example:443/tls").addresses[0].tls.clone().expect("a handshake")
}

fn severities(seen: &Seen, id: FindingId) -> Vec<Severity> {
    seen.findings(id).iter().map(|finding| finding.severity).collect()
}

fn ocsp(status: OcspStatus) -> Said {
    Said::Ocsp(Ok(OcspAnswer {
        status,
        this_update: now(),
        next_update: Some(now() + Duration::from_secs(3_600)),
        produced_at: now(),
        signer: Signer::Issuer,
    }))
}

fn listed() -> Said {
    let listing = Listing::Revoked { at: now(), reason: Some(Reason::KeyCompromise) };
    let next_update = now() + Duration::from_secs(86_400);
    Said::Crl(Ok(CrlAnswer { listing, this_update: now(), next_update }))
}

#[test]
fn a_revoked_certificate_is_refused_by_clients_that_check_whoever_says_good() {
    let leaf = || [issued("a.example", "CA", BOTH)];
    let good = presenting(leaf()).look();
    assert_eq!(
        (tls(&good).revocation.status, good.report.verdict),
        (RevocationStatus::Good, Verdict::Closed)
    );
    let by_crl = presenting(leaf()).says("http://crl.example/a.crl", listed()).look();
    let revocation = tls(&by_crl).revocation;
    assert_eq!((revocation.status, revocation.source.as_deref()), (RevocationStatus::Revoked, Some("crl")));
    assert_eq!(revocation.certificates[0].reason.as_deref(), Some("key_compromise"));
    assert_eq!(by_crl.report.verdict, Verdict::ClosedButBroken);
    assert!(by_crl.workload().reasons[0].contains("is revoked"), "{:?}", by_crl.workload().reasons);
    let at = now();
    let by_ocsp = presenting(leaf())
        .says("http://ocsp.example/", ocsp(OcspStatus::Revoked { at, reason: None }))
        .look();
    assert_eq!(tls(&by_ocsp).revocation.status, RevocationStatus::Revoked);
}

#[test]
fn a_revoked_certificate_is_no_lack_for_clients_that_never_look() {
    let never = CONFIG.replace("curl-schannel", "go");
    let seen = with_hosts(world(&never).see(target().presents([issued("a.example", "CA", BOTH)])))
        .says("http://crl.example/a.crl", listed())
        .look();
    assert_eq!(tls(&seen).revocation.status, RevocationStatus::Revoked);
    assert_eq!(seen.report.verdict, Verdict::Closed, "{:?}", seen.workload().reasons);
}

#[test]
fn what_is_served_and_cannot_be_verified_is_no_answer() {
    let seen = presenting([issued("a.example", "CA", CRL)])
        .says("http://crl.example/a.crl", Said::Nothing("a web page came instead".into()))
        .look();
    let certificate = &tls(&seen).revocation.certificates[0];
    assert_eq!(certificate.status, RevocationStatus::Undetermined);
    assert_eq!(
        certificate.reason.as_deref(),
        Some("http://crl.example/a.crl: a web page came instead (after 0.0 s)")
    );
    assert_eq!(seen.report.verdict, Verdict::ClosedButBroken, "the profile insists on an answer");
    let unknown = presenting([issued("a.example", "CA", Pointers { crl: &[], ..BOTH })])
        .says("http://ocsp.example/", ocsp(OcspStatus::Unknown))
        .look();
    assert_eq!(unknown.report.verdict, Verdict::ClosedButBroken);
}

#[test]
fn a_responder_that_answers_with_an_error_is_asked_once_per_address() {
    let pointers = Pointers { crl: &[], ..BOTH };
    for status in [404, 500, 503] {
        let seen = presenting([issued("a.example", "CA", pointers)])
            .see(closed("ocsp.example", "203.0.113.33"))
            .page("http://ocsp.example/", status, None)
            .look();
        assert_eq!(seen.fetches().len(), 2, "{status}");
        assert_eq!(seen.report.verdict, Verdict::ClosedButBroken);
        let reason = tls(&seen).revocation.certificates[0].reason.clone().unwrap_or_default();
        assert!(reason.contains(&format!("HTTP {status}")), "{reason}");
    }
}

#[test]
fn nothing_is_asked_at_an_address_that_was_not_resolved_in_this_round() {
    // Two certificates need the URL one after the other; what the first brought was kept from another address.
    let aia = Pointers { ca_issuers: Some("http://aia.example/top.cer"), ..CRL };
    let top = intermediate("unknown top", "CA", CRL);
    let seen = presenting([issued("a.example", "unknown top", aia)])
        .body("http://aia.example/top.cer", top)
        .kept_from("http://crl.example/a.crl", "203.0.113.66")
        .look();
    let fetches = seen.fetches();
    assert!(fetches.iter().any(|fetch| fetch.starts_with("http://crl.example/a.crl")), "{fetches:?}");
    assert!(fetches.iter().all(|fetch| !fetch.ends_with(" 203.0.113.66")), "{fetches:?}");
}

#[test]
fn an_address_that_serves_a_web_page_leaves_the_answer_to_the_next() {
    let seen = presenting([issued("a.example", "CA", CRL)])
        .see(closed("crl.example", "203.0.113.33"))
        .says("http://crl.example/a.crl 203.0.113.2", Said::Nothing("a web page came instead".into()))
        .look();
    assert_eq!(seen.fetches().len(), 2);
    assert_eq!(tls(&seen).revocation.status, RevocationStatus::Good);
}

#[test]
fn a_delta_crl_says_more_than_the_complete_one_and_takes_nothing_away_when_it_is_not_to_be_had() {
    let with = |said: Said| {
        presenting([issued("a.example", "CA", CRL)])
            .has_delta("http://crl.example/a.crl", "http://delta.example/d.crl")
            .see(closed("delta.example", "203.0.113.6"))
            .says("http://delta.example/d.crl", said)
            .look()
    };
    let revoked = with(listed());
    assert_eq!(tls(&revoked).revocation.status, RevocationStatus::Revoked);
    assert_eq!(revoked.endpoint("delta.example:80/http").requirement, Requirement::Soft);
    let dead = with(Said::Nothing("nothing".into()));
    assert_eq!(tls(&dead).revocation.status, RevocationStatus::Good);
}

#[test]
fn an_answer_over_https_counts_only_when_its_host_is_settled_without_it() {
    let https = Pointers { crl: &["https://crl.example/a.crl"], ..Pointers::default() };
    let seen = |host: Pointers<'_>| {
        world(CONFIG)
            .see(target().presents([issued("a.example", "CA", https)]))
            .see(closed("crl.example", "203.0.113.2").presents([issued("crl.example", "CA", host)]))
            .see(closed("other.example", "203.0.113.5"))
            .look()
    };
    let unseen = world(CONFIG)
        .see(target().presents([issued("a.example", "CA", https)]))
        .see(closed("crl.example", "203.0.113.2"))
        .look();
    assert_eq!(
        tls(&unseen).revocation.status,
        RevocationStatus::Undetermined,
        "whose host that was, nobody saw"
    );
    let circle = seen(https);
    assert_eq!(tls(&circle).revocation.status, RevocationStatus::Undetermined);
    let settled = seen(Pointers { crl: &["http://other.example/b.crl"], ..Pointers::default() });
    assert_eq!(tls(&settled).revocation.status, RevocationStatus::Good);
}

#[test]
fn a_delegated_responder_counts_when_its_own_certificate_is_not_in_doubt() {
    let delegate = |pointers| issued("responder", "CA", pointers);
    let seen = |certificate: Vec<u8>| {
        let sha256 = closedpath_core::pki::fingerprint(&certificate);
        let signer =
            Signer::Delegated { subject: "CN=responder".into(), sha256, nocheck: false, certificate };
        let Said::Ocsp(Ok(answer)) = ocsp(OcspStatus::Good) else { unreachable!("it is one") };
        let pointers = Pointers { crl: &[], ..BOTH };
        presenting([issued("a.example", "CA", pointers)])
            .says("http://ocsp.example/", Said::Ocsp(Ok(OcspAnswer { signer, ..answer })))
            .says("http://crl.example/a.crl", listed())
            .look()
    };
    let without = seen(delegate(Pointers::default()));
    assert_eq!(tls(&without).revocation.status, RevocationStatus::Good);
    let revoked = seen(delegate(CRL));
    assert_eq!(tls(&revoked).revocation.status, RevocationStatus::Undetermined);
    assert!(revoked.ids().contains(&"crl.example:80/http"), "R8 brings the responder's own CRL");
}

#[test]
fn a_url_is_asked_about_all_certificates_at_once_and_a_responder_about_each() {
    let leaf = issued("a.example", "CA", BOTH);
    let other = issued("a.example", "CA", BOTH);
    let seen = with_hosts(
        world(CONFIG)
            .see(target().presents([leaf, authority_of("CA")]))
            .see(closed("a.example", "203.0.113.9").presents([other, authority_of("CA")])),
    )
    .look();
    let mut crls = 0;
    let mut requests = std::collections::BTreeSet::new();
    for work in &seen.work {
        match work {
            Work::Fetch { ask: Ask::Crl { questions, .. }, .. } => crls += questions.len(),
            Work::Fetch { ask: Ask::Ocsp { question, .. }, .. } => {
                requests.insert(question.about.clone());
            }
            Work::Fetch { .. } | Work::Resolve { .. } | Work::Probe { .. } => {}
        }
    }
    assert_eq!((crls, requests.len()), (2, 2));
    let ocsp =
        seen.report.ca_urls.iter().find(|url| url.url == "http://ocsp.example/").expect("the responder");
    assert_eq!((ocsp.certificates, ocsp.served), (2, true));
}

/// A leaf whose issuer is not presented; `aia.example` serves the issuer, which `top` issued.
fn incomplete(top: &str) -> World {
    let aia = Pointers { ca_issuers: Some("http://aia.example/ca.cer"), ..Pointers::default() };
    let further = Pointers { ca_issuers: Some("http://aia.example/top.cer"), ..CRL };
    let middle = intermediate(&format!("unknown middle under {top}"), top, further);
    let leaf = issued("a.example", &format!("unknown middle under {top}"), aia);
    with_hosts(world(CONFIG).see(target().presents_incomplete([leaf])))
        .body("http://aia.example/ca.cer", middle)
}

#[test]
fn f37_a_missing_issuer_is_brought_by_aia_and_stays_visible() {
    let seen = incomplete("CA").look();
    let tls = tls(&seen);
    assert_eq!((tls.verdict, tls.completed_by_aia), (Some(TlsVerdict::IncompleteChain), true));
    let statuses: Vec<_> = tls.revocation.certificates.iter().map(|it| it.status).collect();
    assert_eq!(
        statuses,
        [RevocationStatus::NotChecked, RevocationStatus::Good],
        "what was brought is asked about"
    );
    let further = incomplete("CA").body("http://aia.example/top.cer", authority_of("CA")).look();
    let all = |seen: &Seen| self::tls(seen).revocation.certificates.len();
    assert_eq!(
        (all(&seen), all(&further)),
        (2, 2),
        "a trust anchor that is brought as well completes nothing"
    );
    assert_eq!(severities(&seen, FindingId::F37), [Severity::High]);
    assert!(seen.findings(FindingId::F37)[0].detail.contains("brings it"));
    assert_eq!(seen.report.verdict, Verdict::Closed);
}

#[test]
fn what_another_host_presents_completes_no_chain() {
    let middle = intermediate("unknown lent", "CA", Pointers::default());
    let config =
        format!("{CONFIG}[[target]]\nworkload = \"w\"\nhost = \"b.example\"\nport = 443\nprobe = \"tls\"\n");
    let seen = world(&config)
        .see(target().presents_incomplete([issued("a.example", "unknown lent", Pointers::default())]))
        .see(closed("b.example", "203.0.113.7").presents([issued("b.example", "unknown lent", CRL), middle]))
        .look();
    assert!(!tls(&seen).completed_by_aia);
}

#[test]
fn a_wrong_certificate_or_a_loop_completes_nothing() {
    let wrong = incomplete("CA").body("http://aia.example/ca.cer", root("another CA")).look();
    assert!(!tls(&wrong).completed_by_aia);
    assert_eq!(wrong.report.verdict, Verdict::ClosedButBroken, "the missing issuer is not to be had");
    let html = incomplete("CA").body("http://aia.example/ca.cer", b"<html>sign in".to_vec()).look();
    let problem = html
        .report
        .ca_urls
        .iter()
        .find(|url| url.url.ends_with("ca.cer"))
        .and_then(|url| url.problem.clone());
    assert!(problem.expect("a problem").contains("web page"), "F33 says so too");
    let untrusted = incomplete("unknown top").look();
    assert!(!tls(&untrusted).completed_by_aia, "what is brought leads to no trust anchor");
    assert_eq!(untrusted.findings(FindingId::F37).len(), 1);
    let looped = incomplete("unknown top").body("http://aia.example/top.cer", b"\x30\x00".to_vec()).look();
    assert!(looped.work.len() < 50);
}

#[test]
fn a_cross_signed_issuer_is_followed_to_both_parents() {
    let aia = Pointers { ca_issuers: Some("http://aia.example/ca.pem"), ..Pointers::default() };
    let under = |top, url: &'static [&'static str]| {
        intermediate("unknown cross", top, Pointers { crl: url, ..Pointers::default() })
    };
    let both = [
        under("CA", &["http://crl.example/one.crl"]),
        under("unknown old CA", &["http://old.example/two.crl"]),
    ];
    let pem = both.iter().map(|der| pem(der)).collect::<String>().into_bytes();
    let leaf = issued("a.example", "unknown cross", aia);
    let seen = with_hosts(world(CONFIG).see(target().presents_incomplete([leaf])))
        .body("http://aia.example/ca.pem", pem)
        .look();
    assert!(tls(&seen).completed_by_aia);
    assert!(seen.ids().contains(&"crl.example:80/http") && seen.ids().contains(&"old.example:80/http"));
}

fn pem(der: &[u8]) -> String {
    use base64::Engine;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).expect("ASCII")).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

#[test]
fn a_ca_host_that_is_a_target_too_is_judged_as_both() {
    let also = "[[target]]\nworkload = \"w\"\nhost = \"crl.example\"\nport = 80\nprobe = \"http\"\n";
    let isp = "[[link]]\nname = \"isp\"\nedge = \"internet\"\nhops = [\"198.51.100.9\"]\n";
    let look = |config: &str| {
        world(config)
            .see(target().presents([issued("a.example", "CA", CRL)]))
            .see(observed("crl.example", "203.0.113.2").hops(["198.51.100.9"]).connected())
            .look()
    };
    let both = look(&format!("{CONFIG}{also}{isp}"));
    assert_eq!(severities(&both, FindingId::F34), [Severity::Medium]);
    assert_eq!(severities(&both, FindingId::F01), [Severity::Critical]);
    let ca_alone = look(&format!("{CONFIG}{isp}"));
    assert_eq!(
        (severities(&ca_alone, FindingId::F34), severities(&ca_alone, FindingId::F01)),
        (vec![Severity::Medium], vec![])
    );
}

#[test]
fn f35_a_ca_host_that_no_list_of_microsoft_names() {
    let documented = Pointers { crl: &["http://crl3.digicert.com/a.crl"], ..Pointers::default() };
    let seen = presenting([issued("a.example", "CA", documented)]).look();
    assert_eq!(severities(&seen, FindingId::F35), []);
    let undocumented = Pointers { crl: &["http://crl2.microsoft.com/a.crl"], ..Pointers::default() };
    let seen = presenting([issued("a.example", "CA", undocumented)]).look();
    assert_eq!(
        severities(&seen, FindingId::F35),
        [Severity::Low],
        "in real certificates, in no list (DOMAIN §4.4.3)"
    );
}

#[test]
fn f38_a_staple_that_does_not_count_and_one_that_is_missed() {
    let leaf = || issued("a.example", "CA", BOTH);
    let plain = presenting([leaf()]).look();
    assert_eq!(severities(&plain, FindingId::F38), [], "no staple is normal");
    let garbage = with_hosts(world(CONFIG).see(target().presents([leaf()]).staples(b"garbage"))).look();
    assert_eq!(severities(&garbage, FindingId::F38), [Severity::Low]);
    assert_eq!(tls(&garbage).stapled.status, Some(RevocationStatus::Undetermined));
    let silent = world(CONFIG).see(target().presents([leaf()])).look();
    assert_eq!(severities(&silent, FindingId::F38), [Severity::Low], "nobody else answers");
    let stale = presenting([issued("a.example", "CA", Pointers { crl: &[], ..BOTH })])
        .says("http://ocsp.example/", Said::Ocsp(Err(OcspError::Stale)))
        .look();
    assert_eq!(tls(&stale).revocation.status, RevocationStatus::Undetermined);
}

#[test]
fn f39_says_when_the_first_answer_expires() {
    let seen = presenting([issued("a.example", "CA", CRL)]).look();
    let expected = now() + Duration::from_secs(86_400);
    assert_eq!(seen.workload().breaks_at, Some(expected));
    let finding = seen.findings(FindingId::F39)[0];
    assert_eq!((finding.subject.as_str(), finding.severity), ("workload:w", Severity::Info));
    assert!(finding.detail.contains("2027-01-16T08:00:00Z"), "{}", finding.detail);
    assert_eq!(seen.report.valid_until, Some(expected));
    let reasons = Reasons::NONE;
    let part = Said::Crl(Ok(CrlAnswer {
        listing: Listing::NotListed(reasons),
        this_update: now(),
        next_update: expected,
    }));
    let nobody = presenting([issued("a.example", "CA", CRL)]).says("http://crl.example/a.crl", part).look();
    assert_eq!(nobody.workload().breaks_at, None);
}

#[test]
fn f36_a_chain_that_changes_says_what_is_new() {
    let middle = |name: &str, url: &'static [&'static str]| {
        intermediate(name, "CA", Pointers { crl: url, ..Pointers::default() })
    };
    let day = Duration::from_secs(86_400);
    let before = presenting([issued("a.example", "old middle", CRL), middle("old middle", CRL.crl)]);
    let mut past = Past::default();
    assert!(past.remember(&before.picture().0, HOUR, now() - 2 * day));
    assert!(!past.remember(&before.picture().0, HOUR, now() - 2 * day), "nothing new to be written down");
    let round = |world: World, at: SystemTime| {
        let mut world = world;
        world.past = past.clone();
        world.past.remember(&world.picture().0, HOUR, at);
        world.look()
    };
    let renewed = presenting([issued("a.example", "old middle", CRL), middle("old middle", CRL.crl)]);
    let other_key = |seen: &Seen| severities(seen, FindingId::F36);
    assert_eq!(
        other_key(&round(renewed, now())),
        [Severity::Info],
        "the intermediate is another certificate"
    );
    let moved = || {
        let crl: &[&str] = &["http://new.example/a.crl"];
        presenting([issued("a.example", "new middle", CRL), middle("new middle", crl)])
    };
    let seen = round(moved(), now());
    assert_eq!(severities(&seen, FindingId::F36), [Severity::High]);
    let detail = &seen.findings(FindingId::F36)[0].detail;
    assert!(detail.contains("point to new.example") && detail.contains("CN=new middle"), "{detail}");
    assert_eq!(severities(&round(moved(), now() - day), FindingId::F36), [], "known for a day");
    assert_eq!(severities(&before.look(), FindingId::F36), [], "nothing is known of before");
}

#[test]
fn f39_holds_on_to_the_answers_of_earlier_rounds_while_nobody_answers() {
    let leaf = issued("a.example", "CA", CRL);
    let before = presenting([leaf.clone()]);
    let mut dead = world(CONFIG).see(target().presents([leaf]));
    dead.past.remember(&before.picture().0, HOUR, now());
    let seen = dead.look();
    assert_eq!(tls(&seen).revocation.status, RevocationStatus::Undetermined, "nobody says so now");
    assert_eq!(seen.workload().breaks_at, Some(now() + Duration::from_secs(86_400)));
    assert_eq!(seen.report.verdict, Verdict::ClosedButBroken, "a client without the answer fails");
    dead.past = Past::default();
    assert_eq!(dead.look().workload().breaks_at, None);
}
