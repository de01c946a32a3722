//! Chains: dates, names, trust, order, algorithms (DESIGN §4.3, §4.5).

use super::case::{Case, case};
use super::world::{base, crl_of};

pub fn cases() -> Vec<Case> {
    let mut cases = dates_and_names();
    cases.extend(trust());
    cases.extend(order());
    cases.extend(algorithms());
    cases
}

fn dates_and_names() -> Vec<Case> {
    vec![
        case("a faultless chain").crl("/a.crl", base()).expect("tls ok; not completed; leaf good by crl; position 1 good by crl; chain good"),
        // An expired certificate is still checked (DESIGN §4.5).
        case("an expired leaf").valid(-30, -2).crl("/a.crl", base()).expect("tls expired; leaf good by crl; chain good"),
        case("an expired leaf that is revoked too").valid(-30, -2).crl("/a.crl", base()).listed().expect("tls expired; leaf revoked by crl; chain revoked"),
        case("an expired intermediate").issued_by("expired").expect("tls expired; position 1 good by crl"),
        case("a leaf that is not valid yet").valid(2, 30).crl("/a.crl", base()).expect("tls not_yet_valid; leaf good by crl"),
        case("a leaf for another name").named("DNS:elsewhere.example").crl("/a.crl", base()).expect("tls name_mismatch; leaf good by crl"),
        case("an expired leaf for another name").named("DNS:elsewhere.example").valid(-30, -2).expect("tls expired name_mismatch"),
        case("a leaf outside its name constraints").issued_by("constrained").expect("tls untrusted_root"),
        case("a leaf with an unknown critical extension").with("1.2.3.4 = critical, ASN1:NULL").expect("tls untrusted_root"),
        // RFC 9525 §6.3: a wildcard is one whole label.
        case("a leaf for a wildcard of one label too few").named("DNS:*.example").expect("tls name_mismatch"),
        case("a leaf for a wildcard").named("DNS:*.torture.example").expect("tls ok"),
        // RFC 9525 §2: the common name is no name.
        case("a leaf with a common name alone").named("email:nobody@example.com").expect("tls name_mismatch"),
    ]
}

fn trust() -> Vec<Case> {
    vec![
        case("a self-signed leaf").arguments("-selfsign -keyfile leaf.key").presents(&["leaf"]).expect("tls self_signed; chain not_checked"),
        case("a chain that ends at an unknown root").issued_by("unknown").presents(&["leaf", "unknown", "stranger"]).expect("tls untrusted_root"),
        case("a chain of an unknown root that is not presented").issued_by("unknown").expect("tls incomplete_chain; not completed"),
        case("a leaf of the inspection CA").issued_by("inspector").expect("tls inspected"),
        case("a leaf of the inspection CA without the CA").issued_by("inspector").presents(&["leaf"]).expect("tls inspected"),
        case("a root presented too").presents(&["leaf", "issuing", "root"]).crl("/a.crl", base()).expect("tls ok; leaf good by crl; position 1 good by crl; position 2 not_checked: trust_anchor; chain good"),
        case("a leaf of a revoked intermediate").issued_by("revoked").crl("/a.crl", crl_of("revoked")).expect("tls ok; leaf good by crl; position 1 revoked by crl; chain revoked"),
        case("a certificate without pointers").expect("tls ok; leaf not_checked: no_pointers; position 1 good by crl; chain not_checked"),
        case("a leaf of an issuer that was cross-signed").issued_by("cross").crl("/a.crl", crl_of("cross")).expect("tls ok; leaf good by crl; position 1 good by crl; chain good"),
        case("a leaf with both cross-signed issuers").issued_by("cross").presents(&["leaf", "cross-stranger", "cross"]).crl("/a.crl", crl_of("cross")).expect("tls ok; leaf good by crl; position 2 good by crl; member pub.torture.example:80/http"),
        case("an issuer cross-signed by nobody we know").issued_by("cross").presents(&["leaf", "cross-stranger"]).crl("/a.crl", crl_of("cross")).expect("tls incomplete_chain; leaf good by crl"),
        case("a new root that an old one cross-signed").issued_by("below-new").presents(&["leaf", "below-new", "newroot-cross"]).crl("/a.crl", crl_of("below-new")).expect("tls ok; leaf good by crl; position 1 good by crl; position 2 good by crl; chain good"),
        case("a new root both self-signed and cross-signed").issued_by("below-new").presents(&["leaf", "below-new", "newroot", "newroot-cross"]).expect("tls ok; position 1 good by crl; position 2 not_checked; position 3 good by crl"),
        case("a new root that nobody cross-signed").issued_by("below-new").presents(&["leaf", "below-new", "newroot"]).expect("tls untrusted_root"),
    ]
}

fn order() -> Vec<Case> {
    vec![
        case("a chain out of order").issued_by("lower").presents(&["leaf", "upper", "lower"]).crl("/a.crl", crl_of("lower")).expect("tls ok; leaf good by crl; position 1 good by crl; position 2 good by crl; chain good"),
        case("a leaf presented twice").presents(&["leaf", "leaf", "issuing"]).crl("/a.crl", base()).expect("tls ok; leaf good by crl; chain good"),
        // RFC 8446 §4.4.2: what does not belong is tolerated; whether it is revoked says nothing about the chain.
        case("an unrelated certificate in the chain").presents(&["leaf", "stranger", "issuing"]).crl("/a.crl", base()).expect("tls ok; leaf good by crl; position 2 good by crl; chain good"),
        case("an impostor of the same name in the chain").presents(&["leaf", "impostor", "issuing"]).crl("/a.crl", base()).expect("tls ok; leaf good by crl; position 2 good by crl"),
        case("an impostor in place of the issuer").presents(&["leaf", "impostor"]).crl("/a.crl", base()).expect("tls untrusted_root; leaf undetermined; chain undetermined"),
    ]
}

fn algorithms() -> Vec<Case> {
    vec![
        case("a leaf signed with MD5").issued_by("rsa").arguments("-md md5").crl("/a.crl", crl_of("rsa")).expect("tls unsupported_algorithm"),
        case("a leaf signed with SHA-1").issued_by("rsa").arguments("-md sha1").crl("/a.crl", crl_of("rsa")).expect("tls unsupported_algorithm"),
        case("a leaf signed with RSA-PSS").issued_by("rsa").arguments("-md sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32").crl("/a.crl", crl_of("rsa")).expect("tls ok; leaf good by crl; chain good"),
        case("a leaf signed with RSA").issued_by("rsa").crl("/a.crl", crl_of("rsa")).expect("tls ok; leaf good by crl; chain good"),
        case("a leaf signed with RSA-4096").issued_by("rsa4096").crl("/a.crl", crl_of("rsa4096")).expect("tls ok; leaf good by crl; chain good"),
        case("a leaf signed with P-384").issued_by("p384").crl("/a.crl", crl_of("p384")).expect("tls ok; leaf good by crl; chain good"),
        case("a leaf signed with Ed25519").issued_by("ed25519").crl("/a.crl", crl_of("ed25519")).expect("tls ok; leaf good by crl; chain good"),
        // ring has no P-521: what cannot be checked is neither trusted nor called untrusted, and its CRL says nothing.
        case("a leaf signed with P-521").issued_by("p521").crl("/a.crl", crl_of("p521")).expect("tls unsupported_algorithm; leaf undetermined: not supported; chain undetermined"),
        case("a leaf whose own key is on P-521").key("p521-leaf").expect("fails tls_alert"),
    ]
}
