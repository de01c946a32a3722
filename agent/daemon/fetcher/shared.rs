//! What was fetched in this round, so that it is fetched once in it. Memory only, and bounded.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Ask, Fetched};

/// Bytes of all that is shared; what has no room is asked for again.
const ROOM: usize = 64 * 1024 * 1024;
/// What an entry takes besides its body, roughly.
const ENTRY: usize = 1024;

/// The round's memory.
#[derive(Debug, Default)]
pub(super) struct Shared {
    kept: Mutex<Kept>,
}

/// A body is the same from every address; a failure, a redirect or an error page is that address's alone.
#[derive(Debug, Default)]
struct Kept {
    by: HashMap<(String, Option<IpAddr>), Fetched>,
    bytes: usize,
}

impl Shared {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        *self.kept() = Kept::default();
    }

    /// What came of the same question.
    pub(super) fn find(&self, ask: &Ask, ip: IpAddr) -> Option<Fetched> {
        let kept = self.kept();
        let mut places = [None, Some(ip)].into_iter();
        let found = places.find_map(|place| kept.by.get(&(ask.key.clone(), place)))?;
        (found.seen.url == ask.url && (ask.accept_cached || !found.cached)).then(|| found.clone())
    }

    /// Shares what came, if there is room.
    pub(super) fn put(&self, ask: &Ask, ip: IpAddr, fetched: &Fetched) {
        let place = (ask.key.clone(), fetched.body.is_none().then_some(ip));
        let mut kept = self.kept();
        kept.take(&place);
        if kept.bytes + size(fetched) <= ROOM {
            kept.bytes += size(fetched);
            kept.by.insert(place, fetched.clone());
        }
    }

    /// Forgets a body.
    pub(super) fn remove(&self, ask: &Ask) {
        self.kept().take(&(ask.key.clone(), None));
    }
}

impl Kept {
    fn take(&mut self, place: &(String, Option<IpAddr>)) {
        if let Some(gone) = self.by.remove(place) {
            self.bytes -= size(&gone);
        }
    }
}

fn size(fetched: &Fetched) -> usize {
    ENTRY + fetched.seen.url.len() + fetched.body.as_ref().map_or(0, bytes::Bytes::len)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::{Duration, SystemTime};

    use bytes::Bytes;
    use closedpath_core::observation::FetchObservation;
    use closedpath_net::Method;

    use super::*;

    const A: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    const B: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));

    fn ask(url: &str) -> Ask {
        Ask { key: url.into(), url: url.into(), method: Method::Get, accept_cached: true, via: None }
    }

    fn fetched(url: &str, body: Option<usize>) -> Fetched {
        let seen = FetchObservation {
            url: url.into(),
            ip: A,
            status: Some(if body.is_some() { 200 } else { 302 }),
            location: None,
            content_type: None,
            etag: None,
            last_modified: None,
            body: Vec::new(),
            failure: None,
            took: Duration::ZERO,
        };
        let body = body.map(|size| Bytes::from(vec![0; size]));
        Fetched { seen, body, digest: [0; 32], cached: false, asked_at: SystemTime::UNIX_EPOCH }
    }

    #[test]
    fn a_body_is_for_every_address_and_anything_else_for_the_one_that_sent_it() {
        let shared = Shared::default();
        shared.put(&ask("u"), A, &fetched("u", Some(3)));
        shared.put(&ask("moved"), A, &fetched("moved", None));
        assert!(shared.find(&ask("u"), B).is_some());
        assert!(shared.find(&ask("moved"), A).is_some());
        assert!(shared.find(&ask("moved"), B).is_none());
        shared.clear();
        assert!(shared.find(&ask("u"), A).is_none());
    }

    #[test]
    fn who_wants_no_cached_body_gets_none_from_here_either() {
        let shared = Shared::default();
        shared.put(&ask("u"), A, &Fetched { cached: true, ..fetched("u", Some(3)) });
        assert!(shared.find(&ask("u"), A).is_some());
        assert!(shared.find(&Ask { accept_cached: false, ..ask("u") }, A).is_none());
    }

    #[test]
    fn there_is_room_for_64_mib_and_what_is_replaced_makes_room() {
        let shared = Shared::default();
        for url in ["a", "b", "b", "b"] {
            shared.put(&ask(url), A, &fetched(url, Some(ROOM / 2 - 2 * ENTRY)));
        }
        shared.put(&ask("c"), A, &fetched("c", Some(4 * ENTRY)));
        let there = |url: &str| shared.find(&ask(url), A).is_some();
        assert!(there("a") && there("b") && !there("c"));
        shared.remove(&ask("a"));
        shared.put(&ask("c"), A, &fetched("c", Some(4 * ENTRY)));
        assert!(there("c"));
    }
}
