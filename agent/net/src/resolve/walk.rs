//! Follows the CNAME chain of one name at one server (RFC 1034 §3.6.2), over as many questions as it takes.
//!
//! In: messages. Out: the chain with the TTLs as sent, the addresses, the outcome. [`read`] is pure.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use closedpath_core::observation::{Answer, Cname, DnsStatus};
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{Name, RData, RecordType};

use super::exchange::ask;

/// The longest chain that is followed.
pub const MAX_LINKS: usize = 16;

/// The way from the name asked for to the one whose records are wanted now.
#[derive(Debug, Clone)]
pub struct Trail {
    /// The links so far.
    pub links: Vec<Cname>,
    current: Name,
    start: Name,
}

/// What a message adds to the trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// The addresses at the end of the chain.
    Addresses(Vec<Answer>),
    /// The chain went on and stopped without saying what is at its end: ask for that.
    Follow,
    /// Nothing more will come, for this reason.
    End(DnsStatus, String),
}

/// What one server says about one name in one address family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FamilyView {
    pub server: Option<SocketAddr>,
    pub status: DnsStatus,
    pub cname: Vec<Cname>,
    pub answers: Vec<Answer>,
    pub text: String,
}

impl Trail {
    /// Begins at `name`.
    pub fn new(name: Name) -> Self {
        Self { links: Vec::new(), current: name.clone(), start: name }
    }

    fn step(&mut self, target: &Name, ttl: u32) -> Option<Read> {
        self.links.push(Cname { name: text(&self.current), target: text(target), ttl });
        let target_text = text(target);
        let seen = self.links.iter().any(|link| link.name == target_text) || target_text == text(&self.start);
        if seen {
            let words = format!("the CNAME chain comes back to {target_text}");
            return Some(Read::End(DnsStatus::Loop, words));
        }
        if self.links.len() >= MAX_LINKS {
            let words = format!("the CNAME chain is longer than {MAX_LINKS} links");
            return Some(Read::End(DnsStatus::Loop, words));
        }
        self.current = target.clone();
        None
    }
}

/// Walks `name` at `server` until there are addresses, an end, or `deadline`.
pub(super) async fn follow(
    server: SocketAddr,
    name: &Name,
    kind: RecordType,
    deadline: Instant,
) -> FamilyView {
    let mut trail = Trail::new(name.clone());
    loop {
        let message = match ask(server, &trail.current, kind, deadline).await {
            Ok(message) => message,
            Err(words) => return view(None, DnsStatus::Timeout, trail, Vec::new(), words),
        };
        match read(&message, &mut trail, kind) {
            Read::Addresses(answers) => {
                return view(Some(server), DnsStatus::Ok, trail, answers, String::new());
            }
            Read::Follow => {}
            Read::End(status, words) => {
                let words = if words.is_empty() { words } else { format!("{server}: {words}") };
                return view(Some(server), status, trail, Vec::new(), words);
            }
        }
    }
}

/// Tells a loop from other failures of a recursive server: follows the chain link by link, asking for CNAMEs alone.
///
/// Gives the trail seen, and whether it loops.
pub(super) async fn follow_links(
    server: SocketAddr,
    name: &Name,
    deadline: Instant,
) -> (Trail, Option<String>) {
    let mut trail = Trail::new(name.clone());
    while let Ok(message) = ask(server, &trail.current, RecordType::CNAME, deadline).await {
        match read(&message, &mut trail, RecordType::CNAME) {
            Read::Follow => {}
            Read::End(DnsStatus::Loop, words) => return (trail, Some(words)),
            Read::End(..) | Read::Addresses(_) => break,
        }
    }
    (trail, None)
}

