//! What one certificate says (RFC 5280): names, dates, and the URLs that lead to the outside world.

use std::time::{Duration, SystemTime};

use x509_parser::extensions::{DistributionPointName, GeneralName, ParsedExtension};
use x509_parser::prelude::{FromDer, X509Certificate};

/// Access methods of AIA (RFC 5280 §4.2.2.1).
const ID_AD_OCSP: &str = "1.3.6.1.5.5.7.48.1";
const ID_AD_CA_ISSUERS: &str = "1.3.6.1.5.5.7.48.2";

/// The facts of one certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// SHA-256 of the DER, lower-case hexadecimal.
    pub sha256: String,
    /// Subject.
    pub subject: String,
    /// Issuer.
    pub issuer: String,
    /// Issuer and subject are the same name.
    pub self_issued: bool,
    /// Start of validity.
    pub not_before: SystemTime,
    /// End of validity.
    pub not_after: SystemTime,
    /// CRL distribution points; each holds alternatives (R4).
    pub crl: Vec<Vec<String>>,
    /// OCSP responders.
    pub ocsp: Vec<String>,
    /// Where the issuer's certificate is.
    pub ca_issuers: Vec<String>,
}

/// Reads a certificate; `None` for anything that is not one.
pub fn read(der: &[u8]) -> Option<CertificateFacts> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let mut facts = CertificateFacts {
        sha256: fingerprint(der),
        subject: certificate.subject().to_string(),
        issuer: certificate.issuer().to_string(),
        self_issued: certificate.subject().as_raw() == certificate.issuer().as_raw(),
        not_before: moment(certificate.validity().not_before.timestamp()),
        not_after: moment(certificate.validity().not_after.timestamp()),
        crl: Vec::new(),
        ocsp: Vec::new(),
        ca_issuers: Vec::new(),
    };
    for extension in certificate.extensions() {
        match extension.parsed_extension() {
            ParsedExtension::CRLDistributionPoints(points) => {
                for point in &points.points {
                    if let Some(DistributionPointName::FullName(names)) = &point.distribution_point {
                        facts.crl.push(names.iter().filter_map(uri).collect());
                    }
                }
            }
            ParsedExtension::AuthorityInfoAccess(access) => {
                for description in &access.accessdescs {
                    let Some(url) = uri(&description.access_location) else { continue };
                    match description.access_method.to_id_string().as_str() {
                        ID_AD_OCSP => facts.ocsp.push(url),
                        ID_AD_CA_ISSUERS => facts.ca_issuers.push(url),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    Some(facts)
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

fn uri(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::URI(uri) => Some((*uri).to_string()),
        _ => None,
    }
}

/// Seconds since 1970 as a time, clamped to what can be written: certificates carry any year.
fn moment(seconds: i64) -> SystemTime {
    /// 9999-12-31T23:59:59Z, the last GeneralizedTime (RFC 5280 §4.1.2.5).
    const LAST: u64 = 253_402_300_799;
    let since = u64::try_from(seconds).unwrap_or(0).min(LAST);
    SystemTime::UNIX_EPOCH + Duration::from_secs(since)
}
