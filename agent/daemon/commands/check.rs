//! `closedpath check`: one round, the report, and the verdict as exit status.

use std::process::ExitCode;

use anyhow::{Context, Result};
use closedpath_core::config::Policy;
use closedpath_core::report::Report;

use super::progress::Line;
use super::{print, runtime};
use crate::cli::{Check, Format};
use crate::edges::Edges;
use crate::render::{self, Style};
use crate::round::round;
use crate::setup;

/// Probes everything once.
pub fn check(arguments: &Check) -> Result<ExitCode> {
    let mut plan = setup::plan(arguments.config.as_deref())?;
    setup::only(&mut plan, &arguments.workloads)?;
    let setup = setup::load(plan)?;
    let report = runtime()?.block_on(async {
        let edges = Edges::open(&setup.plan)?;
        let mut line = Line::new();
        let report = round(&setup, &edges, |progress| line.show(progress)).await;
        line.clear();
        anyhow::Ok(report)
    })?;
    let text = match arguments.format {
        Format::Table if arguments.output.is_some() => render::table(&report, Style::PLAIN),
        Format::Table => render::table(&report, Style::detect()),
        Format::Json => render::json(&report),
        Format::Html => render::html(Some(&report)),
        Format::Csv => render::csv(&report),
        Format::Markdown => render::markdown(&report),
    };
    match &arguments.output {
        None => print(&text)?,
        Some(file) => std::fs::write(file, text)
            .with_context(|| format!("cannot write the report to {}", file.display()))?,
    }
    Ok(ExitCode::from(status(&report)))
}

/// The exit status: that of the verdict, but 0 where nothing but `observe` was asked for (DESIGN §4.5).
fn status(report: &Report) -> u8 {
    let counts = report.workloads.iter().any(|workload| workload.policy != Policy::Observe);
    if counts || report.workloads.is_empty() { report.verdict.exit_status() } else { 0 }
}