/// Takes from `message` what it says about the trail's end.
pub fn read(message: &Message, trail: &mut Trail, kind: RecordType) -> Read {
    let before = trail.links.len();
    while let Some((target, ttl)) = cname_of(message, &trail.current) {
        if let Some(end) = trail.step(&target, ttl) {
            return end;
        }
    }
    let answers = addresses_of(message, &trail.current, kind);
    if !answers.is_empty() {
        return Read::Addresses(answers);
    }
    let code = message.metadata.response_code;
    match code {
        ResponseCode::NXDomain => Read::End(DnsStatus::Nxdomain, String::new()),
        ResponseCode::NoError if trail.links.len() > before && !closes(message, &trail.current) => {
            Read::Follow
        }
        ResponseCode::NoError if is_referral(message) => Read::End(
            DnsStatus::Servfail,
            "only refers to other servers: it does not resolve for its clients".to_owned(),
        ),
        ResponseCode::NoError => Read::End(DnsStatus::Nodata, String::new()),
        ResponseCode::Refused => Read::End(DnsStatus::Refused, "REFUSED".to_owned()),
        ResponseCode::ServFail => Read::End(DnsStatus::Servfail, "SERVFAIL".to_owned()),
        other => Read::End(DnsStatus::Servfail, format!("answered {other} (RCODE {})", u16::from(other))),
    }
}

/// A name as reports show it: lower case, without the final dot.
pub(super) fn text(name: &Name) -> String {
    let mut text = name.to_lowercase().to_ascii();
    if text.len() > 1 && text.ends_with('.') {
        text.pop();
    }
    text
}

fn view(
    server: Option<SocketAddr>,
    status: DnsStatus,
    trail: Trail,
    answers: Vec<Answer>,
    text: String,
) -> FamilyView {
    FamilyView { server, status, cname: trail.links, answers, text }
}

fn cname_of(message: &Message, owner: &Name) -> Option<(Name, u32)> {
    message.answers.iter().find_map(|record| match &record.data {
        RData::CNAME(target) if record.name.eq_ignore_root(owner) => Some((target.0.clone(), record.ttl)),
        _ => None,
    })
}

fn addresses_of(message: &Message, owner: &Name, kind: RecordType) -> Vec<Answer> {
    let of_owner = message.answers.iter().filter(|record| record.name.eq_ignore_root(owner));
    of_owner
        .filter_map(|record| {
            let ip: IpAddr = match &record.data {
                RData::A(ip) if kind == RecordType::A => ip.0.into(),
                RData::AAAA(ip) if kind == RecordType::AAAA => ip.0.into(),
                _ => return None,
            };
            Some(Answer { ip, ttl: record.ttl })
        })
        .collect()
}

/// Whether the message itself says that there is nothing at `name` (RFC 2308 §2.2: NODATA carries the zone's SOA).
fn closes(message: &Message, name: &Name) -> bool {
    let mut soas = message.authorities.iter().filter(|record| record.record_type() == RecordType::SOA);
    soas.any(|record| record.name.zone_of(name))
}

fn is_referral(message: &Message) -> bool {
    let metadata = &message.metadata;
    let has = |kind| message.authorities.iter().any(|record| record.record_type() == kind);
    !metadata.authoritative && !metadata.recursion_available && has(RecordType::NS) && !has(RecordType::SOA)
}

#[cfg(test)]
mod tests {
    use hickory_proto::op::OpCode;
    use hickory_proto::rr::Record;
    use hickory_proto::rr::rdata::{A, CNAME, SOA};

    use super::*;

    fn name(text: &str) -> Name {
        Name::from_ascii(text).unwrap()
    }

    fn cname(owner: &str, ttl: u32, target: &str) -> Record {
        Record::from_rdata(name(owner), ttl, RData::CNAME(CNAME(name(target))))
    }

    fn a(owner: &str, ttl: u32, ip: [u8; 4]) -> Record {
        Record::from_rdata(name(owner), ttl, RData::A(A(ip.into())))
    }

    fn message(code: ResponseCode, answers: Vec<Record>) -> Message {
        let mut message = Message::response(1, OpCode::Query);
        message.metadata.response_code = code;
        message.answers = answers;
        message
    }

