//! `closedpath run`: round after round, each published as one immutable snapshot, until SIGTERM or Ctrl-C.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::net::TcpListener;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use closedpath_core::config::Plan;
use closedpath_core::report::Report;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing::info;

use super::runtime;
use crate::cli::Run;
use crate::edges::Edges;
use crate::metrics::{Counters, Extra};
use crate::past::Memory;
use crate::round::{VERSION, round};
use crate::serve::{Published, Snapshot, serve};
use crate::setup::{self, Setup};

/// Probes and serves until it is told to stop.
pub fn run(arguments: &Run) -> Result<ExitCode> {
    log();
    let setup = setup::load(setup::plan(Some(&arguments.config))?)?;
    setup::may_run(&setup.plan)?;
    let listeners = listeners(&setup.plan)?;
    runtime()?.block_on(async {
        // Before anything is served: whoever gets an answer may already say stop.
        let told_to_stop = told_to_stop()?;
        let edges = Edges::open(&setup.plan, Some(&setup.plan.agent.state_dir))?;
        for lost in edges.lost() {
            tracing::warn!("{lost}");
        }
        let mut extra = Extra::new(VERSION);
        extra.config_last_reload_successful = true;
        let published =
            Arc::new(Published::new(Snapshot { report: None, counters: Counters::default(), extra }));
        let (stop, stopped) = watch::channel(false);
        let server = tokio::spawn(serve(listeners, published.clone(), until(stopped.clone())));
        tokio::select! {
            () = rounds(&setup, &edges, &published) => {}
            signal = told_to_stop => info!("{signal} received, stopping"),
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
async fn rounds(setup: &Setup, edges: &Edges, published: &Published) {
    let mut planned = Instant::now();
    let mut memory = Memory::kept(&setup.plan.agent.state_dir);
    loop {
        tokio::time::sleep_until(planned.into()).await;
        let late = planned.elapsed();
        let began = Instant::now();
        let report = round(setup, edges, &mut memory, |_| {}).await;
        info!(
            verdict = ?report.verdict,
            endpoints = report.endpoints.len(),
            findings = report.findings.len(),
            seconds = began.elapsed().as_secs_f64(),
            "round complete"
        );
        publish(published, report, late);
        planned = began + jittered(setup.plan.probe.interval);
    }
}

/// Puts a round in the place of the last one.
fn publish(published: &Published, report: Report, late: Duration) {
    let last = published.current();
    let mut counters = last.counters.clone();
    counters.note(last.report.as_deref(), &report);
    last.extra.note_lag(late);
    published.replace(Snapshot { report: Some(Arc::new(report)), counters, extra: last.extra.clone() });
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
