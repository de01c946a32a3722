//! Random identifiers, so that nobody off the path can forge an answer.

use ring::rand::{SystemRandom, generate};

/// `N` bytes that cannot be guessed.
pub(crate) fn bytes<const N: usize>() -> [u8; N]
where
    [u8; N]: ring::rand::RandomlyConstructable,
{
    generate(&SystemRandom::new()).expect("getrandom(2) cannot fail once the system has booted").expose()
}

/// A nonce for an OCSP request (RFC 9654 §2.1: 32 octets).
pub fn nonce() -> [u8; 32] {
    bytes()
}
