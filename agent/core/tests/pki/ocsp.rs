//! OCSP answers of `openssl ocsp`: status, dates, nonce, errors, and damage.

use std::time::SystemTime;

use closedpath_core::pki::Reason;
use closedpath_core::pki::ocsp::{ErrorStatus, OcspError, OcspStatus, Signer, get_path, request, verify};

use crate::openssl::{Ca, DAY, SKEW, flips, now, truncations};

/// A CA that signs its own answers, a good leaf and a revoked one.
fn ca() -> (Ca, Vec<u8>, Vec<u8>, Vec<u8>) {
    let ca = Ca::new();
    let good = ca.issue("good", "01", "leaf", &[]);
    let bad = ca.issue("bad", "0102", "leaf", &[]);
    ca.revoke("bad", "keyCompromise");
    let issuer = ca.certificate();
    (ca, issuer, good, bad)
}

#[test]
fn an_answer_of_the_issuer_itself_is_good_and_dated() {
    let (ca, issuer, good, _) = ca();
    let question = request(&good, &issuer, None).unwrap();
    let response = ca.respond(&question, "ca", &["-ndays", "7"]);
    let answer = verify(&response, &good, &issuer, None, now(), SKEW).unwrap();
    assert_eq!(answer.status, OcspStatus::Good);
    assert_eq!(answer.signer, Signer::Issuer);
    assert_eq!(answer.next_update, Some(answer.this_update + DAY * 7));
    assert!(now() - SKEW < answer.produced_at && answer.produced_at <= now());
}

#[test]
fn our_request_is_the_one_that_openssl_makes() {
    let (ca, issuer, good, _) = ca();
    ca.run(&["ocsp", "-issuer", "ca.pem", "-cert", "good.pem", "-no_nonce", "-reqout", "theirs"]);
    assert_eq!(request(&good, &issuer, None).unwrap(), ca.read("theirs"));
}

#[test]
fn a_get_path_holds_nothing_but_escaped_base64() {
    assert_eq!(get_path(&[0xfb, 0xff, 0xfe, 0]), "%2B%2F%2F%2BAA%3D%3D");
}

#[test]
fn a_revoked_certificate_comes_with_time_and_reason() {
    let (ca, issuer, _, bad) = ca();
    let response = ca.respond(&request(&bad, &issuer, None).unwrap(), "ca", &["-ndays", "7"]);
    let OcspStatus::Revoked { at, reason } =
        verify(&response, &bad, &issuer, None, now(), SKEW).unwrap().status
    else {
        panic!("it was revoked");
    };
    assert_eq!(reason, Some(Reason::KeyCompromise));
    assert!(now() - SKEW < at && at <= now());
}

#[test]
fn a_certificate_the_responder_never_heard_of_is_unknown_and_not_good() {
    let (ca, issuer, good, _) = ca();
    ca.write("index.txt", b"");
    let response = ca.respond(&request(&good, &issuer, None).unwrap(), "ca", &["-ndays", "7"]);
    assert_eq!(verify(&response, &good, &issuer, None, now(), SKEW).unwrap().status, OcspStatus::Unknown);
}

#[test]
fn of_several_answers_the_one_on_the_certificate_is_taken() {
    let (ca, issuer, good, bad) = ca();
    let other = ca.issue("other", "03", "leaf", &[]);
    ca.run(&[
        "ocsp",
        "-issuer",
        "ca.pem",
        "-cert",
        "good.pem",
        "-cert",
        "bad.pem",
        "-no_nonce",
        "-reqout",
        "both",
    ]);
    let response = ca.respond(&ca.read("both"), "ca", &["-ndays", "7"]);
    let ask =
        |certificate| verify(&response, certificate, &issuer, None, now(), SKEW).map(|answer| answer.status);
    assert_eq!(ask(&good), Ok(OcspStatus::Good));
    assert!(matches!(ask(&bad), Ok(OcspStatus::Revoked { .. })));
    assert_eq!(ask(&other), Err(OcspError::WrongCertificate));
}

#[test]
fn a_sha256_certificate_id_is_understood() {
    let (ca, issuer, good, _) = ca();
    ca.run(&["ocsp", "-issuer", "ca.pem", "-sha256", "-cert", "good.pem", "-no_nonce", "-reqout", "theirs"]);
    let response = ca.respond(&ca.read("theirs"), "ca", &["-ndays", "7"]);
    assert_eq!(verify(&response, &good, &issuer, None, now(), SKEW).unwrap().status, OcspStatus::Good);
}

