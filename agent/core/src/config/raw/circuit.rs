//! `[circuit.NAME]`

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::errors::Problems;
use crate::config::field::{At, Field, read_all};
use crate::config::scalar::{Community, Text};
use crate::config::{Circuit, Sku};

/// An ExpressRoute circuit.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawCircuit {
    /// Which regions it reaches.
    #[serde(default)]
    pub sku: Field<Sku>,
    /// Peering location, as the portal writes it: "Tokyo". Without it nothing is known of what is near.
    #[serde(default)]
    pub location: Field<Text>,
    /// Whether it is ExpressRoute Direct; MACsec is possible only there.
    #[serde(default)]
    pub direct: Field<bool>,
    /// BGP communities of the route filter on its Microsoft peering; none: nothing is advertised.
    #[serde(default)]
    pub route_filter: Vec<Field<Community>>,
    /// Whether Microsoft has authorised Microsoft 365 routes on it.
    #[serde(default)]
    pub m365_authorised: Field<bool>,
}

impl At<RawCircuit> {
    pub(in crate::config) fn plan(&self, problems: &mut Problems) -> Option<Circuit> {
        let raw = &self.table;
        let sku = raw.sku.read(problems);
        let location = raw.location.read(problems);
        if raw.location.get().is_some_and(|location| !location.0.is_empty() && location.0.trim().is_empty()) {
            let help = "write the peering location of the circuit, or leave the key out";
            problems.add(&raw.location.span, "the location holds nothing but spaces", help);
        }
        let direct = raw.direct.read(problems);
        let route_filter: Vec<Community> = read_all(&raw.route_filter, problems);
        let m365_authorised = raw.m365_authorised.read(problems);
        Some(Circuit {
            sku: sku?,
            location: location?.0,
            direct: direct?,
            route_filter: route_filter.into_iter().map(|community| community.0).collect(),
            m365_authorised: m365_authorised?,
        })
    }
}
