//! The kernel's messages as bytes (`linux/netlink.h`, `linux/xfrm.h`). Never panics, whatever the bytes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// `NLMSG_ALIGNTO`.
const ALIGN: usize = 4;
/// `struct nlmsghdr`.
const HEADER: usize = 16;
/// `struct xfrm_userpolicy_info`; attributes follow.
const POLICY: usize = 168;
/// `struct xfrm_user_tmpl`.
const TEMPLATE: usize = 64;
const XFRMA_TMPL: u16 = 5;
const XFRMA_MARK: u16 = 21;
const XFRMA_IF_ID: u16 = 31;
/// `XFRM_MODE_TUNNEL`.
const TUNNEL: u8 = 1;

/// Which packets a policy is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Selector {
    pub source: IpNet,
    pub destination: IpNet,
    /// Port and mask; a mask of 0 takes every port.
    pub source_port: (u16, u16),
    pub destination_port: (u16, u16),
    /// 0: every protocol.
    pub protocol: u8,
    /// 0: every interface.
    pub interface: i32,
}

/// What a policy asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template {
    /// `None`: any, or that of the packet itself.
    pub source: Option<IpAddr>,
    pub destination: Option<IpAddr>,
    pub protocol: u8,
    pub reqid: u32,
    pub tunnel: bool,
}

/// A policy of the security policy database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Policy {
    pub selector: Selector,
    /// The lowest wins.
    pub priority: u32,
    pub direction: u8,
    pub action: u8,
    /// Value and mask of the packets' mark.
    pub mark: (u32, u32),
    /// The XFRM interface that it belongs to; 0: none.
    pub interface_id: u32,
    pub templates: Vec<Template>,
}

/// A security association.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Association {
    pub source: IpAddr,
    pub destination: IpAddr,
    pub protocol: u8,
    pub reqid: u32,
    pub tunnel: bool,
    /// Packets it has carried.
    pub packets: u64,
}

/// The messages of a buffer: type and body.
pub(super) fn messages(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let length = u32_at(bytes, 0)? as usize;
        let body = bytes.get(HEADER..length)?;
        let kind = u16_at(bytes, 4)?;
        bytes = bytes.get(length.next_multiple_of(ALIGN)..).unwrap_or_default();
        Some((kind, body))
    })
}

/// `XFRM_MSG_NEWPOLICY`.
pub(super) fn read_policy(body: &[u8]) -> Option<Policy> {
    let selector = read_selector(body)?;
    let (mut mark, mut interface_id, mut templates) = ((0, 0), 0, Vec::new());
    for (kind, value) in attributes(body.get(POLICY..)?) {
        match kind {
            XFRMA_TMPL => {
                let all: Option<_> = value.chunks(TEMPLATE).map(read_template).collect();
                templates = all?;
            }
            XFRMA_MARK => mark = (u32_at(value, 0)?, u32_at(value, 4)?),
            XFRMA_IF_ID => interface_id = u32_at(value, 0)?,
            _ => {}
        }
    }
    let (priority, direction, action) = (u32_at(body, 152)?, *body.get(160)?, *body.get(161)?);
    Some(Policy { selector, priority, direction, action, mark, interface_id, templates })
}

/// `XFRM_MSG_NEWSA`, `struct xfrm_usersa_info`.
pub(super) fn read_association(body: &[u8]) -> Option<Association> {
    let family = u16_at(body, 212)?;
    Some(Association {
        source: address(body, 80, family)?,
        destination: address(body, 56, family)?,
        protocol: *body.get(76)?,
        reqid: u32_at(body, 208)?,
        tunnel: *body.get(214)? == TUNNEL,
        packets: u64::from_ne_bytes(body.get(168..176)?.try_into().ok()?),
    })
}

/// `struct xfrm_selector`.
fn read_selector(bytes: &[u8]) -> Option<Selector> {
    let family = u16_at(bytes, 40)?;
    let port = |at: usize| Some(u16::from_be(u16_at(bytes, at)?));
    let net = |at: usize, length: u8| Some(IpNet::new(address(bytes, at, family)?, length).ok()?.trunc());
    Some(Selector {
        destination: net(0, *bytes.get(42)?)?,
        source: net(16, *bytes.get(43)?)?,
        destination_port: (port(32)?, port(34)?),
        source_port: (port(36)?, port(38)?),
        protocol: *bytes.get(44)?,
        interface: i32::from_ne_bytes(bytes.get(48..52)?.try_into().ok()?),
    })
}

fn read_template(bytes: &[u8]) -> Option<Template> {
    let family = u16_at(bytes, 24)?;
    let given = |address: IpAddr| (!address.is_unspecified()).then_some(address);
    Some(Template {
        destination: given(address(bytes, 0, family)?),
        source: given(address(bytes, 28, family)?),
        protocol: *bytes.get(20)?,
        reqid: u32_at(bytes, 44)?,
        tunnel: *bytes.get(48)? == TUNNEL,
    })
}

