//! One http exchange through a forward proxy: as clients do it, by a request in absolute form that the proxy relays (RFC 9112
//! §3.2.2); only a proxy that relays nothing is asked for a connection (RFC 9110 §9.3.6). Many proxies allow CONNECT to port 443
//! alone. https always goes over CONNECT.
//!
//! In: the request, an address of the proxy, bounds. Out: what the server answered, or why not; an answer that the proxy gives in
//! the server's place is a failure, told apart from the server's own.

use std::time::{Duration, Instant};

use closedpath_core::failure::{Code, Failure, Step};
use closedpath_core::observation::{Contacted, FetchObservation};
use hyper::header::{HeaderValue, PROXY_AUTHORIZATION};

use crate::http::{Prepared, finish_tls, prepare, speak};
use crate::proxy::{self, ForwardProxy};
use crate::{FetchLimits, FetchRequest, TlsClient, connect_through};

/// Of the page that shows that a server can be reached, no more is read.
const GLIMPSE: usize = 64 * 1024;

/// Asks the server of the URL through a proxy; https needs `tls`.
pub async fn fetch_through(
    request: &FetchRequest,
    proxy: ForwardProxy<'_>,
    limits: FetchLimits,
    tls: &TlsClient,
) -> FetchObservation {
    let began = Instant::now();
    let mut observation = FetchObservation::of(&request.url, proxy.at.ip());
    observation.failure = exchange(request, proxy, &mut observation, limits, tls).await.err();
    observation.took = began.elapsed();
    observation
}

/// Contact with an http server through a proxy: whether it answers a request for its first page, whatever it says.
pub async fn http_ping_through(
    proxy: ForwardProxy<'_>,
    host: &str,
    port: u16,
    timeout: Duration,
) -> Result<Contacted, Failure> {
    let began = Instant::now();
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let request = FetchRequest::get(format!("http://{host}:{port}/"));
    let mut observation = FetchObservation::of(&request.url, proxy.at.ip());
    let limits = FetchLimits { timeout, max_body: GLIMPSE };
    let outcome = relay(&request, proxy, &mut observation, limits).await;
    let contacted = match outcome {
        Err(failure) if failure.step == Step::ProxyConnect || observation.status.is_none() => {
            return Err(Failure { step: Step::ProxyConnect, ..failure });
        }
        // A page that is too long, or breaks off, is the server's all the same.
        Ok(contacted) => contacted,
        Err(_) => Contacted { local: None, took: Duration::ZERO },
    };
    Ok(Contacted { took: began.elapsed(), ..contacted })
}

async fn exchange(
    request: &FetchRequest,
    proxy: ForwardProxy<'_>,
    observation: &mut FetchObservation,
    limits: FetchLimits,
    tls: &TlsClient,
) -> Result<(), Failure> {
    let Prepared { secure, host, port, request: prepared, .. } = prepare(request)?;
    if !secure {
        return relay(request, proxy, observation, limits).await.map(|_| ());
    }
    let (stream, _) = connect_through(proxy, bare(&host), port, limits.timeout).await?;
    let stream = finish_tls(stream, &host, limits, tls).await?;
    speak(stream, prepared, observation, limits, None).await
}

/// Has the proxy relay an http request.
pub(crate) async fn relay(
    request: &FetchRequest,
    proxy: ForwardProxy<'_>,
    observation: &mut FetchObservation,
    limits: FetchLimits,
) -> Result<Contacted, Failure> {
    let Prepared { host, port, request: mut prepared, absolute, .. } = prepare(request)?;
    *prepared.uri_mut() = absolute;
    if let Some(authorization) = proxy.authorization() {
        let value = HeaderValue::from_str(&authorization)
            .map_err(|error| Failure::new(Step::ProxyConnect, Code::Other, error.to_string()))?;
        prepared.headers_mut().insert(PROXY_AUTHORIZATION, value);
    }
    let (stream, contacted) = proxy::open(proxy, limits.timeout).await?;
    let outcome = speak(stream, prepared, observation, limits, Some(proxy.at)).await;
    if !relays_nothing(observation.status, &outcome) {
        return outcome.map(|()| contacted);
    }
    let Ok((stream, contacted)) = connect_through(proxy, bare(&host), port, limits.timeout).await else {
        return outcome.map(|()| contacted);
    };
    *observation = FetchObservation::of(&observation.url, observation.ip);
    speak(stream, prepare(request)?.request, observation, limits, None).await.map(|()| contacted)
}

/// Whether this is how a proxy answers that takes CONNECT alone; or a server, which will then say it again.
fn relays_nothing(status: Option<u16>, outcome: &Result<(), Failure>) -> bool {
    match (status, outcome) {
        (Some(400 | 405 | 501), _) => true,
        (None, Err(failure)) => matches!(failure.code, Code::Closed | Code::Reset | Code::Protocol),
        _ => false,
    }
}

fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_proxy_that_relays_nothing_says_makes_it_be_asked_for_a_connection() {
        let failed = |code| Err(Failure::new(Step::Http, code, ""));
        for (status, outcome, asked) in [
            (Some(405), Ok(()), true),
            (Some(501), Ok(()), true),
            (Some(400), Ok(()), true),
            (None, failed(Code::Closed), true),
            (None, failed(Code::Protocol), true),
            (Some(200), Ok(()), false),
            (Some(403), Ok(()), false),
            (Some(407), failed(Code::ProxyAuthentication), false),
            (None, failed(Code::Timeout), false),
            (Some(200), failed(Code::Closed), false),
        ] {
            assert_eq!(relays_nothing(status, &outcome), asked, "{status:?} {outcome:?}");
        }
    }
}
