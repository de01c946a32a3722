//! CRLs that openssl does not make: written by hand, signed with a CA's key.

use closedpath_core::pki::Reason;
use closedpath_core::pki::crl::{Crl, CrlError, Listing, answer, points_of};
use closedpath_core::pki::der::{self, encode};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::openssl::{Ca, SKEW, now};

/// ecdsa-with-SHA256.
const ECDSA: &[u8] = &[0x30, 0x0a, 0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];

/// What goes into a CRL.
struct Draft<'a> {
    this: &'a str,
    next: Option<&'a str>,
    entries: Vec<Vec<u8>>,
    extensions: Vec<Vec<u8>>,
}

impl Draft<'_> {
    fn of(entries: Vec<Vec<u8>>) -> Self {
        Self { this: "20200101000000Z", next: Some("20990101000000Z"), entries, extensions: Vec::new() }
    }

    fn sign(&self, ca: &Ca) -> Vec<u8> {
        let time = |text: &str| encode(der::GENERALIZED_TIME, &[text.as_bytes()]);
        let mut fields =
            vec![encode(der::INTEGER, &[&[1]]), ECDSA.to_vec(), name(&ca.certificate()), time(self.this)];
        fields.extend(self.next.map(time));
        if !self.entries.is_empty() {
            fields.push(encode(der::SEQUENCE, &slices(&self.entries)));
        }
        if !self.extensions.is_empty() {
            let list = encode(der::SEQUENCE, &slices(&self.extensions));
            fields.push(encode(der::constructed(0), &[&list]));
        }
        ca.sign(&encode(der::SEQUENCE, &slices(&fields)), ECDSA)
    }
}

fn slices(parts: &[Vec<u8>]) -> Vec<&[u8]> {
    parts.iter().map(Vec::as_slice).collect()
}

/// The subject of a certificate.
fn name(certificate: &[u8]) -> Vec<u8> {
    X509Certificate::from_der(certificate).unwrap().1.subject().as_raw().to_vec()
}

fn extension(oid: &[u8], critical: bool, value: &[u8]) -> Vec<u8> {
    let flag = if critical { encode(der::BOOLEAN, &[&[0xff]]) } else { Vec::new() };
    encode(der::SEQUENCE, &[&encode(der::OID, &[oid]), &flag, &encode(der::OCTET_STRING, &[value])])
}

fn reason(number: u8) -> Vec<u8> {
    extension(&[0x55, 0x1d, 21], false, &encode(der::ENUMERATED, &[&[number]]))
}

fn entry(serial: &[u8], extensions: &[Vec<u8>]) -> Vec<u8> {
    let list = if extensions.is_empty() { Vec::new() } else { encode(der::SEQUENCE, &slices(extensions)) };
    let time = encode(der::UTC_TIME, &[b"210203040506Z"]);
    encode(der::SEQUENCE, &[&encode(der::INTEGER, &[serial]), &time, &list])
}

#[test]
fn serials_match_as_integers_and_look_alikes_do_not() {
    let ca = Ca::new();
    let (issuer, long) = (name(&ca.certificate()), [0x7f; 21]);
    let serials: [&[u8]; 6] = [&[0, 0, 0x85], &[], &[1, 0], &[0xff, 0x7f], &long, &[0x44]];
    let der = Draft::of(serials.iter().map(|serial| entry(serial, &[])).collect()).sign(&ca);
    let crl = Crl::parse(&der).unwrap();
    assert_eq!(crl.verify(&ca.certificate(), now(), SKEW), Ok(()));
    let finds = |serial: &[u8]| crl.find(&issuer, serial).unwrap().is_some();
    for listed in [&[0, 0x85][..], &[1, 0], &[0, 1, 0], &[0xff, 0x7f], &[0x7f; 21], &[0x44]] {
        assert!(finds(listed), "{listed:02x?}");
    }
    for other in [&[0x85][..], &[], &[0], &[1], &[0, 0, 1], &[0x7f], &[0x7f; 20], &[0x7f; 22], &[0x44, 0]] {
        assert!(!finds(other), "{other:02x?}");
    }
}

#[test]
fn a_serial_of_another_issuer_does_not_match() {
    let ca = Ca::new();
    let der = Draft::of(vec![entry(&[5], &[])]).sign(&ca);
    let crl = Crl::parse(&der).unwrap();
    assert!(crl.find(&name(&ca.certificate()), &[5]).unwrap().is_some());
    assert!(crl.find(b"somebody else", &[5]).unwrap().is_none());
}

#[test]
fn reasons_are_read_and_odd_ones_still_revoke() {
    let ca = Ca::new();
    let issuer = name(&ca.certificate());
    let entries = [1, 6, 7, 99].map(|number| entry(&[number], &[reason(number)])).to_vec();
    let der = Draft::of(entries).sign(&ca);
    let crl = Crl::parse(&der).unwrap();
    let why = |serial: u8| crl.find(&issuer, &[serial]).unwrap().unwrap().reason;
    assert_eq!(why(1), Some(Reason::KeyCompromise));
    assert_eq!(why(6), Some(Reason::CertificateHold));
    assert_eq!(why(7), Some(Reason::Undefined));
    assert_eq!(why(99), Some(Reason::Undefined));
}

#[test]
fn an_unknown_critical_extension_of_any_entry_forbids_the_crl() {
    let ca = Ca::new();
    let issuer = name(&ca.certificate());
    for critical in [false, true] {
        let odd = entry(&[9], &[extension(&[0x2a, 3], critical, &[5, 0])]);
        let der = Draft::of(vec![entry(&[5], &[]), odd]).sign(&ca);
        let found = Crl::parse(&der).unwrap().find(&issuer, &[5]).map(|entry| entry.is_some());
        assert_eq!(found, if critical { Err(CrlError::UnknownCriticalExtension) } else { Ok(true) });
    }
}

