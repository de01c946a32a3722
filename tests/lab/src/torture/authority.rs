//! Authorities and what they issue, by `openssl ca`; each has one file per thing in the workshop's folder.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};

use super::der;
use crate::tools::command;

/// How keys are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// ECDSA on P-256.
    P256,
    /// ECDSA on P-384.
    P384,
    /// ECDSA on P-521.
    P521,
    /// Ed25519.
    Ed25519,
    /// RSA with so many bits.
    Rsa(u16),
}

impl Key {
    fn arguments(self) -> Vec<String> {
        let words = match self {
            Self::P256 => "ec -pkeyopt ec_paramgen_curve:P-256".to_owned(),
            Self::P384 => "ec -pkeyopt ec_paramgen_curve:P-384".to_owned(),
            Self::P521 => "ec -pkeyopt ec_paramgen_curve:P-521".to_owned(),
            Self::Ed25519 => "ed25519".to_owned(),
            Self::Rsa(bits) => format!("rsa:{bits}"),
        };
        words.split(' ').map(str::to_owned).collect()
    }
}

/// A folder in which openssl works.
#[derive(Debug, Clone)]
pub struct Workshop {
    dir: PathBuf,
}

/// A certification authority: a name and a key.
#[derive(Debug, Clone)]
pub struct Authority {
    workshop: Workshop,
    name: String,
    subject: String,
}

/// A certificate to be issued.
#[derive(Debug, Clone)]
pub struct Leaf {
    /// The file it goes to, without ending.
    pub file: String,
    /// Common name.
    pub subject: String,
    /// Hexadecimal.
    pub serial: String,
    /// Lines of an extension section of openssl's configuration, and what these refer to.
    pub extensions: String,
    /// First and last day of validity, counted from now.
    pub days: (i64, i64),
    /// The request, and so the key, it is for.
    pub request: String,
    /// More arguments, such as `-md sha1`.
    pub arguments: Vec<String>,
}

impl Workshop {
    /// In a new folder.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn open(dir: &Path) -> Result<Self> {
        fs::create_dir_all(dir)?;
        Ok(Self { dir: dir.to_owned() })
    }

    /// A file of the folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// What is in a file of the folder.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(&self, name: &str) -> Result<Vec<u8>> {
        fs::read(self.file(name)).with_context(|| format!("no file {name}"))
    }

    /// Writes a file of the folder.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        fs::write(self.file(name), bytes).with_context(|| format!("cannot write {name}"))
    }

    /// Runs a program in the folder.
    ///
    /// # Errors
    /// It fails; the error has its words.
    pub fn run(&self, program: &str, arguments: &[&str]) -> Result<Vec<u8>> {
        let done = command(program).args(arguments).current_dir(&self.dir).output()?;
        if !done.status.success() {
            bail!("{program} {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
        }
        Ok(done.stdout)
    }

    /// Makes a key and a request for it, both named `name`.
    ///
    /// # Errors
    /// openssl fails.
    pub fn request(&self, name: &str, key: Key) -> Result<()> {
        self.write("req.conf", b"[req]\ndistinguished_name = dn\n[dn]\n")?;
        let (to, out) = (format!("{name}.key"), format!("{name}.csr"));
        let mut words = vec!["req", "-config", "req.conf", "-new", "-nodes", "-newkey"];
        let key = key.arguments();
        words.extend(key.iter().map(String::as_str));
        words.extend(["-subj", "/CN=request", "-keyout", &to, "-out", &out]);
        self.run("openssl", &words).map(drop)
    }

    /// An authority that signs itself.
    ///
    /// # Errors
    /// openssl fails.
    pub fn root(&self, name: &str, subject: &str, key: Key) -> Result<Authority> {
        let authority = self.authority(name, subject, key)?;
        let own = ["-selfsign", "-keyfile", &format!("{name}.key")].map(str::to_owned).to_vec();
        authority.issue(&Leaf { arguments: own, ..authority.certificate(name, (-400, 4000), "") })?;
        Ok(authority)
    }

    /// An authority with a key and without a certificate.
    ///
    /// # Errors
    /// openssl fails.
    pub fn authority(&self, name: &str, subject: &str, key: Key) -> Result<Authority> {
        let authority = Authority { workshop: self.clone(), name: name.into(), subject: subject.into() };
        self.request(name, key)?;
        authority.configure("")?;
        Ok(authority)
    }

    /// A certificate in DER.
    ///
    /// # Errors
    /// There is none.
    pub fn der(&self, name: &str) -> Result<Vec<u8>> {
        self.run("openssl", &["x509", "-in", &format!("{name}.pem"), "-outform", "DER"])
    }
}

