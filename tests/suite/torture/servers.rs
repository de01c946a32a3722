//! TLS servers that do something else, and names with more than one of them.

use super::case::{Case, case};
use super::world::{base, der_of};

fn at(name: &'static str, address: &'static str) -> Case {
    case(name).served_elsewhere().record("", address)
}

pub fn cases() -> Vec<Case> {
    vec![
        at("a server that demands a client certificate", "203.0.113.20")
            .expect("fails client_certificate_required; tls name_mismatch"),
        at("a server that resets after ClientHello", "203.0.113.30").expect("fails reset"),
        at("a server that speaks no TLS", "203.0.113.31").expect("fails not_tls"),
        at("a server that says nothing", "203.0.113.73").expect("fails timeout"),
        at("a server that refuses", "203.0.113.66").expect("fails refused"),
        at("a server that drops", "203.0.113.99").expect("fails timeout"),
        case("a server by IPv6 alone")
            .crl("/a.crl", base())
            .record("", "2001:db8::10")
            .expect("tls ok; leaf good by crl; chain good"),
        case("two addresses of which one lacks the intermediate")
            .crl("/a.crl", base())
            .aia("/i.cer", der_of("issuing"))
            .presents_at("203.0.113.11", &["leaf", "issuing"])
            .presents_at("203.0.113.12", &["leaf"])
            .expect(
                "@203.0.113.11 tls ok; @203.0.113.11 not completed; @203.0.113.11 chain good; \
                 @203.0.113.12 tls incomplete_chain; @203.0.113.12 completed; @203.0.113.12 chain good",
            ),
        case("two addresses of which one has an impostor")
            .crl("/a.crl", base())
            .listed()
            .presents_at("203.0.113.11", &["leaf", "impostor"])
            .presents_at("203.0.113.12", &["leaf", "issuing"])
            .expect(
                "@203.0.113.11 tls untrusted_root; @203.0.113.12 tls ok; \
                 @203.0.113.12 leaf revoked by crl",
            ),
    ]
}
