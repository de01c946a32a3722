//! Until when a cached body may be used without asking for it.
//!
//! In: what is known of the body, and now. Out: a time, or yes or no. Pure.

use std::time::{Duration, SystemTime};

use crate::cache::Meta;
use crate::cache::format::sha256;

/// The longest a body is used without asking: that its URL is still served is part of the verdict.
pub const MAX_AGE: Duration = Duration::from_secs(24 * 3600);
/// How much earlier than nextUpdate it is asked for at most, so that not everybody asks at nextUpdate.
const MAX_JITTER: Duration = Duration::from_secs(3600);

/// Whether a body may be used at `now`. A clock that went back behind the body's own times decides against it.
pub fn fresh(meta: &Meta, now: SystemTime) -> bool {
    let begun = meta.fetched_at <= now && meta.this_update.is_none_or(|this| this <= now);
    begun && now < fresh_until(meta)
}

/// The end of that: a while before nextUpdate, another for each key, and [`MAX_AGE`] after it was asked for at the latest.
pub fn fresh_until(meta: &Meta) -> SystemTime {
    let aged = meta.fetched_at.checked_add(MAX_AGE).unwrap_or(meta.fetched_at);
    let Some(next) = meta.next_update else { return aged };
    next.checked_sub(jitter(meta, next)).unwrap_or(next).min(aged)
}

/// Up to a tenth of the validity; by the key, so that it is the same every time.
fn jitter(meta: &Meta, next: SystemTime) -> Duration {
    let validity = next.duration_since(meta.this_update.unwrap_or(meta.fetched_at)).unwrap_or_default();
    let [a, b, c, d, ..] = sha256(meta.key.as_bytes());
    let share = f64::from(u32::from_be_bytes([a, b, c, d])) / f64::from(u32::MAX);
    (validity / 10).min(MAX_JITTER).mul_f64(share)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const HOUR: u64 = 3600;
    const DAY: u64 = 24 * HOUR;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    /// SHA-256 of "abc" begins with ba7816bf: 0.7284 of the longest jitter.
    fn meta(fetched: u64, this: Option<u64>, next: Option<u64>) -> Meta {
        Meta {
            key: "abc".into(),
            url: "http://crl.example/a.crl".into(),
            ip: Ipv4Addr::LOCALHOST.into(),
            content_type: None,
            etag: None,
            last_modified: None,
            fetched_at: at(fetched),
            took: Duration::ZERO,
            this_update: this.map(at),
            next_update: next.map(at),
        }
    }

    #[test]
    fn a_body_is_fresh_until_a_while_before_its_next_update() {
        // Valid for 10 h: a jitter of up to 1 h, here 2622.2 s.
        let short = meta(100 * HOUR, Some(100 * HOUR), Some(110 * HOUR));
        assert!(fresh(&short, at(100 * HOUR)));
        assert!(fresh(&short, at(110 * HOUR - 2623)));
        assert!(!fresh(&short, at(110 * HOUR - 2622)));
        assert!(!fresh(&short, at(110 * HOUR)));
        // Valid for 100 s: up to 10 s, here 7.28.
        let shorter = meta(1000, Some(1000), Some(1100));
        assert!(fresh(&shorter, at(1092)) && !fresh(&shorter, at(1093)));
        // Valid for 7 days: never more than an hour.
        let week = meta(6 * DAY + 20 * HOUR, Some(0), Some(7 * DAY));
        assert!(fresh(&week, at(7 * DAY - 2623)) && !fresh(&week, at(7 * DAY - 2622)));
    }

    #[test]
    fn keys_end_at_different_times_and_each_always_at_the_same() {
        let one = meta(0, Some(0), Some(10 * HOUR));
        let other = Meta { key: "abd".into(), ..one.clone() };
        assert_eq!(fresh_until(&one), fresh_until(&one));
        assert_ne!(fresh_until(&one), fresh_until(&other));
    }

    #[test]
    fn after_a_day_the_server_is_asked_however_long_the_body_is_valid() {
        for next in [None, Some(365 * DAY)] {
            let body = meta(10 * DAY, Some(0), next);
            assert!(fresh(&body, at(11 * DAY - 1)), "{next:?}");
            assert!(!fresh(&body, at(11 * DAY)), "{next:?}");
        }
    }

    #[test]
    fn a_clock_that_went_back_makes_nothing_fresh() {
        let body = meta(10 * DAY, Some(9 * DAY), Some(20 * DAY));
        assert!(fresh(&body, at(10 * DAY)));
        assert!(!fresh(&body, at(10 * DAY - 1)), "fetched in the future");
        let early = meta(10 * DAY, Some(10 * DAY + 10), Some(20 * DAY));
        assert!(!fresh(&early, at(10 * DAY + 9)), "valid in the future");
        assert!(fresh(&early, at(10 * DAY + 10)));
    }

    #[test]
    fn what_has_expired_or_contradicts_itself_is_not_fresh() {
        assert!(!fresh(&meta(10 * DAY, Some(DAY), Some(2 * DAY)), at(10 * DAY)));
        assert!(!fresh(&meta(10 * DAY, Some(9 * DAY), Some(8 * DAY)), at(10 * DAY)));
        assert!(!fresh(&meta(10 * DAY, None, Some(0)), at(10 * DAY)));
    }
}
