//! Fills a registry from a report and writes it as text.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use closedpath_core::failure::label;
use closedpath_core::report::{EndpointReport, Report, RevocationStatus};
use closedpath_core::target::Origin;
use closedpath_core::verdict::Verdict;
use prometheus::core::Collector;
use prometheus::process_collector::ProcessCollector;
use prometheus::{GaugeVec, Histogram, HistogramOpts, IntCounterVec, Opts, Registry, TextEncoder};

use super::counters::Counters;
use super::families::{
    ADDRESSES, BMP_ROUTES, BMP_UP, BREAKS, BUILD, CA_UP, CRL_NEXT, DATA_AGE, DURATION, FAILURES, FINDING,
    Family, LAG, LAST_ROUND, LINK_CHANGES, LOSS, NOT_AFTER, PATH_CHANGES, RELOAD, REVOCATION, UP, VERDICT,
};

/// What the metrics tell about the agent itself.
#[derive(Debug, Clone)]
pub struct Extra {
    /// Its version.
    pub version: String,
    /// Whether the last reading of the configuration succeeded.
    pub config_last_reload_successful: bool,
    /// The routers of `[bmp]`.
    pub routers: Vec<RouterState>,
    /// Shared by all clones.
    scheduler_lag: Histogram,
}

/// What is shown of a router that may send its table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouterState {
    /// Its address.
    pub router: IpAddr,
    /// Whether it is connected.
    pub up: bool,
    /// Routes held.
    pub routes: usize,
}

impl Extra {
    /// An agent that has just read its configuration.
    pub fn new(version: &str) -> Self {
        let buckets = vec![0.001, 0.01, 0.1, 1.0, 10.0, 60.0, 600.0];
        let options = HistogramOpts::new(LAG.name, LAG.help).buckets(buckets);
        Self {
            version: version.to_owned(),
            config_last_reload_successful: true,
            routers: Vec::new(),
            scheduler_lag: Histogram::with_opts(options).expect("the name is valid and the buckets rise"),
        }
    }

    /// Notes how much later than planned something began.
    pub fn note_lag(&self, late: Duration) {
        self.scheduler_lag.observe(late.as_secs_f64());
    }
}

/// Everything, in the text format 0.0.4. CPU-bound: 100,000 series take about 0.4 s.
pub fn exposition(report: Option<&Report>, counters: &Counters, extra: &Extra) -> String {
    let registry = Registry::new();
    add(&registry, ProcessCollector::for_self());
    add(&registry, extra.scheduler_lag.clone());
    let fill = |family: &Family| {
        let vec = GaugeVec::new(Opts::new(family.name, family.help), family.labels)
            .expect("the list of families is valid");
        add(&registry, vec.clone());
        vec
    };
    set(&fill(&BUILD), &[&extra.version], 1.0);
    set(&fill(&RELOAD), &[], f64::from(u8::from(extra.config_last_reload_successful)));
    let (bmp_up, bmp_routes) = (fill(&BMP_UP), fill(&BMP_ROUTES));
    for state in &extra.routers {
        let router = state.router.to_string();
        set(&bmp_up, &[&router], f64::from(u8::from(state.up)));
        set(&bmp_routes, &[&router], state.routes as f64);
    }
    let count = |family: &Family, values: Vec<(Vec<&str>, u64)>| {
        let vec = IntCounterVec::new(Opts::new(family.name, family.help), family.labels)
            .expect("the list of families is valid");
        for (labels, value) in values {
            if let Ok(counter) = vec.get_metric_with_label_values(&labels) {
                counter.inc_by(value);
            }
        }
        add(&registry, vec);
    };
    count(
        &FAILURES,
        counters
            .probe_failures
            .iter()
            .map(|(key, count)| (key.iter().map(String::as_str).collect(), *count))
            .collect(),
    );
    count(
        &PATH_CHANGES,
        counters
            .path_changes
            .iter()
            .map(|(key, count)| (key.iter().map(String::as_str).collect(), *count))
            .collect(),
    );
    count(
        &LINK_CHANGES,
        counters
            .link_changes
            .iter()
            .map(|(key, count)| (key.iter().map(String::as_str).collect(), *count))
            .collect(),
    );
    if let Some(report) = report {
        set(&fill(&LAST_ROUND), &[], epoch(report.finished_at));
        endpoints(report, &fill);
        certificates(report, &fill);
        revocation(report, &fill);
        judgement(report, &fill);
    }
    TextEncoder::new().encode_to_string(&registry.gather()).expect("what the registry gathers can be written")
}

fn add(registry: &Registry, collector: impl Collector + 'static) {
    registry.register(Box::new(collector)).expect("every family is registered once");
}

fn set(vec: &GaugeVec, labels: &[&str], value: f64) {
    if let Ok(gauge) = vec.get_metric_with_label_values(labels) {
        gauge.set(value);
    }
}

