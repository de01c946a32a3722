//! The cache's folder: one file per entry, each written beside its place and moved there as a whole.
//!
//! In: headers and bodies. Out: files, and what is wrong with the ones found. A process that is killed at any moment leaves
//! whole entries and, at worst, temporary files that the next one removes. All calls block.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

use super::format::{self, Damage, Header, MAX_HEADER, PREFIX};

/// How the names of unfinished files end.
const UNFINISHED: &str = ".part";
/// A larger file is not read: no entry is.
const MAX_FILE: u64 = 64 * 1024 * 1024;

/// A folder that is ours alone.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    written: AtomicU64,
}

impl Folder {
    /// Makes the folder where it is missing, and closes it to others.
    pub fn open(path: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
        let folder = Self { path: path.to_owned(), written: AtomicU64::new(0) };
        // A folder on a read-only file system opens, but keeps nothing.
        let (probe, _) = folder.unfinished("probe")?;
        fs::remove_file(probe)?;
        Ok(folder)
    }

    /// All entries with the sizes of their files, after what was left unfinished or is damaged has been removed.
    pub fn load(&self) -> io::Result<Vec<(Header, u64)>> {
        let mut entries = Vec::new();
        for file in fs::read_dir(&self.path)? {
            let file = file?;
            let name = file.file_name().to_string_lossy().into_owned();
            if !file.file_type()?.is_file() {
                continue;
            }
            if name.ends_with(UNFINISHED) {
                fs::remove_file(file.path())?;
            } else if name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                match header(&file.path(), &name) {
                    Ok(entry) => entries.push(entry),
                    Err(damage) => self.discard(&name, &damage),
                }
            }
        }
        Ok(entries)
    }

    /// Reads and checks one entry whole.
    pub fn read(&self, key: &str) -> Result<(Header, Bytes), Damage> {
        let mut file = File::open(self.path.join(format::name(key)))?;
        let length = file.metadata()?.len();
        if length > MAX_FILE {
            return Err(Damage::TooLong);
        }
        let mut bytes = Vec::new();
        // One byte more, so that the end is seen without the buffer growing.
        bytes.reserve_exact(usize::try_from(length).unwrap_or(0) + 1);
        Read::by_ref(&mut file).take(MAX_FILE).read_to_end(&mut bytes)?;
        let (header, body) = format::open(Bytes::from(bytes))?;
        if header.meta.key == key { Ok((header, body)) } else { Err(Damage::Name) }
    }

    /// Writes one entry, whose file begins with `head`; when this returns, it survives a power cut.
    pub fn write(&self, key: &str, head: &[u8], body: &[u8]) -> io::Result<()> {
        let name = format::name(key);
        let (unfinished, mut file) = self.unfinished(&name)?;
        let written = file.write_all(head).and_then(|()| file.write_all(body)).and_then(|()| file.sync_all());
        let moved = written.and_then(|()| fs::rename(&unfinished, self.path.join(name)));
        if let Err(error) = moved {
            // What cannot be removed now is at the next start.
            let _ = fs::remove_file(&unfinished);
            return Err(error);
        }
        File::open(&self.path)?.sync_all()
    }

    /// Removes an entry that there is no more room for.
    pub fn remove(&self, key: &str) {
        if let Err(error) = fs::remove_file(self.path.join(format::name(key)))
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(folder = %self.path.display(), %error, "a cache file cannot be removed");
        }
    }

    /// Removes a file that is not what it should be, and says why.
    pub fn discard(&self, name: &str, why: &Damage) {
        tracing::warn!(file = %self.path.join(name).display(), reason = %why, "a cache file is discarded");
        let _ = fs::remove_file(self.path.join(name));
    }

    fn unfinished(&self, name: &str) -> io::Result<(PathBuf, File)> {
        let count = self.written.fetch_add(1, Ordering::Relaxed);
        let path = self.path.join(format!("{name}.{}.{count}{UNFINISHED}", std::process::id()));
        // A process of an earlier boot may have had this id; its leftover is of no use to anybody.
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
        Ok((path, file))
    }
}

/// The header of one file, and the file's size.
fn header(path: &Path, name: &str) -> Result<(Header, u64), Damage> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut start = Vec::new();
    file.take((PREFIX + MAX_HEADER + 32) as u64).read_to_end(&mut start)?;
    let (header, _) = format::decode(&start, length)?;
    if format::name(&header.meta.key) == name { Ok((header, length)) } else { Err(Damage::Name) }
}
