//! The TLS library's errors in our words.

use std::io;

use closedpath_core::failure::{Code, Failure, Step};
use rustls::{AlertDescription, Error, InvalidMessage, PeerIncompatible};

use crate::classify;

/// Why a handshake failed; `hello_seen` tells a peer that speaks TLS badly from one that does not speak it.
pub(super) fn failure(error: &io::Error, hello_seen: bool) -> Failure {
    let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) else {
        let mut failure = classify::stream_error(Step::Tls, error);
        if failure.code == Code::Closed {
            failure.text = "the server closed the connection during the handshake".to_owned();
        }
        return failure;
    };
    let (code, text) = match tls {
        Error::AlertReceived(alert) => (Code::TlsAlert, alert_words(*alert)),
        Error::InvalidMessage(
            InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
        ) => (Code::NotTls, "what the server sent is not TLS".to_owned()),
        Error::InvalidMessage(what) if !hello_seen => {
            (Code::NotTls, format!("what the server sent is not TLS ({what:?})"))
        }
        Error::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13) => {
            (Code::Protocol, "the server speaks neither TLS 1.2 nor TLS 1.3".to_owned())
        }
        Error::InvalidCertificate(what) => {
            (Code::Protocol, format!("the server's handshake signature does not hold: {what}"))
        }
        other => (Code::Protocol, other.to_string()),
    };
    Failure::new(Step::Tls, code, text)
}

/// The server gave up on us after it had asked for a client certificate (RFC 8446 §4.4.2.4, RFC 5246 §7.4.6).
pub(super) fn certificate_required(error: Option<&io::Error>) -> Failure {
    let how = match error.and_then(alert_of) {
        Some(alert) => alert_words(alert),
        None => "it ended the connection".to_owned(),
    };
    let text = format!("the server demands a client certificate: it asked for one, got none, and {how}");
    Failure::new(Step::Tls, Code::ClientCertificateRequired, text)
}

/// The alert behind an error, where there is one.
pub(super) fn alert_of(error: &io::Error) -> Option<AlertDescription> {
    match error.get_ref()?.downcast_ref::<Error>()? {
        Error::AlertReceived(alert) => Some(*alert),
        _ => None,
    }
}

fn alert_words(alert: AlertDescription) -> String {
    let number = u8::from(alert);
    match alert.as_str() {
        Some(name) => format!("the server sent the alert {} ({number})", snake_case(name)),
        None => format!("the server sent the unknown alert {number}"),
    }
}

/// `HandshakeFailure` as the standard writes it: `handshake_failure` (`UnknownCA` is `unknown_ca`).
fn snake_case(name: &str) -> String {
    let mut out = String::new();
    let mut previous_lower = false;
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && previous_lower {
            out.push('_');
        }
        previous_lower = !letter.is_ascii_uppercase();
        out.push(letter.to_ascii_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alerts_have_the_standards_names_and_numbers() {
        assert_eq!(
            alert_words(AlertDescription::HandshakeFailure),
            "the server sent the alert handshake_failure (40)"
        );
        assert_eq!(alert_words(AlertDescription::UnknownCA), "the server sent the alert unknown_ca (48)");
        assert_eq!(alert_words(AlertDescription::Unknown(200)), "the server sent the unknown alert 200");
    }

    #[test]
    fn a_corrupt_message_before_the_hello_is_not_tls_and_after_it_is_a_breach() {
        let error = |what| io::Error::new(io::ErrorKind::InvalidData, Error::InvalidMessage(what));
        let corrupt = error(InvalidMessage::MissingData("x"));
        assert_eq!(failure(&corrupt, false).code, Code::NotTls);
        assert_eq!(failure(&corrupt, true).code, Code::Protocol);
    }
}
