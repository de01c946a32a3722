//! The answer of attribution: class, link, confidence and the evidence behind them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Evidence;
use crate::config::Edge;

/// Path classes (DOMAIN §1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PathClass {
    /// Stays on the site.
    Internal,
    /// ExpressRoute private peering into a VNet.
    ErPrivate,
    /// The same, with IPsec inside.
    ErPrivateIpsec,
    /// ExpressRoute Microsoft peering.
    ErMicrosoft,
    /// An Internet provider.
    InternetDirect,
    /// An Internet provider that is a Peering Service partner: public connectivity all the same.
    InternetPeeringService,
    /// A site-to-site VPN over the Internet.
    VpnInternet,
    /// A forward proxy in Azure, reached by ExpressRoute; leaves by Azure's Internet edge.
    InternetViaAzureProxy,
    /// A default route from Azure; leaves by Azure's Internet edge.
    InternetViaAzureBgp,
    /// A forward proxy elsewhere.
    InternetViaProxy,
    /// Global Secure Access by a remote network.
    GsaRemoteNetwork,
    /// Global Secure Access by its client; cannot be observed on Linux.
    GsaClient,
    /// Several classes.
    Mixed,
    /// Not known; see the reason.
    Unknown,
}

impl PathClass {
    /// Whether the class counts as closed (DOMAIN §1.1).
    pub fn is_closed(self) -> bool {
        match self {
            Self::Internal | Self::ErPrivate | Self::ErPrivateIpsec | Self::ErMicrosoft => true,
            Self::InternetDirect
            | Self::InternetPeeringService
            | Self::VpnInternet
            | Self::InternetViaAzureProxy
            | Self::InternetViaAzureBgp
            | Self::InternetViaProxy
            | Self::GsaRemoteNetwork
            | Self::GsaClient
            | Self::Mixed
            | Self::Unknown => false,
        }
    }

    /// Whether the traffic meets the Internet at some edge: `internet_*` (DESIGN §4.5, F01 and F02).
    pub fn is_internet(self) -> bool {
        match self {
            Self::InternetDirect
            | Self::InternetPeeringService
            | Self::InternetViaAzureProxy
            | Self::InternetViaAzureBgp
            | Self::InternetViaProxy => true,
            Self::Internal
            | Self::ErPrivate
            | Self::ErPrivateIpsec
            | Self::ErMicrosoft
            | Self::VpnInternet
            | Self::GsaRemoteNetwork
            | Self::GsaClient
            | Self::Mixed
            | Self::Unknown => false,
        }
    }

    /// Whether the class is known and not closed: a leak where the policy is closed.
    pub fn is_open(self) -> bool {
        !self.is_closed() && !matches!(self, Self::Unknown | Self::Mixed)
    }
}

/// How sure the class is (A8). The lesser wins where several combine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// Goes with class `unknown`, always.
    Unknown,
    /// Control plane alone, or two strong hints of different planes, or a refusal.
    Probable,
    /// The data plane or a dedicated interface shows it, nothing contradicts, and the connection succeeded.
    Confirmed,
}

/// Which network finally delivers the packet (DOMAIN §1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// The site itself.
    Onprem,
    /// A virtual network.
    Vnet,
    /// Azure's public addresses.
    AzurePublic,
    /// Microsoft's network, not Azure.
    MicrosoftPublic,
    /// Somebody else's.
    ThirdParty,
    /// A forward proxy.
    Proxy,
    /// Global Secure Access.
    Gsa,
    /// Not known.
    Unknown,
}

/// Why a class is `unknown` (DOMAIN §3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// No way out of the site is declared.
    NoTopology,
    /// The destination did not answer; `route_only` tells what its route would be.
    Unreachable,
    /// Nothing seen decides between the declared links.
    NoEvidence,
    /// One hint of one plane alone does not decide.
    Insufficient,
    /// Links of several classes remain possible.
    Ambiguous,
    /// The forwarding table spreads the flow over links of several classes (F20).
    EcmpMixedClass,
    /// Strong evidence contradicts (F30).
    Conflict,
    /// A private address that belongs to no declared prefix (F13).
    UndeclaredPrivate,
    /// IPsec or a tunnel device of this host carries it, or may, and no `[[tunnel]]` declares that (A3, E5).
    UndeclaredTunnel,
    /// A NAT64 translator stands in between (RFC 6052): what lies beyond it is not seen.
    Nat64,
    /// The name leads to a loopback address: what listens there may carry it anywhere.
    LocalRelay,
    /// The address is made up by a resolver or a client on this host.
    SyntheticAnswer,
    /// The name did not resolve.
    DnsFailed,
    /// The guard refused to contact the address (DESIGN §5).
    ForbiddenAddress,
    /// It leaves by a proxy whose exit is not declared.
    ProxyExit,
    /// The probe does not exist in this version.
    NotProbed,
}

