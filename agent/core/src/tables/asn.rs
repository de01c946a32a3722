//! Which autonomous system announces an address: iptoasn TSV or ip-location-db CSV, as flat sorted ranges.

use std::net::IpAddr;

use super::{DataFile, DataSet, TablesError};

/// Ranges of addresses with their origin.
#[derive(Debug, Clone)]
pub struct AsnTable {
    /// What it is and how old.
    pub data_set: DataSet,
    /// Sorted by start; IPv4 before IPv6, as `IpAddr` orders them.
    ranges: Vec<Range>,
    names: Vec<String>,
}

#[derive(Debug, Clone, Copy)]
struct Range {
    start: IpAddr,
    end: IpAddr,
    asn: u32,
    name: usize,
}

/// The origin of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin<'a> {
    /// The autonomous system.
    pub asn: u32,
    /// Who runs it, in the table's words.
    pub org: &'a str,
}

impl AsnTable {
    /// Reads `start, end, asn, country, name` separated by tabs, or `start, end, asn, name` separated by commas.
    /// Ranges that nobody announces (AS 0) are left out.
    pub fn parse(file: &DataFile<'_>) -> Result<Self, TablesError> {
        let (mut ranges, mut names) = (Vec::new(), Vec::<String>::new());
        let mut known = std::collections::HashMap::<&str, usize>::new();
        for (number, line) in file.content().lines().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            let wrong = |message: &str| {
                TablesError::value(file.name, format!("line {}", number + 1), message.to_owned())
            };
            let (start, end, asn, org) =
                fields(line).ok_or_else(|| wrong("not start, end, AS number, name"))?;
            let start: IpAddr = start.parse().map_err(|_| wrong("the start is not an address"))?;
            let end: IpAddr = end.parse().map_err(|_| wrong("the end is not an address"))?;
            let asn: u32 = asn.parse().map_err(|_| wrong("the AS number is not a number"))?;
            if start.is_ipv4() != end.is_ipv4() || start > end {
                return Err(wrong("the range ends before it starts"));
            }
            if asn == 0 {
                continue;
            }
            let name = *known.entry(org).or_insert_with(|| {
                names.push(org.to_owned());
                names.len() - 1
            });
            ranges.push(Range { start, end, asn, name });
        }
        ranges.sort_by_key(|range| range.start);
        let data_set = file.data_set("address to AS", String::new());
        Ok(Self { data_set, ranges, names })
    }

    /// The origin of an address; `None` where the table has none.
    pub fn of(&self, ip: IpAddr) -> Option<Origin<'_>> {
        let after = self.ranges.partition_point(|range| range.start <= ip);
        let range = self.ranges[..after].last().filter(|range| ip <= range.end)?;
        Some(Origin { asn: range.asn, org: self.names.get(range.name)? })
    }
}

fn fields(line: &str) -> Option<(&str, &str, &str, &str)> {
    let line = line.trim_end_matches('\r');
    let separator = if line.contains('\t') { '\t' } else { ',' };
    let last = if separator == '\t' { 5 } else { 4 };
    let fields: Vec<&str> = line.splitn(last, separator).collect();
    let [start, end, asn, .., org] = fields.as_slice() else { return None };
    (fields.len() == last).then_some((*start, *end, *asn, org.trim_matches('"')))
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
    fn an_error_names_its_line() {
        let text =
            parse("8.8.8.0\t8.8.8.255\t15169\tUS\tGOOGLE\n8.8.9.0\t8.8.8.0\t1\tUS\tX").expect_err("broken");
        assert_eq!(text, "asn.tsv: line 2: the range ends before it starts");
        assert!(parse("8.8.8.0\t8.8.8.255").expect_err("broken").starts_with("asn.tsv: line 1: "));
    }
}
