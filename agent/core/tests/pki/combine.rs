//! What several answers on one certificate amount to, by hand.

use std::time::{Duration, SystemTime};

use closedpath_core::pki::crl::{CrlAnswer, CrlError, Listing};
use closedpath_core::pki::ocsp::{OcspAnswer, OcspError, OcspStatus, Signer};
use closedpath_core::pki::revocation::{
    Answer, Doubt, NotChecked, Revocation, Said, Source, Staple, breaks_at, combine, must_staple, staple,
};
use closedpath_core::pki::{Reason, Reasons};

use crate::openssl::Ca;

fn day(day: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(86_400 * day)
}

const REVOKED: OcspStatus =
    OcspStatus::Revoked { at: SystemTime::UNIX_EPOCH, reason: Some(Reason::KeyCompromise) };

fn ocsp(status: OcspStatus, next: Option<u64>) -> OcspAnswer {
    OcspAnswer {
        status,
        this_update: day(1),
        next_update: next.map(day),
        produced_at: day(1),
        signer: Signer::Issuer,
    }
}

fn responder() -> Source {
    Source::Ocsp("http://ocsp.example".into())
}

fn list(name: &str) -> Source {
    Source::Crl(format!("http://crl.example/{name}"))
}

fn by_ocsp(said: Result<OcspAnswer, OcspError>) -> Answer {
    Answer { source: responder(), said: Said::Ocsp(said) }
}

fn by_crl(name: &str, listing: Listing, next: u64) -> Answer {
    let answer = CrlAnswer { listing, this_update: day(1), next_update: day(next) };
    Answer { source: list(name), said: Said::Crl(Ok(answer)) }
}

#[test]
fn revoked_by_either_wins_over_good_by_the_other() {
    let listed = Listing::Revoked { at: day(1), reason: None };
    let good = by_ocsp(Ok(ocsp(OcspStatus::Good, Some(9))));
    let state = combine(true, &[good, by_crl("a", listed, 5)]);
    assert_eq!(state, Revocation::Revoked { source: list("a"), at: day(1), reason: None });
    let state = combine(
        true,
        &[by_crl("a", Listing::NotListed(Reasons::ALL), 5), by_ocsp(Ok(ocsp(REVOKED, Some(9))))],
    );
    assert_eq!(
        state,
        Revocation::Revoked { source: responder(), at: day(0), reason: Some(Reason::KeyCompromise) }
    );
}

#[test]
fn good_lasts_as_long_as_the_last_answer() {
    let answers =
        [by_ocsp(Ok(ocsp(OcspStatus::Good, Some(3)))), by_crl("a", Listing::NotListed(Reasons::ALL), 8)];
    assert_eq!(
        combine(true, &answers),
        Revocation::Good { sources: vec![responder(), list("a")], until: day(8) }
    );
    let live = [by_ocsp(Ok(ocsp(OcspStatus::Good, None)))];
    assert_eq!(combine(true, &live), Revocation::Good { sources: vec![responder()], until: day(1) });
}

#[test]
fn what_nobody_vouches_for_is_undetermined_and_says_why() {
    let answers = [
        by_ocsp(Err(OcspError::Stale)),
        by_ocsp(Ok(ocsp(OcspStatus::Unknown, Some(9)))),
        Answer { source: list("a"), said: Said::Crl(Err(CrlError::BadSignature)) },
        Answer { source: list("b"), said: Said::Nothing("timeout".into()) },
    ];
    assert_eq!(
        combine(true, &answers),
        Revocation::Undetermined {
            because: vec![
                (responder(), Doubt::Ocsp(OcspError::Stale)),
                (responder(), Doubt::Unknown),
                (list("a"), Doubt::Crl(CrlError::BadSignature)),
                (list("b"), Doubt::Nothing("timeout".into())),
            ]
        }
    );
    assert_eq!(combine(true, &[]), Revocation::Undetermined { because: Vec::new() });
}

#[test]
fn a_certificate_without_pointers_is_not_checked_unless_a_staple_speaks() {
    assert_eq!(combine(false, &[]), Revocation::NotChecked(NotChecked::NoPointers));
    let stapled = Answer { source: Source::Staple, said: Said::Ocsp(Ok(ocsp(OcspStatus::Good, Some(4)))) };
    assert!(matches!(combine(false, &[stapled]), Revocation::Good { .. }));
}

#[test]
fn crls_of_some_reasons_are_good_only_together() {
    let ca = Ca::new();
    let leaf = ca.issue("leaf", "01", "split", &[]);
    let points = closedpath_core::pki::crl::points_of(&leaf).unwrap();
    let one = by_crl("one", Listing::NotListed(points[0].reasons), 4);
    let two = by_crl("two", Listing::NotListed(points[1].reasons), 6);
    assert_eq!(
        combine(true, std::slice::from_ref(&one)),
        Revocation::Undetermined { because: vec![(list("one"), Doubt::SomeReasons)] }
    );
    assert_eq!(
        combine(true, &[one, two]),
        Revocation::Good { sources: vec![list("one"), list("two")], until: day(4) }
    );
}

#[test]
fn a_chain_breaks_when_its_first_certificate_does() {
    let good = |day_: u64| Revocation::Good { sources: vec![responder()], until: day(day_) };
    let anchor = Revocation::NotChecked(NotChecked::TrustAnchor);
    assert_eq!(breaks_at(&[good(9), good(4), anchor.clone()]), Some(day(4)));
    assert_eq!(breaks_at(&[anchor]), None);
    assert_eq!(breaks_at(&[Revocation::Undetermined { because: Vec::new() }]), None);
}

#[test]
fn must_staple_is_recognised_and_a_missing_staple_is_never_good() {
    let ca = Ca::new();
    let must = ca.issue("must", "01", "must_staple", &[]);
    let may = ca.issue("may", "02", "leaf", &[]);
    let other = ca.issue("other", "03", "other_feature", &[]);
    assert_eq!([&must, &may, &other].map(|leaf| must_staple(leaf)), [true, false, false]);
    assert!(!must_staple(b"nothing"));
    assert_eq!(staple(&must, None), Staple::MissingThoughRequired);
    assert_eq!(staple(&may, None), Staple::Absent);
    let refused = Staple::Refused { error: OcspError::Stale, required: true };
    assert_eq!(staple(&must, Some(Err(OcspError::Stale))), refused);
}
