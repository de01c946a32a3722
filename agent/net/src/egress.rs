//! As whom packets leave: source address, interface and mark, so that probes are routed as the workload's packets are (E1, E3).
//!
//! In: what the configuration asks for. [`Egress::around`] makes it hold for every socket that a future opens, and for what it
//! asks the forwarding table; nothing in between has to hand it on. Loopback is left alone.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use closedpath_core::config::ProbeSettings;
use socket2::{Domain, SockRef, Socket, Type};

use crate::connect::any_address;

tokio::task_local! {
    static CURRENT: Arc<Egress>;
}

/// Source addresses, interface and mark; each may be missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Egress {
    /// The first of a destination's family is used.
    pub source: Vec<IpAddr>,
    /// `SO_BINDTODEVICE`, socket(7).
    pub interface: Option<String>,
    /// `SO_MARK`, socket(7).
    pub mark: Option<u32>,
}

impl Egress {
    /// What is asked for, less what this host refuses; beside it, in words, what that loses.
    pub fn open(probe: &ProbeSettings) -> (Self, Vec<String>) {
        let mut lost = Vec::new();
        let mut refused = |what: String, error: &io::Error| {
            let text = "probes leave without it, and their path may not be the workload's";
            lost.push(format!("{what} is refused ({error}): {text}"));
        };
        let usable = |set: &dyn Fn(&Socket) -> io::Result<()>| {
            Socket::new(Domain::IPV4, Type::DGRAM, None).and_then(|socket| set(&socket))
        };
        let mark = probe.mark.filter(|mark| {
            let tried = usable(&|socket| socket.set_mark(*mark));
            let hint = format!("[probe] mark = {mark}, which takes CAP_NET_ADMIN,");
            tried.map_err(|error| refused(hint, &error)).is_ok()
        });
        let interface = probe.interface.clone().filter(|name| {
            let tried = usable(&|socket| socket.bind_device(Some(name.as_bytes())));
            tried.map_err(|error| refused(format!("[probe] interface = \"{name}\""), &error)).is_ok()
        });
        let source = probe.source.iter().copied().filter(|source| {
            let domain = if source.is_ipv6() { Domain::IPV6 } else { Domain::IPV4 };
            let tried = Socket::new(domain, Type::DGRAM, None)
                .and_then(|socket| socket.bind(&SocketAddr::new(*source, 0).into()));
            tried.map_err(|error| refused(format!("[probe] source = \"{source}\""), &error)).is_ok()
        });
        (Self { source: source.collect(), interface, mark }, lost)
    }

    /// Runs a future whose sockets leave so.
    pub async fn around<T>(self: &Arc<Self>, what: impl Future<Output = T>) -> T {
        CURRENT.scope(self.clone(), what).await
    }

    /// The source for packets to `to`, where one is set.
    pub fn source_for(&self, to: IpAddr) -> Option<IpAddr> {
        self.source
            .iter()
            .copied()
            .find(|source| source.is_ipv4() == to.is_ipv4())
            .filter(|_| !to.is_loopback())
    }
}

/// What holds here.
pub(crate) fn current() -> Arc<Egress> {
    CURRENT.try_with(Arc::clone).unwrap_or_default()
}

/// Makes a new socket leave as is set, from `port` or one of the kernel's choice; to be called before it is connected.
pub(crate) fn prepare(socket: &Socket, to: SocketAddr, port: Option<u16>) -> io::Result<()> {
    let egress = current();
    if !to.ip().is_loopback() {
        let socket = SockRef::from(socket);
        if let Some(name) = &egress.interface {
            socket.bind_device(Some(name.as_bytes()))?;
        }
        if let Some(mark) = egress.mark {
            socket.set_mark(mark)?;
        }
    }
    match (egress.source_for(to.ip()), port) {
        (None, None) => Ok(()),
        (source, port) => {
            socket.bind(&SocketAddr::new(source.unwrap_or(any_address(to)), port.unwrap_or(0)).into())
        }
    }
}
