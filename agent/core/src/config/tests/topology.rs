//! Mistakes in links, tunnels and circuits: evidence that would prove two things, or something impossible.

use super::errors;

const CLASH: &str =
    "it must belong to one of them only; if both really share it, remove it from both: it proves neither";

#[test]
fn a_hop_that_would_prove_two_links_is_refused() {
    assert_eq!(
        errors(
            r#"
[[link]]
name = "a"
edge = "er_private"
msee = ["203.0.113.2"]
[[link]]
name = "b"
edge = "internet"
hops = ["203.0.113.0/30"]
[[tunnel]]
name = "t"
kind = "ipsec"
over = "internet"
prefixes = ["10.0.0.0/8"]
terminates = "ce"
hops = ["203.0.113.1"]
"#
        ),
        [
            format!(
                "9:9: 203.0.113.0/30 as a hop would prove both the link \"a\" (by 203.0.113.2/32) and the link \"b\" / {CLASH}"
            ),
            format!(
                "16:9: 203.0.113.1/32 as a hop would prove both the link \"b\" (by 203.0.113.0/30) and the tunnel \"t\" / {CLASH}"
            ),
        ]
    );
}

#[test]
fn the_interface_of_a_tunnel_on_the_host_belongs_to_nothing_else() {
    assert_eq!(
        errors(
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
terminates = "host"
interface = "eth1"
[[tunnel]]
name = "u"
kind = "ipsec"
over = "er_private"
prefixes = ["10.102.0.0/16"]
terminates = "host"
interface = "eth1"
"#
        ),
        [
            format!(
                "12:13: eth1 as an interface would prove both the link \"a\" (by eth1) and the tunnel \"t\" / {CLASH}"
            ),
            format!(
                "19:13: eth1 as an interface would prove both the link \"a\" (by eth1) and the tunnel \"u\" / {CLASH}"
            ),
        ]
    );
}

#[test]
fn a_prefix_that_matches_everything_proves_nothing() {
    assert_eq!(
        errors(
            "[topology]\nonprem = [\"0.0.0.0/0\"]\n[[link]]\nname = \"a\"\nedge = \"internet\"\nhops = [\"::/0\"]\n"
        ),
        [
            "2:11: 0.0.0.0/0 in `onprem` matches every address: every destination would count as inside / write narrower prefixes",
            "6:9: ::/0 in `hops` matches every address: every trace would prove this link / write narrower prefixes",
        ]
    );
}

#[test]
fn links_and_tunnels_share_one_space_of_names() {
    assert_eq!(
        errors(
            r#"
[[link]]
name = "a"
edge = "internet"
[[link]]
name = "a"
edge = "internet"
[[tunnel]]
name = "a"
kind = "ipsec"
over = "internet"
prefixes = ["10.0.0.0/8"]
terminates = "ce"
[[link]]
name = ""
edge = "internet"
[[link]]
name = "a b"
edge = "internet"
"#
        ),
        [
            "6:8: the name \"a\" stands twice: another link or tunnel has it / every name stands once: rename or remove one",
            "9:8: the name \"a\" stands twice: another link or tunnel has it / every name stands once: rename or remove one",
            "15:8: the name is empty / write a name: reports, labels and other sections refer to it",
            "18:8: the name \"a b\" holds a space or a control character / reports write names beside other words: use \"-\" or \"_\"",
        ]
    );
}

#[test]
fn keys_that_an_edge_does_not_have_are_refused() {
    assert_eq!(
        errors(
            r#"
[circuit.c]
sku = "local"
location = "Tokyo"
[[link]]
name = "a"
edge = "internet"
msee = ["203.0.113.2"]
circuit = "c"
[[link]]
name = "b"
edge = "er_private"
peering_service = true
[[link]]
name = "c"
edge = "er_microsft"
"#
        ),
        [
            "8:9: `msee` on a link whose edge is internet: only ExpressRoute has an MSEE / remove it, or use the edge er_private or er_microsoft; other hops go in `hops`",
            "9:11: `circuit` on a link whose edge is internet: only ExpressRoute has circuits / remove it, or use the edge er_private or er_microsoft",
            "13:19: `peering_service` on a link whose edge is er_private / Azure Peering Service is a public Internet connection: use the edge internet",
            "16:8: expected an edge, found \"er_microsft\" / did you mean \"er_microsoft\"? (known: er_private, er_microsoft, internet, s2s_vpn_over_internet, internal)",
        ]
    );
}

#[test]
fn a_circuit_that_a_link_names_must_exist() {
    let link = "[[link]]\nname = \"a\"\nedge = \"er_private\"\ncircuit = \"tokyo1\"\n";
    assert_eq!(errors(link), ["4:11: the circuit \"tokyo1\" does not exist / there is no [circuit.NAME]"]);
    let circuit = "[circuit.tokyo-1]\nsku = \"local\"\nlocation = \"Tokyo\"\n";
    assert_eq!(
        errors(&format!("{link}{circuit}")),
        ["4:11: the circuit \"tokyo1\" does not exist / did you mean \"tokyo-1\"? (known: tokyo-1)"]
    );
}

