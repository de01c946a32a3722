//! Distribution points: of a certificate (RFC 5280 §4.2.1.13), and of its or a CRL's delta CRLs (§4.2.1.15, §5.2.6).

use super::CrlError;
use crate::pki::Reasons;
use crate::pki::der::{self, Malformed, Reader};
use crate::pki::general_name;

/// cRLDistributionPoints.
const ID_POINTS: &str = "2.5.29.31";
/// freshestCRL.
const ID_FRESHEST: &str = "2.5.29.46";

/// Points read of one extension; real certificates have at most a handful.
const MOST_POINTS: usize = 64;

/// One place, with alternative names, where a CRL for a certificate is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DistributionPoint<'a> {
    /// Its GeneralNames, contents octets.
    pub names: Option<&'a [u8]>,
    /// The URIs among them, as they are written: alternatives (R4), fetchable or not.
    pub uris: Vec<String>,
    /// Reasons its CRL speaks of; all of them unless the certificate says otherwise (R4').
    pub reasons: Reasons,
    /// Who issues the CRL (GeneralNames, contents octets), if not the certificate's issuer.
    pub crl_issuer: Option<&'a [u8]>,
}

/// The CRL distribution points of a certificate.
pub fn points_of(certificate: &[u8]) -> Result<Vec<DistributionPoint<'_>>, CrlError> {
    of(certificate, ID_POINTS)
}

/// The distribution points of the delta CRLs of a certificate.
pub fn freshest_of(certificate: &[u8]) -> Result<Vec<DistributionPoint<'_>>, CrlError> {
    of(certificate, ID_FRESHEST)
}

/// DistributionPointName.
#[derive(Debug, Default)]
pub(super) struct PointName<'a> {
    /// fullName, contents octets.
    pub full: Option<&'a [u8]>,
    /// The URIs in it.
    pub uris: Vec<String>,
    /// nameRelativeToCRLIssuer.
    pub relative: bool,
}

/// Reads the value of an extension that holds distribution points.
pub(in crate::pki) fn points(value: &[u8]) -> Result<Vec<DistributionPoint<'_>>, Malformed> {
    let mut list = Reader::new(der::single(value, der::SEQUENCE)?.body);
    let mut points = Vec::new();
    while !list.is_empty() {
        let mut point = list.inside(der::SEQUENCE)?;
        let name = match point.optional(der::constructed(0))? {
            Some(body) => name(body)?,
            None => PointName::default(),
        };
        let reasons = point.optional(der::context(1))?.map_or(Ok(Reasons::ALL), Reasons::from_bits)?;
        let crl_issuer = point.optional(der::constructed(2))?;
        point.end()?;
        if points.len() == MOST_POINTS {
            return Err(Malformed);
        }
        points.push(DistributionPoint { names: name.full, uris: name.uris, reasons, crl_issuer });
    }
    Ok(points)
}

/// Reads a DistributionPointName.
pub(super) fn name(body: &[u8]) -> Result<PointName<'_>, Malformed> {
    let mut choice = Reader::new(body);
    let element = choice.any()?;
    choice.end()?;
    if element.tag == der::constructed(1) {
        return Ok(PointName { relative: true, ..PointName::default() });
    }
    if element.tag != der::constructed(0) {
        return Err(Malformed);
    }
    let (mut names, mut uris) = (Reader::new(element.body), Vec::new());
    while !names.is_empty() {
        if let Some(uri) = general_name::uri(names.any()?)? {
            uris.push(uri);
        }
        if uris.len() > MOST_POINTS {
            return Err(Malformed);
        }
    }
    Ok(PointName { full: Some(element.body), uris, relative: false })
}

fn of<'a>(certificate: &'a [u8], oid: &str) -> Result<Vec<DistributionPoint<'a>>, CrlError> {
    let certificate = crate::pki::parse(certificate).ok_or(CrlError::UnreadableCertificate)?;
    let mut found = certificate.extensions().iter().filter(|e| e.oid.to_id_string() == oid);
    match (found.next(), found.next()) {
        (None, _) => Ok(Vec::new()),
        (Some(extension), None) => Ok(points(extension.value)?),
        (Some(_), Some(_)) => Err(CrlError::Malformed),
    }
}
