//! Which of several routes to one prefix the router uses, as far as BMP tells (RFC 4271 §9.1.2).

use super::{Policy, Route};

/// What decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// There is one route only.
    OnlyCandidate,
    /// The router says so (RFC 9069).
    LocRib,
    /// Highest LOCAL_PREF.
    LocalPref,
    /// Shortest AS path.
    AsPathLength,
    /// Lowest ORIGIN.
    Origin,
    /// Lowest MULTI_EXIT_DISC of one neighbouring AS.
    Med,
    /// An external peer before an internal one.
    ExternalPeer,
}

/// Why nothing decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undecided {
    /// Some stand before policy: the router may reject them, and gives LOCAL_PREF later.
    BeforePolicy,
    /// Some come without LOCAL_PREF (FRR sends none for external peers), which is asked first.
    LocalPrefUnknown,
    /// All that BMP tells is equal: several paths at once, or a choice by what it does not tell.
    Equal,
}

/// The outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// One route is left.
    Decided(Rule),
    /// Several are left, and any of them may be used.
    Undecided(Undecided),
}

/// Leaves only what may be used. Vendors' weights are not told: only [`Rule::LocRib`] is the router's own word.
pub(super) fn choose(routes: &mut Vec<Route<'_>>) -> Choice {
    let several = routes.len() > 1;
    if routes.iter().any(|route| route.policy == Policy::Loc) {
        return if several { Choice::Undecided(Undecided::Equal) } else { Choice::Decided(Rule::LocRib) };
    }
    if !several {
        return Choice::Decided(Rule::OnlyCandidate);
    }
    if routes.iter().any(|route| route.policy == Policy::Pre) {
        return Choice::Undecided(Undecided::BeforePolicy);
    }
    if routes.iter().any(|route| route.attributes.local_pref.is_none()) {
        return Choice::Undecided(Undecided::LocalPrefUnknown);
    }
    for rule in [Rule::LocalPref, Rule::AsPathLength, Rule::Origin] {
        let best = routes.iter().map(|route| rank(rule, route)).min();
        routes.retain(|route| Some(rank(rule, route)) == best);
        if routes.len() == 1 {
            return Choice::Decided(rule);
        }
    }
    // MEDs compare within one neighbouring AS only, and a missing one is lowest to some routers and highest to others.
    let first = (routes[0].attributes.as_path.asns.first().copied(), routes[0].attributes.med.is_some());
    let comparable = |route: &Route<'_>| {
        (route.attributes.as_path.asns.first().copied(), route.attributes.med.is_some()) == first
    };
    if routes.iter().all(comparable) {
        let best = routes.iter().map(|route| route.attributes.med).min();
        routes.retain(|route| Some(route.attributes.med) == best);
        if routes.len() == 1 {
            return Choice::Decided(Rule::Med);
        }
        if routes.iter().any(|route| route.external) {
            routes.retain(|route| route.external);
            if routes.len() == 1 {
                return Choice::Decided(Rule::ExternalPeer);
            }
        }
    }
    Choice::Undecided(Undecided::Equal)
}

/// Lower is preferred.
fn rank(rule: Rule, route: &Route<'_>) -> u32 {
    match rule {
        Rule::LocalPref => u32::MAX - route.attributes.local_pref.unwrap_or(0),
        Rule::AsPathLength => route.attributes.as_path.length.into(),
        Rule::Origin => route.attributes.origin as u32,
        Rule::OnlyCandidate | Rule::LocRib | Rule::Med | Rule::ExternalPeer => 0,
    }
}
