//! `[[link]]`

use std::net::IpAddr;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::topology::refuse_everything;
use crate::config::errors::Problems;
use crate::config::field::{At, Field, read_all, read_optional};
use crate::config::scalar::{Declared, Name};
use crate::config::{Edge, Encryption, Link};

/// One way out of the site.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawLink {
    /// Its name in reports; unique among links and tunnels.
    pub name: Field<Name>,
    /// What kind of way it is.
    pub edge: Field<Edge>,
    /// The ExpressRoute circuit it belongs to: the NAME of a [circuit.NAME].
    #[serde(default)]
    pub circuit: Option<Field<Name>>,
    /// Microsoft's end of the /30 or /126 of the peering: the second usable address (E6a).
    #[serde(default)]
    pub msee: Vec<Field<IpAddr>>,
    /// Other addresses or prefixes whose appearance in a trace proves this link and no other.
    #[serde(default)]
    pub hops: Vec<Field<IpNet>>,
    /// The interface of this host that leads to this link; one that several links share proves none of them.
    #[serde(default)]
    pub interface: Option<Field<Name>>,
    /// The routers that lead to it; links may share them.
    #[serde(default)]
    pub next_hop: Vec<Field<IpAddr>>,
    /// Source addresses that the far end sees on this link (E8); those that several links share prove none of them.
    #[serde(default)]
    pub nat_pool: Vec<Field<IpNet>>,
    /// The BGP peer whose routes mean this link, in the BMP feed (E7a); one that several links share proves none of them.
    #[serde(default)]
    pub bgp_peer: Vec<Field<IpAddr>>,
    /// Whether the provider sells it as Azure Peering Service; only where the edge is "internet".
    #[serde(default)]
    pub peering_service: Field<bool>,
    /// What is declared about its encryption; it cannot be observed from here (F28).
    #[serde(default)]
    pub encryption: RawEncryption,
}

/// Declared encryption of a link.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawEncryption {
    /// IPsec by the provider or the edge router.
    pub ipsec: Field<Declared>,
    /// MACsec: only on a circuit with `direct = true` (P5).
    pub macsec: Field<Declared>,
}

impl At<RawLink> {
    pub(in crate::config) fn plan(&self, problems: &mut Problems) -> Option<Link> {
        let raw = &self.table;
        if let Some(edge) = raw.edge.get() {
            raw.fits(*edge, problems);
        }
        refuse_everything("hops", &raw.hops, "every trace would prove this link", problems);
        refuse_everything("nat_pool", &raw.nat_pool, "every source address would prove this link", problems);
        let name = raw.name.read(problems);
        let edge = raw.edge.read(problems);
        let circuit = read_optional(raw.circuit.as_ref(), problems).map(|name| name.0);
        let msee = read_all(&raw.msee, problems);
        let hops = read_all(&raw.hops, problems);
        let interface = read_optional(raw.interface.as_ref(), problems).map(|name| name.0);
        let next_hop = read_all(&raw.next_hop, problems);
        let nat_pool = read_all(&raw.nat_pool, problems);
        let bgp_peer = read_all(&raw.bgp_peer, problems);
        let peering_service = raw.peering_service.read(problems);
        let ipsec = raw.encryption.ipsec.read(problems);
        let macsec = raw.encryption.macsec.read(problems);
        let encryption = Encryption {
            ipsec_declared: ipsec? == Declared::Declared,
            macsec_declared: macsec? == Declared::Declared,
        };
        Some(Link {
            name: name?.0,
            edge: edge?,
            circuit,
            msee,
            hops,
            interface,
            next_hop,
            nat_pool,
            bgp_peer,
            peering_service: peering_service?,
            encryption,
        })
    }
}

impl RawLink {
    /// Notes the keys that such an edge does not have.
    fn fits(&self, edge: Edge, problems: &mut Problems) {
        let written = crate::failure::label(&edge);
        let is_er = is_expressroute(edge);
        if let (false, Some(msee)) = (is_er, self.msee.first()) {
            let help = "remove it, or use the edge er_private or er_microsoft; other hops go in `hops`";
            problems.add(
                &msee.span,
                format!("`msee` on a link whose edge is {written}: only ExpressRoute has an MSEE"),
                help,
            );
        }
        if let (false, Some(circuit)) = (is_er, &self.circuit) {
            let help = "remove it, or use the edge er_private or er_microsoft";
            problems.add(
                &circuit.span,
                format!("`circuit` on a link whose edge is {written}: only ExpressRoute has circuits"),
                help,
            );
        }
        if edge != Edge::Internet && self.peering_service.get() == Some(&true) {
            let help = "Azure Peering Service is a public Internet connection: use the edge internet";
            problems.add(
                &self.peering_service.span,
                format!("`peering_service` on a link whose edge is {written}"),
                help,
            );
        }
    }
}

/// Whether the link is a peering of an ExpressRoute circuit.
pub(in crate::config) fn is_expressroute(edge: Edge) -> bool {
    match edge {
        Edge::ErPrivate | Edge::ErMicrosoft => true,
        Edge::Internet | Edge::S2sVpnOverInternet | Edge::Internal => false,
    }
}

/// What a link or tunnel is called in messages.
pub(in crate::config) fn called(kind: &str, name: &Field<Name>) -> String {
    name.get().map_or_else(|| format!("a {kind}"), |name| format!("the {kind} \"{}\"", name.0))
}
