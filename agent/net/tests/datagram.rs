//! Datagram exchanges with small servers on loopback, and ICMP echo in a namespace without capabilities.
#![allow(clippy::unwrap_used)]

mod dns_server;
mod netns;

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use closedpath_core::failure::{Code, Step};
use closedpath_core::observation::Contact;
use closedpath_net::{dns_ping, icmp_ping, ntp_ping, stun_ping};
use hickory_proto::op::ResponseCode;
use netns::{Namespaces, inside};
use tokio::net::UdpSocket;
use tokio::task::JoinSet;

const TIMEOUT: Duration = Duration::from_secs(3);

/// Answers each datagram with what `answer` makes of it, until dropped.
struct Server {
    address: SocketAddr,
    _task: JoinSet<()>,
}

impl Server {
    async fn start(mut answer: impl FnMut(&[u8], SocketAddr) -> Option<Vec<u8>> + Send + 'static) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut buffer = [0; 2048];
            while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                if let Some(bytes) = answer(&buffer[..length], from) {
                    socket.send_to(&bytes, from).await.unwrap();
                }
            }
        });
        Self { address, _task: task }
    }
}

/// A server's reply to an NTP request: mode 4, stratum 2, our transmit stamp as origin.
fn ntp_reply(request: &[u8]) -> Vec<u8> {
    assert_eq!((request.len(), request[0]), (48, 0x23), "version 4, mode 3");
    let mut reply = vec![0; 48];
    (reply[0], reply[1]) = (0x24, 2);
    reply[24..32].copy_from_slice(&request[40..48]);
    reply
}

fn code(contact: &Contact) -> (Step, Code) {
    let failure = contact.failure().unwrap();
    (failure.step, failure.code)
}

#[tokio::test]
async fn an_ntp_server_is_contacted_and_our_side_is_told() {
    let server = Server::start(|request, _| Some(ntp_reply(request))).await;
    let Contact::Made(contacted) = ntp_ping(server.address, TIMEOUT).await else { panic!("no contact") };
    assert!(contacted.local.unwrap().ip().is_loopback());
    assert!(!contacted.took.is_zero());
}

#[tokio::test]
async fn a_lost_request_is_sent_again() {
    let mut seen = 0;
    let server = Server::start(move |request, _| {
        seen += 1;
        (seen > 1).then(|| ntp_reply(request))
    })
    .await;
    assert!(ntp_ping(server.address, TIMEOUT).await.made());
}

#[tokio::test]
async fn an_answer_of_another_protocol_is_not_contact() {
    let server = Server::start(|request, _| Some(request.to_vec())).await;
    let contact = ntp_ping(server.address, Duration::from_millis(200)).await;
    assert_eq!(code(&contact), (Step::Datagram, Code::Protocol));
    let words = &contact.failure().unwrap().text;
    assert!(words.contains("does not answer our NTP question"), "{words}");
}

#[tokio::test]
async fn silence_times_out_and_a_closed_port_refuses_at_once() {
    let server = Server::start(|_, _| None).await;
    let contact = ntp_ping(server.address, Duration::from_millis(200)).await;
    assert_eq!(code(&contact), (Step::Datagram, Code::Timeout));
    let closed = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let began = Instant::now();
    let contact = dns_ping(closed, TIMEOUT).await;
    assert_eq!(code(&contact), (Step::Datagram, Code::Refused));
    assert!(began.elapsed() < Duration::from_millis(200));
    let words = &contact.failure().unwrap().text;
    assert!(words.contains("answered \"port unreachable\""), "{words}");
}

#[tokio::test]
async fn a_dns_server_that_refuses_is_contact_all_the_same() {
    let server = dns_server::DnsServer::start(|_, response| {
        dns_server::code(response, ResponseCode::Refused);
        true
    })
    .await;
    assert!(dns_ping(server.address, TIMEOUT).await.made());
}

