//! "Even with everything approved": the declared site with one circuit that gets all that can be had.

use crate::config::{Circuit, Sku, Topology};
use crate::tables::{Communities, Community, Meaning};

/// The declared topology with one Premium circuit, every documented community in its route filter, and Microsoft 365
/// authorised, in place of the declared circuits. Declared networks stay: private peering is not a matter of approval.
pub(super) fn approved(declared: &Topology, communities: &Communities) -> Topology {
    let public = |value: &u16| match communities.meaning(Community(*value)) {
        // 50NNN is private peering's own.
        Meaning::Regional { plane, .. } => plane != 50,
        Meaning::Service(_) => true,
        Meaning::National(_) | Meaning::Unknown => false,
    };
    // DOMAIN §2.4: services are 5000 to 5999, regions 51000 to 55999.
    let values = (5_000..6_000).chain(51_000..56_000).filter(public);
    let circuit = Circuit {
        sku: Sku::Premium,
        location: String::new(),
        direct: false,
        route_filter: values.map(|value| Community(value).to_string()).collect(),
        m365_authorised: true,
    };
    let mut topology = declared.clone();
    topology.circuits = [("everything approved".to_owned(), circuit)].into();
    topology
}
