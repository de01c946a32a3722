//! The parts of an OCSPResponse (RFC 6960 §4.2.1), unverified: slices of its bytes.

use std::time::SystemTime;

use super::request::ID_NONCE;
use super::{ErrorStatus, OcspError, OcspStatus};
use crate::pki::Reason;
use crate::pki::der::{self, Extension, Malformed, Reader};

/// id-pkix-ocsp-basic, 1.3.6.1.5.5.7.48.1.1.
const ID_BASIC: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1];

/// Who says to have signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ResponderId<'a> {
    /// Name, DER.
    Name(&'a [u8]),
    /// SHA-1 of the public key's bits.
    Key(&'a [u8]),
}

/// BasicOCSPResponse.
#[derive(Debug)]
pub(super) struct Basic<'a> {
    /// tbsResponseData with its header: what is signed.
    pub signed: &'a [u8],
    /// AlgorithmIdentifier.
    pub algorithm: &'a [u8],
    /// Signature octets.
    pub signature: &'a [u8],
    /// The certificates that came with it.
    pub certificates: Reader<'a>,
    /// Who says to have signed.
    pub responder: ResponderId<'a>,
    /// When it was signed.
    pub produced_at: SystemTime,
    /// The SingleResponses.
    pub singles: Reader<'a>,
    /// The nonce, if it carries one.
    pub nonce: Option<&'a [u8]>,
    /// A critical extension that this build does not know.
    pub unknown_critical: bool,
}

/// SingleResponse.
#[derive(Debug, Clone, Copy)]
pub(super) struct Single<'a> {
    /// Contents of the certID.
    pub id: &'a [u8],
    /// What it says.
    pub status: OcspStatus,
    /// When this was known to be right.
    pub this_update: SystemTime,
    /// When newer information will be there.
    pub next_update: Option<SystemTime>,
    /// A critical extension that this build does not know.
    pub unknown_critical: bool,
}

/// Takes a response apart.
pub(super) fn read(response: &[u8]) -> Result<Basic<'_>, OcspError> {
    let mut outer = Reader::new(der::single(response, der::SEQUENCE)?.body);
    match outer.body(der::ENUMERATED)? {
        [0] => {}
        [1] => return Err(OcspError::ErrorStatus(ErrorStatus::MalformedRequest)),
        [2] => return Err(OcspError::ErrorStatus(ErrorStatus::InternalError)),
        [3] => return Err(OcspError::ErrorStatus(ErrorStatus::TryLater)),
        [5] => return Err(OcspError::ErrorStatus(ErrorStatus::SigRequired)),
        [6] => return Err(OcspError::ErrorStatus(ErrorStatus::Unauthorized)),
        _ => return Err(OcspError::Malformed),
    }
    let mut bytes = Reader::new(der::single(outer.body(der::constructed(0))?, der::SEQUENCE)?.body);
    outer.end()?;
    if bytes.body(der::OID)? != ID_BASIC {
        return Err(OcspError::Malformed);
    }
    let basic = der::single(bytes.body(der::OCTET_STRING)?, der::SEQUENCE)?;
    bytes.end()?;
    let mut basic = Reader::new(basic.body);
    let signed = basic.element(der::SEQUENCE)?;
    let algorithm = basic.element(der::SEQUENCE)?.raw;
    let signature = der::octets_of_bits(basic.body(der::BIT_STRING)?)?;
    let certificates = match basic.optional(der::constructed(0))? {
        Some(list) => Reader::new(der::single(list, der::SEQUENCE)?.body),
        None => Reader::new(&[]),
    };
    basic.end()?;

    let mut data = Reader::new(signed.body);
    if let Some(version) = data.optional(der::constructed(0))?
        && der::single(version, der::INTEGER)?.body != [0]
    {
        return Err(OcspError::Malformed);
    }
    let responder = responder(&mut data)?;
    let produced_at = der::generalized(data.body(der::GENERALIZED_TIME)?)?;
    let singles = data.inside(der::SEQUENCE)?;
    let (nonce, unknown_critical) = extensions(data.optional(der::constructed(1))?, Some(ID_NONCE))?;
    data.end()?;
    let nonce = match nonce {
        Some(value) => Some(der::single(value, der::OCTET_STRING)?.body),
        None => None,
    };
    Ok(Basic {
        signed: signed.raw,
        algorithm,
        signature,
        certificates,
        responder,
        produced_at,
        singles,
        nonce,
        unknown_critical,
    })
}