#[test]
fn an_answer_from_the_future_or_the_past_does_not_count() {
    let (ca, issuer, good, _) = ca();
    let response = ca.respond(&request(&good, &issuer, None).unwrap(), "ca", &["-ndays", "7"]);
    let at = |time: SystemTime| verify(&response, &good, &issuer, None, time, SKEW).err();
    assert_eq!(at(now() - SKEW * 2), Some(OcspError::NotYetValid));
    assert_eq!(at(now() - SKEW / 2), None, "within the skew");
    assert_eq!(at(now() + DAY * 7 + SKEW / 2), None, "within the skew");
    assert_eq!(at(now() + DAY * 7 + SKEW * 2), Some(OcspError::Stale));
}

#[test]
fn an_answer_without_next_update_counts_only_just_now() {
    let (ca, issuer, good, _) = ca();
    let response = ca.respond(&request(&good, &issuer, None).unwrap(), "ca", &[]);
    let answer = verify(&response, &good, &issuer, None, now(), SKEW).unwrap();
    assert_eq!((answer.status, answer.next_update), (OcspStatus::Good, None));
    let later = verify(&response, &good, &issuer, None, now() + SKEW * 2, SKEW);
    assert_eq!(later, Err(OcspError::NoNextUpdateTooOld));
}

#[test]
fn a_nonce_must_be_ours_or_absent() {
    let (ca, issuer, good, _) = ca();
    let nonce = [7; 16];
    let question = request(&good, &issuer, Some(&nonce)).unwrap();
    let echoed = ca.respond(&question, "ca", &["-ndays", "7"]);
    let ask = |response: &[u8], nonce| verify(response, &good, &issuer, nonce, now(), SKEW).map(|a| a.status);
    assert_eq!(ask(&echoed, Some(&nonce[..])), Ok(OcspStatus::Good));
    assert_eq!(ask(&echoed, Some(&[8; 16][..])), Err(OcspError::NonceMismatch));
    let without = ca.respond(&request(&good, &issuer, None).unwrap(), "ca", &["-ndays", "7"]);
    assert_eq!(ask(&without, Some(&nonce[..])), Ok(OcspStatus::Good), "pre-produced answers have none");
}

#[test]
fn error_statuses_are_named_and_never_an_answer() {
    let (_, issuer, good, _) = ca();
    let ask = |status: u8| verify(&[0x30, 3, 0x0a, 1, status], &good, &issuer, None, now(), SKEW);
    for (status, error) in [
        (1, ErrorStatus::MalformedRequest),
        (2, ErrorStatus::InternalError),
        (3, ErrorStatus::TryLater),
        (5, ErrorStatus::SigRequired),
        (6, ErrorStatus::Unauthorized),
    ] {
        assert_eq!(ask(status), Err(OcspError::ErrorStatus(error)));
    }
    for status in [0, 4, 7, 255] {
        assert_eq!(ask(status), Err(OcspError::Malformed), "{status}");
    }
}

#[test]
fn what_is_no_response_is_malformed() {
    let (_, issuer, good, _) = ca();
    for body in [&b""[..], b"<html>portal</html>", &[0x30, 0x80, 0, 0], &[0xff; 64]] {
        assert_eq!(verify(body, &good, &issuer, None, now(), SKEW), Err(OcspError::Malformed));
    }
    let response = verify(&[0x30, 3, 0x0a, 1, 3], b"no certificate", &issuer, None, now(), SKEW);
    assert_eq!(response, Err(OcspError::ErrorStatus(ErrorStatus::TryLater)));
    assert_eq!(request(b"no certificate", &issuer, None), Err(OcspError::UnreadableCertificate));
}

#[test]
fn no_damage_makes_an_answer_better_than_it_was() {
    let (ca, issuer, good, bad) = ca();
    ca.issue("delegate", "09", "responder", &[]);
    for (leaf, signer) in [(&good, "ca"), (&bad, "ca"), (&good, "delegate"), (&bad, "delegate")] {
        let response = ca.respond(&request(leaf, &issuer, None).unwrap(), signer, &["-ndays", "7"]);
        let ask = |bytes: &[u8]| verify(bytes, leaf, &issuer, None, now(), SKEW);
        let whole = ask(&response).unwrap();
        assert!(truncations(&response).all(|cut| ask(cut) == Err(OcspError::Malformed)));
        for (bit, damaged) in flips(&response).enumerate() {
            // A bit outside of what is signed and used may not matter; then nothing may differ.
            if let Ok(answer) = ask(&damaged) {
                assert_eq!(answer.status, whole.status, "bit {bit}");
                assert_eq!(answer.next_update, whole.next_update, "bit {bit}");
                assert_eq!(answer.signer, whole.signer, "bit {bit}");
            }
        }
    }
}
