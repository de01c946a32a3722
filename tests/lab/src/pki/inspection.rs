//! The CA of the site's own TLS inspection, and the one certificate that it shows for every name.

use std::fs;

use anyhow::Result;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use time::{Duration, OffsetDateTime};

use super::Pki;
use crate::plan::HOSTS;

/// Makes `inspection-ca.pem` and the chain and key of `inspected`.
pub(super) fn make(pki: &Pki) -> Result<()> {
    let now = OffsetDateTime::now_utc();
    let named = |names: Vec<String>, common_name: &str| -> Result<CertificateParams> {
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name.remove(DnType::CommonName);
        params.distinguished_name.push(DnType::CommonName, common_name);
        (params.not_before, params.not_after) = (now - Duration::days(1), now + Duration::days(90));
        Ok(params)
    };
    let mut authority = named(Vec::new(), "Example Site Inspection CA")?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
    let names = HOSTS.iter().map(|host| host.name.to_owned()).chain(["acct.blob.azure.example".to_owned()]);
    let (mut leaf, key) = (named(names.collect(), "inspected")?, KeyPair::generate()?);
    leaf.use_authority_key_identifier_extension = true;
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    fs::write(pki.file("inspection-ca.pem"), authority.pem())?;
    fs::write(pki.chain("inspected"), leaf.signed_by(&key, &authority)?.pem())?;
    fs::write(pki.key("inspected"), key.serialize_pem())?;
    Ok(())
}
