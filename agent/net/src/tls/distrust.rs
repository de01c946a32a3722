//! Whether a server or proxy that the agent itself relies on proves who it is. Probes only observe; this is for what is asked and believed.

use std::time::SystemTime;

use closedpath_core::observation::{NameCheck, PathCheck, TlsObservation};
use closedpath_core::pki;

/// Why a server that presented certificates is not to be believed; a handshake that failed before has its own failure.
pub(crate) fn distrust(seen: &TlsObservation, now: SystemTime) -> Option<String> {
    let leaf = seen.chain.first()?;
    match (&seen.path, &seen.name) {
        (Some(PathCheck::Trusted), Some(NameCheck::Match)) => {}
        (Some(PathCheck::Trusted), Some(NameCheck::Mismatch(names))) => {
            return Some(format!("its certificate is for {}", names.join(", ")));
        }
        (Some(PathCheck::UnsupportedAlgorithm), _) => {
            return Some("its certificates have a signature that cannot be verified".to_owned());
        }
        _ => return Some("its certificate leads to none of agent.trust_anchors".to_owned()),
    }
    let Some(leaf) = pki::read(leaf) else { return Some("its certificate cannot be read".to_owned()) };
    (now < leaf.not_before || now > leaf.not_after)
        .then(|| "its certificate has expired or is not valid yet".to_owned())
}
