//! The families of metrics: what the exposition, the documentation and the test of the dashboards share.

use std::fmt::Write;

/// The types that are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Goes up and down.
    Gauge,
    /// Only goes up, until the agent starts again or the endpoint leaves the closure.
    Counter,
    /// Buckets.
    Histogram,
}

/// One family.
#[derive(Debug, Clone, Copy)]
pub struct Family {
    /// The whole name.
    pub name: &'static str,
    /// The type.
    pub kind: Kind,
    /// One sentence.
    pub help: &'static str,
    /// The names of its labels.
    pub labels: &'static [&'static str],
}

macro_rules! families {
    ($($constant:ident $kind:ident $name:literal [$($label:literal),*] $help:literal;)*) => {
        $(pub(super) const $constant: Family =
            Family { name: concat!("closedpath_", $name), kind: Kind::$kind, help: $help, labels: &[$($label),*] };)*
        /// All families of our own, in the order of the documentation; those of the process come from its library.
        pub const FAMILIES: &[Family] = &[$($constant),*];
    };
}

families! {
    BUILD Gauge "build_info" ["version"] "Always 1; the version is the label.";
    UP Gauge "endpoint_up" ["workload", "host", "port", "probe", "via"] "1 if any address of the endpoint was reached; via is the proxy, empty when direct.";
    ADDRESSES Gauge "endpoint_addresses" ["host", "port", "probe", "via", "class", "confidence"] "Addresses of the endpoint by the class of their path.";
    DURATION Gauge "probe_duration_seconds" ["host", "port", "phase"] "Time of the slowest address in the last round, by phase.";
    LOSS Gauge "echo_loss_ratio" ["host"] "Share of the ICMP echoes of the last round that were lost, 0 to 1; of the worst address, absent where none was answered.";
    FAILURES Counter "probe_failures_total" ["host", "port", "step", "code"] "Failed probes by step and cause.";
    PATH_CHANGES Counter "path_changes_total" ["host", "port", "via"] "Changes of the endpoint's path class between rounds, to and from unknown included.";
    LINK_CHANGES Counter "link_changes_total" ["host", "port", "via"] "Changes of the links under an unchanged class.";
    VERDICT Gauge "workload_verdict" ["workload", "verdict"] "1 for the verdict that holds, 0 for the others.";
    FINDING Gauge "finding" ["id", "severity", "workload"] "Findings of the last round.";
    NOT_AFTER Gauge "certificate_not_after_timestamp_seconds" ["host", "port", "position"] "When the presented certificate expires; position 0 is the leaf, the earliest over all addresses.";
    REVOCATION Gauge "revocation_status" ["host", "port", "position", "status"] "1 for the status that holds, 0 for the others; the worst over all addresses.";
    CRL_NEXT Gauge "crl_next_update_timestamp_seconds" ["host"] "When the first of the CRLs of the host expires (nextUpdate); absent where none was verified.";
    BREAKS Gauge "breaks_at_timestamp_seconds" ["workload"] "When the first answer on revocation expires that the workload's clients live on; absent where there is none.";
    CA_UP Gauge "ca_host_up" ["host", "port", "kind", "class"] "1 if a host that certificates point to was reached; kind is crl, ocsp or aia.";
    DATA_AGE Gauge "data_age_seconds" ["dataset"] "Age of the data sets in force; absent where no date is known.";
    BMP_UP Gauge "bmp_session_up" ["peer"] "1 if the router of [bmp] allow is connected and its table stands, 0 if not.";
    BMP_ROUTES Gauge "bmp_routes" ["peer"] "Routes held from this router.";
    LAST_ROUND Gauge "last_round_timestamp_seconds" [] "When the last complete round ended, or was judged anew by a router's table; absent before the first.";
    LAG Histogram "scheduler_lag_seconds" [] "How much later than planned the rounds began.";
    RELOAD Gauge "config_last_reload_successful" [] "1 if the last reading of the configuration succeeded.";
}

