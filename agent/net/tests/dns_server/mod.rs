//! A DNS responder for odd answers, on loopback: UDP and TCP at one port. In: a function from query to answers.
#![allow(dead_code, clippy::unwrap_used)]

use std::net::SocketAddr;
use std::sync::Arc;

use hickory_proto::op::{Message, MessageType, OpCode, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CNAME};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinSet;

/// Answers until it is dropped.
pub struct DnsServer {
    pub address: SocketAddr,
    _tasks: JoinSet<()>,
}

/// What the responder is asked.
pub struct Asked {
    pub name: String,
    pub kind: RecordType,
    pub tcp: bool,
}

impl DnsServer {
    /// `answer` fills in the response; `false` keeps silent.
    pub async fn start(answer: impl Fn(&Asked, &mut Message) -> bool + Send + Sync + 'static) -> Self {
        let (udp, tcp) = loop {
            let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
            if let Ok(udp) = UdpSocket::bind(tcp.local_addr().unwrap()).await {
                break (udp, tcp);
            }
        };
        let address = udp.local_addr().unwrap();
        let answer = Arc::new(answer);
        let mut tasks = JoinSet::new();
        let on_udp = Arc::clone(&answer);
        tasks.spawn(async move {
            let mut buffer = [0; 4096];
            while let Ok((length, from)) = udp.recv_from(&mut buffer).await {
                if let Some(bytes) = respond(&buffer[..length], false, &*on_udp) {
                    udp.send_to(&bytes, from).await.unwrap();
                }
            }
        });
        tasks.spawn(async move {
            while let Ok((mut stream, _)) = tcp.accept().await {
                let length = stream.read_u16().await.unwrap();
                let mut buffer = vec![0; length.into()];
                stream.read_exact(&mut buffer).await.unwrap();
                if let Some(bytes) = respond(&buffer, true, &*answer) {
                    stream.write_u16(bytes.len().try_into().unwrap()).await.unwrap();
                    stream.write_all(&bytes).await.unwrap();
                }
            }
        });
        Self { address, _tasks: tasks }
    }
}

fn respond(query: &[u8], tcp: bool, answer: &dyn Fn(&Asked, &mut Message) -> bool) -> Option<Vec<u8>> {
    let query = Message::from_vec(query).unwrap();
    let question = query.queries[0].clone();
    let asked = Asked {
        name: question.name().to_lowercase().to_ascii().trim_end_matches('.').to_owned(),
        kind: question.query_type(),
        tcp,
    };
    let mut response = Message::new(query.metadata.id, MessageType::Response, OpCode::Query);
    response.metadata.recursion_available = true;
    response.add_query(question);
    answer(&asked, &mut response).then(|| response.to_vec().unwrap())
}

pub fn code(response: &mut Message, code: ResponseCode) {
    response.metadata.response_code = code;
}

pub fn cname(response: &mut Message, owner: &str, ttl: u32, target: &str) {
    let data = RData::CNAME(CNAME(Name::from_ascii(target).unwrap()));
    response.add_answer(Record::from_rdata(Name::from_ascii(owner).unwrap(), ttl, data));
}

pub fn address(response: &mut Message, owner: &str, ttl: u32, ip: &str) {
    let data = match ip.parse().unwrap() {
        std::net::IpAddr::V4(ip) => RData::A(A(ip)),
        std::net::IpAddr::V6(ip) => RData::AAAA(AAAA(ip)),
    };
    response.add_answer(Record::from_rdata(Name::from_ascii(owner).unwrap(), ttl, data));
}