fn endpoints(report: &Report, fill: &dyn Fn(&Family) -> GaugeVec) {
    let (up, addresses, duration, ca_up) = (fill(&UP), fill(&ADDRESSES), fill(&DURATION), fill(&CA_UP));
    let mut slowest: BTreeMap<(&str, u16, &str), f64> = BTreeMap::new();
    let mut lost: BTreeMap<&str, f64> = BTreeMap::new();
    for endpoint in &report.endpoints {
        let (port, probe) = (endpoint.port.to_string(), endpoint.probe.to_string());
        let via = endpoint.via.as_deref().unwrap_or_default();
        let reached = f64::from(u8::from(endpoint.reachable()));
        for workload in &endpoint.workloads {
            set(&up, &[workload, &endpoint.host, &port, &probe, via], reached);
        }
        for address in &endpoint.addresses {
            let (class, confidence) = (label(&address.path.class), label(&address.path.confidence));
            if let Ok(gauge) = addresses.get_metric_with_label_values(&[
                &endpoint.host,
                &port,
                &probe,
                via,
                &class,
                &confidence,
            ]) {
                gauge.inc();
            }
            if let Some(loss) = address.transport.as_ref().and_then(|transport| transport.loss) {
                let entry = lost.entry(&endpoint.host).or_default();
                *entry = entry.max(loss);
            }
            for (phase, took) in &address.timings {
                let entry = slowest.entry((&endpoint.host, endpoint.port, phase)).or_default();
                *entry = entry.max(*took);
            }
        }
        for kind in endpoint.origins.iter().filter(|origin: &&Origin| origin.is_ca()) {
            set(&ca_up, &[&endpoint.host, &port, &label(kind), &label(&endpoint.class)], reached);
        }
    }
    let loss = fill(&LOSS);
    for (host, share) in lost {
        set(&loss, &[host], share);
    }
    for ((host, port, phase), took) in slowest {
        set(&duration, &[host, &port.to_string(), phase], took);
    }
}

fn certificates(report: &Report, fill: &dyn Fn(&Family) -> GaugeVec) {
    let mut not_after: BTreeMap<(&str, u16, usize), SystemTime> = BTreeMap::new();
    let mut status: BTreeMap<(&str, u16, usize), RevocationStatus> = BTreeMap::new();
    let of = |endpoint: &EndpointReport| {
        endpoint.addresses.iter().filter_map(|address| address.tls.clone()).collect::<Vec<_>>()
    };
    for endpoint in &report.endpoints {
        let host = endpoint.host.as_str();
        for tls in of(endpoint) {
            for (position, certificate) in tls.chain.iter().enumerate() {
                let at = not_after.entry((host, endpoint.port, position)).or_insert(certificate.not_after);
                *at = (*at).min(certificate.not_after);
            }
            for certificate in &tls.revocation.certificates {
                let worst =
                    status.entry((host, endpoint.port, certificate.position)).or_insert(certificate.status);
                *worst = (*worst).max(certificate.status);
            }
        }
    }
    let vec = fill(&NOT_AFTER);
    for ((host, port, position), at) in not_after {
        set(&vec, &[host, &port.to_string(), &position.to_string()], epoch(at));
    }
    let vec = fill(&REVOCATION);
    const ALL: [RevocationStatus; 4] = [
        RevocationStatus::Good,
        RevocationStatus::NotChecked,
        RevocationStatus::Undetermined,
        RevocationStatus::Revoked,
    ];
    for ((host, port, position), worst) in status {
        for one in ALL {
            let holds = f64::from(u8::from(one == worst));
            set(&vec, &[host, &port.to_string(), &position.to_string(), &label(&one)], holds);
        }
    }
}

fn revocation(report: &Report, fill: &dyn Fn(&Family) -> GaugeVec) {
    let hosts: BTreeMap<&str, &str> =
        report.endpoints.iter().map(|endpoint| (endpoint.id.as_str(), endpoint.host.as_str())).collect();
    let mut next: BTreeMap<&str, SystemTime> = BTreeMap::new();
    for url in report.ca_urls.iter().filter(|url| url.kind == Origin::Crl) {
        let (Some(host), Some(at)) = (hosts.get(url.endpoint.as_str()), url.next_update) else { continue };
        let first = next.entry(host).or_insert(at);
        *first = (*first).min(at);
    }
    let (vec, breaks) = (fill(&CRL_NEXT), fill(&BREAKS));
    for (host, at) in next {
        set(&vec, &[host], epoch(at));
    }
    for workload in &report.workloads {
        if let Some(at) = workload.breaks_at {
            set(&breaks, &[&workload.name], epoch(at));
        }
    }
}

