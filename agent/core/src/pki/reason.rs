//! Why a certificate was revoked (RFC 5280 §5.3.1), and which reasons a CRL speaks of (§4.2.1.13, §5.2.5).

use super::der::Malformed;

/// CRLReason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// 0
    Unspecified,
    /// 1
    KeyCompromise,
    /// 2
    CaCompromise,
    /// 3
    AffiliationChanged,
    /// 4
    Superseded,
    /// 5
    CessationOfOperation,
    /// 6: may be lifted again.
    CertificateHold,
    /// 8: in delta CRLs only, lifts an earlier entry.
    RemoveFromCrl,
    /// 9
    PrivilegeWithdrawn,
    /// 10
    AaCompromise,
    /// 7, or a number no standard knows: revoked all the same.
    Undefined,
}

impl Reason {
    /// From the contents octets of an ENUMERATED.
    pub(super) fn from_enumerated(body: &[u8]) -> Result<Self, Malformed> {
        Ok(match body {
            [] => return Err(Malformed),
            [0] => Self::Unspecified,
            [1] => Self::KeyCompromise,
            [2] => Self::CaCompromise,
            [3] => Self::AffiliationChanged,
            [4] => Self::Superseded,
            [5] => Self::CessationOfOperation,
            [6] => Self::CertificateHold,
            [8] => Self::RemoveFromCrl,
            [9] => Self::PrivilegeWithdrawn,
            [10] => Self::AaCompromise,
            _ => Self::Undefined,
        })
    }
}

/// A set of ReasonFlags. Bit 0 is unused by the standard and never set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Reasons(u16);

impl Reasons {
    /// No reason.
    pub const NONE: Self = Self(0);
    /// Every reason there is: bits 1 (keyCompromise) to 8 (aACompromise).
    pub const ALL: Self = Self(0b1_1111_1110);

    /// From the contents octets of a BIT STRING.
    pub(super) fn from_bits(body: &[u8]) -> Result<Self, Malformed> {
        let [unused @ 0..=7, octets @ ..] = body else { return Err(Malformed) };
        if octets.is_empty() && *unused != 0 || octets.len() > 2 {
            return Err(Malformed);
        }
        let set = (1..=8_usize)
            .filter(|bit| octets.get(bit / 8).is_some_and(|octet| octet & (0x80 >> (bit % 8)) != 0));
        Ok(Self(set.fold(0, |flags, bit| flags | 1 << bit)))
    }

    /// What both speak of.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What either speaks of.
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
