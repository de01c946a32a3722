//! DER by hand: just enough to write what `openssl` refuses to write, and to take apart what it wrote.

use anyhow::{Context, Result};

use super::Authority;

/// One element.
pub(super) fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = content.len().to_be_bytes();
    let significant = length.iter().position(|octet| *octet != 0).unwrap_or(length.len() - 1);
    let mut element = vec![tag];
    match content.len() {
        0..=127 => element.extend(&length[significant..]),
        _ => {
            // A usize has eight octets at most.
            element.push(0x80 | (length.len() - significant) as u8);
            element.extend(&length[significant..]);
        }
    }
    element.extend(content);
    element
}

/// SEQUENCE.
pub fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, parts)
}

/// INTEGER with these contents octets, which nobody checks.
pub fn integer(octets: &[u8]) -> Vec<u8> {
    tlv(2, &[octets])
}

/// Extension (RFC 5280 §4.1): `oid` and `value` as contents octets and DER.
pub fn extension(oid: &[u8], critical: bool, value: &[u8]) -> Vec<u8> {
    let flag = if critical { tlv(1, &[&[0xff]]) } else { Vec::new() };
    sequence(&[&tlv(6, &[oid]), &flag, &tlv(4, &[value])])
}

/// GeneralizedTime, this many minutes from now.
pub(super) fn generalized_time(minutes: i64) -> Vec<u8> {
    let format = time::macros::format_description!("[year][month][day][hour][minute][second]Z");
    tlv(0x18, &[moment(minutes).format(format).unwrap_or_default().as_bytes()])
}

/// UTCTime, this many minutes from now.
pub(super) fn utc_time(minutes: i64) -> Vec<u8> {
    let format = time::macros::format_description!("[year repr:last_two][month][day][hour][minute][second]Z");
    tlv(0x17, &[moment(minutes).format(format).unwrap_or_default().as_bytes()])
}

/// This many minutes from now.
pub(super) fn moment(minutes: i64) -> time::OffsetDateTime {
    time::OffsetDateTime::now_utc() + time::Duration::minutes(minutes)
}

/// The elements inside of one constructed element, each with its header.
pub(super) fn children(element: &[u8]) -> Result<Vec<&[u8]>> {
    let (header, end) = bounds(element)?;
    let mut rest = element.get(header..end).context("an element ends early")?;
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (_, end) = bounds(rest)?;
        let (one, others) = rest.split_at_checked(end).context("an element ends early")?;
        found.push(one);
        rest = others;
    }
    Ok(found)
}

/// The contents octets of an element.
pub(super) fn contents(element: &[u8]) -> Result<&[u8]> {
    let (header, end) = bounds(element)?;
    element.get(header..end).context("an element ends early")
}

/// Where the contents of the first element begin and end.
fn bounds(element: &[u8]) -> Result<(usize, usize)> {
    let first = *element.get(1).context("no length")?;
    let more = if first < 0x80 { 0 } else { usize::from(first & 0x7f) };
    let octets = element.get(2..2 + more).context("a length ends early")?;
    let length = match more {
        0 => usize::from(first),
        _ => octets.iter().fold(0, |length, octet| length << 8 | usize::from(*octet)),
    };
    Ok((2 + more, 2 + more + length))
}

/// A certificate (DER) with another serial number, whose contents octets nobody checks, signed again by its issuer.
///
/// # Errors
/// It is no certificate, or the issuer's key is not on P-256.
pub fn resign(certificate: &[u8], serial: &[u8], issuer: &Authority) -> Result<Vec<u8>> {
    let parts = children(certificate)?;
    let [tbs, algorithm, ..] = parts[..] else { anyhow::bail!("no certificate") };
    let mut fields: Vec<Vec<u8>> = children(tbs)?.into_iter().map(<[u8]>::to_vec).collect();
    *fields.get_mut(1).context("no serial number")? = integer(serial);
    let tbs = sequence(&[&fields.concat()]);
    issuer.sign(&tbs, algorithm)
}