impl Reason {
    /// The reason in words, with what to do about it.
    pub fn explain(self) -> &'static str {
        match self {
            Self::NoTopology => {
                "no [[link]] is declared, so nothing seen can be mapped to a way out of the site: declare the links in [topology] and [[link]]"
            }
            Self::Unreachable => "the destination did not answer, so no traffic proves a path",
            Self::NoEvidence => {
                "no hop, interface or source address decides between the declared links: declare msee or hops addresses that answer to traceroute, or a dedicated interface"
            }
            Self::Insufficient => "one hint alone does not decide; a second, independent one is needed",
            Self::Ambiguous => "the evidence leaves links of several classes possible",
            Self::EcmpMixedClass => {
                "the routing table spreads this destination over links of several classes: remove the equal cost"
            }
            Self::Conflict => {
                "strong evidence contradicts: compare it below with `ip route get` and `traceroute -T`, then correct the network or the declared topology"
            }
            Self::UndeclaredPrivate => {
                "a private address outside every declared prefix: declare it in topology.onprem or topology.vnet, or find out who answers with it"
            }
            Self::UndeclaredTunnel => {
                "a tunnel of this host (IPsec or a device) carries it, or may, and no [[tunnel]] declares it: declare it with terminates = \"host\", and its interface or outer_peer"
            }
            Self::SyntheticAnswer => {
                "the address is made up on this host, by a client of Global Secure Access or a fake-IP resolver, so that connecting to it proves nothing: ask another resolver, or run the agent where the client does not"
            }
            Self::Nat64 => {
                "a NAT64 translator stands in between, and nothing seen here tells the path beyond it: probe the name over IPv4, or from behind the translator"
            }
            Self::LocalRelay => {
                "it leads to a loopback address, and what listens there may carry it anywhere: probe what the relay connects to"
            }
            Self::DnsFailed => "the name gave no address",
            Self::ForbiddenAddress => {
                "the URL came from the network and leads to an address that must not be contacted; if it is your own, list the host in fetch.allow_private"
            }
            Self::ProxyExit => {
                "it leaves by a proxy, and what lies behind is not declared: set `exit` of the [[proxy]]"
            }
            Self::NotProbed => "this version cannot make this kind of probe",
        }
    }
}

/// How one flow leaves the site and arrives (A10).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Path {
    /// The class.
    pub class: PathClass,
    /// How the packet leaves the site.
    pub edge: Option<Edge>,
    /// Which network delivers it.
    pub exit: Option<Exit>,
    /// The one link or tunnel; null where several remain.
    pub link: Option<String>,
    /// All links that remain possible; under a tunnel, the outer one.
    pub links: Vec<String>,
    /// The circuit, where all remaining links share one.
    pub circuit: Option<String>,
    /// How sure the class is.
    pub confidence: Confidence,
    /// `ipsec(declared)`, `ipsec(ce, observed)`, `macsec(declared)` …
    pub encryption: Vec<String>,
    /// Why the class is unknown.
    pub reason: Option<Reason>,
    /// The class its route would have, where the destination did not answer.
    pub route_only: Option<PathClass>,
    /// Everything that was considered.
    pub evidence: Vec<Evidence>,
}

impl Path {
    /// An unknown path.
    pub fn unknown(reason: Reason, evidence: Vec<Evidence>) -> Self {
        Self {
            class: PathClass::Unknown,
            edge: None,
            exit: None,
            link: None,
            links: Vec::new(),
            circuit: None,
            confidence: Confidence::Unknown,
            encryption: Vec::new(),
            reason: Some(reason),
            route_only: None,
            evidence,
        }
    }
}
