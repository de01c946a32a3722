//! PAC scripts: what they are given, and what hostile ones cannot take.
#![allow(clippy::unwrap_used)]

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use closedpath_net::pac::Pac;

/// Resolves two names.
fn resolve(name: &str) -> Option<Ipv4Addr> {
    match name {
        "inside.example" => Some(Ipv4Addr::new(10, 1, 2, 3)),
        "outside.example" => Some(Ipv4Addr::new(203, 0, 113, 9)),
        _ => None,
    }
}

fn load(script: &str) -> Result<Pac, String> {
    Pac::load(script, Ipv4Addr::new(192, 168, 1, 10), resolve)
}

/// What an expression is for `https://a.example/`.
fn value(expression: &str) -> String {
    let script = format!("function FindProxyForURL(url, host) {{ return String({expression}); }}");
    load(&script).unwrap().ask("https://a.example/", "a.example").unwrap()
}

fn why(script: &str) -> String {
    match load(script) {
        Ok(pac) => pac.ask("https://a.example/", "a.example").unwrap_err(),
        Err(why) => why,
    }
}

#[test]
fn a_usual_script_decides_by_host_and_network() {
    let pac = load(
        "function FindProxyForURL(url, host) {\n  if (isPlainHostName(host) || dnsDomainIs(host, '.corp.example')) return 'DIRECT';\n\
         if (isInNet(host, '10.0.0.0', '255.0.0.0')) return 'PROXY 10.0.0.1:3128; DIRECT';\n\
         if (shExpMatch(url, 'http:*')) return null;\n  return 'HTTPS proxy.example:3129';\n}\n",
    )
    .unwrap();
    for (url, host, result) in [
        ("https://intranet/", "intranet", "DIRECT"),
        ("https://www.corp.example/", "www.corp.example", "DIRECT"),
        ("https://inside.example/", "inside.example", "PROXY 10.0.0.1:3128; DIRECT"),
        ("https://10.9.9.9/", "10.9.9.9", "PROXY 10.0.0.1:3128; DIRECT"),
        ("http://outside.example/", "outside.example", "DIRECT"),
        ("https://unknown.example/", "unknown.example", "HTTPS proxy.example:3129"),
    ] {
        assert_eq!(pac.ask(url, host).as_deref(), Ok(result), "{url}");
    }
}

#[test]
fn the_functions_are_those_of_netscape() {
    for (expression, expected) in [
        ("url + ' ' + host", "https://a.example/ a.example"),
        ("isPlainHostName('www')", "true"),
        ("isPlainHostName('www.example')", "false"),
        ("dnsDomainIs('www.A.example', '.a.example')", "true"),
        ("dnsDomainIs('www', '.a.example')", "false"),
        ("localHostOrDomainIs('www', 'www.a.example')", "true"),
        ("localHostOrDomainIs('www.a.example', 'www.a.example')", "true"),
        ("localHostOrDomainIs('www.b.example', 'www.a.example')", "false"),
        ("isResolvable('inside.example')", "true"),
        ("isResolvable('no.example')", "false"),
        ("dnsResolve('outside.example')", "203.0.113.9"),
        ("dnsResolve('no.example') === null", "true"),
        ("dnsResolve('192.0.2.7')", "192.0.2.7"),
        ("isInNet('198.51.100.249', '198.51.100.249', '255.255.255.255')", "true"),
        ("isInNet('203.0.113.1', '203.0.113.0', '255.255.255.0')", "true"),
        ("isInNet('203.0.114.1', '203.0.113.0', '255.255.255.0')", "false"),
        ("isInNet('no.example', '0.0.0.0', '0.0.0.0')", "false"),
        ("isInNet('10.0.0.1', '10.0.0', '255.0.0.0')", "false"),
        ("myIpAddress()", "192.168.1.10"),
        ("dnsDomainLevels('www')", "0"),
        ("dnsDomainLevels('www.a.example')", "2"),
        ("shExpMatch('http://a.example/b/c', '*/b/*')", "true"),
        ("shExpMatch('a.example', '?.example')", "true"),
        ("shExpMatch('a.example', '*.exampl')", "false"),
        ("shExpMatch('a+example', 'a.example')", "false"),
        ("shExpMatch('', '*')", "true"),
    ] {
        assert_eq!(value(expression), expected, "{expression}");
    }
}

