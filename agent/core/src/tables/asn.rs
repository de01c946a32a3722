//! Which autonomous system announces an address: iptoasn TSV, ip-location-db CSV, or rows that the edges read from an MMDB.
//!
//! In: text, or rows. Out: the origin of an address. Starts and ends stand in arrays of their own for each family, and each
//! name once, so that half a million ranges take about ten megabytes.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{DataFile, DataSet, TablesError};

/// Ranges of addresses with their origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AsnTable {
    /// What it is and how old.
    pub data_set: DataSet,
    v4: Ranges<u32>,
    v6: Ranges<u128>,
    origins: Vec<(u32, Box<str>)>,
}

/// Ranges of one family, sorted by start.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Ranges<A> {
    starts: Vec<A>,
    ends: Vec<A>,
    /// Places in `origins`.
    origins: Vec<u32>,
}

/// The origin of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin<'a> {
    /// The autonomous system.
    pub asn: u32,
    /// Who runs it, in the table's words.
    pub org: &'a str,
}

/// A range of addresses, both ends included, and its origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AsnRange<'a> {
    /// The first address.
    pub start: IpAddr,
    /// The last address, of the same family.
    pub end: IpAddr,
    /// Who announces it.
    pub origin: Origin<'a>,
}

/// Collects ranges for an [`AsnTable`].
#[derive(Debug, Default)]
pub struct AsnRanges {
    v4: Vec<(u32, u32, u32)>,
    v6: Vec<(u128, u128, u32)>,
    origins: Vec<(u32, Box<str>)>,
    known: HashMap<u32, HashMap<Box<str>, u32>>,
}

impl AsnRanges {
    /// Adds a range; one that nobody announces (AS 0) is left out. An error says what is wrong with it.
    pub fn add(&mut self, start: IpAddr, end: IpAddr, origin: Origin<'_>) -> Result<(), &'static str> {
        if start.is_ipv4() != end.is_ipv4() {
            return Err("the range starts in one address family and ends in the other");
        }
        if start > end {
            return Err("the range ends before it starts");
        }
        if origin.asn == 0 {
            return Ok(());
        }
        let names = self.known.entry(origin.asn).or_default();
        let place = match names.get(origin.org) {
            Some(place) => *place,
            None => {
                let place = u32::try_from(self.origins.len()).map_err(|_| "there are too many names")?;
                self.origins.push((origin.asn, origin.org.into()));
                names.insert(origin.org.into(), place);
                place
            }
        };
        match (start, end) {
            (IpAddr::V4(start), IpAddr::V4(end)) => self.v4.push((start.into(), end.into(), place)),
            (IpAddr::V6(start), IpAddr::V6(end)) => self.v6.push((start.into(), end.into(), place)),
            _ => return Err("the range starts in one address family and ends in the other"),
        }
        Ok(())
    }

    /// The table of all that was added.
    pub fn table(self, data_set: DataSet) -> AsnTable {
        let Self { v4, v6, mut origins, .. } = self;
        origins.shrink_to_fit();
        AsnTable { data_set, v4: Ranges::sorted(v4), v6: Ranges::sorted(v6), origins }
    }
}

impl AsnTable {
    /// Reads `start, end, asn, country, name` separated by tabs, or `start, end, asn, name` separated by commas; addresses
    /// may be plain numbers. Ranges that nobody announces (AS 0) are left out.
    pub fn parse(file: &DataFile<'_>) -> Result<Self, TablesError> {
        let mut ranges = AsnRanges::default();
        for (number, line) in file.content().lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |message: &str| {
                TablesError::value(file.name, format!("line {}", number + 1), message.to_owned())
            };
            let (start, end, asn, org) =
                fields(line).ok_or_else(|| wrong("not start, end, AS number, name"))?;
            let start = address(start).ok_or_else(|| wrong("the start is not an address"))?;
            let end = address(end).ok_or_else(|| wrong("the end is not an address"))?;
            let asn = unquoted(asn);
            let asn = asn.strip_prefix("AS").unwrap_or(asn);
            let asn = asn.parse().map_err(|_| wrong("the AS number is not a number"))?;
            ranges.add(start, end, Origin { asn, org }).map_err(wrong)?;
        }
        Ok(ranges.table(file.data_set("address to AS", String::new())))
    }

    /// The origin of an address; `None` where the table has none.
    pub fn of(&self, ip: IpAddr) -> Option<Origin<'_>> {
        let place = match ip {
            IpAddr::V4(ip) => self.v4.of(ip.into()),
            IpAddr::V6(ip) => self.v6.of(ip.into()),
        };
        self.origin(place?)
    }

    /// All ranges, IPv4 first, in order of their starts.
    pub fn ranges(&self) -> impl Iterator<Item = AsnRange<'_>> {
        let v4 = self.v4.iter().map(|(start, end, origin)| {
            (IpAddr::V4(Ipv4Addr::from(start)), IpAddr::V4(Ipv4Addr::from(end)), origin)
        });
        let v6 = self.v6.iter().map(|(start, end, origin)| {
            (IpAddr::V6(Ipv6Addr::from(start)), IpAddr::V6(Ipv6Addr::from(end)), origin)
        });
        v4.chain(v6)
            .filter_map(|(start, end, origin)| Some(AsnRange { start, end, origin: self.origin(origin)? }))
    }

    /// Whether it has no range.
    pub fn is_empty(&self) -> bool {
        self.v4.starts.is_empty() && self.v6.starts.is_empty()
    }

    fn origin(&self, place: u32) -> Option<Origin<'_>> {
        self.origins.get(place as usize).map(|(asn, org)| Origin { asn: *asn, org })
    }
}

