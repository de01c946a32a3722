//! `closedpath data diff OLD NEW`: what a newer file changes, in counts, and for which of one's own endpoints.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::net::IpAddr;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};
use closedpath_core::closure::roots;
use closedpath_core::config::Topology;
use closedpath_core::eligibility::{Question, judge, owner};
use closedpath_core::failure::label;
use closedpath_core::report::Report;
use closedpath_core::tables::{Announced, AsnTable, M365, PublicSpace, ServiceTags, Tables};

use super::{bytes, describe, print};
use crate::cli::DataDiff;
use crate::data::{self, Loaded};
use crate::setup;

/// Tags, sets or ranges that are listed one by one; of more, only the number is told.
const LISTED: usize = 40;

/// Compares the files; sends nothing.
pub fn diff(arguments: &DataDiff) -> Result<ExitCode> {
    let plan = setup::plan(arguments.config.as_deref())?;
    let (old, new) = (load(&arguments.old)?, load(&arguments.new)?);
    let mut text = format!("old  {}\nnew  {}\n\n", describe(&old), describe(&new));
    text.push_str(&match (&old, &new) {
        (Loaded::ServiceTags(old), Loaded::ServiceTags(new)) => tags(old, new),
        (Loaded::M365(old), Loaded::M365(new)) => sets(old, new),
        (Loaded::Asn(old), Loaded::Asn(new)) => ranges(old, new),
        (Loaded::Communities(old), Loaded::Communities(new)) => announced(old, new),
        (Loaded::PublicSpace(old), Loaded::PublicSpace(new)) => {
            let of = |table: &PublicSpace| {
                [("all".to_owned(), table.prefixes().map(|prefix| prefix.to_string()).collect())].into()
            };
            lists("lists", "prefixes", &of(old), &of(new))
        }
        _ => bail!("the two files are of different kinds; compare service tags with service tags"),
    });
    let mine = mine(arguments, &plan)?;
    if mine.is_empty() {
        text.push_str("\nYour endpoints: none given; name them with --config F or --report REPORT.json\n");
    } else {
        let tables = setup::tables(&plan)?;
        text.push_str(&endpoints(&mine, &plan.topology, &with(&tables, old), &with(&tables, new)));
    }
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn load(file: &Path) -> Result<Loaded> {
    let (bytes, modified) = bytes(file)?;
    Ok(data::detect(&file.display().to_string(), &bytes, modified)?)
}

/// The tables with one file in force, as if it were of today: the files are compared, not their age.
fn with(tables: &Tables, file: Loaded) -> Tables {
    let mut tables = tables.clone();
    file.into_tables(&mut tables);
    tables.limits.service_tags_stale = Duration::MAX;
    tables
}

fn tags(old: &ServiceTags, new: &ServiceTags) -> String {
    lists("tags", "prefixes", &by_tag(old), &by_tag(new))
}

fn by_tag(table: &ServiceTags) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> =
        table.tags().iter().map(|tag| (tag.name.clone(), BTreeSet::new())).collect();
    for (prefix, tags) in table.prefixes() {
        for tag in tags {
            found.entry(tag.name.clone()).or_default().insert(prefix.to_string());
        }
    }
    found
}

/// Two versions of the Microsoft 365 endpoints compared.
pub(super) fn sets(old: &M365, new: &M365) -> String {
    let of = |table: &M365| -> BTreeMap<String, BTreeSet<String>> {
        let name = |id: u32, area: &str| format!("set {id:3} ({area})");
        let mut found: BTreeMap<_, BTreeSet<String>> = table
            .sets()
            .iter()
            .map(|set| {
                let over = if set.express_route { "yes" } else { "no" };
                let facts = [
                    format!("ExpressRoute {over}"),
                    format!("required {}", set.required),
                    format!("TCP {}", set.tcp_ports),
                    format!("UDP {}", set.udp_ports),
                ];
                let names = set.patterns.iter().map(|(text, _)| text.clone());
                (name(set.id, &set.area), names.chain(facts).collect())
            })
            .collect();
        for (prefix, sets) in table.prefixes() {
            for set in sets {
                found.entry(name(set.id, &set.area)).or_default().insert(prefix.to_string());
            }
        }
        found
    };
    lists("sets", "names, prefixes and properties", &of(old), &of(new))
}

fn announced(old: &Announced, new: &Announced) -> String {
    let of = |table: &Announced| {
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (prefix, communities) in table.prefixes() {
            for community in communities {
                found.entry(community.to_string()).or_default().insert(prefix.to_string());
            }
        }
        found
    };
    lists("communities", "prefixes", &of(old), &of(new))
}

fn ranges(old: &AsnTable, new: &AsnTable) -> String {
    let of = |table: &AsnTable| {
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for range in table.ranges() {
            let list = found.entry(format!("AS{} {}", range.origin.asn, range.origin.org)).or_default();
            list.insert(format!("{}-{}", range.start, range.end));
        }
        found
    };
    lists("autonomous systems", "ranges", &of(old), &of(new))
}

