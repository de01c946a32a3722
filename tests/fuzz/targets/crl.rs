//! A CRL from anywhere: found and counted as another reader does, and nothing unsigned takes the revoked entry away.
#![no_main]

use std::time::{Duration, SystemTime};

use closedpath_core::pki::crl::{Crl, CrlError, Listing, answer, decode, points_of};
use closedpath_core::pki::{der, read};
use libfuzzer_sys::fuzz_target;
use x509_parser::prelude::{CertificateRevocationList, FromDer};

const CA: &[u8] = include_bytes!("../seeds/certificate/ca.cer");
const REVOKED: &[u8] = include_bytes!("../seeds/certificate/revoked.cer");
const PLAIN: &[u8] = include_bytes!("../seeds/crl/plain.crl");

const SKEW: Duration = Duration::from_secs(300);
/// Entries compared: each comparison walks over all of them.
const COMPARED: usize = 16;

fuzz_target!(|data: &[u8]| {
    let Ok(body) = decode(data) else { return };
    assert!(body.len() <= data.len(), "decoding does not grow");
    if body.first() == Some(&der::SEQUENCE) {
        assert_eq!(decode(&body).as_deref(), Ok(&*body), "decoding twice is decoding once");
    }
    let Ok(crl) = Crl::parse(&body) else { return };
    let count = crl.count();
    assert!(count.is_err() || count.is_ok_and(|count| count <= body.len() / 2));
    compare(&crl, &body);

    let now = read(CA).expect("a certificate").not_before + Duration::from_secs(86_400);
    let genuine = crl.verify(CA, now, SKEW).is_ok();
    if genuine {
        assert!(crl.this_update <= now && crl.next_update.is_some_and(|next| next >= now));
    }
    let points = points_of(REVOKED).expect("a certificate");
    for point in points.iter().map(Some).chain([None]) {
        match answer(&crl, None, REVOKED, CA, point, now, SKEW) {
            Ok(said) => {
                assert!(genuine && matches!(said.listing, Listing::Revoked { .. }), "forged: {said:?}");
            }
            Err(CrlError::UnreadableCertificate) => panic!("the certificates can be read"),
            Err(_) => {}
        }
    }
    // As a delta to a genuine base it can only be refused or confirm.
    let base = Crl::parse(PLAIN).expect("a CRL");
    if let Ok(said) = answer(&base, Some(&crl), REVOKED, CA, None, now, SKEW) {
        assert!(genuine && matches!(said.listing, Listing::Revoked { .. }));
    }
});

/// What x509-parser makes of the same bytes, where it can read them.
fn compare(crl: &Crl<'_>, body: &[u8]) {
    let Ok((rest, theirs)) = CertificateRevocationList::from_der(body) else { return };
    assert!(rest.is_empty());
    // It leaves off the rest of a name behind an attribute it cannot read.
    assert!(crl.issuer.starts_with(theirs.issuer().as_raw()));
    assert_eq!(seconds(crl.this_update), theirs.last_update().timestamp());
    assert_eq!(crl.next_update.map(seconds), theirs.next_update().map(|time| time.timestamp()));
    let entries: Vec<_> = theirs.iter_revoked_certificates().collect();
    if let Ok(count) = crl.count() {
        assert_eq!(count, entries.len());
    }
    let indirect = crl.idp.as_ref().is_some_and(|idp| idp.indirect);
    for entry in entries.iter().take(COMPARED) {
        let Ok(found) = crl.find(crl.issuer, entry.raw_serial()) else { continue };
        match found {
            Some(found) => {
                let same =
                    entries.iter().filter(|other| der::same_integer(other.raw_serial(), entry.raw_serial()));
                let dates: Vec<i64> = same.map(|other| other.revocation_date.timestamp()).collect();
                assert!(dates.contains(&seconds(found.revoked_at)));
                assert!(indirect || dates.last() == Some(&seconds(found.revoked_at)));
            }
            // Of another issuer, or an INTEGER that is none.
            None => assert!(indirect || entry.raw_serial().is_empty(), "lost an entry"),
        }
    }
    // A serial that is in no entry.
    let other: &[u8] = &[0x5a; 21];
    if !entries.iter().any(|entry| der::same_integer(entry.raw_serial(), other)) {
        assert!(!matches!(crl.find(crl.issuer, other), Ok(Some(_))));
    }
}

fn seconds(time: SystemTime) -> i64 {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => after.as_secs().cast_signed(),
        Err(before) => -before.duration().as_secs().cast_signed(),
    }
}
