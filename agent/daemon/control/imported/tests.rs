//! Files of tables as they come, change, break, grow old and go.

use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use closedpath_core::config::{ImportedTable, Plan};
use closedpath_core::rib::{Doubt, Lookup, Rib};
use tokio::sync::RwLock;

use super::Imported;

const HOUR: Duration = Duration::from_secs(3600);
const V4: &str = r#"{"localAS":65010,"routes":{"203.0.113.0/24":[{"valid":true,"bestpath":true,"pathFrom":"external",
  "peerId":"198.51.100.1","path":"64500","origin":"IGP","nexthops":[{"ip":"198.51.100.1","used":true}]}]}}"#;
const V6: &str = r#"{"localAS":65010,"routes":{"2001:db8::/48":[{"valid":true,"bestpath":true,"pathFrom":"external",
  "peerId":"2001:db8:1::1","path":"64500","origin":"IGP","nexthops":[{"ip":"2001:db8:1::1","used":true}]}]}}"#;
/// RFC 6396 §4.3: the peer 198.51.100.1 of AS 64500, and its route 203.0.113.0/24.
const MRT: &[u8] = &[
    0x69, 0, 0, 0, 0, 13, 0, 1, 0, 0, 0, 21, 192, 0, 2, 1, 0, 0, 0, 1, 2, 192, 0, 2, 9, 198, 51, 100, 1, 0,
    0, 0xfb, 0xf4, // The list of peers ends; the route begins.
    0x69, 0, 0, 0, 0, 13, 0, 2, 0, 0, 0, 38, 0, 0, 0, 0, 24, 203, 0, 113, 0, 1, 0, 0, 0x69, 0, 0, 0, 0, 20,
    0x40, 1, 1, 0, 0x40, 2, 6, 2, 1, 0, 0, 0xfb, 0xf4, 0x40, 3, 4, 198, 51, 100, 1,
];

/// A folder with the files of one router.
struct Site {
    folder: PathBuf,
    imported: Imported,
    table: Arc<RwLock<Rib>>,
}

