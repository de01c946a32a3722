//! The servers' certificates, good and odd, one per host of the plan and one wildcard for the load.

use std::fs;

use anyhow::Result;
use rcgen::{CertificateParams, DnType, KeyPair, SerialNumber};
use time::Duration;

use super::authority::{Issued, Pointers, USUAL};
use super::{Authority, Pki};
use crate::plan::{Certificate, HOSTS, Host};

/// The name under which the load's certificate is filed.
const LOAD: Host = Host { name: "load.example", addresses: &[], certificate: Certificate::Good, ttl: 0 };

/// Makes every leaf; gives the lines of the issuer's index.
pub(super) fn make(authority: &Authority, pki: &Pki) -> Result<Vec<Issued>> {
    let mut issued = Vec::new();
    for (serial, host) in (0x2000..).zip(HOSTS.iter().filter(|host| host.shows_certificate()).chain([&LOAD]))
    {
        issued.push(leaf(authority, pki, host, serial)?);
    }
    Ok(issued)
}

fn leaf(authority: &Authority, pki: &Pki, host: &Host, serial: u16) -> Result<Issued> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(names(host))?;
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, names(host).remove(0));
    params.serial_number = Some(SerialNumber::from_slice(&serial.to_be_bytes()));
    (params.not_before, params.not_after) =
        (authority.now - Duration::days(1), authority.now + Duration::days(90));
    if host.certificate == Certificate::ExpiredAndMisnamed {
        (params.not_before, params.not_after) =
            (authority.now - Duration::days(20), authority.now - Duration::days(2));
    }
    let not_after = params.not_after;
    let chain = match host.certificate {
        Certificate::SelfSigned => params.self_signed(&key)?.pem(),
        Certificate::MissingIntermediate => authority.sign(params, &key, &USUAL)?,
        _ => authority.sign(params, &key, &pointers(host))? + &authority.intermediate_pem(),
    };
    fs::write(pki.chain(host.name), chain)?;
    fs::write(pki.key(host.name), key.serialize_pem())?;
    Ok(Issued { serial, not_after, revoked: host.certificate == Certificate::Revoked })
}

fn names(host: &Host) -> Vec<String> {
    let names: &[&str] = match host.name {
        "odd.cdn.example" => &["another.cdn.example"],
        "load.example" => &["*.load.example"],
        "pe.vnet.example" => {
            &["pe.vnet.example", "acct.blob.azure.example", "acct.privatelink.blob.azure.example"]
        }
        "public.blob.azure.example" => &["public.blob.azure.example", "acct.blob.azure.example"],
        name => &[name],
    };
    names.iter().map(|&name| name.to_owned()).collect()
}

fn pointers(host: &Host) -> Pointers {
    match host.certificate {
        Certificate::MovedCrl => {
            Pointers { crl: Some("http://crl.pki.example/moved.crl"), ocsp: None, ..USUAL }
        }
        Certificate::NoPointers => Pointers { crl: None, ocsp: None, ca_issuers: None },
        _ => USUAL,
    }
}