fn judgement(report: &Report, fill: &dyn Fn(&Family) -> GaugeVec) {
    let (verdict, finding, age) = (fill(&VERDICT), fill(&FINDING), fill(&DATA_AGE));
    for workload in &report.workloads {
        for one in Verdict::ALL {
            set(&verdict, &[&workload.name, &label(&one)], f64::from(u8::from(one == workload.verdict)));
        }
    }
    let nobody = [String::new()];
    for found in &report.findings {
        let workloads = if found.workloads.is_empty() { &nobody[..] } else { &found.workloads };
        for workload in workloads {
            if let Ok(gauge) =
                finding.get_metric_with_label_values(&[&label(&found.id), &label(&found.severity), workload])
            {
                gauge.inc();
            }
        }
    }
    for data in &report.data {
        if let Some(seconds) = data.age_seconds {
            set(&age, &[&data.name], seconds);
        }
    }
}

fn epoch(at: SystemTime) -> f64 {
    at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::{Extra, RouterState, exposition};
    use crate::metrics::{Counters, FAMILIES, Kind};
    use crate::render::sample;
    use closedpath_core::report::{RevocationOfCertificate, RevocationStatus, Transport};
    use std::time::Duration;

    #[test]
    fn every_family_is_exported_with_the_values_of_the_report() {
        let mut report = sample::report();
        let tls = report.endpoints[0].addresses[0].tls.as_mut().unwrap();
        tls.revocation.certificates.push(RevocationOfCertificate {
            position: 0,
            sha256: String::new(),
            status: RevocationStatus::Revoked,
            source: None,
            reason: None,
            revoked_at: None,
            next_update: None,
        });
        let echoed = report.endpoints.iter_mut().find(|endpoint| endpoint.host == "login.example");
        echoed.unwrap().addresses[0].transport = Some(Transport { loss: Some(0.4), ..Transport::default() });
        let mut counters = Counters::default();
        counters.note(None, &report);
        let mut extra = Extra::new("0.1.0");
        extra.routers = vec![RouterState { router: "192.0.2.1".parse().unwrap(), up: true, routes: 7 }];
        extra.note_lag(Duration::from_millis(5));
        let text = exposition(Some(&report), &counters, &extra);
        for family in FAMILIES {
            let kind = match family.kind {
                Kind::Gauge => "gauge",
                Kind::Counter => "counter",
                Kind::Histogram => "histogram",
            };
            assert!(
                text.contains(&format!("# TYPE {} {kind}\n", family.name)),
                "{} is missing in:\n{text}",
                family.name
            );
        }
        for line in [
            r#"closedpath_build_info{version="0.1.0"} 1"#,
            r#"closedpath_endpoint_up{host="acct.blob.core.windows.net",port="443",probe="tls",via="",workload="arc"} 1"#,
            r#"closedpath_endpoint_up{host="gone.example",port="443",probe="tls",via="",workload="arc"} 0"#,
            r#"closedpath_endpoint_addresses{class="internet_direct",confidence="confirmed",host="login.example",port="443",probe="tcp",via=""} 1"#,
            r#"closedpath_probe_duration_seconds{host="acct.blob.core.windows.net",phase="tls",port="443"} 0.011"#,
            r#"closedpath_echo_loss_ratio{host="login.example"} 0.4"#,
            r#"closedpath_probe_failures_total{code="timeout",host="crl.example",port="80",step="connect"} 1"#,
            r#"closedpath_workload_verdict{verdict="NOT_CLOSED",workload="arc"} 1"#,
            r#"closedpath_workload_verdict{verdict="CLOSED",workload="arc"} 0"#,
            r#"closedpath_finding{id="F02",severity="high",workload="arc"} 1"#,
            r#"closedpath_ca_host_up{class="unknown",host="crl.example",kind="crl",port="80"} 0"#,
            r#"closedpath_revocation_status{host="acct.blob.core.windows.net",port="443",position="0",status="revoked"} 1"#,
            r#"closedpath_revocation_status{host="acct.blob.core.windows.net",port="443",position="0",status="good"} 0"#,
            r#"closedpath_crl_next_update_timestamp_seconds{host="crl.example"} 1800600000"#,
            r#"closedpath_breaks_at_timestamp_seconds{workload="arc"} 1800500000"#,
            r#"closedpath_scheduler_lag_seconds_bucket{le="0.01"} 1"#,
            r#"closedpath_bmp_session_up{peer="192.0.2.1"} 1"#,
            r#"closedpath_bmp_routes{peer="192.0.2.1"} 7"#,
            "closedpath_config_last_reload_successful 1",
        ] {
            assert!(text.lines().any(|have| have == line), "{line} is missing in:\n{text}");
        }
        assert!(text.contains("process_resident_memory_bytes"));
    }

    #[test]
    fn before_the_first_round_only_the_agent_speaks_and_a_hostile_name_breaks_no_line() {
        let text = exposition(None, &Counters::default(), &Extra::new("0.1.0"));
        assert!(
            text.contains("closedpath_build_info") && !text.contains("closedpath_workload_verdict"),
            "{text}"
        );
        let mut report = sample::report();
        report.endpoints[0].host = "a\"} 1\nevil 1".to_owned();
        let text = exposition(Some(&report), &Counters::default(), &Extra::new("0.1.0"));
        assert!(!text.lines().any(|line| line.starts_with("evil")), "{text}");
    }
}
