//! Publishes decisions on pull requests.

use anyhow::Context as _;
use http::Method;
use serde_json::{Value, json};

use super::client::Failure;
use super::comments::Comments;
use super::facts::Facts;
use super::memo::{Answered, Basis, Memo};
use super::plan::{Plan, Planning, Write, description, state};
use super::snapshot::{Answers, CONTEXT, Snapshot};
use super::types::{self, CheckRun};
use super::{GitHub, Subject, name};
use crate::core::decision::Decision;
use crate::core::evidence::Evidence;
use crate::core::org::Org;
use crate::core::terms::{Login, Verdict};
use crate::forge::{Published, Pull};
use crate::report::{self, COMMENT_MARK, Judged};

/// The maximum number of annotations that GitHub accepts in a request.
const ANNOTATIONS: usize = 50;

impl GitHub {
    /// Updates a pull request so that it shows a decision.
    pub(super) fn publish_decision(
        &self,
        pull: &Pull,
        with_head: &[String],
        judged: &Judged<'_>,
        evidence: &Evidence,
        org: &Org,
        recorded: Option<&Answered>,
    ) -> anyhow::Result<Published> {
        let facts = self.facts_of(&pull.name)?;
        let recorded = recorded.cloned();
        let memo = Memo { recorded, ..self.memo(&facts, with_head, judged.decision)? };
        let plan = Planning {
            facts: &facts,
            judged,
            evidence,
            org,
            recorded: memo.recorded.as_ref().map(|it| {
                it.shown(self.page_of(it.commit, org.settings.ledger.remote.as_ref()).as_deref())
            }),
            memo: memo.clone(),
            is_sweep: self.is_sweep,
        };
        let plan = plan.plan();
        if let Some(plans) = &self.plans {
            plans.borrow_mut().push(plan);
            return Ok(Published::Yes);
        }
        let existing = &facts.snapshot.answers;
        let is_older = |answers: &Answers| {
            let newer = answers.link().and_then(Memo::in_url);
            newer.is_some_and(|newer| newer.is_newer_than(&memo))
        };
        let is_current = |answers: &Answers| answers == existing && !is_older(answers);
        if !self.is_unchanged(&pull.name, with_head, is_current)? {
            return Ok(Published::Moved);
        }
        if plan.steps.is_empty() {
            return Ok(Published::Yes);
        }
        match self.carry_out(&facts, plan) {
            Ok(written) => {
                // The query may not show yet what was just written.
                let is_ours = |answers: &Answers| {
                    answers.link() == written.as_deref() || answers.link() == existing.link()
                };
                let stands = self.is_unchanged(&pull.name, with_head, is_ours)?;
                Ok(if stands { Published::Yes } else { Published::Moved })
            }
            Err(Failure::Refused(refusal)) => Err(refusal.into()),
            Err(Failure::Unclear(error)) => {
                self.forget_open();
                let error = error.context(format!("cannot write to {}", pull.name));
                Ok(Published::Unclear(error))
            }
        }
    }

