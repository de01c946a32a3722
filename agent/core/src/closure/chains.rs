//! Chains and the certificates in them: R3, R4, R5 as reactions to what is presented and what caIssuers URLs bring.

use std::collections::{BTreeMap, BTreeSet};

use super::member::Chain;
use super::urls;
use super::worklist::Closure;
use crate::observation::{PathCheck, TlsObservation};
use crate::pki::inquiry::Question;
use crate::pki::{self, Above, CertificateFacts, Pool, aia};
use crate::target::{EndpointKey, Origin};

impl Closure<'_> {
    /// R3, R4, R5: the certificates of a presented chain lead to CA hosts.
    pub(super) fn presented(&mut self, key: &EndpointKey, tls: &TlsObservation) {
        let read: Vec<_> = tls.chain.iter().filter_map(|der| Some((der, pki::read(der)?))).collect();
        if read.len() < tls.chain.len() {
            self.picture.truncated.insert(format!("{key} presents a certificate that cannot be read"));
        }
        let facts: Vec<CertificateFacts> = read.iter().map(|(_, facts)| facts.clone()).collect();
        let certificates: Vec<String> = facts.iter().map(|facts| facts.sha256.clone()).collect();
        let incomplete = !matches!(tls.path, Some(PathCheck::Trusted)) && !pki::is_complete(&facts);
        let Some(member) = self.picture.members.get_mut(key) else { return };
        if certificates.is_empty() || member.chains.iter().any(|chain| chain.certificates == certificates) {
            return;
        }
        let depth = member.depth.saturating_add(1);
        let (completed, anchors) = Default::default();
        member.chains.push(Chain { certificates: certificates.clone(), incomplete, completed, anchors });
        for (der, facts) in read {
            self.learn(facts, der);
        }
        for sha256 in &certificates {
            self.follow(sha256, depth, key);
        }
        let anchors = self.picture.pool.above(&certificates, |_| false).anchors;
        let chains = self.picture.members.get_mut(key).map(|member| &mut member.chains);
        if let Some(chain) = chains.into_iter().flatten().find(|chain| chain.certificates == certificates) {
            chain.anchors = anchors;
        }
        if incomplete {
            self.complete();
        }
    }

    /// Takes a certificate into the picture, and asks about those that have their issuer with it.
    pub(super) fn learn(&mut self, facts: CertificateFacts, der: &[u8]) {
        let found = self.picture.pool.add(&facts.sha256, der);
        self.picture.certificates.insert(facts.sha256.clone(), facts);
        for sha256 in found {
            self.ask_about(&sha256);
        }
    }

    /// The URLs of a certificate become members; `from` is who presents it, or led to it.
    pub(super) fn follow(&mut self, sha256: &str, depth: u8, from: &EndpointKey) {
        let Some(facts) = self.picture.certificates.get(sha256).cloned() else { return };
        self.picture.unfetchable.extend(pki::unfetchable(&facts).into_iter().map(str::to_string));
        for extension in facts.unreadable.iter().filter(|_| !facts.self_signed) {
            let text = format!("{from} presents a certificate whose {extension} cannot be read");
            self.picture.truncated.insert(text);
        }
        let mut admitted = Vec::new();
        for (url, kind) in pointers(&facts) {
            let Some(link) = urls::parse(url, kind, None) else {
                self.picture.unfetchable.insert(url.clone());
                continue;
            };
            let link = link.by(from.via.as_deref()).about(kind, 0, sha256);
            let key = link.key.clone();
            if self.admit(link, (kind, kind), depth, 0, from)
                && let Some(url) = self.picture.urls.get_mut(&key)
            {
                url.askers.insert(sha256.to_string());
                admitted.push(key);
            }
        }
        // With the questions that can be asked now, so that a URL is asked once.
        self.ask_about(sha256);
        for key in admitted {
            self.fetch(&key);
        }
    }

    /// R4: asks every CRL and responder that a certificate points to, on every way, once its issuer is at hand. A trust anchor is not asked
    /// about, nor is one that signed itself.
    fn ask_about(&mut self, sha256: &str) {
        let Some(facts) = self.picture.certificates.get(sha256) else { return };
        let pool = &self.picture.pool;
        let issuer = pool.issuers(sha256).first().and_then(|issuer| pool.der(&issuer.sha256));
        let (Some(issuer), Some(certificate)) = (issuer, pool.der(sha256)) else { return };
        if pool.trust().contains(sha256) {
            return;
        }
        let (issuer, certificate) = (issuer.clone(), certificate.clone());
        let revocation = pointers(facts).filter(|(_, kind)| *kind != Origin::Aia);
        let links = revocation.filter_map(|(url, kind)| Some((url, kind, urls::parse(url, kind, None)?)));
        let ways = &self.picture.ways;
        let asked: Vec<(String, Question)> = links
            .flat_map(|(url, kind, link)| ways.iter().map(move |via| (url, kind, link.clone(), via)))
            .map(|(url, kind, link, via)| {
                let question = Question {
                    about: sha256.to_string(),
                    certificate: certificate.clone(),
                    issuer: issuer.clone(),
                    pointer: url.clone(),
                };
                (link.by(via.as_deref()).about(kind, 0, sha256).key, question)
            })
            .collect();
        for (key, question) in asked {
            self.ask(&key, question);
        }
    }

    /// R5: looks again for the missing issuers of incomplete chains; those that were brought lead further.
    fn complete(&mut self) {
        let brought = self.picture.brought();
        let Self { picture, .. } = self;
        let mut further = Vec::new();
        for (key, member) in &mut picture.members {
            let depth = member.depth.saturating_add(2);
            for chain in member.chains.iter_mut().filter(|chain| chain.incomplete) {
                let above = above(&picture.pool, &brought, &chain.certificates);
                let new = above.issuers.iter().filter(|issuer| !chain.completed.contains(*issuer));
                further.extend(new.map(|issuer| (issuer.clone(), depth, key.clone())));
                (chain.completed, chain.anchors) = (above.issuers, above.anchors);
            }
        }
        for (sha256, depth, key) in further {
            self.follow(&sha256, depth, &key);
        }
    }

    /// R5: certificates out of a caIssuers body; those that issued who points there may complete chains.
    pub(super) fn brought(&mut self, key: &str, body: &[u8]) {
        let Some(url) = self.picture.urls.get_mut(key) else { return };
        let found = match aia::certificates(body) {
            Ok(found) => found,
            Err(error) => return url.trouble = Some(error.to_string()),
        };
        let pool = &self.picture.pool;
        let askers: Vec<Vec<u8>> =
            url.askers.iter().filter_map(|asker| pool.der(asker)).map(|der| der.to_vec()).collect();
        let outcomes =
            askers.iter().map(|asker| aia::issuers(std::slice::from_ref(asker), &found).map(|_| ()));
        let (helped, failed): (Vec<_>, Vec<_>) = outcomes.partition(Result::is_ok);
        if helped.is_empty() {
            url.trouble = failed.into_iter().find_map(Result::err).map(|error| error.to_string());
            return;
        }
        let found: Vec<_> = found.iter().filter_map(|der| Some((pki::read(der)?, der))).collect();
        url.brought = found.iter().map(|(facts, _)| facts.sha256.clone()).collect();
        for (facts, der) in found {
            self.learn(facts, der);
        }
        self.complete();
    }
}

/// What lies above a presented chain, of that which its own caIssuers URLs brought: what another host presents is at hand as
/// well, and no client would have it from there.
fn above(pool: &Pool, brought: &BTreeMap<String, BTreeSet<String>>, presented: &[String]) -> Above {
    let mut above = Above::default();
    loop {
        let links = presented.iter().chain(&above.issuers).filter_map(|link| brought.get(link));
        let may: BTreeSet<&String> = links.flatten().collect();
        let further = pool.above(presented, |issuer| may.contains(&issuer.to_string()));
        if further == above {
            return above;
        }
        above = further;
    }
}

/// The URLs of a certificate, and what each is for; one that signed itself has none to follow.
fn pointers(facts: &CertificateFacts) -> impl Iterator<Item = (&String, Origin)> {
    let crl = facts.crl.iter().flatten().map(|url| (url, Origin::Crl));
    let ocsp = facts.ocsp.iter().map(|url| (url, Origin::Ocsp));
    let issuers = facts.ca_issuers.iter().map(|url| (url, Origin::Aia));
    crl.chain(ocsp).chain(issuers).filter(|_| !facts.self_signed)
}
