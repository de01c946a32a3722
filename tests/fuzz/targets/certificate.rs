//! A certificate from anywhere: what is read of it agrees with another reader, and no pointer is lost without a word.
#![no_main]

use closedpath_core::pki::{aia, crl, ocsp, read, revocation, unfetchable};
use libfuzzer_sys::fuzz_target;
use x509_parser::extensions::{DistributionPointName, GeneralName, ParsedExtension};
use x509_parser::prelude::{FromDer, X509Certificate};

const CA: &[u8] = include_bytes!("../seeds/certificate/ca.cer");

/// The extensions that hold pointers, and their names.
const POINTERS: [(&str, &str); 3] = [
    ("2.5.29.31", "cRLDistributionPoints"),
    ("2.5.29.46", "freshestCRL"),
    ("1.3.6.1.5.5.7.1.1", "authorityInfoAccess"),
];

fuzz_target!(|data: &[u8]| {
    revocation::must_staple(data);
    if let Ok(asked) = ocsp::request(data, CA, Some(&[7; 32])) {
        assert!(asked.len() < data.len() + 256 && ocsp::get_path(&asked).is_ascii());
    }
    let Some(facts) = read(data) else {
        assert!(crl::points_of(data).is_err() && crl::freshest_of(data).is_err());
        return;
    };
    let (_, certificate) = X509Certificate::from_der(data).expect("the same reader has just read it");
    assert_eq!(facts.sha256.len(), 64);
    if aia::is_issuer(data, data) {
        assert!(facts.self_signed);
    }

    // Bounded by what came.
    let urls: Vec<&String> = facts
        .crl
        .iter()
        .flatten()
        .chain(&facts.freshest)
        .chain(&facts.ocsp)
        .chain(&facts.ca_issuers)
        .collect();
    assert!(urls.iter().map(|url| url.len() + 2).sum::<usize>() <= data.len());
    assert!(urls.iter().all(|url| url.is_ascii()));
    assert!(unfetchable(&facts).len() <= urls.len());
    assert!(facts.subject.len() + facts.issuer.len() <= 8 * data.len());

    // An extension is missing, unreadable, or read: never there and silent.
    for (oid, name) in POINTERS {
        let there = certificate.extensions().iter().filter(|e| e.oid.to_id_string() == oid).count();
        let unreadable = facts.unreadable.contains(&name);
        assert!(there < 2 || unreadable);
        assert!(there > 0 || !unreadable);
        if there == 1 && !unreadable && name == "cRLDistributionPoints" {
            assert!(!facts.crl.is_empty());
        }
    }
    match crl::points_of(data) {
        Ok(points) => assert!(points.into_iter().map(|point| point.uris).eq(facts.crl.iter().cloned())),
        Err(_) => assert!(facts.unreadable.contains(&"cRLDistributionPoints") && facts.crl.is_empty()),
    }

    // Another reader: whatever URL it sees, this one has seen too, or says that it cannot read.
    for extension in certificate.extensions() {
        match extension.parsed_extension() {
            ParsedExtension::CRLDistributionPoints(points)
                if !facts.unreadable.contains(&"cRLDistributionPoints") =>
            {
                let theirs: Vec<&str> = points
                    .iter()
                    .filter_map(|point| match &point.distribution_point {
                        Some(DistributionPointName::FullName(names)) => Some(names),
                        _ => None,
                    })
                    .flatten()
                    .filter_map(uri)
                    .collect();
                // It stops at the first name it does not know.
                let ours: Vec<&String> = facts.crl.iter().flatten().collect();
                assert!(theirs.iter().all(|url| ours.iter().any(|other| other == url)));
            }
            ParsedExtension::AuthorityInfoAccess(access)
                if !facts.unreadable.contains(&"authorityInfoAccess") =>
            {
                for (method, ours) in [(1, &facts.ocsp), (2, &facts.ca_issuers)] {
                    let oid = format!("1.3.6.1.5.5.7.48.{method}");
                    let theirs: Vec<&str> = access
                        .iter()
                        .filter(|description| description.access_method.to_id_string() == oid)
                        .filter_map(|description| uri(&description.access_location))
                        .collect();
                    assert!(theirs.iter().all(|url| ours.iter().any(|other| other == url)));
                }
            }
            _ => {}
        }
    }
});

fn uri<'a>(name: &GeneralName<'a>) -> Option<&'a str> {
    match name {
        GeneralName::URI(uri) => Some(uri),
        _ => None,
    }
}
