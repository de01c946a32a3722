//! Resolution against responders on loopback that give odd answers. (Real servers are in the lab.)
#![allow(clippy::unwrap_used)]

mod dns_server;

use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use closedpath_core::config::{Resolver, ResolverServer};
use closedpath_core::observation::{DnsObservation, DnsStatus, DnsView};
use closedpath_net::Resolvers;
use dns_server::{DnsServer, address, cname, code};
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

const TIMEOUT: Duration = Duration::from_secs(2);

fn resolver(name: &str, servers: &[SocketAddr]) -> Resolver {
    let servers = servers.iter().map(|server| ResolverServer::Address(*server)).collect();
    Resolver { name: name.to_owned(), servers }
}

async fn observe(servers: &[SocketAddr], name: &str) -> DnsView {
    let resolvers = Resolvers::new(&[resolver("onprem", servers)], TIMEOUT).unwrap();
    let DnsObservation { mut views, .. } = resolvers.observe(name).await;
    assert_eq!(views.len(), 1);
    views.remove(0)
}

fn ips(view: &DnsView) -> Vec<String> {
    view.answers.iter().map(|answer| format!("{} {}", answer.ip, answer.ttl)).collect()
}

fn chain(view: &DnsView) -> Vec<String> {
    view.cname.iter().map(|link| format!("{} {} {}", link.name, link.ttl, link.target)).collect()
}

/// Both families of the end of a chain that is given in two parts.
async fn in_two_parts() -> DnsServer {
    DnsServer::start(|asked, response| {
        match (asked.name.as_str(), asked.kind) {
            ("acct.example", _) => cname(response, "acct.example.", 300, "acct.privatelink.example."),
            ("acct.privatelink.example", RecordType::A) => {
                address(response, "acct.privatelink.example.", 40, "10.100.1.4");
            }
            ("acct.privatelink.example", RecordType::AAAA) => {
                address(response, "acct.privatelink.example.", 41, "2001:db8::4");
            }
            _ => code(response, ResponseCode::NXDomain),
        }
        true
    })
    .await
}

#[tokio::test]
async fn a_chain_in_parts_is_put_together_with_the_ttls_as_sent() {
    let server = in_two_parts().await;
    let view = observe(&[server.address], "ACCT.example.").await;
    assert_eq!((view.status, view.text.as_str()), (DnsStatus::Ok, ""));
    assert_eq!(view.server, Some(server.address));
    assert_eq!(chain(&view), ["acct.example 300 acct.privatelink.example"]);
    assert_eq!(ips(&view), ["10.100.1.4 40", "2001:db8::4 41"]);
}

#[tokio::test]
async fn several_resolvers_are_asked_at_once_and_stand_in_their_order() {
    let server = in_two_parts().await;
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let specs = [resolver("dead", &[silent.local_addr().unwrap()]), resolver("live", &[server.address])];
    let began = Instant::now();
    let observation = Resolvers::new(&specs, TIMEOUT).unwrap().observe("acct.example").await;
    assert!(began.elapsed() < TIMEOUT * 2);
    let seen: Vec<_> = observation.views.iter().map(|view| (view.resolver.as_str(), view.status)).collect();
    assert_eq!(seen, [("dead", DnsStatus::Timeout), ("live", DnsStatus::Ok)]);
    assert_eq!(
        observation.views[0].text,
        format!("{}: no answer within 2.0 s", silent.local_addr().unwrap())
    );
}

#[tokio::test]
async fn the_second_server_is_asked_when_the_first_is_silent_and_the_text_says_so() {
    let server = in_two_parts().await;
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let view = observe(&[silent.local_addr().unwrap(), server.address], "acct.example").await;
    assert_eq!((view.status, view.server), (DnsStatus::Ok, Some(server.address)));
    assert!(view.text.contains("no answer within 1.0 s"), "{}", view.text);
    assert!(view.took < TIMEOUT);
}

#[tokio::test]
async fn a_closed_port_is_noticed_at_once() {
    let closed = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let view = observe(&[closed], "acct.example").await;
    assert_eq!(view.status, DnsStatus::Timeout);
    assert_eq!(view.text, format!("{closed}: nothing listens there (ICMP port unreachable)"));
    assert!(view.took < Duration::from_millis(500));
}

#[tokio::test]
async fn refused_and_servfail_lead_to_the_next_server_and_nxdomain_does_not() {
    let refusing = DnsServer::start(|_, response| {
        code(response, ResponseCode::Refused);
        true
    });
    let (refusing, good) = tokio::join!(refusing, in_two_parts());
    let view = observe(&[refusing.address, good.address], "acct.example").await;
    assert_eq!(view.status, DnsStatus::Ok);
    assert_eq!(view.text, format!("{}: REFUSED", refusing.address));
    let view = observe(&[good.address, refusing.address], "gone.example").await;
    assert_eq!((view.status, view.server), (DnsStatus::Nxdomain, Some(good.address)));
    let view = observe(&[refusing.address], "acct.example").await;
    assert_eq!(view.status, DnsStatus::Refused);
}

