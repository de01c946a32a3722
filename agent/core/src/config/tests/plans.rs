//! Right files become the plan that was meant.

use std::path::PathBuf;
use std::time::Duration;

use super::{CATALOGS, plan};
use crate::config::{
    ClientProfile, EchoKind, Edge, ImportedTable, Plan, Policy, ProxyExit, ResolverServer, Sku, Terminates,
    TrustAnchor, TunnelKind, catalog_files,
};
use crate::target::{EndpointKey, Probe};

/// Every key, with more values than the sample of the contract holds.
const EVERY_KEY: &str = r#"
[agent]
site = "tokyo-dc1"
state_dir = "/var/lib/closedpath"
trust_anchors = ["system", "corp.pem"]
inspection_ca = "corp-inspection.pem"
[http]
listen = ["127.0.0.1:9806", "[::1]:9806"]
web_config = "web-config.yml"
[probe]
interval = "1m 30s"
timeout = "500ms"
trace_interval = "5m"
concurrency = 8
source = ["192.168.10.7", "2001:db8:10::7"]
interface = "eth1"
mark = 7
[verdict]
accept_probable = true
require_window = true
window = "24h"
[[resolver]]
name = "onprem"
servers = ["192.168.1.53", "[2001:db8::53]:5353", "system"]
[topology]
onprem = ["192.168.0.0/16"]
vnet = ["10.100.0.0/16", "10.101.0.7"]
ntp = ["192.168.1.1", "NTP.Corp.Example."]
[[link]]
name = "er-primary-ms"
edge = "er_microsoft"
circuit = "tokyo-1"
msee = ["203.0.113.2"]
hops = ["198.51.100.1"]
interface = "eth1"
next_hop = ["192.168.1.1"]
nat_pool = ["203.0.113.64/28"]
bgp_peer = ["203.0.113.2"]
peering_service = false
encryption = { ipsec = "declared", macsec = "none" }
[[tunnel]]
name = "vpn-azure"
kind = "ipsec"
over = "er_private"
outer_peer = ["10.100.255.4"]
prefixes = ["10.101.0.0/16"]
terminates = "host"
hops = ["10.100.255.4"]
interface = "ipsec0"
[circuit.tokyo-1]
sku = "standard"
location = "Tokyo"
direct = false
route_filter = ["12076:51012", "12076:51013"]
m365_authorised = false
[bmp]
listen = "192.168.1.10:11019"
allow = ["192.168.1.1"]
[[table]]
router = "::ffff:192.168.1.2"
file = "ce2-v4.json"
max_age = "10m"
[[table]]
router = "192.168.1.2"
file = "/abs/ce2-v6.json"
[[echo]]
stun = "stun.example.net"
[[echo]]
url = "https://echo.example.net/ip"
match = 'src=([0-9a-f.:]+)'
[[proxy]]
name = "azure-squid"
url = "https://joe:p%40ss%3A@Squid.Example:3128/"
exit = "internet"
[[canary]]
host = "203.0.113.200"
port = 443
[[workload]]
name = "arc"
policy = "closed-except"
allow = ["*.DigiCert.com:80", "*", "crl.example", "[2001:db8::1]:80"]
catalogs = ["azure-arc-servers", "azure-monitor-agent"]
client_profile = "windows-cryptoapi"
proxy = "azure-squid"
parameters = { region = "japaneast" }
[[target]]
workload = "arc"
host = "Acct.blob.core.windows.net."
port = 443
probe = "https"
expect_path = "er_private"
[[target]]
host = "192.0.2.1"
port = 7
probe = "icmp"
[fetch]
allow_private = ["CRL.corp.example"]
[data]
service_tags = "ServiceTags_Public.json"
m365 = "endpoints.json"
asn = "asn.tsv"
catalogs = ["site.toml", "/abs/other.toml"]
"#;

