//! The lab's public key infrastructure: root, intermediate, leaves good and odd, CRLs, OCSP index files.
//!
//! Everything is made in this process and written below one directory; `www/` in it is what the CA publishes.

mod authority;
mod extension;
mod inspection;
mod leaves;

use std::path::{Path, PathBuf};

use anyhow::Result;

pub(crate) use authority::Authority;

/// Makes all keys, certificates, CRLs and index files in `dir` (which must exist).
pub(crate) fn make(dir: &Path) -> Result<Pki> {
    let pki = Pki { dir: dir.to_owned() };
    std::fs::create_dir_all(pki.www())?;
    let authority = Authority::make(&pki)?;
    let mut index = leaves::make(&authority, &pki)?;
    index.sort();
    authority.publish(&pki, &index)?;
    inspection::make(&pki)?;
    Ok(pki)
}

/// Where the files are.
#[derive(Debug, Clone)]
pub(crate) struct Pki {
    dir: PathBuf,
}

impl Pki {
    /// A file of the PKI: `root.pem`, `issuing.pem`, `issuing.key`, `root.index`, …
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// What the server of `host` shows: its certificate and what goes with it.
    pub(crate) fn chain(&self, host: &str) -> PathBuf {
        self.dir.join(format!("{host}.pem"))
    }

    /// The key of `host`.
    pub(crate) fn key(&self, host: &str) -> PathBuf {
        self.dir.join(format!("{host}.key"))
    }

    /// What the CA publishes over HTTP: CRLs and certificates in DER.
    pub(crate) fn www(&self) -> PathBuf {
        self.dir.join("www")
    }
}
