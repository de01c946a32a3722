//! Asks the kernel. Its answers are there when the call returns, so nothing waits.

use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use closedpath_core::observation::Protection;
use netlink_sys::protocols::NETLINK_XFRM;
use netlink_sys::{Socket, SocketAddr};

use super::policy::{ESP, IpFlow, covering};
use super::read::{Association, Policy, Template, messages, read_association, read_policy};

const GETSA: u16 = 0x12;
const GETPOLICY: u16 = 0x15;
/// `NLMSG_ERROR`, `NLMSG_DONE`.
const ERROR: u16 = 2;
const DONE: u16 = 3;

/// Policies are asked for again after this.
const AGE: Duration = Duration::from_secs(5);

/// The security policy database of this host.
#[derive(Debug)]
pub struct Ipsec {
    policies: Mutex<(Instant, Arc<[Policy]>)>,
}

/// A flow that falls under a policy, between two looks at its associations.
#[derive(Debug)]
pub struct Watch {
    destination: ipnet::IpNet,
    template: Template,
    source: Option<IpAddr>,
    to: IpAddr,
    packets: Option<u64>,
}

impl Ipsec {
    /// Asks once. `None`: this kernel has no IPsec; an error says in one sentence what is missing and lost.
    pub fn open() -> Result<Option<Self>, String> {
        match policies() {
            Ok(policies) => Ok(Some(Self { policies: Mutex::new((Instant::now(), policies)) })),
            Err(error)
                if matches!(error.raw_os_error(), Some(libc::EPROTONOSUPPORT | libc::EAFNOSUPPORT)) =>
            {
                Ok(None)
            }
            Err(error) => Err(format!(
                "cannot read this host's IPsec policies ({error}; it takes CAP_NET_ADMIN): a tunnel that begins on this host is \
                 not seen (E4)"
            )),
        }
    }

    /// Begins to watch a flow, before its packets leave; `None` where no policy encrypts it.
    pub fn watch(&self, flow: &IpFlow) -> Option<Watch> {
        let policies = self.current();
        let (policy, template) = covering(&policies, flow)?;
        let mut watch = Watch {
            destination: policy.selector.destination,
            template: template.clone(),
            source: flow.source.map(|source| source.to_canonical()),
            to: flow.to.ip().to_canonical(),
            packets: None,
        };
        // A new association begins to count at 0.
        watch.packets = watch.carried().ok().map(Option::unwrap_or_default);
        Some(watch)
    }

    /// Without an answer the last one holds.
    fn current(&self) -> Arc<[Policy]> {
        let Ok(mut known) = self.policies.lock() else { return Arc::default() };
        if known.0.elapsed() >= AGE
            && let Ok(policies) = policies()
        {
            *known = (Instant::now(), policies);
        }
        known.1.clone()
    }
}

impl Watch {
    /// What the policy and its associations say, after the packets have left.
    pub fn end(self) -> Protection {
        // What the kernel does not tell may have carried the flow.
        let after = self.carried();
        let associated = !matches!(after, Ok(None));
        Protection {
            destination: self.destination,
            outer_peer: self.template.destination.filter(|_| self.template.tunnel).unwrap_or(self.to),
            associated,
            packets: self.packets.zip(after.ok().flatten()),
        }
    }

    /// The packets of all fitting associations, of which there are two while keys change; `None` where there is none.
    fn carried(&self) -> io::Result<Option<u64>> {
        let all = dump(GETSA, read_association)?;
        let fitting = all.iter().filter(|one| self.fits(one)).map(|one| one.packets);
        Ok(fitting.reduce(u64::saturating_add))
    }

    fn fits(&self, association: &Association) -> bool {
        let Template { source, destination, reqid, tunnel, .. } = self.template;
        let ours = if tunnel { source } else { source.or(self.source) };
        association.protocol == ESP
            && association.tunnel == tunnel
            && association.destination == destination.unwrap_or(self.to)
            && ours.is_none_or(|ours| association.source == ours)
            && (reqid == 0 || association.reqid == reqid)
    }
}

fn policies() -> io::Result<Arc<[Policy]>> {
    Ok(dump(GETPOLICY, read_policy)?.into())
}

/// Everything of one kind; what cannot be read is left out.
fn dump<T>(kind: u16, read: impl Fn(&[u8]) -> Option<T>) -> io::Result<Vec<T>> {
    let socket = Socket::new(NETLINK_XFRM)?;
    socket.connect(&SocketAddr::new(0, 0))?;
    // `struct nlmsghdr` alone.
    let flags = u16::try_from(libc::NLM_F_REQUEST | libc::NLM_F_DUMP).unwrap_or_default();
    let mut request = 16_u32.to_ne_bytes().to_vec();
    request.extend([kind.to_ne_bytes(), flags.to_ne_bytes()].concat());
    request.extend([0; 8]);
    socket.send(&request, 0)?;
    let mut all = Vec::new();
    loop {
        let (mut buffer, _) = socket.recv_from_full()?;
        let end = messages(&buffer).find_map(|(kind, body)| match kind {
            DONE => Some(Ok(())),
            ERROR => Some(refusal(body)),
            _ => {
                all.extend(read(body));
                None
            }
        });
        // Associations come with their keys.
        buffer.fill(0);
        match end {
            Some(end) => return end.map(|()| all),
            None if buffer.is_empty() => return Err(io::ErrorKind::UnexpectedEof.into()),
            None => {}
        }
    }
}

/// `struct nlmsgerr`: a negative errno.
fn refusal(body: &[u8]) -> io::Result<()> {
    match body.first_chunk().map(|bytes| i32::from_ne_bytes(*bytes)) {
        Some(0) => Ok(()),
        Some(errno) => Err(io::Error::from_raw_os_error(errno.saturating_neg())),
        None => Err(io::ErrorKind::InvalidData.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(tunnel: bool, reqid: u32) -> Watch {
        let outer = |text: &str| tunnel.then(|| text.parse().unwrap());
        Watch {
            destination: "203.0.113.0/24".parse().unwrap(),
            template: Template {
                source: outer("192.0.2.1"),
                destination: outer("198.51.100.9"),
                protocol: ESP,
                reqid,
                tunnel,
            },
            source: Some("192.0.2.1".parse().unwrap()),
            to: "203.0.113.9".parse().unwrap(),
            packets: None,
        }
    }

    fn association(destination: &str, tunnel: bool) -> Association {
        Association {
            source: "192.0.2.1".parse().unwrap(),
            destination: destination.parse().unwrap(),
            protocol: ESP,
            reqid: 7,
            tunnel,
            packets: 1,
        }
    }

    #[test]
    fn an_association_fits_the_template_in_tunnel_and_in_transport_mode() {
        assert!(watch(true, 0).fits(&association("198.51.100.9", true)));
        assert!(watch(true, 7).fits(&association("198.51.100.9", true)));
        assert!(!watch(true, 8).fits(&association("198.51.100.9", true)));
        assert!(!watch(true, 0).fits(&association("198.51.100.8", true)));
        assert!(!watch(true, 0).fits(&association("198.51.100.9", false)));
        assert!(watch(false, 0).fits(&association("203.0.113.9", false)));
        assert!(!watch(false, 0).fits(&association("203.0.113.8", false)));
        let authenticated = Association { protocol: 51, ..association("198.51.100.9", true) };
        assert!(!watch(true, 0).fits(&authenticated));
        let incoming =
            Association { source: "198.51.100.1".parse().unwrap(), ..association("198.51.100.9", true) };
        assert!(!watch(true, 0).fits(&incoming));
    }
}
