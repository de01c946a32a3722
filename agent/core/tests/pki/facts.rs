//! What is read of a certificate's pointers, and what is said where they cannot be read.

use closedpath_core::pki::{CertificateFacts, der, read};
use rcgen::{CertificateParams, CustomExtension, KeyPair};

const CRL_POINTS: &[u64] = &[2, 5, 29, 31];
const FRESHEST: &[u64] = &[2, 5, 29, 46];
const ACCESS: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 1, 1];

/// id-ad-ocsp, id-ad-caIssuers, id-ad-timeStamping.
const OCSP: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 1];
const CA_ISSUERS: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 2];
const TIME_STAMPING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 3];

fn facts(extensions: &[(&[u64], Vec<u8>)]) -> CertificateFacts {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    for (oid, value) in extensions {
        params.custom_extensions.push(CustomExtension::from_oid_content(oid, value.clone()));
    }
    read(params.self_signed(&KeyPair::generate().unwrap()).unwrap().der()).unwrap()
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    der::encode(der::SEQUENCE, parts)
}

fn uri(text: &[u8]) -> Vec<u8> {
    der::encode(der::context(6), &[text])
}

/// One distribution point, its fullName of these GeneralNames.
fn point(names: &[&[u8]]) -> Vec<u8> {
    sequence(&[&der::encode(der::constructed(0), &[&der::encode(der::constructed(0), names)])])
}

fn description(method: &[u8], location: &[u8]) -> Vec<u8> {
    sequence(&[&der::encode(der::OID, &[method]), location])
}

#[test]
fn every_pointer_is_read_as_it_is_written() {
    let directory = der::encode(der::constructed(4), &[&sequence(&[])]);
    let facts = facts(&[
        (
            CRL_POINTS,
            sequence(&[
                &point(&[&uri(b"http://a.example/1.crl"), &directory, &uri(b"ldap://a.example/cn=a")]),
                &point(&[&directory]),
                // Only a cRLIssuer.
                &sequence(&[&der::encode(der::constructed(2), &[&directory])]),
            ]),
        ),
        (FRESHEST, sequence(&[&point(&[&uri(b"http://d.example/delta.crl")])])),
        (
            ACCESS,
            sequence(&[
                &description(OCSP, &uri(b"http://o.example/")),
                &description(TIME_STAMPING, &uri(b"http://t.example/")),
                &description(CA_ISSUERS, &directory),
                &description(CA_ISSUERS, &uri(b"http://i.example/ca.cer")),
            ]),
        ),
    ]);
    let none: [&str; 0] = [];
    assert_eq!(facts.crl, [&["http://a.example/1.crl", "ldap://a.example/cn=a"][..], &none, &none]);
    assert_eq!(facts.freshest, ["http://d.example/delta.crl"]);
    assert_eq!(facts.ocsp, ["http://o.example/"]);
    assert_eq!(facts.ca_issuers, ["http://i.example/ca.cer"]);
    assert_eq!(facts.unreadable, none);
}

#[test]
fn a_certificate_without_pointers_has_none_unreadable() {
    let facts = facts(&[]);
    assert!(facts.crl.is_empty() && facts.freshest.is_empty() && facts.unreadable.is_empty());
    assert!(facts.ocsp.is_empty() && facts.ca_issuers.is_empty());
}

