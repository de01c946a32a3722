//! OCSP (RFC 6960, RFC 5019): who may answer, about what, and when.

use closedpath_lab::torture::{Response, Single, error_status};

use super::case::{Case, Indexed, Make, case};
use super::world::{base, bytes, response};

pub fn cases() -> Vec<Case> {
    let mut cases = answers();
    cases.extend(signers());
    cases.extend(contents());
    cases.extend(bodies());
    cases.extend(both());
    cases
}

macro_rules! nothing {
    ($words:literal) => {
        concat!("tls ok; leaf undetermined: ", $words, "; position 1 good by crl; chain undetermined")
    };
}

const GOOD: &str = "tls ok; leaf good by ocsp; chain good; no F33 ocsp.{d}";
const REVOKED: &str = "tls ok; leaf revoked by ocsp; chain revoked";
const NOTHING: &str = "tls ok; leaf undetermined; chain undetermined";

fn answers() -> Vec<Case> {
    vec![
        case("a responder that says good").live(8001).indexed(Indexed::Good).expect(GOOD),
        case("a revoked leaf known only by OCSP").live(8001).indexed(Indexed::Revoked).expect(REVOKED),
        case("a responder that does not know it").live(8001).expect(nothing!("does not know")),
        case("a responder that takes POST alone").ocsp_by("if ($request_method = GET) { return 405; } proxy_pass http://127.0.0.1:8001;").indexed(Indexed::Revoked).expect(REVOKED),
        case("a responder that takes GET alone").ocsp_by("if ($request_method = POST) { return 405; } proxy_pass http://127.0.0.1:8001;").indexed(Indexed::Good).expect(GOOD),
        // RFC 5019 §6.1: GET may be answered by something else.
        case("a responder that shows a page for GET").ocsp_by("if ($request_method = GET) { return 200 \"<html>OCSP</html>\"; } proxy_pass http://127.0.0.1:8001;").indexed(Indexed::Good).expect(GOOD),
        case("two responders of which one is dead").access("OCSP;URI:http://dead.{d}").record("dead", "203.0.113.66").live(8001).indexed(Indexed::Revoked).expect("tls ok; leaf revoked by ocsp; chain revoked; F33 dead.{d}"),
        case("two responders of which the second says revoked").access("OCSP;URI:http://first.{d}").serve("first", "/", response("issuing", |_, _| {})).live(8001).indexed(Indexed::Revoked).expect(REVOKED),
    ]
}

fn signers() -> Vec<Case> {
    vec![
        case("a delegate with the usage and nocheck").live(8002).indexed(Indexed::Good).expect(GOOD),
        case("a delegate that says revoked").live(8002).indexed(Indexed::Revoked).expect(REVOKED),
        case("a delegate without nocheck").live(8006).indexed(Indexed::Good).expect(GOOD),
        case("a delegate without the usage").live(8003).indexed(Indexed::Good).expect(nothing!("OCSPSigning")),
        case("a delegate that has expired").live(8004).indexed(Indexed::Good).expect(nothing!("expired")),
        case("a delegate that another CA certified").live(8005).indexed(Indexed::Good).expect(nothing!("neither the issuer")),
        case("a delegate of another CA that says revoked").live(8005).indexed(Indexed::Revoked).expect(nothing!("neither the issuer")),
        case("an impostor that answers in the issuer's name").ocsp(response("impostor", |_, _| {})).expect(NOTHING),
        case("the leaf that answers for itself").ocsp(Box::new(|world, case| {
            let mut response = Response::of(Single::good(&case.serial_octets()));
            response.certificates.push(world.der(&format!("{}.leaf", case.host())));
            response.sign(world.authority("issuing"), world.authority("delegate")).expect("a response")
        })).expect(NOTHING),
        case("a response with a wrong signature").ocsp(Box::new(|world, case| {
            let issuing = world.authority("issuing");
            let mut response = Response::of(Single::good(&case.serial_octets())).sign(issuing, issuing).expect("a response");
            let last = response.len() - 5;
            response[last] ^= 1;
            response
        })).expect(nothing!("signature")),
    ]
}