    fn read_from(start: &str, message: &Message) -> (Read, Vec<(String, String, u32)>) {
        let mut trail = Trail::new(name(start));
        let read = read(message, &mut trail, RecordType::A);
        let links = trail.links.into_iter().map(|link| (link.name, link.target, link.ttl)).collect();
        (read, links)
    }

    fn link(owner: &str, target: &str, ttl: u32) -> (String, String, u32) {
        (owner.to_owned(), target.to_owned(), ttl)
    }

    #[test]
    fn a_whole_chain_is_read_in_query_order_with_its_own_ttls_whatever_the_order_of_records() {
        let answer = message(
            ResponseCode::NoError,
            vec![
                a("cluster.example.", 10, [203, 0, 113, 1]),
                cname("Acct.blob.example.", 300, "acct.privatelink.example."),
                cname("acct.privatelink.EXAMPLE.", 40, "cluster.example."),
            ],
        );
        let (read, links) = read_from("acct.blob.example", &answer);
        let ip = "203.0.113.1".parse().unwrap();
        assert_eq!(read, Read::Addresses(vec![Answer { ip, ttl: 10 }]));
        assert_eq!(
            links,
            [
                link("acct.blob.example", "acct.privatelink.example", 300),
                link("acct.privatelink.example", "cluster.example", 40)
            ]
        );
    }

    #[test]
    fn a_chain_that_stops_short_is_followed_unless_the_zone_says_that_there_is_nothing() {
        let mut answer = message(ResponseCode::NoError, vec![cname("a.example.", 60, "b.example.")]);
        assert_eq!(read_from("a.example", &answer).0, Read::Follow);
        let soa = SOA::new(name("ns.example."), name("admin.example."), 1, 1, 1, 1, 1);
        answer.add_authority(Record::from_rdata(name("example."), 60, RData::SOA(soa)));
        assert_eq!(read_from("a.example", &answer).0, Read::End(DnsStatus::Nodata, String::new()));
    }

    #[test]
    fn a_dangling_cname_is_nxdomain_with_its_chain() {
        let answer = message(ResponseCode::NXDomain, vec![cname("a.example.", 60, "gone.example.")]);
        let (read, links) = read_from("a.example", &answer);
        assert_eq!(read, Read::End(DnsStatus::Nxdomain, String::new()));
        assert_eq!(links, [link("a.example", "gone.example", 60)]);
    }

    #[test]
    fn a_chain_that_comes_back_is_a_loop() {
        let answer = message(
            ResponseCode::NoError,
            vec![cname("a.example.", 60, "b.example."), cname("b.example.", 60, "A.example.")],
        );
        let (read, links) = read_from("a.example", &answer);
        assert_eq!(read, Read::End(DnsStatus::Loop, "the CNAME chain comes back to a.example".to_owned()));
        assert_eq!(links.len(), 2);
    }

    #[test]
    fn a_chain_of_seventeen_links_is_cut_after_sixteen() {
        let links = (0..17).map(|n| cname(&format!("n{n}.example."), 60, &format!("n{}.example.", n + 1)));
        let (read, seen) = read_from("n0.example", &message(ResponseCode::NoError, links.collect()));
        assert!(matches!(read, Read::End(DnsStatus::Loop, _)));
        assert_eq!(seen.len(), 16);
    }

    #[test]
    fn an_unusual_code_is_a_failure_with_its_name() {
        let (read, _) = read_from("a.example", &message(ResponseCode::NotImp, Vec::new()));
        let Read::End(DnsStatus::Servfail, words) = read else { panic!("{read:?}") };
        assert_eq!(words, "answered Not Implemented (RCODE 4)");
    }

    #[test]
    fn addresses_of_other_names_do_not_count() {
        let answer = message(ResponseCode::NoError, vec![a("other.example.", 10, [203, 0, 113, 1])]);
        assert_eq!(read_from("a.example", &answer).0, Read::End(DnsStatus::Nodata, String::new()));
    }
}
