//! Revocation against material of the `openssl` binary and real files: expectations by hand, no network.
#![allow(
    clippy::disallowed_methods,
    reason = "openssl works on files, and dates what it makes by the real clock"
)]
#![allow(clippy::unwrap_used, reason = "tests")]

mod aia;
mod combine;
mod crl;
mod crl_kinds;
mod facts;
mod ocsp;
mod ocsp_signers;
mod openssl;
mod real;