/// The list as Markdown, as it stands in `dashboards/metrics.md`.
pub fn document() -> String {
    let mut text = String::from(
        "# Metrics\n\nServed on `/metrics`; written from the program's own list. The usual `process_*` metrics come with them.\n\n| metric | type | labels | meaning |\n|---|---|---|---|\n",
    );
    for family in FAMILIES {
        let kind = match family.kind {
            Kind::Gauge => "gauge",
            Kind::Counter => "counter",
            Kind::Histogram => "histogram",
        };
        let labels: Vec<String> = family.labels.iter().map(|label| format!("`{label}`")).collect();
        writeln!(text, "| `{}` | {kind} | {} | {} |", family.name, labels.join(", "), family.help)
            .expect("writing to a String cannot fail");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{FAMILIES, Kind, document};
    use std::collections::BTreeSet;

    const DOCUMENT: &str = include_str!("../../../dashboards/metrics.md");
    const DASHBOARD: &str = include_str!("../../../dashboards/grafana/closedpath.json");
    const ALERTS: &str = include_str!("../../../dashboards/prometheus/alerts.yml");

    #[test]
    fn the_documentation_lists_exactly_what_is_exported() {
        assert_eq!(DOCUMENT, document(), "write this to dashboards/metrics.md");
    }

    #[test]
    fn names_follow_the_rules_of_prometheus() {
        for family in FAMILIES {
            assert_eq!(family.kind == Kind::Counter, family.name.ends_with("_total"), "{}", family.name);
            assert!(!family.name.contains("_ms") && family.help.ends_with('.'), "{}", family.name);
        }
    }

    #[test]
    fn the_dashboard_and_the_alerts_ask_only_for_metrics_and_labels_that_exist() {
        let dashboard: serde_json::Value = serde_json::from_str(DASHBOARD).expect("the dashboard is JSON");
        let mut expressions = Vec::new();
        collect(&dashboard, &mut expressions);
        let panels = expressions.len();
        expressions
            .extend(ALERTS.lines().filter_map(|line| line.trim().strip_prefix("expr: ")).map(str::to_owned));
        assert!(panels >= 8 && expressions.len() >= panels + 7, "{expressions:#?}");
        for expression in &expressions {
            let unknown = unknown_words(expression);
            assert!(unknown.is_empty(), "{unknown:?} in {expression}");
        }
        assert_eq!(unknown_words("sum by (hots) (closedpath_finding{di=\"F01\"})"), ["hots", "di"]);
        assert_eq!(unknown_words("closedpath_findings"), ["closedpath_findings"]);
    }

    fn collect(value: &serde_json::Value, into: &mut Vec<String>) {
        match value {
            serde_json::Value::Object(map) => {
                into.extend(map.get("expr").and_then(|expr| expr.as_str()).map(str::to_owned));
                // A template variable's query.
                into.extend(map.get("definition").and_then(|query| query.as_str()).map(str::to_owned));
                map.values().for_each(|value| collect(value, into));
            }
            serde_json::Value::Array(values) => values.iter().for_each(|value| collect(value, into)),
            _ => {}
        }
    }

    /// The words of a PromQL expression that are neither of the language nor of [`FAMILIES`]; its metrics decide on the labels.
    fn unknown_words(expression: &str) -> Vec<String> {
        const LANGUAGE: &[&str] = &[
            "sum",
            "min",
            "max",
            "count",
            "by",
            "without",
            "on",
            "or",
            "and",
            "unless",
            "increase",
            "rate",
            "time",
            "absent",
            "changes",
            "up",
            "job",
            "instance",
            "topk",
            "bottomk",
            "bool",
            "label_values",
            "ignoring",
            "m",
            "h",
            "d",
        ];
        let known: BTreeSet<&str> = FAMILIES.iter().map(|family| family.name).collect();
        let words = words(expression);
        let labels: BTreeSet<&str> = FAMILIES
            .iter()
            .filter(|family| words.iter().any(|word| word == family.name))
            .flat_map(|family| family.labels.iter().copied())
            .collect();
        words
            .into_iter()
            .filter(|word| {
                !LANGUAGE.contains(&word.as_str())
                    && !known.contains(word.as_str())
                    && !labels.contains(word.as_str())
            })
            .collect()
    }

    fn words(expression: &str) -> Vec<String> {
        let unquoted: String = expression.split('"').step_by(2).collect::<Vec<_>>().join(" ");
        let pieces = unquoted.split(|c: char| !c.is_ascii_alphanumeric() && !"_$".contains(c));
        pieces.filter(|word| word.starts_with(|c: char| c.is_ascii_alphabetic())).map(str::to_owned).collect()
    }
}
