//! `[topology]`

use std::collections::BTreeSet;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::Topology;
use crate::config::errors::Problems;
use crate::config::field::{Field, read_all};
use crate::config::scalar::Host;

/// The site's own networks.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawTopology {
    /// Prefixes of the site's own network: a destination here stays inside, unless a longer prefix in `vnet` holds it.
    pub onprem: Vec<Field<IpNet>>,
    /// Prefixes of the Azure virtual networks that are reached over private peering or a VPN.
    pub vnet: Vec<Field<IpNet>>,
    /// Time sources of the site: names or addresses.
    pub ntp: Vec<Field<Host>>,
}

impl RawTopology {
    /// Without links, tunnels and circuits, which are sections of their own.
    pub(in crate::config) fn plan(&self, problems: &mut Problems) -> Topology {
        for (key, prefixes) in [("onprem", &self.onprem), ("vnet", &self.vnet)] {
            refuse_everything(key, prefixes, "every destination would count as inside", problems);
        }
        let onprem: BTreeSet<&IpNet> = self.onprem.iter().filter_map(Field::get).collect();
        for vnet in &self.vnet {
            if let Some(net) = vnet.get().filter(|net| onprem.contains(net)) {
                let message = format!("the prefix {net} stands in both `vnet` and `onprem`");
                let help = "an address can be at one place only: remove it from one of them";
                problems.add(&vnet.span, message, help);
            }
        }
        Topology {
            onprem: read_all(&self.onprem, problems),
            vnet: read_all(&self.vnet, problems),
            ntp: read_all::<Host, Vec<_>>(&self.ntp, problems).into_iter().map(|host| host.0).collect(),
            ..Topology::default()
        }
    }
}

/// A prefix of length 0, or one of the halves, proves nothing, though it matches everything.
pub(super) fn refuse_everything(key: &str, prefixes: &[Field<IpNet>], why: &str, problems: &mut Problems) {
    for field in prefixes {
        if let Some(net) = field.get().filter(|net| net.prefix_len() <= 1) {
            let which = if net.prefix_len() == 0 { "every" } else { "every second" };
            problems.add(
                &field.span,
                format!("{net} in `{key}` matches {which} address: {why}"),
                "write narrower prefixes",
            );
        }
    }
}
