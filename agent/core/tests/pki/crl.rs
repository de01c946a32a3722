//! CRLs of `openssl ca`: header, signature, dates, scope, deltas, and damage.

use closedpath_core::pki::crl::{
    Crl, CrlAnswer, CrlError, DistributionPoint, Listing, answer, decode, freshest_of, points_of,
};
use closedpath_core::pki::{Reason, Reasons};

use crate::openssl::{Ca, DAY, SKEW, flips, now, truncations};

/// A CA, its certificate, a leaf that is not revoked, and one that is.
fn ca() -> (Ca, Vec<u8>, Vec<u8>, Vec<u8>) {
    let ca = Ca::new();
    let good = ca.issue("good", "01", "leaf", &[]);
    let bad = ca.issue("bad", "0102", "leaf", &[]);
    ca.revoke("bad", "superseded");
    let issuer = ca.certificate();
    (ca, issuer, good, bad)
}

fn ask(
    crl: &[u8],
    leaf: &[u8],
    issuer: &[u8],
    point: Option<&DistributionPoint<'_>>,
) -> Result<CrlAnswer, CrlError> {
    answer(&Crl::parse(crl)?, None, leaf, issuer, point, now(), SKEW)
}

fn listing(crl: &[u8], leaf: &[u8], issuer: &[u8]) -> Result<Listing, CrlError> {
    let points = points_of(leaf).unwrap();
    ask(crl, leaf, issuer, points.first()).map(|answer| answer.listing)
}

const NOT_LISTED: Result<Listing, CrlError> = Ok(Listing::NotListed(Reasons::ALL));

fn is_revoked(listing: &Result<Listing, CrlError>) -> bool {
    matches!(listing, Ok(Listing::Revoked { .. }))
}

#[test]
fn a_crl_lists_the_revoked_leaf_with_its_reason_and_not_the_other() {
    let (ca, issuer, good, bad) = ca();
    let crl = ca.crl("crl", &[]);
    assert_eq!(listing(&crl, &good, &issuer), NOT_LISTED);
    let Ok(Listing::Revoked { at, reason }) = listing(&crl, &bad, &issuer) else { panic!("it was revoked") };
    assert_eq!(reason, Some(Reason::Superseded));
    assert!(now() - SKEW < at && at <= now());
}

#[test]
fn the_header_says_what_openssl_wrote() {
    let (ca, ..) = ca();
    ca.write("crlnumber", b"1234\n");
    let der = ca.crl("crl_part", &[]);
    let crl = Crl::parse(&der).unwrap();
    assert_eq!(crl.number, Some(&[0x12, 0x34][..]));
    assert_eq!(crl.next_update, Some(crl.this_update + DAY * 7));
    assert_eq!(crl.idp.as_ref().unwrap().uris, ["http://crl.example/a.crl"]);
    assert_eq!((crl.delta_base, crl.freshest.len(), crl.count()), (None, 0, Ok(1)));
    let der = ca.crl("crl_freshest", &[]);
    assert_eq!(Crl::parse(&der).unwrap().freshest[0].uris, ["http://crl.example/delta.crl"]);
}

#[test]
fn the_points_of_a_certificate_keep_what_cannot_be_fetched() {
    let (_, _, good, _) = ca();
    let points = points_of(&good).unwrap();
    let uris: Vec<_> = points.iter().flat_map(|point| &point.uris).collect();
    assert_eq!(uris, ["http://crl.example/a.crl", "ldap://crl.example/cn=a"]);
    assert_eq!(freshest_of(&good), Ok(Vec::new()));
    assert_eq!(points_of(b""), Err(CrlError::UnreadableCertificate));
}

#[test]
fn pem_is_accepted_where_it_is_strict() {
    let (ca, ..) = ca();
    let der = ca.crl("crl", &[]);
    let pem = ca.read("crl.pem");
    assert_eq!(decode(&der).unwrap(), der);
    assert_eq!(decode(&pem).unwrap(), der);
    let windows = String::from_utf8(pem.clone()).unwrap().replace('\n', "\r\n");
    assert_eq!(decode(windows.as_bytes()).unwrap(), der);
    for bad in [[&b"hello\n"[..], &pem].concat(), [&pem[..], &pem].concat(), b"<html>".to_vec(), Vec::new()] {
        assert_eq!(decode(&bad).unwrap_err(), CrlError::Malformed);
    }
}

#[test]
fn a_crl_of_another_ca_says_nothing() {
    let (_, issuer, good, _) = ca();
    let same_name = Ca::new();
    assert_eq!(listing(&same_name.crl("crl", &[]), &good, &issuer), Err(CrlError::BadSignature));
    let other_name = Ca::new();
    other_name.run(&[
        "req",
        "-x509",
        "-config",
        "config",
        "-key",
        "ca.key",
        "-subj",
        "/CN=Other CA",
        "-extensions",
        "root",
        "-out",
        "ca.pem",
    ]);
    let crl = other_name.crl("crl", &[]);
    assert_eq!(listing(&crl, &good, &issuer), Err(CrlError::WrongIssuer));
    assert_eq!(listing(&crl, &good, &other_name.certificate()), Err(CrlError::WrongIssuer));
}

