//! OCSP staples (RFC 6066 §8) and the certificates that demand one (RFC 7633); F38.

use closedpath_lab::torture::{Response, Single, error_status};

use super::case::{Case, Indexed, Make, case};
use super::world::{base, response};

/// A response that names itself one and holds rubbish.
fn rubbish() -> Make {
    Box::new(|_, _| {
        let garbage = [4, 4, 0xde, 0xad, 0xbe, 0xef];
        let basic = [&[6, 9, 0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1][..], &garbage].concat();
        let wrap = |tag: u8, inner: &[u8]| [&[tag, u8::try_from(inner.len()).expect("short")][..], inner].concat();
        wrap(0x30, &[&[0x0a, 1, 0][..], &wrap(0xa0, &wrap(0x30, &basic))].concat())
    })
}

pub fn cases() -> Vec<Case> {
    let stale = |response: &mut Response, _: &Case| {
        (response.singles[0].this, response.singles[0].next, response.produced) = (-9000, Some(-60), -9000);
    };
    let revoked = |response: &mut Response, _: &Case| response.singles[0].status = Single::revoked();
    let other = |response: &mut Response, _: &Case| response.singles[0].serial.push(0);
    let must = |name: &'static str| case(name).with("tlsfeature = status_request");
    vec![
        case("a good staple").staples(response("issuing", |_, _| {})).expect("tls ok; staple good; leaf good by staple; chain good"),
        case("a good staple of a delegate").staples(response("delegate", |_, _| {})).expect("tls ok; staple good; leaf good by staple; chain good"),
        case("a revoked staple").staples(response("issuing", revoked)).expect("tls ok; staple revoked; leaf revoked by staple; chain revoked"),
        case("a stale staple").staples(response("issuing", stale)).expect("tls ok; staple undetermined; leaf undetermined: stale; chain undetermined"),
        case("a staple on another certificate").staples(response("issuing", other)).expect("tls ok; staple undetermined; leaf undetermined: other certificates; chain undetermined"),
        case("a staple of nobody").staples(response("stranger", |_, _| {})).expect("tls ok; staple undetermined; leaf undetermined; chain undetermined"),
        case("a staple that is an error").staples(Box::new(|_, _| error_status(3))).expect("tls ok; staple undetermined; leaf undetermined: tryLater; chain undetermined"),
        case("a staple of rubbish").staples(rubbish()).expect("tls ok; staple undetermined; leaf undetermined: malformed; chain undetermined"),
        case("no staple where none is demanded").expect("tls ok; staple none; leaf not_checked: no_pointers"),
        must("no staple where one is demanded").expect("tls ok; staple none; leaf not_checked; F38 {d}"),
        must("a staple where one is demanded").staples(response("issuing", |_, _| {})).expect("tls ok; staple good; leaf good by staple; chain good; no F38 {d}"),
        must("a stale staple where one is demanded").staples(response("issuing", stale)).expect("tls ok; staple undetermined; F38 {d}"),
        case("a good staple and a CRL that revokes").staples(response("issuing", |_, _| {})).crl("/a.crl", base()).listed().expect("tls ok; staple good; leaf revoked by crl; chain revoked"),
        case("a revoked staple and a CRL that does not list it").staples(response("issuing", revoked)).crl("/a.crl", base()).expect("tls ok; staple revoked; leaf revoked by staple; chain revoked"),
        case("a stale staple and a responder that says good").staples(response("issuing", stale)).live(8001).indexed(Indexed::Good).expect("tls ok; staple undetermined; leaf good by ocsp; chain good"),
        // The issuer, without whom a staple says nothing, comes from caIssuers.
        case("a good staple in an incomplete chain").presents(&["leaf"]).staples(response("issuing", |_, _| {})).aia("/i.cer", super::world::der_of("issuing")).expect("tls incomplete_chain; completed; staple good; leaf good by staple; chain good"),
        case("a good staple in an incomplete chain without caIssuers").presents(&["leaf"]).staples(response("issuing", |_, _| {})).expect("tls incomplete_chain; not completed; staple undetermined; leaf undetermined"),
    ]
}
