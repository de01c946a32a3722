//! `closedpath check`: one round, the report, and the verdict as exit status.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use closedpath_core::config::Policy;
use closedpath_core::report::Report;

use super::progress::Line;
use super::{print, runtime};
use crate::cli::{Check, Format};
use crate::control::Control;
use crate::edges::Edges;
use crate::past::Memory;
use crate::render::{self, Style};
use crate::round::round;
use crate::setup;

/// Probes everything once.
pub fn check(arguments: &Check) -> Result<ExitCode> {
    let mut plan = setup::plan(arguments.config.as_deref())?;
    setup::only(&mut plan, &arguments.workloads)?;
    let setup = setup::load(plan)?;
    // Before the round: a report that cannot be written must not cost one.
    let output =
        arguments.output.as_deref().map(|file| Ok::<_, anyhow::Error>((file, open(file)?))).transpose()?;
    let report = runtime()?.block_on(async {
        let edges = Edges::open(&setup.plan, None)?;
        let control = Control::try_open(&setup.plan, arguments.bmp_wait).await;
        let mut line = Line::new();
        let mut memory = Memory::read(&setup.plan.agent.state_dir);
        let report = round(&setup, &edges, &control, &mut memory, |progress| line.show(progress)).await;
        line.clear();
        anyhow::Ok(report)
    })?;
    let text = match arguments.format {
        Format::Table if arguments.output.is_some() => render::table(&report, Style::PLAIN),
        Format::Table => render::table(&report, Style::detect()),
        Format::Json => render::json(&report),
        Format::Html => render::html(Some(&report), false),
        Format::Csv => render::csv(&report),
        Format::Markdown => render::markdown(&report),
    };
    match output {
        None => print(&text)?,
        Some((file, mut opened)) => replace(&mut opened, &text).with_context(|| unwritable(file))?,
    }
    Ok(ExitCode::from(status(&report)))
}

/// Opens the file of a report; what is in it stays for now.
fn open(file: &Path) -> Result<File> {
    let opened = File::options().write(true).create(true).truncate(false).open(file);
    opened.with_context(|| unwritable(file))
}

/// Puts `text` in the place of what was in the file. A pipe or a terminal has no length, and nothing to be replaced.
fn replace(opened: &mut File, text: &str) -> std::io::Result<()> {
    if opened.metadata()?.is_file() {
        opened.set_len(0)?;
    }
    opened.write_all(text.as_bytes())
}

fn unwritable(file: &Path) -> String {
    format!("cannot write the report to {}", file.display())
}

/// The exit status: that of the verdict, but 0 where nothing but `observe` was asked for (DESIGN §4.5).
fn status(report: &Report) -> u8 {
    let counts = report.workloads.iter().any(|workload| workload.policy != Policy::Observe);
    if counts || report.workloads.is_empty() { report.verdict.exit_status() } else { 0 }
}