#[test]
fn a_ca_whose_key_must_not_sign_crls_is_not_believed() {
    let ca = Ca::with(&["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "root_without_crl_sign");
    let good = ca.issue("good", "01", "leaf", &[]);
    assert_eq!(listing(&ca.crl("crl", &[]), &good, &ca.certificate()), Err(CrlError::IssuerNotAuthorised));
}

#[test]
fn a_crl_from_the_future_or_the_past_does_not_count() {
    let (ca, issuer, good, _) = ca();
    let der = ca.crl("crl", &[]);
    let crl = Crl::parse(&der).unwrap();
    assert_eq!(crl.verify(&issuer, crl.this_update - SKEW, SKEW), Ok(()));
    assert_eq!(crl.verify(&issuer, crl.this_update - SKEW * 2, SKEW), Err(CrlError::NotYetValid));
    assert_eq!(crl.verify(&issuer, crl.this_update + DAY * 7 + SKEW, SKEW), Ok(()));
    assert_eq!(crl.verify(&issuer, crl.this_update + DAY * 7 + SKEW * 2, SKEW), Err(CrlError::Stale));
    assert_eq!(answer(&crl, None, &good, &issuer, None, now() + DAY * 9, SKEW), Err(CrlError::Stale));
}

#[test]
fn an_unknown_critical_extension_forbids_using_the_crl() {
    let (ca, issuer, good, _) = ca();
    assert_eq!(
        listing(&ca.crl("crl_critical", &[]), &good, &issuer),
        Err(CrlError::UnknownCriticalExtension)
    );
}

#[test]
fn a_part_counts_only_for_the_point_that_names_it() {
    let (ca, issuer, good, bad) = ca();
    let (own, other) = (ca.crl("crl_part", &[]), ca.crl("crl_other_part", &[]));
    assert_eq!(listing(&own, &good, &issuer), NOT_LISTED);
    assert!(is_revoked(&listing(&own, &bad, &issuer)));
    assert_eq!(listing(&other, &good, &issuer), Err(CrlError::OutOfScope));
    assert_eq!(ask(&own, &good, &issuer, None), Err(CrlError::OutOfScope), "found where nobody pointed");
}

#[test]
fn crls_of_users_cas_or_attributes_speak_of_those_only() {
    let (ca, issuer, good, _) = ca();
    let sub = ca.issue("sub", "05", "ca_ext", &[]);
    let of = |kind, leaf: &[u8]| ask(&ca.crl(kind, &[]), leaf, &issuer, None).map(|answer| answer.listing);
    assert_eq!(of("crl_users", &good), NOT_LISTED);
    assert_eq!(of("crl_users", &sub), Err(CrlError::OutOfScope));
    assert_eq!(of("crl_cas", &sub), NOT_LISTED);
    assert_eq!(of("crl_cas", &good), Err(CrlError::OutOfScope));
    assert_eq!(of("crl_attributes", &good), Err(CrlError::OutOfScope));
}

#[test]
fn crls_split_by_reason_each_speak_of_theirs() {
    let (ca, issuer, ..) = ca();
    let leaf = ca.issue("leaf", "06", "split", &[]);
    let points = points_of(&leaf).unwrap();
    let reasons = |kind, point| match ask(&ca.crl(kind, &[]), &leaf, &issuer, Some(point)).unwrap().listing {
        Listing::NotListed(reasons) => reasons,
        Listing::Revoked { .. } => panic!("it is not revoked"),
    };
    let (one, two) = (reasons("crl_one", &points[0]), reasons("crl_two", &points[1]));
    assert_ne!(one, Reasons::ALL);
    assert_ne!(two, Reasons::ALL);
    assert_eq!(one.or(two), Reasons::ALL);
    assert_eq!(one.and(two), Reasons::NONE);
}

#[test]
fn a_delta_adds_to_the_base_it_fits_and_says_nothing_alone() {
    let (ca, issuer, good, _) = ca();
    let base = ca.crl("crl", &[]);
    ca.revoke("good", "keyCompromise");
    let (delta, later) = (ca.crl("crl_delta", &[]), ca.crl("crl_delta_of_nine", &[]));
    let (base, delta, later) =
        (Crl::parse(&base).unwrap(), Crl::parse(&delta).unwrap(), Crl::parse(&later).unwrap());
    let ask = |base: &Crl<'_>, delta: Option<&Crl<'_>>| {
        answer(base, delta, &good, &issuer, None, now(), SKEW).map(|answer| answer.listing)
    };
    assert_eq!(ask(&base, None), NOT_LISTED);
    assert!(is_revoked(&ask(&base, Some(&delta))));
    assert_eq!(ask(&delta, None), Err(CrlError::DeltaWithoutBase));
    assert_eq!(ask(&base, Some(&later)), Err(CrlError::DeltaWithoutBase), "it builds on a newer base");
    assert_eq!(ask(&base, Some(&base)), Err(CrlError::DeltaWithoutBase), "it is no delta");
}

#[test]
fn no_damage_hides_an_entry() {
    let (ca, issuer, _, bad) = ca();
    let crl = ca.crl("crl_part", &[]);
    assert!(truncations(&crl).all(|cut| Crl::parse(cut).is_err()));
    for (bit, damaged) in flips(&crl).enumerate() {
        let said = listing(&damaged, &bad, &issuer);
        assert!(said.is_err(), "bit {bit}: {said:?}");
    }
}
