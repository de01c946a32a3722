//! What `check` costs: a cold start, and 400 names of which a third are dead ends. Prints a table; asserts nothing.
//!
//! Run as root: `cargo bench --bench check`. The budgets are those of the first milestone: ≤ 0.3 s from a cold start to the
//! first probe, ≤ 15 s for the 400 names with `timeout = "3s"`.

use std::process::{Command, Output};
use std::time::{Duration, Instant};

use closedpath_lab::{ConfigVariant, Lab};

const AGENT: &str = env!("CARGO_BIN_EXE_closedpath");
const RUNS: usize = 5;

fn main() -> anyhow::Result<()> {
    // `cargo test --benches` passes arguments of its own; a bench is only run by `cargo bench`.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    closedpath_lab::enter()?;
    println!("{:<58} {:>9} {:>9} {:>9} {:>9}", "what (wall)", "min", "median", "max", "budget");
    let folder = std::env::temp_dir().join(format!("closedpath-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let config = folder.join("one.toml");
    // One refused port on loopback and no resolver to ask: the whole run is an upper bound of the time to the first probe.
    std::fs::write(
        &config,
        "[[resolver]]\nservers = [\"127.0.0.1:9\"]\n[[target]]\nhost = \"127.0.0.1\"\nport = 9\nprobe = \"tcp\"\n",
    )?;
    let mut cold = Command::new(AGENT);
    cold.args(["check", "--format", "json", "--config"]).arg(&config);
    row("start, one probe, report, end", Duration::from_millis(300), || cold.output())?;
    std::fs::remove_dir_all(&folder)?;

    let lab = Lab::build()?;
    let config = lab.config(ConfigVariant::Load)?;
    let mut load = lab.agent(AGENT.as_ref())?;
    load.args(["check", "--format", "json", "--config"]).arg(&config);
    row("400 names, a third dead ends, timeout 3 s", Duration::from_secs(15), || load.output())?;
    let config = lab.config(ConfigVariant::Full)?;
    let mut full = lab.agent(AGENT.as_ref())?;
    full.args(["check", "--format", "json", "--config"]).arg(&config);
    row("the lab's 30 endpoints, timeout 2 s, two dead", Duration::from_secs(15), || full.output())?;
    Ok(())
}

fn row(what: &str, budget: Duration, mut run: impl FnMut() -> std::io::Result<Output>) -> anyhow::Result<()> {
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let began = Instant::now();
        let output = run()?;
        times.push(began.elapsed());
        anyhow::ensure!(!output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    times.sort();
    let shown = |time: Duration| format!("{:.3} s", time.as_secs_f64());
    let (min, median, max) = (times[0], times[RUNS / 2], times[RUNS - 1]);
    println!("{what:<58} {:>9} {:>9} {:>9} {:>9}", shown(min), shown(median), shown(max), shown(budget));
    Ok(())
}
