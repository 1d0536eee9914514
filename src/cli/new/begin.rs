//! What is known of a request before anybody is asked: what it starts from, and what flags say.

use std::path::Path;

use anyhow::{Context as _, anyhow, bail};

use super::NewArgs;
use crate::cli::shared::{me, say};
use crate::cli::template::unknown;
use changegate::content::folder::read_bounded;
use changegate::core::org::Org;
use changegate::core::policy::PolicyBundle;
use changegate::core::request::{ChangeRequest, RequestFile};
use changegate::core::terms::Name;
use changegate::core::time::Duration;
use changegate::git::Program;
use changegate::report::page::shown;

/// Returns what is known before anybody is asked, and how long the change takes, if that is known.
pub(super) fn begin(
    args: &NewArgs,
    bundle: &PolicyBundle,
) -> anyhow::Result<(ChangeRequest, Option<Duration>)> {
    let (mut request, length) = match (&args.from, &args.template) {
        (Some(path), _) => template(path)?,
        (None, Some(name)) => (use_of(name, &args.set, &bundle.org)?, None),
        (None, None) => Default::default(),
    };
    let given = args.flags.fill(&mut request);
    if request.id.is_none() {
        // A request is named after its number, and so a path that was given says it.
        let named = args.output.as_deref().and_then(|path| path.file_stem()?.to_str());
        request.id = named.and_then(|name| name.parse().ok());
    }
    let roster = &bundle.org.roster;
    match &request.requester {
        Some(requester) if roster.people.contains_key(requester) => {}
        Some(requester) => say::warn(
            "warning",
            &format!(
                "{requester} isn't in policies/org/roster/data.yaml, so that nothing will count as \
                 theirs: have them added there, and submit that first with `changegate submit --policies`"
            ),
        ),
        None => match me::me(&Program::anywhere(), roster) {
            Ok(me) => request.requester = Some(me),
            Err(why) => say::warn("note", &format!("who asks for this isn't known: {why:#}")),
        },
    }
    Ok((request, given.or(length)))
}

/// Returns what a template makes of parameters.
fn use_of(name: &Name, set: &[(String, String)], org: &Org) -> anyhow::Result<ChangeRequest> {
    let known = org.templates.get(name);
    let known = known.with_context(|| unknown(name, org.templates.keys()))?;
    let value = |(name, text): &(String, String)| {
        let value =
            known.parameters.get(name).map_or_else(|| text.clone().into(), |it| it.read(text));
        (name.clone(), value)
    };
    known.request(name, &set.iter().map(value).collect()).map_err(|why| {
        anyhow!("the template {name} makes no request of that: {why}; give parameters by --set NAME=VALUE")
    })
}

/// Reads a parameter: `NAME=VALUE`.
pub(super) fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("a parameter is written NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Returns another request without what is its own: number, requester, schedule, and outcome.
fn template(path: &Path) -> anyhow::Result<(ChangeRequest, Option<Duration>)> {
    let file = RequestFile::read(&shown(path), &read_bounded(path)?);
    let Some(request) = file.request.filter(|_| file.problems.is_empty()) else {
        let problems = file.problems.iter().map(|problem| {
            let (line, column) = (problem.span.line, problem.span.column);
            format!("{}:{line}:{column}: {}", file.path, problem.message)
        });
        bail!("the template can't be used:\n{}", problems.collect::<Vec<_>>().join("\n"));
    };
    let length = request.planned().map(|planned| planned.length());
    let request = ChangeRequest {
        id: None,
        requester: None,
        schedule: None,
        execution: None,
        verification_result: None,
        outcome: None,
        escalation: None,
        cancelled: None,
        ..request
    };
    Ok((request, length))
}
