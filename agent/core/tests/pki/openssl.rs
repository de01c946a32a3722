//! Material for the tests: a CA run by the `openssl` binary in a folder of its own. No sockets.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use closedpath_core::pki::der;

/// How far clocks may differ in these tests.
pub const SKEW: Duration = Duration::from_secs(300);
/// One day.
pub const DAY: Duration = Duration::from_secs(86_400);

const CONFIG: &str = "
[ca]
default_ca = d
[d]
database = index.txt
serial = serial
crlnumber = crlnumber
new_certs_dir = .
certificate = ca.pem
private_key = ca.key
default_md = sha256
policy = p
default_days = 30
default_crl_days = 7
unique_subject = no
[p]
commonName = supplied
[req]
distinguished_name = dn
[dn]
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[root_without_crl_sign]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
[leaf]
basicConstraints = CA:FALSE
crlDistributionPoints = URI:http://crl.example/a.crl, URI:ldap://crl.example/cn=a
[ca_ext]
basicConstraints = critical, CA:TRUE
[split]
crlDistributionPoints = split_one, split_two
[split_one]
fullname = URI:http://crl.example/one.crl
reasons = keyCompromise, CACompromise
[split_two]
fullname = URI:http://crl.example/two.crl
reasons = affiliationChanged, superseded, cessationOfOperation, certificateHold, privilegeWithdrawn, AACompromise
[must_staple]
tlsfeature = status_request
[other_feature]
tlsfeature = status_request_v2
[responder]
extendedKeyUsage = OCSPSigning
noCheck = ignored
[responder_checked]
extendedKeyUsage = OCSPSigning
[no_responder]
extendedKeyUsage = serverAuth
[crl]
authorityKeyIdentifier = keyid
[crl_part]
issuingDistributionPoint = critical, @part
[part]
fullname = URI:http://crl.example/a.crl
[crl_other_part]
issuingDistributionPoint = critical, @other_part
[other_part]
fullname = URI:http://crl.example/b.crl
[crl_users]
issuingDistributionPoint = critical, @users
[users]
onlyuser = TRUE
[crl_cas]
issuingDistributionPoint = critical, @cas
[cas]
onlyCA = TRUE
[crl_attributes]
issuingDistributionPoint = critical, @attributes
[attributes]
onlyAA = TRUE
[crl_one]
issuingDistributionPoint = critical, @one
[one]
fullname = URI:http://crl.example/one.crl
onlysomereasons = keyCompromise, CACompromise
[crl_two]
issuingDistributionPoint = critical, @two
[two]
fullname = URI:http://crl.example/two.crl
onlysomereasons = affiliationChanged, superseded, cessationOfOperation, certificateHold, privilegeWithdrawn, AACompromise
[crl_critical]
1.2.3.4 = critical, DER:0500
[crl_delta]
2.5.29.27 = critical, DER:020101
[crl_delta_of_nine]
2.5.29.27 = critical, DER:020109
[crl_freshest]
freshestCRL = URI:http://crl.example/delta.crl
";

/// A certification authority in a folder.
pub struct Ca {
    folder: PathBuf,
}

