//! A data file as people have it: plain or gzip, UTF-8 or the UTF-16 that PowerShell writes, text or MMDB.
//!
//! In: bytes and a name. Out: a table, or what is wrong and where. Nothing here reads or writes a file.

use std::io::Read;
use std::time::SystemTime;

use closedpath_core::tables::{
    Announced, AsnTable, DataFile, DataSet, M365, PublicSpace, ServiceTags, Tables,
};

use super::error::FileError;
use super::{Kind, mmdb};

/// No data set is larger, unpacked; the largest known are a tenth of it.
pub const LARGEST: u64 = 512 * 1024 * 1024;

/// A table of one kind.
#[derive(Debug, Clone)]
pub enum Loaded {
    /// Azure service tags.
    ServiceTags(ServiceTags),
    /// Microsoft 365 endpoints.
    M365(M365),
    /// Address to autonomous system.
    Asn(AsnTable),
    /// What Microsoft peering announces.
    Communities(Announced),
    /// Microsoft's public IP space.
    PublicSpace(PublicSpace),
}

impl Loaded {
    /// What it is and how old.
    pub fn data_set(&self) -> &DataSet {
        match self {
            Self::ServiceTags(table) => &table.data_set,
            Self::M365(table) => &table.data_set,
            Self::Asn(table) => &table.data_set,
            Self::Communities(table) => &table.data_set,
            Self::PublicSpace(table) => &table.data_set,
        }
    }

    /// Which kind it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::ServiceTags(_) => Kind::ServiceTags,
            Self::M365(_) => Kind::M365,
            Self::Asn(_) => Kind::Asn,
            Self::Communities(_) => Kind::Communities,
            Self::PublicSpace(_) => Kind::PublicSpace,
        }
    }

    /// How much is in it, in words.
    pub fn contents(&self) -> String {
        match self {
            Self::ServiceTags(table) => {
                format!("{} tags, {} prefixes", table.tags().len(), table.prefixes().count())
            }
            Self::M365(table) => format!("{} endpoint sets", table.sets().len()),
            Self::Asn(table) => format!("{} address ranges", table.ranges().count()),
            Self::Communities(table) => format!("{} prefixes", table.prefixes().count()),
            Self::PublicSpace(table) => format!("{} prefixes", table.prefixes().count()),
        }
    }

    /// Puts it in force.
    pub fn into_tables(self, tables: &mut Tables) {
        match self {
            Self::ServiceTags(table) => tables.service_tags = Some(table),
            Self::M365(table) => tables.m365 = Some(table),
            Self::Asn(table) => tables.asn = Some(table),
            Self::Communities(table) => tables.announced = Some(table),
            Self::PublicSpace(table) => tables.public_space = Some(table),
        }
    }
}

/// Reads a file of a known kind. One that parses but holds nothing is refused: it would make everything look unowned.
pub fn load(kind: Kind, name: &str, bytes: &[u8], modified: Option<SystemTime>) -> Result<Loaded, FileError> {
    read(Some(kind), name, bytes, modified)
}

/// Reads a file and finds out what it is.
pub fn detect(name: &str, bytes: &[u8], modified: Option<SystemTime>) -> Result<Loaded, FileError> {
    read(None, name, bytes, modified)
}

fn read(
    kind: Option<Kind>,
    name: &str,
    bytes: &[u8],
    modified: Option<SystemTime>,
) -> Result<Loaded, FileError> {
    let unpacked = unpacked(name, bytes)?;
    let bytes = unpacked.as_deref().unwrap_or(bytes);
    if mmdb::is_one(bytes) && kind.is_none_or(|kind| kind == Kind::Asn) {
        return Ok(Loaded::Asn(mmdb::read(name, bytes)?));
    }
    let text = text(name, bytes)?;
    let file = DataFile { name, modified, text: &text };
    if text.trim_start_matches('\u{feff}').trim_start().starts_with('<') {
        let why = "it is a web page: a sign-in or an error instead of the file";
        return Err(FileError::shape(name, why));
    }
    let kind = match kind {
        Some(kind) => kind,
        None => kind_of(name, &text)?,
    };
    let loaded = match kind {
        Kind::ServiceTags => Loaded::ServiceTags(ServiceTags::parse(&file)?),
        Kind::M365 => Loaded::M365(M365::parse(&file)?),
        Kind::Asn => Loaded::Asn(AsnTable::parse(&file)?),
        Kind::Communities => Loaded::Communities(Announced::parse(&file)?),
        Kind::PublicSpace => Loaded::PublicSpace(PublicSpace::parse(&file)?),
    };
    let empty = match &loaded {
        Loaded::ServiceTags(table) => table.prefixes().next().is_none(),
        Loaded::M365(table) => table.sets().is_empty(),
        Loaded::Asn(table) => table.is_empty(),
        Loaded::Communities(table) => table.prefixes().next().is_none(),
        Loaded::PublicSpace(table) => table.prefixes().next().is_none(),
    };
    if empty { Err(FileError::shape(name, "there is nothing in it")) } else { Ok(loaded) }
}

