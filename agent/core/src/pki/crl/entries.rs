//! The entries of a CRL (RFC 5280 §5.3), walked over in place.

use super::{Crl, CrlError, Entry};
use crate::pki::Reason;
use crate::pki::der::{self, Extension, Malformed, Reader};

/// cRLReasons, 2.5.29.21.
const ID_REASON: &[u8] = &[0x55, 0x1d, 21];
/// invalidityDate, 2.5.29.24: known, and of no consequence here.
const ID_INVALIDITY: &[u8] = &[0x55, 0x1d, 24];
/// certificateIssuer, 2.5.29.29.
const ID_ISSUER: &[u8] = &[0x55, 0x1d, 29];

impl<'a> Crl<'a> {
    /// The entry of the certificate with this issuer (DER of the Name) and serial (contents octets), compared as integers.
    ///
    /// Walks over every entry even when it has found one: a critical extension that nobody here knows, on whichever entry,
    /// forbids using the CRL (§5.3). Where several entries match, the last counts, as it would in a delta.
    pub fn find(&self, issuer: &[u8], serial: &[u8]) -> Result<Option<Entry<'a>>, CrlError> {
        let indirect = self.idp.as_ref().is_some_and(|idp| idp.indirect);
        let mut entries = Reader::new(self.entries);
        let mut found = None;
        // §5.3.3: an entry is of the issuer that the nearest earlier one names, at first of the CRL's.
        let mut of = None;
        while !entries.is_empty() {
            let mut entry = entries.inside(der::SEQUENCE)?;
            let number = entry.body(der::INTEGER)?;
            let time = entry.any()?;
            let mut reason = None;
            if !entry.is_empty() {
                let mut extensions = entry.inside(der::SEQUENCE)?;
                entry.end()?;
                while !extensions.is_empty() {
                    let extension = Extension::next(&mut extensions)?;
                    match extension.oid {
                        ID_REASON => reason = Some(extension.value),
                        ID_ISSUER if indirect => of = Some(directory_name(extension.value)?),
                        ID_INVALIDITY => {}
                        _ if extension.critical => return Err(CrlError::UnknownCriticalExtension),
                        _ => {}
                    }
                }
            }
            if der::same_integer(number, serial) && of.unwrap_or(self.issuer) == issuer {
                let reason = match reason {
                    Some(value) => Some(Reason::from_enumerated(der::single(value, der::ENUMERATED)?.body)?),
                    None => None,
                };
                found =
                    Some(Entry { revoked_at: Reader::new(time.raw).time()?, reason, certificate_issuer: of });
            }
        }
        Ok(found)
    }

    /// How many entries there are.
    pub fn count(&self) -> Result<usize, CrlError> {
        let (mut entries, mut count) = (Reader::new(self.entries), 0);
        while !entries.is_empty() {
            entries.element(der::SEQUENCE)?;
            count += 1;
        }
        Ok(count)
    }
}

/// The directoryName among GeneralNames: DER of the Name.
pub(super) fn directory_names(mut names: Reader<'_>) -> Result<Option<&[u8]>, Malformed> {
    while !names.is_empty() {
        let name = names.any()?;
        if name.tag == der::constructed(4) {
            return Ok(Some(der::single(name.body, der::SEQUENCE)?.raw));
        }
    }
    Ok(None)
}

fn directory_name(value: &[u8]) -> Result<&[u8], Malformed> {
    directory_names(Reader::new(der::single(value, der::SEQUENCE)?.body))?.ok_or(Malformed)
}
