//! Where the vendors have their files, and what their pages and services answer.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use url::Url;

use super::Kind;

/// The Microsoft 365 web service asks for at most one version question an hour.
pub const VERSION_EVERY: Duration = Duration::from_secs(3600);

/// The vendors.
#[derive(Debug, Clone)]
pub struct Vendors {
    /// The page of the download centre that names the week's service tags.
    pub service_tags: String,
    /// The Microsoft 365 web service.
    pub m365: String,
    /// The table of autonomous systems; not Microsoft's.
    pub asn: String,
}

impl Default for Vendors {
    fn default() -> Self {
        Self {
            service_tags: "https://www.microsoft.com/en-us/download/details.aspx?id=56519".to_owned(),
            m365: "https://endpoints.office.com/".to_owned(),
            asn: "https://iptoasn.com/data/ip2asn-combined.tsv.gz".to_owned(),
        }
    }
}

/// The newest service tags that the page links to, by the page's own scheme.
pub fn service_tags_in(page: &str, scheme: &str) -> Option<Url> {
    let links = page.split(['"', '\'', '<', '>', ' ', '\\']).filter(|text| {
        let file = text.rsplit('/').next().unwrap_or(text);
        let date = file.strip_prefix("ServiceTags_Public_").and_then(|rest| rest.strip_suffix(".json"));
        date.is_some_and(|date| date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit()))
    });
    let newest = links.max_by_key(|link| link.rsplit('/').next())?;
    Url::parse(newest).ok().filter(|url| url.scheme() == scheme)
}

/// The latest version that the service names: `{"instance": "Worldwide", "latest": "2024073100"}`, or a list of such.
pub fn latest_version(answer: &[u8]) -> Result<String, String> {
    #[derive(Deserialize)]
    struct One {
        instance: String,
        latest: String,
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Answer {
        One(One),
        All(Vec<One>),
    }
    let text = std::str::from_utf8(answer).map_err(|_| "the version is not UTF-8 text".to_owned())?;
    let answer: Answer = serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|_| "the answer is not a version of the Microsoft 365 endpoints".to_owned())?;
    let all = match answer {
        Answer::One(one) => vec![one],
        Answer::All(all) => all,
    };
    let one = all.into_iter().find(|one| one.instance.eq_ignore_ascii_case("Worldwide"));
    let latest = one.ok_or("no version of the instance Worldwide is in the answer")?.latest;
    let well = latest.len() == 10 && latest.bytes().all(|byte| byte.is_ascii_digit());
    if well { Ok(latest) } else { Err(format!("\"{latest}\" is not a version like 2024073100")) }
}

/// What is remembered of the Microsoft 365 web service between calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The client request id: one per machine.
    pub client: String,
    /// When the version was last asked for.
    #[serde(with = "humantime_serde")]
    pub at: SystemTime,
}

impl Asked {
    /// Of a machine that never asked; the id is a UUID of version 4 (RFC 9562 §5.4) made of `random`.
    pub fn never(random: [u8; 32]) -> Self {
        let mut bits: [u8; 16] = std::array::from_fn(|at| random[at]);
        bits[6] = bits[6] & 0x0f | 0x40;
        bits[8] = bits[8] & 0x3f | 0x80;
        let hex: String = bits.iter().map(|byte| format!("{byte:02x}")).collect();
        let client = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-");
        Self { client, at: SystemTime::UNIX_EPOCH }
    }

    /// How long to wait until the version may be asked for again.
    pub fn wait(&self, now: SystemTime) -> Option<Duration> {
        // A clock that was set back does not block for more than the hour.
        let since = now.duration_since(self.at).unwrap_or(VERSION_EVERY);
        VERSION_EVERY.checked_sub(since).filter(|wait| !wait.is_zero())
    }
}

/// The URL of a file under a mirror; a URL that does not end in `/` is the file itself.
pub fn mirrored(base: &Url, kind: Kind) -> Option<Url> {
    if !base.path().ends_with('/') {
        return Some(base.clone());
    }
    let file = match kind {
        Kind::ServiceTags => "service-tags.json",
        Kind::M365 => "m365.json",
        Kind::Asn => "asn.tsv.gz",
        Kind::Communities => "communities.json",
        Kind::PublicSpace => "public-space.csv",
    };
    base.join(file).ok()
}

