//! How long silent routers are asked again, shared by all traces of a round.
//!
//! Routers limit ICMP per destination, and all traces of one agent are one destination to them: while asking again still
//! brings answers, it is worth going on; when nothing more comes, the routers are silent by policy and nobody should wait.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

/// Without a new answer for this long, silence is taken for an answer.
const GRACE: Duration = Duration::from_secs(4);

/// The patience of one round.
#[derive(Debug)]
pub struct Patience {
    state: Mutex<State>,
    end: Instant,
}

#[derive(Debug, Default)]
struct State {
    /// When asking again last brought something, or began.
    rewarded: Option<Instant>,
    /// The distances at which declared routers have answered: worth asking before all others.
    distances: BTreeSet<u8>,
}

impl Patience {
    /// Patience until `longest` from now at the most.
    pub fn new(longest: Duration) -> Self {
        Self { state: Mutex::default(), end: Instant::now() + longest }
    }

    /// How long it may still go on.
    pub(super) fn left(&self) -> Duration {
        let Ok(mut state) = self.state.lock() else { return Duration::ZERO };
        let since = *state.rewarded.get_or_insert_with(Instant::now);
        self.end.min(since + GRACE).saturating_duration_since(Instant::now())
    }

    /// Asking again brought an answer.
    pub(super) fn reward(&self) {
        if let Ok(mut state) = self.state.lock() {
            state.rewarded = Some(Instant::now());
        }
    }

    /// A declared router answered at this distance.
    pub(super) fn note(&self, ttl: u8) {
        if let Ok(mut state) = self.state.lock() {
            state.distances.insert(ttl);
        }
    }

    /// Whether this distance is worth asking: all are, until a declared router has been seen.
    pub(super) fn favours(&self, ttl: u8) -> bool {
        self.state.lock().is_ok_and(|state| state.distances.is_empty() || state.distances.contains(&ttl))
    }
}
