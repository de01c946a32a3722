//! `closedpath run`: round after round, each published as one immutable snapshot, until SIGTERM or Ctrl-C.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::net::{IpAddr, TcpListener};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, anyhow};
use closedpath_core::attribution::forget_traces;
use closedpath_core::closure::Past;
use closedpath_core::config::Plan;
use closedpath_core::report::Report;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing::info;

use super::runtime;
use crate::cli::Run;
use crate::control::{Control, Watch};
use crate::edges::Edges;
use crate::metrics::{Counters, Extra};
use crate::past::Memory;
use crate::round::{Looked, VERSION, judge, look};
use crate::serve::{Published, Snapshot, serve};
use crate::setup::{self, Setup};

/// Between the beginnings of two rounds that changes of a table ask for, at least.
const EAGER: Duration = Duration::from_secs(5);

/// Probes and serves until it is told to stop.
pub fn run(arguments: &Run) -> Result<ExitCode> {
    log();
    let setup = setup::load(setup::plan(Some(&arguments.config))?)?;
    setup::may_run(&setup.plan)?;
    let listeners = listeners(&setup.plan)?;
    runtime()?.block_on(async {
        let edges = Edges::open(&setup.plan, Some(&setup.plan.agent.state_dir))?;
        for lost in edges.lost() {
            tracing::warn!("{lost}");
        }
        let control = Control::open(&setup.plan).await?;
        if let Some(address) = control.address() {
            info!("waiting for routers' tables (BMP) on {address}");
        }
        let mut extra = Extra::new(VERSION);
        extra.config_last_reload_successful = true;
        let published =
            Arc::new(Published::new(Snapshot { report: None, counters: Counters::default(), extra }));
        let (stop, stopped) = watch::channel(false);
        // Before anything answers: who asks whether it lives may end it at once.
        let told = told_to_stop()?;
        let server = tokio::spawn(serve(listeners, published.clone(), until(stopped.clone())));
        tokio::select! {
            () = rounds(&setup, &edges, &control, &published) => {}
            signal = told => info!("{signal} received, stopping"),
        }
        let _ = stop.send(true);
        server.await.context("the HTTP server ended unexpectedly")??;
        info!("stopped");
        anyhow::Ok(())
    })?;
    Ok(ExitCode::SUCCESS)
}

/// The sockets: those that were handed over (systemd socket activation), else those of the configuration.
fn listeners(plan: &Plan) -> Result<Vec<TcpListener>> {
    let mut handed = listenfd::ListenFd::from_env();
    let mut all = Vec::new();
    for index in 0..handed.len() {
        let listener =
            handed.take_tcp_listener(index).context("a socket that was handed over is not a TCP listener")?;
        all.extend(listener);
    }
    if all.is_empty() {
        for address in &plan.http.listen {
            let listener = TcpListener::bind(address).map_err(|error| {
                anyhow!("cannot listen on {address}: {}; see http.listen", refusal(&error))
            })?;
            all.push(listener);
        }
    }
    for listener in &all {
        info!("serving the status page and metrics on http://{}/", listener.local_addr()?);
    }
    Ok(all)
}

/// Why an address cannot be listened on, and what to do.
fn refusal(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another program has this port; end it, or choose another port".to_owned()
        }
        io::ErrorKind::AddrNotAvailable => {
            "this host does not have that address; name one of its own, or 127.0.0.1".to_owned()
        }
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 are closed to this user; choose a higher one".to_owned()
        }
        _ => error.to_string(),
    }
}

