//! An ICMP error from anywhere, as a raw socket hears it: whose packet it is about depends on the quoted packet alone.
#![no_main]

use closedpath_net::read_icmp_error;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some(quoted) = read_icmp_error(data) else { return };
    assert_eq!(quoted.source.is_ipv4(), quoted.destination.is_ipv4());
    let v4 = quoted.source.is_ipv4();
    assert_eq!(v4, data[0] >> 4 == 4, "the family of the message is that of what it quotes");
    if v4 {
        assert!(matches!(quoted.kind, 3 | 11 | 12) && matches!(quoted.protocol, 1 | 6 | 17), "{quoted:?}");
    } else {
        assert!((1..=4).contains(&quoted.kind) && matches!(quoted.protocol, 6 | 17 | 58), "{quoted:?}");
    }
    // What stands behind (the rest of the packet, extensions of RFC 4884) changes nothing.
    assert_eq!(read_icmp_error(&[data, &[0xff; 64]].concat()), Some(quoted));
    // Where the message ends, the flow is told or not, but never another one.
    for length in 0..data.len().min(256) {
        assert!(read_icmp_error(&data[..length]).is_none_or(|less| less == quoted));
    }
    // Neither does the length of the quoted packet, which RFC 792 has as unused.
    let at = if v4 { usize::from(data[0] & 0x0f) * 4 + 5 } else { 4 };
    let mut other = data.to_vec();
    other[at] ^= 0xff;
    assert_eq!(read_icmp_error(&other), Some(quoted));
});
