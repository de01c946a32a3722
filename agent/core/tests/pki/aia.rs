//! caIssuers bodies.

use base64::Engine;
use closedpath_core::pki::aia::{AiaError, LARGEST, MOST, certificates, is_issuer, issuers};

use crate::openssl::{Ca, flips, truncations};

#[test]
fn der_pem_and_pkcs7_give_the_same_certificate() {
    let ca = Ca::new();
    let der = ca.certificate();
    ca.run(&["crl2pkcs7", "-nocrl", "-certfile", "ca.pem", "-outform", "DER", "-out", "ca.p7c"]);
    ca.run(&["crl2pkcs7", "-nocrl", "-certfile", "ca.pem", "-out", "ca.p7b"]);
    for body in [der.clone(), ca.read("ca.pem"), ca.read("ca.p7c"), ca.read("ca.p7b")] {
        assert_eq!(certificates(&body), Ok(vec![der.clone()]));
    }
}

#[test]
fn a_bundle_gives_all_of_its_certificates_up_to_a_bound() {
    let ca = Ca::new();
    let pem = ca.read("ca.pem");
    for (count, form) in [(MOST, true), (MOST + 1, false)] {
        ca.write("bundle.pem", &pem.repeat(count));
        ca.run(&["crl2pkcs7", "-nocrl", "-certfile", "bundle.pem", "-outform", "DER", "-out", "bundle.p7c"]);
        for body in [ca.read("bundle.pem"), ca.read("bundle.p7c")] {
            match certificates(&body) {
                Ok(found) => assert!(form && found.len() == MOST),
                Err(error) => assert!(!form && error == AiaError::TooMany),
            }
        }
    }
}

#[test]
fn what_is_no_certificate_is_named_for_what_it_is() {
    for (body, error) in [
        (&b""[..], AiaError::Empty),
        (b" \r\n ", AiaError::Empty),
        (b"\n<!DOCTYPE html><html>Access denied</html>", AiaError::Html),
        (b"\xef\xbb\xbf<html>", AiaError::Html),
        (b"Not found", AiaError::NotACertificate),
        (&[0x30, 0x80, 0, 0], AiaError::NotACertificate),
        (b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", AiaError::NotACertificate),
        (&vec![0x30; LARGEST + 1], AiaError::TooLarge),
    ] {
        assert_eq!(certificates(body), Err(error));
    }
}

#[test]
fn a_certificate_followed_by_rubbish_is_none() {
    let ca = Ca::new();
    let trailing = [ca.certificate(), vec![0]].concat();
    assert_eq!(certificates(&trailing), Err(AiaError::NotACertificate));
    let text = [ca.read("ca.pem"), b"hello\n".to_vec()].concat();
    assert_eq!(certificates(&text), Err(AiaError::NotACertificate));
    let der = base64::engine::general_purpose::STANDARD.encode(ca.certificate());
    assert_eq!(certificates(der.as_bytes()), Err(AiaError::NotACertificate), "base64 without PEM's frame");
}

#[test]
fn an_issuer_has_the_name_and_the_key_and_may_issue() {
    let (ca, other) = (Ca::new(), Ca::new());
    let leaf = ca.issue("leaf", "01", "leaf", &[]);
    assert!(is_issuer(&ca.certificate(), &leaf));
    assert!(!is_issuer(&other.certificate(), &leaf), "the same name, another key");
    assert!(!is_issuer(&leaf, &ca.certificate()));
    assert!(!is_issuer(b"", &leaf) && !is_issuer(&leaf, b""));
}

#[test]
fn loops_and_wrong_certificates_are_refused() {
    let (ca, other) = (Ca::new(), Ca::new());
    let (root, leaf) = (ca.certificate(), ca.issue("leaf", "01", "leaf", &[]));
    let found = issuers(std::slice::from_ref(&leaf), std::slice::from_ref(&root));
    assert_eq!(found, Ok(vec![root.as_slice()]));
    let strangers = [other.certificate(), leaf.clone()];
    assert_eq!(issuers(std::slice::from_ref(&leaf), &strangers), Err(AiaError::WrongCertificate));
    let again = [root.clone()];
    assert_eq!(issuers(&[leaf, root], &again), Err(AiaError::Loop));
}

#[test]
fn a_ca_with_two_parents_gives_both() {
    let ca = Ca::new();
    let leaf = ca.issue("leaf", "01", "leaf", &[]);
    ca.run(&[
        "req",
        "-x509",
        "-config",
        "config",
        "-key",
        "ca.key",
        "-subj",
        "/CN=Test CA",
        "-days",
        "9",
        "-extensions",
        "root",
        "-out",
        "again.pem",
    ]);
    let bundle = [ca.read("ca.pem"), ca.read("again.pem"), ca.read("ca.pem")].concat();
    let candidates = certificates(&bundle).unwrap();
    assert_eq!(issuers(&[leaf], &candidates).unwrap().len(), 2);
}

#[test]
fn no_damage_makes_another_certificate_the_issuer() {
    let ca = Ca::new();
    let leaf = ca.issue("leaf", "01", "leaf", &[]);
    ca.run(&["crl2pkcs7", "-nocrl", "-certfile", "ca.pem", "-outform", "DER", "-out", "ca.p7c"]);
    for body in [ca.certificate(), ca.read("ca.pem"), ca.read("ca.p7c")] {
        assert!(
            truncations(&body).all(|cut| certificates(cut).is_err() || cut.trim_ascii() == body.trim_ascii())
        );
        for damaged in flips(&body) {
            let _ = certificates(&damaged);
        }
    }
    let other = Ca::new().certificate();
    assert!(flips(&other).all(|damaged| !is_issuer(&damaged, &leaf)));
}
