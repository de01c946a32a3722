//! Whole files as the vendors give them, and thousands of damaged ones: read or refused, soon, and never a panic.

use std::io::Write;
use std::time::{Duration, Instant};

use super::{Loaded, detect, load};
use crate::data::Kind;

macro_rules! data {
    ($file:literal) => {
        include_bytes!(concat!("../../../../tests/data/", $file))
    };
}

const M365: &[u8] = include_bytes!("../../../../config/tables/endpoints_Worldwide_2024073100.json");

#[test]
fn every_real_file_is_read_whole_and_recognised() {
    let files: [(&str, &[u8], Kind, &str, &str); 7] = [
        (
            "ServiceTags_Public_20190722.json.gz",
            data!("ServiceTags_Public_20190722.json.gz"),
            Kind::ServiceTags,
            "82",
            "756 tags, 7489 prefixes",
        ),
        (
            "ServiceTags_Public_20250127.json.gz",
            data!("ServiceTags_Public_20250127.json.gz"),
            Kind::ServiceTags,
            "343",
            "2647 tags, 49136 prefixes",
        ),
        (
            "ServiceTags_Public_20251110.json.gz",
            data!("ServiceTags_Public_20251110.json.gz"),
            Kind::ServiceTags,
            "376",
            "3041 tags, 53586 prefixes",
        ),
        ("endpoints_Worldwide_2024073100.json", M365, Kind::M365, "2024073100", "68 endpoint sets"),
        (
            "microsoft_asn_ranges.csv.gz",
            data!("microsoft_asn_ranges.csv.gz"),
            Kind::Asn,
            "",
            "1252 address ranges",
        ),
        (
            "msft-public-ips_20211102.csv.gz",
            data!("msft-public-ips_20211102.csv.gz"),
            Kind::PublicSpace,
            "",
            "218 prefixes",
        ),
        (
            "msft-public-ips_20231002.csv.gz",
            data!("msft-public-ips_20231002.csv.gz"),
            Kind::PublicSpace,
            "",
            "304 prefixes",
        ),
    ];
    for (name, bytes, kind, version, contents) in files {
        let found = detect(name, bytes, None).map_err(|why| why.to_string());
        let found = found.as_ref().map(|found| (found.kind(), found.contents(), &*found.data_set().version));
        assert_eq!(found, Ok((kind, contents.to_owned(), version)), "{name}");
        let date = load(kind, name, bytes, None).map(|found| found.data_set().date);
        let named = name.contains(|c: char| c.is_ascii_digit());
        assert_eq!(date.map(|date| date.is_some()).ok(), Some(named), "{name}");
    }
}

/// What each of them knows of an address of Front Door; in 2019 none of its prefixes was regional (D2).
#[test]
fn the_real_service_tags_of_three_years_differ_as_the_specification_says() {
    let regional = |name: &str, bytes: &[u8]| {
        let Ok(Loaded::ServiceTags(tags)) = detect(name, bytes, None) else {
            panic!("{name} is service tags")
        };
        let front: Vec<_> = tags
            .prefixes()
            .filter_map(|(prefix, mut of)| {
                let front = of.any(|tag| matches!(&*tag.name, "AzureFrontDoor" | "AzureFrontDoor.Frontend"));
                (front && prefix.addr().is_ipv4()).then_some(prefix)
            })
            .collect();
        let inside =
            |prefix: &&ipnet::IpNet| tags.of(prefix.addr()).iter().any(|found| found.tag.is_region());
        (front.len(), front.iter().filter(inside).count())
    };
    let old = regional("t_20190722.json.gz", data!("ServiceTags_Public_20190722.json.gz"));
    assert!(old.0 > 0 && old.1 == 0, "{old:?}");
    assert_eq!(regional("t_20251110.json.gz", data!("ServiceTags_Public_20251110.json.gz")), (90, 66));
}