/// Named lists compared: which are new, which are gone, and which have other content.
fn lists(
    what: &str,
    inside: &str,
    old: &BTreeMap<String, BTreeSet<String>>,
    new: &BTreeMap<String, BTreeSet<String>>,
) -> String {
    let only = |one: &BTreeMap<String, BTreeSet<String>>, other: &BTreeMap<String, BTreeSet<String>>| {
        one.keys().filter(|name| !other.contains_key(*name)).cloned().collect::<Vec<_>>()
    };
    let (added, removed) = (only(new, old), only(old, new));
    let mut changed = Vec::new();
    for (name, now) in new {
        let Some(before) = old.get(name).filter(|before| *before != now) else { continue };
        changed.push((name, now.difference(before).count(), before.difference(now).count()));
    }
    let all = |lists: &BTreeMap<String, BTreeSet<String>>| -> BTreeSet<String> {
        lists.values().flatten().cloned().collect()
    };
    let (before, now) = (all(old), all(new));
    let (came, went) = (now.difference(&before).count(), before.difference(&now).count());
    let mut text = format!(
        "{what}: {} added, {} removed, {} changed\n{inside}: {came} added, {went} removed\n",
        added.len(),
        removed.len(),
        changed.len()
    );
    let mut lines: Vec<String> = added.iter().map(|name| format!("  + {name}")).collect();
    lines.extend(removed.iter().map(|name| format!("  - {name}")));
    lines.extend(changed.iter().map(|(name, came, went)| format!("  ~ {name}  +{came} -{went}")));
    for line in lines.iter().take(LISTED) {
        text.push_str(line);
        text.push('\n');
    }
    if lines.len() > LISTED {
        text.push_str(&format!("  and {} more\n", lines.len() - LISTED));
    }
    text
}

/// The operator's names, each with the addresses that the configuration writes down or the report saw.
fn mine(
    arguments: &DataDiff,
    plan: &closedpath_core::config::Plan,
) -> Result<BTreeMap<String, BTreeSet<IpAddr>>> {
    let mut mine: BTreeMap<String, BTreeSet<IpAddr>> = BTreeMap::new();
    if arguments.config.is_some() {
        for root in roots(plan, &setup::catalogs(plan)?, &[]).roots {
            let addresses = mine.entry(root.key.host.clone()).or_default();
            addresses.extend(root.key.host.parse::<IpAddr>());
        }
    }
    if let Some(file) = &arguments.report {
        let (bytes, _) = bytes(file)?;
        let report: Report = serde_json::from_slice(&bytes)
            .with_context(|| format!("{} is not a report of `check --format json`", file.display()))?;
        // What is reached through a proxy has the proxy's addresses, not its own.
        for endpoint in report.endpoints.into_iter().filter(|endpoint| endpoint.via.is_none()) {
            let addresses = mine.entry(endpoint.host).or_default();
            addresses.extend(endpoint.addresses.into_iter().map(|address| address.ip));
        }
    }
    Ok(mine)
}

fn endpoints(
    mine: &BTreeMap<String, BTreeSet<IpAddr>>,
    topology: &Topology,
    old: &Tables,
    new: &Tables,
) -> String {
    let mut text = String::new();
    let mut changed = 0;
    let mut unjudged = Vec::new();
    let mut tell = |subject: &str, before: Vec<(&str, String)>, now: &[(&str, String)]| {
        let differs: Vec<_> = before.iter().zip(now).filter(|(before, now)| before.1 != now.1).collect();
        if !differs.is_empty() {
            changed += 1;
            let _ = writeln!(text, "  {subject}");
        }
        for ((what, before), (_, now)) in differs {
            let _ = writeln!(text, "    {what}: {before} -> {now}");
        }
    };
    for (host, addresses) in mine {
        let name = (host.parse::<IpAddr>().is_err()).then_some(host.as_str());
        for &ip in addresses {
            let subject = if name.is_some() { format!("{host} at {ip}") } else { host.clone() };
            tell(&subject, facts(name, ip, topology, old), &facts(name, ip, topology, new));
        }
        if let (Some(name), true) = (name, addresses.is_empty()) {
            unjudged.push(name);
            tell(name, named(name, old), &named(name, new));
        }
    }
    let whole = mine.len();
    let mut head = format!("\nYour endpoints: {changed} of {whole} change\n");
    head.push_str(&text);
    if !unjudged.is_empty() {
        let _ = writeln!(
            head,
            "  of {} names no address is known, so only their Microsoft 365 sets were compared; give --report REPORT.json",
            unjudged.len()
        );
    }
    head
}

/// Owner, region and eligibility, as text that can be compared.
fn facts(
    name: Option<&str>,
    ip: IpAddr,
    topology: &Topology,
    tables: &Tables,
) -> Vec<(&'static str, String)> {
    let owned = owner(ip, name, tables);
    let question = Question {
        name,
        cname: &[],
        ip,
        topology,
        tables,
        routes: None,
        // Nothing is too old here, so the time does not matter.
        now: SystemTime::UNIX_EPOCH,
    };
    let answer = judge(&question);
    let by = answer.community.as_deref().map(|community| format!(" by {community}")).unwrap_or_default();
    let (result, rule) = (label(&answer.result), label(&answer.rule));
    vec![
        ("owner", owned.org.unwrap_or_else(|| "unknown".to_owned())),
        ("region", owned.region.unwrap_or_else(|| "none".to_owned())),
        ("service tags", list(&owned.service_tags)),
        ("Microsoft 365 sets", list(&owned.m365_sets)),
        ("ExpressRoute", format!("{result}{by} ({}, {rule})", answer.reason)),
    ]
}

/// The same of a name whose addresses are not known.
fn named(name: &str, tables: &Tables) -> Vec<(&'static str, String)> {
    let sets = tables.m365.as_ref().map(|table| table.by_name(name)).unwrap_or_default();
    let sets: Vec<String> = sets
        .iter()
        .map(|found| {
            let over = if found.set.express_route { "yes" } else { "no" };
            format!("{} (ExpressRoute {over})", found.set.id)
        })
        .collect();
    vec![("Microsoft 365 sets", list(&sets))]
}

fn list<T: ToString>(items: &[T]) -> String {
    if items.is_empty() {
        return "none".to_owned();
    }
    items.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
