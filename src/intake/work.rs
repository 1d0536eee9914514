//! Decides what to do about a form: the commit with its request, and the comment on the issue.

use std::process::ExitCode;

use anyhow::{Context as _, bail};

use super::branch::{self, Stage};
use super::comment::{Branch, Comment, Open};
use super::event::{Author, IssueEvent, NotRead};
use super::read::{self, Reading, Unread};
use super::template::{Answer, Template};
use crate::compose::answer::services_of;
use crate::compose::draft::{self, Draft, Drafting, usual_path};
use crate::compose::fields;
use crate::compose::tickets::Tickets;
use crate::core::decision::Finding;
use crate::core::policy::PolicyBundle;
use crate::core::request::ChangeRequest;
use crate::core::terms::{Effect, TicketId};
use crate::core::time::Time;
use crate::forge::git::{CHANGE, Git};
use crate::gate::judge::{Judge, Judges};
use crate::git::{Entry, Moved, Oid};

/// The folder of forms in a repository.
const TEMPLATES: &str = ".github/ISSUE_TEMPLATE";

/// Why a form isn't read while its pull request is open.
const IN_REVIEW: &str = "the branch isn't updated from this form while its pull request is open: \
                         edit the request there instead";

/// The input that is known before the repository is read.
pub struct Desk<'a> {
    /// The judges of requests.
    pub judges: &'a Judges,
    /// The URL of the repository.
    pub page: String,
    /// The event.
    pub event: &'a IssueEvent,
    /// The person who asks for the change.
    pub author: &'a Author,
}

/// What to do about a form.
pub struct Work {
    /// The commit to make; `None` if the branch has its content already.
    pub put: Option<Put>,
    /// The comment on the issue.
    pub comment: Comment,
    /// The text of the request, if it gets a branch.
    request: Option<String>,
}

/// A commit to make.
pub struct Put {
    id: TicketId,
    /// The tip of the branch; `None` if it is new.
    from: Option<Oid>,
    path: String,
    text: String,
    summary: String,
}

impl Work {
    fn refused(branch: Option<Branch>, why: String) -> Self {
        let comment = Comment { branch, refusal: Some(why), open: Vec::new() };
        Work { put: None, comment, request: None }
    }

    /// Returns 0 if the branch follows the form, and 1 if it doesn't.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(u8::from(self.comment.refusal.is_some()))
    }

    /// Returns the request and the comment, for a person to read.
    pub fn for_people(&self) -> String {
        let request = self.request.as_deref().map(|text| format!("{text}\n---\n"));
        request.unwrap_or_default() + &self.comment.text()
    }
}

