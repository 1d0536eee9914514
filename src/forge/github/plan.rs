//! Plans what to write to a pull request: the difference between its current state and a decision.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Value, json};

use super::facts::Facts;
use super::memo::Memo;
use super::snapshot::{Answers, CONTEXT, CheckRun, Status};
use super::types::TimelineEvent;
use crate::core::decision::{Decision, Finding};
use crate::core::evidence::Evidence;
use crate::core::input::affected_services;
use crate::core::layout::{POLICIES, is_below};
use crate::core::org::{Notify, Org, ReviewRequests};
use crate::core::terms::{Effect, Login, Verdict};
use crate::core::time::Time;
use crate::report::{self, COMMENT_MARK, Judged};

/// The maximum number of people who are asked for a review at once, by GitHub's own limit.
const MOST_REVIEWERS: usize = 15;

/// The steps to write, in order. The status comes last, when everything that it refers to exists.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// The number of the pull request.
    pub number: u64,
    /// The steps.
    pub steps: Vec<Write>,
}

/// A step of a plan.
#[derive(Clone, Debug, PartialEq)]
pub enum Write {
    /// The comment with the decision, created or updated.
    Comment {
        /// The id of the existing comment.
        over: Option<u64>,
        /// The text.
        text: String,
    },
    /// A comment that is written only once, identified by its first line.
    Once {
        /// The first line, which is an HTML comment.
        mark: String,
        /// The rest of the text.
        text: String,
    },
    /// People to ask for a review.
    Ask(Vec<Login>),
    /// A commit status.
    Status {
        /// The context.
        context: String,
        /// `success`, `pending`, `failure` or `error`.
        state: &'static str,
        /// At most 140 characters.
        description: String,
        /// The memo for the next sweep, if this status holds the decision.
        memo: Option<Memo>,
    },
    /// A check run.
    CheckRun {
        /// Whether to update an existing check run.
        over: bool,
        /// The request body, without annotations and link.
        body: Value,
        /// The annotations.
        annotations: Vec<Value>,
        /// The memo for the next sweep.
        memo: Memo,
    },
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            writeln!(f, "{step}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Write::Comment { text, .. } | Write::Once { text, .. } => {
                write!(f, "comment\n{}", indented(text))
            }
            Write::Ask(people) => {
                let people: Vec<_> = people.iter().map(Login::as_str).collect();
                write!(f, "review request to {}", people.join(", "))
            }
            Write::Status { context, state, description, .. } => {
                write!(f, "status {context}: {state}, {description}")
            }
            Write::CheckRun { body, annotations, .. } => {
                let state = body["conclusion"].as_str().or(body["status"].as_str());
                let title = body["output"]["title"].as_str().unwrap_or_default();
                let (state, count) = (state.unwrap_or_default(), annotations.len());
                write!(f, "check run {CONTEXT}: {state}, {title}; {count} annotations")
            }
        }
    }
}

fn indented(text: &str) -> String {
    text.trim_end().lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

/// The job of the workflow change-policies, which tries a change of policies.
pub const TRIAL: &str = "changegate-policies";

/// The input of a plan.
pub struct Planning<'a> {
    /// What GitHub knows about the pull request.
    pub facts: &'a Facts,
    /// The decision, with the request.
    pub judged: &'a Judged<'a>,
    /// The evidence that the decision is based on.
    pub evidence: &'a Evidence,
    /// The organisation data at base.
    pub org: &'a Org,
    /// Where the decision is recorded, as Markdown.
    pub recorded: Option<String>,
    /// The memo for the next sweep.
    pub memo: Memo,
    /// Whether the memo on GitHub has to be exact, or may be older if nothing else changes.
    pub is_sweep: bool,
}