/// A date of HTTP in the form that is sent (IMF-fixdate, RFC 9110 §5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
pub fn http_date(text: &str) -> Option<SystemTime> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let words: Vec<&str> = text.split(' ').collect();
    let [_, day, month, year, time, "GMT"] = words.as_slice() else { return None };
    let month = MONTHS.iter().position(|known| known == month)? + 1;
    humantime::parse_rfc3339(&format!("{year}-{month:02}-{day}T{time}Z")).ok()
}

#[cfg(test)]
mod tests {
    use super::{Asked, http_date, latest_version, mirrored, service_tags_in};
    use crate::data::Kind;
    use std::time::{Duration, SystemTime};
    use url::Url;

    #[test]
    fn the_newest_file_of_the_page_is_taken_and_nothing_that_only_looks_like_one() {
        let folder = "https://download.example/7/1/d";
        let page = format!(
            "<a href=\"{folder}/ServiceTags_Public_20251103.json\">old</a> {{\"url\":\"{folder}/ServiceTags_Public_20251110.json\"}} \
             <a href=\"{folder}/ServiceTags_AzureGovernment_20251201.json\"> <a href='{folder}/ServiceTags_Public_2025111.json'>"
        );
        let found = service_tags_in(&page, "https").map(String::from);
        assert_eq!(found, Some(format!("{folder}/ServiceTags_Public_20251110.json")));
        assert_eq!(
            service_tags_in("<a href=\"http://x.example/ServiceTags_Public_20251110.json\">", "https"),
            None
        );
        assert_eq!(service_tags_in("<title>Sign in</title>", "https"), None);
    }

    #[test]
    fn both_answers_of_the_version_service_are_read() {
        let one =
            br#"{"instance": "Worldwide", "latest": "2018063000", "versions": ["2018063000", "2018062000"]}"#;
        assert_eq!(latest_version(one).as_deref(), Ok("2018063000"));
        let all = br#"[{"instance": "China", "latest": "2018073000"}, {"instance": "Worldwide", "latest": "2018063000"}]"#;
        assert_eq!(latest_version(all).as_deref(), Ok("2018063000"));
        assert!(latest_version(br#"{"instance": "Worldwide", "latest": "../../../x"}"#).is_err());
        assert!(latest_version(b"<html>").is_err());
    }

    #[test]
    fn the_version_is_asked_for_once_an_hour_with_an_id_of_the_machine() {
        let mut asked = Asked::never([0xff; 32]);
        assert_eq!(asked.client, "ffffffff-ffff-4fff-bfff-ffffffffffff");
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        assert_eq!(asked.wait(now), None);
        asked.at = now;
        assert_eq!(asked.wait(now + Duration::from_secs(3599)), Some(Duration::from_secs(1)));
        assert_eq!(asked.wait(now + Duration::from_secs(3600)), None);
        assert_eq!(asked.wait(now - Duration::from_secs(10)), None);
    }

    #[test]
    fn a_mirror_is_a_folder_or_one_file() {
        let url = |text| Url::parse(text).expect("a URL");
        let of = |text, kind| mirrored(&url(text), kind).map(String::from);
        assert_eq!(of("http://m.example/a/", Kind::Asn).as_deref(), Some("http://m.example/a/asn.tsv.gz"));
        assert_eq!(of("http://m.example/a.json", Kind::M365).as_deref(), Some("http://m.example/a.json"));
    }

    #[test]
    fn the_date_of_rfc_9110_is_read() {
        let date = humantime::parse_rfc3339("1994-11-06T08:49:37Z").ok();
        assert_eq!(http_date("Sun, 06 Nov 1994 08:49:37 GMT"), date);
        assert_eq!(http_date("Sunday, 06-Nov-94 08:49:37 GMT"), None);
        assert_eq!(http_date("Sun, 06 Nov 1994 08:49:37 CET"), None);
    }
}
