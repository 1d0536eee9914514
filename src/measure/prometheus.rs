//! Asks Prometheus for an error rate: one request, one series.

use anyhow::{Context as _, bail};
use reqwest::Url;
use serde::Deserialize;

use super::network::{Network, Token};
use crate::core::operations::measured::{Series, sample};
use crate::core::time::{Duration, Interval};

/// How many samples are asked for.
const SAMPLES: u64 = 60;

/// What Prometheus answers to `query_range`.
#[derive(Deserialize)]
struct Answer {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    result: Vec<Found>,
}

#[derive(Deserialize)]
struct Found {
    /// Each a time and a number as text.
    values: Vec<(serde_json::Value, String)>,
}

/// Returns the samples of a query during some time.
///
/// # Errors
/// When there is no answer, or the query returns several series.
pub(super) fn ask(
    network: &Network,
    (server, query): (&str, &str),
    token: Option<&Token>,
    during: Interval,
) -> anyhow::Result<Series> {
    let step = Duration::seconds((during.length().as_seconds() / SAMPLES).max(1));
    let mut url = Url::parse(server).with_context(|| format!("`{server}` isn't an address"))?;
    let why = || format!("`{server}` isn't the address of a server");
    let mut path = url.path_segments_mut().ok().with_context(why)?;
    path.pop_if_empty().extend(["api", "v1", "query_range"]);
    drop(path);
    // The last instant is asked for too, and belongs to what comes after it.
    let (start, end) = (during.start, during.end - step);
    url.query_pairs_mut()
        .append_pair("query", query)
        .append_pair("start", &start.to_string())
        .append_pair("end", &end.to_string())
        .append_pair("step", &format!("{}s", step.as_seconds()));
    let read = network.read(&url, token).with_context(|| format!("cannot ask {server}"))?;
    series(&read, during.length().as_seconds() / step.as_seconds())
}

/// Reads an answer, in which there should be this number of samples.
fn series(read: &[u8], expected: u64) -> anyhow::Result<Series> {
    let answer: Answer =
        serde_json::from_slice(read).context("it doesn't answer as Prometheus does")?;
    let expected = usize::try_from(expected)?;
    let values = match &answer.data.result[..] {
        [] => Vec::new(),
        [one] => one.values.iter().filter_map(|(_, text)| sample(text)).collect(),
        several => bail!(
            "the query returns {} series, and has to return one: such as by sum(…)",
            several.len()
        ),
    };
    Ok(Series { expected, values })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_one_series() {
        let one = r#"{"values":[[1,"0.2"],[2,"NaN"],[3.5,"4e-1"]]}"#;
        let answer = |results: &str| {
            let text = format!(
                r#"{{"status":"success","data":{{"resultType":"matrix","result":[{results}]}}}}"#
            );
            series(text.as_bytes(), 3).map(|it| (it.expected, it.values.len()))
        };
        assert_eq!(answer(one).unwrap(), (3, 2));
        assert_eq!(answer("").unwrap(), (3, 0));
        let several = answer(&[one, one].join(",")).unwrap_err();
        assert!(several.to_string().contains("returns 2 series"));
        assert!(series(b"<html>", 3).is_err());
        assert!(series(br#"{"status":"error","error":"bad"}"#, 3).is_err());
    }
}