impl Authority {
    /// The file name of its things, without ending.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A certificate for this authority, to be issued by itself or another one.
    pub fn certificate(&self, file: &str, days: (i64, i64), more: &str) -> Leaf {
        let usage = "basicConstraints = critical, CA:TRUE\nkeyUsage = critical, keyCertSign, cRLSign\nsubjectKeyIdentifier = hash\n";
        let serial = file.bytes().fold(0x51_u64, |sum, octet| (sum * 31 + u64::from(octet)) % 0xffff_ffff);
        Leaf {
            file: file.into(),
            subject: self.subject.clone(),
            serial: format!("7{serial:09X}"),
            extensions: usage.to_owned() + more,
            days,
            request: self.name.clone(),
            arguments: Vec::new(),
        }
    }

    /// Issues a certificate; gives it in PEM, and leaves it as `FILE.pem`.
    ///
    /// # Errors
    /// openssl fails.
    pub fn issue(&self, leaf: &Leaf) -> Result<Vec<u8>> {
        let (extensions, serial, out) =
            (format!("{}.ext", leaf.file), format!("{}.serial", self.name), format!("{}.pem", leaf.file));
        self.workshop.write(&extensions, format!("[e]\n{}", leaf.extensions).as_bytes())?;
        self.workshop.write(&serial, format!("{}\n", leaf.serial).as_bytes())?;
        let time = |days: i64| {
            let format =
                time::macros::format_description!("[year][month][day][hour][minute][second]Z");
            der::moment(days * 1440).format(format)
        };
        let (from, to) = (time(leaf.days.0)?, time(leaf.days.1)?);
        let (config, request) = (format!("{}.conf", self.name), format!("{}.csr", leaf.request));
        let subject = format!("/CN={}", leaf.subject);
        let mut words = vec!["ca", "-batch", "-notext", "-config", &config, "-in", &request, "-out", &out];
        words.extend(["-subj", &subject, "-extfile", &extensions, "-extensions", "e"]);
        words.extend(["-startdate", &from, "-enddate", &to]);
        words.extend(leaf.arguments.iter().map(String::as_str));
        self.workshop.run("openssl", &words)?;
        self.workshop.read(&out)
    }

    /// A CRL by `openssl ca`: these serials (hexadecimal), these lines of an extension section, and dates in days from now.
    ///
    /// # Errors
    /// openssl fails.
    pub fn crl(&self, serials: &[String], extensions: &str, days: (i64, i64)) -> Result<Vec<u8>> {
        self.index("crl", &[], serials)?;
        self.workshop.write("crl.number", b"2A\n")?;
        let config = self.configure(extensions)?;
        let format = time::macros::format_description!("[year][month][day][hour][minute][second]Z");
        let (from, to) =
            (der::moment(days.0 * 1440).format(format)?, der::moment(days.1 * 1440).format(format)?);
        let out = format!("{}.crl", self.name);
        let mut words = vec!["ca", "-config", &config, "-name", "crl", "-gencrl", "-out", &out];
        words.extend(["-crl_lastupdate", &from, "-crl_nextupdate", &to]);
        self.workshop.run("openssl", &words)?;
        self.workshop.run("openssl", &["crl", "-in", &out, "-outform", "DER"])
    }

