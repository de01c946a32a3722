//! One question to one server: UDP first, TCP when the answer was truncated (RFC 7766 §5).
//!
//! In: server, name, type, deadline. Out: the server's message, or words for why there is none. The socket is connected,
//! so a closed port is noticed at once, and only datagrams with our ID and question are looked at (RFC 5452 §9).

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use closedpath_core::failure::Step;
use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{Name, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UdpSocket;
use tokio::time::timeout;

use crate::connect::connect;
use crate::egress::any_address;
use crate::random;

/// What we can take in one datagram without fragments (the DNS flag day's figure).
const PAYLOAD: u16 = 1232;

/// Asks `server` and waits until `deadline`.
pub(super) async fn ask(
    server: SocketAddr,
    name: &Name,
    kind: RecordType,
    deadline: Instant,
) -> Result<Message, String> {
    let answer = exchange(server, name, kind, true, deadline).await?;
    // RFC 6891 §7: a server that does not know EDNS says FORMERR.
    if answer.metadata.response_code == ResponseCode::FormErr {
        return exchange(server, name, kind, false, deadline).await;
    }
    Ok(answer)
}

async fn exchange(
    server: SocketAddr,
    name: &Name,
    kind: RecordType,
    edns: bool,
    deadline: Instant,
) -> Result<Message, String> {
    let query = question(name, kind, edns);
    let bytes = query.to_vec().map_err(|error| format!("{name} cannot be asked: {error}"))?;
    let answer = over_udp(server, &query, &bytes, deadline).await?;
    if answer.metadata.truncation { over_tcp(server, &query, &bytes, deadline).await } else { Ok(answer) }
}

fn question(name: &Name, kind: RecordType, edns: bool) -> Message {
    let mut query = Message::new(u16::from_be_bytes(random::bytes()), MessageType::Query, OpCode::Query);
    query.metadata.recursion_desired = true;
    query.add_query(Query::query(name.clone(), kind));
    if edns {
        let mut options = Edns::new();
        options.set_max_payload(PAYLOAD);
        query.set_edns(options);
    }
    query
}

/// Sends at once and again after half of the time, because one lost datagram is no answer.
async fn over_udp(
    server: SocketAddr,
    query: &Message,
    bytes: &[u8],
    deadline: Instant,
) -> Result<Message, String> {
    let began = Instant::now();
    let socket = open(server).await.map_err(|error| format!("{server}: {error}"))?;
    let half = began + left(deadline) / 2;
    let mut note = None;
    for until in [half, deadline] {
        socket.send(bytes).await.map_err(|error| silence_words(server, &error))?;
        if let Ok(answer) = timeout(left(until), receive(&socket, query, &mut note)).await {
            return answer.map_err(|error| silence_words(server, &error));
        }
    }
    let waited = began.elapsed().as_secs_f32();
    Err(note.map_or_else(
        || format!("{server}: no answer within {waited:.1} s"),
        |note| format!("{server}: {note}, and nothing else within {waited:.1} s"),
    ))
}

async fn open(server: SocketAddr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((any_address(server), 0)).await?;
    socket.connect(server).await?;
    Ok(socket)
}

/// Waits for the datagram that answers `query`; what else arrives is only noted.
async fn receive(socket: &UdpSocket, query: &Message, note: &mut Option<String>) -> io::Result<Message> {
    let mut buffer = [0; 4096];
    loop {
        let length = socket.recv(&mut buffer).await?;
        match Message::from_vec(&buffer[..length]) {
            Ok(answer) if answers(&answer, query) => return Ok(answer),
            Ok(_) => *note = Some("sent a reply to another question".to_owned()),
            Err(error) => *note = Some(format!("sent a reply that cannot be understood ({error})")),
        }
    }
}

async fn over_tcp(
    server: SocketAddr,
    query: &Message,
    bytes: &[u8],
    deadline: Instant,
) -> Result<Message, String> {
    let (mut stream, _) = connect(server, left(deadline))
        .await
        .map_err(|failure| format!("the answer needs TCP, and {}", failure.text))?;
    let exchange = async {
        let length = u16::try_from(bytes.len()).map_err(io::Error::other)?;
        stream.write_all(&[&length.to_be_bytes(), bytes].concat()).await?;
        let length = stream.read_u16().await?;
        let mut buffer = vec![0; length.into()];
        stream.read_exact(&mut buffer).await?;
        Message::from_vec(&buffer).map_err(io::Error::other)
    };
    match timeout(left(deadline), exchange).await {
        Ok(Ok(answer)) if answers(&answer, query) => Ok(answer),
        Ok(Ok(_)) => Err(format!("{server}: sent a reply to another question over TCP")),
        Ok(Err(error)) => Err(format!("{server}: the answer needs TCP, and that failed: {error}")),
        Err(_) => Err(format!("{server}: the answer needs TCP, and none came")),
    }
}

/// Whether this is the answer to that question; an error may leave the question out.
fn answers(answer: &Message, query: &Message) -> bool {
    let same_question = match (answer.queries.as_slice(), query.queries.as_slice()) {
        ([], _) => answer.metadata.response_code != ResponseCode::NoError,
        ([said], [asked]) => {
            said.name().eq_ignore_root(asked.name())
                && said.query_type() == asked.query_type()
                && said.query_class() == asked.query_class()
        }
        _ => false,
    };
    answer.metadata.id == query.metadata.id
        && answer.metadata.message_type == MessageType::Response
        && same_question
}

fn silence_words(server: SocketAddr, error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(libc::ECONNREFUSED) => format!("{server}: nothing listens there (ICMP port unreachable)"),
        _ => crate::classify::os_error(Step::Resolve, server, error).text,
    }
}

fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}
