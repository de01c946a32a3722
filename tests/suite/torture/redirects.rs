//! Where a URL out of a certificate may lead (R7, DESIGN §5). Behind every forbidden address somebody listens: see `trapped`.

use super::case::{Case, case};
use super::world::{base, der_of};

/// A missing issuer whose URL is answered so.
fn to(name: &'static str, directives: &str) -> Case {
    case(name).presents(&["leaf"]).crl("/a.crl", base()).aia_by("/i.cer", directives)
}

fn redirect(name: &'static str, location: &str) -> Case {
    to(name, &format!("return 302 {location};"))
}

/// A chain of redirects over `/1`, `/2` … that ends at the issuer after so many.
fn in_a_row(name: &'static str, count: usize) -> Case {
    const PATHS: [&str; 8] = ["/i.cer", "/1.cer", "/2.cer", "/3.cer", "/4.cer", "/5.cer", "/6.cer", "/7.cer"];
    let mut made = case(name).presents(&["leaf"]).crl("/a.crl", base()).access("caIssuers;URI:http://aia.{d}/i.cer");
    for pair in PATHS.windows(2).take(count) {
        made = made.nginx("aia", pair[0], &format!("return 302 http://aia.{{d}}{};", pair[1]));
    }
    made.serve("aia", PATHS[count], der_of("issuing"))
}

pub fn cases() -> Vec<Case> {
    vec![
        redirect("a redirect to loopback", "http://127.0.0.1/i.cer").expect("tls incomplete_chain; not completed; leaf undetermined; forbidden 127.0.0.1:80/http; F33 aia.{d}: loopback"),
        redirect("a redirect to loopback of IPv6", "http://[::1]/i.cer").expect("not completed; forbidden [::1]:80/http; F33 aia.{d}"),
        redirect("a redirect to loopback mapped into IPv6", "http://[::ffff:127.0.0.1]/j.cer").expect("not completed; forbidden 127.0.0.1:80/http; F33 aia.{d}"),
        redirect("a redirect to loopback as one number", "http://2130706433/k.cer").expect("not completed; forbidden 127.0.0.1:80/http; F33 aia.{d}"),
        redirect("a redirect to link-local metadata", "http://169.254.169.254/i.cer").expect("not completed; forbidden 169.254.169.254:80/http; F33 aia.{d}"),
        redirect("a redirect to the platform's own address", "http://168.63.129.16/i.cer").expect("not completed; forbidden 168.63.129.16:80/http; F33 aia.{d}"),
        redirect("a redirect to a private address", "http://10.9.9.9/i.cer").expect("not completed; forbidden 10.9.9.9:80/http; F33 aia.{d}"),
        redirect("a redirect to a name of loopback", "http://inner.{d}/i.cer").record("inner", "127.0.0.1").expect("not completed; forbidden inner.{d}:80/http; F33 aia.{d}"),
        redirect("a redirect to a name of a private address", "http://inner.{d}/i.cer").record("inner", "10.9.9.9").expect("not completed; forbidden inner.{d}:80/http; F33 aia.{d}"),
        redirect("a redirect to a file", "file:///etc/passwd").expect("tls incomplete_chain; not completed; F33 aia.{d}"),
        redirect("a redirect to https", "https://secure.torture.example/issuing.cer").expect("tls incomplete_chain; completed; leaf good by crl; member secure.torture.example:443/https"),
        redirect("a redirect to itself", "http://aia.{d}/i.cer").expect("tls incomplete_chain; not completed; F33 aia.{d}"),
        redirect("a relative redirect", "/moved.cer").serve("aia", "/moved.cer", der_of("issuing")).expect("tls incomplete_chain; completed; leaf good by crl"),
        in_a_row("five redirects in a row", 5).expect("tls incomplete_chain; completed; leaf good by crl"),
        in_a_row("six redirects in a row", 6).expect("tls incomplete_chain; not completed; F33 aia.{d}; F40 aia.{d}: redirects more than 5 times"),
        redirect("a redirect back and forth", "http://aia.{d}/1.cer").nginx("aia", "/1.cer", "return 301 http://aia.{d}/i.cer;").expect("tls incomplete_chain; not completed; F33 aia.{d}"),
        case("a CRL at a loopback address").point("URI:http://127.0.0.1/a.crl", None).expect("tls ok; leaf undetermined: loopback; chain undetermined; forbidden 127.0.0.1:80/http; F33 127.0.0.1:80"),
        case("a CRL at a name of link-local metadata").point("URI:http://crl.{d}/a.crl", None).record("crl", "169.254.169.254").expect("tls ok; leaf undetermined; forbidden crl.{d}:80/http; F33 crl.{d}"),
        case("a responder at a private address").access("OCSP;URI:http://10.9.9.9/").expect("tls ok; leaf undetermined: private; forbidden 10.9.9.9:80/http"),
        case("a CRL that is redirected").crl_by("/a.crl", "return 302 http://crl.{d}/b.crl;").serve("crl", "/b.crl", base()).listed().expect("tls ok; leaf revoked by crl"),
        case("a CRL that is redirected to https").crl_by("/a.crl", "return 302 https://secure.torture.example/issuing.crl;").expect("tls ok; leaf good by crl; chain good"),
    ]
}
