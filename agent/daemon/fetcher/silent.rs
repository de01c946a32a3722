//! Hosts that keep quiet: after a few silences in a row they are not waited for again in the same round, so that a thousand
//! certificates of one dead responder do not make a round as long as a thousand timeouts.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use closedpath_core::failure::{Code, Failure, Step};
use closedpath_core::observation::FetchObservation;

/// Silences in a row that are waited for.
const PATIENCE: u32 = 3;

/// Silences in a row in this round, by host and address.
#[derive(Debug, Default)]
pub(super) struct Silent(Mutex<HashMap<(String, IpAddr), (u32, Duration)>>);

impl Silent {
    /// What to say instead of asking again; `None` while the host is worth waiting for.
    pub fn instead(&self, url: &str, host: &str, ip: IpAddr) -> Option<FetchObservation> {
        let silent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, waited) = silent.get(&(host.to_owned(), ip)).filter(|(count, _)| *count >= PATIENCE)?;
        let text = format!(
            "not asked: {host} at {ip} left {PATIENCE} requests of this round without a whole answer"
        );
        let failure = Some(Failure::new(Step::Http, Code::Timeout, text));
        // A client would wait as long as those before.
        Some(FetchObservation { failure, took: *waited, ..FetchObservation::of(url, ip) })
    }

    /// Takes in how an exchange went.
    pub fn note(&self, host: &str, seen: &FetchObservation) {
        let quiet = seen.failure.as_ref().is_some_and(|failure| failure.code == Code::Timeout);
        let mut silent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (host.to_owned(), seen.ip);
        if quiet {
            let (count, waited) = silent.entry(key).or_default();
            (*count, *waited) = (*count + 1, seen.took);
        } else {
            silent.remove(&key);
        }
    }

    /// A new round, new patience.
    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[cfg(test)]
mod tests {
    use super::{PATIENCE, Silent};
    use closedpath_core::failure::{Code, Failure, Step};
    use closedpath_core::observation::FetchObservation;
    use std::net::{IpAddr, Ipv4Addr};

    const URL: &str = "http://ocsp.example/";
    const IP: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 1));

    fn quiet() -> FetchObservation {
        let failure = Some(Failure::new(Step::Http, Code::Timeout, "no response"));
        FetchObservation { failure, ..FetchObservation::of(URL, IP) }
    }

    #[test]
    fn a_host_is_given_up_after_silences_in_a_row_and_tried_again_in_the_next_round() {
        let silent = Silent::default();
        let given_up = || silent.instead(URL, "ocsp.example", IP).is_some();
        for _ in 1..PATIENCE {
            silent.note("ocsp.example", &quiet());
        }
        silent.note("ocsp.example", &FetchObservation::of(URL, IP));
        for count in 1..=PATIENCE {
            silent.note("ocsp.example", &quiet());
            assert_eq!(given_up(), count == PATIENCE, "an answer between began the count anew");
        }
        assert!(silent.instead(URL, "ocsp.example", IpAddr::V4(Ipv4Addr::new(203, 0, 113, 2))).is_none());
        silent.clear();
        assert!(!given_up());
    }
}
