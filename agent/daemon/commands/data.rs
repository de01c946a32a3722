//! `closedpath data status|update|import|diff|pack`.

mod changes;
mod diff;
mod status;
mod update;

use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::{Context, Result};
use closedpath_core::tables::{DataSet, Packed, Tables};
use ring::digest::{SHA256, digest};

use super::print;
use crate::cli::{DataCommand, DataImport, DataPack};
use crate::data::{self, Kind, Loaded, Store};
use crate::setup;

/// Carries out one of them.
pub fn data(command: &DataCommand) -> Result<ExitCode> {
    match command {
        DataCommand::Status(arguments) => status::status(arguments),
        DataCommand::Update(arguments) => update::update(arguments),
        DataCommand::Import(arguments) => import(arguments),
        DataCommand::Diff(arguments) => diff::diff(arguments),
        DataCommand::Pack(arguments) => pack(arguments),
    }
}

fn import(arguments: &DataImport) -> Result<ExitCode> {
    let plan = setup::plan(arguments.config.as_deref())?;
    let (bytes, modified) = bytes(&arguments.file)?;
    let name = arguments.file.display().to_string();
    let loaded = data::detect(&name, &bytes, modified).context("nothing was changed")?;
    let mut text = format!("{name}: {}\n", describe(&loaded));
    if arguments.dry_run {
        text.push_str("nothing was changed (--dry-run)\n");
        print(&text)?;
        return Ok(ExitCode::SUCCESS);
    }
    let kind = loaded.kind();
    let store = Store::of(&plan.agent.state_dir);
    let file = arguments.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or(name);
    let source = std::path::absolute(&arguments.file)?.display().to_string();
    store
        .keep(kind, &file, &source, modified, SystemTime::now(), &bytes)
        .with_context(|| format!("cannot write {}; nothing was changed", store.path(kind).display()))?;
    text.push_str(&format!("kept as {}\n", store.path(kind).display()));
    text.push_str(&in_force(&plan, kind, loaded.data_set())?);
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// Whether what was just kept is what the next check uses, and if not, why.
fn in_force(plan: &closedpath_core::config::Plan, kind: Kind, kept: &DataSet) -> Result<String> {
    if let Some((key, file)) = kind.named(plan) {
        let file = file.display();
        return Ok(format!(
            "not in force: data.{key} of the configuration names {file}; remove the key to use it\n"
        ));
    }
    let tables = setup::tables(plan)?;
    let now = tables.data_sets().into_iter().any(|set| set == kept);
    Ok(if now {
        "in force from the next check on\n".to_owned()
    } else {
        "not in force: the embedded data is newer; import a newer file\n".to_owned()
    })
}

fn pack(arguments: &DataPack) -> Result<ExitCode> {
    let tables = Tables::documents()?;
    let (tags, _) = bytes(&arguments.service_tags)?;
    let (ranges, _) = bytes(&arguments.asn)?;
    let name = |path: &Path| path.display().to_string();
    // The time of the last change is this machine's own, so it is no part of the snapshot.
    let tags = data::load(Kind::ServiceTags, &name(&arguments.service_tags), &tags, None)?;
    let asn = data::load(Kind::Asn, &name(&arguments.asn), &ranges, None)?;
    let (Loaded::ServiceTags(tags), Loaded::Asn(asn)) = (tags, asn) else {
        anyhow::bail!("the files are of another kind");
    };
    let fingerprint: String =
        digest(&SHA256, &ranges).as_ref().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let version = match asn.data_set.version.as_str() {
        "" => format!("sha256:{fingerprint}"),
        version => version.to_owned(),
    };
    let packed = Packed::new(tags, &asn, &tables.networks, version).pack();
    std::fs::write(&arguments.output, &packed)
        .with_context(|| format!("cannot write {}", arguments.output.display()))?;
    print(&format!("{}: {} bytes\n", arguments.output.display(), packed.len()))?;
    Ok(ExitCode::SUCCESS)
}

/// A file's content, and when it was last changed.
fn bytes(file: &Path) -> Result<(Vec<u8>, Option<SystemTime>)> {
    let failed = || format!("cannot read {}; check the path and the permissions", file.display());
    let length = std::fs::metadata(file).with_context(failed)?;
    anyhow::ensure!(length.len() <= data::file::LARGEST, "{} is too large to be a data file", file.display());
    let bytes = std::fs::read(file).with_context(failed)?;
    Ok((bytes, length.modified().ok()))
}

/// A table in one line: `Azure service tags (Public) 376 of 2025-11-10: 3041 tags, 53586 prefixes`.
fn describe(loaded: &Loaded) -> String {
    let set = loaded.data_set();
    let date = set.date.map(|date| format!(" of {}", day(date))).unwrap_or_default();
    let name = format!("{} {}", set.name, set.version);
    format!("{}{date}: {}", name.trim_end(), loaded.contents())
}

fn day(date: SystemTime) -> String {
    humantime::format_rfc3339_seconds(date).to_string().chars().take(10).collect()
}
