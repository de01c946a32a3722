//! Runs a program on the agent's host as the product is meant to run: no root, no capabilities.

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::enter::is_root;
use crate::lab::{BIND_AND_EXEC, Lab};

/// The user that Debian calls `nobody`.
pub(crate) const NOBODY: u32 = 65534;

impl Lab {
    /// The directory the agent may write to. It belongs to the agent's user.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn state_dir(&self) -> Result<PathBuf> {
        let path = self.dir().join("state");
        if !path.exists() {
            fs::create_dir(&path).with_context(|| format!("cannot make {}", path.display()))?;
            if is_root() {
                chown(&path, Some(NOBODY), Some(NOBODY))?;
            }
        }
        Ok(path)
    }

    /// A command that runs `program` inside `host`, as an unprivileged user without any capability; it dies with the
    /// thread that starts it. Add arguments and start it; the process is the program itself.
    ///
    /// In a user namespace with one user there is no other user to become: it stays user 0 of that namespace, but
    /// without capabilities, which is all that root means there.
    ///
    /// # Errors
    /// The state directory cannot be made.
    pub fn agent(&self, program: &Path) -> Result<Command> {
        self.state_dir()?;
        let resolver = self.dir().join("resolv.conf").display().to_string();
        let mut argv = vec!["unshare", "--mount", "--", "sh", "-c", BIND_AND_EXEC, &resolver, "setpriv"];
        let user = NOBODY.to_string();
        if is_root() {
            argv.extend(["--reuid", &user, "--regid", &user, "--clear-groups"]);
        }
        argv.extend(["--no-new-privs", "--inh-caps=-all", "--ambient-caps=-all", "--bounding-set=-all"]);
        argv.extend(["--pdeathsig", "KILL", "--"]);
        let mut command = self.node("host")?.command(&argv);
        command.arg(program).current_dir(self.dir());
        Ok(command)
    }
}
