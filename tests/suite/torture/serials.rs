//! Serial numbers that look alike, and numbers that should not be (RFC 5280 §4.1.2.2): compared as integers.

use closedpath_lab::torture::entry;

use super::case::{Case, case};
use super::world::draft;

/// A leaf with this number and a CRL with those, as contents octets.
fn numbered(name: &'static str, serial: &[u8], listed: &'static [&'static [u8]]) -> Case {
    let lists = draft(move |draft, _| draft.entries = listed.iter().flat_map(|serial| entry(serial)).collect());
    case(name).odd_serial(serial).crl("/a.crl", lists)
}

const GOOD: &str = "tls ok; leaf good by crl; chain good";
const REVOKED: &str = "tls ok; leaf revoked by crl; chain revoked";

pub fn cases() -> Vec<Case> {
    vec![
        numbered("number 01 with 0001 listed", &[1], &[&[0, 1]]).expect(REVOKED),
        numbered("number 01 with look-alikes listed", &[1], &[&[1, 0], &[0x81], &[1, 1], &[0xff, 1], &[0x11]]).expect(GOOD),
        numbered("number 0081 with 81 listed", &[0, 0x81], &[&[0x81]]).expect(GOOD),
        numbered("number 0081 with 0081 listed", &[0, 0x81], &[&[0, 0x81]]).expect(REVOKED),
        numbered("number 0100 with 01 listed", &[1, 0], &[&[1]]).expect(GOOD),
        numbered("number zero listed", &[0], &[&[0]]).expect(REVOKED),
        numbered("number zero not listed", &[0], &[&[1]]).expect(GOOD),
        numbered("a negative number listed", &[0x81], &[&[0x81]]).expect(REVOKED),
        numbered("a negative number not listed", &[0x81], &[&[0, 0x81], &[0x82]]).expect(GOOD),
        // -1 may be written FF or FFFF.
        numbered("a negative number listed in a longer form", &[0xff], &[&[0xff, 0xff]]).expect(REVOKED),
        numbered("a number of twenty octets listed", &[0x5b; 20], &[&[0x5b; 20]]).expect(REVOKED),
        numbered("a number of twenty octets with nineteen listed", &[0x5b; 20], &[&[0x5b; 19], &[0x5b; 21]]).expect(GOOD),
        numbered("a number of twenty-one octets listed", &[0x5c; 21], &[&[0x5c; 21]]).expect(REVOKED),
        numbered("a number of twenty-one octets not listed", &[0x5c; 21], &[&[0x5c; 20]]).expect(GOOD),
        // An INTEGER has at least one octet (X.690 §8.3.1): a CRL with one that has none is no CRL.
        numbered("a number of no octets listed", &[5], &[&[]]).expect("tls ok; leaf undetermined: malformed; chain undetermined"),
    ]
}
