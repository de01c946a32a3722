//! One round: drives the closure with the edges to its fixed point, and assembles the report.

use std::time::SystemTime;

use closedpath_core::closure::{Closure, roots};
use closedpath_core::report::{Report, Round, assemble};
use futures_util::stream::{FuturesUnordered, StreamExt};

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

/// Makes one round, which enters the memory. `progress` is called after each outcome.
pub async fn round(
    setup: &Setup,
    edges: &Edges,
    memory: &mut Memory,
    mut progress: impl FnMut(Progress),
) -> Report {
    let not_tested = edges.lost().into_iter().chain(memory.lost()).collect();
    let started_at = SystemTime::now();
    edges.begin_round();
    let roots = roots(&setup.plan, &setup.catalogs, &edges.servers());
    let mut closure = Closure::new(&setup.plan, roots, edges.trust());
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
    let picture = closure.finish();
    let finished_at = SystemTime::now();
    memory.remember(&picture, finished_at);
    assemble(Round {
        version: VERSION,
        plan: &setup.plan,
        catalogs: &setup.catalogs,
        tables: &setup.tables,
        picture: &picture,
        past: memory.past(),
        rib: None,
        started_at,
        finished_at,
        not_tested,
    })
}