#[tokio::test]
async fn stun_gives_our_address_as_the_server_saw_it() {
    let server = Server::start(|request, from| {
        let SocketAddr::V4(from) = from else { return None };
        let mut value: Vec<u8> = vec![0, 1];
        value.extend((from.port() ^ 0x2112).to_be_bytes());
        value.extend(from.ip().octets().iter().zip([0x21, 0x12, 0xa4, 0x42]).map(|(byte, mask)| byte ^ mask));
        Some([&[1, 1, 0, 12], &request[4..20], &[0, 0x20, 0, 8], &value[..]].concat())
    })
    .await;
    let (contact, mapped) = stun_ping(server.address, TIMEOUT).await;
    let Contact::Made(contacted) = contact else { panic!("no contact") };
    assert_eq!(mapped, contacted.local);
}

#[test]
fn echo_works_through_ping_and_raw_sockets_and_its_absence_is_explained() {
    let test = "echo_works_through_ping_and_raw_sockets_and_its_absence_is_explained";
    if inside() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        return runtime.block_on(echo());
    }
    let spaces = Namespaces::new("echo", &["host", "far"]);
    spaces.cable(("host", "eth"), ("far", "eth"));
    spaces.ip("host", "addr add 10.99.1.1/24 dev eth\naddr add fd99:1::1/64 dev eth nodad\n");
    spaces.ip("far", "addr add 10.99.1.2/24 dev eth\naddr add fd99:1::2/64 dev eth nodad\n");
    // A directly connected router that knows no way further says so.
    spaces.ip("host", "route add 203.0.113.0/24 via 10.99.1.2\n");
    spaces.forward(&["far"]);
    spaces.sysctl("host", "net.ipv4.ping_group_range=1 0");
    spaces.run_test("host", test);
    spaces.run_test_with("host", test, "-all,+net_raw");
    spaces.sysctl("host", "net.ipv4.ping_group_range=0 0");
    spaces.run_test("host", test);
}

async fn echo() {
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ping_group_range").unwrap();
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let open = range.starts_with('0') || !status.contains("CapEff:\t0000000000000000");
    for to in ["10.99.1.2", "fd99:1::2"] {
        let (contact, series) = icmp_ping(to.parse().unwrap(), TIMEOUT).await;
        if open {
            assert!(contact.made(), "{contact:?}");
            let series = series.unwrap();
            assert_eq!((series.sent, series.answered), (5, 5), "{series:?}");
            assert!(series.mean > Duration::ZERO && series.mean < TIMEOUT, "{series:?}");
        } else {
            assert_eq!(series, None);
            assert_eq!(code(&contact), (Step::Datagram, Code::NotPermitted));
            let words = &contact.failure().unwrap().text;
            assert!(words.contains("net.ipv4.ping_group_range"), "{words}");
        }
    }
    if open {
        let (contact, _) = icmp_ping("203.0.113.9".parse::<IpAddr>().unwrap(), TIMEOUT).await;
        assert_eq!(code(&contact), (Step::Datagram, Code::NetUnreachable));
        let words = &contact.failure().unwrap().text;
        assert!(words.contains("10.99.1.2 answered \"network unreachable\""), "{words}");
    }
}

#[test]
fn a_series_of_echoes_tells_how_many_are_lost_and_one_answer_is_contact() {
    let test = "a_series_of_echoes_tells_how_many_are_lost_and_one_answer_is_contact";
    if inside() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (contact, series) = runtime.block_on(icmp_ping("10.99.2.2".parse().unwrap(), TIMEOUT));
        assert!(contact.made(), "{contact:?}");
        let series = series.unwrap();
        assert_eq!((series.sent, series.answered), (5, 3), "{series:?}");
        return;
    }
    let spaces = Namespaces::new("lossy", &["host", "far"]);
    spaces.cable(("host", "eth"), ("far", "eth"));
    spaces.ip("host", "addr add 10.99.2.1/24 dev eth\n");
    spaces.ip("far", "addr add 10.99.2.2/24 dev eth\n");
    spaces.sysctl("host", "net.ipv4.ping_group_range=0 0");
    // The first and the fourth of five.
    spaces.nft(
        "far",
        "table inet loss { chain input { type filter hook input priority 0; icmp type echo-request numgen inc mod 3 == 0 drop; }; }",
    );
    spaces.run_test("host", test);
}
