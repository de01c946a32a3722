//! A caIssuers body from anywhere: a bounded list of certificates, the same whichever form carries it.
#![no_main]

use closedpath_core::pki::aia::{AiaError, LARGEST, MOST, certificates, is_issuer, issuers};
use closedpath_core::pki::{der, read};
use libfuzzer_sys::fuzz_target;

/// Chains to compare: signatures are slow.
const COMPARED: usize = 3;
/// id-data and id-signedData.
const ID_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
const ID_SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];

fuzz_target!(|data: &[u8]| {
    let found = match certificates(data) {
        Ok(found) => found,
        Err(AiaError::WrongCertificate | AiaError::Loop) => panic!("nobody asked for an issuer"),
        Err(AiaError::TooLarge) => return assert!(data.len() > LARGEST),
        Err(AiaError::Empty) => return assert!(data.trim_ascii().is_empty()),
        Err(AiaError::Html | AiaError::TooMany | AiaError::NotACertificate) => return,
    };
    assert!((1..=MOST).contains(&found.len()));
    assert!(found.iter().map(Vec::len).sum::<usize>() <= data.len(), "reading does not grow");
    assert!(found.iter().all(|der| read(der).is_some()), "each can be read");
    assert_eq!(certificates(&bundle(&found)).as_ref(), Ok(&found), "as PKCS#7");
    if let [one] = found.as_slice() {
        assert_eq!(certificates(one).as_ref(), Ok(&found), "as DER");
    }

    let compared = &found[..found.len().min(COMPARED)];
    for leaf in compared {
        let chain = std::slice::from_ref(leaf);
        let naive: Vec<&Vec<u8>> = compared.iter().filter(|candidate| is_issuer(candidate, leaf)).collect();
        match issuers(chain, compared) {
            Ok(list) => {
                assert!(!list.is_empty() && list.len() <= naive.len());
                assert!(list.iter().all(|issuer| naive.iter().any(|other| other == issuer)));
                assert!(!list.contains(&leaf.as_slice()), "no certificate is above itself");
            }
            Err(AiaError::WrongCertificate) => assert!(naive.is_empty()),
            Err(AiaError::Loop) => assert!(!naive.is_empty()),
            Err(error) => panic!("{error}"),
        }
    }
});

/// SignedData with certificates alone.
fn bundle(certificates: &[Vec<u8>]) -> Vec<u8> {
    let certificates: Vec<&[u8]> = certificates.iter().map(Vec::as_slice).collect();
    let signed = der::encode(
        der::SEQUENCE,
        &[
            &der::encode(der::INTEGER, &[&[1]]),
            &der::encode(der::SET, &[]),
            &der::encode(der::SEQUENCE, &[&der::encode(der::OID, &[ID_DATA])]),
            &der::encode(der::constructed(0), &certificates),
            &der::encode(der::SET, &[]),
        ],
    );
    let content = der::encode(der::constructed(0), &[&signed]);
    der::encode(der::SEQUENCE, &[&der::encode(der::OID, &[ID_SIGNED_DATA]), &content])
}
