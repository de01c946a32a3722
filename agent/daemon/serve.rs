//! The HTTP server: status page, metrics, the report, health (DESIGN §4.4). It renders the published snapshot and changes nothing.
//!
//! Bounded: number of connections, time for a request's head and for a connection; bodies of requests are not read.

use std::convert::Infallible;
use std::future::Future;
use std::net::TcpListener;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use closedpath_core::report::Report;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS,
};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::metrics::{Counters, Extra, exposition};
use crate::render;

/// Connections at once over all listeners; others wait in the backlog.
const CONNECTIONS: usize = 64;
/// For the head of a request.
const HEAD: Duration = Duration::from_secs(10);
/// For a whole connection; a scraper that keeps it alive connects again.
const CONNECTION: Duration = Duration::from_secs(300);

/// What is shown, immutable.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The last complete round; none before the first.
    pub report: Option<Arc<Report>>,
    /// Counts over rounds.
    pub counters: Counters,
    /// What the metrics tell about the agent.
    pub extra: Extra,
}

/// The place of the current snapshot.
#[derive(Debug)]
pub struct Published {
    snapshot: RwLock<Arc<Snapshot>>,
}

impl Published {
    /// Begins with `snapshot`.
    pub fn new(snapshot: Snapshot) -> Self {
        Self { snapshot: RwLock::new(Arc::new(snapshot)) }
    }

    /// The current snapshot.
    pub fn current(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshot.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another in its place.
    pub fn replace(&self, snapshot: Snapshot) {
        *self.snapshot.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(snapshot);
    }
}

/// Serves on all listeners until `shutdown`, then closes every connection: a scraper asks again, and nothing else is at stake.
///
/// # Errors
/// When a listener cannot be used at all.
pub async fn serve(
    listeners: Vec<TcpListener>,
    published: Arc<Published>,
    shutdown: impl Future<Output = ()>,
) -> std::io::Result<()> {
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    let mut accepting = JoinSet::new();
    for listener in listeners {
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        accepting.spawn(accept(listener, Arc::clone(&slots), Arc::clone(&published)));
    }
    shutdown.await;
    // The tasks own their connections, so idle ones end with them and cannot hold the end up.
    accepting.shutdown().await;
    Ok(())
}

async fn accept(listener: tokio::net::TcpListener, slots: Arc<Semaphore>, published: Arc<Published>) {
    let mut connections = JoinSet::new();
    while let Ok(slot) = Arc::clone(&slots).acquire_owned().await {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of descriptors, or the peer is gone already: neither mends by asking again at once.
                tracing::warn!(%error, "a connection to the status page could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        while connections.try_join_next().is_some() {}
        let published = Arc::clone(&published);
        connections.spawn(async move {
            let service = service_fn(move |request| answer(request, Arc::clone(&published)));
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD)
                .max_buf_size(16 * 1024)
                .serve_connection(TokioIo::new(stream), service);
            // A peer that breaks off or is too slow is its own business.
            let _ = tokio::time::timeout(CONNECTION, connection).await;
            drop(slot);
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    published: Arc<Published>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    const TEXT: &str = "text/plain; charset=utf-8";
    let path = request.uri().path().to_owned();
    if !matches!(path.as_str(), "/" | "/metrics" | "/report.json" | "/-/healthy" | "/-/ready") {
        return Ok(response(
            StatusCode::NOT_FOUND,
            TEXT,
            "Not found. There are /, /metrics, /report.json, /-/healthy and /-/ready.\n",
        ));
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut refused = response(StatusCode::METHOD_NOT_ALLOWED, TEXT, "Only GET and HEAD.\n");
        refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return Ok(refused);
    }
    let snapshot = published.current();
    let rendered = tokio::task::spawn_blocking(move || render_path(&path, &snapshot)).await;
    Ok(rendered.unwrap_or_else(|_| {
        response(StatusCode::INTERNAL_SERVER_ERROR, TEXT, "The page could not be rendered.\n")
    }))
}

fn render_path(path: &str, snapshot: &Snapshot) -> Response<Full<Bytes>> {
    const TEXT: &str = "text/plain; charset=utf-8";
    const NOT_YET: &str = "The first round is not complete yet, so there is nothing to report.\n";
    let report = snapshot.report.as_deref();
    match (path, report) {
        ("/-/healthy", _) => response(StatusCode::OK, TEXT, "Healthy\n"),
        ("/-/ready", Some(_)) => response(StatusCode::OK, TEXT, "Ready\n"),
        ("/metrics", _) => {
            let text = exposition(report, &snapshot.counters, &snapshot.extra);
            response(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", text)
        }
        ("/report.json", Some(report)) => response(StatusCode::OK, "application/json", render::json(report)),
        ("/-/ready" | "/report.json", None) => response(StatusCode::SERVICE_UNAVAILABLE, TEXT, NOT_YET),
        _ => response(StatusCode::OK, "text/html; charset=utf-8", render::html(report, true)),
    }
}

fn response(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
    );
    response
}

#[cfg(test)]
mod tests {
    use super::{Published, Snapshot, serve};
    use crate::metrics::{Counters, Extra};
    use crate::render::sample;
    use std::net::{SocketAddr, TcpListener};
    use std::sync::Arc;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::oneshot;

    fn snapshot(complete: bool) -> Snapshot {
        let report = complete.then(|| Arc::new(sample::report()));
        Snapshot { report, counters: Counters::default(), extra: Extra::new("0.1.0") }
    }

    async fn ask(at: SocketAddr, request: &str) -> String {
        let mut stream = connect(at).await.unwrap();
        let request = format!("{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
    }

    /// A client of the page, not a probe.
    #[allow(clippy::disallowed_methods)]
    async fn connect(at: SocketAddr) -> std::io::Result<tokio::net::TcpStream> {
        tokio::net::TcpStream::connect(at).await
    }

    #[tokio::test]
    async fn it_is_ready_only_after_the_first_round_and_ends_when_told() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let published = Arc::new(Published::new(snapshot(false)));
        let (end, ended) = oneshot::channel::<()>();
        let server = tokio::spawn(serve(vec![listener], Arc::clone(&published), async move {
            let _ = ended.await;
        }));
        assert!(ask(at, "GET /-/healthy").await.ends_with("\r\n\r\nHealthy\n"));
        assert!(ask(at, "GET /-/ready").await.starts_with("HTTP/1.1 503 "));
        assert!(ask(at, "GET /report.json").await.starts_with("HTTP/1.1 503 "));
        assert!(ask(at, "GET /").await.contains("No verdict yet"));
        published.replace(snapshot(true));
        assert!(ask(at, "GET /-/ready").await.starts_with("HTTP/1.1 200 "));
        assert!(ask(at, "GET /?x=1").await.contains("閉域ではない"));
        assert!(ask(at, "GET /report.json").await.contains("\"schema\": \"closedpath.report/1\""));
        assert!(ask(at, "GET /metrics").await.contains("closedpath_workload_verdict{"));
        assert!(ask(at, "GET /etc/passwd").await.starts_with("HTTP/1.1 404 "));
        assert!(ask(at, "POST /metrics").await.starts_with("HTTP/1.1 405 "));
        assert!(ask(at, "HEAD /metrics").await.ends_with("\r\n\r\n"));
        // An idle connection must not hold the end up.
        let _idle = connect(at).await.unwrap();
        end.send(()).unwrap();
        server.await.unwrap().unwrap();
        assert!(connect(at).await.is_err());
    }
}
