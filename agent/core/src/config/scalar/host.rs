//! Host names, alone, with a port, or as a pattern. Names come out canonical ([`canonical_host`]), IPv4-mapped
//! addresses as IPv4.

use std::net::IpAddr;
use std::ops::Range;

use serde_json::Value;

use super::Port;
use crate::config::errors::Problems;
use crate::config::field::{Complaint, Field, Given, Scalar};
use crate::config::mask::shown;
use crate::target::{EndpointKey, Probe, canonical_host};

/// A name or an address, canonical.
#[derive(Clone)]
pub(in crate::config) struct Host(pub String);

impl Scalar for Host {
    fn read(given: Given<'_>) -> Result<Self, Complaint> {
        host(given.text("a host name or an address")?).map(Self)
    }

    fn written(&self) -> Value {
        self.0.as_str().into()
    }
}

/// A STUN server: host and port.
#[derive(Clone)]
pub(in crate::config) struct StunServer(pub String, pub u16);

impl Scalar for StunServer {
    fn read(given: Given<'_>) -> Result<Self, Complaint> {
        let text = given.text("a STUN server such as \"stun.example.net:3478\"")?;
        let (name, port) = split_port(text)?;
        Ok(Self(host(name)?, port.unwrap_or(3478)))
    }

    fn written(&self) -> Value {
        format!("{}:{}", self.0, self.1).into()
    }
}

/// An exception of the policy: a host, `*.suffix` or `*`, and a port if it is for one only.
#[derive(Clone)]
pub(in crate::config) struct AllowPattern(pub String, pub Option<u16>);

impl Scalar for AllowPattern {
    fn read(given: Given<'_>) -> Result<Self, Complaint> {
        let text = given.text("an exception such as \"*.digicert.com:80\"")?;
        let (pattern, port) = split_port(text)?;
        if pattern == "*" {
            return Ok(Self(pattern.to_owned(), port));
        }
        let Some(suffix) = pattern.strip_prefix("*.") else {
            if pattern.contains('*') {
                return Err(Complaint::new(
                    format!("{given} has a `*` where none may stand"),
                    "a `*` stands alone or before the first dot: \"*\", \"*.digicert.com:80\"",
                ));
            }
            return Ok(Self(host(pattern)?, port));
        };
        let suffix = host(suffix)?;
        if suffix.parse::<IpAddr>().is_ok() {
            return Err(Complaint::new(format!("{given} is a pattern of addresses"), "write each address"));
        }
        Ok(Self(format!("*.{suffix}"), port))
    }

    fn written(&self) -> Value {
        self.1.map_or_else(|| self.0.clone(), |port| format!("{}:{port}", self.0)).into()
    }
}

/// The endpoint of `host`, `port` and `probe`; a wrong port, or none where one is needed, is noted at `span`.
pub(in crate::config) fn endpoint(
    host: &str,
    port: Option<&Field<Port>>,
    probe: Probe,
    span: &Range<usize>,
    problems: &mut Problems,
) -> Option<EndpointKey> {
    let given = match port {
        Some(field) => Some(field.read(problems)?.0),
        None => probe.default_port(),
    };
    match given {
        _ if probe == Probe::Icmp => Some(EndpointKey::new(host, 0, probe)),
        Some(0) => {
            let span = port.map_or(span, |field| &field.span);
            problems.add(span, "expected a port from 1 to 65535, found 0", "only icmp has no port");
            None
        }
        Some(port) => Some(EndpointKey::new(host, port, probe)),
        None => {
            let help = "add `port`, for example: port = 443";
            problems.add(
                span,
                format!("\"{host}\" has no port, and the probe \"{probe}\" has no usual one"),
                help,
            );
            None
        }
    }
}

/// A host in canonical form, or what is wrong with it (RFC 1123 §2.1; underscores are allowed, as DNS allows them).
pub(super) fn host(text: &str) -> Result<String, Complaint> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    if let Ok(ip) = bare.parse::<IpAddr>() {
        return Ok(ip.to_canonical().to_string());
    }
    let is_not = |help: &str| Err(Complaint::new(format!("\"{}\" is not a host name", shown(text)), help));
    if text.is_empty() {
        return is_not("write a name such as \"login.microsoftonline.com\", or an address");
    }
    if text.contains("://") || text.contains('/') {
        return is_not("write only the host, without scheme and path");
    }
    if text.contains('*') {
        return is_not("a `*` cannot be probed: write each name (catalogues and `allow` take patterns)");
    }
    if !text.is_ascii() {
        return match url::Host::parse(text) {
            Ok(url::Host::Domain(ascii)) => {
                is_not(&format!("write it as DNS knows it: \"{}\"", shown(&ascii)))
            }
            Ok(_) | Err(_) => is_not("write it as DNS knows it (xn--…, RFC 5891)"),
        };
    }
    if let Some((name, port)) = text.rsplit_once(':')
        && port.parse::<u16>().is_ok()
        && !name.contains(':')
    {
        return is_not("write the port in the key `port`");
    }
    let name = text.strip_suffix('.').unwrap_or(text);
    let label_is_right = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if name.len() > 253 || !name.split('.').all(label_is_right) {
        return is_not(
            "labels of letters, digits, `-` and `_`, up to 63 each and 253 in all, joined by dots",
        );
    }
    // RFC 3696 §2: no top-level domain is all digits, so this is an address with a slip.
    if name.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit())) {
        return is_not("it looks like an address, but is none");
    }
    Ok(canonical_host(name))
}

/// `host`, `host:port`, `[v6]`, `[v6]:port` or a bare IPv6 address.
pub(super) fn split_port(text: &str) -> Result<(&str, Option<u16>), Complaint> {
    let after_bracket = text.rfind(']').map_or(0, |at| at + 1);
    let is_bare_v6 = after_bracket == 0 && text.matches(':').count() > 1;
    if is_bare_v6 {
        return Ok((text, None));
    }
    let Some(colon) = text[after_bracket..].find(':').map(|at| after_bracket + at) else {
        return Ok((text, None));
    };
    let port = &text[colon + 1..];
    match port.parse::<u16>() {
        Ok(number) if number != 0 && port.bytes().all(|byte| byte.is_ascii_digit()) => {
            Ok((&text[..colon], Some(number)))
        }
        Ok(_) | Err(_) => Err(Complaint::new(
            format!("\"{}\" does not end with a port from 1 to 65535", shown(text)),
            "write host:port, an IPv6 address in brackets: \"[2001:db8::1]:443\"",
        )),
    }
}