impl<A: Copy + Ord> Ranges<A> {
    fn sorted(mut rows: Vec<(A, A, u32)>) -> Self {
        rows.sort_by_key(|(start, _, _)| *start);
        let starts = rows.iter().map(|row| row.0).collect();
        let ends = rows.iter().map(|row| row.1).collect();
        let origins = rows.iter().map(|row| row.2).collect();
        Self { starts, ends, origins }
    }

    fn of(&self, address: A) -> Option<u32> {
        let entry = self.starts.partition_point(|start| *start <= address).checked_sub(1)?;
        let inside = self.ends.get(entry).is_some_and(|end| address <= *end);
        self.origins.get(entry).copied().filter(|_| inside)
    }

    fn iter(&self) -> impl Iterator<Item = (A, A, u32)> {
        let ends = self.starts.iter().zip(&self.ends);
        ends.zip(&self.origins).map(|((start, end), origin)| (*start, *end, *origin))
    }
}

fn fields(line: &str) -> Option<(&str, &str, &str, &str)> {
    let line = line.trim_end_matches('\r');
    let separator = if line.contains('\t') { '\t' } else { ',' };
    let last = if separator == '\t' { 5 } else { 4 };
    let fields: Vec<&str> = line.splitn(last, separator).collect();
    let [start, end, asn, .., org] = fields.as_slice() else { return None };
    (fields.len() == last).then_some((*start, *end, *asn, unquoted(org)))
}

fn unquoted(text: &str) -> &str {
    text.trim().trim_matches('"')
}

/// An address, or the number that it is: iptoasn and ip-location-db offer both.
fn address(text: &str) -> Option<IpAddr> {
    let text = unquoted(text);
    let of_number = || match text.parse::<u128>().ok()? {
        number if number <= u128::from(u32::MAX) => Some(Ipv4Addr::from(number as u32).into()),
        number => Some(Ipv6Addr::from(number).into()),
    };
    text.parse().ok().or_else(of_number)
}

#[cfg(test)]
mod tests {
    use super::AsnTable;
    use crate::tables::DataFile;

    fn parse(text: &str) -> Result<AsnTable, String> {
        AsnTable::parse(&DataFile { name: "asn.tsv", modified: None, text }).map_err(|e| e.to_string())
    }

    #[test]
    fn both_formats_are_read_and_gaps_stay_gaps() {
        let tsv = parse("8.8.8.0\t8.8.8.255\t15169\tUS\tGOOGLE\r\n1.0.4.0\t1.0.7.255\t0\tNone\tNot routed\n2620:1ec::\t2620:1ec::ff\t8068\tUS\tMICROSOFT")
            .expect("TSV");
        let at = |ip: &str| tsv.of(ip.parse().expect("an address")).map(|o| (o.asn, o.org.to_owned()));
        assert_eq!(at("8.8.8.8"), Some((15169, "GOOGLE".into())));
        assert_eq!(at("8.8.9.0"), None);
        assert_eq!(at("1.0.5.1"), None);
        assert_eq!(at("2620:1ec::10"), Some((8068, "MICROSOFT".into())));
        let csv = parse("4.144.0.0,4.213.246.255,8075,\"Microsoft Corporation, US\"").expect("CSV");
        assert_eq!(csv.of([4, 150, 254, 1].into()).map(|o| o.org), Some("Microsoft Corporation, US"));
    }

    #[test]
    fn addresses_may_be_numbers_and_half_a_file_is_an_error() {
        let table = parse("134744064,134744319,15169,\"Google LLC\"\n").expect("numbers");
        assert_eq!(table.of([8, 8, 8, 8].into()).map(|o| (o.asn, o.org)), Some((15169, "Google LLC")));
        let text = parse("8.8.8.0\t2620:1ec::\t15169\tUS\tGOOGLE").expect_err("two families");
        assert_eq!(text, "asn.tsv: line 1: the range starts in one address family and ends in the other");
    }

    #[test]
    fn an_error_names_its_line() {
        let text =
            parse("8.8.8.0\t8.8.8.255\t15169\tUS\tGOOGLE\n8.8.9.0\t8.8.8.0\t1\tUS\tX").expect_err("broken");
        assert_eq!(text, "asn.tsv: line 2: the range ends before it starts");
        assert!(parse("8.8.8.0\t8.8.8.255").expect_err("broken").starts_with("asn.tsv: line 1: "));
    }
}
