//! What is packed comes back, byte for byte the same each time, and damaged bytes are refused.

use super::Packed;
use crate::tables::{AsnTable, DataFile, DateFrom, ServiceTags, Tables};

const TAGS: &str = include_str!("../../../../../tests/data/ServiceTags_Public_20251110.extract.json");
const ASN: &str = include_str!("../../../../../tests/data/asn.tsv");

fn tags() -> ServiceTags {
    let file = DataFile { name: "ServiceTags_Public_20251110.extract.json", modified: None, text: TAGS };
    ServiceTags::parse(&file).expect("the extract parses")
}

fn packed() -> Packed {
    let asn = AsnTable::parse(&DataFile { name: "asn.tsv", modified: None, text: ASN });
    let networks = Tables::documents().expect("the built-in tables parse").networks;
    Packed::new(tags(), &asn.expect("the extract parses"), &networks, "v".into())
}

#[test]
fn what_is_unpacked_equals_what_was_parsed_and_the_bytes_are_the_same_again() {
    let packed = packed();
    let bytes = packed.pack();
    let unpacked = Packed::unpack("x", &bytes).expect("it unpacks");
    assert_eq!(unpacked.service_tags, tags());
    assert_eq!(unpacked, packed);
    assert_eq!(bytes, self::packed().pack());
    assert_eq!(bytes, unpacked.pack());
}

#[test]
fn of_the_ranges_only_microsofts_are_kept() {
    let asn = packed().asn;
    assert_eq!(asn.data_set.name, "address to AS (Microsoft's only)");
    assert_eq!(asn.of([13, 107, 6, 152].into()).map(|origin| origin.asn), Some(8068));
    assert_eq!(asn.of([8, 8, 8, 8].into()), None);
}

#[test]
fn a_date_that_only_the_file_system_knew_is_not_packed() {
    let mut packed = packed();
    packed.asn.data_set.date = Some(std::time::SystemTime::UNIX_EPOCH);
    packed.asn.data_set.date_from = Some(DateFrom::Modified);
    let unpacked = Packed::unpack("x", &packed.pack()).expect("it unpacks");
    assert_eq!((unpacked.asn.data_set.date, unpacked.asn.data_set.date_from), (None, None));
}

#[test]
fn no_shortened_or_lengthened_snapshot_is_taken() {
    let bytes = packed().pack();
    for length in 0..bytes.len() {
        assert!(Packed::unpack("x", &bytes[..length]).is_err(), "{length} of {}", bytes.len());
    }
    let text = Packed::unpack("x", b"closedpath snapshot 2\n").expect_err("another version").to_string();
    assert_eq!(text, "x: byte 0: not a snapshot of this version of closedpath");
    let longer = [bytes.as_slice(), b"x"].concat();
    let text = Packed::unpack("x", &longer).expect_err("too long").to_string();
    assert_eq!(text, format!("x: byte {}: the snapshot is damaged", bytes.len()));
}
