//! DER (X.690 §10) as far as revocation needs it: one bounded reader over bytes, times, integers, and a writer.
//!
//! In: bytes from a peer. Out: slices of those bytes; nothing is copied. Depth follows from the code that reads, never
//! from the input, so there is no recursion to exhaust. It must not panic, and it accepts definite, shortest lengths and
//! low tag numbers only: whatever is encoded otherwise was not made by a CA.

use std::time::{Duration, SystemTime};

/// BOOLEAN.
pub const BOOLEAN: u8 = 0x01;
/// INTEGER.
pub const INTEGER: u8 = 0x02;
/// BIT STRING.
pub const BIT_STRING: u8 = 0x03;
/// OCTET STRING.
pub const OCTET_STRING: u8 = 0x04;
/// NULL.
pub const NULL: u8 = 0x05;
/// OBJECT IDENTIFIER.
pub const OID: u8 = 0x06;
/// ENUMERATED.
pub const ENUMERATED: u8 = 0x0a;
/// UTCTime.
pub const UTC_TIME: u8 = 0x17;
/// GeneralizedTime.
pub const GENERALIZED_TIME: u8 = 0x18;
/// SEQUENCE.
pub const SEQUENCE: u8 = 0x30;
/// SET.
pub const SET: u8 = 0x31;

/// `[number]`, primitive.
pub const fn context(number: u8) -> u8 {
    0x80 | number
}

/// `[number]`, constructed.
pub const fn constructed(number: u8) -> u8 {
    0xa0 | number
}

/// The bytes are not the DER that was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed DER")]
pub struct Malformed;

/// One element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Element<'a> {
    /// Identifier octet.
    pub tag: u8,
    /// Contents octets.
    pub body: &'a [u8],
    /// Identifier, length and contents: what signatures and hashes cover.
    pub raw: &'a [u8],
}

/// Reads elements one after the other.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads from the first of `bytes`.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Nothing is left.
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// What has not been read yet.
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Whether the next element has this tag.
    pub fn starts_with(&self, tag: u8) -> bool {
        self.rest.first() == Some(&tag)
    }

    /// The next element, whatever it is.
    pub fn any(&mut self) -> Result<Element<'a>, Malformed> {
        let [tag, first, ..] = *self.rest else { return Err(Malformed) };
        if tag & 0x1f == 0x1f {
            return Err(Malformed);
        }
        let (header, length) = match first {
            0..=0x7f => (2, usize::from(first)),
            0x81..=0x84 => {
                let count = usize::from(first & 0x7f);
                let octets = self.rest.get(2..2 + count).ok_or(Malformed)?;
                let length = octets.iter().fold(0_usize, |sum, octet| sum << 8 | usize::from(*octet));
                // X.690 §10.1: the shortest form, so that one value has one encoding.
                if octets.first() == Some(&0) || length < 0x80 {
                    return Err(Malformed);
                }
                (2 + count, length)
            }
            _ => return Err(Malformed),
        };
        let end = header.checked_add(length).ok_or(Malformed)?;
        let raw = self.rest.get(..end).ok_or(Malformed)?;
        self.rest = &self.rest[end..];
        Ok(Element { tag, body: &raw[header..], raw })
    }

    /// The next element, which must have this tag.
    pub fn element(&mut self, tag: u8) -> Result<Element<'a>, Malformed> {
        if self.starts_with(tag) { self.any() } else { Err(Malformed) }
    }

    /// The contents of the next element, which must have this tag.
    pub fn body(&mut self, tag: u8) -> Result<&'a [u8], Malformed> {
        self.element(tag).map(|element| element.body)
    }

    /// A reader of the contents of the next element, which must have this tag.
    pub fn inside(&mut self, tag: u8) -> Result<Self, Malformed> {
        self.body(tag).map(Self::new)
    }

    /// The contents of the next element if it has this tag.
    pub fn optional(&mut self, tag: u8) -> Result<Option<&'a [u8]>, Malformed> {
        if self.starts_with(tag) { self.body(tag).map(Some) } else { Ok(None) }
    }

    /// Nothing may be left.
    pub const fn end(&self) -> Result<(), Malformed> {
        if self.rest.is_empty() { Ok(()) } else { Err(Malformed) }
    }

    /// UTCTime or GeneralizedTime as RFC 5280 §4.1.2.5 restricts them: seconds, Zulu, no fractions.
    pub fn time(&mut self) -> Result<SystemTime, Malformed> {
        let element = self.any()?;
        match element.tag {
            UTC_TIME => {
                let [high, low, rest @ ..] = element.body else { return Err(Malformed) };
                let year = two(*high, *low)?;
                moment(if year >= 50 { 1900 + year } else { 2000 + year }, rest)
            }
            GENERALIZED_TIME => generalized(element.body),
            _ => Err(Malformed),
        }
    }
}