    /// Writes `NAME.KIND.index`, from which `openssl ca` and `openssl ocsp` answer.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn index(&self, kind: &str, good: &[String], revoked: &[String]) -> Result<PathBuf> {
        let format =
            time::macros::format_description!("[year repr:last_two][month][day][hour][minute][second]Z");
        let (end, since) = (der::moment(144_000).format(format)?, der::moment(-2880).format(format)?);
        let even = |serial: &String| if serial.len() % 2 == 1 { format!("0{serial}") } else { serial.clone() };
        let good = good.iter().map(even).map(|serial| format!("V\t{end}\t\t{serial}\tunknown\t/CN={serial}\n"));
        let revoked = revoked
            .iter()
            .map(even)
            .map(|serial| format!("R\t{end}\t{since},keyCompromise\t{serial}\tunknown\t/CN={serial}\n"));
        let name = format!("{}.{kind}.index", self.name);
        self.workshop.write(&name, good.chain(revoked).collect::<String>().as_bytes())?;
        Ok(self.workshop.file(&name))
    }

    /// Signs a to-be-signed structure, for ECDSA on P-256 only: `SEQUENCE { signed, algorithm, signature }`.
    ///
    /// # Errors
    /// The key is of another kind.
    pub fn sign(&self, signed: &[u8], algorithm: &[u8]) -> Result<Vec<u8>> {
        let bits = der::tlv(3, &[&[0], &self.signature(signed)?]);
        Ok(der::sequence(&[signed, algorithm, &bits]))
    }

    pub(super) fn signature(&self, signed: &[u8]) -> Result<Vec<u8>> {
        let (key, out) = (format!("{}.key", self.name), format!("{}.pkcs8", self.name));
        if !self.workshop.file(&out).exists() {
            let words = ["pkcs8", "-topk8", "-nocrypt", "-in", &key, "-outform", "DER", "-out", &out];
            self.workshop.run("openssl", &words)?;
        }
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &self.workshop.read(&out)?, &random)
            .map_err(|error| anyhow::anyhow!("the key of {}: {error}", self.name))?;
        let signature = key.sign(&random, signed).map_err(|_| anyhow::anyhow!("cannot sign"))?;
        Ok(signature.as_ref().to_vec())
    }

    /// Name and public key (the bits) of its certificate `NAME.pem`.
    pub(super) fn identity(&self) -> Result<(Vec<u8>, Vec<u8>)> {
        let certificate = self.workshop.der(&self.name)?;
        let parts = der::children(&certificate)?;
        let fields = der::children(parts.first().context("no certificate")?)?;
        let name = fields.get(5).context("no subject")?.to_vec();
        let key = der::children(fields.get(6).context("no key")?)?;
        let bits = der::contents(key.get(1).context("no key")?)?;
        Ok((name, bits.get(1..).context("no key")?.to_vec()))
    }

    fn configure(&self, crl_extensions: &str) -> Result<String> {
        let name = &self.name;
        let (config, index) = (format!("{name}.conf"), format!("{name}.index"));
        if !self.workshop.file(&index).exists() {
            self.workshop.write(&index, b"")?;
        }
        let both = format!(
            "new_certs_dir = .\ncertificate = {name}.pem\nprivate_key = {name}.key\ndefault_md = default\npolicy = p\n\
             unique_subject = no\ndefault_days = 30\nserial = {name}.serial\n"
        );
        let text = format!(
            "[ca]\ndefault_ca = d\n[d]\ndatabase = {index}\n{both}[crl]\ndatabase = {name}.crl.index\ncrlnumber = crl.number\n\
             crl_extensions = x\n{both}[p]\ncommonName = supplied\n[x]\nauthorityKeyIdentifier = keyid\n{crl_extensions}\n"
        );
        self.workshop.write(&config, text.as_bytes())?;
        Ok(config)
    }
}
