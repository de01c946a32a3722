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
