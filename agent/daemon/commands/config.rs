//! `closedpath config check|schema|example`.

use std::process::ExitCode;

use anyhow::Result;
use closedpath_core::config;

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
            print(&format!(
                "{} is good: {} workloads, {} targets, {} links, {} resolvers\n",
                file.map(|file| file.display().to_string()).unwrap_or_default(),
                plan.workloads.len(),
                plan.targets.len(),
                plan.topology.links.len(),
                plan.resolvers.len(),
            ))?;
        }
        ConfigCommand::Schema => print(&format!("{:#}\n", config::schema()))?,
        ConfigCommand::Example => print(config::EXAMPLE)?,
    }
    Ok(ExitCode::SUCCESS)
}
