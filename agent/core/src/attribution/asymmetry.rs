//! Whether the answers of a flow may come back another way than it went (DOMAIN §3.4): what this host sees is forward only.

use super::evidence::Strength;
use super::procedure::attribute;
use super::{Around, Confidence, Path, PathClass, Reason};
use crate::config::Edge;
use crate::failure::Code;
use crate::observation::AddressObservation;

/// Why a flow is suspected (F21).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asymmetry {
    /// It goes by ExpressRoute, and the far end sees a source address of another link, in these words.
    Translated(String),
    /// It passes an MSEE, and nothing comes back.
    Unanswered,
}

/// F21, for the flow whose path is known.
pub(super) fn suspect(seen: &AddressObservation, around: &Around<'_>, path: &Path) -> Option<Asymmetry> {
    let decisive = |id: &str| path.evidence.iter().find(|item| item.id == id && item.strength == Strength::A);
    if path.reason == Some(Reason::Conflict)
        && let Some(reflexive) = decisive("E8")
    {
        // Without the reflexive address, what is left tells the way forward.
        let forward = AddressObservation { reflexive: None, ..seen.clone() };
        let forward = attribute(&forward, &Around { echoes: &[], ..*around });
        let by_expressroute = matches!(forward.edge, Some(Edge::ErPrivate | Edge::ErMicrosoft));
        let sure = forward.confidence >= Confidence::Probable;
        return (by_expressroute && sure).then(|| Asymmetry::Translated(reflexive.says.clone()));
    }
    let silent = seen.contact.failure().is_some_and(|failure| failure.code == Code::Timeout);
    let by_expressroute = matches!(path.route_only, Some(PathClass::ErMicrosoft | PathClass::ErPrivate));
    let passes = by_expressroute && decisive("E6").is_some();
    (silent && passes).then_some(Asymmetry::Unanswered)
}