impl Desk<'_> {
    /// Decides what to do about the form, or returns `None` if nothing has to be done or said.
    /// `pull_of` returns the number of the open pull request of a branch.
    ///
    /// # Errors
    /// When the repository can't be read, its policies can't be used, or `pull_of` fails.
    pub fn work(
        &self,
        git: &Git,
        now: Time,
        pull_of: impl FnOnce(&str) -> anyhow::Result<Option<u64>>,
    ) -> anyhow::Result<Option<Work>> {
        let (issue, email) = (self.event.issue.number, &self.author.email);
        let stage = branch::stage(git, issue, email, pull_of)?;
        let judge = self.judges.at(git.repo(), git.base()?)?;
        let bundle = judge.bundle();
        if let Some(why) = self.event.refusal(self.author, &bundle.org.roster) {
            return Ok(self.not_read(&why, &stage).map(|why| self.refused(&stage, why)));
        }
        let id = match &stage {
            Stage::New => None,
            Stage::Branch { id, is_ours: true, .. } => Some(id.as_str()),
            Stage::Branch { id, .. } => {
                let why = format!(
                    "`{CHANGE}{id}` has commits that don't come from this form, so the form no \
                     longer updates it: edit the request on that branch instead"
                );
                return Ok(Some(self.refused(&stage, why)));
            }
            Stage::Merged(_) => return Ok(None),
        };
        let (answers, template) = match filled_in(git, self.event.issue.body.as_deref())? {
            Ok(filled_in) => filled_in,
            Err(why) => return Ok(Some(self.refused(&stage, why))),
        };
        let mut reading = read::read(&answers, template.has("script"));
        let taken = branch::taken(git, id)?;
        if let Err(why) = settle_id(&mut reading, id, &taken) {
            return Ok(Some(self.refused(&stage, why)));
        }
        self.complete(&mut reading.request, bundle);
        let form = Intake { template, judge: &judge, taken, now };
        let (draft, open) = form.judge(&reading)?;
        let work = self.answer(git, reading.request, draft, open, &stage)?;
        // A push by the workflow would make it a contributor to what is being reviewed.
        match stage {
            Stage::Branch { pull: Some(_), .. } if work.put.is_some() => {
                Ok(Some(self.refused(&stage, IN_REVIEW.to_owned())))
            }
            _ => Ok(Some(work)),
        }
    }

    /// Fills in what the requester doesn't have to write.
    fn complete(&self, request: &mut ChangeRequest, bundle: &PolicyBundle) {
        request.requester = Some(self.author.login.clone());
        if request.services().is_empty() {
            let services = services_of(request, &bundle.org);
            if !services.is_empty() {
                request.impact.get_or_insert_default().services = services;
            }
        }
        request.links.insert("issue".to_owned(), self.issue_page());
    }

    fn issue_page(&self) -> String {
        format!("{}/issues/{}", self.page, self.event.issue.number)
    }

    fn answer(
        &self,
        git: &Git,
        request: ChangeRequest,
        draft: Draft,
        open: Vec<Open>,
        stage: &Stage,
    ) -> anyhow::Result<Work> {
        let (from, pull) = match stage {
            Stage::Branch { tip, pull, .. } => (Some(*tip), *pull),
            _ => (None, None),
        };
        let id = request.id.context("the request has no id")?;
        let summary = request.summary.unwrap_or_default();
        let held = from.map(|tip| git.repo().entry(tip, &draft.file.path)).transpose()?.flatten();
        let held = held.map(|entry| git.repo().bytes(entry.id)).transpose()?;
        let is_there = held.is_some_and(|held| held == draft.text.as_bytes());
        let branch = self.branch(id.as_str(), &summary, pull);
        let comment = Comment { branch: Some(branch), refusal: None, open };
        let request = Some(draft.text.clone());
        let put = Put { id, from, path: draft.file.path, text: draft.text, summary };
        Ok(Work { put: (!is_there).then_some(put), comment, request })
    }

    fn branch(&self, id: &str, summary: &str, pull: Option<u64>) -> Branch {
        Branch {
            id: id.to_owned(),
            summary: summary.to_owned(),
            requester: self.author.login.clone(),
            repository: self.page.clone(),
            base: self.event.repository.default_branch.clone(),
            pull,
        }
    }

    /// Makes a refusal that links to the branch or to its pull request, if there is one.
    fn refused(&self, stage: &Stage, why: String) -> Work {
        let Stage::Branch { id, pull, .. } = stage else { return Work::refused(None, why) };
        let why = pull.map_or(why, |_| IN_REVIEW.to_owned());
        Work::refused(Some(self.branch(id, "", *pull)), why)
    }

    /// Returns why the form isn't read, for its author, or `None` if there is nothing to say.
    fn not_read(&self, why: &NotRead, stage: &Stage) -> Option<String> {
        let author = &self.author.account.login;
        let is_submitted = matches!(stage, Stage::Branch { .. });
        match why {
            _ if matches!(stage, Stage::Merged(_)) => None,
            NotRead::Closed => None,
            // A label or a title doesn't affect the branch.
            NotRead::NotSaved if is_submitted && !self.event.saves_text() => None,
            NotRead::NotSaved => Some(format!(
                "this form becomes a commit in {author}'s name, but somebody else may have edited \
                 it: {author} has to read it, change anything in it, and save it"
            )),
            NotRead::Stranger => Some(format!(
                "{author} is neither in the roster (`policies/org/roster`, with the account's \
                 `id`) nor a member or collaborator of this repository, so no branch is made for this form: ask to be \
                 added, or open a pull request from a fork"
            )),
        }
    }
}

impl Put {
    /// Makes the commit and moves the branch to it, never by force.
    ///
    /// # Errors
    /// When the repository can't be written, or the remote can't be reached.
    pub fn carry_out(&self, git: &Git, issue: u64) -> anyhow::Result<Moved> {
        let repo = git.repo();
        let parent = self.from.map_or_else(|| git.base(), Ok)?;
        let entry = Entry::file(repo.store(self.text.as_bytes())?);
        let tree = repo.store_tree(Some(parent), [(self.path.as_str(), Some(entry))])?;
        let what = if self.from.is_some() { "Amend" } else { "Submit" };
        let message = branch::message(what, self.id.as_str(), &self.summary, issue);
        let commit = git.branches.program().commit(tree, &[parent], &message, false)?;
        git.branches.put(&format!("{CHANGE}{}", self.id), self.from, commit)
    }
}