    /// Whether a pull request, and those with the same head that were judged with it, are still as
    /// they were read, with a decision published on the head that is `as_expected`. If not, they are
    /// read again the next time.
    ///
    /// # Errors
    /// When GitHub can't be reached or refuses.
    fn is_unchanged(
        &self,
        pull: &str,
        with_head: &[String],
        as_expected: impl Fn(&Answers) -> bool,
    ) -> anyhow::Result<bool> {
        for pull in [pull].into_iter().chain(with_head.iter().map(String::as_str)) {
            let facts = self.facts_of(pull)?;
            let now = self.client.run(Snapshot::of(self, &facts.pull))?;
            let is_same = now
                .is_some_and(|now| now.decides_like(&facts.snapshot) && as_expected(&now.answers));
            if !is_same {
                self.forget_open();
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether a pull request is still as it was judged, with the others that share its head.
    ///
    /// # Errors
    /// When GitHub can't be reached or refuses.
    pub fn is_current(&self, pull: &Pull, with_head: &[String]) -> anyhow::Result<bool> {
        self.is_unchanged(&pull.name, with_head, |_| true)
    }

    /// Returns the memo for the next sweep about all pull requests that share the decision.
    fn memo(
        &self,
        facts: &Facts,
        with_head: &[String],
        decision: &Decision,
    ) -> anyhow::Result<Memo> {
        let mut updated_at = facts.pull.updated_at;
        let mut events = facts.snapshot.events;
        let mut bases = vec![self.basis(facts)?];
        for other in with_head {
            let facts = self.facts_of(other)?;
            updated_at = updated_at.max(facts.pull.updated_at);
            events += facts.snapshot.events;
            bases.push(self.basis(&facts)?);
        }
        Ok(Memo {
            until: decision.next_change_at,
            bases: Memo::bases_of(self.repo(), &bases)?,
            seen: Memo::seen(updated_at, decision.evaluated_at),
            events,
            recorded: None,
        })
    }

    /// Returns what a pull request is judged against.
    fn basis(&self, facts: &Facts) -> anyhow::Result<Basis> {
        let (number, branch) = (facts.pull.number, facts.pull.base.branch.clone());
        let log = self.log_seen(facts.base, facts.log)?.map(|seen| seen.digest());
        Ok(Basis { number, branch, tip: facts.base, log })
    }

    /// Returns where the last decision on a pull request is recorded, as its head's status or its
    /// comment says.
    ///
    /// # Errors
    /// When the pull request wasn't read.
    pub fn answered(&self, pull: &Pull) -> anyhow::Result<Option<Answered>> {
        let facts = self.facts_of(&pull.name)?;
        let by_status = facts.snapshot.answers.link().and_then(Memo::in_url);
        let in_comment = || {
            let comment = facts.own_comments(COMMENT_MARK).next()?;
            Answered::in_comment(comment.body.as_deref()?)
        };
        Ok(by_status.and_then(|memo| memo.recorded).or_else(in_comment))
    }

    /// Returns the id of a pull request that was read.
    ///
    /// # Errors
    /// When it wasn't.
    pub fn id_of(&self, pull: &Pull) -> anyhow::Result<String> {
        Ok(self.facts_of(&pull.name)?.pull.id.to_string())
    }

    /// Carries out a plan, and returns the link of the decision if it was written.
    fn carry_out(&self, facts: &Facts, plan: Plan) -> Result<Option<String>, Failure> {
        let writer = Writer { github: self, facts, number: facts.pull.number.to_string() };
        self.client.run(writer.write(plan))
    }

    /// Publishes that no decision could be made, so that an earlier decision doesn't look current.
    ///
    /// # Errors
    /// When that can't be published either.
    pub fn publish_error(&self, subject: &Subject, error: &anyhow::Error) -> anyhow::Result<()> {
        let number = subject.number();
        let pulls = self.open_pulls()?;
        let text = report::escape::terminal(&format!("could not decide: {error:#}")).into_owned();
        let commit = match subject {
            Subject::Queued { commit, .. } => commit,
            Subject::Pull(_) => match pulls.iter().find(|pull| pull.number == number) {
                Some(pull) if !self.says_error(pull, &text) => &pull.head.sha,
                _ => return Ok(()),
            },
        };
        self.post(number, commit, Conclusion::Undecided, &text)
            .with_context(|| format!("cannot publish the error on {}", name(number)))
    }

    /// Whether a pull request's status shows this error already. GitHub limits the number of
    /// statuses on a commit, and every sweep meets the same error.
    fn says_error(&self, pull: &types::Pull, text: &str) -> bool {
        let snapshot = self.client.run(Snapshot::of(self, pull));
        let Ok(Some(Snapshot { answers: Answers::Statuses(statuses), .. })) = snapshot else {
            return false;
        };
        let own = statuses.iter().find(|status| status.context == CONTEXT);
        own.is_some_and(|own| {
            own.state == "ERROR" && own.description.as_deref() == Some(&description(text))
        })
    }

    /// Posts only the status, or the check run, on a commit.
    pub(super) fn post(
        &self,
        number: u64,
        commit: &str,
        conclusion: Conclusion,
        text: &str,
    ) -> anyhow::Result<()> {
        let state = match conclusion {
            Conclusion::Verdict(verdict) => state(verdict),
            Conclusion::Undecided => "error",
        };
        let description = description(text);
        if let Some(plans) = &self.plans {
            let context = CONTEXT.to_owned();
            let step = Write::Status { context, state, description, memo: None };
            plans.borrow_mut().push(Plan { number, steps: vec![step] });
            return Ok(());
        }
        let (path, body) = if self.is_app() {
            let summary = report::escape::markdown(text);
            let mut body = json!({
                "name": CONTEXT, "head_sha": commit, "status": "completed",
                "output": { "title": description, "summary": summary },
            });
            match conclusion {
                Conclusion::Verdict(Verdict::Pending) => body["status"] = json!("in_progress"),
                Conclusion::Verdict(_) => body["conclusion"] = json!(state),
                Conclusion::Undecided => body["conclusion"] = json!("failure"),
            }
            (self.repository.path(&["check-runs"]), body)
        } else {
            let body = json!({ "context": CONTEXT, "state": state, "description": description });
            (self.repository.path(&["statuses", commit]), body)
        };
        let written = self.client.run(self.client.write(Method::POST, &path, &body));
        Ok(written.map(drop)?)
    }
}

/// What a status or a check run on a commit says.
#[derive(Clone, Copy)]
pub(super) enum Conclusion {
    Verdict(Verdict),
    Undecided,
}

/// Writes to one pull request.
struct Writer<'a> {
    github: &'a GitHub,
    facts: &'a Facts,
    number: String,
}

impl Writer<'_> {
    async fn write(&self, plan: Plan) -> Result<Option<String>, Failure> {
        let mut decision = None;
        // The page that explains the decision: the comment, or else the pull request.
        let mut page = self.facts.pull.html_url.clone();
        let comment = self.facts.own_comments(COMMENT_MARK).next();
        page = comment.and_then(|event| event.html_url.clone()).unwrap_or(page);
        for step in plan.steps {
            match step {
                Write::Comment { over, text } => {
                    let written = self.comments().put(over, COMMENT_MARK, &text).await;
                    let written = unless_locked(written)?;
                    page = written["html_url"].as_str().map_or(page, str::to_owned);
                }
                Write::Once { mark, text } => {
                    unless_locked(self.comments().once(&mark, &text).await)?;
                }
                Write::Ask(people) => self.ask(&people).await?,
                Write::Status { context, state, description, memo } => {
                    let link = memo.as_ref().map_or_else(|| page.clone(), |memo| memo.on(&page));
                    self.status(&context, state, &description, &link).await?;
                    decision = memo.map(|_| link).or(decision);
                }
                Write::CheckRun { over, body, annotations, memo } => {
                    let link = memo.on(&page);
                    self.check_run(over, body, &annotations, &link).await?;
                    decision = Some(link);
                }
            }
        }
        Ok(decision)
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> Result<Value, Failure> {
        self.github.client.write(method, path, body).await
    }

    fn comments(&self) -> Comments<'_> {
        Comments { github: self.github, number: &self.number }
    }

    /// Requests reviews. People who can't be asked, because they have no access, are left out.
    async fn ask(&self, people: &[Login]) -> Result<(), Failure> {
        let parts = ["pulls", &self.number, "requested_reviewers"];
        let path = self.github.repository.path(&parts);
        let together = json!({ "reviewers": people });
        match self.send(Method::POST, &path, &together).await {
            Err(Failure::Refused(refusal)) if refusal.status == 422 && people.len() > 1 => {}
            Err(Failure::Refused(refusal)) if refusal.status == 422 => return Ok(()),
            asked => return asked.map(drop),
        }
        for person in people {
            match self.send(Method::POST, &path, &json!({ "reviewers": [person] })).await {
                Err(Failure::Refused(refusal)) if refusal.status == 422 => {}
                asked => drop(asked?),
            }
        }
        Ok(())
    }

    async fn status(
        &self,
        context: &str,
        state: &str,
        description: &str,
        link: &str,
    ) -> Result<(), Failure> {
        let path = self.github.repository.path(&["statuses", &self.facts.pull.head.sha]);
        let body = json!({
            "context": context,
            "state": state,
            "description": description,
            "target_url": link,
        });
        self.send(Method::POST, &path, &body).await.map(drop)
    }

    /// Writes a check run, with more requests for the annotations that don't fit into the first.
    async fn check_run(
        &self,
        over: bool,
        mut body: Value,
        annotations: &[Value],
        link: &str,
    ) -> Result<(), Failure> {
        body["details_url"] = json!(link);
        let mut chunks = annotations.chunks(ANNOTATIONS);
        body["output"]["annotations"] = json!(chunks.next().unwrap_or_default());
        let runs = self.github.repository.path(&["check-runs"]);
        let written = match self.own_check_run(over).await? {
            Some(CheckRun { id }) => {
                self.send(Method::PATCH, &format!("{runs}/{id}"), &body).await?
            }
            None => {
                let mut body = body.clone();
                body["head_sha"] = json!(self.facts.pull.head.sha);
                self.send(Method::POST, &runs, &body).await?
            }
        };
        let path = format!("{runs}/{}", written["id"]);
        for chunk in chunks {
            let mut more = json!({ "output": body["output"] });
            more["output"]["annotations"] = json!(chunk);
            self.send(Method::PATCH, &path, &more).await?;
        }
        Ok(())
    }
}

impl Writer<'_> {
    /// Returns our check run on head, if it `exists`.
    async fn own_check_run(&self, exists: bool) -> Result<Option<CheckRun>, Failure> {
        let (GitHub { client, repository, .. }, true) = (self.github, exists) else {
            return Ok(None);
        };
        let app = client.installation().map_or(0, |installation| installation.app_id);
        let path = repository.path(&["commits", &self.facts.pull.head.sha, "check-runs"]);
        let path = format!("{path}?check_name={CONTEXT}&filter=latest&app_id={app}");
        let runs = client.list_in(&path, "check_runs").await.map_err(Failure::Unclear)?;
        Ok(runs.into_iter().next())
    }
}

/// Returns what was written as a comment; null if somebody has locked the conversation, which must
/// not keep the decision from being published.
fn unless_locked(written: Result<Value, Failure>) -> Result<Value, Failure> {
    match written {
        Err(Failure::Refused(refusal)) if refusal.message.contains("is locked") => Ok(Value::Null),
        written => written,
    }
}
