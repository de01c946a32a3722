//! Forward proxies (R9, A1): what the closure asks of them, and what it shows of what lies behind.

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
        "a.example:443/tls via squid crl.example:80/http proxy.example:3129/tls"
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
