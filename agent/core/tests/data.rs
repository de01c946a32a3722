//! Data files as people have them: real ones of every year and form are read, and no damage to them makes a reader panic.

use closedpath_core::tables::{
    Announced, AsnTable, DataFile, M365, Packed, PublicSpace, ServiceTags, Tables, m365_changes,
};

macro_rules! extract {
    ($file:literal) => {
        include_bytes!(concat!("../../../tests/data/", $file))
    };
}

/// Extracts of real files; only the export of communities and the changes are written by hand, in their documented form.
const FILES: [(&str, &[u8]); 9] = [
    ("ServiceTags_Public_20190722.json", extract!("ServiceTags_Public_20190722.extract.json")),
    ("ServiceTags_Public_20250127.json", extract!("ServiceTags_Public_20250127.extract.json")),
    ("ServiceTags_Public_20251110.json", extract!("ServiceTags_Public_20251110.extract.json")),
    ("endpoints_Worldwide_2024073100.json", extract!("endpoints_Worldwide_2024073100.extract.json")),
    ("asn.tsv", extract!("asn.tsv")),
    ("microsoft_asn_ranges.csv", extract!("microsoft_asn_ranges.extract.csv")),
    ("msft-public-ips.csv", extract!("msft-public-ips_20231002.extract.csv")),
    ("communities.json", extract!("bgp_service_communities.json")),
    ("changes.json", extract!("m365_changes.json")),
];

/// Reads a file and says how much is in it.
type Reader = fn(&DataFile<'_>) -> Result<usize, String>;

const READERS: [Reader; 6] = [
    |file| ServiceTags::parse(file).map(|table| table.tags().len()).map_err(|e| e.to_string()),
    |file| M365::parse(file).map(|table| table.sets().len()).map_err(|e| e.to_string()),
    |file| AsnTable::parse(file).map(|table| table.ranges().count()).map_err(|e| e.to_string()),
    |file| PublicSpace::parse(file).map(|table| table.prefixes().count()).map_err(|e| e.to_string()),
    |file| Announced::parse(file).map(|table| table.prefixes().count()).map_err(|e| e.to_string()),
    |file| m365_changes(file).map(|changes| changes.len()).map_err(|e| e.to_string()),
];

/// Which reader is for which file, and how much it finds.
const EXPECTED: [(usize, usize); 9] =
    [(0, 6), (0, 4), (0, 78), (1, 11), (2, 23), (2, 40), (3, 12), (4, 3), (5, 2)];

fn read(reader: usize, name: &str, bytes: &[u8]) -> Result<usize, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    READERS[reader](&DataFile { name, modified: None, text })
}

#[test]
fn real_files_of_every_year_and_form_are_read() {
    for ((name, bytes), (reader, count)) in FILES.iter().zip(EXPECTED) {
        assert_eq!(read(reader, name, bytes), Ok(count), "{name}");
    }
}

#[test]
fn the_file_of_2019_has_its_byte_order_mark_and_line_ends_and_no_region_ids() {
    let (_, bytes) = FILES[0];
    assert!(bytes.starts_with(b"\xef\xbb\xbf{\r\n"));
    let text = std::str::from_utf8(bytes).expect("UTF-8");
    assert!(!text.contains("regionId") && !text.contains("networkFeatures"));
    assert!(text.contains("\"addressPrefixes\": []"), "an empty list is in it");
    let tags = ServiceTags::parse(&DataFile { name: "x.json", modified: None, text }).expect("it is read");
    assert_eq!(tags.data_set.version, "82");
}

#[test]
fn ten_thousand_damaged_files_are_refused_or_read_and_never_a_panic() {
    let packed = Tables::builtin().expect("the built-in tables parse");
    let tags =
        DataFile { name: "t.json", modified: None, text: std::str::from_utf8(FILES[1].1).expect("UTF-8") };
    let packed = Packed::new(
        ServiceTags::parse(&tags).expect("it parses"),
        &packed.asn.expect("it is embedded"),
        &packed.networks,
        "v".into(),
    )
    .pack();
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let (mut taken, mut refused) = (0, 0);
    for round in 0..10_000 {
        let (name, bytes) = FILES[round % FILES.len()];
        let (_, other) = FILES[random.below(FILES.len())];
        let damaged = random.damage(bytes, other);
        let text = String::from_utf8_lossy(&damaged);
        let file = DataFile { name, modified: None, text: &text };
        // Its own reader, and one that it was given to by mistake.
        let (own, _) = EXPECTED[round % FILES.len()];
        for reader in [own, random.below(READERS.len())] {
            match READERS[reader](&file) {
                Ok(_) => taken += 1,
                Err(why) => {
                    assert!(why.starts_with(name), "an error names its file: {why}");
                    refused += 1;
                }
            }
        }
        let damaged = random.damage(&packed, bytes);
        match Packed::unpack("snapshot", &damaged) {
            Ok(_) => taken += 1,
            Err(_) => refused += 1,
        }
    }
    // Damage in a name or a comment is still a file; both must have been seen.
    assert!(taken > 500 && refused > 10_000, "{taken} {refused}");
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

    /// A few bytes flipped, the end cut off, or a piece of another file put in.
    fn damage(&mut self, bytes: &[u8], other: &[u8]) -> Vec<u8> {
        let mut damaged = bytes.to_vec();
        match self.below(4) {
            0 => damaged.truncate(self.below(bytes.len())),
            1 => {
                let (from, to) = (self.below(other.len()), self.below(other.len()));
                let piece = &other[from.min(to)..from.max(to).min(from.min(to) + 400)];
                let at = self.below(damaged.len());
                let end = (at + self.below(200)).min(damaged.len());
                damaged.splice(at..end, piece.iter().copied());
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
