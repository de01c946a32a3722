//! `closedpath catalog list|show|check`.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use closedpath_core::catalog::{self, Catalog, Need};

use super::print;
use crate::cli::CatalogCommand;
use crate::setup;

/// Shows the built-in catalogues and those that a configuration adds, or checks one of the operator's.
pub fn catalog(command: &CatalogCommand) -> Result<ExitCode> {
    let text = match command {
        CatalogCommand::List { config } => list(&known(config.as_deref())?)?,
        CatalogCommand::Show { name, config } => {
            let catalogs = known(config.as_deref())?;
            let Some(catalog) = catalogs.iter().find(|catalog| catalog.service == *name) else {
                bail!("no catalogue is named \"{name}\"; `closedpath catalog list` names them");
            };
            show(catalog)?
        }
        CatalogCommand::Check { file } => check(file)?,
    };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// The built-in ones, and those that the configuration names.
fn known(config: Option<&Path>) -> Result<Vec<Catalog>> {
    setup::catalogs(&setup::plan(config)?)
}

fn list(catalogs: &[Catalog]) -> Result<String> {
    let mut text = String::new();
    let width = catalogs.iter().map(|catalog| catalog.service.len()).max().unwrap_or(0);
    for catalog in catalogs {
        let dates = catalog.sources.iter().map(|source| source.date.as_str()).max().unwrap_or("no date");
        writeln!(text, "{:width$}  {:4} destinations  {dates}", catalog.service, catalog.entries.len())?;
    }
    Ok(text)
}

fn show(catalog: &Catalog) -> Result<String> {
    let mut text = String::new();
    for source in &catalog.sources {
        writeln!(text, "source  {} ({})", source.document, source.date)?;
    }
    for note in &catalog.notes {
        writeln!(text, "note    {note}")?;
    }
    let width = catalog.entries.iter().map(|entry| entry.name.len()).max().unwrap_or(0);
    for entry in &catalog.entries {
        let ports: Vec<String> = entry.ports.iter().map(ToString::to_string).collect();
        let need = need(&entry.need);
        writeln!(text, "{:width$}  {:9}  {need:9}  {}", entry.name, ports.join(","), entry.purpose)?;
    }
    Ok(text)
}

fn need(need: &Need) -> String {
    match need {
        Need::Always => "always".to_owned(),
        Need::Install => "install".to_owned(),
        Need::Feature(feature) => format!("feature({feature})"),
        Need::Optional => "optional".to_owned(),
    }
}

/// What a sound catalogue contains, and what its workloads have to give.
fn check(file: &Path) -> Result<String> {
    let name = file.display().to_string();
    let bytes = std::fs::read(file).with_context(|| format!("cannot read the catalogue {name}"))?;
    let text =
        String::from_utf8(bytes).ok().with_context(|| format!("the catalogue {name} is not UTF-8 text"))?;
    let catalog = Catalog::parse(&name, &text)?;
    let mut said = format!(
        "{name} is good: {}, {} destinations, {} sources\n",
        catalog.service,
        catalog.entries.len(),
        catalog.sources.len()
    );
    if catalog::names().contains(&catalog.service.as_str()) {
        let name = &catalog.service;
        writeln!(said, "note: {name} is built in, too: data.catalogs takes it only under another name")?;
    }
    let placeholders: BTreeSet<&str> =
        catalog.entries.iter().flat_map(|entry| entry.placeholders()).collect();
    for placeholder in placeholders {
        writeln!(said, "workloads have to give a value for <{placeholder}> in parameters")?;
    }
    for entry in catalog.entries.iter().filter(|entry| entry.is_wildcard() && entry.samples.is_empty()) {
        writeln!(said, "no name is known for {}: until a workload names some, it is skipped", entry.name)?;
    }
    Ok(said)
}
