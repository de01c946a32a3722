//! `closedpath config check|schema|example`.

use std::process::ExitCode;

use anyhow::Result;
use closedpath_core::{config, planning, report};
use closedpath_net::TlsClient;

use super::print;
use crate::cli::ConfigCommand;
use crate::setup;

/// Checks a configuration or prints what one looks like.
pub fn config(command: &ConfigCommand) -> Result<ExitCode> {
    match command {
        ConfigCommand::Check(arguments) => {
            let file = arguments.path().map(std::path::PathBuf::as_path);
            let plan = setup::plan(file)?;
            let setup = setup::load(plan)?;
            let plan = &setup.plan;
            setup::may_run(plan)?;
            TlsClient::new(&plan.agent.trust_anchors)?;
            print(&format!(
                "{} is good: {}, {}, {}, {}\n",
                file.map(|file| file.display().to_string()).unwrap_or_default(),
                counted(plan.workloads.len(), "workload"),
                counted(plan.targets.len(), "target"),
                counted(plan.topology.links.len(), "link"),
                counted(plan.resolvers.len(), "resolver"),
            ))?;
            for hint in config::hints(plan) {
                print(&format!("hint: {hint}\n"))?;
            }
        }
        ConfigCommand::Schema { report: true, .. } => print(&format!("{:#}\n", report::schema()))?,
        ConfigCommand::Schema { plan: true, .. } => print(&format!("{:#}\n", planning::schema()))?,
        ConfigCommand::Schema { .. } => print(&format!("{:#}\n", config::schema()))?,
        ConfigCommand::Example => print(config::EXAMPLE)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
