//! What a PAC script answers, and anything as a script: bounded choices, canonical hosts, and an engine that ends in time.
//!
//! The first octet: an even one is followed by a result, an odd one by a script.
#![no_main]

use std::net::Ipv4Addr;
use std::time::Instant;

use closedpath_core::pac::{Choice, LONGEST, Way, read, way};
use closedpath_core::target::canonical_host;
use closedpath_net::pac::{Pac, TIME};
use libfuzzer_sys::fuzz_target;

/// Scripts of the fuzzer need not be longer.
const SCRIPT: usize = 4096;

fuzz_target!(|data: &[u8]| {
    let Some((how, text)) = data.split_first() else { return };
    let Ok(text) = str::from_utf8(text) else { return };
    if how % 2 == 0 {
        result(text);
    } else if text.len() <= SCRIPT {
        let began = Instant::now();
        let resolve = |name: &str| (name.len() % 2 == 0).then_some(Ipv4Addr::LOCALHOST);
        if let Ok(pac) = Pac::load(text, Ipv4Addr::LOCALHOST, resolve) {
            for host in ["a.example", "b"] {
                if let Ok(said) = pac.ask(&format!("https://{host}/"), host) {
                    assert!(said.len() <= LONGEST);
                    result(&said);
                }
            }
        }
        assert!(began.elapsed() < TIME * 4, "{:?}", began.elapsed());
    }
});

fn result(text: &str) {
    let choices = read(text);
    assert!(choices.len() <= 32);
    for choice in &choices {
        match choice {
            Choice::Direct => {}
            Choice::Proxy { host, port, tls } => {
                assert!(*port > 0 && !host.is_empty() && canonical_host(host) == *host, "{host}");
                let word = if *tls { "HTTPS" } else { "PROXY" };
                let shown = if host.contains(':') { format!("[{host}]") } else { host.clone() };
                assert_eq!(read(&format!("{word} {shown}:{port}")), std::slice::from_ref(choice));
            }
            Choice::Unsupported(text) => {
                assert!(text.chars().count() <= 80 && !text.chars().any(char::is_control));
            }
        }
    }
    match (choices.first(), way(Ok(text), &[])) {
        (Some(Choice::Direct), seen) => assert_eq!(seen, Way::Direct),
        (_, Way::Unknown { shown, why }) => assert!(shown.contains(' ') && !why.is_empty()),
        (_, seen) => panic!("{seen:?} without a proxy"),
    }
}