#[test]
fn ranges_of_time_hold_their_ends_and_may_go_over_midnight() {
    // Tuesday, 2026-11-24 22:30:15 UTC.
    let at = |expression: &str| {
        let clock = "const D = Date; Date = function () { return new D(D.UTC(2026, 10, 24, 22, 30, 15)); };";
        let script = format!("{clock} function FindProxyForURL() {{ return String({expression}); }}");
        load(&script).unwrap().ask("https://a/", "a").unwrap()
    };
    for (expression, expected) in [
        ("weekdayRange('TUE', 'GMT')", "true"),
        ("weekdayRange('MON', 'FRI', 'GMT')", "true"),
        ("weekdayRange('SAT', 'MON', 'GMT')", "false"),
        ("weekdayRange('SUN', 'TUE', 'GMT')", "true"),
        ("weekdayRange('FRI', 'TUE', 'GMT')", "true"),
        ("weekdayRange('Tuesday', 'GMT')", "false"),
        ("timeRange(22, 'GMT')", "true"),
        ("timeRange(8, 17, 'GMT')", "false"),
        ("timeRange(20, 6, 'GMT')", "true"),
        ("timeRange(22, 0, 22, 30, 'GMT')", "false"),
        ("timeRange(22, 0, 22, 31, 'GMT')", "true"),
        ("timeRange(22, 30, 15, 22, 30, 15, 'GMT')", "true"),
        ("timeRange(22, 30, 16, 22, 30, 14, 'GMT')", "false"),
        ("dateRange(24, 'GMT')", "true"),
        ("dateRange('NOV', 'GMT')", "true"),
        ("dateRange(2025, 'GMT')", "false"),
        ("dateRange(1, 23, 'GMT')", "false"),
        ("dateRange('OCT', 'FEB', 'GMT')", "true"),
        ("dateRange(1, 'NOV', 24, 'NOV', 'GMT')", "true"),
        ("dateRange(25, 'NOV', 31, 'DEC', 'GMT')", "false"),
        ("dateRange(1, 'JUN', 1995, 15, 'AUG', 1995, 'GMT')", "false"),
        ("dateRange('OCT', 2026, 'MAR', 2027, 'GMT')", "true"),
    ] {
        assert_eq!(at(expression), expected, "{expression}");
    }
}

#[test]
fn what_is_no_script_or_says_nothing_is_told_in_words() {
    for (script, words) in [
        ("function (", "the PAC script cannot be loaded: "),
        ("var x = 1;", "it has no function FindProxyForURL"),
        ("function FindProxyForURL() { return 5; }", "returns no text"),
        ("function FindProxyForURL() {}", "returns no text"),
        ("function FindProxyForURL() { throw new Error('no\\nway'); }", "no way"),
        ("function FindProxyForURL() { throw 1; }", "it throws what is no error"),
        ("function FindProxyForURL() { return 'x'.repeat(4097); }", "returns more than 4096 bytes"),
        ("function FindProxyForURL() { return FindProxyForURL(); }", "stack"),
    ] {
        let why = why(script);
        assert!(why.contains(words), "{script}: {why}");
    }
}

#[test]
fn a_script_that_runs_for_ever_or_grows_is_ended_and_not_asked_again() {
    let began = Instant::now();
    for script in [
        "function FindProxyForURL() { for (;;) {} }",
        "function FindProxyForURL() { try { for (;;) {} } finally { for (;;) {} } }",
        "function FindProxyForURL() { return /^(a+)+$/.test('a'.repeat(60) + 'b') ? 'x' : 'y'; }",
    ] {
        let pac = load(script).unwrap();
        let why = pac.ask("https://a/", "a").unwrap_err();
        assert!(why.ends_with("it takes longer than 1 s"), "{why}");
        assert!(pac.ask("https://a/", "a").unwrap_err().ends_with("before"));
    }
    assert!(why("for (;;) {}").ends_with("it takes longer than 1 s"));
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    let pac = load(
        "function FindProxyForURL() { const all = []; for (;;) all.push(new Array(1000).fill(all.length)); }",
    )
    .unwrap();
    let why = pac.ask("https://a/", "a").unwrap_err();
    assert!(why.contains("memory"), "{why}");
}

#[test]
fn scripts_reach_neither_files_nor_the_network() {
    for name in ["require", "process", "std", "os", "fetch", "XMLHttpRequest", "setTimeout", "ActiveXObject"]
    {
        assert_eq!(value(&format!("typeof {name}")), "undefined", "{name}");
    }
    assert!(
        why("import('/etc/passwd'); function FindProxyForURL() { return import('/etc/passwd'); }")
            .contains("returns no text")
    );
}
