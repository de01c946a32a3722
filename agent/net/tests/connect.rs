//! TCP connections to real sockets on loopback.

use std::net::SocketAddr;
use std::time::Duration;

use closedpath_core::failure::{Code, Step};
use closedpath_net::{connect, tcp_info};
use tokio::net::{TcpListener, TcpSocket};

const TIMEOUT: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_connection_tells_our_side_and_a_time_below_the_clocks() {
    for any in ["127.0.0.1:0", "[::1]:0"] {
        let server = TcpListener::bind(any).await.unwrap();
        let to = server.local_addr().unwrap();
        let (stream, contacted) = connect(to, TIMEOUT).await.unwrap();
        assert_eq!(contacted.local, Some(stream.local_addr().unwrap()));
        assert!(!contacted.took.is_zero() && contacted.took < Duration::from_millis(100));
        let (_, peer) = server.accept().await.unwrap();
        assert_eq!(Some(peer), contacted.local);
    }
}

#[tokio::test]
async fn a_closed_port_is_a_refusal_with_the_systems_words() {
    // Bound but not listening: nobody else can take the port meanwhile.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let failure = connect(socket.local_addr().unwrap(), TIMEOUT).await.unwrap_err();
    assert!(failure.is_refusal());
    assert_eq!((failure.step, failure.code), (Step::Connect, Code::Refused));
    assert!(failure.text.contains("Connection refused (os error 111)"), "{}", failure.text);
}

#[tokio::test]
async fn a_full_backlog_is_silence_and_times_out() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let server = socket.listen(1).unwrap();
    let to = server.local_addr().unwrap();
    let mut held = Vec::new();
    let failure = loop {
        match connect(to, Duration::from_millis(200)).await {
            Ok((stream, _)) => held.push(stream),
            Err(failure) => break failure,
        }
        assert!(held.len() < 16, "the backlog of 1 never filled");
    };
    assert_eq!(failure.code, Code::Timeout);
    assert_eq!(failure.text, format!("{to}: no answer within 0.2 s"));
}

#[tokio::test]
async fn a_broadcast_address_is_forbidden_by_this_host() {
    let to: SocketAddr = "255.255.255.255:443".parse().unwrap();
    let failure = connect(to, TIMEOUT).await.unwrap_err();
    assert!(matches!(failure.code, Code::Prohibited | Code::NetUnreachable), "{failure:?}");
}

#[tokio::test]
async fn the_kernel_tells_of_a_connection_what_it_knows() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (stream, _) = connect(listener.local_addr().unwrap(), TIMEOUT).await.unwrap();
    let info = tcp_info(&stream).unwrap();
    // An MTU of 65536, of which a packet may have 65535; 20 octets of IP, 20 of TCP and 12 of time stamps; half of it, as
    // loopback's window is opened by and by.
    assert_eq!((info.path_mtu, info.retransmits), (65535, 0));
    assert!((536..=65495).contains(&info.mss), "{info:?}");
    assert!(!info.rtt.is_zero() && info.rtt < TIMEOUT, "{info:?}");
}