#[test]
fn every_key_reaches_the_plan() {
    let plan = plan(EVERY_KEY);
    assert_eq!(plan.agent.site, "tokyo-dc1");
    assert_eq!(plan.agent.trust_anchors, [TrustAnchor::System, TrustAnchor::Pem("corp.pem".into())]);
    assert_eq!(plan.agent.inspection_ca, Some("corp-inspection.pem".into()));
    assert_eq!(plan.http.listen.len(), 2);
    assert_eq!(plan.http.web_config, Some("web-config.yml".into()));
    assert_eq!(plan.probe.interval, Duration::from_secs(90));
    assert_eq!(plan.probe.timeout, Duration::from_millis(500));
    assert_eq!(plan.probe.concurrency, 8);
    assert_eq!(
        plan.probe.source.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["192.168.10.7", "2001:db8:10::7"]
    );
    assert_eq!((plan.probe.interface.as_deref(), plan.probe.mark), (Some("eth1"), Some(7)));
    assert!(plan.verdict.accept_probable && plan.verdict.require_window);
    assert_eq!(
        plan.resolvers[0].servers,
        [
            ResolverServer::Address("192.168.1.53:53".parse().expect("address")),
            ResolverServer::Address("[2001:db8::53]:5353".parse().expect("address")),
            ResolverServer::System,
        ]
    );
    assert_eq!(plan.topology.vnet[1].to_string(), "10.101.0.7/32");
    assert_eq!(plan.topology.ntp, ["192.168.1.1", "ntp.corp.example"]);

    let link = &plan.topology.links[0];
    assert_eq!((link.edge, link.circuit.as_deref()), (Edge::ErMicrosoft, Some("tokyo-1")));
    assert_eq!(link.hops[0].to_string(), "198.51.100.1/32");
    assert_eq!(link.interface.as_deref(), Some("eth1"));
    assert!(link.encryption.ipsec_declared && !link.encryption.macsec_declared);
    let tunnel = &plan.topology.tunnels[0];
    assert_eq!(
        (tunnel.kind, tunnel.over, tunnel.terminates),
        (TunnelKind::Ipsec, Edge::ErPrivate, Terminates::Host)
    );
    let circuit = &plan.topology.circuits["tokyo-1"];
    assert_eq!((circuit.sku, circuit.location.as_str()), (Sku::Standard, "Tokyo"));
    assert_eq!(circuit.route_filter, ["12076:51012", "12076:51013"]);
    let routers: Vec<String> = plan.routers().iter().map(ToString::to_string).collect();
    assert_eq!(routers, ["192.168.1.1", "192.168.1.2"]);
    assert_eq!(plan.bmp.expect("a station").allow.len(), 1);
    let table = |file: &str, seconds| ImportedTable {
        router: "192.168.1.2".parse().expect("address"),
        file: file.into(),
        max_age: Duration::from_secs(seconds),
    };
    assert_eq!(plan.imported, [table("ce2-v4.json", 600), table("/abs/ce2-v6.json", 3600)]);

    assert_eq!(plan.echoes[0].kind, EchoKind::Stun("stun.example.net".into(), 3478));
    let expression = Some("src=([0-9a-f.:]+)".to_owned());
    assert_eq!(plan.echoes[1].kind, EchoKind::Url("https://echo.example.net/ip".into(), expression));
    let proxy = &plan.proxies[0];
    assert_eq!((proxy.host.as_str(), proxy.port, proxy.tls), ("squid.example", 3128, true));
    assert_eq!(proxy.credentials, Some(("joe".to_owned(), "p@ss:".to_owned())));
    assert_eq!(proxy.exit, ProxyExit::Internet);
    assert_eq!(plan.canaries[0].endpoint, EndpointKey::new("203.0.113.200", 443, Probe::Tcp));

    let arc = &plan.workloads[0];
    assert_eq!((arc.policy, arc.client_profile), (Policy::ClosedExcept, ClientProfile::WindowsCryptoapi));
    let allow: Vec<_> = arc.allow.iter().map(|(host, port)| (host.as_str(), *port)).collect();
    assert_eq!(
        allow,
        [("*.digicert.com", Some(80)), ("*", None), ("crl.example", None), ("2001:db8::1", Some(80))]
    );
    assert_eq!(arc.proxy.as_deref(), Some("azure-squid"));
    assert_eq!(arc.parameters["region"], "japaneast");
    assert_eq!(plan.targets[0].endpoint.to_string(), "acct.blob.core.windows.net:443/https");
    assert_eq!(plan.targets[0].expect_path.as_deref(), Some("er_private"));
    assert_eq!(plan.targets[1].endpoint.to_string(), "192.0.2.1:0/icmp");
    assert_eq!(plan.targets[1].workload, "arc");
    assert_eq!(plan.fetch.allow_private, ["crl.corp.example"]);
    assert_eq!(plan.data.catalogs, [PathBuf::from("site.toml"), "/abs/other.toml".into()]);
    assert_eq!(catalog_files(EVERY_KEY), plan.data.catalogs);
    assert_eq!(plan.data.asn, Some("asn.tsv".into()));
}

