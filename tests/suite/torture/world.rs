//! The authorities that all cases share, and the usual bodies.

use std::collections::BTreeMap;
use std::path::Path;

use closedpath_lab::torture::{Authority, Draft, Key, Leaf, Response, Single, Workshop};

use super::case::{Case, Indexed, Make};

/// The host that publishes what the authorities' own certificates point to.
const PUB: &str = "http://pub.torture.example";

/// Everything made once.
pub struct World {
    pub shop: Workshop,
    authorities: BTreeMap<&'static str, Authority>,
    /// The CRL of `issuing`.
    pub base: Vec<u8>,
    /// Bodies of `pub.torture.example` by path.
    pub published: Vec<(String, Vec<u8>)>,
}

/// Where the CRL of an authority's issuer is.
fn listed_in(file: &str) -> String {
    format!("crlDistributionPoints = URI:{PUB}/{file}.crl\n")
}

impl World {
    pub fn make(dir: &Path, cases: &[Case]) -> Self {
        let shop = Workshop::open(dir).expect("a folder");
        let mut world =
            Self { shop, authorities: BTreeMap::new(), base: Vec::new(), published: Vec::new() };
        for (request, key) in [("leaf", Key::P256), ("p521-leaf", Key::P521)] {
            world.shop.request(request, key).expect("a key");
        }
        for (name, subject) in [
            ("root", "Torture Root"),
            ("second", "Torture Second Root"),
            ("stranger", "Stranger Root"),
            ("inspector", "Corporate Inspection"),
            ("newroot", "Torture New Root"),
        ] {
            world.authorities.insert(name, world.shop.root(name, subject, Key::P256).expect("a root"));
        }
        world.middle();
        world.odd_middle();
        world.delegates();
        world.publish(cases);
        world
    }

    pub fn authority(&self, name: &str) -> &Authority {
        self.authorities.get(name).unwrap_or_else(|| panic!("no authority {name}"))
    }

    pub fn der(&self, name: &str) -> Vec<u8> {
        self.shop.der(name).expect("a certificate")
    }

    /// An authority certified by another one.
    fn below(&mut self, name: &'static str, subject: &str, key: Key, issuer: &str, change: impl Fn(&mut Leaf)) {
        let authority = self.shop.authority(name, subject, key).expect("a key");
        self.authorities.insert(name, authority);
        self.certify(name, name, issuer, change);
    }

    /// One more certificate of an authority.
    fn certify(&self, file: &str, name: &str, issuer: &str, change: impl Fn(&mut Leaf)) {
        let mut leaf = self.authority(name).certificate(file, (-300, 2000), &listed_in(issuer));
        change(&mut leaf);
        self.authority(issuer).issue(&leaf).expect("a certificate");
    }

    fn middle(&mut self) {
        let same = |_: &mut Leaf| {};
        self.below("issuing", "Torture Issuing CA", Key::P256, "root", same);
        self.below("impostor", "Torture Issuing CA", Key::P256, "root", same);
        self.below("revoked", "Torture Revoked CA", Key::P256, "root", same);
        self.below("expired", "Torture Expired CA", Key::P256, "root", |leaf| leaf.days = (-300, -10));
        self.below("unknown", "Torture Unknown CA", Key::P256, "stranger", |leaf| {
            leaf.extensions = leaf.extensions.replace(&listed_in("stranger"), "");
        });
        self.below("upper", "Torture Upper CA", Key::P256, "root", same);
        self.below("lower", "Torture Lower CA", Key::P256, "upper", |leaf| {
            leaf.extensions += &format!("authorityInfoAccess = caIssuers;URI:{PUB}/upper.cer\n");
        });
        self.below("cross", "Torture Cross CA", Key::P256, "root", same);
        self.certify("cross-second", "cross", "second", same);
        self.certify("cross-stranger", "cross", "stranger", same);
        self.certify("newroot-cross", "newroot", "root", same);
        self.below("below-new", "Torture CA below the new root", Key::P256, "newroot", same);
    }

    fn odd_middle(&mut self) {
        let same = |_: &mut Leaf| {};
        self.below("p384", "Torture P-384 CA", Key::P384, "root", same);
        self.below("p521", "Torture P-521 CA", Key::P521, "root", same);
        self.below("ed25519", "Torture Ed25519 CA", Key::Ed25519, "root", same);
        self.below("rsa", "Torture RSA CA", Key::Rsa(2048), "root", same);
        self.below("rsa4096", "Torture RSA-4096 CA", Key::Rsa(4096), "root", same);
        self.below("nocrl", "Torture CA that must not sign CRLs", Key::P256, "root", |leaf| {
            leaf.extensions = leaf.extensions.replace(", cRLSign", "");
        });
        self.below("constrained", "Torture constrained CA", Key::P256, "root", |leaf| {
            leaf.extensions += "nameConstraints = critical, permitted;DNS:elsewhere.example\n";
        });
        for (name, subject) in [("loop-a", "Torture Loop A"), ("loop-b", "Torture Loop B")] {
            let authority = self.shop.root(name, subject, Key::P256).expect("a loop");
            self.authorities.insert(name, authority);
        }
        // Each certifies the other; the self-signed certificates they began with are overwritten.
        let through = |file: &str| format!("authorityInfoAccess = caIssuers;URI:{PUB}/{file}.cer\n");
        let b = self.authority("loop-b").certificate("loop-b2", (-300, 2000), &through("loop-a2"));
        self.authority("loop-a").issue(&b).expect("a certificate");
        let a = self.authority("loop-a").certificate("loop-a2", (-300, 2000), &through("loop-b2"));
        self.authority("loop-b").issue(&a).expect("a certificate");
        // The OCSP and CRL signers that nobody is bound to believe.
        let indirect = self.shop.authority("indirect", "Torture CRL Issuer", Key::P256).expect("a key");
        let leaf = indirect.certificate("indirect", (-300, 2000), "");
        self.authority("root").issue(&leaf).expect("a certificate");
        self.authorities.insert("indirect", indirect);
    }

