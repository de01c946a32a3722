//! Echoes (E8): which source address the outside saw.
//!
//! In: the plan's `[[echo]]`. Out: whether an endpoint is one, and what its page says. A page is asked for at the address that was
//! probed, by a GET of its own; it is followed nowhere, and its certificate does not matter (DESIGN §4.5).

use std::net::IpAddr;
use std::time::Duration;

use closedpath_core::config::{EchoKind, Plan};
use closedpath_core::observation::EchoPage;
use closedpath_core::target::EndpointKey;
use closedpath_net::{FetchLimits, FetchRequest, TlsClient, fetch};

/// The echoes of a plan.
pub(super) struct Echoes(Vec<(EndpointKey, Option<Page>)>);

struct Page {
    url: String,
    reads: EchoPage,
}

impl Echoes {
    pub(super) fn new(plan: &Plan) -> Self {
        let of = |echo: &closedpath_core::config::Echo| {
            let page = match &echo.kind {
                EchoKind::Stun(..) => None,
                // An expression that cannot be used ended the reading of the configuration.
                EchoKind::Url(url, pattern) => {
                    Some(Page { url: url.clone(), reads: EchoPage::new(pattern.as_deref()).ok()? })
                }
            };
            Some((echo.endpoint()?, page))
        };
        Self(plan.echoes.iter().filter_map(of).collect())
    }

    /// Whether an endpoint is an echo, reached directly.
    pub(super) fn contain(&self, key: &EndpointKey) -> bool {
        self.0.iter().any(|(echo, _)| echo == key)
    }

    /// What the first page of an endpoint that names an address says; nothing where it has none.
    pub(super) async fn ask(
        &self,
        key: &EndpointKey,
        ip: IpAddr,
        timeout: Duration,
        tls: &TlsClient,
    ) -> Option<IpAddr> {
        let limits = FetchLimits { timeout, max_body: EchoPage::LARGEST };
        for page in self.0.iter().filter(|(echo, _)| echo == key).filter_map(|(_, page)| page.as_ref()) {
            let seen = fetch(&FetchRequest::get(&page.url), ip, limits, Some(tls)).await;
            let good =
                seen.failure.is_none() && seen.status.is_some_and(|status| (200..300).contains(&status));
            if let Some(address) = page.reads.read(&seen.body).filter(|_| good) {
                return Some(address);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use closedpath_core::config::{Echo, TrustAnchor};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(5);

    /// What a page with this response says, read by `pattern`.
    async fn told(response: &str, pattern: Option<&str>) -> Option<String> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let at = listener.local_addr().expect("bound");
        let url = format!("http://echo.example:{}/ip", at.port());
        let plan = Plan {
            echoes: vec![Echo { kind: EchoKind::Url(url, pattern.map(str::to_string)) }],
            ..Plan::default()
        };
        let tls = TlsClient::new(&[TrustAnchor::System]).expect("built-in anchors");
        let key = plan.echoes[0].endpoint().expect("a URL");
        let serve = async {
            let (mut stream, _) = listener.accept().await.expect("asked");
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                request.push(stream.read_u8().await.expect("a whole head"));
            }
            assert!(request.starts_with(b"GET /ip HTTP/1.1\r\n"));
            stream.write_all(response.as_bytes()).await.expect("still there");
        };
        let echoes = Echoes::new(&plan);
        assert!(echoes.contain(&key));
        let (told, ()) = tokio::join!(echoes.ask(&key, at.ip(), TIMEOUT, &tls), serve);
        told.map(|ip| ip.to_string())
    }

    #[tokio::test]
    async fn a_page_tells_our_address_and_an_error_page_does_not() {
        let ok = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
        assert_eq!(told(&format!("{ok}198.51.100.7\n"), None).await.as_deref(), Some("198.51.100.7"));
        let page = format!("{ok}via 192.0.2.1, src=2001:db8::7;");
        assert_eq!(told(&page, Some("src=([0-9a-f:]+)")).await.as_deref(), Some("2001:db8::7"));
        assert_eq!(told("HTTP/1.1 502 no\r\nConnection: close\r\n\r\n198.51.100.7", None).await, None);
        assert_eq!(told("HTTP/1.1 302 \r\nConnection: close\r\n\r\n198.51.100.7", None).await, None);
        assert_eq!(told(&format!("{ok}{}", " ".repeat(EchoPage::LARGEST + 1)), None).await, None);
    }
}
