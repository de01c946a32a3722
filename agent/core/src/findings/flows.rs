//! Findings about how single flows behave: F21, F26, F27.

use super::{Finding, FindingId, Severity, observed};
use crate::attribution::{Asymmetry, Judged, Judgement, enters, tunnels_of};
use crate::config::{Terminates, Tunnel, TunnelKind};
use crate::failure::Code;
use crate::observation::AddressObservation;
use crate::target::EndpointKey;

/// Below this, ExpressRoute itself is not the reason (E10): it carries packets of 1,400 bytes.
const EXPRESSROUTE_MTU: u32 = 1400;

/// Findings about every address of one endpoint.
pub(super) fn find(judged: &Judged<'_>, key: &EndpointKey) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (ip, seen, judgement) in observed(judged, key) {
        let raised =
            [asymmetric(key, seen, judgement), black_hole(key, seen), unprotected(judged, key, seen)];
        findings.extend(raised.into_iter().flatten().map(|(id, severity, detail, remedy)| {
            Finding::new(id, severity, format!("{key} {ip}"), judged.workloads(key), detail, remedy)
        }));
    }
    findings
}

type Raised = (FindingId, Severity, String, &'static str);

/// F21.
fn asymmetric(key: &EndpointKey, seen: &AddressObservation, judgement: &Judgement) -> Option<Raised> {
    let about = format!("{} ({})", key.host, seen.ip);
    let detail = match judgement.asymmetry.as_ref()? {
        Asymmetry::Translated(says) => {
            format!("{about} is sent by ExpressRoute, but {says}: the answers come back by that link")
        }
        Asymmetry::Unanswered => format!(
            "{about} is sent by ExpressRoute, past the MSEE, and nothing comes back: nobody listens there, or the answers take another way and a firewall drops them"
        ),
    };
    let remedy = "use a pool of source addresses for ExpressRoute that is not announced to the Internet, and translate at the Internet edge to another one";
    Some((FindingId::F21, Severity::High, detail, remedy))
}

/// F26: large packets vanish and nobody says so.
fn black_hole(key: &EndpointKey, seen: &AddressObservation) -> Option<Raised> {
    let searched = seen.path_mtu.filter(|mtu| mtu.told_by.is_none())?;
    let (largest, lost) = (searched.largest?, searched.lost?);
    let stalls =
        seen.tls.as_ref().and_then(|tls| tls.failure.as_ref()).is_some_and(|f| f.code == Code::Timeout);
    if !seen.contact.made() || !(stalls || largest < EXPRESSROUTE_MTU) {
        return None;
    }
    // A filter on large echoes looks the same: without a stall it is only a suspicion.
    let stalled = match stalls {
        true => "; the TLS handshake stalls",
        false => "; the handshake gets through, so perhaps only large echoes are filtered",
    };
    let detail = format!(
        "packets of {lost} bytes to {} ({}) are lost without a word, those of {largest} arrive{stalled}",
        key.host, seen.ip
    );
    let remedy = "let ICMP \"fragmentation needed\" and \"packet too big\" pass, or clamp the TCP MSS at the edge router";
    Some((FindingId::F26, Severity::Medium, detail, remedy))
}

/// F27: the destination belongs into a tunnel that begins here, and is reached beside it.
fn unprotected(judged: &Judged<'_>, key: &EndpointKey, seen: &AddressObservation) -> Option<Raised> {
    let tunnels = tunnels_of(&judged.plan.topology, seen.ip.to_canonical());
    let ours = |tunnel: &&Tunnel| tunnel.terminates == Terminates::Host && tunnel.kind == TunnelKind::Ipsec;
    let here: Vec<_> = tunnels.into_iter().filter(ours).collect();
    if !seen.contact.made() || here.is_empty() || here.iter().any(|tunnel| enters(seen, tunnel)) {
        return None;
    }
    let names = here.iter().map(|tunnel| tunnel.name.as_str()).collect::<Vec<_>>().join(", ");
    let detail = format!(
        "{} ({}) belongs into {names}, but neither an IPsec association of this host nor the tunnel's interface carried it",
        key.host, seen.ip
    );
    let remedy = "look at `ip xfrm policy`, `ip xfrm state` and `ip route get`; a policy may be missing, or a route may go past the tunnel";
    Some((FindingId::F27, Severity::High, detail, remedy))
}
