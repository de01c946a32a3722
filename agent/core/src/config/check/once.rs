//! What may stand only once: names of a kind, and the same destination.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::config::errors::Problems;
use crate::config::field::Field;
use crate::config::mask::shown;
use crate::config::raw::RawFile;
use crate::config::scalar::{Host, Name, Port};
use crate::target::{EndpointKey, Probe};

/// Notes names that stand twice. Links and tunnels share one space: reports name either as a path's link.
pub(super) fn names(file: &RawFile, problems: &mut Problems) {
    let resolvers = file.resolver.iter().enumerate();
    let resolvers: Vec<_> = resolvers.map(|(position, resolver)| resolver.name(position)).collect();
    unique("resolver", &resolvers, problems);
    let links = file.link.iter().map(|link| &link.table.name);
    unique("link or tunnel", links.chain(file.tunnel.iter().map(|tunnel| &tunnel.table.name)), problems);
    unique("proxy", file.proxy.iter().map(|proxy| &proxy.table.name), problems);
    unique("workload", file.workload.iter().map(|workload| &workload.table.name), problems);
    for workload in &file.workload {
        unique("catalogue of this workload", &workload.table.catalogs, problems);
    }
    for (name, circuit) in &file.circuit {
        if name.is_empty() || name.chars().any(|letter| letter.is_whitespace() || letter.is_control()) {
            let message = format!("the name \"{}\" of the circuit is empty or holds a space", shown(name));
            problems.add(&circuit.span, message, "links refer to it: write [circuit.NAME] without spaces");
        }
    }
}

/// Notes targets and canaries that stand twice.
pub(super) fn destinations(file: &RawFile, problems: &mut Problems) {
    // What a target without `workload` belongs to, where there is one.
    let only = match file.workload.as_slice() {
        [only] => only.table.name.get(),
        _ => None,
    };
    let mut targets = BTreeSet::new();
    for target in file.target.iter().map(|target| &target.table) {
        let workload = target.workload.as_ref().map_or(only, Field::get).map(|name| name.0.as_str());
        let key = key(&target.host, target.port.as_ref(), &target.probe);
        if let Some(key) = key
            && !targets.insert((workload, key.clone()))
        {
            problems.add(
                &target.host.span,
                format!("the target {key} stands twice in one workload"),
                "remove one",
            );
        }
    }
    let mut canaries = BTreeSet::new();
    for canary in file.canary.iter().map(|canary| &canary.table) {
        if let Some(key) = key(&canary.host, canary.port.as_ref(), &canary.probe)
            && !canaries.insert(key.clone())
        {
            problems.add(&canary.host.span, format!("the canary {key} stands twice"), "remove one");
        }
    }
}

/// Notes routers whose table would come from two sources, and files that would be two tables.
pub(super) fn tables(file: &RawFile, problems: &mut Problems) {
    let sending: BTreeSet<IpAddr> =
        file.bmp.iter().flat_map(|bmp| &bmp.allow).filter_map(canonical).collect();
    let mut files = BTreeSet::new();
    for table in file.table.iter().map(|table| &table.table) {
        if let Some(router) = canonical(&table.router).filter(|router| sending.contains(router)) {
            let message = format!("the table of {router} would come from two sources: bmp.allow has it, too");
            problems.add(
                &table.router.span,
                message,
                "remove one: what a router sends is newer than any file",
            );
        }
        if let Some(path) = table.file.get()
            && !files.insert(path)
        {
            let message = format!("the file \"{}\" stands twice", shown(&path.to_string_lossy()));
            problems.add(
                &table.file.span,
                message,
                "each file is the table of one router: name the right one",
            );
        }
    }
}

fn canonical(address: &Field<IpAddr>) -> Option<IpAddr> {
    address.get().map(IpAddr::to_canonical)
}

fn key(host: &Field<Host>, port: Option<&Field<Port>>, probe: &Field<Probe>) -> Option<EndpointKey> {
    let probe = *probe.get()?;
    let port = match port {
        _ if probe == Probe::Icmp => 0,
        Some(port) => port.get()?.0,
        None => probe.default_port()?,
    };
    Some(EndpointKey::new(&host.get()?.0, port, probe))
}

fn unique<'a>(kind: &str, names: impl IntoIterator<Item = &'a Field<Name>>, problems: &mut Problems) {
    let mut seen = BTreeSet::new();
    for field in names {
        if let Some(Name(name)) = field.get()
            && !seen.insert(name.as_str())
        {
            let message = format!("the name \"{}\" stands twice: another {kind} has it", shown(name));
            problems.add(&field.span, message, "every name stands once: rename or remove one");
        }
    }
}
