//! The embedded snapshot: service tags and Microsoft's address ranges in a compact form, made by `closedpath data pack`.
//!
//! In: tables, or the bytes made of them. Out: the other one. The same tables give the same bytes. Damaged bytes are an error.
//!
//! All numbers are LEB128. Names share the beginning with the one before. A prefix is its length, and how many prefixes of
//! that length lie between the start of the one before and its own.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::SystemTime;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::asn::AsnRanges;
use super::{AsnTable, DataSet, DateFrom, Networks, Origin, PrefixTable, ServiceTags, TablesError, Tag};

/// How a snapshot begins; the number is the version of the format.
const MAGIC: &[u8] = b"closedpath snapshot 1\n";

/// What a snapshot holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// Azure service tags.
    pub service_tags: ServiceTags,
    /// The ranges that Microsoft's own autonomous systems announce.
    pub asn: AsnTable,
}

impl Packed {
    /// Keeps the service tags whole and, of the ranges, those of Microsoft's own autonomous systems.
    pub fn new(service_tags: ServiceTags, asn: &AsnTable, networks: &Networks, version: String) -> Self {
        let mut ranges = AsnRanges::default();
        for range in asn.ranges().filter(|range| networks.is_microsoft(range.origin.asn)) {
            // A table holds no range that another one would refuse.
            let _ = ranges.add(range.start, range.end, range.origin);
        }
        let name = "address to AS (Microsoft's only)".to_owned();
        Self { service_tags, asn: ranges.table(DataSet { name, version, ..asn.data_set.clone() }) }
    }

    /// The bytes.
    pub fn pack(&self) -> Vec<u8> {
        let mut out = Writer(MAGIC.to_vec());
        out.data_set(&self.service_tags.data_set);
        out.tags(&self.service_tags.tags);
        out.prefixes(&self.service_tags.prefixes);
        out.data_set(&self.asn.data_set);
        out.ranges(&self.asn);
        out.0
    }

    /// Reads what `pack` wrote; `file` is for the error.
    pub fn unpack(file: &str, bytes: &[u8]) -> Result<Self, TablesError> {
        let damaged = |at: usize| TablesError::value(file, format!("byte {at}"), "the snapshot is damaged");
        let Some(rest) = bytes.strip_prefix(MAGIC) else {
            return Err(TablesError::value(file, "byte 0", "not a snapshot of this version of closedpath"));
        };
        let mut reader = Reader(rest);
        let packed = reader.packed();
        match packed.filter(|_| reader.0.is_empty()) {
            Some(packed) => Ok(packed),
            None => Err(damaged(bytes.len() - reader.0.len())),
        }
    }
}

struct Writer(Vec<u8>);