/// `struct nlattr`s: type and value.
fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let length = usize::from(u16_at(bytes, 0)?);
        let value = bytes.get(4..length)?;
        let kind = u16_at(bytes, 2)?;
        bytes = bytes.get(length.next_multiple_of(ALIGN)..).unwrap_or_default();
        Some((kind, value))
    })
}

/// `xfrm_address_t`: room for IPv6, whatever the family; the wildcard family 0 is IPv4's.
fn address(bytes: &[u8], at: usize, family: u16) -> Option<IpAddr> {
    let octets: [u8; 16] = bytes.get(at..at + 16)?.try_into().ok()?;
    match i32::from(family) {
        libc::AF_INET6 => Some(Ipv6Addr::from(octets).into()),
        libc::AF_INET | libc::AF_UNSPEC => {
            let [a, b, c, d, ..] = octets;
            Some(Ipv4Addr::new(a, b, c, d).into())
        }
        _ => None,
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(bytes: &mut [u8], at: usize, what: &[u8]) {
        bytes[at..at + what.len()].copy_from_slice(what);
    }

    /// ESP in tunnel mode from 192.0.2.1 to 198.51.100.9, SPI 0x100, reqid 7, 42 packets, a key behind it.
    fn association() -> Vec<u8> {
        let mut body = vec![0; 224];
        put(&mut body, 56, &[198, 51, 100, 9]);
        put(&mut body, 72, &0x100_u32.to_be_bytes());
        put(&mut body, 76, &[50]);
        put(&mut body, 80, &[192, 0, 2, 1]);
        put(&mut body, 160, &4200_u64.to_ne_bytes());
        put(&mut body, 168, &42_u64.to_ne_bytes());
        put(&mut body, 208, &7_u32.to_ne_bytes());
        put(&mut body, 212, &2_u16.to_ne_bytes());
        put(&mut body, 214, &[1]);
        body.extend([0xaa; 80]);
        body
    }

    /// To 2001:db8:9::/48, TCP to port 443, mark 1/0xff, by ESP in tunnel mode to 2001:db8::9.
    fn policy() -> Vec<u8> {
        let mut body = vec![0; POLICY];
        put(&mut body, 0, &"2001:db8:9::".parse::<Ipv6Addr>().unwrap().octets());
        put(&mut body, 32, &[443_u16.to_be_bytes(), [0xff; 2]].concat());
        put(&mut body, 40, &10_u16.to_ne_bytes());
        put(&mut body, 42, &[48, 0, 6]);
        put(&mut body, 152, &100_u32.to_ne_bytes());
        put(&mut body, 160, &[1, 0]);
        let mut template = vec![0; TEMPLATE];
        put(&mut template, 0, &"2001:db8::9".parse::<Ipv6Addr>().unwrap().octets());
        put(&mut template, 20, &[50]);
        put(&mut template, 24, &10_u16.to_ne_bytes());
        put(&mut template, 44, &7_u32.to_ne_bytes());
        put(&mut template, 48, &[1]);
        body.extend([68_u16.to_ne_bytes(), XFRMA_TMPL.to_ne_bytes()].concat());
        body.extend(template);
        body.extend([12_u16.to_ne_bytes(), XFRMA_MARK.to_ne_bytes()].concat());
        body.extend([1_u32.to_ne_bytes(), 0xff_u32.to_ne_bytes()].concat());
        body
    }

    #[test]
    fn an_association_tells_its_ends_and_what_it_has_carried() {
        let expected = Association {
            source: "192.0.2.1".parse().unwrap(),
            destination: "198.51.100.9".parse().unwrap(),
            protocol: 50,
            reqid: 7,
            tunnel: true,
            packets: 42,
        };
        assert_eq!(read_association(&association()), Some(expected));
    }

    #[test]
    fn a_policy_tells_its_selector_and_its_template() {
        let read = read_policy(&policy()).unwrap();
        assert_eq!(read.selector.destination, "2001:db8:9::/48".parse().unwrap());
        assert_eq!(read.selector.source, "::/0".parse().unwrap());
        assert_eq!((read.selector.destination_port, read.selector.source_port), ((443, 0xffff), (0, 0)));
        assert_eq!((read.selector.protocol, read.priority), (6, 100));
        assert_eq!((read.direction, read.action, read.mark, read.interface_id), (1, 0, (1, 0xff), 0));
        let template = Template {
            source: None,
            destination: Some("2001:db8::9".parse().unwrap()),
            protocol: 50,
            reqid: 7,
            tunnel: true,
        };
        assert_eq!(read.templates, [template]);
    }

    #[test]
    fn no_truncation_makes_the_readers_panic_or_invent() {
        for length in 0..224 {
            let _ = read_association(&association()[..length]);
        }
        for length in 0..policy().len() {
            let read = read_policy(&policy()[..length]);
            assert!(length >= POLICY || read.is_none());
        }
        assert_eq!(messages(&[0xff; 64]).count(), 0);
        assert_eq!(messages(&[0; 64]).count(), 0);
        assert_eq!(attributes(&[0; 64]).count(), 0);
    }
}
