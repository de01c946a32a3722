//! Asks URLs what the closure wants to know: brings the body, has it read off the reactor, keeps what is genuine.
//!
//! In: a URL, an address, what for. Out: how the exchange went and what the body says. Who is asked, and what an answer is
//! worth, is decided in core.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use closedpath_core::closure::{Ask, Complete, Outcome};
use closedpath_core::pki::inquiry::{self, Question, Reading, SKEW};
use closedpath_core::pki::revocation::Said;
use closedpath_core::pki::{aia, ocsp};
use closedpath_net::{Method, nonce};
use tokio::task::spawn_blocking;

use crate::fetcher::{self, Fetched, Fetcher, Validity};

/// A longer request goes by POST (RFC 5019 §5).
const LONGEST_GET: usize = 255;
/// Answers of CRLs that are remembered; when there are more, all are forgotten and read again once.
const REMEMBERED: usize = 50_000;

/// Asks, and remembers what each CRL said of each certificate, so that a large one is read once per version.
#[derive(Debug)]
pub struct Inquiries {
    fetcher: Fetcher,
    /// Whether a body of an earlier round or process will do.
    accept_cached: bool,
    answers: Mutex<HashMap<Asked, (Said, Validity)>>,
}

/// Where to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The address to dial.
    pub ip: IpAddr,
    /// The forward proxy whose address that is.
    pub via: Option<String>,
}

/// A version of a CRL, and a certificate with the pointer that led there.
type Asked = ([u8; 32], String, String);

impl Inquiries {
    /// `accept_cached`: a body that an earlier round or process kept will do while it is fresh.
    pub fn new(fetcher: Fetcher, accept_cached: bool) -> Self {
        Self { fetcher, accept_cached, answers: Mutex::default() }
    }

    /// To be called before each round.
    pub fn begin_round(&self) {
        self.fetcher.begin_round();
    }

    /// Asks one URL.
    pub async fn ask(&self, key: String, url: String, place: Place, ask: Ask) -> Outcome {
        let place = &place;
        let (mut fetched, reading) = match ask {
            Ask::Page => (self.get(&key, &url, place, false).await.1, Reading::default()),
            Ask::Certificates => self.certificates(&key, &url, place).await,
            Ask::Crl { questions, complete } => self.crl(&key, &url, place, questions, complete).await,
            Ask::Ocsp { question, redirected } => self.ocsp(&key, &url, place, question, redirected).await,
        };
        // The exchange is known by the URL that was asked for, not by the request that went into its path.
        fetched.seen.url = url;
        Outcome::Fetched { key, seen: Box::new(fetched.seen), reading }
    }

    async fn get(&self, key: &str, url: &str, place: &Place, accept_cached: bool) -> (fetcher::Ask, Fetched) {
        let accept_cached = accept_cached && self.accept_cached;
        let ask = fetcher::Ask {
            key: key.into(),
            url: url.into(),
            method: Method::Get,
            accept_cached,
            via: place.via.clone(),
        };
        let fetched = self.fetcher.fetch(&ask, place.ip).await;
        (ask, fetched)
    }

    async fn certificates(&self, key: &str, url: &str, place: &Place) -> (Fetched, Reading) {
        let (ask, mut fetched) = self.get(key, url, place, true).await;
        if let Some(body) = &fetched.body {
            if aia::certificates(body).is_ok() {
                self.keep(&ask, &fetched, Validity::default()).await;
            }
            fetched.seen.body = body.to_vec();
        }
        (fetched, Reading::default())
    }

    async fn crl(
        &self,
        key: &str,
        url: &str,
        place: &Place,
        questions: Vec<Question>,
        complete: Option<Complete>,
    ) -> (Fetched, Reading) {
        let (ask, fetched) = self.get(key, url, place, true).await;
        let Some(body) = fetched.body.clone() else { return (fetched, Reading::default()) };
        let now = SystemTime::now();
        let complete = match complete {
            None => None,
            // The body of this round, or of the cache.
            Some(Complete { key, url, ip }) => {
                let place = Place { ip, via: place.via.clone() };
                match self.get(&key, &url, &place, true).await.1.body {
                    None => return (fetched, Reading::default()),
                    body => body,
                }
            }
        };
        if complete.is_none()
            && let Some(reading) = self.remembered(fetched.digest, &questions, now)
        {
            return (fetched, reading);
        }
        let whole = complete.is_none();
        let reading = {
            let questions = questions.clone();
            // A CRL of 25 MB takes 30 ms to verify.
            off_the_reactor(move || match complete {
                None => inquiry::read_crl(&body, &questions, now),
                Some(complete) => inquiry::read_delta(&body, &complete, &questions, now),
            })
            .await
        };
        if let Some(validity) = validity(&reading) {
            // One that names deltas is read again each round, so that they are asked each round.
            if whole && reading.freshest.is_empty() {
                self.remember(fetched.digest, &questions, &reading, validity);
            }
            self.keep(&ask, &fetched, validity).await;
        }
        (fetched, reading)
    }

