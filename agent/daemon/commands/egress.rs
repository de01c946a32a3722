//! `closedpath egress`: every destination the agent itself may contact, without sending anything.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Result;
use closedpath_core::closure::roots;
use closedpath_core::config::{Plan, Resolver, ResolverServer};
use closedpath_core::failure::label;
use closedpath_core::target::EndpointKey;

use super::print;
use crate::cli::Egress;
use crate::setup;

/// Lists them.
pub fn egress(arguments: &Egress) -> Result<ExitCode> {
    let setup = setup::load(setup::plan(arguments.config.as_deref())?)?;
    let plan = &setup.plan;
    let mut rows: BTreeMap<String, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for root in roots(plan, &setup.catalogs, &declared(&plan.resolvers)).roots {
        if root.key.via.is_some() {
            let direct = EndpointKey { via: None, ..root.key.clone() };
            let why = rows.entry(direct.to_string()).or_default();
            why.entry("direct attempt beside the proxy".into()).or_default().insert(root.workload.clone());
        }
        let why = rows.entry(root.key.to_string()).or_default();
        why.entry(label(&root.origin)).or_default().insert(root.workload);
    }
    let width = rows.keys().map(String::len).max().unwrap_or(0);
    let mut text = String::from("What the agent contacts because the configuration names it:\n");
    for (id, why) in &rows {
        let of = |(origin, workloads): (&String, &BTreeSet<String>)| {
            format!("{origin} of {}", workloads.iter().map(String::as_str).collect::<Vec<_>>().join(", "))
        };
        writeln!(text, "  {id:width$}  {}", why.iter().map(of).collect::<Vec<_>>().join("; "))?;
    }
    text.push_str(&others(plan));
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn declared(resolvers: &[Resolver]) -> Vec<(String, SocketAddr)> {
    let of = |resolver: &Resolver| {
        let servers = resolver.servers.iter().filter_map(|server| match server {
            ResolverServer::Address(address) => Some(*address),
            ResolverServer::System => None,
        });
        servers.map(|server| (resolver.name.clone(), server)).collect::<Vec<_>>()
    };
    resolvers.iter().flat_map(of).collect()
}

/// What cannot be listed by name.
fn others(plan: &Plan) -> String {
    let mut text = String::from("\nAnd what these lead to:\n");
    let system = plan.resolvers.iter().any(|resolver| resolver.servers.contains(&ResolverServer::System));
    for proxy in plan.proxies.iter().filter(|_| plan.workloads.iter().any(|workload| workload.pac.is_some()))
    {
        let (host, port) = (&proxy.host, proxy.port);
        text.push_str(&format!(
            "  where a PAC script says so: the proxy {} ({host} port {port})\n",
            proxy.name
        ));
    }
    if system {
        text.push_str("  the resolvers of /etc/resolv.conf, UDP and TCP port 53\n");
    }
    text.push_str(concat!(
        "  CRL, OCSP and caIssuers hosts named in presented certificates, and what they redirect to:\n",
        "    http and https only, at most 5 redirects and 8 steps, never a loopback, link-local, metadata, private or\n",
        "    declared on-premises or VNet address, unless fetch.allow_private names the host\n",
        "  for every TCP destination above: SYN packets with a small TTL, which end at routers on the way (traceroute)\n",
    ));
    text.push_str(concat!(
        "\nOnly while somebody runs `closedpath data update`, TCP port 443:\n",
        "  www.microsoft.com, download.microsoft.com, endpoints.office.com; with --only asn iptoasn.com; what these redirect to;\n",
        "  or instead the mirror of --from, and the proxy of --proxy\n",
    ));
    text
}
