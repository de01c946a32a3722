//! What the kernel's answer to a question about a route says.

use std::net::IpAddr;

use ipnet::IpNet;
use rtnetlink::Error;
use rtnetlink::packet_route::route::{
    RouteAddress, RouteAttribute, RouteMessage, RouteNextHopFlags, RouteVia,
};

/// Interface and gateway of every way out; next hops that are down carry nothing and are left out.
pub(super) fn ways_out(route: &RouteMessage) -> Vec<(u32, Option<IpAddr>)> {
    let own = gateway(&route.attributes);
    let mut ways = Vec::new();
    for attribute in &route.attributes {
        match attribute {
            RouteAttribute::Oif(index) => ways.push((*index, own)),
            RouteAttribute::MultiPath(hops) => {
                let alive = hops.iter().filter(|hop| !hop.flags.contains(RouteNextHopFlags::Dead));
                ways.extend(alive.map(|hop| (hop.interface_index, gateway(&hop.attributes))));
            }
            _ => {}
        }
    }
    ways
}

fn gateway(attributes: &[RouteAttribute]) -> Option<IpAddr> {
    attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::Gateway(address) => address_of(address),
        RouteAttribute::Via(RouteVia::Inet(address)) => Some((*address).into()),
        RouteAttribute::Via(RouteVia::Inet6(address)) => Some((*address).into()),
        _ => None,
    })
}

pub(super) fn source(route: &RouteMessage) -> Option<IpAddr> {
    route.attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::PrefSource(address) => address_of(address),
        _ => None,
    })
}

/// The matched prefix; the default route has no destination attribute.
pub(super) fn prefix(route: &RouteMessage, to: IpAddr) -> Option<IpNet> {
    let destination = route.attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::Destination(address) => address_of(address),
        _ => None,
    });
    let network = destination.or_else(|| {
        let any = if to.is_ipv4() { "0.0.0.0" } else { "::" };
        (route.header.destination_prefix_length == 0).then(|| any.parse().ok()).flatten()
    });
    IpNet::new(network?, route.header.destination_prefix_length).ok()
}

/// Tables above 255 stand in an attribute.
pub(super) fn table(route: &RouteMessage) -> u32 {
    let large = route.attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::Table(table) => Some(*table),
        _ => None,
    });
    large.unwrap_or_else(|| route.header.table.into())
}

fn address_of(address: &RouteAddress) -> Option<IpAddr> {
    match address {
        RouteAddress::Inet(address) => Some((*address).into()),
        RouteAddress::Inet6(address) => Some((*address).into()),
        _ => None,
    }
}

/// Whether the table says no: no route (ENETUNREACH), unreachable (EHOSTUNREACH), prohibit (EACCES), blackhole (EINVAL).
pub(super) fn is_no_route(error: &Error) -> bool {
    let Error::NetlinkError(message) = error else { return false };
    let errno = message.to_io().raw_os_error();
    matches!(errno, Some(libc::ENETUNREACH | libc::EHOSTUNREACH | libc::EACCES | libc::EINVAL))
}
