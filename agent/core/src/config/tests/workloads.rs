//! Mistakes in workloads and targets.

use super::errors;

#[test]
fn references_of_workloads_must_exist() {
    assert_eq!(
        errors(
            r#"
[[proxy]]
name = "squid"
url = "http://10.0.0.1:3128"
[[workload]]
name = "arc"
proxy = "squit"
catalogs = ["azure-arc-server", "azure-monitor-agent", "azure-monitor-agent"]
[[target]]
workload = "ark"
host = "a.example"
"#
        ),
        [
            "7:9: the proxy \"squit\" does not exist / did you mean \"squid\"? (known: squid)",
            "8:13: the catalogue \"azure-arc-server\" does not exist / did you mean \"azure-arc-servers\"? (known: azure-arc-servers, azure-monitor-agent)",
            "8:56: the name \"azure-monitor-agent\" stands twice: another catalogue of this workload has it / every name stands once: rename or remove one",
            "10:12: the workload \"ark\" does not exist / did you mean \"arc\"? (known: arc)",
        ]
    );
}

#[test]
fn a_target_of_no_declared_workload_cannot_name_one() {
    assert_eq!(
        errors("[[target]]\nworkload = \"arc\"\nhost = \"a.example\"\n"),
        ["2:12: the workload \"arc\" does not exist / there is no [[workload]]"]
    );
}

#[test]
fn with_several_workloads_a_target_says_which() {
    assert_eq!(
        errors(
            r#"
[[workload]]
name = "a"
catalogs = ["azure-arc-servers"]
[[workload]]
name = "b"
catalogs = ["azure-arc-servers"]
[[target]]
host = "a.example"
"#
        ),
        [
            "9:8: the target names no workload, and several are declared / add workload = \"…\"; declared: a, b"
        ]
    );
}

#[test]
fn names_of_workloads_and_identical_targets_stand_once() {
    assert_eq!(
        errors(
            r#"
[[workload]]
name = "a"
[[workload]]
name = "a"
[[target]]
workload = "a"
host = "a.example"
[[target]]
workload = "a"
host = "A.example."
port = 443
"#
        ),
        [
            "5:8: the name \"a\" stands twice: another workload has it / every name stands once: rename or remove one",
            "11:8: the target a.example:443/tls stands twice in one workload / remove one",
        ]
    );
}

#[test]
fn the_only_workload_is_the_same_whether_it_is_named_or_not() {
    assert_eq!(
        errors(
            "[[workload]]\nname = \"a\"\n[[target]]\nworkload = \"a\"\nhost = \"a.example\"\n[[target]]\nhost = \"a.example\"\n"
        ),
        ["7:8: the target a.example:443/tls stands twice in one workload / remove one"]
    );
}

#[test]
fn allow_has_a_form() {
    assert_eq!(
        errors(
            r#"
[[workload]]
name = "b"
policy = "closed-except"
allow = ["*digicert.com", "a.*.example", "*.10.0.0.1", "x.example:http", ""]
catalogs = ["azure-arc-servers"]
"#
        ),
        [
            "5:10: \"*digicert.com\" has a `*` where none may stand / a `*` stands alone or before the first dot: \"*\", \"*.digicert.com:80\"",
            "5:27: \"a.*.example\" has a `*` where none may stand / a `*` stands alone or before the first dot: \"*\", \"*.digicert.com:80\"",
            "5:42: \"*.10.0.0.1\" is a pattern of addresses / write each address",
            "5:56: \"x.example:http\" does not end with a port from 1 to 65535 / write host:port, an IPv6 address in brackets: \"[2001:db8::1]:443\"",
            "5:74: \"\" is not a host name / write a name such as \"login.microsoftonline.com\", or an address",
        ]
    );
}

