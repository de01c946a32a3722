//! PEM (RFC 7468 §3, strict): blocks of allowed labels and nothing but white space around them.
//!
//! In: bytes from a peer. Out: the DER of each block. Line by line, so that no second copy of a large CRL is made.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::der::Malformed;

/// The contents of the blocks, at most `most`.
pub(super) fn blocks(body: &[u8], labels: &[&str], most: usize) -> Result<Vec<Vec<u8>>, Malformed> {
    let mut blocks = Vec::new();
    let mut lines = body.split(|octet| *octet == b'\n').map(<[u8]>::trim_ascii_end);
    while let Some(line) = lines.next() {
        if line.is_empty() {
            continue;
        }
        let label = labels.iter().find(|label| line == format!("-----BEGIN {label}-----").as_bytes());
        let end = format!("-----END {}-----", label.ok_or(Malformed)?);
        if blocks.len() == most {
            return Err(Malformed);
        }
        blocks.push(block(&mut lines, end.as_bytes(), body.len() / 4 * 3)?);
    }
    if blocks.is_empty() { Err(Malformed) } else { Ok(blocks) }
}

fn block<'a>(
    lines: &mut impl Iterator<Item = &'a [u8]>,
    end: &[u8],
    room: usize,
) -> Result<Vec<u8>, Malformed> {
    let mut der = Vec::with_capacity(room);
    let mut last = false;
    for line in lines {
        if line == end {
            return if der.is_empty() { Err(Malformed) } else { Ok(der) };
        }
        // Every line but the last is as long as the first: whole groups of four, without padding.
        if last || line.is_empty() || !line.len().is_multiple_of(4) {
            return Err(Malformed);
        }
        last = line.ends_with(b"=");
        STANDARD.decode_vec(line, &mut der).map_err(|_| Malformed)?;
    }
    Err(Malformed)
}