fn contents() -> Vec<Case> {
    let single = |change: fn(&mut Single)| response("issuing", move |response, _| {
        change(&mut response.singles[0]);
        response.produced = response.singles[0].this;
    });
    vec![
        case("a response with the wrong issuer hash").ocsp(Box::new(|world, case| {
            Response::of(Single::good(&case.serial_octets())).sign(world.authority("impostor"), world.authority("issuing")).expect("a response")
        })).expect(nothing!("other certificates")),
        case("a response on another number").ocsp(response("issuing", |response, _| response.singles[0].serial.push(0))).expect(nothing!("other certificates")),
        case("several answers of which one is on the leaf").ocsp(response("issuing", |response, _| {
            response.singles.insert(0, Single { status: Single::revoked(), ..Single::good(&[1]) });
            response.singles.push(Single { status: Single::UNKNOWN.to_vec(), ..Single::good(&[2]) });
        })).expect(GOOD),
        case("several answers of which one revokes the leaf").ocsp(response("issuing", |response, _| {
            response.singles[0].status = Single::revoked();
            response.singles.insert(0, Single::good(&[1]));
        })).expect(REVOKED),
        // Nobody should send both. Contested; the one that harms less is that it is revoked.
        case("a response that says both good and revoked").ocsp(response("issuing", |response, case| {
            response.singles.push(Single { status: Single::revoked(), ..Single::good(&case.serial_octets()) });
        })).expect(REVOKED),
        case("a response without answers").ocsp(response("issuing", |response, _| response.singles.clear())).expect(NOTHING),
        case("a stale response").ocsp(single(|single| (single.this, single.next) = (-9000, Some(-60)))).expect(nothing!("stale")),
        case("a stale response that says revoked").ocsp(single(|single| (single.this, single.next, single.status) = (-9000, Some(-60), Single::revoked()))).expect(nothing!("stale")),
        case("a response from the future").ocsp(single(|single| (single.this, single.next) = (2880, Some(9000)))).expect(nothing!("future")),
        case("a response dated two minutes ahead").ocsp(single(|single| single.this = 2)).expect(GOOD),
        case("a response of now without nextUpdate").ocsp(single(|single| (single.this, single.next) = (0, None))).expect(GOOD),
        case("an old response without nextUpdate").ocsp(single(|single| single.next = None)).expect(nothing!("no nextUpdate")),
        case("a response with an unknown critical extension").ocsp(response("issuing", |response, _| response.odd_extension = true)).expect(nothing!("critical")),
        // A GET carries no nonce (RFC 5019 §4), so there is none to differ from.
        case("a nonce that nobody sent").ocsp(response("issuing", |response, _| response.nonce = Some(vec![7; 16]))).expect(GOOD),
        case("a responder of errors tryLater").ocsp(Box::new(|_, _| error_status(3))).expect(nothing!("tryLater")),
        case("a responder of errors unauthorized").ocsp(Box::new(|_, _| error_status(6))).expect(nothing!("unauthorized")),
        case("a responder of errors malformedRequest").ocsp(Box::new(|_, _| error_status(1))).expect(nothing!("malformedRequest")),
        case("a responder of errors internalError").ocsp(Box::new(|_, _| error_status(2))).expect(nothing!("internalError")),
        case("a responder of errors sigRequired").ocsp(Box::new(|_, _| error_status(5))).expect(nothing!("sigRequired")),
        case("a response that is successful and empty").ocsp(Box::new(|_, _| error_status(0))).expect(nothing!("malformed")),
    ]
}

/// A response that says good, with something done to it.
fn mangled(change: fn(&mut Vec<u8>)) -> Make {
    Box::new(move |world, case| {
        let issuing = world.authority("issuing");
        let mut body = Response::of(Single::good(&case.serial_octets())).sign(issuing, issuing).expect("a response");
        change(&mut body);
        body
    })
}

fn bodies() -> Vec<Case> {
    let odd = |name: &'static str, address: &'static str| case(name).access("OCSP;URI:http://ocsp.{d}").record("ocsp", address);
    vec![
        case("a truncated response").ocsp(mangled(|body| body.truncate(body.len() / 2))).expect(nothing!("malformed")),
        case("a response with rubbish after it").ocsp(mangled(|body| body.push(0))).expect(nothing!("malformed")),
        case("a web page instead of a response").ocsp(bytes(b"<!DOCTYPE html><html><body>Sign in</body></html>")).expect(NOTHING),
        case("nothing instead of a response").ocsp(bytes(b"")).expect(NOTHING),
        case("a response compressed with gzip").ocsp(Box::new(|world, case| {
            let file = format!("{}.ors", case.host());
            let issuing = world.authority("issuing");
            let body = Response::of(Single::good(&case.serial_octets())).sign(issuing, issuing).expect("a response");
            world.shop.write(&file, &body).expect("a file");
            world.shop.run("gzip", &["-c", &file]).expect("gzip")
        })).expect(NOTHING),
        case("a responder that is forbidden").ocsp_by("return 403;").expect("tls ok; leaf undetermined: 403; chain undetermined; F33 ocsp.{d}: 403"),
        case("a responder that fails").ocsp_by("return 500;").expect("tls ok; leaf undetermined: 500; chain undetermined"),
        odd("a responder that does not end", "203.0.113.71").expect(NOTHING),
        odd("a responder that trickles", "203.0.113.72").expect(NOTHING),
        odd("a responder that says nothing", "203.0.113.73").expect("tls ok; leaf undetermined; chain undetermined; F33 ocsp.{d}"),
        odd("a responder that resets", "203.0.113.74").expect("tls ok; leaf undetermined; chain undetermined; F33 ocsp.{d}"),
        odd("a responder that refuses", "203.0.113.66").expect("tls ok; leaf undetermined; chain undetermined; F33 ocsp.{d}: refused"),
        case("a responder that does not exist").access("OCSP;URI:http://nobody.nowhere.example").expect("tls ok; leaf undetermined; chain undetermined; F33 nobody.nowhere.example"),
    ]
}

fn both() -> Vec<Case> {
    vec![
        case("good by OCSP and revoked by CRL").live(8001).indexed(Indexed::Good).crl("/a.crl", base()).listed().expect("tls ok; leaf revoked by crl; chain revoked"),
        case("revoked by OCSP and good by CRL").live(8001).indexed(Indexed::Revoked).crl("/a.crl", base()).expect(REVOKED),
        case("unknown to OCSP and good by CRL").live(8001).crl("/a.crl", base()).expect("tls ok; leaf good by crl; chain good"),
        case("no answer by OCSP and good by CRL").access("OCSP;URI:http://ocsp.{d}").record("ocsp", "203.0.113.66").crl("/a.crl", base()).expect("tls ok; leaf good by crl; chain good; F33 ocsp.{d}"),
        case("good by OCSP and a stale CRL").live(8001).indexed(Indexed::Good).crl("/a.crl", super::world::draft(|draft, _| (draft.this, draft.next) = (-9000, Some(-60)))).expect("tls ok; leaf good by ocsp; chain good"),
        case("a web page for everything").ocsp(bytes(b"<html>Sign in</html>")).crl("/a.crl", bytes(b"<html>Sign in</html>")).expect(NOTHING),
    ]
}
