//! A CRL's header (RFC 5280 §5.1, §5.2); the entries are stepped over as one element.

use super::{Crl, CrlError, IssuingDistributionPoint, point};
use crate::pki::Reasons;
use crate::pki::der::{self, Extension, Malformed, Reader};

/// cRLNumber, 2.5.29.20.
const ID_NUMBER: &[u8] = &[0x55, 0x1d, 20];
/// deltaCRLIndicator, 2.5.29.27.
const ID_DELTA: &[u8] = &[0x55, 0x1d, 27];
/// issuingDistributionPoint, 2.5.29.28.
const ID_IDP: &[u8] = &[0x55, 0x1d, 28];
/// freshestCRL, 2.5.29.46.
const ID_FRESHEST: &[u8] = &[0x55, 0x1d, 46];
/// authorityKeyIdentifier, 2.5.29.35: the signature decides, so it is not read.
const ID_AUTHORITY_KEY: &[u8] = &[0x55, 0x1d, 35];

impl<'a> Crl<'a> {
    /// Reads the header. Nothing is verified yet.
    pub fn parse(crl: &'a [u8]) -> Result<Self, CrlError> {
        let mut outer = Reader::new(der::single(crl, der::SEQUENCE)?.body);
        let signed = outer.element(der::SEQUENCE)?;
        let algorithm = outer.element(der::SEQUENCE)?.raw;
        let signature = der::octets_of_bits(outer.body(der::BIT_STRING)?)?;
        outer.end()?;

        let mut list = Reader::new(signed.body);
        // §5.1.2.1: version 2, or 1 by absence.
        if list.optional(der::INTEGER)?.is_some_and(|version| version != [1]) {
            return Err(CrlError::Malformed);
        }
        // §5.1.1.2: the same algorithm inside and outside of what is signed.
        if list.element(der::SEQUENCE)?.raw != algorithm {
            return Err(CrlError::Malformed);
        }
        let issuer = list.element(der::SEQUENCE)?.raw;
        let this_update = list.time()?;
        let next_update = match list.starts_with(der::UTC_TIME) || list.starts_with(der::GENERALIZED_TIME) {
            true => Some(list.time()?),
            false => None,
        };
        let entries = list.optional(der::SEQUENCE)?.unwrap_or_default();
        let mut crl = Self {
            issuer,
            this_update,
            next_update,
            number: None,
            idp: None,
            delta_base: None,
            freshest: Vec::new(),
            unknown_critical: false,
            entries,
            signed: signed.raw,
            algorithm,
            signature,
        };
        if let Some(extensions) = list.optional(der::constructed(0))? {
            crl.read_extensions(extensions)?;
        }
        list.end()?;
        Ok(crl)
    }

    fn read_extensions(&mut self, body: &'a [u8]) -> Result<(), Malformed> {
        let mut list = Reader::new(der::single(body, der::SEQUENCE)?.body);
        while !list.is_empty() {
            let extension = Extension::next(&mut list)?;
            let twice = match extension.oid {
                ID_NUMBER => self.number.replace(der::single(extension.value, der::INTEGER)?.body).is_some(),
                ID_DELTA => {
                    self.delta_base.replace(der::single(extension.value, der::INTEGER)?.body).is_some()
                }
                ID_IDP => self.idp.replace(issuing_distribution_point(extension.value)?).is_some(),
                ID_FRESHEST => {
                    let before = std::mem::replace(&mut self.freshest, point::points(extension.value)?);
                    !before.is_empty()
                }
                ID_AUTHORITY_KEY => false,
                _ => {
                    self.unknown_critical |= extension.critical;
                    false
                }
            };
            // §4.2: no extension twice.
            if twice {
                return Err(Malformed);
            }
        }
        Ok(())
    }
}

fn issuing_distribution_point(value: &[u8]) -> Result<IssuingDistributionPoint<'_>, Malformed> {
    let mut fields = Reader::new(der::single(value, der::SEQUENCE)?.body);
    let name = match fields.optional(der::constructed(0))? {
        Some(body) => point::name(body)?,
        None => point::PointName::default(),
    };
    let mut flag = |number| fields.optional(der::context(number))?.map_or(Ok(false), der::boolean);
    let (only_user_certificates, only_ca_certificates) = (flag(1)?, flag(2)?);
    let reasons = fields.optional(der::context(3))?.map_or(Ok(Reasons::ALL), Reasons::from_bits)?;
    let mut flag = |number| fields.optional(der::context(number))?.map_or(Ok(false), der::boolean);
    let (indirect, only_attribute_certificates) = (flag(4)?, flag(5)?);
    fields.end()?;
    Ok(IssuingDistributionPoint {
        names: name.full,
        uris: name.uris,
        relative_name: name.relative,
        only_user_certificates,
        only_ca_certificates,
        only_attribute_certificates,
        reasons,
        indirect,
    })
}
