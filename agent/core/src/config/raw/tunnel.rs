//! `[[tunnel]]`

use std::net::IpAddr;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::Deserialize;

use super::topology::refuse_everything;
use crate::config::errors::Problems;
use crate::config::field::{At, Field, read_all, read_optional};
use crate::config::scalar::Name;
use crate::config::{Edge, Terminates, Tunnel, TunnelKind};

/// Encryption over a link.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawTunnel {
    /// Its name in reports; unique among links and tunnels.
    pub name: Field<Name>,
    /// What kind of tunnel.
    pub kind: Field<TunnelKind>,
    /// Edge of the outer path: what the encrypted packets travel over.
    pub over: Field<Edge>,
    /// The far ends of the outer path.
    #[serde(default)]
    pub outer_peer: Vec<Field<IpAddr>>,
    /// Destinations that go through it.
    #[serde(default)]
    pub prefixes: Vec<Field<IpNet>>,
    /// Where the encryption begins: on this host, or on the customer edge router.
    #[serde(default)]
    pub terminates: Field<Terminates>,
    /// Addresses or prefixes whose appearance in a trace proves the tunnel.
    #[serde(default)]
    pub hops: Vec<Field<IpNet>>,
    /// Its interface. Has effect only where it terminates on the host.
    #[serde(default)]
    pub interface: Option<Field<Name>>,
}

impl At<RawTunnel> {
    pub(in crate::config) fn plan(&self, problems: &mut Problems) -> Option<Tunnel> {
        let raw = &self.table;
        refuse_everything("hops", &raw.hops, "every trace would prove this tunnel", problems);
        let name = raw.name.read(problems);
        let kind = raw.kind.read(problems);
        let over = raw.over.read(problems);
        let outer_peer = read_all(&raw.outer_peer, problems);
        let prefixes = read_all(&raw.prefixes, problems);
        let terminates = raw.terminates.read(problems);
        let hops = read_all(&raw.hops, problems);
        let interface = read_optional(raw.interface.as_ref(), problems).map(|name| name.0);
        // A tunnel of the edge router has no interface here: one of that name would prove something else (E1).
        let interface = interface.filter(|_| terminates == Some(Terminates::Host));
        Some(Tunnel {
            name: name?.0,
            kind: kind?,
            over: over?,
            outer_peer,
            prefixes,
            terminates: terminates?,
            hops,
            interface,
        })
    }
}
