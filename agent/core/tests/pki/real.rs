//! Real responses and certificates (tests/data/x509).

use std::time::{Duration, SystemTime};

use closedpath_core::pki::aia::{certificates, is_issuer, issuers};
use closedpath_core::pki::ocsp::{OcspError, OcspStatus, Signer, request, verify};
use closedpath_core::pki::{crl, read};

use crate::openssl::{SKEW, flips};

macro_rules! file {
    ($name:literal) => {
        include_bytes!(concat!("../../../../tests/data/x509/", $name)).as_slice()
    };
}

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// 2021-12-03T00:00:00Z: between the response's updates.
const DURING: u64 = 1_638_489_600;

#[test]
fn the_real_response_of_digicert_says_revoked_at_its_time() {
    let ask = |now| {
        verify(
            file!("revoked_badssl_com.ocsp"),
            file!("revoked_badssl_com.crt"),
            file!("revoked_badssl_com_issuer.crt"),
            None,
            at(now),
            SKEW,
        )
    };
    let answer = ask(DURING).unwrap();
    // 2021-10-27T21:38:48Z
    assert_eq!(answer.status, OcspStatus::Revoked { at: at(1_635_370_728), reason: None });
    assert_eq!(answer.signer, Signer::Issuer);
    // 2021-12-02T02:09:01Z, 2021-12-09T01:24:01Z, 2021-12-02T02:24:57Z
    assert_eq!(answer.this_update, at(1_638_410_941));
    assert_eq!(answer.next_update, Some(at(1_639_013_041)));
    assert_eq!(answer.produced_at, at(1_638_411_897));
    assert_eq!(ask(1_795_392_000), Err(OcspError::Stale), "2026-11-23");
}

#[test]
fn no_damaged_bit_of_the_real_response_makes_the_certificate_good() {
    for damaged in flips(file!("revoked_badssl_com.ocsp")) {
        let answer = verify(
            &damaged,
            file!("revoked_badssl_com.crt"),
            file!("revoked_badssl_com_issuer.crt"),
            None,
            at(DURING),
            SKEW,
        );
        assert!(!matches!(answer, Ok(answer) if answer.status == OcspStatus::Good));
    }
}

#[test]
fn responses_on_other_certificates_answer_nothing() {
    for response in [file!("mock_good.ocsp"), file!("mock_revoked.ocsp")] {
        let answer = verify(
            response,
            file!("revoked_badssl_com.crt"),
            file!("revoked_badssl_com_issuer.crt"),
            None,
            at(DURING),
            SKEW,
        );
        assert_eq!(answer, Err(OcspError::WrongCertificate));
    }
}

/// The mock responses' issuer is not stored: its name alone (in an issuer made here) does not make them an
/// answer, whatever they say, since the certID also hashes its key; nor is a signature looked at before.
#[test]
fn responses_whose_issuer_is_not_at_hand_stay_unverified() {
    let mut named = rcgen::CertificateParams::new(Vec::new()).unwrap();
    named.distinguished_name = rcgen::DistinguishedName::new();
    let name = rcgen::string::PrintableString::try_from("root1-int1").unwrap();
    named.distinguished_name.push(rcgen::DnType::OrganizationName, rcgen::DnValue::PrintableString(name));
    named.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().unwrap();
    let ca = named.self_signed(&key).unwrap();
    let issuer = rcgen::Issuer::new(named, key);
    for (serial, response) in [
        (1, file!("mock_good.ocsp")),
        (1, file!("mock_address_good.ocsp")),
        (1, file!("mock_name_good.ocsp")),
        (2, file!("mock_revoked.ocsp")),
        (2, file!("mock_address_revoked.ocsp")),
        (2, file!("mock_name_revoked.ocsp")),
    ] {
        let mut leaf = rcgen::CertificateParams::new(Vec::new()).unwrap();
        leaf.serial_number = Some(serial.into());
        let leaf = leaf.signed_by(&rcgen::KeyPair::generate().unwrap(), &issuer).unwrap();
        // The name is right: its SHA-1, in the request after five headers and the algorithm, is in the response too.
        let asked = request(leaf.der(), ca.der(), None).unwrap();
        let hash = &asked[23..43];
        assert!(response.windows(20).any(|window| window == hash));
        // 2025-09-01: between the updates.
        let answer = verify(response, leaf.der(), ca.der(), None, at(1_756_684_800), SKEW);
        assert_eq!(answer, Err(OcspError::WrongCertificate));
    }
}

fn pem(bytes: &[u8]) -> Vec<u8> {
    certificates(bytes).unwrap().remove(0)
}

#[test]
fn the_same_azure_ca_has_two_parents_with_different_hosts() {
    let own = pem(file!("azure_rsa_tls_issuing_ca_03.pem"));
    let cross = pem(file!("azure_rsa_tls_issuing_ca_03_xsign.pem"));
    let (microsoft, digicert) =
        (pem(file!("microsoft_rsa_root_2017.pem")), pem(file!("digicert_global_root_g2.pem")));
    assert_eq!(read(&own).unwrap().subject, read(&cross).unwrap().subject);
    assert!(is_issuer(&microsoft, &own) && !is_issuer(&digicert, &own));
    assert!(is_issuer(&digicert, &cross) && !is_issuer(&microsoft, &cross));
    let (own, cross) = (read(&own).unwrap(), read(&cross).unwrap());
    assert_eq!(own.ocsp, ["http://oneocsp.microsoft.com/ocsp"]);
    assert!(own.ca_issuers[0].starts_with("http://www.microsoft.com/pkiops/certs/"));
    assert_eq!(cross.ocsp, ["http://ocsp.digicert.com"]);
    assert_eq!(cross.ca_issuers, ["http://cacerts.digicert.com/DigiCertGlobalRootG2.crt"]);
    assert_eq!(issuers(&[pem(file!("microsoft_rsa_root_2017.pem"))], &[digicert]).ok(), None);
}

#[test]
fn the_tls_g2_ca_has_one_point_with_two_alternatives_on_two_hosts() {
    let ca = pem(file!("tls_g2_rsa_ca_ocsp_02.pem"));
    let points = crl::points_of(&ca).unwrap();
    let uris: Vec<_> = points.iter().map(|point| point.uris.clone()).collect();
    assert_eq!(
        uris,
        [[
            "http://www.microsoft.com/pkiops/crl/Microsoft%20TLS%20RSA%20Root%20G2.crl",
            "http://crl2.microsoft.com/pkiops/crl/Microsoft%20TLS%20RSA%20Root%20G2.crl",
        ]]
    );
    let facts = read(&ca).unwrap();
    assert_eq!(facts.crl, uris);
    assert_eq!(facts.ocsp, ["http://oneocsp.microsoft.com/ocsp"]);
    assert_eq!(
        facts.ca_issuers,
        [
            "http://www.microsoft.com/pkiops/certs/Microsoft%20TLS%20RSA%20Root%20G2%20-%20xsign.crt",
            "http://caissuers.microsoft.com/pkiops/certs/Microsoft%20TLS%20RSA%20Root%20G2%20-%20xsign.crt",
        ]
    );
}