/// One round each interval, from the start of one to the start of the next, with a little jitter so that many agents spread.
/// When a router's table says something else of a destination, what was seen last is judged anew at once, and a new round
/// begins: its traces show the new path.
async fn rounds(setup: &Setup, edges: &Edges, control: &Control, published: &Published) {
    let mut planned = Instant::now();
    let mut memory = Memory::kept(&setup.plan.agent.state_dir);
    let mut began = planned;
    let mut watch = control.watch();
    let mut last: Option<Looked> = None;
    loop {
        while planned > Instant::now() {
            tokio::select! {
                () = tokio::time::sleep_until(planned.into()) => {}
                () = watch.stirred() => {
                    if judged_anew(setup, edges, control, memory.past(), published, &mut watch, last.as_mut()).await.is_some() {
                        planned = planned.min(soon(setup, began));
                    }
                }
            }
        }
        let late = planned.elapsed();
        began = Instant::now();
        let mut rerouted = None;
        control.refresh().await;
        let mut looking = Box::pin(look(setup, edges, |_| {}));
        let mut looked = loop {
            tokio::select! {
                looked = &mut looking => break looked,
                () = watch.stirred() => {
                    let moved = judged_anew(setup, edges, control, memory.past(), published, &mut watch, last.as_mut()).await;
                    rerouted = merged(rerouted, moved);
                }
            }
        };
        drop(looking);
        rerouted = merged(rerouted, control.changed(&mut watch, setup, &mut looked.picture).await);
        // What was seen before a change in the midst of the round may be of the former route.
        let moved = rerouted.is_some();
        forget_traces(&mut looked.picture, &rerouted.unwrap_or_default());
        control.note(&mut watch, setup, &looked.picture).await;
        memory.remember(&looked.picture, setup.plan.probe.interval, SystemTime::now());
        looked.lost = memory.lost();
        let report = judge(setup, edges, control, memory.past(), &looked).await;
        info!(
            verdict = ?report.verdict,
            endpoints = report.endpoints.len(),
            findings = report.findings.len(),
            seconds = began.elapsed().as_secs_f64(),
            "round complete"
        );
        publish(published, report, control, Some(late)).await;
        last = Some(looked);
        planned = if moved { soon(setup, began) } else { began + jittered(setup.plan.probe.interval) };
    }
}

/// When the next round may begin that a change asks for: a table that flaps must not make the agent probe without end.
fn soon(setup: &Setup, began: Instant) -> Instant {
    Instant::now().max(began + setup.plan.probe.interval.min(EAGER))
}

fn merged(one: Option<BTreeSet<IpAddr>>, other: Option<BTreeSet<IpAddr>>) -> Option<BTreeSet<IpAddr>> {
    match (one, other) {
        (Some(one), Some(other)) => Some(&one | &other),
        (one, other) => one.or(other),
    }
}

/// Judges what was seen last by the tables as they are now, if they say something else of it; which addresses got another
/// route.
async fn judged_anew(
    setup: &Setup,
    edges: &Edges,
    control: &Control,
    past: &Past,
    published: &Published,
    watch: &mut Watch,
    last: Option<&mut Looked>,
) -> Option<BTreeSet<IpAddr>> {
    let states = control.states().await;
    let current = published.current();
    if current.extra.routers != states {
        let mut snapshot = (*current).clone();
        snapshot.extra.routers = states;
        published.replace(snapshot);
    }
    let looked = last?;
    let rerouted = control.changed(watch, setup, &mut looked.picture).await?;
    let report = judge(setup, edges, control, past, looked).await;
    info!(verdict = ?report.verdict, "a router's table changed: judged anew");
    publish(published, report, control, None).await;
    Some(rerouted)
}

/// Puts a report in the place of the last one; `late` is that of its round.
async fn publish(published: &Published, report: Report, control: &Control, late: Option<Duration>) {
    let routers = control.states().await;
    let last = published.current();
    let mut counters = last.counters.clone();
    counters.note(last.report.as_deref(), &report);
    if let Some(late) = late {
        last.extra.note_lag(late);
    }
    let mut extra = last.extra.clone();
    extra.routers = routers;
    published.replace(Snapshot { report: Some(Arc::new(report)), counters, extra });
}

/// The interval, up to a tenth more or less.
fn jittered(interval: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish() % 1000;
    interval.mul_f64(0.9 + 0.2 * f64::from(u16::try_from(random).unwrap_or(500)) / 1000.0)
}

async fn until(mut stopped: watch::Receiver<bool>) {
    // The sender lives as long as the runtime's main task; if it is gone, that is a stop too.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// Listens for signals from now on; the future ends with the first.
fn told_to_stop() -> Result<impl Future<Output = &'static str>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        }
    })
}

/// Logs to standard error, as RUST_LOG asks; without it, what an operator wants to know.
fn log() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    // A second initialisation can only happen in tests.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(false)
        // Its complaint about a log that cannot be written would go to the same place, and panic there.
        .log_internal_errors(false)
        .try_init();
}
