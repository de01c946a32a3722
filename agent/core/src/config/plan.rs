//! The validated plan: what the rest of closedpath reads. Nothing in it needs to be checked again.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::target::{EndpointKey, Probe};

/// Everything the configuration says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// `[agent]`
    pub agent: Agent,
    /// `[http]`
    pub http: Http,
    /// `[probe]`
    pub probe: ProbeSettings,
    /// `[verdict]`
    pub verdict: VerdictSettings,
    /// `[[resolver]]`; never empty: the system's where none is configured.
    pub resolvers: Vec<Resolver>,
    /// `[topology]`, `[[link]]`, `[[tunnel]]`, `[circuit.*]`
    pub topology: Topology,
    /// `[bmp]`
    pub bmp: Option<Bmp>,
    /// `[[table]]`; no router of it is also in [`Bmp::allow`].
    pub imported: Vec<ImportedTable>,
    /// `[[echo]]`
    pub echoes: Vec<Echo>,
    /// `[[proxy]]`
    pub proxies: Vec<Proxy>,
    /// `[[canary]]`
    pub canaries: Vec<Canary>,
    /// `[[workload]]`, in order.
    pub workloads: Vec<Workload>,
    /// `[[target]]`, in order.
    pub targets: Vec<Target>,
    /// `[fetch]`
    pub fetch: Fetch,
    /// `[data]`
    pub data: Data,
}

impl Plan {
    /// Every router whose table is expected, by BMP or from a file: a flow may meet one that is silent.
    pub fn routers(&self) -> Vec<IpAddr> {
        let sending = self.bmp.iter().flat_map(|bmp| &bmp.allow);
        let imported = self.imported.iter().map(|table| &table.router);
        let all: BTreeSet<IpAddr> = sending.chain(imported).map(IpAddr::to_canonical).collect();
        all.into_iter().collect()
    }
}

/// `[agent]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// Name of the site, a label on reports.
    pub site: String,
    /// Where state is kept.
    pub state_dir: PathBuf,
    /// Where trust begins.
    pub trust_anchors: Vec<TrustAnchor>,
    /// PEM file of the site's own TLS inspection CA.
    pub inspection_ca: Option<PathBuf>,
}

impl Default for Agent {
    fn default() -> Self {
        Self {
            site: String::new(),
            state_dir: PathBuf::from("/var/lib/closedpath"),
            trust_anchors: vec![TrustAnchor::System],
            inspection_ca: None,
        }
    }
}

/// A source of trust anchors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrustAnchor {
    /// The operating system's store.
    System,
    /// A PEM file.
    Pem(PathBuf),
}

/// `[http]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http {
    /// Where the status page and the metrics are served.
    pub listen: Vec<SocketAddr>,
    /// TLS and basic authentication in the exporter-toolkit's format.
    pub web_config: Option<PathBuf>,
}

impl Default for Http {
    fn default() -> Self {
        Self { listen: vec![SocketAddr::from(([127, 0, 0, 1], 9806))], web_config: None }
    }
}

/// `[probe]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeSettings {
    /// Between two rounds of `run`.
    pub interval: Duration,
    /// For each step.
    pub timeout: Duration,
    /// Between two full traces of one flow.
    pub trace_interval: Duration,
    /// Probes in flight.
    pub concurrency: usize,
    /// Source addresses of probes, at most one of each family.
    pub source: Vec<IpAddr>,
    /// The interface that probes leave by.
    pub interface: Option<String>,
    /// The mark of their packets.
    pub mark: Option<u32>,
}

impl Default for ProbeSettings {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(60),
            timeout: Duration::from_secs(5),
            trace_interval: Duration::from_secs(300),
            concurrency: 256,
            source: Vec::new(),
            interface: None,
            mark: None,
        }
    }
}

/// `[verdict]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerdictSettings {
    /// A closed path may be `probable`.
    pub accept_probable: bool,
    /// No CLOSED before the window has passed.
    pub require_window: bool,
    /// The observation window.
    pub window: Duration,
}

impl Default for VerdictSettings {
    fn default() -> Self {
        Self { accept_probable: false, require_window: false, window: Duration::from_secs(24 * 3600) }
    }
}

/// `[[resolver]]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolver {
    /// Its name in reports; `resolver-N`, the Nth of the file from 1, where none is declared.
    pub name: String,
    /// Asked in this order.
    pub servers: Vec<ResolverServer>,
}

/// One DNS server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResolverServer {
    /// Those of the operating system, and `/etc/hosts` before them.
    System,
    /// An address and port.
    Address(SocketAddr),
}

