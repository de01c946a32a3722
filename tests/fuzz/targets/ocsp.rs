//! An OCSP response from anywhere: only what the CA really signed counts, and it never called the revoked certificate good.
#![no_main]

use std::time::Duration;

use closedpath_core::pki::ocsp::{OcspError, OcspStatus, request, verify};
use closedpath_core::pki::read;
use libfuzzer_sys::fuzz_target;

const CA: &[u8] = include_bytes!("../seeds/certificate/ca.cer");
const GOOD: &[u8] = include_bytes!("../seeds/certificate/good.cer");
const REVOKED: &[u8] = include_bytes!("../seeds/certificate/revoked.cer");
const RESPONSE: &[u8] = include_bytes!("../seeds/ocsp/revoked.ocsp");

const SKEW: Duration = Duration::from_secs(300);
const DAY: Duration = Duration::from_secs(86_400);

fuzz_target!(|data: &[u8]| {
    let made = read(CA).expect("a certificate").not_before;
    let now = made + DAY;

    let revoked = verify(data, REVOKED, CA, None, now, SKEW);
    if let Ok(answer) = &revoked {
        assert!(matches!(answer.status, OcspStatus::Revoked { .. }), "forged: {answer:?}");
    }
    let good = verify(data, GOOD, CA, None, now, SKEW);
    if let Ok(answer) = &good {
        assert_eq!(answer.status, OcspStatus::Good);
        assert!(answer.this_update <= now && answer.produced_at <= now);
        assert!(answer.next_update.is_none_or(|next| next >= now));
    }
    // What is read does not depend on when; whether it still holds does.
    if good.is_ok() {
        assert!(verify(data, GOOD, CA, None, made - DAY, SKEW).is_err());
        assert!(verify(data, GOOD, CA, None, now + 30 * DAY, SKEW).is_err());
    }
    // A nonce can only take an answer away.
    match verify(data, GOOD, CA, Some(&[7; 16]), now, SKEW) {
        Ok(answer) => assert_eq!(Ok(answer), good),
        Err(OcspError::NonceMismatch) => {}
        Err(error) => assert_eq!(Err(error), good),
    }
    // The bytes as the certificate or its issuer: the genuine response is about one certificate of one CA.
    assert!(verify(RESPONSE, REVOKED, data, None, now, SKEW).is_err() || same_key(data));
    if let Ok(answer) = verify(RESPONSE, data, CA, None, now, SKEW) {
        assert!(matches!(answer.status, OcspStatus::Revoked { .. }));
    }
    // An exact prefix is no response.
    if let (Ok(_), Some((_, shorter))) = (&good, data.split_last()) {
        assert_eq!(verify(shorter, GOOD, CA, None, now, SKEW), Err(OcspError::Malformed));
    }
    if let Ok(asked) = request(GOOD, data, None) {
        assert!(asked.len() < 256);
    }
});

/// Whether `data` holds the CA's name and key, whatever else it says.
fn same_key(data: &[u8]) -> bool {
    request(REVOKED, data, None) == request(REVOKED, CA, None)
}