/// Extension (RFC 5280 §4.1): the same in certificates, CRLs, their entries and OCSP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extension<'a> {
    /// Contents of the OID.
    pub oid: &'a [u8],
    /// Whoever does not know it must refuse the whole.
    pub critical: bool,
    /// DER of the value.
    pub value: &'a [u8],
}

impl<'a> Extension<'a> {
    /// The next of a list.
    pub fn next(list: &mut Reader<'a>) -> Result<Self, Malformed> {
        let mut extension = list.inside(SEQUENCE)?;
        let oid = extension.body(OID)?;
        let critical = extension.optional(BOOLEAN)?.map_or(Ok(false), boolean)?;
        let value = extension.body(OCTET_STRING)?;
        extension.end()?;
        Ok(Self { oid, critical, value })
    }
}

/// The single element that `bytes` are; nothing may follow it.
pub fn single(bytes: &[u8], tag: u8) -> Result<Element<'_>, Malformed> {
    let mut reader = Reader::new(bytes);
    let element = reader.element(tag)?;
    reader.end()?;
    Ok(element)
}

/// GeneralizedTime from its contents octets.
pub fn generalized(body: &[u8]) -> Result<SystemTime, Malformed> {
    let [a, b, c, d, rest @ ..] = body else { return Err(Malformed) };
    moment(two(*a, *b)? * 100 + two(*c, *d)?, rest)
}

/// Whether these are the contents of an OBJECT IDENTIFIER (X.690 §8.19.2): every arc ends, and none begins with padding.
pub fn is_oid(body: &[u8]) -> bool {
    let ends = |octet: &u8| octet & 0x80 == 0;
    let mut begins = true;
    let padded = body.iter().any(|octet| std::mem::replace(&mut begins, ends(octet)) && *octet == 0x80);
    body.last().is_some_and(ends) && !padded
}

/// A BOOLEAN's value (X.690 §11.1: TRUE is 0xff).
pub fn boolean(body: &[u8]) -> Result<bool, Malformed> {
    match body {
        [0] => Ok(false),
        [0xff] => Ok(true),
        _ => Err(Malformed),
    }
}

/// The octets of a BIT STRING that has no unused bits, as signatures and keys are.
pub fn octets_of_bits(body: &[u8]) -> Result<&[u8], Malformed> {
    match body {
        [0, octets @ ..] => Ok(octets),
        _ => Err(Malformed),
    }
}

/// Whether two INTEGERs have the same value, however many sign octets lead them. An INTEGER without octets is none
/// (X.690 §8.3.1) and equals nothing, itself included.
pub fn same_integer(one: &[u8], other: &[u8]) -> bool {
    let (one, other) = (shortest(one), shortest(other));
    !one.is_empty() && one == other
}

/// The order of two INTEGERs that are not negative; `None` if one is, or has no octets.
pub fn order_of(one: &[u8], other: &[u8]) -> Option<std::cmp::Ordering> {
    let (one, other) = (shortest(one), shortest(other));
    if one.first()? & 0x80 != 0 || other.first()? & 0x80 != 0 {
        return None;
    }
    let (one, other) = (magnitude(one), magnitude(other));
    Some(one.len().cmp(&other.len()).then_with(|| one.cmp(other)))
}

/// `parts`, one after the other, under a tag.
pub fn encode(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut bytes = vec![tag];
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => bytes.push(short),
        _ => {
            let octets = length.to_be_bytes();
            let zeros = octets.iter().take_while(|octet| **octet == 0).count();
            let significant = &octets[zeros..];
            bytes.push(0x80 | significant.len() as u8);
            bytes.extend_from_slice(significant);
        }
    }
    for part in parts {
        bytes.extend_from_slice(part);
    }
    bytes
}

/// Without redundant sign octets (X.690 §8.3.2).
fn shortest(mut body: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = body {
        match (first, rest.first()) {
            (0x00, Some(next)) if next & 0x80 == 0 => body = rest,
            (0xff, Some(next)) if next & 0x80 != 0 => body = rest,
            _ => break,
        }
    }
    body
}

fn magnitude(body: &[u8]) -> &[u8] {
    match body {
        [0, rest @ ..] => rest,
        _ => body,
    }
}

fn two(high: u8, low: u8) -> Result<u64, Malformed> {
    if high.is_ascii_digit() && low.is_ascii_digit() {
        Ok(u64::from(high - b'0') * 10 + u64::from(low - b'0'))
    } else {
        Err(Malformed)
    }
}