#[test]
fn ten_thousand_damaged_files_of_every_packing_are_read_or_refused_soon() {
    let tags: &[u8] = data!("ServiceTags_Public_20250127.extract.json");
    let communities: &[u8] = data!("bgp_service_communities.json");
    let mmdb: &[u8] = data!("asn.mmdb");
    let tsv: &[u8] = data!("asn.tsv");
    let files: Vec<(&str, Kind, Vec<u8>)> = vec![
        ("t.json", Kind::ServiceTags, tags.to_vec()),
        ("bom.json", Kind::ServiceTags, data!("ServiceTags_Public_20190722.extract.json").to_vec()),
        ("t.json.gz", Kind::ServiceTags, gzip(tags)),
        ("m365.json", Kind::M365, data!("endpoints_Worldwide_2024073100.extract.json").to_vec()),
        ("a.tsv", Kind::Asn, tsv.to_vec()),
        ("a.csv", Kind::Asn, data!("microsoft_asn_ranges.extract.csv").to_vec()),
        ("a.tsv.gz", Kind::Asn, gzip(tsv)),
        ("whole.csv.gz", Kind::Asn, data!("microsoft_asn_ranges.csv.gz").to_vec()),
        ("a.mmdb", Kind::Asn, mmdb.to_vec()),
        ("b.mmdb", Kind::Asn, mmdb.to_vec()),
        ("a.mmdb.gz", Kind::Asn, gzip(mmdb)),
        ("c.json", Kind::Communities, communities.to_vec()),
        ("wide.json", Kind::Communities, utf16(communities)),
        ("p.csv", Kind::PublicSpace, data!("msft-public-ips_20231002.extract.csv").to_vec()),
        ("p.csv.gz", Kind::PublicSpace, data!("msft-public-ips_20231002.csv.gz").to_vec()),
    ];
    let mut random = Random(0x2545_F491_4F6C_DD1D);
    let (mut taken, mut refused, mut slowest) = (0, 0, Duration::ZERO);
    for round in 0..10_500 {
        let (name, kind, bytes) = &files[round % files.len()];
        let damaged = random.damage(bytes);
        let began = Instant::now();
        // By its kind, as `[data]` names it; and by what it looks like, as `data import` does.
        for read in [load(*kind, name, &damaged, None), detect(name, &damaged, None)] {
            match read {
                Ok(found) => {
                    assert!(!found.contents().starts_with("0 "), "{name}: nothing is not a table");
                    taken += 1;
                }
                Err(why) => {
                    assert!(
                        why.to_string().starts_with(&format!("{name}: ")),
                        "an error names its file: {why}"
                    );
                    refused += 1;
                }
            }
        }
        slowest = slowest.max(began.elapsed());
    }
    // A damaged name is still a name; both must have been seen.
    assert!(taken > 1000 && refused > 8000, "{taken} {refused}");
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
}

#[test]
fn the_largest_real_file_is_refused_when_its_download_broke_off_anywhere() {
    let whole: &[u8] = data!("ServiceTags_Public_20251110.json.gz");
    for eighths in 1..8 {
        let cut = &whole[..whole.len() * eighths / 8];
        let why = detect("t.json.gz", cut, None).map(|found| found.contents()).expect_err("it is cut");
        assert!(why.to_string().starts_with("t.json.gz: the gzip file is damaged after "), "{why}");
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("it goes to memory");
    encoder.finish().expect("it goes to memory")
}

/// As PowerShell writes it.
fn utf16(bytes: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(bytes).expect("UTF-8");
    std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

/// Xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end.max(1) as u64) as usize
    }

    /// A piece of it: where it begins and ends.
    fn piece(&mut self, of: &[u8], longest: usize) -> std::ops::Range<usize> {
        let from = self.below(of.len());
        from..(from + self.below(longest)).min(of.len())
    }

    /// Bits flipped, the end cut off, a piece doubled, left out or moved, or a number replaced by another.
    fn damage(&mut self, bytes: &[u8]) -> Vec<u8> {
        const NUMBERS: [&str; 8] = [
            "0",
            "-1",
            "33",
            "129",
            "4294967296",
            "340282366920938463463374607431768211456",
            "1e999",
            "\"7\"",
        ];
        let mut damaged = bytes.to_vec();
        match self.below(6) {
            0 => damaged.truncate(self.below(bytes.len())),
            1 => {
                let piece = self.piece(bytes, 400);
                let at = piece.end;
                damaged.splice(at..at, bytes[piece].iter().copied());
            }
            2 => {
                damaged.drain(self.piece(bytes, 200));
            }
            3 => {
                let piece = self.piece(bytes, 200);
                let at = self.piece(bytes, 200);
                damaged.splice(at, bytes[piece].iter().copied());
            }
            4 => {
                let digit = |byte: &u8| byte.is_ascii_digit();
                let from = self.below(bytes.len());
                let start = bytes[from..].iter().position(digit).map_or(from, |found| from + found);
                let length = bytes[start..].iter().take_while(|byte| digit(byte)).count();
                let number = NUMBERS[self.below(NUMBERS.len())];
                damaged.splice(start..start + length, number.bytes());
            }
            _ => {
                for _ in 0..=self.below(8) {
                    let at = self.below(damaged.len());
                    damaged[at] ^= 1 << self.below(8);
                }
            }
        }
        damaged
    }
}
