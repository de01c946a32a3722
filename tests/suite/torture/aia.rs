//! Missing issuers (R5): what caIssuers must and must not complete. The CRL shows who was taken for the issuer.

use super::case::{Case, Make, case};
use super::world::{base, bytes, crl_of, der_of};

/// A leaf that comes alone, with a CRL.
fn alone(name: &'static str) -> Case {
    case(name).presents(&["leaf"]).crl("/a.crl", base())
}

pub fn cases() -> Vec<Case> {
    let mut cases = true_ones();
    cases.extend(false_ones());
    cases
}

fn pem_of(name: &'static str) -> Make {
    Box::new(move |world, _| world.shop.read(&format!("{name}.pem")).expect("a certificate"))
}

/// PKCS#7 certs-only with these.
fn pkcs7_of(names: &'static [&'static str], form: &'static str) -> Make {
    Box::new(move |world, case| {
        let files: Vec<String> = names.iter().map(|name| format!("{name}.pem")).collect();
        let mut words = vec!["crl2pkcs7", "-nocrl", "-outform", form];
        files.iter().for_each(|file| words.extend(["-certfile", file]));
        world.shop.run("openssl", &words).unwrap_or_else(|error| panic!("{}: {error:#}", case.name))
    })
}

const COMPLETED: &str = "tls incomplete_chain; completed; leaf good by crl; position 1 good by crl; chain good; F37 {d}";
const NOT_COMPLETED: &str = "tls incomplete_chain; not completed; leaf undetermined; chain undetermined; F37 {d}";

fn true_ones() -> Vec<Case> {
    vec![
        alone("a missing intermediate as DER").aia("/i.cer", der_of("issuing")).expect(COMPLETED),
        alone("a missing intermediate as PEM").aia("/i.pem", pem_of("issuing")).expect(COMPLETED),
        alone("a missing intermediate as PKCS-7").aia("/i.p7c", pkcs7_of(&["issuing"], "DER")).expect(COMPLETED),
        alone("a missing intermediate as PKCS-7 in PEM").aia("/i.p7b", pkcs7_of(&["issuing"], "PEM")).expect(COMPLETED),
        alone("a missing intermediate among others").aia("/i.p7c", pkcs7_of(&["stranger", "impostor", "issuing"], "DER")).expect(COMPLETED),
        alone("a missing intermediate by the second URL").aia_by("/gone.cer", "return 404;").aia("/i.cer", der_of("issuing")).expect(COMPLETED),
        alone("a missing intermediate over https").access("caIssuers;URI:https://secure.torture.example/issuing.cer").expect("tls incomplete_chain; completed; leaf good by crl; chain good; member secure.torture.example:443/https"),
        case("two missing intermediates").issued_by("lower").presents(&["leaf"]).crl("/a.crl", crl_of("lower")).aia("/l.cer", der_of("lower"))
            .expect("tls incomplete_chain; completed; leaf good by crl; position 1 good by crl; position 2 good by crl; chain good"),
        case("a missing intermediate above another").issued_by("lower").presents(&["leaf", "lower"]).crl("/a.crl", crl_of("lower"))
            .expect("tls incomplete_chain; completed; leaf good by crl; position 1 good by crl; position 2 good by crl; chain good"),
        case("a missing cross-signed intermediate").issued_by("cross").presents(&["leaf"]).crl("/a.crl", crl_of("cross")).aia("/c.p7c", pkcs7_of(&["cross", "cross-second"], "DER"))
            .expect("tls incomplete_chain; completed; leaf good by crl; position 1 good by crl; chain good"),
        // The issuer is found, and leads nowhere: the root is unknown.
        case("a missing intermediate of an unknown root").issued_by("unknown").presents(&["leaf"]).crl("/a.crl", crl_of("unknown")).aia("/u.cer", der_of("unknown"))
            .expect("tls incomplete_chain; not completed"),
        case("a missing intermediate that is revoked").issued_by("revoked").presents(&["leaf"]).crl("/a.crl", crl_of("revoked")).aia("/r.cer", der_of("revoked"))
            .expect("tls incomplete_chain; completed; position 1 revoked by crl; chain revoked"),
    ]
}

fn false_ones() -> Vec<Case> {
    vec![
        alone("a missing intermediate without caIssuers").expect(NOT_COMPLETED),
        alone("caIssuers with a web page").aia("/i.cer", bytes(b"<!DOCTYPE html><html><body>Sign in</body></html>")).expect(NOT_COMPLETED),
        alone("caIssuers with nothing").aia("/i.cer", bytes(b"")).expect(NOT_COMPLETED),
        alone("caIssuers with an impostor").aia("/i.cer", der_of("impostor")).expect(NOT_COMPLETED),
        alone("caIssuers with the wrong certificate").aia("/i.cer", der_of("upper")).expect(NOT_COMPLETED),
        alone("caIssuers with the leaf itself").aia("/i.cer", Box::new(|world, case| world.der(&format!("{}.leaf", case.host())))).expect(NOT_COMPLETED),
        alone("caIssuers with rubbish after the certificate").aia("/i.cer", Box::new(|world, _| [world.der("issuing"), vec![0]].concat())).expect(NOT_COMPLETED),
        alone("caIssuers with half a certificate").aia("/i.cer", Box::new(|world, _| world.der("issuing")[..200].to_vec())).expect(NOT_COMPLETED),
        alone("caIssuers that is gone").aia_by("/i.cer", "return 404;").expect("tls incomplete_chain; not completed; leaf undetermined; F33 aia.{d}: 404; F37 {d}"),
        alone("caIssuers that is forbidden").aia_by("/i.cer", "return 403;").expect("tls incomplete_chain; not completed; leaf undetermined; F33 aia.{d}: 403; F37 {d}"),
        alone("caIssuers with forty megabytes").aia("/i.cer", Box::new(|_, _| vec![0x30; 40 << 20])).expect(NOT_COMPLETED),
        alone("caIssuers with one megabyte").aia("/i.cer", Box::new(|world, _| [world.der("issuing"), vec![0; 1 << 20]].concat())).expect(NOT_COMPLETED),
        alone("caIssuers with seventeen certificates").aia("/i.pem", Box::new(|world, _| world.shop.read("issuing.pem").expect("a file").repeat(17))).expect(NOT_COMPLETED),
        alone("caIssuers over ldap alone").access("caIssuers;URI:ldap://aia.{d}/cn=i").expect(NOT_COMPLETED),
        alone("caIssuers at a host that does not exist").access("caIssuers;URI:http://nowhere.example/i.cer").expect("tls incomplete_chain; not completed; F33 nowhere.example; F37 {d}"),
        case("caIssuers in a loop").issued_by("loop-a").presents(&["leaf"]).access("caIssuers;URI:http://pub.torture.example/loop-a2.cer").expect("tls incomplete_chain; not completed; F37 {d}"),
    ]
}
