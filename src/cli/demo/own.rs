//! What the demo's policies say otherwise than the shipped ones, so that a change can be executed at any
//! time of the year and closed within seconds; and the service that it watches.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::{fs, thread};

use anyhow::Context as _;

/// Windows that are open whenever one is needed; the demo's other change is high.
const WINDOWS: &str = "
demo-by-day:
  days: [mon, tue, wed, thu, fri, sat, sun]
  from: \"00:00\"
  to: \"23:59\"
  for: [medium]
demo-by-night:
  days: [mon, tue, wed, thu, fri, sat, sun]
  from: \"12:00\"
  to: \"11:59\"
  for: [medium]
";

const OWNERS: &str = "    owners: [dan]\n";
const USUAL: &str = "monitor_at_least: 15m";
const SHORT: &str = "monitor_at_least: 2s";

/// Writes the demo's own settings into the policies of a clone; `port` is that of the service. Returns what
/// to show of it.
///
/// # Errors
/// If the policies aren't as they are shipped.
pub fn adapt(home: &Path, port: u16) -> anyhow::Result<Vec<String>> {
    let measured =
        format!("    health: [\"http://127.0.0.1:{port}/healthz\"]\n    hosts: [127.0.0.1]\n");
    edit(home, "settings", |text| text.contains(USUAL).then(|| text.replace(USUAL, SHORT)))?;
    edit(home, "windows", |text| Some(text + WINDOWS))?;
    edit(home, "freezes", |text| {
        let (before, rest) = text.split_once("\nfreezes:\n")?;
        let (_, after) = rest.split_once("\n\n")?;
        Some(format!("{before}\nfreezes: []\n\n{after}"))
    })?;
    let owners = |text: String| {
        text.contains(OWNERS).then(|| text.replace(OWNERS, &(OWNERS.to_owned() + &measured)))
    };
    edit(home, "roster", owners)?;
    let roster = measured.lines().map(|line| format!("+{line}"));
    let settings = [format!("-  {USUAL}"), format!("+  {SHORT}")];
    Ok(settings.into_iter().chain(roster).collect())
}

fn edit(
    home: &Path,
    table: &str,
    change: impl FnOnce(String) -> Option<String>,
) -> anyhow::Result<()> {
    let path = format!("policies/org/{table}/data.yaml");
    let file = home.join(&path);
    let text = fs::read_to_string(&file).with_context(|| format!("read {path}"))?;
    let text = change(text).with_context(|| format!("{path} isn't as it is shipped"))?;
    fs::write(&file, text).with_context(|| format!("write {path}"))
}

/// Starts a service on this machine that is always healthy, and returns its port.
///
/// # Errors
/// If the system refuses.
pub fn service() -> anyhow::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("start a service")?;
    let port = listener.local_addr().context("start a service")?.port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            // Who asks has said all of it by then, and may have gone.
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
        }
    });
    Ok(port)
}
