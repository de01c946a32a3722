//! One HTTP exchange: a CRL, an OCSP responder, a caIssuers file, or the page behind an http target.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// What one exchange brought, without following redirects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FetchObservation {
    /// The URL asked for.
    pub url: String,
    /// The address that was dialled.
    pub ip: IpAddr,
    /// The status code, where a response began.
    pub status: Option<u16>,
    /// The Location header of a redirect, as sent.
    pub location: Option<String>,
    /// The Content-Type header.
    pub content_type: Option<String>,
    /// The ETag header (RFC 9110 §8.8.3), where it is printable and of a sensible length.
    pub etag: Option<String>,
    /// The Last-Modified header (RFC 9110 §8.8.2) as sent, under the same condition.
    pub last_modified: Option<String>,
    /// The body, up to the bound.
    pub body: Vec<u8>,
    /// What went wrong; a status code is not a failure here.
    pub failure: Option<Failure>,
    /// From the connect to the last byte.
    #[serde(with = "humantime_serde")]
    pub took: Duration,
}

impl FetchObservation {
    /// An exchange that has not begun.
    pub fn of(url: &str, ip: IpAddr) -> Self {
        Self {
            url: url.to_owned(),
            ip,
            status: None,
            location: None,
            content_type: None,
            etag: None,
            last_modified: None,
            body: Vec::new(),
            failure: None,
            took: Duration::ZERO,
        }
    }
}
