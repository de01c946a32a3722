//! URLs and what they answer: R6, R7, R8 as reactions to exchanges. A URL is asked once for all who point to it.

use std::collections::BTreeMap;

use super::urls::{self, Link, MAX_REDIRECTS, UrlState};
use super::work::{Complete, Work};
use super::worklist::Closure;
use crate::observation::FetchObservation;
use crate::pki;
use crate::pki::inquiry::{Question, Reading};
use crate::pki::revocation::Said;
use crate::target::{EndpointKey, Origin, Probe};

/// Bound on the URLs of one host (DOMAIN §4.3, termination).
const MAX_URLS_PER_HOST: usize = 64;
/// OCSP requests that one host gets; each certificate it is in charge of needs one.
const MAX_REQUESTS_PER_HOST: usize = 5_000;
/// Delta CRLs that are looked at per complete one.
const MOST_DELTAS: usize = 4;

impl Closure<'_> {
    /// R6: a URL brings its endpoint. `kind` is what it is for, `origin` why its endpoint is in the closure.
    pub(super) fn admit(
        &mut self,
        link: Link,
        (kind, origin): (Origin, Origin),
        depth: u8,
        redirects: u8,
        from: &EndpointKey,
    ) -> bool {
        if !self.picture.urls.contains_key(&link.key) {
            let of_host = self.picture.urls.values().filter(|url| url.endpoint.host == link.endpoint.host);
            let (most, of_host) = match kind {
                Origin::Ocsp => (MAX_REQUESTS_PER_HOST, of_host.count()),
                _ => (MAX_URLS_PER_HOST, of_host.filter(|url| url.kind != Origin::Ocsp).count()),
            };
            if of_host >= most {
                self.picture.truncated.insert(format!("{} has more than {most} URLs", link.endpoint.host));
                return false;
            }
            if !self.count_one_more() {
                return false;
            }
        }
        if !self.add_member(&link.endpoint, origin, depth, Some(from)) {
            return false;
        }
        self.picture.urls.entry(link.key.clone()).or_insert_with(|| UrlState::new(link, kind, redirects));
        true
    }

    /// The page of an http or https target, whose redirects belong to the closure (R7).
    pub(super) fn add_page(&mut self, key: &EndpointKey) {
        let scheme = match key.probe {
            Probe::Http => "http",
            Probe::Https => "https",
            Probe::Tls | Probe::Tcp | Probe::Icmp | Probe::Stun | Probe::UdpDns | Probe::Ntp => return,
        };
        let host = if key.host.contains(':') { format!("[{}]", key.host) } else { key.host.clone() };
        let page = format!("{scheme}://{host}:{}/", key.port);
        let Some(link) = urls::parse(&page, Origin::Target, None) else { return };
        let link = link.by(key.via.as_deref());
        if let Some(member) = self.picture.members.get_mut(key) {
            member.page = Some(link.key.clone());
        }
        self.picture.urls.insert(link.key.clone(), UrlState::new(link, Origin::Target, 0));
    }

    /// Puts a question to a URL, wherever it redirects to.
    pub(super) fn ask(&mut self, key: &str, question: Question) {
        let Some(last) = self.picture.last_of(key) else { return };
        let Some(url) = self.picture.urls.get_mut(&last) else { return };
        if !url.said.contains_key(&question.about) {
            url.questions.insert(question.about.clone(), question);
            self.fetch(&last);
        }
    }

    pub(super) fn fetch_all(&mut self, key: &EndpointKey) {
        let urls = self.picture.urls.iter().filter(|(_, url)| url.endpoint == *key);
        let of_endpoint: Vec<String> = urls.map(|(key, _)| key.clone()).collect();
        for url in of_endpoint {
            self.fetch(&url);
        }
    }

    /// Asks the next contacted address for the URL until one has served it, and that one again when there are new questions.
    pub(super) fn fetch(&mut self, key: &str) {
        let Some(url) = self.picture.urls.get_mut(key) else { return };
        if url.in_flight.is_some() || url.next.is_some() {
            return;
        }
        let served_by = url.fetched.as_ref().filter(|_| url.served()).map(|fetched| fetched.ip);
        let Some(member) = self.picture.members.get(&url.endpoint) else { return };
        let ip = match served_by {
            Some(_) if url.questions.is_empty() => return,
            Some(ip) => ip,
            None => match member.contacted().find(|ip| !url.tried.contains(ip)) {
                Some(ip) => ip,
                None => return,
            },
        };
        url.tried.insert(ip);
        url.in_flight = Some(ip);
        url.asked = url.questions.keys().cloned().collect();
        let (asked, complete) = (url.url.clone(), url.complete.clone());
        let complete = complete.and_then(|key| {
            let complete = self.picture.urls.get(&key)?;
            let ip = complete.fetched.as_ref()?.ip;
            Some(Complete { key, url: complete.url.clone(), ip })
        });
        let Some(url) = self.picture.urls.get(key) else { return };
        let (via, ask) = (url.endpoint.via.clone(), url.ask(complete));
        self.queue.push_back(Work::Fetch { key: key.to_string(), url: asked, ip, via, ask });
    }

    pub(super) fn fetched(&mut self, key: &str, mut seen: FetchObservation, reading: Reading) {
        let body = std::mem::take(&mut seen.body);
        let Some(url) = self.picture.urls.get_mut(key) else { return };
        // What was kept came from wherever it was asked for then: nothing may go there that was not resolved in this round.
        seen.ip = url.in_flight.take().unwrap_or(seen.ip);
        let moved = seen.status.is_some_and(|status| (300..400).contains(&status) && status != 304);
        // Clients follow the head, whatever becomes of the body.
        let location = seen.location.clone().filter(|_| moved);
        let ok = seen.failure.is_none() && seen.status.is_some_and(|status| (200..300).contains(&status));
        url.fetched = Some(seen);
        url.trouble = reading.trouble;
        url.validity = reading.validity.or(url.validity);
        let (kind, asked) = (url.kind, std::mem::take(&mut url.asked));
        let questions: Vec<Question> =
            asked.iter().filter_map(|about| url.questions.get(about)).cloned().collect();
        // What is not what the URL is for answers nothing: the next address may have it.
        let read = ok && url.trouble.is_none();
        let mut said: BTreeMap<String, Said> = reading.said.into_iter().filter(|_| read).collect();
        if read && kind.is_ca() {
            // Whatever was asked is answered, so that nothing is asked for ever.
            for about in asked {
                said.entry(about).or_insert_with(|| Said::Nothing("no answer came for it".to_string()));
            }
        }
        for (about, said) in said {
            self.said(key, about, said);
        }
        self.ask_deltas(key, &reading.freshest, questions);
        match (location, kind) {
            (Some(location), _) => self.redirected(key, &location),
            (None, Origin::Aia) if ok => self.brought(key, &body),
            (None, _) => {}
        }
        self.fetch(key);
    }

    /// R8: an answer that a delegated responder signed brings that one's certificate.
    fn said(&mut self, key: &str, about: String, said: Said) {
        let delegate = said.delegate().map(|(_, certificate)| certificate.to_vec());
        let Some(url) = self.picture.urls.get_mut(key) else { return };
        url.questions.remove(&about);
        url.said.insert(about, said);
        let from = url.endpoint.clone();
        if let Some(delegate) = delegate
            && let Some(facts) = pki::read(&delegate)
            && !self.picture.certificates.contains_key(&facts.sha256)
        {
            let sha256 = facts.sha256.clone();
            let depth = self.picture.members.get(&from).map_or(1, |member| member.depth.saturating_add(1));
            self.learn(facts, &delegate);
            self.follow(&sha256, depth, &from);
        }
    }

    /// The delta CRLs of a complete one, as it and the certificates name them, are asked about what it has answered.
    fn ask_deltas(&mut self, key: &str, freshest: &[String], questions: Vec<Question>) {
        let Some(url) = self.picture.urls.get(key) else { return };
        if url.kind != Origin::Crl || url.complete.is_some() {
            return;
        }
        let from = url.endpoint.clone();
        let answered = |question: &Question| matches!(url.said.get(&question.about), Some(Said::Crl(Ok(_))));
        let questions: Vec<Question> = questions.into_iter().filter(answered).collect();
        let depth = self.picture.members.get(&from).map_or(1, |member| member.depth);
        for question in questions {
            let facts = self.picture.certificates.get(&question.about);
            let of_certificate = facts.map_or(&[][..], |facts| facts.freshest.as_slice());
            let pointers: Vec<String> =
                freshest.iter().chain(of_certificate).take(MOST_DELTAS).cloned().collect();
            for pointer in pointers {
                let Some(link) = urls::parse(&pointer, Origin::Crl, None) else {
                    self.picture.unfetchable.insert(pointer);
                    continue;
                };
                let link = link.by(from.via.as_deref()).delta_of(key);
                let delta = link.key.clone();
                if !self.admit(link, (Origin::Crl, Origin::Crl), depth, 0, &from) {
                    continue;
                }
                if let Some(state) = self.picture.urls.get_mut(&delta) {
                    state.complete = Some(key.to_string());
                    state.askers.insert(question.about.clone());
                }
                if let Some(state) = self.picture.urls.get_mut(key) {
                    state.deltas.insert(delta.clone());
                }
                self.ask(&delta, question.clone());
            }
        }
    }

    /// R7: a redirect brings another URL, and takes the questions along.
    fn redirected(&mut self, key: &str, location: &str) {
        let Some(url) = self.picture.urls.get(key) else { return };
        let (kind, redirects, base, from) = (url.kind, url.redirects, url.url.clone(), url.endpoint.clone());
        let (questions, askers, complete) = (url.questions.clone(), url.askers.clone(), url.complete.clone());
        if redirects >= MAX_REDIRECTS {
            self.picture.truncated.insert(format!("{base} redirects more than {MAX_REDIRECTS} times"));
            return;
        }
        let depth = self.picture.members.get(&from).map_or(1, |member| member.depth.saturating_add(1));
        let Some(link) = urls::parse(location, kind, Some(&base)) else {
            let whither: String = location.chars().take(200).collect();
            if urls::is_of_another_scheme(location, &base) {
                self.picture.unfetchable.insert(whither);
            } else {
                self.picture
                    .truncated
                    .insert(format!("{base} redirects to what cannot be followed: {whither}"));
            }
            return;
        };
        let about = questions.keys().next().map_or("", String::as_str);
        let mut link = link.by(from.via.as_deref()).about(kind, redirects + 1, about);
        if let Some(complete) = &complete {
            link = link.delta_of(complete);
        }
        let next = link.key.clone();
        if next == key {
            return;
        }
        if !self.admit(link, (kind, Origin::Redirect), depth, redirects + 1, &from) {
            return;
        }
        if let Some(state) = self.picture.urls.get_mut(&next) {
            state.askers.extend(askers);
            state.complete = complete;
        }
        if let Some(url) = self.picture.urls.get_mut(key) {
            url.next = Some(next.clone());
            url.questions.clear();
        }
        for question in questions.into_values() {
            self.ask(&next, question);
        }
        self.fetch(&next);
    }
}
