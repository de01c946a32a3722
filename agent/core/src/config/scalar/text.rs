//! Free text, names, paths and BGP communities.

use std::path::PathBuf;

use serde_json::Value;

use crate::config::TrustAnchor;
use crate::config::field::{Complaint, Given, Scalar};

/// Any text in one line.
#[derive(Clone, Default)]
pub(in crate::config) struct Text(pub String);

impl Scalar for Text {
    fn read(given: Given<'_>) -> Result<Self, Complaint> {
        let text = given.text("text in quotes")?;
        if text.chars().any(char::is_control) {
            return Err(Complaint::new(
                format!("{given} holds a line break or another control character"),
                "write it in one line",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    fn written(&self) -> Value {
        self.0.as_str().into()
    }
}

/// A name that other sections, reports and labels refer to.
#[derive(Clone)]
pub(in crate::config) struct Name(pub String);

impl Scalar for Name {
    fn read(given: Given<'_>) -> Result<Self, Complaint> {
        let text = given.text("a name in quotes")?;
        if text.is_empty() {
            return Err(Complaint::new(
                "the name is empty",
                "write a name: reports, labels and other sections refer to it",
            ));
        }
        if text.chars().any(|letter| letter.is_whitespace() || letter.is_control()) {
            return Err(Complaint::new(
                format!("the name {given} holds a space or a control character"),
                "reports write names beside other words: use \"-\" or \"_\"",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    fn written(&self) -> Value {
        self.0.as_str().into()
    }
}

impl Scalar for PathBuf {
    fn read(given: Given<'_>) -> Result<Self, Complaint> {
        let text = given.text("a path in quotes")?;
        if text.is_empty() || text.chars().any(char::is_control) {
            return Err(Complaint::new(
                format!("{given} is not a path"),
                "write the path of a file, or leave the key out",
            ));
        }
        Ok(Self::from(text))
    }

    fn written(&self) -> Value {
        self.to_string_lossy().into()
    }
}

impl Scalar for TrustAnchor {
    fn read(given: Given<'_>) -> Result<Self, Complaint> {
        match given.text("\"system\" or the path of a PEM file")? {
            "system" => Ok(Self::System),
            _ => PathBuf::read(given).map(Self::Pem),
        }
    }

    fn written(&self) -> Value {
        match self {
            Self::System => "system".into(),
            Self::Pem(path) => path.written(),
        }
    }
}

/// A BGP community of Microsoft, `12076:NNNNN`.
#[derive(Clone)]
pub(in crate::config) struct Community(pub String);

impl Scalar for Community {
    fn read(given: Given<'_>) -> Result<Self, Complaint> {
        const EXPECTED: &str = "a BGP community of Microsoft such as \"12076:51012\"";
        let text = given.text(EXPECTED)?;
        let value =
            text.strip_prefix("12076:").filter(|value| value.bytes().all(|byte| byte.is_ascii_digit()));
        match value.and_then(|value| value.parse::<u16>().ok()) {
            Some(value) => Ok(Self(format!("12076:{value}"))),
            None => Err(Complaint {
                help: "the communities of the route filter are 12076: and a number up to 65535".to_owned(),
                ..given.is_not(EXPECTED)
            }),
        }
    }

    fn written(&self) -> Value {
        self.0.as_str().into()
    }
}
