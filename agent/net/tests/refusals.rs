//! Connects that routers on the way say no to: who said it, and that it is no answer of the destination.
#![allow(clippy::unwrap_used)]

mod chain;
mod netns;

use std::time::Duration;

use chain::{Chain, SERVER, SERVER_CLOSED, SERVER_V6};
use closedpath_core::failure::{Code, Failure};
use closedpath_net::connect;
use netns::inside;

async fn refused_by(to: &str) -> Failure {
    connect(to.parse().unwrap(), Duration::from_secs(2)).await.unwrap_err()
}

#[test]
fn only_the_destination_can_refuse_and_routers_are_named() {
    if inside() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        return runtime.block_on(ask());
    }
    let chain = Chain::new("refusals");
    chain.spaces.ip("r1", "route add prohibit 203.0.113.0/25\nroute add unreachable 203.0.113.128/26\n");
    chain.spaces.ip("r1", "route add unreachable 2001:db8:1::/48\nroute add prohibit 2001:db8:2::/48\n");
    chain.spaces.nft(
        "r2",
        "add table inet filter
         add chain inet filter forward { type filter hook forward priority 0; }
         add rule inet filter forward tcp dport 8443 reject
         add rule inet filter forward tcp dport 8444 reject with tcp reset
         add rule inet filter forward tcp dport 8445 drop\n",
    );
    chain.spaces.run_test("agent", "only_the_destination_can_refuse_and_routers_are_named");
}

async fn ask() {
    for open in [SERVER, SERVER_V6] {
        assert!(connect(open.parse().unwrap(), Duration::from_secs(2)).await.is_ok());
    }
    let expected = [
        (SERVER_CLOSED, Code::Refused, "Connection refused"),
        (
            "203.0.113.9:443",
            Code::Prohibited,
            "10.99.1.2 answered \"communication administratively prohibited\"",
        ),
        ("203.0.113.129:443", Code::HostUnreachable, "10.99.1.2 answered \"host unreachable\""),
        ("[2001:db8:1::9]:443", Code::NetUnreachable, "fd99:1::2 answered \"no route to destination\""),
        (
            "[2001:db8:2::9]:443",
            Code::Prohibited,
            "fd99:1::2 answered \"communication administratively prohibited\"",
        ),
        ("10.99.3.2:8443", Code::Prohibited, "10.99.2.2 answered \"port unreachable\""),
        ("[fd99:3::2]:8443", Code::Prohibited, "fd99:2::2 answered \"port unreachable\""),
        ("10.99.3.2:8445", Code::Timeout, "no answer within 2 s"),
    ];
    for (to, code, words) in expected {
        let failure = refused_by(to).await;
        assert_eq!(failure.code, code, "{to}: {}", failure.text);
        assert!(failure.text.contains(words), "{to}: {}", failure.text);
        assert_eq!(failure.is_refusal(), to == SERVER_CLOSED, "{to}");
    }
    // A forged reset cannot be told from the destination's own by anybody at this end.
    assert!(refused_by("10.99.3.2:8444").await.is_refusal());
}
