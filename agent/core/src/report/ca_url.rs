//! What certificates point to: every CRL, responder and issuer's certificate with what it answered.

use std::collections::BTreeMap;
use std::time::SystemTime;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::attribution::Judged;
use crate::closure::UrlState;
use crate::target::Origin;

/// One URL that certificates point to, or that such a one redirects to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CaUrl {
    /// The URL; a responder's without the requests.
    pub url: String,
    /// crl, ocsp or aia.
    pub kind: Origin,
    /// The endpoint, as in `endpoints[].id`.
    pub endpoint: String,
    /// Whether it brought what it is for: a genuine CRL, a usable answer, the issuer's certificate.
    pub served: bool,
    /// Why not.
    pub problem: Option<String>,
    /// Where it redirects to.
    pub moved_to: Option<String>,
    /// Certificates that were asked about.
    pub certificates: usize,
    /// When what it brought was made; of several answers the oldest.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "Option<String>")]
    pub this_update: Option<SystemTime>,
    /// Until when that holds; of several answers the first to expire.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "Option<String>")]
    pub next_update: Option<SystemTime>,
    /// Seconds that the slowest exchange took, which is what clients wait.
    pub took: Option<f64>,
}

/// All of them, by URL, kind and the way they were asked on.
pub(super) fn ca_urls(judged: &Judged<'_>) -> Vec<CaUrl> {
    let mut all: BTreeMap<(String, Origin, String), CaUrl> = BTreeMap::new();
    for url in judged.picture.urls.values().filter(|url| url.kind.is_ca()) {
        let one = ca_url(judged, url);
        let of = (one.url.clone(), one.kind, one.endpoint.clone());
        match all.get_mut(&of) {
            Some(known) => known.add(one),
            None => _ = all.insert(of, one),
        }
    }
    all.into_values().collect()
}

fn ca_url(judged: &Judged<'_>, url: &UrlState) -> CaUrl {
    let next = url.next.as_ref().and_then(|next| judged.picture.urls.get(next));
    CaUrl {
        url: url.url.clone(),
        kind: url.kind,
        endpoint: url.endpoint.to_string(),
        served: url.served(),
        problem: (next.is_none() && !url.served()).then(|| judged.picture.why_not(url)),
        moved_to: next.map(|next| next.url.clone()),
        certificates: url.askers.len(),
        this_update: url.validity.map(|validity| validity.this_update),
        next_update: url.validity.and_then(|validity| validity.next_update),
        took: url.fetched.as_ref().map(|fetched| fetched.took.as_secs_f64()),
    }
}

impl CaUrl {
    /// Takes in what the same responder said of another certificate.
    fn add(&mut self, other: Self) {
        self.served &= other.served;
        self.problem = self.problem.take().or(other.problem);
        self.moved_to = self.moved_to.take().or(other.moved_to);
        self.certificates += other.certificates;
        self.this_update = self.this_update.into_iter().chain(other.this_update).min();
        self.next_update = self.next_update.into_iter().chain(other.next_update).min();
        self.took = self.took.into_iter().chain(other.took).reduce(f64::max);
    }
}