impl Planning<'_> {
    /// Returns what to write.
    pub fn plan(&self) -> Plan {
        let mut steps = Vec::new();
        steps.extend(self.comment());
        steps.extend(self.ask());
        steps.extend(self.reminders());
        match &self.facts.snapshot.answers {
            Answers::Statuses(statuses) => steps.extend(self.statuses(statuses)),
            Answers::CheckRun(run) => steps.extend(self.check_run(run.as_ref())),
        }
        Plan { number: self.facts.pull.number, steps }
    }

    fn decision(&self) -> &Decision {
        self.judged.decision
    }

    /// Returns Markdown that says where the decision is recorded, and where policies are tried.
    fn beside(&self) -> Option<String> {
        let parts: Vec<_> = [self.recorded.clone(), self.tried()].into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join("\n"))
    }

    /// Returns Markdown that leads to the trial of the policies that a change brings. It runs what
    /// somebody proposes, so that nothing that it says is repeated here.
    fn tried(&self) -> Option<String> {
        let files = self.evidence.pull_request.as_ref()?.files.as_ref()?;
        let is_tried =
            self.decision().path.is_none() && files.iter().any(|it| is_below(it, POLICIES));
        let page = &self.facts.pull.html_url;
        is_tried.then(|| {
            format!("**Tried** by `{TRIAL}`: [what they would decide differently]({page}/checks)\n")
        })
    }

    fn comment(&self) -> Option<Write> {
        let comment = report::comment(self.judged, &self.affected(), self.beside().as_deref());
        let mut existing = self.facts.own_comments(COMMENT_MARK);
        let own = existing.next();
        if own.is_none() && self.decision().ungoverned().is_some() {
            return None;
        }
        let says_the_same = |event: &TimelineEvent| {
            event.body.as_deref().is_some_and(|body| comment.says_the_same(body))
        };
        if own.into_iter().chain(existing).any(says_the_same) {
            return None;
        }
        let over = own.and_then(|event| event.id.as_u64());
        Some(Write::Comment { over, text: comment.text })
    }

    /// Returns the affected services with the owners to notify.
    fn affected(&self) -> Vec<(&str, Vec<&Login>)> {
        let Some(request) = self.judged.request else { return Vec::new() };
        if self.org.settings.notify == Notify::Off || self.facts.pull.draft {
            return Vec::new();
        }
        let submitted = self.evidence.pull_request.as_ref();
        let author = submitted.and_then(|pull_request| pull_request.author.as_ref());
        let services = &self.org.roster.services;
        let targets: Vec<_> = request.targets().into_iter().collect();
        let affected = affected_services(request.services(), &targets, self.org);
        let owners = affected.into_iter().filter_map(|name| {
            let owners = services.get(name)?.owners.iter();
            Some((name, owners.filter(|owner| Some(*owner) != author).collect()))
        });
        owners.collect()
    }

    /// Requests reviews from the people who can give a missing sign-off, and haven't been asked
    /// yet.
    fn ask(&self) -> Option<Write> {
        let pull = &self.facts.pull;
        let is_off = self.org.settings.review_requests == ReviewRequests::Off;
        if is_off || pull.draft || self.decision().verdict != Verdict::Pending {
            return None;
        }
        let not_asked = |login: &Login| {
            !pull.requested_reviewers.iter().any(|user| is(user, login))
                && !self.was_removed(login)
                && !self.has_reviewed(login)
        };
        let people: BTreeSet<_> = self.awaited().filter(|login| not_asked(login)).collect();
        let people: Vec<_> = people.into_iter().take(MOST_REVIEWERS).cloned().collect();
        (!people.is_empty()).then_some(Write::Ask(people))
    }

    /// Returns everybody who can give a missing sign-off.
    fn awaited(&self) -> impl Iterator<Item = &Login> {
        self.decision().missing().flat_map(|required| &required.eligible)
    }

    /// Whether somebody removed this person from the list of reviewers, and nobody added them
    /// again.
    fn was_removed(&self, login: &Login) -> bool {
        let about_them = |event: &&TimelineEvent| {
            matches!(event.event.as_str(), "review_requested" | "review_request_removed")
                && event.requested_reviewer.as_ref().is_some_and(|user| is(user, login))
        };
        let last = self.facts.timeline.iter().rfind(about_them);
        last.is_some_and(|event| event.event == "review_request_removed")
    }

    /// Whether this person has reviewed the current content.
    fn has_reviewed(&self, login: &Login) -> bool {
        let arrived_at = self.evidence.content_arrived_at;
        self.evidence.reviews.iter().any(|review| {
            review.user.as_ref() == Some(login) && Some(review.submitted_at) >= arrived_at
        })
    }

    /// Returns the comments with the reminder and with the notice that the sign-off is overdue. The
    /// settings say when. Each is written once for each submission.
    fn reminders(&self) -> Vec<Write> {
        let decision = self.decision();
        let due_at = decision.sign_off.as_ref().and_then(|sign_off| sign_off.due_at);
        let (Some(due_at), true) = (due_at, decision.verdict == Verdict::Pending) else {
            return Vec::new();
        };
        let awaited: BTreeSet<_> = self.awaited().map(|login| format!("@{login}")).collect();
        let Some(pull_request) = &self.evidence.pull_request else { return Vec::new() };
        let submitted_at = pull_request.submitted_at;
        if awaited.is_empty() {
            return Vec::new();
        }
        let awaited = awaited.into_iter().collect::<Vec<_>>().join(", ");
        let clock = &self.org.settings.sign_off;
        let since = clock.remind_after.for_people();
        let waiting = format!(
            "This change has waited for sign-off since {} UTC",
            submitted_at.for_people(None)
        );
        let reminder = format!(
            "⏰ {waiting}, which is more than {since}: {awaited}. It will be overdue on {} UTC.",
            due_at.for_people(None)
        );
        let author = self.facts.pull.user.as_ref().map(|user| format!("@{}", user.login));
        let overdue = format!(
            "⚠️ {waiting} and is overdue: {awaited}. A late approval still counts, and is marked \
             late. {} may want to ask another owner or lead.",
            author.unwrap_or_else(|| "Its author".to_owned())
        );
        let once = |kind: &str, from: Time, text: String| {
            let mark = format!("<!-- changegate:{kind} {submitted_at} -->");
            let is_there = self.facts.own_comments(&mark).next().is_some();
            (from <= decision.evaluated_at && !is_there).then_some(Write::Once { mark, text })
        };
        // If the sign-off is overdue already, the notice about that replaces the reminder.
        let is_overdue = due_at <= decision.evaluated_at;
        let remind_at = submitted_at + clock.remind_after;
        let reminder = (!is_overdue).then(|| once("reminder", remind_at, reminder)).flatten();
        reminder.into_iter().chain(once("overdue", due_at, overdue)).collect()
    }

    /// Returns the statuses that differ from the existing ones.
    fn statuses(&self, existing: &[Status]) -> Vec<Write> {
        let lines = report::status_lines(self.decision());
        let informing = lines.into_iter().map(|line| {
            let context = format!("{CONTEXT}/{}", line.about);
            (context, state(line.verdict), description(&line.text), None)
        });
        let memo = Some(self.memo.clone());
        let answer = description(&report::one_line(self.decision()));
        let answer = (CONTEXT.to_owned(), state(self.decision().verdict), answer, memo);
        let wanted = informing.chain([answer]);
        let steps = wanted.filter_map(|(context, state, description, memo)| {
            let same_context = existing.iter().find(|status| status.context == context);
            let is_there = same_context.is_some_and(|status| {
                let link = status.target_url.as_deref();
                status.state.eq_ignore_ascii_case(state)
                    && status.description.as_deref() == Some(&description)
                    && memo.as_ref().is_none_or(|memo| self.is_current(memo, link))
            });
            (!is_there).then_some(Write::Status { context, state, description, memo })
        });
        steps.collect()
    }

    fn check_run(&self, existing: Option<&CheckRun>) -> Option<Write> {
        let decision = self.decision();
        let digest = report::comment(self.judged, &[], self.beside().as_deref()).digest();
        if let Some(run) = existing
            && run.external_id.as_deref() == Some(&digest)
            && self.is_current(&self.memo, run.details_url.as_deref())
        {
            return None;
        }
        let mut body = json!({
            "name": CONTEXT,
            "external_id": digest,
            "output": {
                "title": report::one_line(decision),
                "summary": report::markdown::section(self.judged) + &self.tried().unwrap_or_default(),
            },
            "actions": [{
                "label": "Check again",
                "description": "Judge this change again",
                "identifier": "check-again",
            }],
        });
        match decision.verdict {
            Verdict::Pending => body["status"] = json!("in_progress"),
            verdict => {
                body["status"] = json!("completed");
                body["conclusion"] = json!(state(verdict));
            }
        }
        let path = decision.path.as_deref();
        let annotations = path.map_or_else(Vec::new, |path| {
            decision.findings.iter().filter_map(|finding| annotation(path, finding)).collect()
        });
        let over = existing.is_some();
        Some(Write::CheckRun { over, body, annotations, memo: self.memo.clone() })
    }

    /// Whether the memo in a URL is still good enough for the next sweep.
    fn is_current(&self, memo: &Memo, url: Option<&str>) -> bool {
        let existing = url.and_then(Memo::in_url);
        existing.is_some_and(|existing| match self.is_sweep {
            true => existing == *memo,
            false => existing.until == memo.until && existing.recorded == memo.recorded,
        })
    }
}

fn is(user: &super::types::User, login: &Login) -> bool {
    user.login.eq_ignore_ascii_case(login.as_str())
}

/// Returns GitHub's name for a verdict.
pub fn state(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Approved => "success",
        Verdict::Pending => "pending",
        Verdict::Denied => "failure",
    }
}

/// Returns text as the description of a status. GitHub accepts at most 140 characters, and none
/// that needs four bytes, such as an emoji.
pub fn description(text: &str) -> String {
    report::cut(text, 140).replace(|c: char| c.len_utf8() == 4, "?")
}

/// Returns a finding as an annotation on its line of the request.
fn annotation(path: &str, finding: &Finding) -> Option<Value> {
    let line = finding.line?;
    let level = match finding.effect {
        Effect::Deny => "failure",
        Effect::Warn => "warning",
        Effect::Pending | Effect::Info => "notice",
    };
    Some(json!({
        "path": path,
        "start_line": line,
        "end_line": line,
        "annotation_level": level,
        "message": finding.with_help("\n"),
        "title": finding.code,
    }))
}
