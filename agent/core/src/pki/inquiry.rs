//! What the body of a CRL's or a responder's URL says of the certificates that point there.
//!
//! In: a body as it came, and who is asked about. Out: one [`Said`] per certificate, until when the body is worth keeping,
//! and why it is not what the URL is for, if so: a web page of a proxy or portal is no CRL, whatever its status says.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::crl::{self, Crl, CrlAnswer, CrlError, DistributionPoint};
use super::ocsp::{self, OcspError};
use super::revocation::Said;

/// How far the clock of a CA may differ from ours.
pub const SKEW: Duration = Duration::from_secs(300);

/// A certificate that a URL is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// SHA-256 of the certificate, lower-case hexadecimal.
    pub about: String,
    /// The certificate, DER.
    pub certificate: Arc<[u8]>,
    /// Its issuer, DER.
    pub issuer: Arc<[u8]>,
    /// The URL as the certificate gives it; of a CRL, it tells the distribution point.
    pub pointer: String,
}

/// What a body says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// Per certificate that was asked about, by its fingerprint.
    pub said: Vec<(String, Said)>,
    /// The period that the body is for; `None` unless it is genuine and current.
    pub validity: Option<Validity>,
    /// Why it is not what the URL is for.
    pub trouble: Option<String>,
    /// Where a complete CRL says that its delta CRLs are.
    pub freshest: Vec<String>,
}

/// A period of validity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// When it was made.
    pub this_update: SystemTime,
    /// When the next one will be there at the latest.
    pub next_update: Option<SystemTime>,
}

/// Reads a CRL's body.
pub fn read_crl(body: &[u8], questions: &[Question], now: SystemTime) -> Reading {
    read(body, questions, |list, question, point| {
        crl::answer(list, None, &question.certificate, &question.issuer, point, now, SKEW)
    })
}

/// Reads a delta CRL's body over that of the complete CRL it builds on (RFC 5280 §5.2.4): the answers are those of both.
pub fn read_delta(delta: &[u8], complete: &[u8], questions: &[Question], now: SystemTime) -> Reading {
    let complete = crl::decode(complete);
    let complete = complete.as_ref().ok().and_then(|der| Crl::parse(der).ok());
    read(delta, questions, |delta, question, point| {
        let list = complete.as_ref().ok_or(CrlError::DeltaWithoutBase)?;
        crl::answer(list, Some(delta), &question.certificate, &question.issuer, point, now, SKEW)
    })
}

fn read(
    body: &[u8],
    questions: &[Question],
    ask: impl Fn(&Crl<'_>, &Question, Option<&DistributionPoint<'_>>) -> Result<CrlAnswer, CrlError>,
) -> Reading {
    let nothing = |trouble: String| Reading {
        said: questions.iter().map(|it| (it.about.clone(), Said::Nothing(trouble.clone()))).collect(),
        trouble: Some(trouble),
        ..Reading::default()
    };
    if let Some(page) = web_page(body) {
        return nothing(page);
    }
    let der = match crl::decode(body) {
        Ok(der) => der,
        Err(error) => return nothing(error.to_string()),
    };
    let list = match Crl::parse(&der) {
        Ok(list) => list,
        Err(error) => return nothing(error.to_string()),
    };
    let freshest = list.freshest.iter().flat_map(|point| point.uris.iter().cloned()).collect();
    let mut reading = Reading { freshest, ..Reading::default() };
    for question in questions {
        let answer = crl::points_of(&question.certificate).and_then(|points| {
            ask(&list, question, points.iter().find(|point| point.uris.contains(&question.pointer)))
        });
        if let Ok(answer) = &answer {
            let next_update = Some(answer.next_update);
            reading.validity = Some(Validity { this_update: answer.this_update, next_update });
        }
        reading.said.push((question.about.clone(), Said::Crl(answer)));
    }
    reading
}

/// Reads an OCSP responder's body.
pub fn read_ocsp(body: &[u8], question: &Question, nonce: Option<&[u8]>, now: SystemTime) -> Reading {
    let trouble = web_page(body);
    let said = match &trouble {
        Some(page) => Said::Nothing(page.clone()),
        None => Said::Ocsp(ocsp::verify(body, &question.certificate, &question.issuer, nonce, now, SKEW)),
    };
    let validity = match &said {
        Said::Ocsp(Ok(answer)) => {
            Some(Validity { this_update: answer.this_update, next_update: answer.next_update })
        }
        Said::Ocsp(Err(_)) | Said::Crl(_) | Said::Nothing(_) => None,
    };
    let no_ocsp = matches!(said, Said::Ocsp(Err(OcspError::Malformed)));
    let trouble = trouble.or_else(|| no_ocsp.then(|| OcspError::Malformed.to_string()));
    Reading { said: vec![(question.about.clone(), said)], validity, trouble, freshest: Vec::new() }
}

/// A web page where DER or PEM is expected.
fn web_page(body: &[u8]) -> Option<String> {
    let text = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii_start();
    let words = "a web page came instead; a proxy or portal may have answered";
    text.starts_with(b"<").then(|| words.to_string())
}
