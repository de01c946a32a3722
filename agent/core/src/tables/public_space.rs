//! Microsoft's public IP space: the CSV of the download centre (`Prefix,Type`). It proves ownership, not Azure hosting.

use std::net::IpAddr;

use ipnet::IpNet;

use super::prefix_text::prefix;
use super::{DataFile, DataSet, PrefixTable, TablesError};

/// The prefixes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicSpace {
    /// What it is and how old.
    pub data_set: DataSet,
    prefixes: PrefixTable,
}

impl PublicSpace {
    /// Reads the file; a heading and empty lines are left out.
    pub fn parse(file: &DataFile<'_>) -> Result<Self, TablesError> {
        let mut pairs = Vec::new();
        for (number, line) in file.content().lines().enumerate() {
            let first = line.split(',').next().unwrap_or_default().trim().trim_matches('"');
            if first.is_empty() || number == 0 && first.eq_ignore_ascii_case("prefix") {
                continue;
            }
            let net = prefix(first).ok_or_else(|| {
                let place = format!("line {}", number + 1);
                TablesError::value(file.name, place, format!("`{first}` is not a prefix"))
            })?;
            pairs.push((net, 0));
        }
        let data_set = file.data_set("Microsoft's public IP space", String::new());
        Ok(Self { data_set, prefixes: PrefixTable::new(pairs) })
    }

    /// The narrowest prefix around the address.
    pub fn of(&self, ip: IpAddr) -> Option<IpNet> {
        self.prefixes.covering(ip).next().map(|(prefix, _)| prefix)
    }

    /// Every prefix.
    pub fn prefixes(&self) -> impl Iterator<Item = IpNet> {
        self.prefixes.iter().map(|(prefix, _)| prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::PublicSpace;
    use crate::tables::DataFile;

    #[test]
    fn the_heading_empty_lines_and_spaces_do_not_matter_and_an_error_has_its_line() {
        let parse = |text| PublicSpace::parse(&DataFile { name: "m.csv", modified: None, text });
        let text = "Prefix,Type\r\n\r\n203.0.113.0/24, MSFT Public IP Address Block\r\n2001:db8::/32, MSFT Public IP Address Block\r\n";
        let table = parse(text).expect("it is right");
        assert_eq!(table.prefixes().count(), 2);
        assert_eq!(
            table.of([203, 0, 113, 9].into()).map(|net| net.to_string()).as_deref(),
            Some("203.0.113.0/24")
        );
        assert_eq!(table.of([198, 51, 100, 9].into()), None);
        let text = parse("Prefix,Type\n203.0.113.0/33, x").expect_err("broken").to_string();
        assert_eq!(text, "m.csv: line 2: `203.0.113.0/33` is not a prefix");
    }
}
