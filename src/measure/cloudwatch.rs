//! Asks CloudWatch for an error rate, by the program `aws`: its credentials, endpoint and proxies are its own
//! affair.

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail, ensure};
use serde::Deserialize;
use serde_json::{Number, Value};
use wait_timeout::ChildExt as _;

use crate::core::operations::measured::{Series, sample};
use crate::core::time::Interval;

/// How long the program may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The seconds that a sample is of, where the queries don't say so.
const PERIOD: u64 = 60;

/// What `aws cloudwatch get-metric-data` prints.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    metric_data_results: Vec<Found>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Found {
    values: Vec<Number>,
}

/// Returns the samples of queries during some time.
///
/// # Errors
/// When the program fails, or several queries return data.
pub(super) fn ask(region: &str, queries: &[Value], during: Interval) -> anyhow::Result<Series> {
    let folder = tempfile::tempdir().context("make a temporary folder")?;
    let [out, err] = ["out", "err"].map(|name| folder.path().join(name));
    let file = |path: &Path| File::create(path).context("make a temporary file");
    let mut command = Command::new("aws");
    command
        .args(["cloudwatch", "get-metric-data", "--no-cli-pager", "--output", "json"])
        .args(["--region", region])
        .args(["--start-time", &during.start.to_string(), "--end-time", &during.end.to_string()])
        .args(["--metric-data-queries", &Value::from(queries).to_string()])
        .stdin(Stdio::null())
        .stdout(file(&out)?)
        .stderr(file(&err)?);
    let mut child = command.spawn().map_err(|error| match error.kind() {
        ErrorKind::NotFound => anyhow!("the program `aws` isn't installed, or isn't in PATH"),
        _ => anyhow!(error).context("start `aws`"),
    })?;
    let Some(status) = child.wait_timeout(PATIENCE).context("wait for `aws`")? else {
        // It may have ended meanwhile.
        let _ = child.kill();
        let _ = child.wait();
        bail!("`aws` took longer than {} s", PATIENCE.as_secs());
    };
    let read = |path: &Path| std::fs::read(path).context("read what `aws` wrote");
    if !status.success() {
        let said = String::from_utf8_lossy(&read(&err)?).into_owned();
        let line = said.lines().map(str::trim).find(|line| !line.is_empty());
        bail!("`aws` failed: {}", line.unwrap_or("it says nothing"));
    }
    series(&read(&out)?, during.length().as_seconds() / period(queries))
}

/// Returns the seconds that a sample is of.
fn period(queries: &[Value]) -> u64 {
    let own = |query: &Value| {
        let period = query.get("Period").or_else(|| query.get("MetricStat")?.get("Period"));
        period.and_then(Value::as_u64)
    };
    queries.iter().filter_map(own).max().filter(|period| *period > 0).unwrap_or(PERIOD)
}

/// Reads an answer, in which there should be this number of samples.
fn series(read: &[u8], expected: u64) -> anyhow::Result<Series> {
    let answer: Answer = serde_json::from_slice(read).context("it doesn't answer as `aws` does")?;
    let results = &answer.metric_data_results;
    let mut filled = results.iter().filter(|it| !it.values.is_empty());
    let values = filled.next().map_or(&[][..], |it| &it.values);
    ensure!(
        filled.next().is_none(),
        "several queries return data: write `ReturnData: false` to all but one"
    );
    let values = values.iter().filter_map(|number| sample(&number.to_string())).collect();
    Ok(Series { expected: usize::try_from(expected)?, values })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_is_the_data_of_one_query() {
        let answer = |results: Value| {
            let text = json!({"MetricDataResults": results, "Messages": []}).to_string();
            series(text.as_bytes(), 15).map(|it| (it.expected, it.values.len()))
        };
        let one = json!({"Id": "e1", "Values": [0.2, 0, 1e-5], "StatusCode": "Complete"});
        let none = json!({"Id": "m1", "Values": []});
        assert_eq!(answer(json!([one, none])).unwrap(), (15, 3));
        assert_eq!(answer(json!([])).unwrap(), (15, 0));
        assert!(answer(json!([one, one])).unwrap_err().to_string().contains("ReturnData"));
        assert!(series(b"", 15).is_err());
    }

    #[test]
    fn the_queries_say_of_how_long_a_sample_is() {
        for (queries, seconds) in [
            (json!([{"Id": "e1", "Expression": "m1/m2"}]), 60),
            (json!([{"MetricStat": {"Period": 300}}, {"Expression": "m1", "Period": 30}]), 300),
            (json!([{"Period": 0}]), 60),
        ] {
            assert_eq!(period(queries.as_array().unwrap()), seconds, "{queries}");
        }
    }
}
