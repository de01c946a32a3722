//! What earlier rounds saw (F36), kept in `chains.json` of the state folder, so that a restart forgets nothing.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use closedpath_core::closure::{Past, Picture};

/// The file's name.
const NAME: &str = "chains.json";

/// What earlier rounds saw, and where that is written down.
#[derive(Debug, Default)]
pub struct Memory {
    past: Past,
    file: Option<PathBuf>,
    /// What is lost, in words.
    lost: Vec<String>,
}

impl Memory {
    /// Reads the folder's file, and keeps it up to date.
    pub fn kept(folder: &Path) -> Self {
        Self { file: Some(folder.join(NAME)), ..Self::read(folder) }
    }

    /// Reads the folder's file and leaves it as it is. One that cannot be understood is as if there were none.
    pub fn read(folder: &Path) -> Self {
        let file = folder.join(NAME);
        let unusable = |why: String| {
            format!(
                "{} cannot be used: {why}; whether chains have changed cannot be told (F36)",
                file.display()
            )
        };
        let (past, lost) = match fs::read(&file) {
            Ok(bytes) => match serde_json::from_slice(&bytes) {
                Ok(past) => (past, None),
                Err(error) => (Past::default(), Some(unusable(error.to_string()))),
            },
            Err(error) if error.kind() == ErrorKind::NotFound => (Past::default(), None),
            Err(error) => (Past::default(), Some(unusable(error.to_string()))),
        };
        let nothing =
            "no earlier round is known: whether chains and CA hosts have changed cannot be told (F36)";
        let first = past.is_empty() && lost.is_none();
        Self { past, file: None, lost: lost.into_iter().chain(first.then(|| nothing.into())).collect() }
    }

    /// What was seen.
    pub fn past(&self) -> &Past {
        &self.past
    }

    /// What could not be told for want of it, in words; of the first round after the start.
    pub fn lost(&mut self) -> Vec<String> {
        std::mem::take(&mut self.lost)
    }

    /// Takes in what a round saw, and writes it down where there is something new.
    pub fn remember(&mut self, picture: &Picture, interval: Duration, now: SystemTime) {
        let new = self.past.remember(picture, interval, now);
        let Some(file) = self.file.as_ref().filter(|_| new) else { return };
        if let Err(error) = save(file, &self.past) {
            tracing::warn!(
                "{} cannot be written: {error}; a restart will forget which chains were seen",
                file.display()
            );
            self.file = None;
        }
    }
}

/// Writes the file as a whole or not at all.
fn save(file: &Path, past: &Past) -> std::io::Result<()> {
    let text = serde_json::to_vec(past)?;
    let temporary = file.with_extension("new");
    let mut written = File::create(&temporary)?;
    written.write_all(&text)?;
    written.sync_all()?;
    fs::rename(&temporary, file)
}

#[cfg(test)]
mod tests {
    use super::{Memory, NAME, save};
    use closedpath_core::closure::Past;

    #[test]
    fn it_is_read_as_it_was_written_and_a_broken_file_is_told() {
        let folder = std::env::temp_dir().join(format!("closedpath-past-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        assert!(Memory::read(&folder).lost()[0].contains("no earlier round"));
        let text = r#"{"endpoints":{"a:443/tls":{"since":"2026-11-01T00:00:00Z","last":"2026-11-02T00:00:00Z","issuers":{},"ca_hosts":{}}}}"#;
        let past: Past = serde_json::from_str(text).expect("a past");
        save(&folder.join(NAME), &past).expect("written");
        let mut memory = Memory::kept(&folder);
        assert_eq!(memory.past(), &past);
        assert!(memory.lost().is_empty());
        std::fs::write(folder.join(NAME), "{\"endpoints\":").expect("written");
        let mut broken = Memory::read(&folder);
        assert!(broken.past().is_empty() && broken.lost()[0].contains("chains.json cannot be used"));
        std::fs::remove_dir_all(&folder).expect("ours");
    }
}