#[test]
fn a_crl_without_next_update_or_from_the_future_does_not_count() {
    let ca = Ca::new();
    let verify =
        |draft: Draft<'_>| Crl::parse(&draft.sign(&ca)).unwrap().verify(&ca.certificate(), now(), SKEW);
    assert_eq!(verify(Draft { next: None, ..Draft::of(Vec::new()) }), Err(CrlError::NoNextUpdate));
    assert_eq!(
        verify(Draft { this: "20980101000000Z", ..Draft::of(Vec::new()) }),
        Err(CrlError::NotYetValid)
    );
    let backwards = Draft { next: Some("20190101000000Z"), ..Draft::of(Vec::new()) };
    assert_eq!(verify(backwards), Err(CrlError::Malformed));
    assert_eq!(verify(Draft::of(Vec::new())), Ok(()), "an empty CRL is one");
}

#[test]
fn an_unsigned_crl_does_not_count() {
    let ca = Ca::new();
    let der = Draft::of(Vec::new()).sign(&ca);
    let tbs = der::Reader::new(&der).inside(der::SEQUENCE).unwrap().any().unwrap().raw;
    let empty = encode(der::SEQUENCE, &[tbs, ECDSA, &encode(der::BIT_STRING, &[&[0]])]);
    let verdict = Crl::parse(&empty).unwrap().verify(&ca.certificate(), now(), SKEW);
    assert_eq!(verdict, Err(CrlError::BadSignature));
    assert_eq!(Crl::parse(tbs).unwrap_err(), CrlError::Malformed);
}

#[test]
fn an_indirect_crl_speaks_of_the_issuer_named_last() {
    let ca = Ca::new();
    let other = encode(
        der::SEQUENCE,
        &[&encode(
            der::SET,
            &[&encode(der::SEQUENCE, &[&encode(der::OID, &[&[0x55, 4, 3]]), &encode(0x0c, &[b"B"])])],
        )],
    );
    let names = encode(der::SEQUENCE, &[&encode(der::constructed(4), &[&other])]);
    let of_other = extension(&[0x55, 0x1d, 29], true, &names);
    let entries = || vec![entry(&[1], &[]), entry(&[2], std::slice::from_ref(&of_other)), entry(&[3], &[])];
    let idp = encode(der::SEQUENCE, &[&encode(der::context(4), &[&[0xff]])]);
    let draft = Draft { extensions: vec![extension(&[0x55, 0x1d, 28], true, &idp)], ..Draft::of(entries()) };
    let der = draft.sign(&ca);
    let crl = Crl::parse(&der).unwrap();
    assert!(crl.idp.as_ref().unwrap().indirect);
    let finds = |issuer: &[u8], serial: u8| crl.find(issuer, &[serial]).unwrap().is_some();
    let own = name(&ca.certificate());
    assert_eq!([1, 2, 3].map(|serial| finds(&own, serial)), [true, false, false]);
    assert_eq!([1, 2, 3].map(|serial| finds(&other, serial)), [false, true, true]);
    let direct = Draft::of(entries()).sign(&ca);
    let found = Crl::parse(&direct).unwrap().find(&own, &[1]).map(|_| ());
    assert_eq!(found, Err(CrlError::UnknownCriticalExtension), "only an indirect CRL may name issuers");
}

#[test]
fn a_hold_is_lifted_by_the_delta_that_removes_it() {
    let ca = Ca::new();
    let leaf = ca.issue("leaf", "05", "leaf", &[]);
    let number = |number: u8| extension(&[0x55, 0x1d, 20], false, &encode(der::INTEGER, &[&[number]]));
    let base = extension(&[0x55, 0x1d, 27], true, &encode(der::INTEGER, &[&[1]]));
    let held = Draft { extensions: vec![number(1)], ..Draft::of(vec![entry(&[5], &[reason(6)])]) }.sign(&ca);
    let lift =
        Draft { extensions: vec![number(2), base], ..Draft::of(vec![entry(&[5], &[reason(8)])]) }.sign(&ca);
    let (held, lift) = (Crl::parse(&held).unwrap(), Crl::parse(&lift).unwrap());
    let points = points_of(&leaf).unwrap();
    let ask = |delta| {
        let said = answer(&held, delta, &leaf, &ca.certificate(), points.first(), now(), SKEW);
        matches!(said.unwrap().listing, Listing::Revoked { .. })
    };
    assert!(ask(None));
    assert!(!ask(Some(&lift)));
}

#[test]
fn a_serial_is_found_among_half_a_million() {
    let ca = Ca::new();
    let issuer = name(&ca.certificate());
    let serial =
        |number: u32| [&[0x51, 0x17, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], &number.to_be_bytes()].concat();
    let entries = (0..500_000_u32).map(|number| entry(&serial(number), &[reason(1)])).collect();
    let der = Draft::of(entries).sign(&ca);
    let crl = Crl::parse(&der).unwrap();
    assert_eq!(crl.verify(&ca.certificate(), now(), SKEW), Ok(()));
    for (number, listed) in [(0, true), (250_000, true), (499_999, true), (500_000, false)] {
        assert_eq!(crl.find(&issuer, &serial(number)).unwrap().is_some(), listed);
    }
    assert_eq!(crl.count(), Ok(500_000));
}
