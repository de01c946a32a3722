//! The rules can fail: each bad sample is found, each good one is not.

use std::path::Path;

use super::rules::{core_breaches, net_breaches};

#[test]
fn an_import_from_above_is_found_wherever_it_stands() {
    for text in [
        "use crate::report::Report;",
        "use crate::{failure::Failure, report};",
        "use crate::{\n    failure::Failure,\n    report::{Report, Summary},\n};",
        "fn f() -> crate::report::Report { g() }",
        "macro_rules! m { () => { $crate::report::Report } }",
        "use super::super::report::Report;",
        "mod tests { use super::super::super::report; }",
    ] {
        let breaches = core_breaches(Path::new("pki/judge.rs"), text);
        let above = "pki imports report, which is above it";
        assert!(
            !breaches.is_empty() && breaches.iter().all(|what| what.contains(above)),
            "{text}: {breaches:?}"
        );
    }
}

#[test]
fn an_import_from_below_or_from_the_module_itself_is_right() {
    for text in [
        "use crate::{failure::Failure, observation::tls};",
        "use crate::pki::facts;",
        "use super::report;",
        "use std::net::{IpAddr, SocketAddr};",
        "// use crate::report;\n/* use crate::report; /* nested */ use std::fs; */",
        "const S: &str = \"crate::report std::fs::read\"; const R: &str = r#\"\"crate::report\"\"#;",
        "fn f<'a>(c: char, at: &'a str) -> bool { c == '\"' || c == '\\'' || at.starts_with('x') }",
    ] {
        assert_eq!(core_breaches(Path::new("pki/judge.rs"), text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn two_modules_of_one_level_may_not_import_each_other() {
    assert!(core_breaches(Path::new("target.rs"), "use crate::failure::Failure;").is_empty());
    assert_eq!(core_breaches(Path::new("failure.rs"), "use crate::target::Host;").len(), 1);
}

#[test]
fn a_module_outside_the_order_is_found() {
    assert_eq!(core_breaches(Path::new("extra.rs"), "pub struct Extra;").len(), 1);
    assert_eq!(core_breaches(Path::new("pki/mod.rs"), "use crate::extra::Thing;").len(), 1);
}

#[test]
fn clocks_sockets_files_and_words_on_the_screen_are_found_in_core() {
    for text in [
        "use std::fs;",
        "use std::{fmt, fs::read};",
        "use std::net::{IpAddr, TcpStream};",
        "let s = std::net::UdpSocket::bind(at);",
        "let now = SystemTime::now();",
        "let now = std::time::SystemTime::now();",
        "use std::time::Instant;",
        "let began = Instant::now();",
        "println!(\"{x}\");",
        "std::eprintln!(\"{x}\");",
        "log::warn!(\"x\");",
        "tracing::info!(\"x\");",
        "use tokio::net::TcpListener;",
        "unsafe { f() }",
    ] {
        assert!(!core_breaches(Path::new("pki/judge.rs"), text).is_empty(), "{text}");
    }
}

#[test]
fn the_line_of_a_breach_is_the_line_of_the_name() {
    let text = "//! Doc.\n\nuse crate::{\n    failure::Failure,\n    report::Report,\n};\n";
    assert_eq!(core_breaches(Path::new("pki.rs"), text), ["5: pki imports report, which is above it"]);
}

#[test]
fn the_daemon_is_found_in_net() {
    assert_eq!(net_breaches("use closedpath::run;").len(), 1);
    assert_eq!(net_breaches("use prometheus::Registry;").len(), 1);
    assert!(net_breaches("use closedpath_core::failure::Failure;").is_empty());
}
