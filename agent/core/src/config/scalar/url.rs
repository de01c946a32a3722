//! URLs of proxies and echo pages. No part of a URL enters a message unmasked: a password may stand anywhere in it.

use std::fmt;

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::host::{host, split_port};
use crate::config::field::{Complaint, Given, Scalar};

/// The URL of a forward proxy.
#[derive(Clone)]
pub(in crate::config) struct ProxyUrl {
    pub host: String,
    pub port: u16,
    pub tls: bool,
    pub credentials: Option<(String, String)>,
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProxyUrl(***)")
    }
}

impl Scalar for ProxyUrl {
    fn read(given: Given<'_>) -> Result<Self, Complaint> {
        const FORM: &str = "write \"http://host:port\" or \"https://host:port\"";
        let text = given.text("the URL of a proxy")?;
        let (tls, rest) = scheme(text).ok_or_else(|| {
            Complaint::new(format!("{given} is not the URL of an http or https proxy"), FORM)
        })?;
        // The last `@` ends the credentials (RFC 3986 §3.2.1); what must be percent-encoded is refused, not guessed.
        let (userinfo, rest) = rest.rsplit_once('@').map_or((None, rest), |(user, rest)| (Some(user), rest));
        if userinfo.is_some_and(|userinfo| userinfo.contains(['@', '/', '?', '#', '"', ' '])) {
            return Err(Complaint::new(
                "the user or password of the proxy's URL holds a character that must be percent-encoded",
                "encode `@` as %40, `/` as %2F, `?` as %3F, `#` as %23 (RFC 3986 §3.2.1)",
            ));
        }
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains(['/', '?', '#']) {
            return Err(Complaint::new("the URL of a proxy has no path", FORM));
        }
        let credentials = userinfo.map(credentials).transpose()?;
        let wrong = |help: &str| Complaint::new("the URL of the proxy has no valid host and port", help);
        let (name, port) = split_port(authority).map_err(|_| wrong(FORM))?;
        let host = host(name).map_err(|complaint| wrong(&complaint.help))?;
        Ok(Self { host, port: port.unwrap_or(if tls { 443 } else { 80 }), tls, credentials })
    }

    fn written(&self) -> Value {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}:{}", self.host, self.port).into()
    }
}

/// The URL of a page that tells the source address it saw.
#[derive(Clone)]
pub(in crate::config) struct EchoUrl(pub String);

impl Scalar for EchoUrl {
    fn read(given: Given<'_>) -> Result<Self, Complaint> {
        const FORM: &str = "write \"https://host/path\"";
        let text = given.text("the URL of an echo page")?;
        let wrong = || Complaint::new(format!("{given} is not an http or https URL"), FORM);
        let (_, rest) = scheme(text).ok_or_else(wrong)?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
        if authority.contains('@') {
            return Err(Complaint::new(
                "the URL of an echo page holds a user or password",
                "leave them out: reports show this URL",
            ));
        }
        let (name, _) = split_port(authority).map_err(|_| wrong())?;
        host(name).map_err(|complaint| Complaint { help: complaint.help, ..wrong() })?;
        url::Url::parse(text).map_err(|_| wrong())?;
        if text.chars().any(|letter| letter.is_whitespace() || letter.is_control()) {
            return Err(wrong());
        }
        Ok(Self(text.to_owned()))
    }

    fn written(&self) -> Value {
        self.0.as_str().into()
    }
}

/// Whether it is https, and what follows `://`.
fn scheme(text: &str) -> Option<(bool, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    match scheme.to_ascii_lowercase().as_str() {
        "http" => Some((false, rest)),
        "https" => Some((true, rest)),
        _ => None,
    }
}

fn credentials(userinfo: &str) -> Result<(String, String), Complaint> {
    let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
    let decode = |text: &str| {
        let text = percent_decode_str(text).decode_utf8().ok()?;
        (!text.chars().any(char::is_control)).then(|| text.into_owned())
    };
    match (decode(user), decode(password)) {
        // RFC 7617 §2: a user with a colon cannot be sent.
        (Some(user), Some(password)) if !user.contains(':') => Ok((user, password)),
        _ => Err(Complaint::new(
            "the user or password of the proxy's URL is not text, or the user holds a colon",
            "percent-encode UTF-8 (RFC 3986 §2.5); a user cannot hold a colon (RFC 7617 §2)",
        )),
    }
}
