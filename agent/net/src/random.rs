//! Random identifiers, so that nobody off the path can forge an answer.

use ring::rand::{SystemRandom, generate};

/// `N` bytes that cannot be guessed.
pub(crate) fn bytes<const N: usize>() -> [u8; N]
where
    [u8; N]: ring::rand::RandomlyConstructable,
{
    generate(&SystemRandom::new()).expect("getrandom(2) cannot fail once the system has booted").expose()
}
