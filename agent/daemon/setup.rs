//! From a configuration file to everything a round needs: plan, catalogues, tables, edges. The only place that reads files.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use closedpath_core::catalog::{self, Catalog};
use closedpath_core::config::{self, ConfigErrors, Plan};
use closedpath_core::tables::{AsnTable, DataFile, M365, ServiceTags, Tables};

/// What does not change between rounds.
#[derive(Debug)]
pub struct Setup {
    /// What to do.
    pub plan: Plan,
    /// Catalogues in force.
    pub catalogs: Vec<Catalog>,
    /// Tables in force.
    pub tables: Tables,
}

/// Why the configuration cannot be used; `check` ends with status 2.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The file cannot be read.
    #[error("cannot read the configuration {}: {why}; check the path and the permissions", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The system's words.
        why: std::io::Error,
    },
    /// The file is wrong.
    #[error("{0}")]
    Config(#[from] ConfigErrors),
    /// A workload that does not exist.
    #[error("no workload is named \"{0}\"; the configuration has: {1}")]
    NoWorkload(String, String),
}

/// Reads the plan; without a file, the built-in catalogues and no topology (DESIGN §4.1).
pub fn plan(file: Option<&Path>) -> Result<Plan, SetupError> {
    let names = catalog::names();
    let Some(file) = file else { return Ok(Plan::without_config(&names)) };
    let unreadable = |why| SetupError::Unreadable { file: file.to_path_buf(), why };
    let bytes = std::fs::read(file).map_err(unreadable)?;
    let text =
        String::from_utf8(bytes).map_err(|_| unreadable(std::io::Error::other("it is not UTF-8 text")))?;
    let mut plan = config::parse(&file.display().to_string(), &text, &names)?;
    let folder = std::path::absolute(file).map_err(unreadable)?;
    plan.resolve_paths(folder.parent().unwrap_or(Path::new("/")));
    Ok(plan)
}

/// Keeps only the named workloads; all, where none is named.
pub fn only(plan: &mut Plan, names: &[String]) -> Result<(), SetupError> {
    let known: Vec<String> = plan.workloads.iter().map(|workload| workload.name.clone()).collect();
    if let Some(unknown) = names.iter().find(|name| !known.contains(name)) {
        return Err(SetupError::NoWorkload(unknown.clone(), known.join(", ")));
    }
    if !names.is_empty() {
        plan.workloads.retain(|workload| names.contains(&workload.name));
        plan.targets.retain(|target| names.contains(&target.workload));
    }
    Ok(())
}

/// Loads catalogues and tables, and the operator's data files in place of the embedded ones.
pub fn load(plan: Plan) -> Result<Setup> {
    let catalogs = catalog::builtin().context("a built-in catalogue is broken; please report this")?;
    let mut tables = Tables::builtin().context("a built-in table is broken; please report this")?;
    if let Some(file) = &plan.data.service_tags {
        tables.service_tags = Some(read(file, ServiceTags::parse)?);
    }
    if let Some(file) = &plan.data.m365 {
        tables.m365 = Some(read(file, M365::parse)?);
    }
    if let Some(file) = &plan.data.asn {
        tables.asn = Some(read(file, AsnTable::parse)?);
    }
    Ok(Setup { plan, catalogs, tables })
}

fn read<T, E>(file: &Path, parse: impl Fn(&DataFile<'_>) -> Result<T, E>) -> Result<T>
where
    E: std::error::Error + Send + Sync + 'static,
{
    let shown = file.display().to_string();
    let bytes = std::fs::read(file).with_context(|| format!("cannot read the data file {shown}"))?;
    let text =
        String::from_utf8(bytes).with_context(|| format!("the data file {shown} is not UTF-8 text"))?;
    let modified = std::fs::metadata(file).and_then(|meta| meta.modified()).ok();
    parse(&DataFile { name: &shown, modified, text: &text })
        .with_context(|| format!("the data file {shown} cannot be used"))
}
