//! Host names: their addresses, and how the server behind them behaves.

/// What a host's certificate and server are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certificate {
    /// A good chain from the lab's CA; the server sends leaf and intermediate.
    Good,
    /// Good, and only TLS 1.2 is spoken.
    Tls12,
    /// Good, TLS 1.3, and a client certificate is demanded.
    ClientCertificate,
    /// Good, with an OCSP response stapled.
    Stapled,
    /// Expired and for another name.
    ExpiredAndMisnamed,
    /// Signed by itself.
    SelfSigned,
    /// The intermediate is not sent; its address stands in caIssuers.
    MissingIntermediate,
    /// Its CRL address redirects to another host of the CA.
    MovedCrl,
    /// Revoked in the CRL and by OCSP.
    Revoked,
    /// Neither CRL nor OCSP is named in it.
    NoPointers,
    /// No certificate: plain HTTP is spoken on the port where TLS is expected.
    PlainHttp,
    /// No certificate: connections are accepted and closed.
    HangsUp,
    /// No server.
    None,
}

/// One name with the addresses it ends at.
#[derive(Debug, Clone, Copy)]
pub struct Host {
    /// Full name without final dot.
    pub name: &'static str,
    /// The nodes its addresses belong to follow from the prefixes.
    pub addresses: &'static [&'static str],
    /// What is on port 443.
    pub certificate: Certificate,
    /// TTL of the address records, in seconds.
    pub ttl: u32,
}

impl Host {
    /// Whether its server shows a certificate.
    pub fn shows_certificate(&self) -> bool {
        !matches!(self.certificate, PlainHttp | HangsUp | None)
    }
}

const fn host(
    name: &'static str,
    addresses: &'static [&'static str],
    certificate: Certificate,
    ttl: u32,
) -> Host {
    Host { name, addresses, certificate, ttl }
}

use Certificate::{
    ClientCertificate, ExpiredAndMisnamed, Good, HangsUp, MissingIntermediate, MovedCrl, NoPointers, None,
    PlainHttp, Revoked, SelfSigned, Stapled, Tls12,
};

/// All names with addresses (CNAMEs and names that fail stand in the zone templates).
pub const HOSTS: [Host; 36] = [
    host("pe.vnet.example", &["10.100.1.4", "2001:db8:100:1::4"], Good, 10),
    host("app.vnet.example", &["10.100.1.5"], Good, 60),
    host("spoke.vnet.example", &["10.101.1.4"], Good, 60),
    host("blob.azure.example", &["198.51.100.130", "198.51.100.131", "2001:db8:a::130"], Good, 60),
    // Where acct.blob.azure.example is when its private endpoint is not used.
    host("public.blob.azure.example", &["198.51.100.139", "2001:db8:a::139"], Good, 60),
    host("arm.azure.example", &["198.51.100.132", "2001:db8:a::132"], Good, 300),
    host("v6only.azure.example", &["2001:db8:a::133"], Good, 300),
    host("tls12.azure.example", &["198.51.100.134", "2001:db8:a::134"], Tls12, 300),
    host("mtls.azure.example", &["198.51.100.135"], ClientCertificate, 300),
    host("staple.azure.example", &["198.51.100.136", "2001:db8:a::136"], Stapled, 300),
    host("echo.azure.example", &["198.51.100.137", "2001:db8:a::137"], Good, 300),
    host("split.azure.example", &["198.51.100.138", "203.0.113.138"], Good, 300),
    host("portal.afd.example", &["203.0.113.130", "2001:db8:fd::130"], Good, 30),
    host("login.afd.example", &["203.0.113.131", "203.0.113.132", "2001:db8:fd::131"], Good, 30),
    host("mail.afd.example", &["203.0.113.146"], Good, 30),
    host("assets.cdn.example", &["192.0.2.66", "192.0.2.67", "2001:db8:cd::66", "2001:db8:cd::67"], Good, 1),
    host("odd.cdn.example", &["192.0.2.68", "2001:db8:cd::68"], ExpiredAndMisnamed, 300),
    host("selfsigned.cdn.example", &["192.0.2.69"], SelfSigned, 300),
    host("incomplete.cdn.example", &["192.0.2.70"], MissingIntermediate, 300),
    host("moved.cdn.example", &["192.0.2.71"], MovedCrl, 300),
    host("revoked.cdn.example", &["192.0.2.72"], Revoked, 300),
    host("nopointers.cdn.example", &["192.0.2.73"], NoPointers, 300),
    host("plain.cdn.example", &["192.0.2.74"], PlainHttp, 300),
    host("hangup.cdn.example", &["192.0.2.75"], HangsUp, 300),
    host("echo.cdn.example", &["192.0.2.76", "2001:db8:cd::76"], Good, 300),
    host("cdn-crl.pki.example", &["192.0.2.77", "2001:db8:cd::77"], None, 300),
    host("crl.pki.example", &["192.0.2.130", "2001:db8:ca::130"], None, 300),
    host("ocsp.pki.example", &["192.0.2.131", "2001:db8:ca::131"], None, 300),
    host("aia.pki.example", &["192.0.2.132", "2001:db8:ca::132"], None, 300),
    host("dead.cdn.example", &["192.0.2.200"], None, 300),
    host("dead6.cdn.example", &["2001:db8:dd::200"], None, 300),
    host("refuse.cdn.example", &["192.0.2.210", "2001:db8:dd::210"], None, 300),
    host("half.cdn.example", &["192.0.2.78", "192.0.2.201"], Good, 300),
    host("canary.void.example", &["203.0.113.200"], None, 300),
    host("ce.site.example", &["192.168.1.1"], None, 300),
    host("host.site.example", &["192.168.1.10"], None, 300),
];

/// How many names `load.example` has.
pub const LOAD_NAMES: usize = 400;

/// What becomes of a name under `load.example`. A third are dead ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoadName {
    /// A TLS server in the Azure region: the last octet of its IPv4 address.
    Serves(u8),
    /// Its address never answers.
    DeadHost,
    /// The name does not exist.
    NxDomain,
    /// Questions about it are never answered.
    DnsTimeout,
}

/// The name `n<index>.load.example`, index 0 to 399.
pub fn load_name(index: usize) -> LoadName {
    match index % 9 {
        2 => LoadName::DeadHost,
        5 => LoadName::NxDomain,
        8 => LoadName::DnsTimeout,
        // 198.51.100.144 to .191: the part of the region's /26 that no other host uses.
        _ => LoadName::Serves(u8::try_from(144 + index % 48).unwrap_or(144)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_address_is_given_twice() {
        let mut all: Vec<&str> = HOSTS.iter().flat_map(|host| host.addresses).copied().collect();
        let before = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), before);
    }

    #[test]
    fn a_third_of_the_load_names_are_dead_ends() {
        let dead = (0..LOAD_NAMES).filter(|&index| !matches!(load_name(index), LoadName::Serves(_))).count();
        assert!((130..=136).contains(&dead), "{dead}");
    }
}