impl Ca {
    /// A P-256 CA.
    pub fn new() -> Self {
        Self::with(&["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "root")
    }

    /// A CA whose key and certificate `openssl req` makes with these arguments.
    pub fn with(arguments: &[&str], extensions: &str) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("closedpath-pki-{}-{number}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        let ca = Self { folder };
        ca.write("config", CONFIG.as_bytes());
        ca.write("index.txt", b"");
        ca.write("crlnumber", b"01\n");
        ca.run(
            &[
                &["req", "-x509", "-config", "config", "-nodes", "-subj", "/CN=Test CA", "-days", "365"],
                &["-keyout", "ca.key", "-out", "ca.pem", "-extensions", extensions][..],
                arguments,
            ]
            .concat(),
        );
        ca
    }

    /// Its certificate.
    pub fn certificate(&self) -> Vec<u8> {
        self.der("ca")
    }

    /// Issues a certificate `name` with a serial (hexadecimal) and extensions; `more` are arguments of `openssl ca`.
    pub fn issue(&self, name: &str, serial: &str, extensions: &str, more: &[&str]) -> Vec<u8> {
        self.write("serial", format!("{serial}\n").as_bytes());
        let (key, csr, pem) = (format!("{name}.key"), format!("{name}.csr"), format!("{name}.pem"));
        let subject = format!("/CN={name}");
        self.run(&[
            "req",
            "-config",
            "config",
            "-nodes",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-subj",
            &subject,
            "-keyout",
            &key,
            "-out",
            &csr,
        ]);
        let issue = ["ca", "-batch", "-config", "config", "-notext", "-in", &csr, "-out", &pem];
        self.run(&[&issue, &["-extensions", extensions][..], more].concat());
        self.der(name)
    }

    /// Revokes a certificate.
    pub fn revoke(&self, name: &str, reason: &str) {
        let pem = format!("{name}.pem");
        self.run(&["ca", "-config", "config", "-revoke", &pem, "-crl_reason", reason]);
    }

    /// A CRL.
    pub fn crl(&self, extensions: &str, more: &[&str]) -> Vec<u8> {
        let make = ["ca", "-config", "config", "-gencrl", "-crlexts", extensions, "-out", "crl.pem"];
        self.run(&[&make, more].concat());
        self.run(&["crl", "-in", "crl.pem", "-outform", "DER", "-out", "crl.der"]);
        self.read("crl.der")
    }

    /// The answer of `openssl ocsp`, signed with the certificate `signer`.
    pub fn respond(&self, request: &[u8], signer: &str, more: &[&str]) -> Vec<u8> {
        self.write("request", request);
        let (pem, key) = (format!("{signer}.pem"), format!("{signer}.key"));
        let answer =
            ["ocsp", "-index", "index.txt", "-CA", "ca.pem", "-reqin", "request", "-respout", "response"];
        self.run(&[&answer, &["-rsigner", &pem, "-rkey", &key][..], more].concat());
        self.read("response")
    }

    /// Signs a hand-made TBSCertList with the CA's key: a whole CRL.
    pub fn sign(&self, signed: &[u8], algorithm: &[u8]) -> Vec<u8> {
        self.write("signed", signed);
        self.run(&["dgst", "-sha256", "-sign", "ca.key", "-out", "signature", "signed"]);
        let bits = der::encode(der::BIT_STRING, &[&[0], &self.read("signature")]);
        der::encode(der::SEQUENCE, &[signed, algorithm, &bits])
    }

    /// Runs openssl in the folder.
    pub fn run(&self, arguments: &[&str]) {
        let done = Command::new("openssl").args(arguments).current_dir(&self.folder).output().unwrap();
        assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    }

    /// Reads a file of the folder.
    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.folder.join(name)).unwrap()
    }

    /// Writes a file into the folder.
    pub fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.folder.join(name), bytes).unwrap();
    }

    fn der(&self, name: &str) -> Vec<u8> {
        let (pem, out) = (format!("{name}.pem"), format!("{name}.der"));
        self.run(&["x509", "-in", &pem, "-outform", "DER", "-out", &out]);
        self.read(&out)
    }
}

impl Drop for Ca {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// openssl dates what it makes by the real clock.
pub fn now() -> SystemTime {
    SystemTime::now()
}

/// Every copy of `bytes` with one bit flipped.
pub fn flips(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..bytes.len() * 8).map(|bit| {
        let mut copy = bytes.to_vec();
        copy[bit / 8] ^= 1 << (bit % 8);
        copy
    })
}

/// Every beginning of `bytes` that lacks something.
pub fn truncations(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    (0..bytes.len()).map(|length| &bytes[..length])
}