/// Returns the answers and the form that they belong to: of the forms at base that match the text,
/// the one with the most fields. The inner error is for the author.
///
/// # Errors
/// When the repository can't be read, or has no form for changes.
fn filled_in(
    git: &Git,
    body: Option<&str>,
) -> anyhow::Result<Result<(Vec<Answer>, Template), String>> {
    let mut templates = Vec::new();
    for (path, entry) in git.repo().files_below(git.base()?, TEMPLATES)? {
        if path.ends_with(".yml") || path.ends_with(".yaml") {
            templates.extend(Template::read(&git.repo().bytes(entry.id)?));
        }
    }
    if templates.is_empty() {
        bail!(
            "there is no form for changes in {TEMPLATES}: write one with `changegate init --github`"
        );
    }
    templates.sort_by_key(|template| std::cmp::Reverse(template.field_count()));
    for template in templates {
        match template.split(body.unwrap_or_default()) {
            Ok(Some(answers)) => return Ok(Ok((answers, template))),
            Ok(None) => {}
            Err(heading) => {
                return Ok(Err(format!(
                    "the line `{heading}` appears twice in the form, so it is unclear which one is \
                     the form's own: write yours without `###`"
                )));
            }
        }
    }
    Ok(Err(
        "the headings of the form are missing or in another order: restore them, or fill in a new \
         form"
            .to_owned(),
    ))
}

/// Sets the id of the request. `own` is the id that the form's branch has already.
///
/// # Errors
/// Why no id can be used, for the author.
fn settle_id(reading: &mut Reading, own: Option<&str>, taken: &Tickets) -> Result<(), String> {
    if let Some(Unread { why, .. }) = reading.unread.iter().find(|unread| unread.id == "ticket") {
        return Err(why.clone());
    }
    match (&reading.request.id, own) {
        (Some(given), Some(own)) if given.as_str() != own => {
            return Err(format!(
                "this form has become {own} already, and its id can't change: write {own} again, \
                 or fill in a new form for {given}"
            ));
        }
        (None, Some(own)) => reading.request.id = Some(own.parse()?),
        (None, None) => reading.request.id = taken.suggestion(&reading.request),
        (Some(_), _) => {}
    }
    let id = reading.request.id.as_ref().ok_or("there is no free ticket number: write one")?;
    match taken.holder(id) {
        Some(holder) => Err(format!(
            "{id} is taken by `{holder}`, and an id can be used only once: write another ticket \
             number, or leave it out to get the next free one"
        )),
        None => Ok(()),
    }
}

/// The input that a request is judged with.
struct Intake<'a> {
    template: Template,
    judge: &'a Judge,
    taken: Tickets,
    now: Time,
}

impl Intake<'_> {
    /// Returns the request as it would be written, and what is still missing or wrong.
    fn judge(&self, reading: &Reading) -> anyhow::Result<(Draft, Vec<Open>)> {
        let judge = Drafting::new(self.judge, &self.taken, None, self.now);
        let draft = judge.draft(&reading.request, &usual_path(&reading.request))?;
        let unread = reading
            .unread
            .iter()
            .map(|Unread { label, why, .. }| Open { label: Some(label.clone()), why: why.clone() });
        let is_unread = |id: &str| reading.unread.iter().any(|unread| unread.id == id);
        let missing = draft.open().into_iter().filter_map(|draft::Open { field, refused }| {
            let label = field.id.and_then(|id| self.template.label(id)).map(str::to_owned);
            let why = refused.unwrap_or_else(|| field.about.to_owned());
            (!field.id.is_some_and(is_unread)).then_some(Open { label, why })
        });
        let is_of_no_field = |finding: &&Finding| {
            let pointer = finding.pointer.as_deref();
            finding.effect == Effect::Deny && pointer.and_then(fields::at).is_none()
        };
        let others = draft.decision.findings.iter().filter(is_of_no_field);
        let others = others.map(|finding| Open { label: None, why: finding.with_help(": ") });
        let mut open: Vec<_> = unread.chain(missing).chain(others).collect();
        open.dedup();
        Ok((draft, open))
    }
}
