//! Text to plan: syntax, then shape, then values, then what concerns several sections.

use std::path::PathBuf;

use serde::Deserialize;
use toml::de::{DeTable, Deserializer};

use super::errors::{ConfigErrors, Problems};
use super::raw::{RawFile, implicit, system, unnamed};
use super::schema::SCHEMA;
use super::{Plan, Policy, Topology, check, shape};

/// A longer text is no configuration: 10,000 targets take about 1 MiB.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// The plan of a configuration file, or everything that is wrong with it.
///
/// `file` is its name for messages, `text` its content (TOML 1.1, up to 4 MiB), `catalogs` the names of the catalogues
/// that workloads may use. Paths are as written; see [`Plan::resolve_paths`]. Nothing is opened or looked up.
pub fn parse(file: &str, text: &str, catalogs: &[&str]) -> Result<Plan, ConfigErrors> {
    let mut problems = Problems::default();
    if text.len() > MOST_BYTES {
        let message =
            format!("the file has {} bytes; a configuration has at most {MOST_BYTES} (4 MiB)", text.len());
        problems.add(
            &(0..0),
            message,
            "is it the right file? If it is, split its targets among several agents",
        );
        // Nothing of it is shown: its first line may be all of it.
        return Err(problems.into_errors(file, ""));
    }
    let (mut table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let mut last: Option<usize> = None;
        for error in errors {
            let span = error.span().unwrap_or(0..0);
            // What follows on the same line is mostly a consequence.
            let same_line = last
                .and_then(|last| text.get(last.min(span.start)..last.max(span.start)))
                .is_some_and(|between| !between.contains('\n'));
            if !same_line {
                problems.add(&span, error.message().replace('\n', " "), "this is not valid TOML");
            }
            last = Some(span.start);
        }
        return Err(problems.into_errors(file, text));
    }
    let complete = shape::fit(table.get_mut(), &SCHEMA, &mut problems);
    let raw = match RawFile::deserialize(Deserializer::from(table)) {
        Ok(raw) => raw,
        Err(error) => {
            problems.add(&error.span().unwrap_or(0..0), super::mask::shown(error.message()), "");
            return Err(problems.into_errors(file, text));
        }
    };
    let plan = plan(&raw, &mut problems);
    check::across(&raw, catalogs, complete, &mut problems);
    match plan {
        Some(plan) if problems.is_empty() => Ok(plan),
        Some(_) | None => Err(problems.into_errors(file, text)),
    }
}

/// The files that `data.catalogs` names, as written: their services' names are to be known before [`parse`] can look at the
/// workloads. What is wrong with the text is left to [`parse`].
pub fn catalog_files(text: &str) -> Vec<PathBuf> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct File {
        data: Data,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Data {
        catalogs: Vec<PathBuf>,
    }
    if text.len() > MOST_BYTES {
        return Vec::new();
    }
    toml::from_str::<File>(text).unwrap_or_default().data.catalogs
}

impl Plan {
    /// The plan where there is no configuration: the system's resolver and trust anchors, no topology, and every
    /// catalogue observed by one workload `builtin`.
    pub fn without_config(catalogs: &[&str]) -> Self {
        let mut builtin = unnamed("builtin", Policy::Observe);
        builtin.catalogs = catalogs.iter().map(|&name| name.to_owned()).collect();
        Self { resolvers: vec![system()], workloads: vec![builtin], ..Self::default() }
    }
}

/// The sections one by one, so that each reports its errors; `None` only if something was reported.
fn plan(raw: &RawFile, problems: &mut Problems) -> Option<Plan> {
    let names = raw.workload.iter().filter_map(|workload| workload.table.name.get());
    let names: Vec<&str> = names.map(|name| name.0.as_str()).collect();

    let agent = raw.agent.plan(problems);
    let probe = raw.probe.plan(problems);
    let verdict = raw.verdict.plan(problems);
    let resolvers = raw.resolver.iter().enumerate();
    let mut resolvers: Vec<_> = resolvers.filter_map(|(at, resolver)| resolver.plan(at, problems)).collect();
    if resolvers.is_empty() {
        resolvers.push(system());
    }
    let topology = Topology {
        links: raw.link.iter().filter_map(|link| link.plan(problems)).collect(),
        tunnels: raw.tunnel.iter().filter_map(|tunnel| tunnel.plan(problems)).collect(),
        circuits: raw
            .circuit
            .iter()
            .filter_map(|(name, circuit)| Some((name.clone(), circuit.plan(problems)?)))
            .collect(),
        ..raw.topology.plan(problems)
    };
    let bmp = raw.bmp.as_ref().and_then(|bmp| bmp.plan(problems));
    let imported = raw.table.iter().filter_map(|table| table.plan(problems)).collect();
    let echoes = raw.echo.iter().filter_map(|echo| echo.plan(problems)).collect();
    let proxies = raw.proxy.iter().filter_map(|proxy| proxy.plan(problems)).collect();
    let canaries = raw.canary.iter().filter_map(|canary| canary.plan(problems)).collect();
    let mut workloads: Vec<_> = raw.workload.iter().filter_map(|workload| workload.plan(problems)).collect();
    let targets: Vec<_> = raw.target.iter().filter_map(|target| target.plan(&names, problems)).collect();
    if raw.workload.is_empty() && !targets.is_empty() {
        workloads.push(implicit());
    }
    let http = raw.http.plan(problems);
    let fetch = raw.fetch.plan(problems);
    let data = raw.data.plan(problems);
    Some(Plan {
        agent: agent?,
        http,
        probe: probe?,
        verdict: verdict?,
        resolvers,
        topology,
        bmp,
        imported,
        echoes,
        proxies,
        canaries,
        workloads,
        targets,
        fetch,
        data,
    })
}