/// What the operator declares about the ways out of the site (DOMAIN §3.1).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Topology {
    /// Prefixes of the site's own network. Of these and [`Topology::vnet`] the longest that matches decides.
    pub onprem: Vec<IpNet>,
    /// Prefixes of the virtual networks; none is also in [`Topology::onprem`], but one may lie inside the other.
    pub vnet: Vec<IpNet>,
    /// Time sources: names or addresses.
    pub ntp: Vec<String>,
    /// Ways out, in order.
    pub links: Vec<Link>,
    /// Tunnels over them.
    pub tunnels: Vec<Tunnel>,
    /// ExpressRoute circuits by name.
    pub circuits: BTreeMap<String, Circuit>,
}

/// How a packet leaves the site (DOMAIN §1.1).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Edge {
    /// ExpressRoute private peering.
    ErPrivate,
    /// ExpressRoute Microsoft peering.
    ErMicrosoft,
    /// An Internet provider.
    Internet,
    /// A site-to-site VPN that rides the Internet.
    S2sVpnOverInternet,
    /// It stays inside.
    Internal,
}

/// `[[link]]`: one way out of the site.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// Unique name.
    pub name: String,
    /// What kind of way.
    pub edge: Edge,
    /// The circuit it belongs to; always one of [`Topology::circuits`].
    pub circuit: Option<String>,
    /// Microsoft's end of the /30 or /126 (E6a).
    pub msee: Vec<IpAddr>,
    /// Other prefixes whose appearance as a hop proves this link.
    pub hops: Vec<IpNet>,
    /// The interface that leads to this link; several links may name the same, then it proves none of them.
    pub interface: Option<String>,
    /// The routers that lead to it.
    pub next_hop: Vec<IpAddr>,
    /// Source addresses the far end sees on this link (E8); may overlap with those of other links, then they prove none.
    pub nat_pool: Vec<IpNet>,
    /// BGP peers whose routes mean this link (E7a); several links may name the same, then it proves none of them.
    pub bgp_peer: Vec<IpAddr>,
    /// Azure Peering Service (P6).
    pub peering_service: bool,
    /// What is declared about encryption (E16).
    pub encryption: Encryption,
}

/// Declared encryption of a link; never observed (F28).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Encryption {
    /// IPsec by the provider or the edge router.
    pub ipsec_declared: bool,
    /// MACsec on ExpressRoute Direct (P5).
    pub macsec_declared: bool,
}

/// `[[tunnel]]`: encryption over a link.
#[derive(Debug, Clone, PartialEq)]
pub struct Tunnel {
    /// Unique name.
    pub name: String,
    /// What kind.
    pub kind: TunnelKind,
    /// Edge of the outer path.
    pub over: Edge,
    /// The far ends of the outer path.
    pub outer_peer: Vec<IpAddr>,
    /// Destinations that go through it; may be empty.
    pub prefixes: Vec<IpNet>,
    /// Where the encryption begins.
    pub terminates: Terminates,
    /// Hops that prove it.
    pub hops: Vec<IpNet>,
    /// Its interface; only where it terminates on this host.
    pub interface: Option<String>,
}

/// Kinds of tunnels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TunnelKind {
    /// IPsec to a VPN gateway.
    Ipsec,
    /// IPsec to Global Secure Access.
    GsaRemoteNetwork,
}

/// Where a tunnel's encryption begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Terminates {
    /// On this host.
    Host,
    /// On the customer edge; the weaker claim, so it is the default.
    #[default]
    Ce,
}

/// `[circuit.NAME]`
#[derive(Debug, Clone, PartialEq)]
pub struct Circuit {
    /// Which regions it reaches (DOMAIN §2.5).
    pub sku: Sku,
    /// Peering location; empty where none is declared: nothing is then known of what is near.
    pub location: String,
    /// ExpressRoute Direct.
    pub direct: bool,
    /// Communities of the route filter, `12076:NNNNN`.
    pub route_filter: Vec<String>,
    /// Microsoft has authorised Microsoft 365 routes.
    pub m365_authorised: bool,
}

/// ExpressRoute SKUs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sku {
    /// One or two near regions.
    Local,
    /// The geopolitical region.
    #[default]
    Standard,
    /// All regions.
    Premium,
}

/// `[bmp]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bmp {
    /// Where routers send their tables.
    pub listen: SocketAddr,
    /// Routers that may; empty: nobody.
    pub allow: Vec<IpAddr>,
}

/// `[[table]]`: a router's table in a file. Several files may be of one router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedTable {
    /// The router; canonical.
    pub router: IpAddr,
    /// The file.
    pub file: PathBuf,
    /// Counted from the file's time of change.
    pub max_age: Duration,
}

/// `[[echo]]`: tells which source address the outside saw (E8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Echo {
    /// How it is asked.
    pub kind: EchoKind,
}

impl Echo {
    /// What is asked, directly: never through a proxy, whose own address the answer would be.
    pub fn endpoint(&self) -> Option<EndpointKey> {
        match &self.kind {
            EchoKind::Stun(host, port) => Some(EndpointKey::new(host, *port, Probe::Stun)),
            EchoKind::Url(url, _) => {
                let url = url::Url::parse(url).ok()?;
                let probe = if url.scheme() == "https" { Probe::Https } else { Probe::Http };
                Some(EndpointKey::new(url.host_str()?, url.port_or_known_default()?, probe))
            }
        }
    }
}

