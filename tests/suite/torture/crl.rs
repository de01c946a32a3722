//! CRLs (RFC 5280 §5, §6.3; R4, R4'): what lists, what does not, and what says nothing.

use closedpath_lab::torture::{Draft, delta_of, entry, entry_with, extension, idp, integer, sequence};

use super::case::{Case, Make, case};
use super::world::{World, base, bytes, crl_of, draft};

pub fn cases() -> Vec<Case> {
    let mut cases = plain();
    cases.extend(several());
    cases.extend(urls());
    cases.extend(signatures());
    cases.extend(forms());
    cases.extend(scopes());
    cases.extend(entries());
    cases
}

/// What must come of a CRL that says nothing.
macro_rules! nothing {
    ($words:literal) => {
        concat!("tls ok; leaf undetermined: ", $words, "; position 1 good by crl; chain undetermined")
    };
}

const GOOD: &str = "tls ok; leaf good by crl; chain good";
const REVOKED: &str = "tls ok; leaf revoked by crl; chain revoked";

fn plain() -> Vec<Case> {
    vec![
        case("a leaf that the CRL does not list").crl("/a.crl", base()).expect("tls ok; leaf good by crl; chain good; no F33 crl.{d}"),
        case("a revoked leaf known only by CRL").crl("/a.crl", base()).listed().expect(REVOKED),
        case("a CRL that is gone").crl_by("/a.crl", "return 404;").expect("tls ok; leaf undetermined: 404; chain undetermined; F33 crl.{d}: 404"),
        case("a CRL that is forbidden").crl_by("/a.crl", "return 403;").expect("tls ok; leaf undetermined: 403; chain undetermined; F33 crl.{d}: 403"),
        case("a CRL at a host that resets").point("URI:http://crl.{d}/a.crl", None).record("crl", "203.0.113.74").expect("tls ok; leaf undetermined; chain undetermined; F33 crl.{d}"),
        case("a CRL at a host that refuses").point("URI:http://crl.{d}/a.crl", None).record("crl", "203.0.113.66").expect("tls ok; leaf undetermined; chain undetermined; F33 crl.{d}: refused"),
        case("a CRL at a host that drops").point("URI:http://crl.{d}/a.crl", None).record("crl", "203.0.113.99").expect("tls ok; leaf undetermined; chain undetermined; F33 crl.{d}: timeout"),
        case("a CRL at a host that says nothing").point("URI:http://crl.{d}/a.crl", None).record("crl", "203.0.113.73").expect("tls ok; leaf undetermined; chain undetermined; F33 crl.{d}"),
        case("a CRL without end").point("URI:http://crl.{d}/a.crl", None).record("crl", "203.0.113.71").expect("tls ok; leaf undetermined; chain undetermined; F33 crl.{d}"),
        case("a CRL that trickles").point("URI:http://crl.{d}/a.crl", None).record("crl", "203.0.113.72").expect("tls ok; leaf undetermined; chain undetermined; F33 crl.{d}"),
        case("a CRL at a host that does not exist").point("URI:http://nowhere.example/a.crl", None).expect("tls ok; leaf undetermined; chain undetermined; F33 nowhere.example"),
        case("a CRL by IPv6 alone").crl("/a.crl", base()).record("crl", "2001:db8::10").listed().expect(REVOKED),
    ]
}

const SOME: &str = "keyCompromise, CACompromise";
const OTHERS: &str = "affiliationChanged, superseded, cessationOfOperation, certificateHold, privilegeWithdrawn, AACompromise";

/// A CRL for some reasons at `http://crl.HOST/PATH`.
fn part(path: &'static str, reasons: &'static str, lists: bool) -> Make {
    Box::new(move |world, case| {
        let listed = if lists { vec![case.serial.clone()] } else { Vec::new() };
        let extensions = case.fill(&format!(
            "issuingDistributionPoint = critical, @i\n[i]\nfullname = URI:http://crl.{{d}}{path}\nonlysomereasons = {reasons}"
        ));
        world.authority("issuing").crl(&listed, &extensions, (-1, 7)).expect("a CRL")
    })
}

