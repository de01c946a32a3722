//! One thing per key (a lock, a semaphore) that exists as long as somebody uses it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// The map is cleared of what nobody uses when it has grown to this, and to twice what was left after the last time.
const FIRST: usize = 64;

/// The things, by key.
#[derive(Debug)]
pub(super) struct Keyed<T> {
    make: fn() -> T,
    things: Mutex<(HashMap<String, Weak<T>>, usize)>,
}

impl<T> Keyed<T> {
    /// None so far.
    pub(super) fn new(make: fn() -> T) -> Self {
        Self { make, things: Mutex::new((HashMap::new(), FIRST)) }
    }

    /// The thing of a key; the same for all who hold it at one time.
    pub(super) fn of(&self, key: &str) -> Arc<T> {
        let mut things = self.things.lock().unwrap_or_else(PoisonError::into_inner);
        let (things, limit) = &mut *things;
        if let Some(there) = things.get(key).and_then(Weak::upgrade) {
            return there;
        }
        if things.len() >= *limit {
            things.retain(|_, thing| thing.strong_count() > 0);
            *limit = FIRST.max(things.len() * 2);
        }
        let made = Arc::new((self.make)());
        things.insert(key.to_owned(), Arc::downgrade(&made));
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holders_of_one_key_hold_the_same() {
        let keyed = Keyed::new(|| ());
        let (one, same, other) = (keyed.of("a"), keyed.of("a"), keyed.of("b"));
        assert!(Arc::ptr_eq(&one, &same) && !Arc::ptr_eq(&one, &other));
    }

    #[test]
    fn what_nobody_uses_is_dropped_and_what_is_used_stays() {
        let keyed = Keyed::new(|| ());
        let held = keyed.of("held");
        for number in 0..10_000 {
            drop(keyed.of(&number.to_string()));
        }
        assert!(keyed.things.lock().unwrap().0.len() <= FIRST);
        assert!(Arc::ptr_eq(&held, &keyed.of("held")));
    }
}
