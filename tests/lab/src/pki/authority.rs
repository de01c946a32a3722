//! Root and intermediate, what they sign, and what they publish.

use std::fs;

use anyhow::Result;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer,
    CrlDistributionPoint, DnType, ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose,
    RevocationReason, RevokedCertParams, SerialNumber,
};
use time::{Duration, OffsetDateTime};

use super::Pki;
use super::extension::authority_information_access;

/// Serial number of the intermediate.
const INTERMEDIATE: u16 = 0x1001;

/// Where revocation and issuer certificates are found, as written into a certificate.
pub(super) struct Pointers {
    pub(super) crl: Option<&'static str>,
    pub(super) ocsp: Option<&'static str>,
    pub(super) ca_issuers: Option<&'static str>,
}

/// What leaves usually carry.
pub(super) const USUAL: Pointers = Pointers {
    crl: Some("http://crl.pki.example/issuing.crl"),
    ocsp: Some("http://ocsp.pki.example/issuing"),
    ca_issuers: Some("http://aia.pki.example/issuing.cer"),
};

/// A line of the intermediate's index: serial number, end of validity, whether revoked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Issued {
    pub(super) serial: u16,
    pub(super) not_after: OffsetDateTime,
    pub(super) revoked: bool,
}

/// The two certificate authorities of the lab.
pub(crate) struct Authority {
    pub(super) now: OffsetDateTime,
    root: CertifiedIssuer<'static, KeyPair>,
    intermediate: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    /// Makes both and writes their certificates and keys.
    pub(super) fn make(pki: &Pki) -> Result<Self> {
        let now = OffsetDateTime::now_utc();
        let params = |name: &str, days, serial: u16, path_length| -> Result<CertificateParams> {
            let mut params = CertificateParams::new(Vec::new())?;
            params.distinguished_name.push(DnType::OrganizationName, "Example Trust");
            params.distinguished_name.push(DnType::CommonName, name);
            (params.not_before, params.not_after) = (now - Duration::days(30), now + Duration::days(days));
            params.serial_number = Some(SerialNumber::from_slice(&serial.to_be_bytes()));
            params.is_ca = IsCa::Ca(BasicConstraints::Constrained(path_length));
            params.key_usages = vec![
                KeyUsagePurpose::KeyCertSign,
                KeyUsagePurpose::CrlSign,
                KeyUsagePurpose::DigitalSignature,
            ];
            Ok(params)
        };
        let root =
            CertifiedIssuer::self_signed(params("Example Root CA", 3650, 0x1000, 1)?, KeyPair::generate()?)?;
        let mut below = params("Example Issuing CA", 1000, INTERMEDIATE, 0)?;
        let pointers = Pointers {
            crl: Some("http://crl.pki.example/root.crl"),
            ocsp: Some("http://ocsp.pki.example/root"),
            ca_issuers: Some("http://aia.pki.example/root.cer"),
        };
        write_pointers(&mut below, &pointers);
        let intermediate = CertifiedIssuer::signed_by(below, KeyPair::generate()?, &root)?;
        for (name, issuer) in [("root", &root), ("issuing", &intermediate)] {
            fs::write(pki.file(&format!("{name}.pem")), issuer.pem())?;
            fs::write(pki.file(&format!("{name}.key")), issuer.key().serialize_pem())?;
            fs::write(pki.www().join(format!("{name}.cer")), issuer.der())?;
        }
        Ok(Self { now, root, intermediate })
    }

    /// Signs a leaf; gives its certificate in PEM.
    pub(super) fn sign(
        &self,
        mut params: CertificateParams,
        key: &KeyPair,
        pointers: &Pointers,
    ) -> Result<String> {
        params.use_authority_key_identifier_extension = true;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        write_pointers(&mut params, pointers);
        Ok(params.signed_by(key, &self.intermediate)?.pem())
    }

    /// The intermediate's certificate in PEM.
    pub(super) fn intermediate_pem(&self) -> String {
        self.intermediate.pem()
    }

    /// Writes both CRLs and the index files that `openssl ocsp` answers from.
    pub(super) fn publish(&self, pki: &Pki, issued: &[Issued]) -> Result<()> {
        let below =
            [Issued { serial: INTERMEDIATE, not_after: self.now + Duration::days(1000), revoked: false }];
        for (name, issuer, issued) in
            [("root", &self.root, &below[..]), ("issuing", &self.intermediate, issued)]
        {
            let revoked = issued.iter().filter(|certificate| certificate.revoked);
            let list = CertificateRevocationListParams {
                this_update: self.now - Duration::hours(1),
                next_update: self.now + Duration::days(7),
                crl_number: SerialNumber::from_slice(&[1]),
                issuing_distribution_point: None,
                revoked_certs: revoked.map(|certificate| self.revocation(certificate)).collect(),
                key_identifier_method: KeyIdMethod::Sha256,
            };
            fs::write(pki.www().join(format!("{name}.crl")), list.signed_by(issuer)?.der())?;
            let lines: Result<String> =
                issued.iter().map(|certificate| self.index_line(certificate)).collect();
            fs::write(pki.file(&format!("{name}.index")), lines?)?;
        }
        Ok(())
    }

    fn revocation(&self, certificate: &Issued) -> RevokedCertParams {
        RevokedCertParams {
            serial_number: SerialNumber::from_slice(&certificate.serial.to_be_bytes()),
            revocation_time: self.now - Duration::days(2),
            reason_code: Some(RevocationReason::KeyCompromise),
            invalidity_date: None,
        }
    }

    /// A line of OpenSSL's index format: state, expiry, revocation, serial, file, subject.
    fn index_line(&self, certificate: &Issued) -> Result<String> {
        let format =
            time::macros::format_description!("[year repr:last_two][month][day][hour][minute][second]Z");
        let expiry = certificate.not_after.format(format)?;
        let (state, revocation) = match certificate.revoked {
            false => ('V', String::new()),
            true => ('R', format!("{},keyCompromise", (self.now - Duration::days(2)).format(format)?)),
        };
        let serial = certificate.serial;
        Ok(format!("{state}\t{expiry}\t{revocation}\t{serial:04X}\tunknown\t/CN={serial}\n"))
    }
}

fn write_pointers(params: &mut CertificateParams, pointers: &Pointers) {
    params.use_authority_key_identifier_extension = true;
    let urls = pointers.crl.map(|url| CrlDistributionPoint { uris: vec![url.to_owned()] });
    params.crl_distribution_points = urls.into_iter().collect();
    if pointers.ocsp.is_some() || pointers.ca_issuers.is_some() {
        params.custom_extensions.push(authority_information_access(pointers.ocsp, pointers.ca_issuers));
    }
}
