//! GeneralName (RFC 5280 §4.2.1.6), as far as it is a URI.

use super::der::{self, Element, Malformed};

/// The URI that a GeneralName is; `None` for one of the other forms.
///
/// Whatever is none of the forms, such as a URI in pieces (constructed), is malformed: another reader may take it for a URI.
pub(super) fn uri(name: Element<'_>) -> Result<Option<String>, Malformed> {
    const URI: u8 = der::context(6);
    match name.tag {
        // IA5String: anything else in a URI is not one.
        URI if name.body.is_ascii() => Ok(Some(String::from_utf8_lossy(name.body).into_owned())),
        // otherName, rfc822Name, dNSName, x400Address, directoryName, ediPartyName, iPAddress, registeredID.
        0xa0 | 0x81 | 0x82 | 0xa3 | 0xa4 | 0xa5 | 0x87 | 0x88 => Ok(None),
        _ => Err(Malformed),
    }
}