impl Writer {
    fn number(&mut self, number: impl Into<u128>) {
        let mut number = number.into();
        while number > 0x7f {
            self.0.push((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    fn count(&mut self, count: usize) {
        self.number(count as u128);
    }

    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.0.extend_from_slice(text.as_bytes());
    }

    fn data_set(&mut self, set: &DataSet) {
        for text in [&set.name, &set.version, &set.source] {
            self.text(text);
        }
        let date = set.date.filter(|_| set.date_from != Some(DateFrom::Modified));
        self.text(&date.map(|date| humantime::format_rfc3339_seconds(date).to_string()).unwrap_or_default());
    }

    fn tags(&mut self, tags: &[Tag]) {
        let mut regions: Vec<&str> = tags.iter().map(|tag| tag.region.as_str()).collect();
        regions.sort_unstable();
        regions.dedup();
        self.count(regions.len());
        regions.iter().for_each(|region| self.text(region));
        self.count(tags.len());
        let mut before = "";
        for Tag { name, region } in tags {
            let same = name.bytes().zip(before.bytes()).take_while(|(one, other)| one == other).count();
            let same = (0..=same).rev().find(|at| name.is_char_boundary(*at)).unwrap_or(0);
            self.count(same);
            self.text(&name[same..]);
            self.count(regions.partition_point(|known| *known < region.as_str()));
            before = name;
        }
    }

    fn prefixes(&mut self, prefixes: &PrefixTable) {
        let mut known: HashMap<&[u32], usize> = HashMap::new();
        let mut groups = Vec::new();
        for (_, tags) in prefixes.iter() {
            known.entry(tags).or_insert_with(|| {
                groups.push(tags);
                groups.len() - 1
            });
        }
        self.count(groups.len());
        for group in groups {
            self.count(group.len());
            let before = std::iter::once(0).chain(group.iter().copied());
            group.iter().zip(before).for_each(|(tag, before)| self.number(tag - before));
        }
        for v4 in [true, false] {
            let family = || prefixes.iter().filter(|(net, _)| net.addr().is_ipv4() == v4);
            self.count(family().count());
            let mut before = 0;
            for (net, tags) in family() {
                let start = bits(net.network());
                let host = u32::from(net.max_prefix_len() - net.prefix_len());
                self.0.push(net.prefix_len());
                self.number(right(start, host) - right(before, host));
                self.count(known.get(tags).copied().unwrap_or_default());
                before = start;
            }
        }
    }

    fn ranges(&mut self, table: &AsnTable) {
        let mut origins: Vec<(u32, &str)> = Vec::new();
        for range in table.ranges() {
            if !origins.contains(&(range.origin.asn, range.origin.org)) {
                origins.push((range.origin.asn, range.origin.org));
            }
        }
        self.count(origins.len());
        for (asn, org) in &origins {
            self.number(*asn);
            self.text(org);
        }
        for v4 in [true, false] {
            let family = || table.ranges().filter(|range| range.start.is_ipv4() == v4);
            self.count(family().count());
            let mut before = 0;
            for range in family() {
                let (start, end) = (bits(range.start), bits(range.end));
                self.number(start - before);
                self.number(end - start);
                let origin = (range.origin.asn, range.origin.org);
                self.count(origins.iter().position(|known| *known == origin).unwrap_or_default());
                before = start;
            }
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn packed(&mut self) -> Option<Packed> {
        let data_set = self.data_set()?;
        let tags = self.tags()?;
        let prefixes = self.prefixes(tags.len())?;
        let service_tags = ServiceTags { data_set, tags, prefixes };
        let data_set = self.data_set()?;
        Some(Packed { service_tags, asn: self.ranges()?.table(data_set) })
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn number(&mut self) -> Option<u128> {
        let (mut number, mut shift) = (0_u128, 0_u32);
        loop {
            let byte = self.byte()?;
            let part = u128::from(byte & 0x7f);
            let placed = part.checked_shl(shift)?;
            if placed >> shift != part {
                return None;
            }
            number |= placed;
            if byte & 0x80 == 0 {
                return Some(number);
            }
            shift += 7;
        }
    }

    /// How many entries follow; each has at least one byte, so a damaged count cannot ask for much room.
    fn count(&mut self) -> Option<usize> {
        usize::try_from(self.number()?).ok().filter(|count| *count <= self.0.len())
    }

    fn place(&mut self, below: usize) -> Option<usize> {
        usize::try_from(self.number()?).ok().filter(|place| *place < below)
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = self.count()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }

    fn data_set(&mut self) -> Option<DataSet> {
        let (name, version, source) = (self.text()?.to_owned(), self.text()?.to_owned(), self.text()?);
        let date: Option<SystemTime> = match self.text()? {
            "" => None,
            text => Some(humantime::parse_rfc3339(text).ok()?),
        };
        let date_from = date.map(|_| DateFrom::Name);
        Some(DataSet { name, version, date, date_from, source: source.to_owned() })
    }

    fn tags(&mut self) -> Option<Vec<Tag>> {
        let mut regions = Vec::new();
        for _ in 0..self.count()? {
            regions.push(self.text()?);
        }
        let count = self.count()?;
        let mut tags: Vec<Tag> = Vec::with_capacity(count);
        for _ in 0..count {
            let same = usize::try_from(self.number()?).ok()?;
            let before = tags.last().map_or("", |tag| tag.name.as_str()).get(..same)?;
            let name = [before, self.text()?].concat();
            let region = (*regions.get(self.place(regions.len())?)?).to_owned();
            tags.push(Tag { name, region });
        }
        Some(tags)
    }

    fn prefixes(&mut self, tags: usize) -> Option<PrefixTable> {
        let mut groups = Vec::new();
        for _ in 0..self.count()? {
            let mut group: Vec<u32> = Vec::new();
            for _ in 0..self.count()? {
                let before = group.last().copied().unwrap_or(0);
                let tag = before.checked_add(u32::try_from(self.number()?).ok()?)?;
                group.push(tag);
            }
            group.iter().all(|tag| (*tag as usize) < tags).then_some(())?;
            groups.push(group);
        }
        let mut pairs: Vec<(IpNet, u32)> = Vec::new();
        for width in [32_u8, 128] {
            let mut before = 0;
            for _ in 0..self.count()? {
                let length = self.byte().filter(|length| *length <= width)?;
                let host = u32::from(width - length);
                let start = right(before, host).checked_add(self.number()?)?;
                let start = start.checked_shl(host).filter(|left| right(*left, host) == start)?;
                let net = match width {
                    32 => Ipv4Net::new(u32::try_from(start).ok()?.into(), length).ok()?.into(),
                    _ => Ipv6Net::new(start.into(), length).ok()?.into(),
                };
                let group = groups.get(self.place(groups.len())?)?;
                pairs.extend(group.iter().map(|tag| (net, *tag)));
                before = start;
            }
        }
        Some(PrefixTable::new(pairs))
    }

    fn ranges(&mut self) -> Option<AsnRanges> {
        let mut origins = Vec::new();
        for _ in 0..self.count()? {
            origins.push((u32::try_from(self.number()?).ok()?, self.text()?));
        }
        let mut ranges = AsnRanges::default();
        for v4 in [true, false] {
            let mut before = 0_u128;
            for _ in 0..self.count()? {
                let start = before.checked_add(self.number()?)?;
                let end = start.checked_add(self.number()?)?;
                let (asn, org) = *origins.get(self.place(origins.len())?)?;
                let address = |bits: u128| match v4 {
                    true => u32::try_from(bits).ok().map(|bits| Ipv4Addr::from(bits).into()),
                    false => Some(Ipv6Addr::from(bits).into()),
                };
                ranges.add(address(start)?, address(end)?, Origin { asn, org }).ok()?;
                before = start;
            }
        }
        Some(ranges)
    }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u32::from(address).into(),
        IpAddr::V6(address) => address.into(),
    }
}

/// All bits may be shifted out.
fn right(number: u128, by: u32) -> u128 {
    number.checked_shr(by).unwrap_or(0)
}

#[cfg(test)]
mod tests;
