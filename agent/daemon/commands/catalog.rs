//! `closedpath catalog list|show`.

use std::fmt::Write;
use std::process::ExitCode;

use anyhow::{Result, bail};
use closedpath_core::catalog;

use super::print;
use crate::cli::CatalogCommand;

/// Shows the built-in catalogues.
pub fn catalog(command: &CatalogCommand) -> Result<ExitCode> {
    let catalogs = catalog::builtin()?;
    let mut text = String::new();
    match command {
        CatalogCommand::List => {
            let width = catalogs.iter().map(|catalog| catalog.service.len()).max().unwrap_or(0);
            for catalog in &catalogs {
                let dates =
                    catalog.sources.iter().map(|source| source.date.as_str()).max().unwrap_or("no date");
                writeln!(
                    text,
                    "{:width$}  {:4} destinations  {dates}",
                    catalog.service,
                    catalog.entries.len()
                )?;
            }
        }
        CatalogCommand::Show { name } => {
            let Some(catalog) = catalogs.iter().find(|catalog| catalog.service == *name) else {
                bail!("no catalogue is named \"{name}\"; `closedpath catalog list` names them");
            };
            for source in &catalog.sources {
                writeln!(text, "source  {} ({})", source.document, source.date)?;
            }
            for note in &catalog.notes {
                writeln!(text, "note    {note}")?;
            }
            let width = catalog.entries.iter().map(|entry| entry.name.len()).max().unwrap_or(0);
            for entry in &catalog.entries {
                let ports: Vec<String> = entry.ports.iter().map(ToString::to_string).collect();
                writeln!(text, "{:width$}  {:9}  {}", entry.name, ports.join(","), entry.purpose)?;
            }
        }
    }
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}
