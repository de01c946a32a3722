//! Forward proxies (R9, A1): what the closure asks of them, and what it shows of what lies behind.

use closedpath_core::attribution::PathClass;
use closedpath_core::target::{EndpointKey, Origin, Probe};
use closedpath_core::verdict::Verdict;

use crate::certificates::{Pointers, issued};
use crate::world::{observed, world};

/// A workload with one target behind a proxy with this URL.
fn behind(url: &str) -> String {
    format!(
        "[[proxy]]\nname = \"squid\"\nurl = \"{url}\"\nexit = \"internet\"\n[[workload]]\nname = \"w\"\npolicy = \"closed\"\n\
         proxy = \"squid\"\n[[target]]\nhost = \"a.example\"\nport = 443\nprobe = \"tls\"\n"
    )
}

#[test]
fn the_chain_of_a_tls_proxy_belongs_to_the_closure_and_a_plain_one_has_none() {
    let pointers = Pointers { crl: &["http://crl.example/p.crl"], ..Pointers::default() };
    let of = |url| {
        let proxy = observed("proxy.example", "192.168.7.1").connected();
        let own = issued("proxy.example", "CA", pointers);
        world(&behind(url)).see(proxy.presents([own])).look().ids().join(" ")
    };
    assert_eq!(
        of("https://proxy.example:3129"),
        "a.example:443/tls via squid crl.example:80/http crl.example:80/http via squid proxy.example:3129/tls"
    );
    assert!(of("http://proxy.example:3128").ends_with(" proxy.example:3128/tcp"));
}

#[test]
fn behind_a_proxy_dns_is_what_our_resolvers_say_of_the_name_and_the_addresses_are_the_proxys() {
    let seen = world(&behind("http://proxy.example:3128"))
        .see(observed("proxy.example", "192.168.7.1").connected())
        .see(observed("a.example", "203.0.113.5"))
        .look();
    let target = seen.endpoint("a.example:443/tls via squid");
    let answers: Vec<String> = target.dns.answers.iter().map(|answer| answer.ip.to_string()).collect();
    let addresses: Vec<String> = target.addresses.iter().map(|address| address.ip.to_string()).collect();
    assert_eq!((answers, addresses), (vec!["203.0.113.5".to_string()], vec!["192.168.7.1".to_string()]));
    assert!(
        seen.report
            .not_tested
            .iter()
            .any(|words| words.starts_with("the proxy squid resolves names by itself"))
    );
    let direct = world(&behind("http://proxy.example:3128").replace("proxy = \"squid\"\n", ""));
    assert!(!direct.look().report.not_tested.iter().any(|words| words.contains("resolves names by itself")));
}

/// A workload whose script says `answers` for its targets, in order.
fn by_script(answers: &[(&str, Result<&str, &str>)], policy: &str) -> crate::world::Seen {
    let mut text = format!(
        "[[proxy]]\nname = \"squid\"\nurl = \"http://192.168.7.1:3128\"\nexit = \"internet\"\n[[workload]]\nname = \"w\"\n\
         policy = \"{policy}\"\nallow = [\"x.example\"]\npac = \"proxy.pac\"\n"
    );
    for (host, _) in answers {
        text += &format!("[[target]]\nhost = \"{host}\"\nport = 443\nprobe = \"tls\"\n");
    }
    let mut world = world(&text).see(observed("192.168.7.1", "192.168.7.1").connected());
    for ((host, answer), number) in answers.iter().zip(1..) {
        world = world.see(observed(host, &format!("203.0.113.{number}")).connected());
        let key = EndpointKey::new(host, 443, Probe::Tls);
        let answer = answer.map(str::to_string).map_err(str::to_string);
        world.pac.insert(("w".into(), key), answer);
    }
    world.look()
}

#[test]
fn each_target_goes_where_the_script_says_and_the_proxy_joins_the_closure() {
    let seen =
        by_script(&[("a.example", Ok("PROXY 192.168.7.1:3128")), ("b.example", Ok("DIRECT"))], "closed");
    assert_eq!(seen.ids(), ["192.168.7.1:3128/tcp", "a.example:443/tls via squid", "b.example:443/tls"]);
    assert_eq!(seen.endpoint("192.168.7.1:3128/tcp").origins, [Origin::Proxy]);
    assert!(
        seen.endpoint("a.example:443/tls via squid").bypass.as_ref().is_some_and(|bypass| bypass.reachable)
    );
}

#[test]
fn where_the_script_leads_nowhere_known_the_verdict_is_undetermined_and_nothing_is_called_broken() {
    for (answer, id, why) in [
        (Ok("SOCKS 192.168.7.1:1080"), "PAC SOCKS 192.168.7.1:1080", "cannot follow"),
        (Ok("PROXY 192.168.7.2:3128"), "PROXY 192.168.7.2:3128", "no [[proxy]] is declared there"),
        (Err("it takes longer than 1 s"), "PAC error", "it takes longer than 1 s"),
    ] {
        let seen = by_script(&[("a.example", answer)], "closed");
        assert_eq!(seen.report.verdict, Verdict::Undetermined);
        let reasons = seen.workload().reasons.join("; ");
        assert!(reasons.contains(why) && !reasons.contains("cannot be had"), "{reasons}");
        let endpoint = seen.endpoint(&format!("a.example:443/tls via {id}"));
        assert!(endpoint.addresses.is_empty(), "nothing is asked in its place");
        assert_eq!(endpoint.class, PathClass::Unknown);
    }
    let seen = by_script(&[("x.example", Ok("SOCKS a:1"))], "closed-except");
    assert_eq!(seen.report.verdict, Verdict::Undetermined);
}

#[test]
fn further_choices_of_a_script_are_told() {
    let seen = by_script(&[("a.example", Ok("PROXY 192.168.7.1:3128; DIRECT"))], "closed");
    let told = seen.report.not_tested.iter().filter(|words| words.contains("only the first was followed"));
    assert_eq!(told.count(), 1);
}
