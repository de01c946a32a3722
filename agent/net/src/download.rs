//! One HTTP/1.1 exchange for the agent itself: with https the server must prove its name, which a probe only observes.
//!
//! In: URL, whom to dial, bounds, trust anchors. Out: status, the headers that matter, the body, or why not. It follows no
//! redirect; whether the address may be dialled was decided before.

use std::net::{IpAddr, SocketAddr};
use std::time::{Instant, SystemTime};

use closedpath_core::failure::{Code, Failure, Step};
use closedpath_core::observation::FetchObservation;

use crate::http::{Prepared, prepare, speak};
use crate::relay::relay;
use crate::tls::distrust;
use crate::{FetchLimits, FetchRequest, ForwardProxy, TlsClient, Tunnel, connect, connect_through};

/// Whom to dial.
#[derive(Clone, Copy)]
pub enum Peer<'a> {
    /// The server.
    Server(IpAddr),
    /// A forward proxy.
    Proxy(ForwardProxy<'a>),
}

/// Asks the server of the URL.
pub async fn download(
    request: &FetchRequest,
    peer: Peer<'_>,
    limits: FetchLimits,
    tls: &TlsClient,
) -> FetchObservation {
    let began = Instant::now();
    let ip = match peer {
        Peer::Server(ip) => ip,
        Peer::Proxy(proxy) => proxy.at.ip(),
    };
    let mut observation = FetchObservation::of(&request.url, ip);
    observation.failure = exchange(request, peer, &mut observation, limits, tls).await.err();
    observation.took = began.elapsed();
    observation
}

async fn exchange(
    request: &FetchRequest,
    peer: Peer<'_>,
    observation: &mut FetchObservation,
    limits: FetchLimits,
    tls: &TlsClient,
) -> Result<(), Failure> {
    let Prepared { secure, host, port, request: prepared, .. } = prepare(request)?;
    let (stream, _) = match peer {
        Peer::Server(ip) => {
            let (stream, made) = connect(SocketAddr::new(ip, port), limits.timeout).await?;
            (Tunnel::Plain(stream), made)
        }
        Peer::Proxy(proxy) if !secure => {
            return relay(request, proxy, observation, limits).await.map(|_| ());
        }
        Peer::Proxy(proxy) => {
            let bare = host.trim_start_matches('[').trim_end_matches(']');
            connect_through(proxy, bare, port, limits.timeout).await?
        }
    };
    if !secure {
        return speak(stream, prepared, observation, limits, None).await;
    }
    let (handshake, stream) = tls.handshake_for_http1(stream, &host, limits.timeout).await;
    if let Some(why) = distrust(&handshake, SystemTime::now()) {
        return Err(Failure::new(
            Step::Tls,
            Code::Other,
            format!("the server does not prove to be {host}: {why}"),
        ));
    }
    match (stream, handshake.failure) {
        (Some(stream), _) => speak(stream, prepared, observation, limits, None).await,
        (None, Some(failure)) => Err(failure),
        (None, None) => Err(Failure::new(Step::Tls, Code::Other, "the handshake gave no connection")),
    }
}
