//! What the contract allows is never refused: its own sample, and settings that have no effect.

use super::plan;

use crate::config::{Policy, ProxyExit, Sku, Terminates, parse};

/// The catalogues it names.
const CATALOGS: &[&str] = &["azure-arc-servers", "azure-monitor-agent"];

/// The sample of the contract (DESIGN §4.2), verbatim.
const SAMPLE: &str = include_str!("../../../../../tests/data/config/contract.toml");

#[test]
fn the_sample_of_the_contract_is_a_right_file() {
    let plan = parse("contract.toml", SAMPLE, CATALOGS).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(plan.agent.site, "tokyo-dc1");
    assert_eq!(plan.resolvers[0].name, "onprem");
    assert_eq!(plan.topology.links[0].name, "er-primary-ms");
    assert_eq!(plan.topology.links[0].interface.as_deref(), Some("eth1"));
    assert_eq!(plan.topology.circuits["tokyo-1"].location, "Tokyo");
    assert_eq!(plan.echoes.len(), 1);
    assert_eq!(plan.targets[0].endpoint.to_string(), "acct.blob.core.windows.net:443/tls");
}

#[test]
fn exceptions_of_a_closed_workload_are_accepted_and_except_nothing() {
    let plan = parse("contract.toml", SAMPLE, CATALOGS).expect("the sample is right");
    let arc = &plan.workloads[0];
    assert_eq!(arc.policy, Policy::Closed);
    assert_eq!(arc.allow, [("*.digicert.com".to_owned(), Some(80))]);
    assert!(!arc.excepts("crl3.digicert.com", 80));
}

#[test]
fn exceptions_of_an_observed_workload_are_accepted_and_except_nothing() {
    let plan = plan(
        "[[workload]]\nname = \"a\"\npolicy = \"observe\"\nallow = [\"*\"]\ncatalogs = [\"azure-arc-servers\"]\n",
    );
    assert!(!plan.workloads[0].excepts("a.example", 443));
}

#[test]
fn the_interface_of_a_tunnel_of_the_edge_router_is_accepted_and_dropped() {
    let plan = parse("contract.toml", SAMPLE, CATALOGS).expect("the sample is right");
    let tunnel = &plan.topology.tunnels[0];
    assert_eq!(tunnel.terminates, Terminates::Ce);
    assert_eq!(tunnel.interface, None);
}

#[test]
fn an_interface_that_a_tunnel_of_the_edge_router_names_still_belongs_to_its_link() {
    let plan = plan(
        r#"
[[link]]
name = "a"
edge = "er_private"
interface = "eth1"
[[tunnel]]
name = "t"
kind = "ipsec"
over = "er_private"
prefixes = ["10.101.0.0/16"]
terminates = "ce"
interface = "eth1"
"#,
    );
    assert_eq!(plan.topology.links[0].interface.as_deref(), Some("eth1"));
    assert_eq!(plan.topology.tunnels[0].interface, None);
}

#[test]
fn links_may_share_source_addresses_an_interface_and_a_bgp_peer() {
    let plan = plan(
        r#"
[[link]]
name = "a"
edge = "er_private"
interface = "eth1"
nat_pool = ["203.0.113.64/28"]
bgp_peer = ["192.0.2.1"]
[[link]]
name = "b"
edge = "internet"
interface = "eth1"
nat_pool = ["203.0.113.70"]
bgp_peer = ["192.0.2.1"]
"#,
    );
    for link in &plan.topology.links {
        assert_eq!(link.interface.as_deref(), Some("eth1"));
        assert_eq!(link.nat_pool.len(), 1);
        assert_eq!(link.bgp_peer.len(), 1);
    }
}

#[test]
fn a_vnet_inside_the_site_and_a_site_inside_a_vnet_are_accepted() {
    let plan = plan(
        r#"
[topology]
onprem = ["10.0.0.0/8", "172.16.5.0/24"]
vnet = ["10.100.0.0/16", "172.16.0.0/12"]
"#,
    );
    assert_eq!(plan.topology.onprem.len(), 2);
    assert_eq!(plan.topology.vnet.len(), 2);
}

#[test]
fn circuits_tunnels_proxies_and_stations_have_defaults() {
    let plan = plan(
        r#"
[circuit.c]
[[tunnel]]
name = "t"
kind = "ipsec"
over = "er_private"
[[proxy]]
name = "p"
url = "http://10.0.0.1:3128"
[bmp]
listen = "127.0.0.1:11019"
"#,
    );
    let circuit = &plan.topology.circuits["c"];
    assert_eq!((circuit.sku, circuit.location.as_str()), (Sku::Standard, ""));
    let tunnel = &plan.topology.tunnels[0];
    assert_eq!(tunnel.terminates, Terminates::Ce);
    assert_eq!(tunnel.prefixes, []);
    assert_eq!(plan.proxies[0].exit, ProxyExit::Unknown);
    assert!(plan.bmp.expect("a station").allow.is_empty());
}

#[test]
fn empty_locations_prefixes_and_allow_lists_may_be_written_out() {
    let plan = plan(
        r#"
[circuit.c]
location = ""
[[tunnel]]
name = "t"
kind = "ipsec"
over = "er_private"
prefixes = []
[bmp]
listen = "127.0.0.1:11019"
allow = []
"#,
    );
    assert_eq!(plan.topology.circuits["c"].location, "");
    assert_eq!(plan.topology.tunnels[0].prefixes, []);
    assert!(plan.bmp.expect("a station").allow.is_empty());
}

#[test]
fn resolvers_without_a_name_are_numbered_by_their_position() {
    let plan = plan(
        r#"
[[resolver]]
servers = ["10.0.0.1"]
[[resolver]]
name = "onprem"
servers = ["10.0.0.2"]
[[resolver]]
servers = ["system"]
"#,
    );
    let names: Vec<&str> = plan.resolvers.iter().map(|resolver| resolver.name.as_str()).collect();
    assert_eq!(names, ["resolver-1", "onprem", "resolver-3"]);
}

#[test]
fn a_workload_with_neither_catalogues_nor_targets_is_left_to_the_verdict() {
    let plan = plan("[[workload]]\nname = \"a\"\n");
    assert_eq!(plan.workloads[0].policy, Policy::Closed);
    assert!(plan.workloads[0].catalogs.is_empty() && plan.targets.is_empty());
}
