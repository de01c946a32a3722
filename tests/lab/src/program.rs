//! What must be there before a lab can be built from the command line: tools, privilege, the agent's program.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use closedpath_lab::{enter, is_root, missing_tools};

/// Makes sure that the tools are there and that namespaces may be made. As root it installs what is missing, in the open.
pub(crate) fn ready() -> Result<()> {
    let missing = missing_tools();
    if !missing.is_empty() {
        let mut list: Vec<String> = missing
            .iter()
            .map(|tool| format!("  {} (Debian package {})", tool.program, tool.package))
            .collect();
        list.dedup();
        let (list, install) = (list.join("\n"), workspace().join("tests/install"));
        if !is_root() || !install.exists() {
            bail!("these programs are missing:\n{list}\ninstall them with: sudo tests/install");
        }
        eprintln!("these programs are missing:\n{list}\nrunning tests/install as root");
        let status = Command::new(&install).status().context("cannot run tests/install")?;
        if !status.success() || !missing_tools().is_empty() {
            bail!("tests/install did not install everything ({status}); its words are above");
        }
    }
    enter()
}

/// The agent's program: the one that was named, else one that is built here, else one beside this program.
pub(crate) fn agent(named: Option<PathBuf>) -> Result<PathBuf> {
    if let Some(path) = named {
        return path.canonicalize().with_context(|| format!("there is no program {}", path.display()));
    }
    let Some(cargo) = std::env::var_os("CARGO") else {
        let beside = std::env::current_exe()?.with_file_name("closedpath");
        if beside.exists() {
            return Ok(beside);
        }
        bail!("no closedpath beside this program; name one with --agent PATH");
    };
    let workspace = workspace();
    let status = Command::new(cargo)
        .args(["build", "--release", "--package", "closedpath", "--bin", "closedpath"])
        .current_dir(&workspace)
        .status()
        .context("cannot run cargo")?;
    if !status.success() {
        bail!("closedpath did not build; the compiler's words are above");
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace.join("target"), PathBuf::from);
    Ok(target.join("release/closedpath"))
}

/// The workspace, when run through cargo; else the current directory.
fn workspace() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    package
        .as_deref()
        .and_then(Path::parent)
        .and_then(Path::parent)
        .map_or_else(|| PathBuf::from("."), Path::to_owned)
}
