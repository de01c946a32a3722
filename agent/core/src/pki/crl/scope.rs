//! Whether a CRL speaks of a certificate, and of which reasons (RFC 5280 §6.3.3 (b) to (d)).

use x509_parser::prelude::X509Certificate;

use super::{Crl, CrlError, DistributionPoint, entries};
use crate::pki::Reasons;
use crate::pki::der::Reader;

impl Crl<'_> {
    /// The reasons of which this CRL, published at `point` (`None`: at a place the certificate does not name), speaks for
    /// the certificate. What is partitioned must be of that very point: another part knows nothing of the certificate.
    pub fn scope(
        &self,
        certificate: &X509Certificate<'_>,
        point: Option<&DistributionPoint<'_>>,
    ) -> Result<Reasons, CrlError> {
        self.check_issuer(certificate, point)?;
        let by_point = point.map_or(Reasons::ALL, |point| point.reasons);
        let Some(idp) = &self.idp else { return Ok(by_point) };
        let is_ca = certificate.is_ca();
        if idp.only_attribute_certificates
            || idp.only_user_certificates && is_ca
            || idp.only_ca_certificates && !is_ca
            || idp.relative_name
        {
            return Err(CrlError::OutOfScope);
        }
        if let Some(names) = idp.names {
            // (b)(2)(i): one name in common with the point, or with cRLIssuer where the point has no name.
            let others = point.and_then(|point| point.names.or(point.crl_issuer));
            if !have_one_in_common(names, others.unwrap_or_default())? {
                return Err(CrlError::OutOfScope);
            }
        }
        Ok(by_point.and(idp.reasons))
    }

    /// (b)(1): the certificate's issuer, or the one the point names, of an indirect CRL.
    fn check_issuer(
        &self,
        certificate: &X509Certificate<'_>,
        point: Option<&DistributionPoint<'_>>,
    ) -> Result<(), CrlError> {
        match point.and_then(|point| point.crl_issuer) {
            None if certificate.issuer().as_raw() == self.issuer => Ok(()),
            None => Err(CrlError::WrongIssuer),
            Some(names) => {
                let named = entries::directory_names(Reader::new(names))? == Some(self.issuer);
                let allowed = self.idp.as_ref().is_some_and(|idp| idp.indirect)
                    || certificate.issuer().as_raw() == self.issuer;
                if named && allowed { Ok(()) } else { Err(CrlError::WrongIssuer) }
            }
        }
    }
}

fn have_one_in_common(names: &[u8], others: &[u8]) -> Result<bool, CrlError> {
    let mut names = Reader::new(names);
    while !names.is_empty() {
        let name = names.any()?;
        let mut others = Reader::new(others);
        while !others.is_empty() {
            if others.any()?.raw == name.raw {
                return Ok(true);
            }
        }
    }
    Ok(false)
}
