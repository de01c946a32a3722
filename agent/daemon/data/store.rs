//! The data files in `state_dir/data`: one per kind, and the one that was in force before.
//!
//! A file is a line of JSON (what it is, where from, when, and the SHA-256 of the rest) and then the bytes as they came. It is
//! written beside its place, synced and moved there, so that a reader sees the old file or the new one. All calls block.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use super::file::LARGEST;
use super::source::Asked;
use super::{Kind, Loaded, load};

/// When the Microsoft 365 web service was asked last, and as whom.
const ASKED: &str = "m365.asked";

/// The head of a kept file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The file's own name, which may tell its date.
    pub name: String,
    /// A path or a URL.
    pub source: String,
    /// When it was put there.
    #[serde(with = "humantime_serde")]
    pub at: SystemTime,
    /// When the file was last changed, where that is known.
    #[serde(with = "humantime_serde")]
    pub modified: Option<SystemTime>,
    /// Of the bytes behind this line, in hexadecimal.
    sha256: String,
}

/// The folder.
#[derive(Debug, Clone)]
pub struct Store {
    folder: PathBuf,
}

impl Store {
    /// The data files of a state directory; nothing is made or looked at yet.
    pub fn of(state_dir: &Path) -> Self {
        Self { folder: state_dir.join("data") }
    }

    /// Where the file of a kind is.
    pub fn path(&self, kind: Kind) -> PathBuf {
        self.folder.join(format!("{}.data", kind.name()))
    }

    /// Where the one before it is.
    pub fn previous(&self, kind: Kind) -> PathBuf {
        self.folder.join(format!("{}.data.previous", kind.name()))
    }

    /// The table of a kind; `None` where nothing is kept. A damaged file gives way to the one before it, with a warning.
    pub fn load(&self, kind: Kind) -> Option<(Kept, Loaded)> {
        [self.path(kind), self.previous(kind)].iter().find_map(|path| match read(kind, path) {
            Ok(found) => found,
            Err(why) => {
                tracing::warn!(file = %path.display(), %why, "a data file is passed over");
                None
            }
        })
    }

    /// The head of the file of a kind.
    pub fn head(&self, kind: Kind) -> Option<Kept> {
        let mut file = io::BufReader::new(File::open(self.path(kind)).ok()?).take(64 * 1024);
        let mut line = Vec::new();
        io::BufRead::read_until(&mut file, b'\n', &mut line).ok()?;
        serde_json::from_slice(&line).ok()
    }

    /// What is remembered of the Microsoft 365 web service.
    pub fn asked(&self) -> Option<Asked> {
        serde_json::from_slice(&fs::read(self.folder.join(ASKED)).ok()?).ok()
    }

    /// Remembers it.
    pub fn keep_asked(&self, asked: &Asked) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o755).create(&self.folder)?;
        let unfinished = self.folder.join(format!(".{ASKED}.{}.part", std::process::id()));
        fs::write(&unfinished, serde_json::to_string(asked).map_err(io::Error::other)?)?;
        fs::rename(&unfinished, self.folder.join(ASKED))
    }

    /// Puts a file into force; what was in force becomes the previous one. The bytes must have been read as a table before.
    pub fn keep(
        &self,
        kind: Kind,
        name: &str,
        source: &str,
        modified: Option<SystemTime>,
        at: SystemTime,
        bytes: &[u8],
    ) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o755).create(&self.folder)?;
        let head = Kept { name: name.into(), source: source.into(), at, modified, sha256: sha256(bytes) };
        let head = serde_json::to_string(&head).map_err(io::Error::other)?;
        let unfinished = self.folder.join(format!(".{}.{}.part", kind.name(), std::process::id()));
        let moved = write(&unfinished, &head, bytes).and_then(|()| {
            let (path, previous) = (self.path(kind), self.previous(kind));
            // A damaged file must not push out the whole one before it.
            if matches!(read(kind, &path), Ok(Some(_))) {
                let link = self.folder.join(format!(".{}.{}.link", kind.name(), std::process::id()));
                let _ = fs::remove_file(&link);
                // A second name first, so that the file in force is at its place all the time.
                fs::hard_link(&path, &link).or_else(|_| fs::copy(&path, &link).map(|_| ()))?;
                fs::rename(&link, &previous)?;
            }
            fs::rename(&unfinished, &path)?;
            File::open(&self.folder)?.sync_all()
        });
        moved.inspect_err(|_| drop(fs::remove_file(&unfinished)))
    }
}

fn write(path: &Path, head: &str, bytes: &[u8]) -> io::Result<()> {
    let _ = fs::remove_file(path);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o644).open(path)?;
    file.write_all(head.as_bytes())?;
    file.write_all(b"\n")?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// `None` where there is no such file; an error says what is wrong with it.
fn read(kind: Kind, path: &Path) -> Result<Option<(Kept, Loaded)>, String> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|error| error.to_string())?,
    };
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    let end = bytes.iter().position(|byte| *byte == b'\n').ok_or("it has no head")?;
    let (head, content) = (&bytes[..end], &bytes[end + 1..]);
    let head: Kept = serde_json::from_slice(head).map_err(|error| format!("its head: {error}"))?;
    if sha256(content) != head.sha256 {
        return Err("its content is not what was written".to_owned());
    }
    let loaded = load(kind, &head.name, content, head.modified).map_err(|error| error.to_string())?;
    Ok(Some((head, loaded)))
}

fn sha256(bytes: &[u8]) -> String {
    digest(&SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
