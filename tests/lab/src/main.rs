//! stub
fn main() -> anyhow::Result<()> {
    closedpath_lab::enter()?;
    let t = std::time::Instant::now();
    let lab = closedpath_lab::Lab::build()?;
    eprintln!("built in {:?} {}", t.elapsed(), lab.dir().display());
    lab.config(closedpath_lab::ConfigVariant::Full)?;
    let o = std::process::Command::new("bash").env("PID", lab.pid("host")?.to_string()).env("DIR", lab.dir()).arg("-c").arg(std::env::args().nth(1).unwrap_or_default()).status()?;
    eprintln!("{o}");
    let t = std::time::Instant::now();
    drop(lab);
    eprintln!("dropped in {:?}", t.elapsed());
    Ok(())
}
