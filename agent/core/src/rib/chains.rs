//! The routes that stand at one prefix.

/// No route.
const NONE: u32 = u32::MAX;

/// A route: no allocation of its own.
#[derive(Clone, Copy)]
pub(super) struct Stored {
    /// Place among the table's feeds.
    pub(super) feed: u32,
    /// Number of its attributes.
    pub(super) attributes: u32,
    pub(super) path: u32,
    next: u32,
}

impl Stored {
    pub(super) fn new(feed: u32, path: u32, attributes: u32) -> Self {
        Self { feed, attributes, path, next: NONE }
    }
}

/// What stands at a prefix. In a full table the longest match ends with a load from memory that is in no cache: 8 bytes, half
/// of what a route takes, make that memory half as large.
#[derive(Clone, Copy)]
pub(super) struct Head {
    /// The feed of the only route; where `attributes` is [`NONE`], the place of the first of several.
    at: u32,
    attributes: u32,
}

impl Head {
    pub(super) const VACANT: Self = Self::first(NONE);

    const fn first(place: u32) -> Self {
        Self { at: place, attributes: NONE }
    }

    /// The only route, of a feed that has one path to each prefix.
    fn only(self) -> Option<Stored> {
        let Self { at: feed, attributes } = self;
        (attributes != NONE).then(|| Stored::new(feed, 0, attributes))
    }

    pub(super) fn is_vacant(self) -> bool {
        self.at == NONE && self.attributes == NONE
    }
}

/// The routes of prefixes that have several, or one with a path identifier (RFC 7911).
#[derive(Default)]
pub(super) struct Chains {
    slots: Vec<Stored>,
    free: Vec<u32>,
}

impl Chains {
    pub(super) fn routes(&self, head: Head) -> impl Iterator<Item = Stored> {
        let first = head.only().or_else(|| self.slots.get(head.at as usize).copied());
        std::iter::successors(first, |route| self.slots.get(route.next as usize).copied())
    }

    /// Where the route of a feed and path has its attributes.
    pub(super) fn find<'a>(&'a mut self, head: &'a mut Head, feed: u32, path: u32) -> Option<&'a mut u32> {
        if head.attributes != NONE {
            return (head.at == feed && path == 0).then_some(&mut head.attributes);
        }
        let mut at = head.at;
        loop {
            let route = self.slots.get(at as usize)?;
            if route.feed == feed && route.path == path {
                return Some(&mut self.slots[at as usize].attributes);
            }
            at = route.next;
        }
    }

    /// Puts a route before the others.
    pub(super) fn push(&mut self, head: &mut Head, route: Stored) {
        if head.is_vacant() && route.path == 0 {
            *head = Head { at: route.feed, attributes: route.attributes };
            return;
        }
        let behind = match head.only() {
            Some(only) => self.hold(only),
            None => head.at,
        };
        *head = Head::first(self.hold(Stored { next: behind, ..route }));
    }

    /// Keeps the routes for which `stays` holds.
    pub(super) fn retain(&mut self, head: &mut Head, mut stays: impl FnMut(&Stored) -> bool) {
        if let Some(only) = head.only() {
            if !stays(&only) {
                *head = Head::VACANT;
            }
            return;
        }
        let mut at = head.at;
        *head = Head::VACANT;
        while let Some(route) = self.slots.get(at as usize).copied() {
            self.free.push(at);
            if stays(&route) {
                self.push(head, route);
            }
            at = route.next;
        }
    }

    /// How many slots there are, and how many of them are free.
    #[cfg(test)]
    pub(super) fn slots(&self) -> (usize, usize) {
        (self.slots.len(), self.free.len())
    }

    fn hold(&mut self, route: Stored) -> u32 {
        match self.free.pop() {
            Some(place) => {
                self.slots[place as usize] = route;
                place
            }
            None => {
                self.slots.push(route);
                (self.slots.len() - 1) as u32
            }
        }
    }
}
