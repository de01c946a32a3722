//! `closedpath plan`: what could go over ExpressRoute and what still needs the Internet, with nothing sent but DNS queries.

use std::fs::{self, File};
use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::{Context, Result};
use closedpath_core::planning::{self, Input, Names, PrivateZones};
use closedpath_net::Resolvers;
use futures_util::stream::{self, StreamExt};

use super::{print, runtime};
use crate::cli::{Plan, PlanFormat};
use crate::render::{self, Style};
use crate::setup::{self, Setup};

/// Questions to the resolvers at once: many names are no reason to flood them.
const QUESTIONS: usize = 64;

/// Makes the plan.
pub fn plan(arguments: &Plan) -> Result<ExitCode> {
    let mut plan = setup::plan(arguments.config.as_deref())?;
    setup::only(&mut plan, &arguments.workloads)?;
    let setup = setup::load(plan)?;
    let zones = PrivateZones::builtin()
        .context("the built-in table of private zones is broken; please report this")?;
    // Before any question is sent: a plan that cannot be written must not cost the wait.
    if let Some(file) = &arguments.output {
        File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .open(file)
            .with_context(|| unwritable(file))?;
    }
    let names = if arguments.offline { None } else { Some(resolve(&setup)?) };
    let report = planning::plan(&Input {
        plan: &setup.plan,
        catalogs: &setup.catalogs,
        tables: &setup.tables,
        zones: &zones,
        names: names.as_ref(),
        now: SystemTime::now(),
        version: env!("CARGO_PKG_VERSION"),
    });
    let text = match arguments.format {
        PlanFormat::Table if arguments.output.is_some() => render::plan_table(&report, Style::PLAIN),
        PlanFormat::Table => render::plan_table(&report, Style::detect()),
        PlanFormat::Json => render::plan_json(&report),
        PlanFormat::Csv => render::plan_csv(&report),
        PlanFormat::Markdown => render::plan_markdown(&report),
    };
    match &arguments.output {
        None => print(&text)?,
        Some(file) => {
            fs::write(file, text).with_context(|| unwritable(file))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn unwritable(file: &Path) -> String {
    format!("cannot write the plan to {}", file.display())
}

/// Asks the configured resolvers for every name; nothing else is sent.
fn resolve(setup: &Setup) -> Result<Names> {
    let hosts = planning::hosts(&setup.plan, &setup.catalogs);
    let resolvers = Resolvers::new(&setup.plan.resolvers, setup.plan.probe.timeout)?;
    Ok(runtime()?.block_on(async {
        let answers = stream::iter(hosts).map(|host| {
            let resolvers = &resolvers;
            async move {
                let observed = resolvers.observe(&host).await;
                (host, observed)
            }
        });
        answers.buffer_unordered(QUESTIONS).collect().await
    }))
}
