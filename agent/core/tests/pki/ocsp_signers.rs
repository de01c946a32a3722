//! Who may sign an OCSP answer (RFC 6960 §4.2.2.2).

use closedpath_core::pki::ocsp::{OcspError, OcspStatus, Signer, request, verify};

use crate::openssl::{Ca, DAY, SKEW, now};

/// The verdict on an answer signed by a certificate with these extensions and dates.
fn signed_by(extensions: &str, dates: &[&str], more: &[&str]) -> Result<(OcspStatus, Signer), OcspError> {
    let ca = Ca::new();
    let leaf = ca.issue("leaf", "01", "leaf", &[]);
    ca.issue("responder", "02", extensions, dates);
    let issuer = ca.certificate();
    let response =
        ca.respond(&request(&leaf, &issuer, None).unwrap(), "responder", &[&["-ndays", "7"], more].concat());
    verify(&response, &leaf, &issuer, None, now(), SKEW).map(|answer| (answer.status, answer.signer))
}

#[test]
fn a_delegate_of_the_issuer_counts_by_name_and_by_key() {
    for by in [&[][..], &["-resp_key_id"]] {
        let (status, signer) = signed_by("responder", &[], by).unwrap();
        assert_eq!(status, OcspStatus::Good);
        let Signer::Delegated { subject, sha256, nocheck, .. } = signer else { panic!("a delegate signed") };
        assert_eq!((subject.as_str(), sha256.len(), nocheck), ("CN=responder", 64, true));
    }
}

#[test]
fn a_delegate_without_nocheck_needs_a_check_of_its_own() {
    let (_, signer) = signed_by("responder_checked", &[], &[]).unwrap();
    assert!(matches!(signer, Signer::Delegated { nocheck: false, .. }));
}

#[test]
fn a_delegate_without_the_purpose_is_not_authorised() {
    assert_eq!(signed_by("no_responder", &[], &[]), Err(OcspError::ResponderNotAuthorised));
    assert_eq!(signed_by("leaf", &[], &[]), Err(OcspError::ResponderNotAuthorised));
}

#[test]
fn an_expired_delegate_does_not_count() {
    let dates = ["-startdate", "20200101000000Z", "-enddate", "20200201000000Z"];
    assert_eq!(signed_by("responder", &dates, &[]), Err(OcspError::ResponderExpired));
    let dates = ["-startdate", "20900101000000Z", "-enddate", "20910201000000Z"];
    assert_eq!(signed_by("responder", &dates, &[]), Err(OcspError::ResponderExpired));
}

#[test]
fn an_answer_that_does_not_bring_its_signer_is_of_an_unknown_responder() {
    assert_eq!(signed_by("responder", &[], &["-resp_no_certs"]), Err(OcspError::UnknownResponder));
}

#[test]
fn a_delegate_of_a_ca_of_the_same_name_is_an_unknown_responder() {
    let (ca, other) = (Ca::new(), Ca::new());
    let leaf = ca.issue("leaf", "01", "leaf", &[]);
    other.issue("responder", "02", "responder", &[]);
    ca.write("responder.pem", &other.read("responder.pem"));
    ca.write("responder.key", &other.read("responder.key"));
    let issuer = ca.certificate();
    let response = ca.respond(&request(&leaf, &issuer, None).unwrap(), "responder", &["-ndays", "7"]);
    assert_eq!(verify(&response, &leaf, &issuer, None, now(), SKEW), Err(OcspError::UnknownResponder));
}

#[test]
fn an_answer_signed_by_a_ca_of_the_same_name_has_a_wrong_signature() {
    let (ca, other) = (Ca::new(), Ca::new());
    let leaf = ca.issue("leaf", "01", "leaf", &[]);
    let issuer = ca.certificate();
    ca.write("other.pem", &other.read("ca.pem"));
    ca.write("other.key", &other.read("ca.key"));
    let response = ca.respond(&request(&leaf, &issuer, None).unwrap(), "other", &["-ndays", "7"]);
    assert_eq!(verify(&response, &leaf, &issuer, None, now(), SKEW), Err(OcspError::BadSignature));
    let theirs = other.certificate();
    assert_eq!(verify(&response, &leaf, &theirs, None, now(), SKEW), Err(OcspError::WrongCertificate));
}

#[test]
fn strong_algorithms_count_and_weak_or_unknown_ones_do_not() {
    let rsa = ["-newkey", "rsa:2048"];
    let p384 = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"];
    let p521 = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-521"];
    let pss = ["-rsigopt", "rsa_padding_mode:pss", "-rsigopt", "rsa_pss_saltlen:32"];
    type Expected = Result<OcspStatus, OcspError>;
    let cases: [(&[&str], &[&str], Expected); 7] = [
        (&rsa, &["-rmd", "sha256"], Ok(OcspStatus::Good)),
        (&rsa, &["-rmd", "sha512"], Ok(OcspStatus::Good)),
        (&rsa, &pss, Ok(OcspStatus::Good)),
        (&p384, &["-rmd", "sha384"], Ok(OcspStatus::Good)),
        (&p521, &["-rmd", "sha512"], Err(OcspError::UnsupportedAlgorithm)),
        (&rsa, &["-rmd", "sha1"], Err(OcspError::UnsupportedAlgorithm)),
        (&rsa, &["-rmd", "md5"], Err(OcspError::UnsupportedAlgorithm)),
    ];
    for (key, with, expected) in cases {
        let ca = Ca::with(key, "root");
        let leaf = ca.issue("leaf", "01", "leaf", &[]);
        let issuer = ca.certificate();
        let question = request(&leaf, &issuer, None).unwrap();
        let response = ca.respond(&question, "ca", &[&["-ndays", "7"], with].concat());
        let status = verify(&response, &leaf, &issuer, None, now(), SKEW).map(|answer| answer.status);
        assert_eq!(status, expected, "{key:?} {with:?}");
    }
}

#[test]
fn an_answer_outlives_neither_its_delegate_nor_itself() {
    let ca = Ca::new();
    let leaf = ca.issue("leaf", "01", "leaf", &[]);
    ca.issue("responder", "02", "responder", &["-days", "2"]);
    let issuer = ca.certificate();
    let response = ca.respond(&request(&leaf, &issuer, None).unwrap(), "responder", &["-ndays", "7"]);
    let late = verify(&response, &leaf, &issuer, None, now() + DAY * 3, SKEW);
    assert_eq!(late, Err(OcspError::ResponderExpired));
}
