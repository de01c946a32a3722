//! Keys, types and scalars: what an operator mistypes.

use super::errors;
use crate::config::parse;

#[test]
fn an_unknown_key_is_shown_in_place_with_the_nearest_known_one() {
    let errors =
        parse("/etc/closedpath.toml", "[probe]\nintervall = \"5s\"\n", &[]).expect_err("unknown key");
    assert_eq!(
        errors.to_string(),
        "/etc/closedpath.toml:2:1: unknown key `intervall` in [probe]\n    intervall = \"5s\"\n    ^^^^^^^^^\n\
         help: did you mean \"interval\"? (known: concurrency, interface, interval, mark, source, timeout, trace_interval)"
    );
}

#[test]
fn every_unknown_key_of_a_file_is_reported_at_once_in_every_kind_of_table() {
    let found = errors(
        r#"
[prob]
[agent]
sit = "x"
[[link]]
name = "a"
edge = "internet"
mse = []
encryption = { macsek = "none" }
[circuit.c]
sku = "local"
location = "Tokyo"
redirect = true
"#,
    );
    assert_eq!(
        found,
        [
            "2:2: unknown key `prob` in the file / did you mean \"probe\"? (known: agent, bmp, canary, circuit, data, echo, fetch, http, link, probe, proxy, resolver, table, target, topology, tunnel, verdict, workload)",
            "4:1: unknown key `sit` in [agent] / did you mean \"site\"? (known: inspection_ca, site, state_dir, trust_anchors)",
            "8:1: unknown key `mse` in [[link]] / did you mean \"msee\"? (known: bgp_peer, circuit, edge, encryption, hops, interface, msee, name, nat_pool, next_hop, peering_service)",
            "9:16: unknown key `macsek` in `encryption` of [[link]] / did you mean \"macsec\"? (known: ipsec, macsec)",
            "13:1: unknown key `redirect` in [circuit.c] / did you mean \"direct\"? (known: direct, location, m365_authorised, route_filter, sku)",
        ]
    );
}

#[test]
fn a_key_of_another_section_is_sent_there() {
    assert_eq!(
        errors("[agent]\nconcurrency = 3\n"),
        ["2:1: unknown key `concurrency` in [agent] / `concurrency` is a key of \"probe\""]
    );
}

#[test]
fn a_missing_key_is_named_with_its_meaning() {
    assert_eq!(
        errors("[[link]]\nname = \"a\"\n[[target]]\n[bmp]\n"),
        [
            "1:1: [[link]] lacks the key `edge` / add `edge`: What kind of way it is.",
            "3:1: [[target]] lacks the key `host` / add `host`: Name or address.",
            "4:1: [bmp] lacks the key `listen` / add `listen`: Address and port where the edge routers send their tables.",
        ]
    );
}

#[test]
fn tables_and_lists_in_the_wrong_place_are_explained() {
    assert_eq!(
        errors("[link]\nname = \"a\"\n"),
        [
            "1:1: [link] is one table where a list belongs / write [[link]], with two brackets; it may stand several times"
        ]
    );
    assert_eq!(
        errors("[[agent]]\n"),
        ["1:1: [agent] is one table, not a list / it may stand only once: write it with single brackets"]
    );
    assert_eq!(
        errors("agent = 5\n"),
        ["1:9: [agent] is a table, not one value / write it as a section, or as { key = value }"]
    );
    assert_eq!(
        errors("[topology]\nonprem = \"10.0.0.0/8\"\n"),
        ["2:10: expected a list for `onprem`, found one value / put it in brackets: onprem = [ … ]"]
    );
    assert_eq!(
        errors("circuit = 3\nlink = [1]\n"),
        [
            "1:11: `circuit` holds names with a value each / write circuit = { name = … }, or [circuit.NAME]",
            "2:9: [[link]] is a table, not one value / write [[link]] and the keys below it",
        ]
    );
}

#[test]
fn wrong_types_say_what_is_expected() {
    assert_eq!(
        errors(
            "[agent]\nsite = 5\nstate_dir = true\n[probe]\ntimeout = 1979-05-27\nconcurrency = \"many\"\n[verdict]\nwindow = [\"1h\"]\nrequire_window = \"yes\"\n"
        ),
        [
            "2:8: expected text in quotes, found 5 / write it in quotes if it is text: \"5\"",
            "3:13: expected a path in quotes, found true / write it in quotes if it is text: \"true\"",
            "5:11: expected a duration such as \"5s\" or \"1m 30s\", found a date or time / this key takes one value",
            "6:15: expected a whole number from 1 to 65536, found \"many\" / write the number without quotes",
            "8:10: expected a duration such as \"5s\" or \"1m 30s\", found a list / this key takes one value",
            "9:18: expected true or false, found \"yes\" / write true or false, without quotes",
        ]
    );
}

#[test]
fn bad_and_zero_durations_and_counts_are_refused() {
    assert_eq!(
        errors(
            "[probe]\ninterval = \"5 parsecs\"\ntimeout = 5\ntrace_interval = \"0s\"\nconcurrency = 0\n[verdict]\nwindow = \"30years\"\n"
        ),
        [
            "2:12: expected a duration such as \"5s\" or \"1m 30s\", found \"5 parsecs\" / units: ms, s, m, h, days",
            "3:11: expected a duration such as \"5s\" or \"1m 30s\", found 5 / write the unit, in quotes: \"5s\"",
            "4:18: a duration of zero: this must take some time / write a duration such as \"5s\" or \"1m 30s\"",
            "5:15: expected a whole number from 1 to 65536, found 0 / write a number in that range",
            "7:10: \"30years\" is longer than a year / write a shorter duration; \"m\" is minutes, \"M\" is months",
        ]
    );
}

#[test]
fn a_mark_is_a_number_of_32_bits_and_not_zero() {
    for mark in ["0", "4294967296", "-1"] {
        assert_eq!(
            errors(&format!("[probe]\nmark = {mark}\n")),
            [format!(
                "2:8: expected a whole number from 1 to 4294967295, found {mark} / write a number in that range"
            )]
        );
    }
}

#[test]
fn broken_toml_is_shown_where_it_breaks() {
    let found = errors("[probe\ninterval = \"5s\"\n");
    assert!(found[0].starts_with("1:7: "), "{found:?}");
    assert!(found[0].ends_with(" / this is not valid TOML"), "{found:?}");
    let found = errors("[probe]\ntimeout = \"5s\"\ntimeout = \"6s\"\n");
    assert_eq!(found, ["3:1: duplicate key / this is not valid TOML"]);
}