#[test]
fn policies_profiles_and_parameters_are_checked() {
    assert_eq!(
        errors(
            r#"
[[workload]]
name = "a"
policy = "close"
client_profile = "windows"
catalogs = ["azure-arc-servers"]
parameters = { region = 5, "" = "x" }
"#
        ),
        [
            "4:10: expected a policy, found \"close\" / did you mean \"closed\"? (known: closed, closed-except, observe)",
            "5:18: expected a client profile, found \"windows\" / known: windows-cryptoapi, curl-schannel, dotnet, java, openssl, go, none, unknown",
            "7:25: expected text in quotes, found 5 / write it in quotes if it is text: \"5\"",
            "7:33: a parameter without a name / write the placeholder's name before the `=`",
        ]
    );
}

#[test]
fn targets_need_a_port_where_the_probe_has_none() {
    assert_eq!(
        errors(
            r#"
[[target]]
host = "a.example"
probe = "tcp"
[[target]]
host = "b.example"
port = 0
[[target]]
host = "c.example"
port = 70000
[[target]]
host = "d.example"
port = "443"
"#
        ),
        [
            "3:8: \"a.example\" has no port, and the probe \"tcp\" has no usual one / add `port`, for example: port = 443",
            "7:8: expected a port from 1 to 65535, found 0 / only icmp has no port",
            "10:8: expected a port from 1 to 65535, found 70000 / write a number in that range",
            "13:8: expected a port from 1 to 65535, found \"443\" / write the number without quotes",
        ]
    );
}

#[test]
fn unknown_probes_and_path_classes_are_listed() {
    assert_eq!(
        errors("[[target]]\nhost = \"a.example\"\nprobe = \"tsl\"\nexpect_path = \"er-private\"\n"),
        [
            "3:9: expected a probe, found \"tsl\" / did you mean \"tls\"? (known: tls, tcp, http, https, icmp, stun, udp-dns, ntp)",
            "4:15: expected a path class, found \"er-private\" / did you mean \"er_private\"? (known: internal, er_private, er_private_ipsec, er_microsoft, internet_direct, internet_peering_service, vpn_internet, internet_via_azure_proxy, internet_via_azure_bgp, internet_via_proxy, gsa_remote_network, gsa_client, mixed, unknown)",
        ]
    );
}

#[test]
fn hosts_are_names_as_dns_knows_them() {
    let host = |host: &str| errors(&format!("[[target]]\nhost = \"{host}\"\n")).remove(0);
    let says = |text: &str, help: &str| format!("2:8: \"{text}\" is not a host name / {help}");
    assert_eq!(
        host("日本.example"),
        says("日本.example", "write it as DNS knows it: \"xn--wgv71a.example\"")
    );
    assert_eq!(
        host("https://a.example/x"),
        says("https://a.example/x", "write only the host, without scheme and path")
    );
    assert_eq!(host("a.example:443"), says("a.example:443", "write the port in the key `port`"));
    let labels = "labels of letters, digits, `-` and `_`, up to 63 each and 253 in all, joined by dots";
    assert_eq!(host("a..example"), says("a..example", labels));
    assert_eq!(host("a example"), says("a example", labels));
    assert_eq!(host("-a.example"), says("-a.example", labels));
    assert_eq!(host("fe80::1%eth0"), says("fe80::1%eth0", labels));
    assert_eq!(host("1.2.3.400"), says("1.2.3.400", "it looks like an address, but is none"));
    assert_eq!(
        host("*.example"),
        says("*.example", "a `*` cannot be probed: write each name (catalogues and `allow` take patterns)")
    );
}

#[test]
fn a_workload_has_a_proxy_or_a_script() {
    assert_eq!(
        errors(
            "[[proxy]]\nname = \"p\"\nurl = \"http://a.example:1\"\n[[workload]]\nname = \"w\"\nproxy = \"p\"\npac = \"p.pac\"\ncatalogs = [\"azure-arc-servers\"]\n"
        ),
        [
            "7:7: a workload has a `proxy` or a `pac`, not both / remove one: the script itself names the proxy"
        ]
    );
}
