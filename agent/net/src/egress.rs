//! As whom packets leave: source address, interface and mark, so that probes are routed as the workload's packets are (E1, E3).
//!
//! In: what the configuration asks for. [`Egress::around`] makes it hold for every socket that a future opens, and for what it
//! asks the forwarding table; nothing in between has to hand it on. Loopback is left alone.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use closedpath_core::config::ProbeSettings;
use socket2::{Domain, SockRef, Socket, Type};

use crate::NetError;

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
    /// What is asked for.
    ///
    /// # Errors
    /// The first that this host refuses: probes that leave otherwise than the workload prove nothing about it.
    pub fn open(probe: &ProbeSettings) -> Result<Self, NetError> {
        let ProbeSettings { source, interface, mark, .. } = probe;
        let refused = |what: String| move |why: io::Error| NetError::Egress { what, why };
        let socket = |domain| Socket::new(domain, Type::DGRAM, None);
        if let Some(mark) = mark {
            let tried = socket(Domain::IPV4).and_then(|socket| socket.set_mark(*mark));
            tried.map_err(refused(format!("mark = {mark} (it takes CAP_NET_ADMIN)")))?;
        }
        if let Some(name) = interface {
            let tried = socket(Domain::IPV4).and_then(|socket| socket.bind_device(Some(name.as_bytes())));
            tried.map_err(refused(format!("interface = \"{name}\"")))?;
        }
        for source in source {
            let domain = if source.is_ipv6() { Domain::IPV6 } else { Domain::IPV4 };
            let tried = socket(domain).and_then(|socket| socket.bind(&SocketAddr::new(*source, 0).into()));
            tried.map_err(refused(format!("source = [\"{source}\"]")))?;
        }
        Ok(Self { source: source.clone(), interface: interface.clone(), mark: *mark })
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

/// The unspecified address of the family of `to`.
pub(crate) fn any_address(to: SocketAddr) -> IpAddr {
    if to.is_ipv6() { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() }
}