/// How an echo is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EchoKind {
    /// STUN (RFC 8489) at host and port.
    Stun(String, u16),
    /// An HTTP page, and the expression whose first group is the address.
    Url(String, Option<String>),
}

/// `[[proxy]]`
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    /// Its name in reports.
    pub name: String,
    /// Where it listens.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The connection to the proxy itself is TLS.
    pub tls: bool,
    /// User and password; never shown.
    pub credentials: Option<(String, String)>,
    /// Where it delivers.
    pub exit: ProxyExit,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("name", &self.name)
            .field("host", &self.host)
            .field("port", &self.port)
            .field("tls", &self.tls)
            .field("credentials", &self.credentials.as_ref().map(|_| "***"))
            .field("exit", &self.exit)
            .finish()
    }
}

/// Declared exit of a proxy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProxyExit {
    /// Any public destination.
    Internet,
    /// Azure public addresses.
    AzurePublic,
    /// Not declared.
    #[default]
    Unknown,
}

/// `[[canary]]`: must not be reachable when the policy is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canary {
    /// What must fail.
    pub endpoint: EndpointKey,
}

/// `[[workload]]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// Unique name.
    pub name: String,
    /// What is promised.
    pub policy: Policy,
    /// Exceptions: `host:port`, the host may begin with `*.`. Kept with every policy, in force only with `closed-except`:
    /// ask [`Workload::excepts`].
    pub allow: Vec<(String, Option<u16>)>,
    /// Names of catalogues; without any, and without targets, nothing is looked at and nothing may be called closed.
    pub catalogs: Vec<String>,
    /// How its clients check revocation (DOMAIN §4.4.1).
    pub client_profile: ClientProfile,
    /// Name of its forward proxy.
    pub proxy: Option<String>,
    /// File of the script that chooses its proxies; never beside [`Workload::proxy`].
    pub pac: Option<PathBuf>,
    /// Values for the catalogues' placeholders.
    pub parameters: BTreeMap<String, String>,
}

impl Workload {
    /// Whether the policy excepts this destination. `*.x` matches every name below x, not x itself (W2); `*` matches all.
    pub fn excepts(&self, host: &str, port: u16) -> bool {
        self.policy == Policy::ClosedExcept
            && self.allow.iter().any(|(pattern, at)| {
                at.is_none_or(|at| at == port)
                    && match pattern.strip_prefix('*') {
                        Some(suffix) => host.len() > suffix.len() && host.ends_with(suffix),
                        None => host == pattern,
                    }
            })
    }
}

/// What is promised about a workload.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// Nothing leaves by the Internet.
    #[default]
    Closed,
    /// Nothing but the exceptions.
    ClosedExcept,
    /// Only watched.
    Observe,
}

/// How clients behave when revocation cannot be checked (DOMAIN §4.4.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClientProfile {
    /// Windows CryptoAPI: soft by default.
    WindowsCryptoapi,
    /// curl with Schannel: fails hard.
    CurlSchannel,
    /// .NET.
    Dotnet,
    /// Java JSSE: off by default.
    Java,
    /// OpenSSL, curl or wget with it: never checks by itself.
    Openssl,
    /// Go: never checks by itself.
    Go,
    /// Declared not to check.
    None,
    /// Not known.
    #[default]
    Unknown,
}

impl ClientProfile {
    /// Whether such clients ever follow the CRL, OCSP and caIssuers pointers of certificates.
    pub fn follows_pointers(self) -> bool {
        match self {
            Self::CurlSchannel | Self::WindowsCryptoapi | Self::Dotnet | Self::Unknown => true,
            Self::Java | Self::Openssl | Self::Go | Self::None => false,
        }
    }
}

/// `[[target]]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The workload it belongs to; always one of [`Plan::workloads`].
    pub workload: String,
    /// What to reach.
    pub endpoint: EndpointKey,
    /// The path class it must have, as written in reports.
    pub expect_path: Option<String>,
}

/// `[fetch]`
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fetch {
    /// Hosts of network-supplied URLs that may be private addresses; canonical.
    pub allow_private: Vec<String>,
}

/// `[data]`: files instead of the embedded snapshot, and catalogues beside the built-in ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Data {
    /// Azure Service Tags JSON.
    pub service_tags: Option<PathBuf>,
    /// Microsoft 365 endpoints JSON.
    pub m365: Option<PathBuf>,
    /// Address to autonomous system.
    pub asn: Option<PathBuf>,
    /// Catalogues of the operator's own; [`Workload::catalogs`] may name their services, too.
    pub catalogs: Vec<PathBuf>,
}
