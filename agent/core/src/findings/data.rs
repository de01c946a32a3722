//! F18: data that is so old that it should not be relied upon (EL14, DOMAIN §2.7).

use std::time::Duration;

use super::{Finding, FindingId, Severity};
use crate::attribution::Judged;
use crate::tables::{DataSet, Tables};

/// One finding per data set that is older than its limit.
pub(super) fn find(judged: &Judged<'_>, tables: &Tables) -> Vec<Finding> {
    let limits = &tables.limits;
    let tags = tables
        .service_tags
        .as_ref()
        .map(|table| (&table.data_set, limits.service_tags_warn, Some(limits.service_tags_stale), "weekly"));
    let m365 = tables.m365.as_ref().map(|table| (&table.data_set, limits.m365_warn, None, "monthly"));
    // An export that is as old as stale service tags lists nothing any more (EL5).
    let announced = tables.announced.as_ref().map(|table| {
        let often = "as routes are added and withdrawn";
        (&table.data_set, limits.service_tags_warn, Some(limits.service_tags_stale), often)
    });
    let old = |(set, warn, stale, often): (&DataSet, Duration, Option<Duration>, &str)| {
        if !set.is_older_than(warn, judged.now) {
            return None;
        }
        let decides = stale.is_none_or(|stale| !set.is_older_than(stale, judged.now));
        let age = set.age_in_words(judged.now);
        let name = format!("{} {}", set.name, set.version);
        let what = format!("{} are {age}, and Microsoft changes them {often}", name.trim_end());
        let (severity, detail) = match decides {
            true => (Severity::Low, what),
            false => (Severity::Medium, format!("{what}; they decide nothing any more (EL14)")),
        };
        Some(Finding::new(
            FindingId::F18,
            severity,
            format!("dataset:{}", set.name),
            judged.plan.workloads.iter().map(|workload| workload.name.clone()).collect(),
            detail,
            "get the present file and name it in [data]",
        ))
    };
    [tags, m365, announced].into_iter().flatten().filter_map(old).collect()
}
