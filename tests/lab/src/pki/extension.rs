//! The Authority Information Access extension (RFC 5280 section 4.2.2.1), which `rcgen` cannot write by itself.

use rcgen::CustomExtension;

/// `id-pe-authorityInfoAccess`.
const AIA: [u64; 9] = [1, 3, 6, 1, 5, 5, 7, 1, 1];
/// The DER of `id-ad-ocsp` without its last arc, which is 1 for OCSP and 2 for caIssuers.
const ACCESS_METHOD: [u8; 7] = [0x2b, 6, 1, 5, 5, 7, 0x30];

/// The extension with an OCSP responder and the address of the issuer's certificate, where given.
pub(super) fn authority_information_access(ocsp: Option<&str>, ca_issuers: Option<&str>) -> CustomExtension {
    let mut descriptions = Vec::new();
    for (last_arc, url) in [(1, ocsp), (2, ca_issuers)] {
        if let Some(url) = url {
            let oid = der(0x06, &[&ACCESS_METHOD[..], &[last_arc]].concat());
            let uri = der(0x86, url.as_bytes());
            descriptions.extend(der(0x30, &[oid, uri].concat()));
        }
    }
    CustomExtension::from_oid_content(&AIA, der(0x30, &descriptions))
}

/// One DER element; contents here stay below 65,536 bytes.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut element = vec![tag];
    let [_, _, _, _, _, _, high, low] = (content.len() as u64).to_be_bytes();
    match content.len() {
        0..=127 => element.push(low),
        128..=255 => element.extend([0x81, low]),
        _ => element.extend([0x82, high, low]),
    }
    element.extend_from_slice(content);
    element
}
