//! Path MTUs (E10), searched as rarely as traces are made and remembered between rounds.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use closedpath_core::config::ProbeSettings;
use closedpath_core::observation::PathMtu;
use closedpath_net::path_mtu;
use tokio::sync::Semaphore;

/// Searches under way at once.
const SEARCHES: usize = 16;
/// A host answers the first echo within this, or is taken for one that answers none.
const FIRST: Duration = Duration::from_secs(1);

/// The path MTUs of one agent.
pub struct PathMtus {
    interval: Duration,
    wait: Duration,
    turns: Semaphore,
    known: Mutex<HashMap<IpAddr, (Instant, Option<PathMtu>)>>,
}

impl PathMtus {
    /// For these settings.
    pub fn new(probe: &ProbeSettings) -> Self {
        Self {
            interval: probe.trace_interval,
            wait: probe.timeout.min(FIRST),
            turns: Semaphore::new(SEARCHES),
            known: Mutex::default(),
        }
    }

    /// That of an address which has just answered: searched now or within the interval. While another probe searches for it,
    /// nothing is known.
    pub async fn to(&self, ip: IpAddr, reachable: bool) -> Option<PathMtu> {
        if !reachable || ip.is_loopback() {
            return None;
        }
        {
            let mut known = self.known.lock().ok()?;
            known.retain(|_, (since, _)| since.elapsed() < self.interval);
            if let Some((_, found)) = known.get(&ip) {
                return *found;
            }
            known.insert(ip, (Instant::now(), None));
        }
        let _turn = self.turns.acquire().await.ok()?;
        let found = path_mtu(ip, self.wait).await;
        self.known.lock().ok()?.insert(ip, (Instant::now(), found));
        found
    }
}