/// `MMDDHHMMSSZ` of a year.
fn moment(year: u64, rest: &[u8]) -> Result<SystemTime, Malformed> {
    let [mo, mo2, d, d2, h, h2, mi, mi2, s, s2, b'Z'] = *rest else { return Err(Malformed) };
    let (month, day) = (two(mo, mo2)?, two(d, d2)?);
    let (hour, minute, second) = (two(h, h2)?, two(mi, mi2)?, two(s, s2)?);
    let leap = year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return Err(Malformed),
    };
    if day == 0 || day > days || hour > 23 || minute > 59 || second > 59 {
        return Err(Malformed);
    }
    // Days since 0000-03-01 (proleptic): with March first, the leap day is the last of its year.
    let (year, month) =
        if month > 2 { (year, month - 3) } else { (year.checked_sub(1).ok_or(Malformed)?, month + 9) };
    let day = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1;
    let seconds = day * 86_400 + hour * 3_600 + minute * 60 + second;
    /// 1970-01-01 counted as above, in seconds.
    const EPOCH: u64 = 719_468 * 86_400;
    let time = match seconds.checked_sub(EPOCH) {
        Some(after) => SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(after)),
        None => SystemTime::UNIX_EPOCH.checked_sub(Duration::from_secs(EPOCH - seconds)),
    };
    time.ok_or(Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(tag: u8, text: &str) -> Option<u64> {
        let bytes = encode(tag, &[text.as_bytes()]);
        let time = Reader::new(&bytes).time().ok()?;
        Some(time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs())
    }

    #[test]
    fn times_are_read_to_the_second() {
        assert_eq!(seconds(UTC_TIME, "700101000000Z"), Some(0));
        assert_eq!(seconds(GENERALIZED_TIME, "20000229235959Z"), Some(951_868_799));
        assert_eq!(seconds(GENERALIZED_TIME, "20261123000000Z"), Some(1_795_392_000));
        assert_eq!(seconds(GENERALIZED_TIME, "99991231235959Z"), Some(253_402_300_799));
    }

    #[test]
    fn times_that_are_none_are_refused() {
        for text in
            ["20230229000000Z", "20231301000000Z", "20230100000000Z", "20230101240000Z", "20230101000000"]
        {
            assert_eq!(seconds(GENERALIZED_TIME, text), None, "{text}");
        }
        for text in ["20230101000000.5Z", "20230101000000+0100", "2023010100000Z", "", "2023-1010000000Z"] {
            assert_eq!(seconds(GENERALIZED_TIME, text), None, "{text}");
        }
        assert!(Reader::new(&encode(UTC_TIME, &[b"691231235959Z"])).time().unwrap() < SystemTime::UNIX_EPOCH);
    }

    #[test]
    fn lengths_that_are_indefinite_too_long_or_not_the_shortest_are_refused() {
        let bad: [&[u8]; 8] = [
            &[0x30, 0x80, 0, 0],
            &[0x30, 0x81, 0x01, 0],
            &[0x30, 0x82, 0x00, 0x80],
            &[0x30, 0x85, 1, 1, 1, 1, 1],
            &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
            &[0x30, 2, 0],
            &[0x30],
            &[0x1f, 1, 0],
        ];
        for bytes in bad {
            assert_eq!(Reader::new(bytes).any(), Err(Malformed), "{bytes:02x?}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for length in [0, 1, 127, 128, 255, 256, 65_535, 65_536] {
            let body = vec![7; length];
            let bytes = encode(OCTET_STRING, &[&body]);
            assert_eq!(single(&bytes, OCTET_STRING).unwrap().body, body);
        }
    }

    #[test]
    fn an_object_identifier_is_whole_and_without_padding() {
        for body in [&[0x2b, 6, 1][..], &[0x2a, 0x86, 0x48], &[0x88, 0x37]] {
            assert!(is_oid(body), "{body:02x?}");
        }
        for body in [&[][..], &[0x2b, 0x82], &[0x2b, 0x80, 0x02], &[0x80, 0x2b]] {
            assert!(!is_oid(body), "{body:02x?}");
        }
    }

    #[test]
    fn integers_are_equal_by_value_and_look_alikes_are_not() {
        assert!(same_integer(&[1], &[0, 0, 1]));
        assert!(same_integer(&[0, 0x80], &[0, 0, 0x80]));
        assert!(same_integer(&[0xff], &[0xff, 0xff]));
        assert!(same_integer(&[0], &[0, 0]));
        assert!(!same_integer(&[0x80], &[0, 0x80]), "-128 is not 128");
        assert!(!same_integer(&[1], &[1, 0]));
        assert!(!same_integer(&[1, 2], &[2]));
        assert!(!same_integer(&[], &[]), "nothing is no number");
        assert!(!same_integer(&[], &[0]));
    }

    #[test]
    fn numbers_are_ordered_by_value() {
        use std::cmp::Ordering::{Equal, Greater, Less};
        assert_eq!(order_of(&[0, 0x80], &[0x7f]), Some(Greater));
        assert_eq!(order_of(&[1], &[1, 0]), Some(Less));
        assert_eq!(order_of(&[0, 0, 5], &[5]), Some(Equal));
        assert_eq!(order_of(&[0xff], &[1]), None);
        assert_eq!(order_of(&[], &[1]), None);
    }
}
