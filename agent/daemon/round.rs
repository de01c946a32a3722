//! One round: drives the closure with the edges to its fixed point, and assembles the report.
//!
//! Looking and judging are apart, so that what was seen can be judged anew when the edge routers' tables change.

use std::time::SystemTime;

use closedpath_core::closure::{Closure, Past, Picture, roots};
use closedpath_core::report::{Report, Round, assemble};
use futures_util::stream::{FuturesUnordered, StreamExt};

use crate::control::Control;
use crate::edges::Edges;
use crate::past::Memory;
use crate::setup::Setup;

/// The agent's version, as reports and metrics name it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// How far a round has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Endpoints known so far; grows as certificates name more.
    pub endpoints: usize,
    /// Resolutions, probes and fetches that are done.
    pub done: usize,
    /// Those under way.
    pub under_way: usize,
}

/// What one round saw.
#[derive(Debug)]
pub struct Looked {
    /// What was seen.
    pub picture: Picture,
    /// What could not be told for want of earlier rounds, in words.
    pub lost: Vec<String>,
    started_at: SystemTime,
}

/// Makes one round, which enters the memory, and judges it. `progress` is called after each outcome.
pub async fn round(
    setup: &Setup,
    edges: &Edges,
    control: &Control,
    memory: &mut Memory,
    progress: impl FnMut(Progress),
) -> Report {
    control.refresh().await;
    let (mut looked, ()) = tokio::join!(look(setup, edges, progress), control.wait());
    memory.remember(&looked.picture, setup.plan.probe.interval, SystemTime::now());
    looked.lost = memory.lost();
    judge(setup, edges, control, memory.past(), &looked).await
}

/// Looks at everything once. `progress` is called after each outcome.
pub async fn look(setup: &Setup, edges: &Edges, mut progress: impl FnMut(Progress)) -> Looked {
    let started_at = SystemTime::now();
    edges.begin_round();
    let roots = roots(&setup.plan, &setup.catalogs, &edges.servers());
    let roots = edges.routed(&setup.plan, roots).await;
    let mut closure = Closure::new(&setup.plan, roots, edges.trust(), &setup.tables.ca_hosts);
    let mut under_way = FuturesUnordered::new();
    let mut done = 0;
    loop {
        while under_way.len() < setup.plan.probe.concurrency {
            let Some(work) = closure.next_work() else { break };
            under_way.push(Box::pin(edges.perform(work)));
        }
        let Some(outcome) = under_way.next().await else { break };
        closure.observe(outcome);
        done += 1;
        progress(Progress { endpoints: closure.members(), done, under_way: under_way.len() });
    }
    Looked { picture: closure.finish(), lost: Vec::new(), started_at }
}

/// The report on what was seen, by the edge routers' tables as they stand now and what earlier rounds saw.
pub async fn judge(setup: &Setup, edges: &Edges, control: &Control, past: &Past, looked: &Looked) -> Report {
    let table = control.table();
    let held = match &table {
        Some(table) => Some(table.read().await),
        None => None,
    };
    let neighbours = if held.is_some() { edges.neighbours().await } else { Vec::new() };
    assemble(Round {
        version: VERSION,
        plan: &setup.plan,
        catalogs: &setup.catalogs,
        tables: &setup.tables,
        picture: &looked.picture,
        past,
        rib: held.as_deref(),
        neighbours: &neighbours,
        started_at: looked.started_at,
        finished_at: SystemTime::now(),
        not_tested: edges
            .lost()
            .into_iter()
            .chain(control.lost())
            .chain(looked.lost.iter().cloned())
            .collect(),
    })
}
