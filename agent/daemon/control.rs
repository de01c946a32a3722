//! The station of `[bmp]` in the daemon: opened where it is configured, waited for by commands of one round, watched by
//! `run`. The files of `[[table]]` are read into the same table before each round.
//!
//! In: the plan, what the routers send, and files of their tables. Out: the table that rounds are judged by, and word of its changes. It decides no
//! path.

mod imported;

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use closedpath_core::attribution::{Words, forget_traces};
use closedpath_core::closure::Picture;
use closedpath_core::config::Plan;
use closedpath_core::rib::{Family, Limits, Rib};
use closedpath_net::{NetError, Station};
use tokio::sync::{RwLock, watch};

use self::imported::Imported;
use crate::metrics::RouterState;
use crate::setup::Setup;

/// How long a command of one round waits for the routers' tables, if nothing else is asked for.
pub const BMP_WAIT: Duration = Duration::from_secs(10);
/// Between two looks at a table that keeps changing: an Internet table does all the time.
const SPACING: Duration = Duration::from_millis(250);
/// A table may begin to answer without a message, when it has been quiet for long enough.
const UNTOLD: Duration = Duration::from_secs(1);

/// The edge routers' tables, where `[bmp]` or `[[table]]` is configured.
#[derive(Debug)]
pub struct Control {
    station: Option<Station>,
    imported: Option<Imported>,
    table: Option<Arc<RwLock<Rib>>>,
    /// Those of `[bmp]`.
    expected: Vec<IpAddr>,
    patience: Duration,
    lost: Option<String>,
}

/// What `run` knows of the tables.
#[derive(Debug)]
pub struct Watch {
    changes: Option<watch::Receiver<u64>>,
    looked: Instant,
    words: Words,
}

impl Control {
    /// Listens if the plan says so.
    ///
    /// # Errors
    ///
    /// The address cannot be listened on.
    pub async fn open(plan: &Plan) -> Result<Self, NetError> {
        let station = match &plan.bmp {
            Some(bmp) => Some(Station::listen(bmp.listen, &bmp.allow, Limits::default()).await?),
            None => None,
        };
        let allow = plan.bmp.iter().flat_map(|bmp| &bmp.allow).map(IpAddr::to_canonical).collect();
        Ok(Self::with(plan, station, allow))
    }

    /// The same for one round, which waits up to `patience` for the tables. An address that is taken, mostly by `run` on the
    /// same host, is no error: the report says what was lost.
    pub async fn try_open(plan: &Plan, patience: Duration) -> Self {
        match Self::open(plan).await {
            Ok(control) => Self { patience, ..control },
            Err(error) => {
                let lost = Some(format!("BMP: no evidence of the control plane: {error}"));
                Self { patience, lost, ..Self::with(plan, None, Vec::new()) }
            }
        }
    }

    fn with(plan: &Plan, station: Option<Station>, expected: Vec<IpAddr>) -> Self {
        let imported = Imported::new(plan);
        let own = || Arc::new(RwLock::new(Rib::with_limits(Limits::default())));
        let table = match &station {
            Some(station) => Some(station.table()),
            None => imported.as_ref().map(|_| own()),
        };
        Self { station, imported, table, expected, patience: Duration::ZERO, lost: None }
    }

    /// Reads the files of `[[table]]` that have changed; to be called before each round.
    pub async fn refresh(&self) {
        if let (Some(imported), Some(table)) = (&self.imported, &self.table) {
            imported.refresh(Arc::clone(table)).await;
        }
    }

    /// Where it listens.
    pub fn address(&self) -> Option<SocketAddr> {
        self.station.as_ref().map(Station::local_addr)
    }

    /// The table.
    pub fn table(&self) -> Option<Arc<RwLock<Rib>>> {
        self.table.clone()
    }

    /// What cannot be told here, in words.
    pub fn lost(&self) -> Vec<String> {
        let imported = self.imported.as_ref().map(|imported| imported.lost(SystemTime::now()));
        self.lost.iter().cloned().chain(imported.into_iter().flatten()).collect()
    }

    /// Returns when every router's table answers, or the patience is over.
    pub async fn wait(&self) {
        let Some(station) = self.station.as_ref().filter(|_| !self.expected.is_empty()) else { return };
        let complete = async {
            let (table, mut changes) = (station.table(), station.changes());
            while !self.answers(&*table.read().await) {
                // What is left to wait for may be time alone.
                let _ = tokio::time::timeout(SPACING, changes.changed()).await;
            }
        };
        let _ = tokio::time::timeout(self.patience, complete).await;
    }

    /// Whether each router's table answers for a family at least; not every site speaks both.
    fn answers(&self, rib: &Rib) -> bool {
        let now = SystemTime::now();
        let answers =
            |router: &IpAddr, family| rib.default_from(*router, *router, family, now, |_| true).is_ok();
        self.expected.iter().all(|router| answers(router, Family::V4) || answers(router, Family::V6))
    }

    /// What the metrics show of every router that may send by BMP.
    pub async fn states(&self) -> Vec<RouterState> {
        let Some(table) = self.table() else { return Vec::new() };
        let table = table.read().await;
        let sessions: Vec<_> = table.sessions(SystemTime::now()).collect();
        let of = |router: &IpAddr| {
            let session = sessions.iter().find(|session| session.router == *router);
            RouterState {
                router: *router,
                up: session.is_some_and(|session| session.up),
                routes: session.map_or(0, |session| session.routes),
            }
        };
        self.expected.iter().map(of).collect()
    }

    /// To be asked for changes from now on.
    pub fn watch(&self) -> Watch {
        let changes = self.station.as_ref().map(Station::changes);
        Watch { changes, looked: Instant::now(), words: Words::default() }
    }

    /// Notes what the tables say of a new round.
    pub async fn note(&self, watch: &mut Watch, setup: &Setup, picture: &Picture) {
        if let Some(words) = self.words(setup, picture).await {
            watch.words = words.after(&watch.words);
        }
    }

    /// Which addresses got another route, if the tables say something else of what was seen than when they were last asked.
    /// Their traces are forgotten: they show the former route.
    pub async fn changed(
        &self,
        watch: &mut Watch,
        setup: &Setup,
        picture: &mut Picture,
    ) -> Option<BTreeSet<IpAddr>> {
        let words = self.words(setup, picture).await.filter(|words| words.differ(&watch.words))?;
        let rerouted = words.rerouted(&watch.words);
        forget_traces(picture, &rerouted);
        watch.words = words.after(&watch.words);
        Some(rerouted)
    }

    async fn words(&self, setup: &Setup, picture: &Picture) -> Option<Words> {
        let table = self.table()?;
        let table = table.read().await;
        Some(Words::now(&setup.plan, picture, &table, SystemTime::now()))
    }
}

impl Watch {
    /// Returns when the tables may say something else than before; never where there is no station.
    pub async fn stirred(&mut self) {
        let Some(changes) = &mut self.changes else { return std::future::pending().await };
        tokio::time::sleep_until((self.looked + SPACING).into()).await;
        let _ = tokio::time::timeout(UNTOLD, changes.changed()).await;
        self.looked = Instant::now();
    }
}