fn several() -> Vec<Case> {
    let split = |name: &'static str, lists: bool| {
        case(name)
            .point("URI:http://crl.{d}/one.crl", Some(SOME))
            .point("URI:http://crl.{d}/two.crl", Some(OTHERS))
            .serve("crl", "/one.crl", part("/one.crl", SOME, lists))
    };
    vec![
        case("three points of which one is dead").point("URI:http://dead.{d}/a.crl", None).record("dead", "203.0.113.66").crl("/b.crl", base()).crl("/c.crl", base())
            .expect("tls ok; leaf good by crl; chain good; F33 dead.{d}; member crl.{d}:80/http"),
        case("three points of which two are dead and one lists it").point("URI:http://dead.{d}/a.crl", None).record("dead", "203.0.113.66").crl_by("/b.crl", "return 404;").crl("/c.crl", base()).listed().expect(REVOKED),
        case("two points of which the second lists it").crl("/a.crl", draft(|_, _| {})).crl("/b.crl", base()).listed().expect(REVOKED),
        case("two URIs in one point of which one is dead").point("URI:http://dead.{d}/a.crl, URI:http://crl.{d}/a.crl", None).record("dead", "203.0.113.66").serve("crl", "/a.crl", base())
            .expect("tls ok; leaf good by crl; chain good; member dead.{d}:80/http"),
        case("two URIs in one point of which the second lists it").point("URI:http://crl.{d}/a.crl, URI:http://crl.{d}/b.crl", None).serve("crl", "/a.crl", draft(|_, _| {})).serve("crl", "/b.crl", base()).listed().expect(REVOKED),
        split("reasons split and one part missing", false).nginx("crl", "/two.crl", "return 404;").expect("tls ok; leaf undetermined: some revocation reasons only; chain undetermined"),
        split("reasons split and all parts there", false).serve("crl", "/two.crl", part("/two.crl", OTHERS, false)).expect(GOOD),
        split("reasons split and the first part lists it", true).nginx("crl", "/two.crl", "return 404;").expect(REVOKED),
        split("reasons split and both parts of the same reasons", false).serve("crl", "/two.crl", part("/two.crl", SOME, false)).expect("tls ok; leaf undetermined; chain undetermined"),
        case("seventy points at one host").many_points(70).serve("crl", "/", base()).expect("leaf good by crl; F40 crl.{d}: more than 64 URLs"),
    ]
}

fn urls() -> Vec<Case> {
    vec![
        case("a CRL over ldap alone").point("URI:ldap://crl.{d}/cn=a", None).expect("tls ok; leaf undetermined; chain undetermined; no member crl.{d}:389/tcp"),
        case("a CRL over ldap and http").point("URI:ldap://crl.{d}/cn=a, URI:http://crl.{d}/a.crl", None).serve("crl", "/a.crl", base()).listed().expect(REVOKED),
        case("a CRL at a file").point("URI:file:///etc/passwd", None).expect("tls ok; leaf undetermined; chain undetermined"),
        case("a URL with an escaped space").point("URI:http://crl.{d}/a%20b.crl", None).serve("crl", "/a b.crl", base()).listed().expect(REVOKED),
        case("a URL in capitals").point("URI:HTTP://CRL.{d}:80/a.crl", None).serve("crl", "/a.crl", base()).listed().expect("tls ok; leaf revoked by crl; member crl.{d}:80/http"),
        case("a URL with a query").point("URI:http://crl.{d}/a.crl?part=1", None).serve("crl", "/a.crl", base()).listed().expect(REVOKED),
        case("a URL of three thousand letters").long_point(3000).expect("tls ok; leaf undetermined; chain undetermined"),
        case("a URL that is none").point("URI:nonsense", None).expect("tls ok; leaf undetermined; chain undetermined"),
        case("a CRL over https").point("URI:https://secure.torture.example/issuing.crl", None).listed().expect("tls ok; leaf revoked by crl; member secure.torture.example:443/https"),
    ]
}