impl Site {
    fn new(test: &str, files: &[&str]) -> Self {
        let folder = std::env::temp_dir().join(format!("closedpath-imported-{test}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let table = |name: &&str| ImportedTable { router: router(), file: folder.join(name), max_age: HOUR };
        let plan = Plan { imported: files.iter().map(table).collect(), ..Plan::default() };
        let imported = Imported::new(&plan).expect("a table");
        Self { folder, imported, table: Arc::default() }
    }

    /// Puts a file of this age there, as a rename would.
    fn put(&self, name: &str, content: impl AsRef<[u8]>, age: Duration) {
        let path = self.folder.join(name);
        fs::write(&path, content).expect("written");
        let file = fs::File::options().write(true).open(path).expect("it was just written");
        file.set_modified(SystemTime::now() - age).expect("its time is set");
    }

    /// What the router says of an address after a look at the files, and what is told of it.
    async fn says(&self, ip: &str) -> (String, Vec<String>) {
        self.says_in(ip, Duration::ZERO).await
    }

    /// The same so much later, without another look at the files.
    async fn says_in(&self, ip: &str, later: Duration) -> (String, Vec<String>) {
        if later.is_zero() {
            self.imported.refresh(Arc::clone(&self.table)).await;
        }
        let now = SystemTime::now() + later;
        let ip: IpAddr = ip.parse().expect("an address");
        let said = match self.table.read().await.lookup(router(), ip, now) {
            Lookup::Found(answer) => answer.prefix.to_string(),
            Lookup::Nothing => "nothing".into(),
            Lookup::Unknown(Doubt::Stale { .. }) => "stale".into(),
            Lookup::Unknown(doubt) => doubt.to_string(),
        };
        (said, self.imported.lost(now))
    }

    /// The table does not answer, and this is why.
    async fn is_stale(&self, why: &str) {
        let (said, lost) = self.says("203.0.113.7").await;
        assert_eq!(said, "stale", "{lost:?}");
        assert!(lost.len() == 1 && lost[0].contains(why), "{why} is missing in {lost:?}");
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn router() -> IpAddr {
    "192.0.2.1".parse().expect("an address")
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test]
async fn a_file_counts_from_its_time_of_change_and_no_longer() {
    let site = Site::new("age", &["v4"]);
    site.put("v4", V4, seconds(600));
    assert_eq!(site.says("203.0.113.7").await, ("203.0.113.0/24".into(), vec![]));
    assert_eq!(site.says_in("203.0.113.7", seconds(2990)).await.0, "203.0.113.0/24");
    let (said, lost) = site.says_in("203.0.113.7", seconds(3010)).await;
    assert_eq!(said, "stale");
    assert!(lost[0].contains("older than its max_age of 1h") && lost[0].contains("export"), "{lost:?}");
    site.put("v4", V4, HOUR + seconds(10));
    site.is_stale("older than its max_age of 1h").await;
    site.put("v4", V4, seconds(5));
    assert_eq!(site.says("203.0.113.7").await, ("203.0.113.0/24".into(), vec![]));
}

#[tokio::test]
async fn a_changed_file_replaces_what_was_read_before() {
    let site = Site::new("change", &["v4"]);
    site.put("v4", V4, seconds(600));
    site.says("203.0.113.7").await;
    site.put("v4", V4.replace("203.0.113.0/24", "192.0.2.0/24"), seconds(500));
    assert_eq!(site.says("203.0.113.7").await, ("nothing".into(), vec![]));
}

#[tokio::test]
async fn what_is_missing_broken_empty_or_of_the_future_is_stale_though_it_was_read_before() {
    let site = Site::new("broken", &["v4"]);
    site.is_stale("cannot be read: No such file").await;
    for (content, why) in [
        (&V4[..V4.len() - 1], "cannot be read: line 2"),
        ("", "holds no routes"),
        (r#"{"localAS":65010,"routes":{}}"#, "holds no routes"),
        (&V4.replace("true", "false"), "no route of its files is valid"),
        ("no BGP here", "cannot be read as MRT"),
    ] {
        site.put("v4", V4, seconds(600));
        assert_eq!(site.says("203.0.113.7").await, ("203.0.113.0/24".into(), vec![]));
        site.put("v4", content, seconds(500));
        site.is_stale(why).await;
        site.is_stale(why).await;
    }
    site.put("v4", V4, Duration::ZERO);
    let file = fs::File::options().write(true).open(site.folder.join("v4")).expect("it is there");
    file.set_modified(SystemTime::now() + HOUR).expect("its time is set");
    site.is_stale("time in the future").await;
    fs::remove_file(site.folder.join("v4")).expect("it is there");
    fs::create_dir(site.folder.join("v4")).expect("a folder");
    site.is_stale("is no file").await;
}

#[tokio::test]
async fn both_families_are_believed_together_or_not_at_all() {
    let site = Site::new("both", &["v4", "v6"]);
    site.put("v4", V4, seconds(600));
    site.is_stale("v6 cannot be read").await;
    site.put("v6", V6, seconds(600));
    assert_eq!(site.says("203.0.113.7").await, ("203.0.113.0/24".into(), vec![]));
    assert_eq!(site.says("2001:db8::7").await, ("2001:db8::/48".into(), vec![]));
    site.put("v6", V6, HOUR + seconds(1));
    site.is_stale("v6 is of").await;
    site.put("v6", V4, seconds(600));
    site.is_stale("of the same family").await;
    site.put("v6", MRT, seconds(600));
    site.is_stale("the router has other files").await;
    let mixed = V4.replace("\"routes\":{", "\"routes\":{\"2001:db8::/32\":[],");
    site.put("v6", mixed, seconds(600));
    site.is_stale("IPv4 and IPv6 in one text").await;
}

#[tokio::test]
async fn a_family_without_a_file_is_not_empty() {
    let site = Site::new("one", &["v4"]);
    site.put("v4", V4, seconds(600));
    assert!(site.says("2001:db8::7").await.0.contains("no End-of-RIB"));
}

#[tokio::test]
async fn a_dump_is_read_when_nobody_writes_it_any_more() {
    let site = Site::new("mrt", &["dump"]);
    site.put("dump", MRT, seconds(1));
    site.is_stale("may still be written").await;
    site.put("dump", MRT, seconds(20));
    assert_eq!(site.says("203.0.113.7").await, ("203.0.113.0/24".into(), vec![]));
    site.put("dump", &MRT[..MRT.len() - 1], seconds(19));
    site.is_stale("cannot be read as MRT").await;
    site.put("dump", &MRT[..33], seconds(18));
    site.is_stale("holds no routes").await;
    // In 2035 the time of a dump begins like JSON.
    let mut later = MRT.to_vec();
    later[0] = b'{';
    site.put("dump", later, seconds(17));
    assert_eq!(site.says("203.0.113.7").await, ("203.0.113.0/24".into(), vec![]));
}

#[test]
fn a_file_that_changes_while_it_is_read_is_not_believed() {
    let site = Site::new("torn", &["v4"]);
    site.put("v4", V4, seconds(600));
    let table = ImportedTable { router: router(), file: site.folder.join("v4"), max_age: HOUR };
    let stamp = super::stamp(&table, SystemTime::now()).expect("a file");
    assert_eq!(super::read(&table, stamp).expect("the same file"), V4.as_bytes());
    site.put("v4", V6, seconds(300));
    assert!(super::read(&table, stamp).expect_err("another file").what.contains("was changed"));
}