#[test]
fn targets_without_any_workload_belong_to_a_closed_default_one() {
    let plan = plan("[[target]]\nhost = \"a.example\"\n");
    assert_eq!(plan.workloads.len(), 1);
    assert_eq!(plan.workloads[0].name, "default");
    assert_eq!(plan.workloads[0].policy, Policy::Closed);
    assert_eq!(plan.workloads[0].client_profile, ClientProfile::Unknown);
    assert_eq!(plan.targets[0].workload, "default");
    assert_eq!(plan.targets[0].endpoint.to_string(), "a.example:443/tls");
}

#[test]
fn probes_bring_their_usual_ports() {
    let port = |probe: &str| {
        plan(&format!("[[target]]\nhost = \"a.example\"\nprobe = \"{probe}\"\n")).targets[0].endpoint.port
    };
    assert_eq!(port("tls"), 443);
    assert_eq!(port("https"), 443);
    assert_eq!(port("http"), 80);
    assert_eq!(port("icmp"), 0);
    assert_eq!(port("stun"), 3478);
    assert_eq!(port("udp-dns"), 53);
    assert_eq!(port("ntp"), 123);
}

#[test]
fn without_a_file_every_catalogue_is_observed_with_the_systems_resolver() {
    let plan = Plan::without_config(&CATALOGS);
    assert_eq!(plan.resolvers[0].servers, [ResolverServer::System]);
    assert_eq!(plan.agent.trust_anchors, [TrustAnchor::System]);
    assert_eq!(plan.workloads.len(), 1);
    assert_eq!(plan.workloads[0].name, "builtin");
    assert_eq!(plan.workloads[0].policy, Policy::Observe);
    assert_eq!(plan.workloads[0].catalogs, CATALOGS);
    assert!(plan.topology.links.is_empty());
}

#[test]
fn a_link_may_repeat_its_own_addresses_and_links_may_share_next_hops() {
    let plan = plan(
        r#"
[[link]]
name = "a"
edge = "er_private"
msee = ["203.0.113.2"]
hops = ["203.0.113.0/30", "203.0.113.2"]
next_hop = ["192.168.1.1"]
[[link]]
name = "b"
edge = "internet"
hops = ["203.0.113.4/30"]
next_hop = ["192.168.1.1"]
peering_service = true
"#,
    );
    assert_eq!(plan.topology.links.len(), 2);
    assert!(plan.topology.links[1].peering_service);
}

#[test]
fn macsec_is_right_on_expressroute_direct() {
    let plan = plan(
        r#"
[circuit.d]
sku = "local"
location = "Tokyo"
direct = true
[[link]]
name = "a"
edge = "er_private"
circuit = "d"
encryption = { macsec = "declared" }
"#,
    );
    assert!(plan.topology.links[0].encryption.macsec_declared);
}

#[test]
fn ipv4_mapped_addresses_become_the_ipv4_addresses_that_packets_carry() {
    let plan = plan(
        r#"
[http]
listen = ["[::ffff:127.0.0.1]:9806", "[fe80::1%3]:9806"]
[[resolver]]
servers = ["::ffff:10.0.0.1", "[::ffff:10.0.0.2]:5353"]
[topology]
onprem = ["::ffff:10.0.0.0/104", "::ffff:192.168.0.1", "::/80"]
ntp = ["[::ffff:10.0.0.3]"]
[[link]]
name = "a"
edge = "er_private"
msee = ["::ffff:203.0.113.2"]
[[target]]
host = "::ffff:192.0.2.1"
[[workload]]
name = "w"
policy = "closed-except"
allow = ["[::ffff:192.0.2.9]:80"]
"#,
    );
    let listen: Vec<String> = plan.http.listen.iter().map(ToString::to_string).collect();
    assert_eq!(listen, ["127.0.0.1:9806", "[fe80::1%3]:9806"]);
    assert_eq!(
        plan.resolvers[0].servers,
        [
            ResolverServer::Address("10.0.0.1:53".parse().expect("address")),
            ResolverServer::Address("10.0.0.2:5353".parse().expect("address")),
        ]
    );
    let onprem: Vec<String> = plan.topology.onprem.iter().map(ToString::to_string).collect();
    assert_eq!(onprem, ["10.0.0.0/8", "192.168.0.1/32", "::/80"]);
    assert_eq!(plan.topology.ntp, ["10.0.0.3"]);
    assert_eq!(plan.topology.links[0].msee[0].to_string(), "203.0.113.2");
    assert_eq!(plan.targets[0].endpoint.to_string(), "192.0.2.1:443/tls");
    assert!(plan.workloads[0].excepts("192.0.2.9", 80));
}
