//! Certificates with the pointers a test needs. In: a subject and URLs. Out: DER.

use rcgen::{CertificateParams, CrlDistributionPoint, CustomExtension, DnType, Issuer, KeyPair};

/// `id-pe-authorityInfoAccess`; `rcgen` cannot write it by itself.
const AIA: [u64; 9] = [1, 3, 6, 1, 5, 5, 7, 1, 1];
/// `id-ad-ocsp` and `id-ad-caIssuers` but for their last arc.
const ACCESS_METHOD: [u8; 7] = [0x2b, 6, 1, 5, 5, 7, 0x30];

/// What a certificate points to.
#[derive(Clone, Copy, Default)]
pub struct Pointers<'a> {
    pub crl: &'a [&'a str],
    pub ocsp: Option<&'a str>,
    pub ca_issuers: Option<&'a str>,
}

/// A certificate named `subject`, issued by `issuer`, which is not presented.
pub fn issued(subject: &str, issuer: &str, pointers: Pointers<'_>) -> Vec<u8> {
    let key = KeyPair::generate().expect("a P-256 key");
    let issuing = Issuer::new(named(issuer), KeyPair::generate().expect("a P-256 key"));
    let mut params = named(subject);
    if !pointers.crl.is_empty() {
        let uris = pointers.crl.iter().map(ToString::to_string).collect();
        params.crl_distribution_points = vec![CrlDistributionPoint { uris }];
    }
    if pointers.ocsp.is_some() || pointers.ca_issuers.is_some() {
        params.custom_extensions.push(access(pointers.ocsp, pointers.ca_issuers));
    }
    params.signed_by(&key, &issuing).expect("a certificate").der().to_vec()
}

/// The same with one extension, whatever its value.
pub fn extended(subject: &str, issuer: &str, oid: &[u64], value: &[u8]) -> Vec<u8> {
    let issuing = Issuer::new(named(issuer), KeyPair::generate().expect("a P-256 key"));
    let mut params = named(subject);
    params.custom_extensions.push(CustomExtension::from_oid_content(oid, value.to_vec()));
    let key = KeyPair::generate().expect("a P-256 key");
    params.signed_by(&key, &issuing).expect("a certificate").der().to_vec()
}

/// A certificate that signed itself.
pub fn root(subject: &str) -> Vec<u8> {
    let key = KeyPair::generate().expect("a P-256 key");
    named(subject).self_signed(&key).expect("a certificate").der().to_vec()
}

fn named(subject: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).expect("no names are fine");
    params.distinguished_name = rcgen::DistinguishedName::new();
    if !subject.is_empty() {
        params.distinguished_name.push(DnType::CommonName, subject);
    }
    params
}

fn access(ocsp: Option<&str>, ca_issuers: Option<&str>) -> CustomExtension {
    let mut descriptions = Vec::new();
    for (last_arc, url) in [(1, ocsp), (2, ca_issuers)] {
        if let Some(url) = url {
            let oid = der(0x06, &[&ACCESS_METHOD[..], &[last_arc]].concat());
            descriptions.extend(der(0x30, &[oid, der(0x86, url.as_bytes())].concat()));
        }
    }
    CustomExtension::from_oid_content(&AIA, der(0x30, &descriptions))
}

/// One DER element; contents here stay below 65,536 bytes.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut element = vec![tag];
    let [.., high, low] = (content.len() as u64).to_be_bytes();
    match content.len() {
        0..=127 => element.push(low),
        128..=255 => element.extend([0x81, low]),
        _ => element.extend([0x82, high, low]),
    }
    element.extend_from_slice(content);
    element
}
