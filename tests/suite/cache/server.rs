//! An HTTP server on loopback that counts what it is asked, by whom at once, and answers conditions.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ETAG, HOST, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, LOCATION};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::Barrier;

/// When everything here was changed last.
pub const CHANGED: &str = "Mon, 23 Nov 2026 10:00:00 GMT";
pub const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// `METHOD path body`.
    pub asked: String,
    pub etag: Option<String>,
    pub since: Option<String>,
}

#[derive(Default)]
struct State {
    seen: Mutex<Vec<Seen>>,
    under_way: Mutex<HashMap<String, (usize, usize)>>,
    version: AtomicU32,
    together: Option<Barrier>,
}

/// It ends with the test's runtime.
#[derive(Clone)]
pub struct Server {
    pub port: u16,
    state: Arc<State>,
}

impl Server {
    /// Answers as long as `together` requests are under way at once, where that is given.
    pub async fn start(together: Option<usize>) -> Self {
        let listener = TcpListener::bind((LOCAL, 0)).await.expect("loopback");
        let port = listener.local_addr().expect("it is bound").port();
        let state = Arc::new(State { together: together.map(Barrier::new), ..State::default() });
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&shared);
                let service = service_fn(move |request| answer(Arc::clone(&state), request));
                let connection = hyper::server::conn::http1::Builder::new();
                tokio::spawn(connection.serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { port, state }
    }

    pub fn url(&self, host: &str, path: &str) -> String {
        format!("http://{host}:{}{path}", self.port)
    }

    /// All requests so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.state.seen.lock().expect("the list").clone()
    }

    /// The most that were under way at once with one host, and with all (under "").
    pub fn most(&self, host: &str) -> usize {
        self.state.under_way.lock().expect("the table").get(host).map_or(0, |(_, most)| *most)
    }

    /// From now on every body is another.
    pub fn change(&self) {
        self.state.version.fetch_add(1, Ordering::Relaxed);
    }

    fn count(state: &State, host: &str, more: bool) {
        let mut under_way = state.under_way.lock().expect("the table");
        for name in [host, ""] {
            let (now, most) = under_way.entry(name.to_owned()).or_default();
            *now = if more { *now + 1 } else { *now - 1 };
            *most = (*most).max(*now);
        }
    }
}

async fn answer(state: Arc<State>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let header = |name| request.headers().get(name).map(|value| value.to_str().expect("text").to_owned());
    let (etag, since) = (header(IF_NONE_MATCH), header(IF_MODIFIED_SINCE));
    let host = header(HOST).unwrap_or_default().split(':').next().unwrap_or_default().to_owned();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let body = request.into_body().collect().await.expect("the request").to_bytes();
    let asked = format!("{method} {path} {}", String::from_utf8_lossy(&body)).trim_end().to_owned();
    Server::count(&state, &host, true);
    state.seen.lock().expect("the list").push(Seen {
        asked: asked.clone(),
        etag: etag.clone(),
        since: since.clone(),
    });
    if let Some(together) = &state.together {
        together.wait().await;
    }
    let version = state.version.load(Ordering::Relaxed);
    let current = format!("\"{version}\"");
    let response = Response::builder().header(LAST_MODIFIED, CHANGED);
    let response = match path.as_str() {
        "/moved" => response.status(302).header(LOCATION, "/elsewhere").body(Full::default()),
        "/missing" => response.status(404).body(Full::from("not here")),
        // Only Last-Modified to ask with.
        "/dated" if since.as_deref() == Some(CHANGED) && version == 0 => {
            response.status(304).body(Full::default())
        }
        "/dated" => response.body(Full::from(format!("{asked} {version}"))),
        _ if etag.as_ref() == Some(&current) => {
            response.status(304).header(ETAG, current).body(Full::default())
        }
        _ => response.header(ETAG, current).body(Full::from(format!("{asked} {version}"))),
    };
    Server::count(&state, &host, false);
    Ok(response.expect("a response"))
}
