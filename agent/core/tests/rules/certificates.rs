//! Certificates with the pointers a test needs. In: a subject and URLs. Out: DER.

use std::collections::BTreeMap;
use std::sync::Mutex;

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

/// CAs by name: the key and the certificate, which is a trust anchor of every world.
static AUTHORITIES: Mutex<BTreeMap<String, (String, Vec<u8>)>> = Mutex::new(BTreeMap::new());

/// The key of a CA, made when it is first named.
fn authority(name: &str) -> KeyPair {
    let mut all = AUTHORITIES.lock().expect("no test panics while it holds this");
    let (key, _) = all.entry(name.to_string()).or_insert_with(|| {
        let key = KeyPair::generate().expect("a P-256 key");
        let mut params = named(name);
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("a certificate").der().to_vec();
        (key.serialize_pem(), certificate)
    });
    KeyPair::from_pem(key).expect("its own PEM")
}

/// The certificates of all CAs named so far, but for those named "unknown …".
pub fn anchors() -> Vec<Vec<u8>> {
    let all = AUTHORITIES.lock().expect("no test panics while it holds this");
    let known = all.iter().filter(|(name, _)| !name.starts_with("unknown"));
    known.map(|(_, authority)| authority).map(|(_, certificate)| certificate.clone()).collect()
}

/// The certificate of a CA that signed itself.
pub fn authority_of(name: &str) -> Vec<u8> {
    authority(name);
    let all = AUTHORITIES.lock().expect("no test panics while it holds this");
    all[name].1.clone()
}

/// The certificate of the CA `name`, issued by the CA `issuer`.
pub fn intermediate(name: &str, issuer: &str, pointers: Pointers<'_>) -> Vec<u8> {
    sign(named(name), &authority(name), issuer, pointers, true)
}

/// A certificate named `subject`, issued by `issuer`, which is not presented.
pub fn issued(subject: &str, issuer: &str, pointers: Pointers<'_>) -> Vec<u8> {
    sign(named(subject), &KeyPair::generate().expect("a P-256 key"), issuer, pointers, false)
}

fn sign(
    mut params: CertificateParams,
    key: &KeyPair,
    issuer: &str,
    pointers: Pointers<'_>,
    authority_itself: bool,
) -> Vec<u8> {
    let issuing = Issuer::new(named(issuer), authority(issuer));
    if authority_itself {
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    }
    if !pointers.crl.is_empty() {
        let uris = pointers.crl.iter().map(ToString::to_string).collect();
        params.crl_distribution_points = vec![CrlDistributionPoint { uris }];
    }
    if pointers.ocsp.is_some() || pointers.ca_issuers.is_some() {
        params.custom_extensions.push(access(pointers.ocsp, pointers.ca_issuers));
    }
    params.signed_by(key, &issuing).expect("a certificate").der().to_vec()
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
