//! Microsoft 365: EL6 (kept off ExpressRoute) and EL7 (allowed, with community and authorisation).

use super::circuits::Circuits;
use super::{Eligibility, Outcome, Question, Rule};
use crate::tables::{M365, M365Match, Service};

/// EL6 and EL7; `None` where the destination is not Microsoft 365.
pub(super) fn judge(q: &Question<'_>, m365: &M365) -> Option<Eligibility> {
    let by_name = sets_of_name(q, m365);
    let by_address = m365.by_address(q.ip);
    if by_name.is_empty() {
        // A name that no set knows, or none: the community goes with the prefix, not with the name.
        return (!by_address.is_empty()).then(|| allowed(q, &by_address));
    }
    let may: Vec<u32> =
        by_name.iter().filter(|found| found.set.express_route).map(|found| found.set.id).collect();
    if may.is_empty() {
        let answer = Eligibility::not_eligible(Rule::El6, "m365_er_no").told(None, Some(false));
        return Some(by_name.iter().fold(answer, |answer, found| {
            answer.with_fact(format!("Microsoft 365 set {} by {}: ExpressRoute no", found.set.id, found.by))
        }));
    }
    let inside: Vec<M365Match<'_>> =
        by_address.into_iter().filter(|found| may.contains(&found.set.id)).collect();
    Some(match inside.is_empty() {
        false => allowed(q, &inside),
        true => {
            let ids: Vec<String> = may.iter().map(u32::to_string).collect();
            Eligibility::conditional(Rule::El7, "address_outside_set")
                .told(None, Some(true))
                .with_fact(format!("not among the addresses of Microsoft 365 set {}", ids.join(", ")))
        }
    })
}

/// The sets that own the name; where none does, those of its first alias that has some. Wildcards for platforms that customers
/// share do not count.
pub(super) fn sets_of_name<'a>(q: &Question<'_>, m365: &'a M365) -> Vec<M365Match<'a>> {
    let of = |name: &str| {
        let mut found = m365.by_name(name);
        found.retain(|found| !q.tables.support.is_shared_platform(found));
        found
    };
    q.names().into_iter().map(of).find(|found| !found.is_empty()).unwrap_or_default()
}

/// EL7 for an address inside sets that allow ExpressRoute: the best that one of them gives.
fn allowed(q: &Question<'_>, sets: &[M365Match<'_>]) -> Eligibility {
    let circuits = Circuits::new(q.topology);
    let answers = sets.iter().map(|found| match q.tables.communities.of_m365(found.set) {
        Some(service) if service.authorisation => authorised(circuits, service),
        Some(service) => circuits.by_service(Rule::El7, service),
        None => Eligibility::conditional(Rule::El7, "no_documented_community").told(None, Some(true)),
    });
    let rank = |answer: &Eligibility| match answer.result {
        Outcome::Eligible => 0,
        Outcome::Conditional => 1,
        Outcome::NotEligible | Outcome::Internal | Outcome::Unknown => 2,
    };
    // Of equal ranks the lowest set id comes first; there is one at least.
    answers.min_by_key(rank).unwrap_or_else(|| Eligibility::unknown(Rule::El14, "no_data"))
}

/// A community that needs Microsoft's authorisation, and the Premium SKU.
fn authorised(circuits: Circuits<'_>, service: &Service) -> Eligibility {
    let community = service.community();
    if !circuits.authorised() {
        return Eligibility::not_eligible(Rule::El7, "m365_not_authorised")
            .told(Some(false), Some(true))
            .with_fact(format!("would need {community} ({}) and Microsoft's authorisation", service.name));
    }
    let answer = match circuits.receive_authorised(community) {
        true => Eligibility::over_microsoft(Rule::El7, "service_community", community),
        false => circuits.lacking(Rule::El7, community),
    };
    let answer = answer.with_fact(format!("{community} is {}", service.name));
    match circuits.receive_premium(community) {
        true => answer,
        false => answer.on_condition("m365_needs_premium"),
    }
}