/// The content of a gzip file; `None` of any other.
fn unpacked(name: &str, bytes: &[u8]) -> Result<Option<Vec<u8>>, FileError> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(None);
    }
    let mut content = Vec::new();
    let mut reader = flate2::read::MultiGzDecoder::new(bytes).take(LARGEST + 1);
    let read = reader.read_to_end(&mut content);
    let why = match read {
        Err(error) => format!("the gzip file is damaged after {} bytes of content: {error}", content.len()),
        Ok(_) if content.len() as u64 > LARGEST => format!("there are more than {LARGEST} bytes in it"),
        Ok(_) => return Ok(Some(content)),
    };
    Err(FileError::shape(name, why))
}

/// UTF-8, or UTF-16 with its byte order mark.
fn text<'a>(name: &str, bytes: &'a [u8]) -> Result<std::borrow::Cow<'a, str>, FileError> {
    let wide = |of: fn([u8; 2]) -> u16| {
        let units = bytes.get(2..).unwrap_or_default().chunks_exact(2);
        if units.remainder().len() == 1 {
            return Err(FileError::shape(name, "it is cut off in the middle of a UTF-16 character"));
        }
        let units = units.map(|pair| of([pair[0], pair[1]]));
        let text: Result<String, _> = char::decode_utf16(units).collect();
        text.map(std::borrow::Cow::Owned).map_err(|_| FileError::shape(name, "it is not UTF-16 text"))
    };
    match bytes {
        [0xff, 0xfe, ..] => wide(u16::from_le_bytes),
        [0xfe, 0xff, ..] => wide(u16::from_be_bytes),
        _ => std::str::from_utf8(bytes).map(std::borrow::Cow::Borrowed).map_err(|error| {
            FileError::shape(name, format!("it is not UTF-8 text (byte {})", error.valid_up_to()))
        }),
    }
}

/// What a text is, by what stands in it.
fn kind_of(name: &str, text: &str) -> Result<Kind, FileError> {
    let start = text.trim_start_matches('\u{feff}').trim_start();
    match start.chars().next() {
        Some('{' | '[') if start.contains("\"addressPrefixes\"") => Ok(Kind::ServiceTags),
        Some('{' | '[') if start.contains("\"serviceArea\"") => Ok(Kind::M365),
        Some('{' | '[') if start.contains("\"BgpCommunities\"") || start.contains("\"bgpCommunities\"") => {
            Ok(Kind::Communities)
        }
        Some('{' | '[') if start.contains("\"latest\"") => Err(FileError::shape(
            name,
            "it is the answer of the Microsoft 365 version service, not the endpoints",
        )),
        Some('{' | '[') if start.contains("\"endpointSetId\"") => Err(FileError::shape(
            name,
            "it is a list of changes of the Microsoft 365 endpoints, not the endpoints",
        )),
        Some(_)
            if start.lines().next().is_some_and(|line| line.trim().eq_ignore_ascii_case("Prefix,Type")) =>
        {
            Ok(Kind::PublicSpace)
        }
        Some('{' | '[') => {
            // A file that was cut off before its first telling word, or none of ours.
            let why =
                serde_json::from_str::<serde::de::IgnoredAny>(start).err().map(|error| error.to_string());
            let other =
                "JSON, but neither service tags, nor Microsoft 365 endpoints, nor an export of communities";
            Err(FileError::shape(name, why.unwrap_or_else(|| other.to_owned())))
        }
        Some(first) if first.is_ascii_hexdigit() || matches!(first, '#' | '"' | ':') => Ok(Kind::Asn),
        _ => Err(FileError::shape(
            name,
            "neither service tags, nor Microsoft 365 endpoints, nor a table of autonomous systems (TSV, CSV, MMDB), nor an export of communities, nor Microsoft's public IP space",
        )),
    }
}

#[cfg(test)]
mod tests;
