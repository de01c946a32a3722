//! MaxMind-format databases of autonomous systems (GeoLite2-ASN, ip-location-db and relatives), read whole into a table.

use std::time::SystemTime;

use closedpath_core::tables::{AsnRanges, AsnTable, DataSet, DateFrom, Origin};
use serde::Deserialize;

use super::file::FileError;

/// What stands before the metadata, near the end of the file.
const MARK: &[u8] = b"\xab\xcd\xefMaxMind.com";
/// The metadata begins within this many bytes before the end.
const TAIL: usize = 128 * 1024;

/// The names of MaxMind, and those of databases that are made of iptoasn.
#[derive(Deserialize)]
struct Record<'a> {
    #[serde(rename = "autonomous_system_number")]
    asn: Option<u32>,
    #[serde(rename = "autonomous_system_organization")]
    org: Option<&'a str>,
}

/// Whether the bytes are such a database.
pub fn is_one(bytes: &[u8]) -> bool {
    let tail = &bytes[bytes.len().saturating_sub(TAIL)..];
    tail.windows(MARK.len()).any(|window| window == MARK)
}

/// Reads all of it.
pub fn read(name: &str, bytes: &[u8]) -> Result<AsnTable, FileError> {
    let wrong = |why: String| FileError::Shape { file: name.to_owned(), why };
    let failed = |error: maxminddb::MaxMindDbError| wrong(format!("the database is damaged: {error}"));
    let database = maxminddb::Reader::from_source(bytes).map_err(failed)?;
    let mut ranges = AsnRanges::default();
    let mut any = false;
    for found in database.networks(maxminddb::WithinOptions::default()).map_err(failed)? {
        let found = found.map_err(failed)?;
        let network = found.network().map_err(failed)?;
        let record = found.decode::<Record<'_>>().map_err(failed)?;
        let Some((asn, org)) = record.and_then(|record| Some((record.asn?, record.org.unwrap_or_default())))
        else {
            continue;
        };
        any = true;
        let (start, end) = (network.network(), network.broadcast());
        ranges.add(start, end, Origin { asn, org }).map_err(|why| wrong(format!("{network}: {why}")))?;
    }
    let metadata = database.metadata();
    if !any {
        let what = &metadata.database_type;
        return Err(wrong(format!("no autonomous systems are in this database ({what})")));
    }
    let date = metadata.build_time().ok().filter(|date| *date != SystemTime::UNIX_EPOCH);
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    Ok(ranges.table(DataSet {
        name: "address to AS".to_owned(),
        version: metadata.database_type.clone(),
        date,
        date_from: date.map(|_| DateFrom::Content),
        source: file.to_owned(),
    }))
}