/// `openssl ca -gencrl` of the RSA authority with these arguments.
fn rsa(arguments: &'static [&'static str]) -> Make {
    Box::new(move |world: &World, case: &Case| {
        let out = format!("{}.crl", case.host());
        let words = [&["ca", "-config", "rsa.conf", "-name", "crl", "-gencrl", "-crldays", "7", "-out", &out][..], arguments].concat();
        world.shop.run("openssl", &words).expect("a CRL");
        world.shop.run("openssl", &["crl", "-in", &out, "-outform", "DER"]).expect("a CRL")
    })
}

/// By hand, of `issuer` and by the key of `signer`.
fn signed_by(issuer: &'static str, signer: &'static str) -> Make {
    Box::new(move |world, _| Draft::default().sign(world.authority(issuer), world.authority(signer)).expect("a CRL"))
}

fn signatures() -> Vec<Case> {
    vec![
        case("a CRL signed by an impostor of the same name").crl("/a.crl", signed_by("issuing", "impostor")).expect(nothing!("signature")),
        case("a CRL of another CA").crl("/a.crl", crl_of("root")).expect(nothing!("another CA")),
        case("a CRL of another CA that lists its number").crl("/a.crl", Box::new(|world, case| {
            let lists = Draft { entries: entry(&case.serial_octets()), ..Draft::default() };
            lists.sign(world.authority("stranger"), world.authority("stranger")).expect("a CRL")
        })).expect(nothing!("another CA")),
        case("an unsigned CRL").crl("/a.crl", Box::new(|world, _| Draft::default().unsigned(world.authority("issuing")).expect("a CRL"))).expect(nothing!("signature")),
        case("a CRL with one bit flipped").crl("/a.crl", Box::new(|world, _| {
            let mut crl = world.base.clone();
            let last = crl.len() - 5;
            crl[last] ^= 1;
            crl
        })).expect(nothing!("signature")),
        case("a CRL signed with SHA-1").issued_by("rsa").crl("/a.crl", rsa(&["-md", "sha1"])).expect(nothing!("too weak")),
        case("a CRL signed with MD5").issued_by("rsa").crl("/a.crl", rsa(&["-md", "md5"])).expect(nothing!("too weak or not supported")),
        // RFC 4055 §3.1. A build without RSASSA-PSS for CRLs must say so instead.
        case("a CRL signed with RSA-PSS").issued_by("rsa").crl("/a.crl", rsa(&["-md", "sha256", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"])).expect(GOOD),
        case("a CRL of a CA that must not sign CRLs").issued_by("nocrl").crl("/a.crl", crl_of("nocrl")).expect(nothing!("key usage")),
    ]
}

/// The usual CRL with something done to it.
fn mangled(change: fn(&mut Vec<u8>)) -> Make {
    Box::new(move |world, _| {
        let mut crl = world.base.clone();
        change(&mut crl);
        crl
    })
}

fn forms() -> Vec<Case> {
    vec![
        case("a truncated CRL").crl("/a.crl", mangled(|crl| crl.truncate(crl.len() / 2))).expect(nothing!("malformed")),
        case("a CRL with rubbish after it").crl("/a.crl", mangled(|crl| crl.push(0))).expect(nothing!("malformed")),
        case("a CRL from the future").crl("/a.crl", draft(|draft, _| (draft.this, draft.next) = (2880, Some(9000)))).expect(nothing!("future")),
        case("a CRL dated two minutes ahead").crl("/a.crl", draft(|draft, _| draft.this = 2)).expect(GOOD),
        case("a stale CRL").crl("/a.crl", draft(|draft, _| (draft.this, draft.next) = (-9000, Some(-60)))).expect(nothing!("stale")),
        case("a CRL without nextUpdate").crl("/a.crl", draft(|draft, _| draft.next = None)).expect(nothing!("no nextUpdate")),
        case("a CRL whose nextUpdate comes before it").crl("/a.crl", draft(|draft, _| (draft.this, draft.next) = (-60, Some(-120)))).expect("tls ok; leaf undetermined; chain undetermined"),
        case("a CRL as PEM").crl("/a.crl", Box::new(|world, _| {
            let pem = world.shop.read("issuing.crl").expect("a file");
            assert!(pem.starts_with(b"-----BEGIN X509 CRL"));
            pem
        })).expect("tls ok; leaf good by crl"),
        case("a web page instead of a CRL").crl("/a.crl", bytes(b"<!DOCTYPE html><html><body>Sign in</body></html>")).expect(nothing!("web page")),
        case("nothing instead of a CRL").crl("/a.crl", bytes(b"")).expect(nothing!("empty")),
        case("a certificate instead of a CRL").crl("/a.crl", Box::new(|world, _| world.der("issuing"))).expect(nothing!("malformed")),
        // RFC 9110 §8.4: nobody asked for a coding, so this is no CRL.
        case("a CRL compressed with gzip").crl("/a.gz", Box::new(|world, case| {
            let file = format!("{}.crl", case.host());
            world.shop.write(&file, &world.base).expect("a file");
            world.shop.run("gzip", &["-c", &file]).expect("gzip")
        })).expect("tls ok; leaf undetermined; chain undetermined"),
    ]
}

/// freshestCRL at `http://crl.{d}/delta.crl`, and what is there.
fn delta(name: &'static str, make: Make) -> Case {
    case(name).with("freshestCRL = URI:http://crl.{d}/delta.crl").serve("crl", "/delta.crl", make)
}

fn reason(code: u8) -> Vec<u8> {
    extension(&[0x55, 0x1d, 21], false, &[0x0a, 1, code])
}

fn scopes() -> Vec<Case> {
    let of = |fields: &'static [u8]| draft(move |draft, _| draft.extensions.push(idp(fields)));
    let lists = |code: u8| {
        move |draft: &mut Draft, case: &Case| {
            draft.number = 43;
            draft.extensions.push(delta_of(42));
            draft.entries = entry_with(&case.serial_octets(), &reason(code));
        }
    };
    let held = |draft: &mut Draft, case: &Case| draft.entries = entry_with(&case.serial_octets(), &reason(6));
    vec![
        delta("a delta CRL that revokes", draft(lists(1))).crl("/a.crl", draft(|_, _| {})).expect("tls ok; leaf revoked by crl; chain revoked; member crl.{d}:80/http"),
        delta("a delta CRL that lifts a hold", draft(lists(8))).crl("/a.crl", draft(held)).expect("tls ok; leaf good by crl"),
        delta("a delta CRL of a later base", draft(|draft, _| {
            draft.number = 60;
            draft.extensions.push(delta_of(50));
        })).crl("/a.crl", draft(|_, _| {})).expect("tls ok; leaf good by crl"),
        delta("a delta CRL that is gone", bytes(b"")).crl("/a.crl", draft(|_, _| {})).expect("tls ok; leaf good by crl"),
        case("a delta CRL alone").crl("/a.crl", draft(|draft, _| draft.extensions.push(delta_of(42)))).expect(nothing!("delta")),
        case("a CRL of another part").crl("/a.crl", Box::new(|world, _| {
            let extensions = "issuingDistributionPoint = critical, @i\n[i]\nfullname = URI:http://crl.example/other.crl";
            world.authority("issuing").crl(&[], extensions, (-1, 7)).expect("a CRL")
        })).expect(nothing!("does not cover")),
        case("a CRL of its own part").crl("/a.crl", Box::new(|world, case| {
            let extensions = case.fill("issuingDistributionPoint = critical, @i\n[i]\nfullname = URI:http://crl.{d}/a.crl");
            world.authority("issuing").crl(&[case.serial.clone()], &extensions, (-1, 7)).expect("a CRL")
        })).expect(REVOKED),
        case("a CRL of CA certificates alone").crl("/a.crl", of(&[0x82, 1, 0xff])).expect(nothing!("does not cover")),
        case("a CRL of users alone").crl("/a.crl", of(&[0x81, 1, 0xff])).expect(GOOD),
        case("a CRL of attribute certificates alone").crl("/a.crl", of(&[0x85, 1, 0xff])).expect(nothing!("does not cover")),
        // Without cRLIssuer in the point (RFC 5280 §6.3.3 (b)(1)) another issuer's CRL is not for this certificate.
        case("an indirect CRL of another issuer").crl("/a.crl", Box::new(|world, _| {
            let indirect = Draft { extensions: vec![idp(&[0x84, 1, 0xff])], ..Draft::default() };
            indirect.sign(world.authority("indirect"), world.authority("indirect")).expect("a CRL")
        })).expect(nothing!("another CA")),
        case("an indirect CRL of its own issuer").crl("/a.crl", of(&[0x84, 1, 0xff])).expect(GOOD),
        case("an unknown critical extension of a CRL").crl("/a.crl", draft(|draft, _| draft.extensions.push(extension(&[0x2a, 3, 4], true, &[5, 0])))).expect(nothing!("critical")),
        case("an unknown extension of a CRL that is not critical").crl("/a.crl", draft(|draft, _| draft.extensions.push(extension(&[0x2a, 3, 4], false, &[5, 0])))).expect(GOOD),
    ]
}

/// Half a million entries of 16 octets, as large as the largest real CRLs; with the leaf's, or without.
fn huge(lists: bool) -> Make {
    Box::new(move |world, case| {
        let template = entry_with(&[0x51; 16], &reason(1));
        let mut entries = Vec::with_capacity(template.len() * 500_001);
        for number in 0..500_000_u32 {
            let begin = entries.len();
            entries.extend(&template);
            // SEQUENCE and INTEGER have two octets of header each; the number goes to the end of the sixteen.
            entries[begin + 16..begin + 20].copy_from_slice(&number.to_be_bytes());
        }
        if lists {
            entries.extend(entry(&case.serial_octets()));
        }
        let issuing = world.authority("issuing");
        Draft { entries, ..Draft::default() }.sign(issuing, issuing).expect("a CRL")
    })
}

fn entries() -> Vec<Case> {
    let with = |extensions: Vec<u8>| draft(move |draft, case| draft.entries = entry_with(&case.serial_octets(), &extensions));
    let other = |extensions: Vec<u8>| draft(move |draft, _| draft.entries = entry_with(&[9, 9], &extensions));
    vec![
        case("a certificate on hold").crl("/a.crl", with(reason(6))).expect(REVOKED),
        case("a reason that no standard knows").crl("/a.crl", with(reason(77))).expect(REVOKED),
        // RFC 5280 §5.3.1 allows removeFromCRL in deltas only. Contested: here it stays listed, which is the safer reading.
        case("a complete CRL with an entry removeFromCRL").crl("/a.crl", with(reason(8))).expect(REVOKED),
        // §5.3: an unknown critical extension of any entry forbids to use the CRL to say that something is not revoked.
        case("an unknown critical extension of another entry").crl("/a.crl", other(extension(&[0x2a, 3, 4], true, &[5, 0]))).expect(nothing!("critical")),
        case("an unknown extension of another entry").crl("/a.crl", other(extension(&[0x2a, 3, 4], false, &[5, 0]))).expect(GOOD),
        case("half a million entries with the leaf").crl("/a.crl", huge(true)).expect(REVOKED),
        case("half a million entries without the leaf").crl("/a.crl", huge(false)).expect(GOOD),
        case("an entry that is no entry").crl("/a.crl", draft(|draft, _| draft.entries = sequence(&[&integer(&[1])]))).expect("tls ok; leaf undetermined; chain undetermined"),
    ]
}