    /// By GET (RFC 5019), unless the request is too long for it; by POST, with a nonce, where GET brought no OCSP response.
    async fn ocsp(
        &self,
        key: &str,
        url: &str,
        place: &Place,
        question: Question,
        redirected: bool,
    ) -> (Fetched, Reading) {
        if redirected {
            let (ask, fetched) = self.get(key, url, place, true).await;
            return self.read_response(ask, fetched, question, None).await;
        }
        let Ok(request) = ocsp::request(&question.certificate, &question.issuer, None) else {
            let (_, fetched) = self.get(key, url, place, false).await;
            return (fetched, Reading::default());
        };
        let long = format!("{}/{}", url.trim_end_matches('/'), ocsp::get_path(&request));
        if long.len() <= LONGEST_GET {
            let (ask, fetched) = self.get(key, &long, place, true).await;
            let moved = fetched.seen.location.is_some();
            let broken = fetched.seen.failure.is_some();
            let (fetched, reading) = self.read_response(ask, fetched, question.clone(), None).await;
            if moved || broken || (fetched.body.is_some() && reading.trouble.is_none()) {
                return (fetched, reading);
            }
        }
        let nonce = nonce();
        let Ok(body) = ocsp::request(&question.certificate, &question.issuer, Some(&nonce)) else {
            let (_, fetched) = self.get(key, url, place, false).await;
            return (fetched, Reading::default());
        };
        let method = Method::Post { content_type: "application/ocsp-request", body };
        let key = format!("{key} by POST");
        let (accept_cached, via) = (self.accept_cached, place.via.clone());
        let ask = fetcher::Ask { key, url: url.into(), method, accept_cached, via };
        let fetched = self.fetcher.fetch(&ask, place.ip).await;
        // What was kept answers an earlier question, with the nonce of that one.
        let nonce = (!fetched.cached).then_some(nonce);
        self.read_response(ask, fetched, question, nonce).await
    }

    async fn read_response(
        &self,
        ask: fetcher::Ask,
        fetched: Fetched,
        question: Question,
        nonce: Option<[u8; 32]>,
    ) -> (Fetched, Reading) {
        let Some(body) = fetched.body.clone() else { return (fetched, Reading::default()) };
        let now = SystemTime::now();
        let nonce = nonce.map(|nonce| nonce.to_vec());
        let reading =
            off_the_reactor(move || inquiry::read_ocsp(&body, &question, nonce.as_deref(), now)).await;
        // Without nextUpdate there is newer information at any time (RFC 6960 §4.2.2.1).
        if let Some(validity) = validity(&reading).filter(|validity| validity.next_update.is_some()) {
            self.keep(&ask, &fetched, validity).await;
        }
        (fetched, reading)
    }

    async fn keep(&self, ask: &fetcher::Ask, fetched: &Fetched, validity: Validity) {
        if self.accept_cached {
            self.fetcher.keep(ask, fetched, validity).await;
        }
    }

    fn remembered(&self, digest: [u8; 32], questions: &[Question], now: SystemTime) -> Option<Reading> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut reading = Reading::default();
        for question in questions {
            let known = answers.get(&(digest, question.about.clone(), question.pointer.clone()));
            let (said, validity) = known.filter(|(_, validity)| holds(validity, now))?;
            reading.said.push((question.about.clone(), said.clone()));
            reading.validity = Some(inquiry::Validity {
                this_update: validity.this_update?,
                next_update: validity.next_update,
            });
        }
        (!questions.is_empty()).then_some(reading)
    }

    fn remember(&self, digest: [u8; 32], questions: &[Question], reading: &Reading, validity: Validity) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.len() + questions.len() > REMEMBERED {
            answers.clear();
        }
        for question in questions {
            let said = reading.said.iter().find(|(about, _)| *about == question.about);
            if let Some((_, said @ Said::Crl(Ok(_)))) = said {
                let asked = (digest, question.about.clone(), question.pointer.clone());
                answers.insert(asked, (said.clone(), validity));
            }
        }
    }
}

fn validity(reading: &Reading) -> Option<Validity> {
    let validity = reading.validity?;
    Some(Validity { this_update: Some(validity.this_update), next_update: validity.next_update })
}

/// Whether an answer read earlier is still what reading would give now.
fn holds(validity: &Validity, now: SystemTime) -> bool {
    let begun = validity.this_update.is_some_and(|this_update| this_update <= now + SKEW);
    begun && validity.next_update.is_some_and(|next_update| now <= next_update)
}

/// Verifying takes milliseconds in which nothing else would happen.
async fn off_the_reactor(read: impl FnOnce() -> Reading + Send + 'static) -> Reading {
    let unread = |_| Reading { trouble: Some("it could not be read".to_string()), ..Reading::default() };
    spawn_blocking(read).await.unwrap_or_else(unread)
}
