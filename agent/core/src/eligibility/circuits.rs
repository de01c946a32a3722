//! What the declared circuits would receive: route filters, SKU scope and authorisation, circuit by circuit.

use super::{Eligibility, Rule};
use crate::config::{Circuit, Sku, Topology};
use crate::tables::{Community, Regions, Scope, Service};

/// The declared circuits.
#[derive(Clone, Copy)]
pub(super) struct Circuits<'a> {
    topology: &'a Topology,
}

impl<'a> Circuits<'a> {
    pub(super) fn new(topology: &'a Topology) -> Self {
        Self { topology }
    }

    fn all(self) -> impl Iterator<Item = &'a Circuit> {
        self.topology.circuits.values()
    }

    /// Whether one circuit's filter lets the community through.
    pub(super) fn receive(self, community: Community) -> bool {
        self.all().any(|circuit| filters_in(circuit, community))
    }

    /// Whether one circuit both lets the community through and is authorised for Microsoft 365.
    pub(super) fn receive_authorised(self, community: Community) -> bool {
        self.all().any(|circuit| circuit.m365_authorised && filters_in(circuit, community))
    }

    pub(super) fn authorised(self) -> bool {
        self.all().any(|circuit| circuit.m365_authorised)
    }

    /// The first of the region's communities that one circuit both lets through and reaches.
    pub(super) fn receive_region(
        self,
        communities: &[Community],
        region: &str,
        regions: &Regions,
        scope: Scope,
    ) -> Option<Community> {
        let reaching = |community: Community| {
            self.all().any(|c| filters_in(c, community) && regions.scope(c, region) == scope)
        };
        communities.iter().copied().find(|&community| reaching(community))
    }

    /// The best that some circuit does for a region; `Unknown` without a circuit.
    pub(super) fn scope(self, region: &str, regions: &Regions) -> Scope {
        let all: Vec<Scope> = self.all().map(|circuit| regions.scope(circuit, region)).collect();
        match (all.contains(&Scope::Inside), all.contains(&Scope::Unknown) || all.is_empty()) {
            (true, _) => Scope::Inside,
            (false, true) => Scope::Unknown,
            (false, false) => Scope::Outside,
        }
    }

    /// What is missing for a community that no circuit receives: the filter entry, or a circuit at all.
    pub(super) fn lacking(self, rule: Rule, community: Community) -> Eligibility {
        let code = if self.topology.circuits.is_empty() { "no_circuit" } else { "route_filter" };
        Eligibility::conditional(rule, format!("{code}: {community}"))
            .by(community)
            .told(Some(false), Some(true))
    }

    /// Eligible by a service community, or what is missing for it.
    pub(super) fn by_service(self, rule: Rule, service: &Service) -> Eligibility {
        let community = service.community();
        let received = self.receive(community);
        let answer = match received {
            true => Eligibility::over_microsoft(rule, "service_community", community),
            false => self.lacking(rule, community),
        };
        let answer = answer.with_fact(format!("{community} is {}", service.name));
        // Whether a Standard circuit receives global communities is not documented (DOMAIN §2.5).
        let mut could = self.all().filter(|circuit| !received || filters_in(circuit, community)).peekable();
        match could.peek().is_some() && could.all(|circuit| circuit.sku != Sku::Premium) {
            true => answer.on_condition("global_community_on_standard"),
            false => answer,
        }
    }

    /// Whether a Premium circuit lets the community through.
    pub(super) fn receive_premium(self, community: Community) -> bool {
        self.all().any(|circuit| circuit.sku == Sku::Premium && filters_in(circuit, community))
    }
}

fn filters_in(circuit: &Circuit, community: Community) -> bool {
    circuit.route_filter.iter().any(|text| text.parse() == Ok(community))
}
