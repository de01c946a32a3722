//! What is in no tag: EL12 (Microsoft's, but not Azure) and EL13 (somebody else's).

use super::{Eligibility, Question, Rule};

/// EL12 and EL13, or unknown where neither the table of autonomous systems nor the tags tell.
pub(super) fn judge(q: &Question<'_>) -> Eligibility {
    let answer = Eligibility::not_eligible;
    if let Some(net) = q.tables.networks.gsa_edge(q.ip) {
        return answer(Rule::El12, "gsa_edge")
            .told(Some(false), Some(false))
            .with_fact(format!("edge of Global Secure Access ({net})"));
    }
    let Some(table) = &q.tables.asn else {
        return Eligibility::unknown(Rule::El14, "no_data")
            .with_fact("in no service tag, and there is no table of autonomous systems");
    };
    match table.of(q.ip) {
        Some(origin) if q.tables.networks.is_microsoft(origin.asn) => {
            match q.tables.support.untagged(&q.names()) {
                // "Not Azure" would be wrong: only a received route tells (D8).
                Some(service) => Eligibility::unknown(Rule::El12, "untagged_azure_service")
                    .with_fact(format!("addresses of {service} are documented as in no service tag")),
                None => answer(Rule::El12, "microsoft_not_azure").told(Some(false), Some(false)),
            }
        }
        Some(_) => answer(Rule::El13, "third_party").told(Some(false), Some(false)),
        None => Eligibility::unknown(Rule::El14, "no_origin_as")
            .with_fact("in no service tag, and no autonomous system is known to announce it"),
    }
}
