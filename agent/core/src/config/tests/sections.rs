//! Mistakes in the sections that stand alone: servers, listeners, echoes, proxies, canaries.

use super::errors;

#[test]
fn resolver_servers_are_system_or_addresses() {
    assert_eq!(
        errors(
            "[[resolver]]\nname = \"a\"\nservers = [\"dns.example\", \"10.0.0.1:0\", \"System\"]\n[[resolver]]\nname = \"b\"\nservers = []\n[[resolver]]\nservers = []\n"
        ),
        [
            "3:12: expected \"system\" or the address of a DNS server, found \"dns.example\" / write an address, with a port if it is not 53: \"192.168.1.53\", \"[2001:db8::53]:5353\"",
            "3:27: expected \"system\" or the address of a DNS server, found \"10.0.0.1:0\" / write an address, with a port if it is not 53: \"192.168.1.53\", \"[2001:db8::53]:5353\"",
            "3:41: expected \"system\" or the address of a DNS server, found \"System\" / write an address, with a port if it is not 53: \"192.168.1.53\", \"[2001:db8::53]:5353\"",
            "5:8: the resolver has no servers / add addresses to `servers`, or \"system\" for those of the operating system",
            "7:1: the resolver has no servers / add addresses to `servers`, or \"system\" for those of the operating system",
        ]
    );
}

#[test]
fn a_resolver_cannot_have_the_name_that_another_gets_by_its_position() {
    assert_eq!(
        errors(
            "[[resolver]]\nname = \"resolver-2\"\nservers = [\"system\"]\n[[resolver]]\nservers = [\"10.0.0.1\"]\n"
        ),
        [
            "4:1: the name \"resolver-2\" stands twice: another resolver has it / every name stands once: rename or remove one"
        ]
    );
}

#[test]
fn listeners_are_an_address_and_a_port() {
    assert_eq!(
        errors(
            "[http]\nlisten = [\":9806\", \"localhost:9806\", \"::1\", \"127.0.0.1:1\", \"127.0.0.1:1\"]\n[bmp]\nlisten = \"192.168.1.10\"\n"
        ),
        [
            "2:11: expected an address and a port, found \":9806\" / write \"0.0.0.0:9806\" or \"[::]:9806\" for every address",
            "2:20: expected an address and a port, found \"localhost:9806\" / write \"127.0.0.1:9806\" or \"[::1]:9806\"; names are not looked up",
            "2:38: expected an address and a port, found \"::1\" / write \"[::1]:PORT\"",
            "2:60: \"127.0.0.1:1\" stands twice in `listen` / remove one",
            "4:10: expected an address and a port, found \"192.168.1.10\" / write \"192.168.1.10:PORT\"",
        ]
    );
}

#[test]
fn a_router_has_one_source_of_its_table_and_a_file_is_of_one_router() {
    assert_eq!(
        errors(
            "[bmp]\nlisten = \"127.0.0.1:1\"\nallow = [\"192.0.2.1\"]\n[[table]]\nrouter = \"::ffff:192.0.2.1\"\nfile = \"a\"\n[[table]]\nrouter = \"192.0.2.2\"\nfile = \"b\"\n[[table]]\nrouter = \"192.0.2.3\"\nfile = \"b\"\n[[table]]\nrouter = \"192.0.2.2\"\nmax_age = \"1h\"\n"
        ),
        [
            "5:10: the table of 192.0.2.1 would come from two sources: bmp.allow has it, too / remove one: what a router sends is newer than any file",
            "12:8: the file \"b\" stands twice / each file is the table of one router: name the right one",
            "13:1: [[table]] lacks the key `file` / add `file`: The output of FRR's `show bgp ipv4 unicast json` or its twin of IPv6, or an MRT table dump (TABLE_DUMP_V2).",
        ]
    );
}

#[test]
fn an_echo_has_either_stun_or_url() {
    assert_eq!(
        errors(
            "[[echo]]\n[[echo]]\nstun = \"a.example\"\nurl = \"http://b.example/\"\n[[echo]]\nstun = \"a.example:0\"\nmatch = \"(.*)\"\n[[echo]]\nurl = \"ftp://b.example/\"\nmatch = \"\"\n[[echo]]\nurl = \"http://ä.example/\"\n[[echo]]\nurl = \"http://b.example/\"\nmatch = \"ip=(\"\n"
        ),
        [
            "1:1: the echo has neither `stun` nor `url` / add stun = \"host:port\", or url = \"https://…\"",
            "4:7: an echo is asked by `stun` or by `url`, not both / make it two [[echo]]",
            "6:8: \"a.example:0\" does not end with a port from 1 to 65535 / write host:port, an IPv6 address in brackets: \"[2001:db8::1]:443\"",
            "7:9: `match` has effect only with `url` / remove it, or add `url`",
            "9:7: \"ftp://b.example/\" is not an http or https URL / write \"https://host/path\"",
            "10:9: `match` is empty / remove it, or write an expression with one group",
            "12:7: \"http://ä.example/\" is not an http or https URL / write it as DNS knows it: \"xn--4ca.example\"",
            "15:9: `match` is not a usable regular expression: unclosed group / write one with one group around the address, such as 'ip=([0-9a-f.:]+)'",
        ]
    );
}

#[test]
fn proxies_are_http_or_https_without_a_path_and_their_names_are_unique() {
    assert_eq!(
        errors(
            "[[proxy]]\nname = \"p\"\nurl = \"socks5://a.example:1080\"\n[[proxy]]\nname = \"p\"\nurl = \"http://a.example:3128/x\"\n[[proxy]]\nname = \"q\"\nurl = \"http://a.example:99999\"\nexit = \"azure\"\n"
        ),
        [
            "3:7: \"socks5://a.example:1080\" is not the URL of an http or https proxy / write \"http://host:port\" or \"https://host:port\"",
            "5:8: the name \"p\" stands twice: another proxy has it / every name stands once: rename or remove one",
            "6:7: the URL of a proxy has no path / write \"http://host:port\" or \"https://host:port\"",
            "9:7: the URL of the proxy has no valid host and port / write \"http://host:port\" or \"https://host:port\"",
            "10:8: expected an exit, found \"azure\" / known: internet, azure_public, unknown",
        ]
    );
}

#[test]
fn canaries_need_a_port_and_stand_once() {
    assert_eq!(
        errors(
            "[[canary]]\nhost = \"192.0.2.1\"\n[[canary]]\nhost = \"192.0.2.2\"\nprobe = \"icmp\"\n[[canary]]\nhost = \"192.0.2.2\"\nport = 5\nprobe = \"icmp\"\n"
        ),
        [
            "2:8: \"192.0.2.1\" has no port, and the probe \"tcp\" has no usual one / add `port`, for example: port = 443",
            "7:8: the canary 192.0.2.2:0/icmp stands twice / remove one",
        ]
    );
}

#[test]
fn paths_and_private_hosts_are_checked() {
    assert_eq!(
        errors(
            "[agent]\nsite = \"a\\nb\"\nstate_dir = \"\"\n[fetch]\nallow_private = [\"*.corp.example\", \"10.0.0.256\"]\n"
        ),
        [
            "2:8: \"a b\" holds a line break or another control character / write it in one line",
            "3:13: \"\" is not a path / write the path of a file, or leave the key out",
            "5:18: \"*.corp.example\" is not a host name / a `*` cannot be probed: write each name (catalogues and `allow` take patterns)",
            "5:36: \"10.0.0.256\" is not a host name / it looks like an address, but is none",
        ]
    );
}
