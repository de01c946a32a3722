//! Proxies of the agent's own environment: probes never use them, and a reader must not wonder (E9).
//!
//! In: a look into the environment. Out: one line where a proxy is set, without credentials.

use url::Url;

/// As curl and others read them, in this order; some know only the lower-case form.
const NAMES: [&str; 4] = ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"];

/// What is set and not used.
pub(super) fn unused(of: impl Fn(&str) -> Option<String>) -> Option<String> {
    let set = |name: &str| {
        let lower = name.to_ascii_lowercase();
        let (name, value) = [name, &lower]
            .into_iter()
            .find_map(|name| Some((name.to_string(), of(name).filter(|value| !value.trim().is_empty())?)))?;
        Some(if name.eq_ignore_ascii_case("NO_PROXY") { name } else { format!("{name}={}", shown(&value)) })
    };
    let set: Vec<String> = NAMES.into_iter().filter_map(set).collect();
    (!set.is_empty()).then(|| {
        format!(
            "the agent's environment sets {}: probes do not use it; what a workload uses is declared by `proxy` or `pac`",
            set.join(", ")
        )
    })
}

/// Scheme, host and port: user, password and whatever else a value holds are not shown. A password may hold an unescaped `@` or
/// `/`, so all before the last `@` counts as one.
fn shown(value: &str) -> String {
    let (scheme, rest) = value.trim().split_once("://").unwrap_or(("http", value.trim()));
    let (user, rest) = rest.rsplit_once('@').map_or(("", rest), |(_, rest)| ("***@", rest));
    let Ok(url) = Url::parse(&format!("{scheme}://{rest}")) else { return "***".to_string() };
    let Some(host) = url.host_str().filter(|host| !host.is_empty()) else { return "***".to_string() };
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{user}{host}{port}", url.scheme())
}

#[cfg(test)]
mod tests {
    use super::unused;

    fn told(set: &[(&str, &str)]) -> Option<String> {
        unused(|name| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_string()))
    }

    #[test]
    fn what_is_set_is_told_without_credentials() {
        let line = told(&[
            ("https_proxy", "http://joe:p@ss/w@proxy.example:3128/x?secret"),
            ("HTTP_PROXY", "proxy.example:3128"),
            ("ALL_PROXY", "socks5://joe:geheim@10.0.0.1:1080"),
            ("NO_PROXY", "localhost,geheim"),
        ])
        .expect("a line");
        let begin = "the agent's environment sets https_proxy=http://***@proxy.example:3128, HTTP_PROXY=";
        assert!(line.starts_with(begin), "{line}");
        assert!(
            line.contains(
                "HTTP_PROXY=http://proxy.example:3128, ALL_PROXY=socks5://***@10.0.0.1:1080, NO_PROXY:"
            ),
            "{line}"
        );
        for secret in ["geheim", "secret", "w@", "joe"] {
            assert!(!line.contains(secret), "{line}");
        }
    }

    #[test]
    fn a_clean_environment_is_not_worth_a_line() {
        assert_eq!(told(&[]), None);
        assert_eq!(told(&[("HTTPS_PROXY", " ")]), None);
    }

    #[test]
    fn what_is_no_url_is_hidden_whole() {
        let line = told(&[("ALL_PROXY", "joe:geheim@")]).expect("a line");
        assert!(line.contains("ALL_PROXY=***:"), "{line}");
    }
}