#[test]
fn a_broken_circuit_is_not_reported_as_missing_too() {
    assert_eq!(
        errors("[[link]]\nname = \"a\"\nedge = \"er_private\"\ncircuit = \"c\"\n[circuit]\nc = \"Tokyo\"\n"),
        ["6:5: [circuit.c] is a table, not one value / write it as a section: [circuit.c]"]
    );
}

#[test]
fn macsec_is_possible_only_on_expressroute_direct() {
    assert_eq!(
        errors(
            r#"
[circuit.c]
sku = "local"
location = "Tokyo"
[[link]]
name = "a"
edge = "er_private"
circuit = "c"
encryption = { macsec = "declared" }
[[link]]
name = "b"
edge = "internet"
encryption = { macsec = "declared" }
[[link]]
name = "d"
edge = "er_microsoft"
encryption = { macsec = "declared" }
"#
        ),
        [
            "9:25: MACsec on the circuit \"c\", which is not ExpressRoute Direct / a provider's circuit cannot have it: write macsec = \"none\", or direct = true if the ports are yours",
            "13:25: MACsec on a link whose edge is internet / MACsec exists only on ExpressRoute Direct: write macsec = \"none\"",
            "17:25: MACsec on a link without a circuit: it exists only on ExpressRoute Direct / add `circuit`, and `direct = true` to that [circuit.NAME]",
        ]
    );
}

#[test]
fn tunnels_need_a_known_kind_and_a_known_edge() {
    assert_eq!(
        errors(
            r#"
[[tunnel]]
name = "t"
kind = "wireguard"
over = "er"
prefixes = []
terminates = "router"
"#
        ),
        [
            "4:8: expected a kind of tunnel, found \"wireguard\" / known: ipsec, gsa_remote_network",
            "5:8: expected an edge, found \"er\" / known: er_private, er_microsoft, internet, s2s_vpn_over_internet, internal",
            "7:14: expected where the encryption begins, found \"router\" / known: host, ce",
        ]
    );
}

#[test]
fn prefixes_are_networks_and_addresses_are_addresses() {
    assert_eq!(
        errors(
            r#"
[topology]
onprem = ["192.168.1.7/16", "192.168.0.0/33", "::ffff:0:0/96"]
[[link]]
name = "a"
edge = "er_private"
msee = ["203.0.113.0/30"]
next_hop = ["router1"]
"#
        ),
        [
            "3:11: the prefix \"192.168.1.7/16\" has bits set after its first 16 / write \"192.168.0.0/16\" for the network, or \"192.168.1.7\" for the one address",
            "3:29: expected a prefix or an address, found \"192.168.0.0/33\" / write a prefix such as \"192.168.0.0/16\" or \"2001:db8::/32\", or one address",
            "3:47: 0.0.0.0/0 in `onprem` matches every address: every destination would count as inside / write narrower prefixes",
            "7:9: expected an IP address, found \"203.0.113.0/30\" / write one address, not a prefix",
            "8:13: expected an IP address, found \"router1\" / write an address such as \"203.0.113.2\" or \"2001:db8::2\"",
        ]
    );
}

#[test]
fn the_same_prefix_cannot_be_on_premises_and_a_vnet() {
    assert_eq!(
        errors("[topology]\nonprem = [\"10.0.0.0/8\"]\nvnet = [\"10.100.0.0/16\", \"10.0.0.0/8\"]\n"),
        [
            "3:26: the prefix 10.0.0.0/8 stands in both `vnet` and `onprem` / an address can be at one place only: remove it from one of them"
        ]
    );
}

#[test]
fn circuits_have_a_known_sku_a_visible_location_and_communities_of_microsoft() {
    assert_eq!(
        errors(
            "[circuit.c]\nsku = \"premum\"\nlocation = \" \"\nroute_filter = [\"8075:1\", \"12076:70000\", \"12076:+5\"]\n"
        ),
        [
            "2:7: expected a SKU, found \"premum\" / did you mean \"premium\"? (known: local, standard, premium)",
            "3:12: the location holds nothing but spaces / write the peering location of the circuit, or leave the key out",
            "4:17: expected a BGP community of Microsoft such as \"12076:51012\", found \"8075:1\" / the communities of the route filter are 12076: and a number up to 65535",
            "4:27: expected a BGP community of Microsoft such as \"12076:51012\", found \"12076:70000\" / the communities of the route filter are 12076: and a number up to 65535",
            "4:42: expected a BGP community of Microsoft such as \"12076:51012\", found \"12076:+5\" / the communities of the route filter are 12076: and a number up to 65535",
        ]
    );
}
