//! The station itself: routers connect, and what they tell is put into the table.
//!
//! In: an address to listen on, and the routers that may connect. Out: a table that is read while it fills. Everything is
//! stamped with the time of its receipt.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use bytes::{Buf, BytesMut};
use closedpath_core::rib::{Limits, Rib, Update};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{RwLock, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::message::{Kind, Reader, length};
use crate::NetError;

/// How long a router may take until its first message, and for the rest of one that it began.
const PATIENCE: Duration = Duration::from_secs(60);
/// Silence after which the kernel asks whether a router is still there, and how often. A router with nothing to tell is
/// silent; one that is gone is stale after 60 s.
const KEEPALIVE: Duration = Duration::from_secs(30);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(10);
const KEEPALIVE_TRIES: u32 = 3;
/// What is read at once, and so put into the table under one lock: some 2,000 routes, about a millisecond.
const CHUNK: usize = 64 << 10;

/// A BMP station (RFC 7854). Dropped, it closes every session.
#[derive(Debug)]
pub struct Station {
    local: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    table: Arc<RwLock<Rib>>,
    changes: watch::Sender<u64>,
    strangers: AtomicU64,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("strangers", &self.strangers).finish_non_exhaustive()
    }
}

impl Station {
    /// Listens for routers; every connection that is not from one of `allow` is closed at once.
    ///
    /// # Errors
    ///
    /// The address cannot be listened on.
    pub async fn listen(address: SocketAddr, allow: &[IpAddr], limits: Limits) -> Result<Self, NetError> {
        let cannot = |source| NetError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(cannot)?;
        let local = listener.local_addr().map_err(cannot)?;
        let shared = Arc::new(Shared {
            table: Arc::new(RwLock::new(Rib::with_limits(limits))),
            changes: watch::Sender::new(0),
            strangers: AtomicU64::new(0),
        });
        let allow = allow.iter().map(IpAddr::to_canonical).collect();
        let accepting = tokio::spawn(accept(listener, allow, Arc::clone(&shared)));
        Ok(Self { local, shared, accepting })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// The table. A writer holds it for a millisecond or so; hold it no longer to read.
    pub fn table(&self) -> Arc<RwLock<Rib>> {
        Arc::clone(&self.shared.table)
    }

    /// Wakes whenever something in the table changed; its value counts the changes.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.changes.subscribe()
    }

    /// Connections that were closed because they came from elsewhere.
    pub fn strangers(&self) -> u64 {
        self.shared.strangers.load(Ordering::Relaxed)
    }
}

impl Drop for Station {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// A session that ends with its owner.
struct Session(JoinHandle<()>);

impl Session {
    /// Returns when it does nothing more.
    async fn end(mut self) {
        self.0.abort();
        let _ = (&mut self.0).await;
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn accept(listener: TcpListener, allow: Vec<IpAddr>, shared: Arc<Shared>) {
    // One for each router of the allow-list at most.
    let mut sessions: HashMap<IpAddr, Session> = HashMap::new();
    loop {
        let Ok((stream, from)) = listener.accept().await else {
            // No descriptor is free, or the connection is gone already.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let router = from.ip().to_canonical();
        if !allow.contains(&router) {
            shared.strangers.fetch_add(1, Ordering::Relaxed);
            continue;
        }
        // A router that connects again has lost its former session, even where that does not show yet. It must have ended
        // before the new one begins: the table knows a router's updates by its address only.
        if let Some(former) = sessions.remove(&router) {
            former.end().await;
        }
        let shared = Arc::clone(&shared);
        sessions.insert(router, Session(tokio::spawn(session(stream, router, shared))));
    }
}

async fn session(mut stream: TcpStream, router: IpAddr, shared: Arc<Shared>) {
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE_EVERY);
    // Where it cannot be set, a dead router shows by the kernel's own, longer, times.
    let _ = SockRef::from(&stream).set_tcp_keepalive(&keepalive.with_retries(KEEPALIVE_TRIES));
    apply(&shared, &[Update::SessionUp { router, until: None }]).await;
    let mut reader = Reader::new(router);
    let mut buffer = BytesMut::with_capacity(CHUNK);
    let mut updates = Vec::new();
    let mut begun = false;
    loop {
        buffer.reserve(CHUNK);
        // Between two messages a router may be silent for as long as it likes.
        let patient = begun && buffer.is_empty();
        let reading = stream.read_buf(&mut buffer);
        let read = if patient { Ok(reading.await) } else { timeout(PATIENCE, reading).await };
        if !matches!(read, Ok(Ok(bytes)) if bytes > 0) {
            break;
        }
        let goes_on = take(&mut buffer, &mut reader, &mut updates, &mut begun);
        apply(&shared, &updates).await;
        updates.clear();
        if !goes_on {
            break;
        }
    }
    apply(&shared, &[Update::SessionLost { router }]).await;
}

/// Reads every whole message; whether the session goes on.
fn take(buffer: &mut BytesMut, reader: &mut Reader, updates: &mut Vec<Update>, begun: &mut bool) -> bool {
    loop {
        match length(buffer) {
            // Where a stream is not BMP, nothing tells where the next message begins.
            Err(_) => return false,
            Ok(Some(length)) if buffer.len() >= length => {
                let kind = reader.read(&buffer[..length], updates);
                buffer.advance(length);
                // RFC 7854 §4.3: the first message is an Initiation.
                if kind == Kind::Termination || !*begun && kind != Kind::Initiation {
                    return false;
                }
                *begun = true;
            }
            Ok(_) => return true,
        }
    }
}

async fn apply(shared: &Shared, updates: &[Update]) {
    if updates.is_empty() {
        return;
    }
    let now = SystemTime::now();
    let mut table = shared.table.write().await;
    for update in updates {
        table.apply(update, now);
    }
    drop(table);
    shared.changes.send_modify(|count| *count = count.wrapping_add(1));
}
