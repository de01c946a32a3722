//! The tables of `[[table]]`: files that stand for routers which cannot send BMP (E7).
//!
//! In: the plan, and the files as they are now. Out: the routers' routes in a table, until the files are too old; and why a
//! router's files say nothing. A router's files are believed together or not at all: with a part of them a longer prefix
//! may be missing.

use std::fmt::Display;
use std::fs::{File, Metadata};
use std::io::Read;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use closedpath_core::config::{ImportedTable, Plan};
use closedpath_core::rib::{Family, Rib, Update, family_of_show_bgp, from_show_bgp};
use closedpath_net::bmp::from_mrt;
use tokio::sync::RwLock;

/// The most that is read of a file; the readers' own limits are not above it.
const MOST_BYTES: u64 = 512 << 20;
/// A dump that was changed so recently may still be written: where it ends, nothing shows that routes are missing.
const AT_REST: Duration = Duration::from_secs(10);
/// How far a file's time may be ahead of this host's clock.
const AHEAD: Duration = Duration::from_secs(60);

/// The routers whose tables are files.
#[derive(Debug, Clone)]
pub(super) struct Imported {
    routers: Arc<Mutex<Vec<Router>>>,
}

/// A router and its files.
#[derive(Debug)]
struct Router {
    address: IpAddr,
    files: Vec<ImportedTable>,
    /// What was read last: until when it counts, or why it does not.
    read: Option<(Vec<Stamp>, Result<SystemTime, Fault>)>,
}

/// What shows that a file has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    changed: SystemTime,
    bytes: u64,
}

/// Why a router's files say nothing, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Fault {
    what: String,
    remedy: &'static str,
}

impl Fault {
    fn of(file: &Path, what: impl Display, remedy: &'static str) -> Self {
        Self { what: format!("{} {what}", file.display()), remedy }
    }
}

const EXPORT: &str = "export the router's table again";
const NAME: &str = "check the path and the permissions, and that the export runs";
const CLOCK: &str = "check the clocks of this host and of the one that writes the file";
const REST: &str = "it is read in the next round; write it under another name and rename it";
const SPLIT: &str =
    "name one output of `show bgp ipv4 unicast json`, one of `show bgp ipv6 unicast json`, or one MRT dump";

impl Imported {
    /// Of a plan; nothing is read yet. `None` where no table is imported.
    pub(super) fn new(plan: &Plan) -> Option<Self> {
        let mut routers: Vec<Router> = Vec::new();
        for table in &plan.imported {
            match routers.iter_mut().find(|router| router.address == table.router) {
                Some(router) => router.files.push(table.clone()),
                None => {
                    routers.push(Router { address: table.router, files: vec![table.clone()], read: None });
                }
            }
        }
        (!routers.is_empty()).then(|| Self { routers: Arc::new(Mutex::new(routers)) })
    }

    /// Reads what has changed into `table`.
    pub(super) async fn refresh(&self, table: Arc<RwLock<Rib>>) {
        let routers = Arc::clone(&self.routers);
        let reading = move || {
            let now = SystemTime::now();
            let mut routers = routers.lock().unwrap_or_else(PoisonError::into_inner);
            routers.iter_mut().for_each(|router| router.refresh(&table, now));
        };
        // Should a reader fail, what was read before still ends with its own time.
        let _ = tokio::task::spawn_blocking(reading).await;
    }

    /// Which routers' files say nothing at this time, and why.
    pub(super) fn lost(&self, now: SystemTime) -> Vec<String> {
        let routers = self.routers.lock().unwrap_or_else(PoisonError::into_inner);
        let told = |router: &Router| {
            let fault = router.fault(now)?;
            Some(format!(
                "[[table]]: the table of {} is no evidence in this round: {}; paths by this router rest on other evidence, or stay unknown; {}",
                router.address, fault.what, fault.remedy
            ))
        };
        routers.iter().filter_map(told).collect()
    }
}

impl Router {
    /// Reads the files if they have changed.
    fn refresh(&mut self, table: &RwLock<Rib>, now: SystemTime) {
        let stamps: Result<Vec<Stamp>, Fault> = self.files.iter().map(|file| stamp(file, now)).collect();
        let stamps = match stamps {
            Ok(stamps) => stamps,
            Err(fault) => return self.lose(table, Vec::new(), fault, now),
        };
        if self.read.as_ref().is_some_and(|(known, _)| *known == stamps) {
            return;
        }
        let until = self.files.iter().zip(&stamps).map(|(file, stamp)| stamp.changed + file.max_age).min();
        let until = until.unwrap_or(now);
        match self.updates(&stamps, until, now) {
            Ok(updates) => {
                let mut table = table.blocking_write();
                updates.iter().for_each(|update| table.apply(update, now));
                self.read = Some((stamps, Ok(until)));
            }
            Err((fault, settled)) => self.lose(table, if settled { stamps } else { Vec::new() }, fault, now),
        }
    }

