//! In the lab, every path the agent tells is the true one, in every position of the switches.
use crate::lab;
use closedpath_lab::ConfigVariant;

#[test]
fn probe() {
    let lab = lab::build();
    let t = std::time::Instant::now();
    let (status, report) = lab::check(&lab, ConfigVariant::Full);
    eprintln!("status {status} in {:?} verdict {}", t.elapsed(), report["verdict"]);
    for w in report["workloads"].as_array().unwrap() {
        eprintln!("{w:#}");
    }
    for e in report["endpoints"].as_array().unwrap() {
        eprintln!("{} class={} dns={} req={}", e["id"], e["class"], e["dns"]["status"], e["requirement"]);
        for a in e["addresses"].as_array().unwrap() {
            eprintln!(
                "    {} reach={} {} {} {} {} tls={}",
                a["ip"],
                a["reachable"],
                a["path"]["class"],
                a["path"]["confidence"],
                a["path"]["reason"],
                a["failure"]["text"],
                a["tls"]["verdicts"]
            );
        }
    }
    for f in report["findings"].as_array().unwrap() {
        eprintln!("{} {} {}", f["id"], f["severity"], f["subject"]);
    }
    std::fs::write("/tmp/report.json", report.to_string()).unwrap();
}
