//! Azure: EL8 (unsupported services), EL9 (regions), EL10 and EL11 (tags without a region).

use super::circuits::Circuits;
use super::{Eligibility, Outcome, Question, Rule};
use crate::tables::{Community, Scope, Service, TagMatch};

/// EL8 to EL11; `None` where neither tag nor name says anything.
pub(super) fn judge(q: &Question<'_>, tags: &[TagMatch<'_>]) -> Option<Eligibility> {
    let region = tags.iter().find(|found| found.tag.is_region());
    if let Some(unsupported) = q.tables.support.unsupported(&q.names(), tags) {
        // Whether such addresses are announced on Microsoft peering is not documented (D2): only BMP tells.
        let answer = match region {
            Some(_) => Eligibility::conditional(Rule::El8, "conflict_unsupported_vs_regional")
                .told(None, Some(false)),
            None => Eligibility::not_eligible(Rule::El8, "unsupported").told(Some(false), Some(false)),
        };
        let fact =
            format!("{} is not supported on Microsoft peering ({})", unsupported.service, unsupported.by);
        return Some(answer.with_fact(fact));
    }
    match region {
        Some(found) => {
            let answer = regional(q, tags, q.tables.regions.own_name(&found.tag.region));
            Some(edge_of_gsa(q, answer))
        }
        None => tag_only(q, tags),
    }
}

/// A quarter of 151.206.0.0/16 is regional (D6), and all of it the edge of Global Secure Access, to which remote networks and
/// clients connect over the Internet (P8b). Its route may be there; that the service works over it nobody says.
fn edge_of_gsa(q: &Question<'_>, answer: Eligibility) -> Eligibility {
    let Some(net) = q.tables.networks.gsa_edge(q.ip).filter(|_| answer.result == Outcome::Eligible) else {
        return answer;
    };
    let Eligibility { community, peering, .. } = answer;
    let conflict = Eligibility::conditional(Rule::El12, "conflict_gsa_vs_regional").told(Some(true), None);
    Eligibility { community, peering, ..conflict }
        .with_fact(format!("edge of Global Secure Access ({net}), reached over the Internet"))
}

/// EL9: the address is in a region.
fn regional(q: &Question<'_>, tags: &[TagMatch<'_>], region: &str) -> Eligibility {
    let (circuits, tables) = (Circuits::new(q.topology), q.tables);
    let service = service(q, tags);
    let of_service = |rule| service.map(|service| circuits.by_service(rule, service));
    let received_as_service = || service.filter(|s| circuits.receive(s.community()));
    if circuits.scope(region, &tables.regions) == Scope::Outside {
        // Global communities are not bound to the circuit's scope.
        return of_service(Rule::El10).unwrap_or_else(|| {
            Eligibility::not_eligible(Rule::El9, "sku_scope")
                .told(Some(false), Some(true))
                .with_fact(format!("no circuit's SKU reaches {region}"))
        });
    }
    let Some(community) = tables.communities.of_region(region) else {
        return received_as_service().and_then(|_| of_service(Rule::El10)).unwrap_or_else(|| {
            Eligibility::conditional(Rule::El9, "no_documented_community").told(None, Some(true))
        });
    };
    let communities = candidates(q, tags, region, community);
    let received = |scope| circuits.receive_region(&communities, region, &tables.regions, scope);
    if let Some(community) = received(Scope::Inside) {
        return Eligibility::over_microsoft(Rule::El9, "region_community", community);
    }
    if received_as_service().is_some() {
        return of_service(Rule::El10).unwrap_or_else(|| circuits.lacking(Rule::El9, community));
    }
    match received(Scope::Unknown) {
        Some(community) => {
            Eligibility::conditional(Rule::El9, "sku_scope_unknown").by(community).told(None, Some(true))
        }
        None => circuits.lacking(Rule::El9, community),
    }
}

/// The region's own community, then those of its Storage, SQL, Cosmos DB and Backup that the address's tags name.
fn candidates(q: &Question<'_>, tags: &[TagMatch<'_>], region: &str, own: Community) -> Vec<Community> {
    let table = &q.tables.communities;
    let of_services = tags.iter().filter_map(|found| table.of_regional_service(region, found.tag.service()));
    std::iter::once(own).chain(of_services).collect()
}

/// The service community of one of the tags.
fn service<'a>(q: &Question<'a>, tags: &[TagMatch<'_>]) -> Option<&'a Service> {
    tags.iter().find_map(|found| q.tables.communities.of_tag(found.tag.service()))
}

/// EL10 and EL11: tags, but no region.
fn tag_only(q: &Question<'_>, tags: &[TagMatch<'_>]) -> Option<Eligibility> {
    if let Some(service) = service(q, tags) {
        return Some(Circuits::new(q.topology).by_service(Rule::El10, service));
    }
    if tags.iter().any(|found| found.tag.is_whole_cloud()) {
        return Some(Eligibility::unknown(Rule::El11, "global_only"));
    }
    (!tags.is_empty())
        .then(|| Eligibility::not_eligible(Rule::El10, "service_tag_only").told(Some(false), None))
}
