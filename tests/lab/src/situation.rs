//! What is true in each position of the switches, by network and by hand: class and confidence that the agent must tell of
//! every address. `unknown` stands only where the evidence of that position honestly leaves nothing else, and says why.

use std::net::IpAddr;

use crate::plan::node_of;
use crate::position::{BASELINE, DefaultRoute, Internet, Multipath, Position};

/// `path.class` and `path.confidence` of an address that answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// The class.
    pub class: &'static str,
    /// The confidence.
    pub confidence: &'static str,
}

/// One position of the switches, and what is true in it.
#[derive(Debug, Clone, Copy)]
pub struct Situation {
    /// What it is, in words.
    pub name: &'static str,
    /// How the switches stand.
    pub position: Position,
    /// What is in the VNet, IPv4.
    pub private: Told,
    /// What is in the VNet, IPv6.
    pub private_v6: Told,
    /// The Azure region, IPv4.
    pub region: Told,
    /// The Azure region, IPv6.
    pub region_v6: Told,
    /// Front Door.
    pub front_door: Told,
    /// The CDN and the CA.
    pub third_party: Told,
    /// Findings that must be there: identifier and how the subject begins.
    pub findings: &'static [(&'static str, &'static str)],
    /// The verdicts that are true on a workload that is promised to be closed and uses the VNet and the region.
    pub verdicts: &'static [&'static str],
}

impl Situation {
    /// What is true of `address`; `None` where nothing is promised to answer, and outside of all networks.
    pub fn told(&self, address: IpAddr) -> Option<Told> {
        match node_of(address)? {
            "vnet" if address.is_ipv6() => Some(self.private_v6),
            "vnet" => Some(self.private),
            "azure" if address.is_ipv6() => Some(self.region_v6),
            "azure" => Some(self.region),
            "afd" => Some(self.front_door),
            "cdn" | "ca" => Some(self.third_party),
            // A refusal is an answer, but no connection: at most probable.
            "void" if self.third_party.confidence == "confirmed" => {
                Some(Told { confidence: "probable", ..self.third_party })
            }
            "void" => Some(self.third_party),
            _ => None,
        }
    }
}

const fn confirmed(class: &'static str) -> Told {
    Told { class, confidence: "confirmed" }
}

const fn probable(class: &'static str) -> Told {
    Told { class, confidence: "probable" }
}

const UNKNOWN: Told = Told { class: "unknown", confidence: "unknown" };

/// As promised: the other positions differ from it.
const PROMISED: Situation = Situation {
    name: "baseline",
    position: BASELINE,
    private: confirmed("er_private"),
    private_v6: confirmed("er_private"),
    region: confirmed("er_microsoft"),
    region_v6: confirmed("er_microsoft"),
    front_door: confirmed("internet_direct"),
    third_party: confirmed("internet_direct"),
    findings: &[],
    verdicts: &["CLOSED"],
};

/// The switches that hold in two tables.
const CIRCUIT_DOWN: Position = Position { msees: false, ..BASELINE };
const SILENT: Position = Position { silent_msees: true, ..BASELINE };
const SERVICE: Position = Position { peering_service: true, ..BASELINE };
const VIA_AZURE: Position = Position { default_route: DefaultRoute::ViaAzure, ..BASELINE };

