//! What one certificate says (RFC 5280): names, dates, and the URLs that lead to the outside world.

use std::time::{Duration, SystemTime};

use x509_parser::error::X509Error;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::crl::{DistributionPoint, points};
use super::der::{self, Malformed, Reader};
use super::general_name;

/// cRLDistributionPoints (RFC 5280 §4.2.1.13).
const ID_CRL_POINTS: &str = "2.5.29.31";
/// freshestCRL (§4.2.1.15).
const ID_FRESHEST: &str = "2.5.29.46";
/// authorityInfoAccess (§4.2.2.1).
const ID_ACCESS: &str = "1.3.6.1.5.5.7.1.1";
/// Its access methods id-ad-ocsp and id-ad-caIssuers, contents octets.
const ID_AD_OCSP: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 1];
const ID_AD_CA_ISSUERS: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 2];

/// Access descriptions read of one certificate; real ones have at most a handful.
const MOST_DESCRIPTIONS: usize = 64;

/// The facts of one certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// SHA-256 of the DER, lower-case hexadecimal.
    pub sha256: String,
    /// Subject.
    pub subject: String,
    /// Issuer.
    pub issuer: String,
    /// Issuer and subject are the same name, and its own key signed it. A CA that changes its key issues certificates to its
    /// own name that another key signed (RFC 5280 §3.2): those are not meant.
    pub self_signed: bool,
    /// Start of validity.
    pub not_before: SystemTime,
    /// End of validity.
    pub not_after: SystemTime,
    /// CRL distribution points; each holds alternatives (R4), or none where it names its CRL otherwise than by URI.
    pub crl: Vec<Vec<String>>,
    /// Where delta CRLs are.
    pub freshest: Vec<String>,
    /// OCSP responders.
    pub ocsp: Vec<String>,
    /// Where the issuer's certificate is.
    pub ca_issuers: Vec<String>,
    /// Extensions with pointers that are there and cannot be read, or are there twice (§4.2): where they lead is not
    /// known, which is not the same as nowhere.
    pub unreadable: Vec<&'static str>,
}

/// Reads a certificate; `None` for anything that is not one.
pub fn read(der: &[u8]) -> Option<CertificateFacts> {
    let certificate = parse(der)?;
    let mut unreadable = Vec::new();
    let crl = pointers(&certificate, ID_CRL_POINTS, "cRLDistributionPoints", uris, &mut unreadable);
    let freshest = pointers(&certificate, ID_FRESHEST, "freshestCRL", uris, &mut unreadable);
    let access = pointers(&certificate, ID_ACCESS, "authorityInfoAccess", access, &mut unreadable);
    Some(CertificateFacts {
        sha256: fingerprint(der),
        subject: certificate.subject().to_string(),
        issuer: certificate.issuer().to_string(),
        self_signed: is_self_signed(&certificate),
        not_before: moment(certificate.validity().not_before.timestamp()),
        not_after: moment(certificate.validity().not_after.timestamp()),
        crl,
        freshest: freshest.into_iter().flatten().collect(),
        ocsp: access.ocsp,
        ca_issuers: access.ca_issuers,
        unreadable,
    })
}

/// The certificate that `der` is, if it is one and nothing more.
///
/// x509-parser leaves off the rest of a Name behind an attribute it cannot read, and two names with the same beginning
/// compare as one: a certificate of another issuer would look self-issued, and its pointers would not be followed.
pub(super) fn parse(der: &[u8]) -> Option<X509Certificate<'_>> {
    let (rest, certificate) = X509Certificate::from_der(der).ok()?;
    let (issuer, subject) = names(der).ok()?;
    let whole = certificate.issuer().as_raw() == issuer && certificate.subject().as_raw() == subject;
    (rest.is_empty() && whole).then_some(certificate)
}

/// A signature that this build cannot verify is taken for its own: whose else it is, nobody here can tell.
fn is_self_signed(certificate: &X509Certificate<'_>) -> bool {
    certificate.subject().as_raw() == certificate.issuer().as_raw()
        && !matches!(certificate.verify_signature(None), Err(X509Error::SignatureVerificationError))
}

/// Issuer and subject, DER of each Name (RFC 5280 §4.1).
fn names(certificate: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    let mut signed = Reader::new(Reader::new(certificate).body(der::SEQUENCE)?).inside(der::SEQUENCE)?;
    signed.optional(der::constructed(0))?;
    signed.element(der::INTEGER)?;
    signed.element(der::SEQUENCE)?;
    let issuer = signed.element(der::SEQUENCE)?.raw;
    signed.element(der::SEQUENCE)?;
    Ok((issuer, signed.element(der::SEQUENCE)?.raw))
}

/// The URLs of an authorityInfoAccess.
#[derive(Default)]
struct Access {
    ocsp: Vec<String>,
    ca_issuers: Vec<String>,
}

/// What an extension says; nothing where it is missing. One that cannot be read is named in `unreadable`.
fn pointers<T: Default>(
    certificate: &X509Certificate<'_>,
    oid: &str,
    name: &'static str,
    read: fn(&[u8]) -> Result<T, Malformed>,
    unreadable: &mut Vec<&'static str>,
) -> T {
    let mut found = certificate.extensions().iter().filter(|extension| extension.oid.to_id_string() == oid);
    let value = match (found.next(), found.next()) {
        (None, _) => return T::default(),
        (Some(extension), None) => read(extension.value),
        (Some(_), Some(_)) => Err(Malformed),
    };
    value.unwrap_or_else(|Malformed| {
        unreadable.push(name);
        T::default()
    })
}

/// The alternatives of each distribution point.
fn uris(value: &[u8]) -> Result<Vec<Vec<String>>, Malformed> {
    let points: Vec<DistributionPoint<'_>> = points(value)?;
    if points.is_empty() {
        return Err(Malformed);
    }
    Ok(points.into_iter().map(|point| point.uris).collect())
}

/// AuthorityInfoAccessSyntax.
fn access(value: &[u8]) -> Result<Access, Malformed> {
    let mut list = Reader::new(der::single(value, der::SEQUENCE)?.body);
    let mut access = Access::default();
    let mut count = 0;
    while !list.is_empty() {
        let mut description = list.inside(der::SEQUENCE)?;
        let method = description.body(der::OID)?;
        let location = description.any()?;
        description.end()?;
        count += 1;
        // Another reader may take a broken identifier for one of those below.
        if count > MOST_DESCRIPTIONS || !der::is_oid(method) {
            return Err(Malformed);
        }
        let urls = match method {
            ID_AD_OCSP => &mut access.ocsp,
            ID_AD_CA_ISSUERS => &mut access.ca_issuers,
            _ => continue,
        };
        urls.extend(general_name::uri(location)?);
    }
    if count == 0 { Err(Malformed) } else { Ok(access) }
}

/// SHA-256, lower-case hexadecimal.
pub fn fingerprint(bytes: &[u8]) -> String {
    use std::fmt::Write;
    ring::digest::digest(&ring::digest::SHA256, bytes).as_ref().iter().fold(
        String::new(),
        |mut text, byte| {
            write!(text, "{byte:02x}").expect("writing to a String cannot fail");
            text
        },
    )
}

/// Seconds since 1970 as a time, clamped to what can be written: certificates carry any year.
fn moment(seconds: i64) -> SystemTime {
    /// 9999-12-31T23:59:59Z, the last GeneralizedTime (RFC 5280 §4.1.2.5).
    const LAST: u64 = 253_402_300_799;
    let since = u64::try_from(seconds).unwrap_or(0).min(LAST);
    SystemTime::UNIX_EPOCH + Duration::from_secs(since)
}