#[test]
fn what_cannot_be_read_is_named_and_does_not_look_like_nothing() {
    let good_point = sequence(&[&point(&[&uri(b"http://a.example/")])]);
    let good_access = sequence(&[&description(OCSP, &uri(b"http://a.example/"))]);
    let after = |value: &[u8]| [value, &[0]].concat();
    let points = [
        vec![],
        sequence(&[]),
        vec![0x30, 0x05, 1],
        after(&good_point),
        sequence(&[&uri(b"http://a.example/")]),
        sequence(&[&point(&[&uri("http://ä.example/".as_bytes())])]),
        sequence(&[&point(&[&der::encode(0xa6, &[b"http://a.example/"])])]),
        sequence(&[&point(&[&der::encode(0x46, &[b"http://a.example/"])])]),
        vec![0x30, 0x80, 0, 0],
    ];
    for value in points {
        for (oid, name) in [(CRL_POINTS, "cRLDistributionPoints"), (FRESHEST, "freshestCRL")] {
            let facts = facts(&[(oid, value.clone())]);
            assert_eq!(facts.unreadable, [name], "{value:02x?}");
            assert!(facts.crl.is_empty() && facts.freshest.is_empty());
        }
    }
    let many = vec![description(OCSP, &uri(b"http://a.example/")); 65];
    let many: Vec<&[u8]> = many.iter().map(Vec::as_slice).collect();
    let accesses = [
        vec![],
        sequence(&[]),
        vec![0x30, 0x05, 1],
        after(&good_access),
        sequence(&[&description(OCSP, &[])]),
        sequence(&[&description(OCSP, &[uri(b"http://a.example/"), uri(b"http://b.example/")].concat())]),
        sequence(&[&uri(b"http://a.example/")]),
        sequence(&[&description(CA_ISSUERS, &uri("http://ä.example/".as_bytes()))]),
        sequence(&[&description(&[0x2b, 6, 1, 5, 5, 7, 0x30, 0x81], &uri(b"http://a.example/"))]),
        sequence(&[&description(OCSP, &der::encode(0xa6, &[b"http://a.example/"]))]),
        sequence(&[&description(CA_ISSUERS, &der::encode(0x89, &[b"http://a.example/"]))]),
        sequence(&many),
    ];
    for value in accesses {
        let facts = facts(&[(ACCESS, value.clone())]);
        assert_eq!(facts.unreadable, ["authorityInfoAccess"], "{value:02x?}");
        assert!(facts.ocsp.is_empty() && facts.ca_issuers.is_empty());
    }
    let most = facts(&[(ACCESS, sequence(&many[..64]))]);
    assert_eq!((most.ocsp.len(), most.unreadable.len()), (64, 0));
}

#[test]
fn an_extension_that_is_there_twice_is_unreadable() {
    let point = sequence(&[&point(&[&uri(b"http://a.example/")])]);
    let access = sequence(&[&description(OCSP, &uri(b"http://a.example/"))]);
    let facts = facts(&[
        (CRL_POINTS, point.clone()),
        (CRL_POINTS, point.clone()),
        (FRESHEST, point.clone()),
        (ACCESS, access.clone()),
        (ACCESS, access),
        (FRESHEST, point),
    ]);
    assert_eq!(facts.unreadable, ["cRLDistributionPoints", "freshestCRL", "authorityInfoAccess"]);
    assert!(facts.crl.is_empty() && facts.freshest.is_empty() && facts.ocsp.is_empty());
}

#[test]
fn names_that_only_begin_alike_are_not_one_name() {
    let attribute = |value: &[u8]| sequence(&[&[6, 3, 0x55, 4, 10], &der::encode(0x0c, &[value])]);
    let rdn = |value: &[u8]| der::encode(der::SET, &[&attribute(value)]);
    let with = |issuer: &[u8], subject: &[u8]| {
        let genuine = CertificateParams::new(Vec::new()).unwrap();
        let genuine = genuine.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let whole = der::single(genuine.der(), der::SEQUENCE).unwrap();
        let mut parts = der::Reader::new(whole.body);
        let signed = parts.element(der::SEQUENCE).unwrap();
        let mut fields = der::Reader::new(signed.body);
        let mut field = || fields.any().unwrap().raw;
        let (version, serial, algorithm, _, validity, _) =
            (field(), field(), field(), field(), field(), field());
        let signed = sequence(&[version, serial, algorithm, issuer, validity, subject, fields.rest()]);
        read(&sequence(&[&signed, parts.rest()]))
    };
    let (good, other) = (sequence(&[&rdn(b"a")]), sequence(&[&rdn(b"b")]));
    let same = with(&good, &good).unwrap();
    assert_eq!(same.subject, same.issuer);
    let two = with(&good, &other).unwrap();
    assert_ne!(two.subject, two.issuer);
    // No attribute can be read of an RDN that is a SET of INTEGER.
    let odd = |last: u8| sequence(&[&rdn(b"a"), &[0x31, 3, 2, 1, last]]);
    assert_eq!(with(&odd(1), &odd(2)), None);
    assert_eq!(with(&good, &odd(1)), None);
    assert_eq!(with(&odd(1), &good), None);
}

#[test]
fn a_certificate_to_its_own_name_that_another_key_signed_did_not_sign_itself() {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, "CA");
    let (old, new) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let own = params.clone().self_signed(&old).unwrap();
    assert!(read(own.der()).unwrap().self_signed);
    let rollover = params.signed_by(&new, &rcgen::Issuer::new(params.clone(), &old)).unwrap();
    let facts = read(rollover.der()).unwrap();
    assert_eq!((facts.subject == facts.issuer, facts.self_signed), (true, false));
}