#[tokio::test]
async fn a_truncated_answer_is_fetched_over_tcp() {
    let server = DnsServer::start(|asked, response| {
        if asked.tcp {
            for last in 1..=120 {
                address(response, "big.example.", 60, &format!("203.0.113.{last}"));
            }
        } else {
            response.metadata.truncation = true;
        }
        true
    })
    .await;
    let view = observe(&[server.address], "big.example").await;
    assert_eq!((view.status, view.answers.len()), (DnsStatus::Ok, 120));
}

#[tokio::test]
async fn a_loop_that_the_server_calls_servfail_is_told_apart_by_following_its_links() {
    let server = DnsServer::start(|asked, response| {
        match (asked.name.as_str(), asked.kind) {
            ("a.example", RecordType::CNAME) => cname(response, "a.example.", 60, "b.example."),
            ("b.example", RecordType::CNAME) => cname(response, "b.example.", 60, "a.example."),
            _ => code(response, ResponseCode::ServFail),
        }
        true
    })
    .await;
    let view = observe(&[server.address], "a.example").await;
    assert_eq!(view.status, DnsStatus::Loop);
    assert_eq!(chain(&view), ["a.example 60 b.example", "b.example 60 a.example"]);
    assert!(view.text.contains("SERVFAIL; the CNAME chain comes back to a.example"), "{}", view.text);
}

#[tokio::test]
async fn a_plain_servfail_stays_one() {
    let server = DnsServer::start(|_, response| {
        code(response, ResponseCode::ServFail);
        true
    })
    .await;
    let view = observe(&[server.address], "a.example").await;
    assert_eq!((view.status, view.text), (DnsStatus::Servfail, format!("{}: SERVFAIL", server.address)));
}

#[tokio::test]
async fn a_reply_with_another_id_is_not_believed() {
    let server = DnsServer::start(|asked, response| {
        address(response, &asked.name, 60, "203.0.113.66");
        response.metadata.id ^= 1;
        true
    })
    .await;
    let view = observe(&[server.address], "a.example").await;
    assert_eq!(view.status, DnsStatus::Timeout);
    assert!(view.text.contains("sent a reply to another question"), "{}", view.text);
}

#[tokio::test]
async fn nodata_is_told_from_nxdomain_and_a_dangling_target_keeps_its_chain() {
    let server = DnsServer::start(|asked, response| {
        match asked.name.as_str() {
            "empty.example" => {}
            "dangling.example" => {
                cname(response, "dangling.example.", 60, "gone.example.");
                code(response, ResponseCode::NXDomain);
            }
            _ => code(response, ResponseCode::NXDomain),
        }
        true
    })
    .await;
    assert_eq!(observe(&[server.address], "empty.example").await.status, DnsStatus::Nodata);
    assert_eq!(observe(&[server.address], "gone.example").await.status, DnsStatus::Nxdomain);
    let view = observe(&[server.address], "dangling.example").await;
    assert_eq!(view.status, DnsStatus::Nxdomain);
    assert_eq!(chain(&view), ["dangling.example 60 gone.example"]);
}

#[tokio::test]
async fn an_address_is_its_own_answer() {
    for (text, ip) in [("203.0.113.7", "203.0.113.7 0"), ("[2001:db8::7]", "2001:db8::7 0")] {
        let view = observe(&["127.0.0.1:9".parse().unwrap()], text).await;
        assert_eq!((view.resolver.as_str(), view.status), ("literal", DnsStatus::Ok));
        assert_eq!(ips(&view), [ip]);
    }
}

#[tokio::test]
async fn a_text_that_is_no_name_is_not_asked_for() {
    let long = "a".repeat(64);
    let view = observe(&["127.0.0.1:9".parse().unwrap()], &long).await;
    assert_eq!(view.status, DnsStatus::Nxdomain);
    assert!(view.text.contains("is not a domain name"), "{}", view.text);
}

#[tokio::test]
async fn the_systems_hosts_file_stands_before_its_servers() {
    let specs = [Resolver { name: "sys".to_owned(), servers: vec![ResolverServer::System] }];
    let resolvers = Resolvers::new(&specs, TIMEOUT).unwrap();
    let view = resolvers.observe("localhost").await.views.remove(0);
    assert_eq!((view.resolver.as_str(), view.status), ("hosts", DnsStatus::Ok));
    assert!(view.answers.iter().all(|answer| answer.ip.is_loopback() && answer.ttl == 0));
    assert!(resolvers.servers().iter().all(|(name, at)| name == "sys" && at.port() == 53));
}

#[test]
fn a_resolver_without_a_server_is_an_error_that_names_it() {
    let error = Resolvers::new(&[resolver("empty", &[])], TIMEOUT).unwrap_err();
    assert!(error.to_string().starts_with("resolver \"empty\" has no server"), "{error}");
}