/// The next SingleResponse.
pub(super) fn single<'a>(singles: &mut Reader<'a>) -> Result<Single<'a>, Malformed> {
    let mut single = singles.inside(der::SEQUENCE)?;
    let id = single.body(der::SEQUENCE)?;
    let status = status(&mut single)?;
    let this_update = der::generalized(single.body(der::GENERALIZED_TIME)?)?;
    let next_update = match single.optional(der::constructed(0))? {
        Some(body) => Some(der::generalized(der::single(body, der::GENERALIZED_TIME)?.body)?),
        None => None,
    };
    let (_, unknown_critical) = extensions(single.optional(der::constructed(1))?, None)?;
    single.end()?;
    Ok(Single { id, status, this_update, next_update, unknown_critical })
}

fn responder<'a>(data: &mut Reader<'a>) -> Result<ResponderId<'a>, Malformed> {
    let choice = data.any()?;
    if choice.tag == der::constructed(1) {
        Ok(ResponderId::Name(der::single(choice.body, der::SEQUENCE)?.raw))
    } else if choice.tag == der::constructed(2) {
        Ok(ResponderId::Key(der::single(choice.body, der::OCTET_STRING)?.body))
    } else {
        Err(Malformed)
    }
}

fn status(single: &mut Reader<'_>) -> Result<OcspStatus, Malformed> {
    let choice = single.any()?;
    if choice.tag == der::context(0) && choice.body.is_empty() {
        Ok(OcspStatus::Good)
    } else if choice.tag == der::constructed(1) {
        let mut info = Reader::new(choice.body);
        let at = der::generalized(info.body(der::GENERALIZED_TIME)?)?;
        let reason = match info.optional(der::constructed(0))? {
            Some(body) => Some(Reason::from_enumerated(der::single(body, der::ENUMERATED)?.body)?),
            None => None,
        };
        info.end()?;
        Ok(OcspStatus::Revoked { at, reason })
    } else if choice.tag == der::context(2) && choice.body.is_empty() {
        Ok(OcspStatus::Unknown)
    } else {
        Err(Malformed)
    }
}

/// The value of extension `wanted`, and whether another one is critical.
fn extensions<'a>(
    body: Option<&'a [u8]>,
    wanted: Option<&[u8]>,
) -> Result<(Option<&'a [u8]>, bool), Malformed> {
    let Some(body) = body else { return Ok((None, false)) };
    let mut list = Reader::new(der::single(body, der::SEQUENCE)?.body);
    let (mut value, mut unknown_critical) = (None, false);
    while !list.is_empty() {
        let extension = Extension::next(&mut list)?;
        if Some(extension.oid) == wanted {
            if value.replace(extension.value).is_some() {
                return Err(Malformed);
            }
        } else {
            unknown_critical |= extension.critical;
        }
    }
    Ok((value, unknown_critical))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    macro_rules! file {
        ($name:literal) => {
            include_bytes!(concat!("../../../../../tests/data/x509/", $name)).as_slice()
        };
    }

    /// Every SingleResponse: status, thisUpdate and nextUpdate in seconds.
    fn said(response: &[u8]) -> Vec<(OcspStatus, u64, u64)> {
        let seconds = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let mut singles = read(response).unwrap().singles;
        let mut said = Vec::new();
        while !singles.is_empty() {
            let single = single(&mut singles).unwrap();
            assert!(!single.unknown_critical);
            said.push((single.status, seconds(single.this_update), seconds(single.next_update.unwrap())));
        }
        said
    }

    #[test]
    fn every_real_response_gives_its_status_and_dates() {
        // 2025-08-12T19:31:00Z to 2026-08-12T19:31:00Z
        let (from, until) = (1_755_027_060, 1_786_563_060);
        for good in [file!("mock_good.ocsp"), file!("mock_address_good.ocsp"), file!("mock_name_good.ocsp")] {
            assert_eq!(said(good), [(OcspStatus::Good, from, until)]);
        }
        let at = |seconds| OcspStatus::Revoked {
            at: SystemTime::UNIX_EPOCH + Duration::from_secs(seconds),
            reason: None,
        };
        for revoked in
            [file!("mock_revoked.ocsp"), file!("mock_address_revoked.ocsp"), file!("mock_name_revoked.ocsp")]
        {
            assert_eq!(said(revoked), [(at(from), from, until)]);
        }
        // 2021-10-27T21:38:48Z; 2021-12-02T02:09:01Z to 2021-12-09T01:24:01Z
        let real = file!("revoked_badssl_com.ocsp");
        assert_eq!(said(real), [(at(1_635_370_728), 1_638_410_941, 1_639_013_041)]);
    }
}