    /// From now on the router's table does not answer; what it held is void.
    fn lose(&mut self, table: &RwLock<Rib>, stamps: Vec<Stamp>, fault: Fault, now: SystemTime) {
        let mut table = table.blocking_write();
        table.apply(&Update::SessionUp { router: self.address, until: Some(now) }, now);
        table.apply(&Update::SessionLost { router: self.address }, now);
        self.read = Some((stamps, Err(fault)));
    }

    /// The router's whole table; else why not, and whether reading the same files again is of no use.
    fn updates(
        &self,
        stamps: &[Stamp],
        until: SystemTime,
        now: SystemTime,
    ) -> Result<Vec<Update>, (Fault, bool)> {
        let mut texts: Vec<(Family, Vec<u8>)> = Vec::new();
        for (file, known) in self.files.iter().zip(stamps) {
            let path = &file.file;
            let settled = |what: String, remedy| (Fault::of(path, what, remedy), true);
            let bytes = read(file, *known).map_err(|fault| (fault, false))?;
            if is_json(&bytes) {
                let family = family_of_show_bgp(&bytes)
                    .map_err(|error| settled(format!("cannot be read: {error}"), EXPORT))?
                    .ok_or_else(|| settled("holds no routes".into(), EXPORT))?;
                if texts.iter().any(|(known, _)| *known == family) {
                    return Err(settled("is of the same family as another file of the router".into(), SPLIT));
                }
                texts.push((family, bytes));
            } else if self.files.len() > 1 {
                return Err(settled("is no JSON, and the router has other files".into(), SPLIT));
            } else if now.duration_since(known.changed).is_ok_and(|age| age < AT_REST) {
                return Err((Fault::of(path, "may still be written", REST), false));
            } else {
                let updates = from_mrt(&bytes, self.address, None, until)
                    .map_err(|error| settled(format!("cannot be read as MRT: {error}"), EXPORT))?;
                return filled(updates).ok_or_else(|| settled("holds no routes".into(), EXPORT));
            }
        }
        let of_all = |what: String| (Fault { what, remedy: EXPORT }, true);
        let texts: Vec<_> = texts.iter().map(|(family, text)| (*family, text.as_slice())).collect();
        let updates =
            from_show_bgp(&texts, self.address, until).map_err(|error| of_all(error.to_string()))?;
        filled(updates).ok_or_else(|| of_all("no route of its files is valid".into()))
    }

    fn fault(&self, now: SystemTime) -> Option<Fault> {
        match &self.read {
            Some((_, Err(fault))) => Some(fault.clone()),
            Some((stamps, Ok(until))) if *until < now => {
                let mut of = self.files.iter().zip(stamps);
                of.find_map(|(file, stamp)| aged(file, stamp.changed, now))
            }
            Some((_, Ok(_))) => None,
            None => Some(Fault { what: "its files could not be read".into(), remedy: NAME }),
        }
    }
}

/// The file as it stands, if it may be believed at all.
fn stamp(table: &ImportedTable, now: SystemTime) -> Result<Stamp, Fault> {
    let cannot = |error| Fault::of(&table.file, format!("cannot be read: {error}"), NAME);
    let metadata = std::fs::metadata(&table.file).map_err(cannot)?;
    if !metadata.is_file() {
        // Whoever opens a pipe may wait for ever.
        return Err(Fault::of(&table.file, "is no file", NAME));
    }
    let stamp = of(&metadata).map_err(cannot)?;
    if stamp.changed.duration_since(now).is_ok_and(|ahead| ahead > AHEAD) {
        return Err(Fault::of(&table.file, "has a time in the future, so its age is not known", CLOCK));
    }
    aged(table, stamp.changed, now).map_or(Ok(stamp), Err)
}

fn of(metadata: &Metadata) -> std::io::Result<Stamp> {
    Ok(Stamp { changed: metadata.modified()?, bytes: metadata.len() })
}

/// Says so where a file is too old.
fn aged(table: &ImportedTable, changed: SystemTime, now: SystemTime) -> Option<Fault> {
    let max_age = humantime::format_duration(table.max_age);
    let since = humantime::format_rfc3339_seconds(changed);
    let what = format!("is of {since}, older than its max_age of {max_age}");
    (changed + table.max_age < now).then(|| Fault::of(&table.file, what, EXPORT))
}

/// The whole file, unless it changes meanwhile.
fn read(table: &ImportedTable, known: Stamp) -> Result<Vec<u8>, Fault> {
    let cannot = |error| Fault::of(&table.file, format!("cannot be read: {error}"), NAME);
    let file = File::open(&table.file).map_err(cannot)?;
    let mut bytes = Vec::new();
    (&file).take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(cannot)?;
    let after = file.metadata().and_then(|metadata| of(&metadata)).map_err(cannot)?;
    if after != known {
        return Err(Fault::of(&table.file, "was changed while it was read", REST));
    }
    Ok(bytes)
}

/// JSON begins with a brace. A dump begins with its time, which may look like one, but then has a zero where text has none.
fn is_json(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|first| b"{ \t\r\n".contains(first)) && bytes.get(4) != Some(&0)
}

fn filled(updates: Vec<Update>) -> Option<Vec<Update>> {
    updates.iter().any(|update| matches!(update, Update::Announce { .. })).then_some(updates)
}

#[cfg(test)]
mod tests;