/// With hops alone (no BMP).
pub const BY_HOPS: [Situation; 9] = [
    PROMISED,
    Situation { name: "primary down", position: Position { primary: false, ..BASELINE }, ..PROMISED },
    Situation {
        name: "circuit down",
        position: CIRCUIT_DOWN,
        // Nothing answers there: it dies at the provider.
        private: UNKNOWN,
        private_v6: UNKNOWN,
        region: confirmed("internet_direct"),
        region_v6: confirmed("internet_direct"),
        findings: &[("F01", "arm.azure.example"), ("F12", "app.vnet.example")],
        verdicts: &["NOT_CLOSED"],
        ..PROMISED
    },
    Situation {
        name: "Internet cut",
        position: Position { internet: Internet::NoRoute, ..BASELINE },
        // Nothing answers there.
        front_door: UNKNOWN,
        third_party: UNKNOWN,
        findings: &[("F33", "crl.pki.example")],
        ..PROMISED
    },
    Situation {
        name: "default route from Azure",
        position: VIA_AZURE,
        // The hop shows the private peering, but not the default route that the class is about.
        front_door: probable("internet_via_azure_bgp"),
        third_party: probable("internet_via_azure_bgp"),
        ..PROMISED
    },
    Situation {
        name: "IPv6 leak",
        position: Position { ipv6_leak: true, ..BASELINE },
        region_v6: confirmed("internet_direct"),
        findings: &[("F22", "arm.azure.example")],
        verdicts: &["NOT_CLOSED"],
        ..PROMISED
    },
    Situation {
        name: "peering service up",
        position: SERVICE,
        front_door: confirmed("internet_peering_service"),
        ..PROMISED
    },
    Situation {
        name: "peering service up, circuit down",
        position: Position { peering_service: true, ..CIRCUIT_DOWN },
        // Nothing answers there: it dies at the provider.
        private: UNKNOWN,
        private_v6: UNKNOWN,
        region: confirmed("internet_peering_service"),
        region_v6: confirmed("internet_peering_service"),
        front_door: confirmed("internet_peering_service"),
        findings: &[("F29", "")],
        verdicts: &["NOT_CLOSED"],
        ..PROMISED
    },
    Situation {
        name: "silent MSEEs",
        position: SILENT,
        // No hop, no interface and no table decides between the peerings.
        private: UNKNOWN,
        private_v6: UNKNOWN,
        region: UNKNOWN,
        region_v6: UNKNOWN,
        verdicts: &["UNDETERMINED"],
        ..PROMISED
    },
];

/// With the edge's table over BMP beside the hops.
pub const BY_TABLES: [Situation; 5] = [
    Situation {
        name: "silent MSEEs",
        position: SILENT,
        // The gateway's own choice, which no hop shows.
        private: probable("er_private"),
        region: probable("er_microsoft"),
        // The gateway of IPv6 is that router too, by its link-layer address.
        private_v6: probable("er_private"),
        region_v6: probable("er_microsoft"),
        verdicts: &["UNDETERMINED"],
        ..PROMISED
    },
    Situation {
        name: "peering service up",
        position: SERVICE,
        front_door: confirmed("internet_peering_service"),
        ..PROMISED
    },
    Situation {
        name: "peering service up, circuit down",
        position: Position { peering_service: true, ..CIRCUIT_DOWN },
        // Nothing answers there: it dies at the provider.
        private: UNKNOWN,
        private_v6: UNKNOWN,
        region: confirmed("internet_peering_service"),
        region_v6: confirmed("internet_peering_service"),
        front_door: confirmed("internet_peering_service"),
        findings: &[("F29", "")],
        verdicts: &["NOT_CLOSED"],
        ..PROMISED
    },
    Situation {
        name: "default route from Azure",
        position: VIA_AZURE,
        front_door: confirmed("internet_via_azure_bgp"),
        third_party: confirmed("internet_via_azure_bgp"),
        ..PROMISED
    },
    Situation {
        name: "IPv6 leak",
        position: Position { ipv6_leak: true, ..BASELINE },
        region_v6: confirmed("internet_direct"),
        findings: &[("F22", "arm.azure.example")],
        verdicts: &["NOT_CLOSED"],
        ..PROMISED
    },
];

/// Flows to the region are spread over Microsoft peering and the Internet: several flows to one address take several classes,
/// and one that was seen does not speak for the next. Some go by the Internet, so it is not closed (F20).
pub const SPREAD: [Situation; 2] = [
    Situation {
        name: "multipath on the edge",
        position: Position { multipath: Multipath::Edge, ..BASELINE },
        region: UNKNOWN,
        region_v6: UNKNOWN,
        findings: &[("F20", "arm.azure.example")],
        verdicts: &["NOT_CLOSED"],
        ..PROMISED
    },
    Situation {
        name: "multipath on the host",
        position: Position { multipath: Multipath::Host, ..BASELINE },
        region: UNKNOWN,
        region_v6: UNKNOWN,
        findings: &[("F20", "arm.azure.example")],
        verdicts: &["NOT_CLOSED"],
        ..PROMISED
    },
];
