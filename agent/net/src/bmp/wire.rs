//! Reading bytes in order, with the place where they end too early.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use thiserror::Error;

/// Bytes that are not what they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("byte {at}: {what}")]
pub struct Malformed {
    /// Counted from the first byte of what was read.
    pub at: usize,
    /// What is wrong.
    pub what: &'static str,
}

/// What is left to read.
#[derive(Clone, Copy)]
pub(super) struct Bytes<'a> {
    rest: &'a [u8],
    at: usize,
}

impl<'a> Bytes<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, at: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.rest.len()
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(super) fn malformed(&self, what: &'static str) -> Malformed {
        Malformed { at: self.at, what }
    }

    /// The next bytes, as something to read on their own.
    pub(super) fn part(&mut self, length: usize) -> Result<Self, Malformed> {
        let (part, rest) = self.rest.split_at_checked(length).ok_or(self.malformed("ends too early"))?;
        let taken = Self { rest: part, at: self.at };
        self.rest = rest;
        self.at += length;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (array, rest) = self.rest.split_first_chunk::<N>().ok_or(self.malformed("ends too early"))?;
        self.rest = rest;
        self.at += N;
        Ok(*array)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Malformed> {
        Ok(self.array::<1>()?[0])
    }

    pub(super) fn u16(&mut self) -> Result<u16, Malformed> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    pub(super) fn u32(&mut self) -> Result<u32, Malformed> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    pub(super) fn u64(&mut self) -> Result<u64, Malformed> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    pub(super) fn v4(&mut self) -> Result<IpAddr, Malformed> {
        Ok(Ipv4Addr::from(self.array::<4>()?).into())
    }

    pub(super) fn v6(&mut self) -> Result<IpAddr, Malformed> {
        Ok(Ipv6Addr::from(self.array::<16>()?).into())
    }
}
