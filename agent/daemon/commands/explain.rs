//! `closedpath explain`: one round over one destination, and the reasoning about it.

use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;

use anyhow::{Result, bail};
use closedpath_core::closure::roots;
use closedpath_core::config::{ClientProfile, Plan, Policy, Target, Workload};
use closedpath_core::target::{EndpointKey, Probe, canonical_host};

use super::progress::Line;
use super::{print, runtime};
use crate::cli::Explain;
use crate::control::{BMP_WAIT, Control};
use crate::edges::Edges;
use crate::past::Memory;
use crate::render::{self, ASKED, Style};
use crate::round::round;
use crate::setup::{self, Setup};

/// Probes one destination and explains what was found.
pub fn explain(arguments: &Explain) -> Result<ExitCode> {
    let mut setup = setup::load(setup::plan(arguments.config.as_deref())?)?;
    let (host, port) = split(&arguments.destination);
    if host.is_empty() {
        bail!(
            "`{}` names no destination; give a name or an address, with or without a port",
            arguments.destination
        );
    }
    let report = runtime()?.block_on(async {
        let edges = Edges::open(&setup.plan, None)?;
        let named = roots(&setup.plan, &setup.catalogs, &edges.servers()).roots;
        if named.iter().any(|root| root.key.host == host && port.is_none_or(|port| port == root.key.port)) {
            keep(&mut setup, &host);
        } else if port.is_some() || !may_be_found(&setup.plan) {
            ask(&mut setup.plan, &host, port.unwrap_or(443));
        }
        let control = Control::try_open(&setup.plan, BMP_WAIT).await;
        let mut line = Line::new();
        let mut memory = Memory::read(&setup.plan.agent.state_dir);
        let mut report = round(&setup, &edges, &control, &mut memory, |progress| line.show(progress)).await;
        let found = report.endpoints.iter().any(|endpoint| endpoint.host == host);
        if !found && host.parse::<IpAddr>().is_err() {
            // Nothing leads there, a certificate's pointer neither: it is asked for by itself.
            ask(&mut setup.plan, &host, port.unwrap_or(443));
            report = round(&setup, &edges, &control, &mut memory, |progress| line.show(progress)).await;
        }
        line.clear();
        anyhow::Ok(report)
    })?;
    match render::explain(&report, &arguments.destination, Style::detect()) {
        Some(text) => print(&text)?,
        None => bail!(
            "nothing in the configuration leads to {}; ask for it with a port, such as {}:443",
            arguments.destination,
            arguments.destination
        ),
    }
    Ok(ExitCode::SUCCESS)
}

/// Host and port of `NAME`, `IP`, `NAME:PORT`, `[IPv6]:PORT`.
fn split(text: &str) -> (String, Option<u16>) {
    if text.parse::<IpAddr>().is_ok() {
        return (canonical_host(text), None);
    }
    if let Ok(address) = text.parse::<SocketAddr>() {
        return (canonical_host(&address.ip().to_string()), Some(address.port()));
    }
    match text.rsplit_once(':').map(|(host, port)| (host, port.parse().ok())) {
        Some((host, Some(port))) => (canonical_host(host), Some(port)),
        _ => (canonical_host(text), None),
    }
}

/// An address may be one of a name that the configuration knows; then everything is looked at.
fn may_be_found(plan: &Plan) -> bool {
    !plan.targets.is_empty()
}

/// Leaves out the targets that are not asked about; catalogues stay where they name the host.
fn keep(setup: &mut Setup, host: &str) {
    let plan = &mut setup.plan;
    plan.targets.retain(|target| target.endpoint.host == host);
    let catalogs = &setup.catalogs;
    for workload in &mut plan.workloads {
        workload.catalogs.retain(|name| {
            catalogs.iter().filter(|catalog| catalog.service == *name).any(|catalog| {
                catalog
                    .expand(&workload.parameters)
                    .endpoints
                    .iter()
                    .any(|endpoint| endpoint.key.host == host)
            })
        });
    }
}

/// Adds a destination that the configuration does not name, and leaves out the rest.
fn ask(plan: &mut Plan, host: &str, port: u16) {
    let probe = if port == 80 { Probe::Http } else { Probe::Tls };
    plan.workloads = vec![Workload {
        name: ASKED.into(),
        policy: Policy::Observe,
        allow: Vec::new(),
        catalogs: Vec::new(),
        client_profile: ClientProfile::Unknown,
        proxy: None,
        pac: None,
        parameters: Default::default(),
    }];
    let endpoint = EndpointKey::new(host, port, probe);
    plan.targets = vec![Target { workload: ASKED.into(), endpoint, expect_path: None }];
    plan.canaries.clear();
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn a_destination_may_be_written_in_every_usual_way() {
        assert_eq!(split("Login.Example."), ("login.example".into(), None));
        assert_eq!(split("login.example:8443"), ("login.example".into(), Some(8443)));
        assert_eq!(split("192.0.2.1"), ("192.0.2.1".into(), None));
        assert_eq!(split("192.0.2.1:80"), ("192.0.2.1".into(), Some(80)));
        assert_eq!(split("2001:DB8::1"), ("2001:db8::1".into(), None));
        assert_eq!(split("[2001:db8::1]:443"), ("2001:db8::1".into(), Some(443)));
    }
}
