//! From a configuration file to everything a round needs: plan, catalogues, tables, edges. The only place that reads files.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use closedpath_core::catalog::{self, Catalog};
use closedpath_core::config::{self, ConfigErrors, Plan};
use closedpath_core::planning::{MICROSOFT_365, microsoft_365};
use closedpath_core::tables::Tables;

use crate::data::{self, Kind, Loaded, Store};

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
    /// The file is not text.
    #[error("the configuration {} is not UTF-8 text; save it as UTF-8, or name the right file", file.display())]
    NotText {
        /// The file.
        file: PathBuf,
    },
    /// The file is wrong.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// A data file that cannot be read or understood.
    #[error("the data file of data.{key} cannot be used: {why}; get the file again, or remove the key")]
    Data {
        /// The key that names it.
        key: &'static str,
        /// The file and what is wrong with it.
        why: String,
    },
    /// A catalogue of the operator's own that cannot be read.
    #[error("the catalogue {} of data.catalogs cannot be read: {why}; check the path, or remove it from the list", file.display())]
    Catalog {
        /// The file.
        file: PathBuf,
        /// The system's words.
        why: std::io::Error,
    },
    /// A key that this version cannot honour; ignoring it would leave the page open.
    #[error(
        "http.web_config (TLS and basic authentication) is not supported by this version; remove it, listen on 127.0.0.1 and put a reverse proxy in front"
    )]
    WebConfig,
    /// A workload that does not exist.
    #[error("no workload is named \"{0}\"; the configuration has: {1}")]
    NoWorkload(String, String),
}

/// Reads the plan; without a file, the built-in catalogues and no topology (DESIGN §4.1).
pub fn plan(file: Option<&Path>) -> Result<Plan, SetupError> {
    let Some(file) = file else { return Ok(Plan::without_config(&catalog::names())) };
    let unreadable = |why| SetupError::Unreadable { file: file.to_path_buf(), why };
    let bytes = std::fs::read(file).map_err(unreadable)?;
    let text = String::from_utf8(bytes).map_err(|_| SetupError::NotText { file: file.to_path_buf() })?;
    let folder = std::path::absolute(file).map_err(unreadable)?;
    let folder = folder.parent().unwrap_or(Path::new("/"));
    let files: Vec<PathBuf> = config::catalog_files(&text).iter().map(|named| folder.join(named)).collect();
    let own = own(&files)?;
    let mut names = catalog::names();
    names.extend(own.iter().map(|catalog| catalog.service.as_str()));
    let mut plan = config::parse(&file.display().to_string(), &text, &names)?;
    plan.resolve_paths(folder);
    Ok(plan)
}

/// The catalogues of the operator's own files.
fn own(files: &[PathBuf]) -> Result<Vec<Catalog>, SetupError> {
    let mut own: Vec<Catalog> = Vec::new();
    for file in files {
        let unreadable = |why| SetupError::Catalog { file: file.clone(), why };
        let text = std::fs::read_to_string(file).map_err(unreadable)?;
        let mut taken = catalog::names();
        taken.extend(own.iter().map(|catalog| catalog.service.as_str()));
        own.push(Catalog::own(&file.display().to_string(), &text, &taken)?);
    }
    Ok(own)
}

/// The catalogues in force: the built-in ones, and the operator's own after them.
pub fn catalogs(plan: &Plan) -> Result<Vec<Catalog>> {
    let mut catalogs = catalog::builtin().context("a built-in catalogue is broken; please report this")?;
    catalogs.extend(own(&plan.data.catalogs)?);
    // The files are read again: one that was changed meanwhile must not leave a workload without its destinations.
    let known = |name: &String| catalogs.iter().any(|catalog| catalog.service == *name);
    let mut used = plan.workloads.iter().flat_map(|workload| &workload.catalogs);
    if let Some(missing) = used.find(|name| !known(name)) {
        anyhow::bail!(
            "the catalogue \"{missing}\" is no longer there: its file was changed just now; try again"
        );
    }
    Ok(catalogs)
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

/// Refuses what `run` cannot honour.
pub fn may_run(plan: &Plan) -> Result<(), SetupError> {
    if plan.http.web_config.is_some() { Err(SetupError::WebConfig) } else { Ok(()) }
}

/// Loads catalogues and tables.
pub fn load(plan: Plan) -> Result<Setup> {
    let mut catalogs = catalogs(&plan)?;
    let tables = tables(&plan)?;
    if let Some(feed) = &tables.m365 {
        for catalog in catalogs.iter_mut().filter(|catalog| catalog.service == MICROSOFT_365) {
            *catalog = microsoft_365(catalog, feed);
        }
    }
    Ok(Setup { plan, catalogs, tables })
}

/// The tables in force: the files that `[data]` names; else the newer of what is kept in `state_dir/data` and the embedded.
pub fn tables(plan: &Plan) -> Result<Tables> {
    let mut tables = Tables::builtin().context("a built-in table is broken; please report this")?;
    let store = Store::of(&plan.agent.state_dir);
    for kind in Kind::ALL {
        match kind.named(plan) {
            Some((key, file)) => read(kind, key, file)?.into_tables(&mut tables),
            None => {
                let kept = store.load(kind).map(|(_, kept)| kept);
                if let Some(kept) = kept.filter(|kept| !older(kept, &tables)) {
                    kept.into_tables(&mut tables);
                }
            }
        }
    }
    Ok(tables)
}

/// Whether what is kept is older than what is embedded; where a date is missing, it is not.
fn older(kept: &Loaded, embedded: &Tables) -> bool {
    let embedded = kept.kind().of(embedded);
    match (kept.data_set().date, embedded.and_then(|set| set.date)) {
        (Some(kept), Some(embedded)) => kept < embedded,
        _ => false,
    }
}

fn read(kind: Kind, key: &'static str, file: &Path) -> Result<Loaded, SetupError> {
    let name = file.display().to_string();
    let unusable = |why: String| SetupError::Data { key, why };
    let bytes = std::fs::read(file).map_err(|error| unusable(format!("{name}: {error}")))?;
    let modified = std::fs::metadata(file).and_then(|meta| meta.modified()).ok();
    data::load(kind, &name, &bytes, modified).map_err(|error| unusable(error.to_string()))
}