    fn delegates(&mut self) {
        let usage = "extendedKeyUsage = OCSPSigning\n";
        let nocheck = format!("{usage}noCheck = ignored\n");
        for (name, issuer, extensions, days) in [
            ("delegate", "issuing", nocheck.as_str(), (-2, 60)),
            ("delegate-checked", "issuing", usage, (-2, 60)),
            ("delegate-without-eku", "issuing", "extendedKeyUsage = serverAuth\n", (-2, 60)),
            ("delegate-expired", "issuing", nocheck.as_str(), (-60, -2)),
            ("delegate-of-stranger", "stranger", nocheck.as_str(), (-2, 60)),
        ] {
            let authority = self.shop.authority(name, name, Key::P256).expect("a key");
            let leaf = Leaf { extensions: extensions.to_owned(), ..authority.certificate(name, days, "") };
            self.authority(issuer).issue(&leaf).expect("a certificate");
            self.authorities.insert(name, authority);
        }
    }

    fn publish(&mut self, cases: &[Case]) {
        let serials = |wanted: &dyn Fn(&Case) -> bool| -> Vec<String> {
            cases.iter().filter(|case| wanted(case)).map(|case| case.serial.clone()).collect()
        };
        let revoked = self.authority("revoked").certificate("revoked", (0, 0), "").serial;
        for (name, listed) in [
            ("issuing", serials(&|case| case.listed)),
            ("root", vec![revoked]),
            ("second", Vec::new()),
            ("stranger", Vec::new()),
            ("upper", Vec::new()),
            ("newroot", Vec::new()),
            ("impostor", Vec::new()),
            ("lower", Vec::new()),
            ("cross", Vec::new()),
            ("unknown", Vec::new()),
            ("below-new", Vec::new()),
            ("revoked", Vec::new()),
            ("expired", Vec::new()),
            ("p384", Vec::new()),
            ("p521", Vec::new()),
            ("ed25519", Vec::new()),
            ("rsa", Vec::new()),
            ("rsa4096", Vec::new()),
            ("nocrl", Vec::new()),
        ] {
            let crl = self.authority(name).crl(&listed, "", (-1, 7)).expect("a CRL");
            self.published.push((format!("/{name}.crl"), crl));
        }
        self.base = self.published[0].1.clone();
        for name in ["issuing", "upper", "lower", "impostor", "loop-a2", "loop-b2", "cross", "cross-second"] {
            self.published.push((format!("/{name}.cer"), self.der(name)));
        }
        let good = serials(&|case| case.indexed == Indexed::Good);
        let revoked = serials(&|case| case.indexed == Indexed::Revoked);
        self.authority("issuing").index("ocsp", &good, &revoked).expect("an index");
    }
}

/// The usual CRL of `issuing`.
pub fn base() -> Make {
    Box::new(|world, _| world.base.clone())
}

/// The usual CRL of an authority.
pub fn crl_of(name: &'static str) -> Make {
    Box::new(move |world, _| {
        let path = format!("/{name}.crl");
        let found = world.published.iter().find(|(published, _)| *published == path);
        found.unwrap_or_else(|| panic!("no CRL of {name}")).1.clone()
    })
}

/// A certificate in DER.
pub fn der_of(name: &'static str) -> Make {
    Box::new(move |world, _| world.der(name))
}

/// Just this.
pub fn bytes(body: &'static [u8]) -> Make {
    Box::new(move |_, _| body.to_vec())
}

/// A CRL of `issuing` by hand.
pub fn draft(change: impl Fn(&mut Draft, &Case) + Send + Sync + 'static) -> Make {
    Box::new(move |world, case| {
        let mut draft = Draft::default();
        change(&mut draft, case);
        let issuing = world.authority("issuing");
        draft.sign(issuing, issuing).expect("a CRL")
    })
}

/// A response on the leaf by hand, signed by `signer`, whose certificate comes with it.
pub fn response(
    signer: &'static str,
    change: impl Fn(&mut Response, &Case) + Send + Sync + 'static,
) -> Make {
    Box::new(move |world, case| {
        let mut response = Response::of(Single::good(&case.serial_octets()));
        if signer != "issuing" {
            response.certificates.push(world.der(signer));
        }
        change(&mut response, case);
        response.sign(world.authority("issuing"), world.authority(signer)).expect("a response")
    })
}
