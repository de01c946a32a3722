//! Goes through the servers of one resolver as the C library does: the next one on silence, SERVFAIL or REFUSED.
//!
//! In: servers in order, a name, a deadline. Out: the first usable answer, else the most telling failure.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use closedpath_core::observation::DnsStatus;
use hickory_proto::rr::{Name, RecordType};

use super::walk::{FamilyView, follow, follow_links};

/// The least time left for finding out why a server failed.
const DIAGNOSIS: Duration = Duration::from_millis(500);

/// What the resolver with these servers says, within `timeout`; each server gets an equal share of what is left.
pub(super) async fn ask_in_order(
    servers: &[SocketAddr],
    name: &Name,
    kind: RecordType,
    timeout: Duration,
) -> FamilyView {
    let deadline = Instant::now() + timeout;
    let mut failures: Vec<FamilyView> = Vec::new();
    for (index, server) in servers.iter().enumerate() {
        let now = Instant::now();
        let waiting = u32::try_from(servers.len() - index).unwrap_or(u32::MAX);
        let share = deadline.saturating_duration_since(now) / waiting;
        let mut view = follow(*server, name, kind, now + share).await;
        match view.status {
            DnsStatus::Ok | DnsStatus::Nxdomain | DnsStatus::Nodata | DnsStatus::Loop => {
                view.text = words(&failures, &view.text);
                return view;
            }
            DnsStatus::Timeout | DnsStatus::Servfail | DnsStatus::Refused => failures.push(view),
        }
    }
    let text = words(&failures, "");
    // A server that answered says more than one that was silent.
    let position = failures.iter().position(|view| view.status != DnsStatus::Timeout).unwrap_or(0);
    let Some(mut view) = failures.into_iter().nth(position) else {
        let text = "no server".to_owned();
        return FamilyView { server: None, status: DnsStatus::Timeout, cname: vec![], answers: vec![], text };
    };
    view.text = text;
    if view.status == DnsStatus::Servfail {
        explain(&mut view, name, deadline.max(Instant::now() + DIAGNOSIS)).await;
    }
    view
}

/// A recursive server answers SERVFAIL to a CNAME loop (RFC 1034 §5.3.3 leaves it open): look at the links.
async fn explain(view: &mut FamilyView, name: &Name, deadline: Instant) {
    let Some(server) = view.server else { return };
    let (trail, looping) = follow_links(server, name, deadline).await;
    if trail.links.len() > view.cname.len() {
        view.cname = trail.links;
    }
    if let Some(words) = looping {
        view.status = DnsStatus::Loop;
        view.text = format!("{}; {words}", view.text);
    }
}

fn words(failures: &[FamilyView], last: &str) -> String {
    let mut parts: Vec<&str> = failures.iter().map(|view| view.text.as_str()).collect();
    parts.push(last);
    parts.retain(|part| !part.is_empty());
    parts.join("; ")
}
