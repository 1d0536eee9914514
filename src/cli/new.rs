//! `changegate new`: the submission form.
//!
//! ```text
//! begin:    template ─▶ flags ─▶ what git and the catalog know ─▶ request
//! complete: request ─▶ draft ─▶ policies ─▶ what is still open ─▶ asked for, on a terminal
//!                        ▲                                            │
//!                        └────────────────────────────────────────────┘
//! write:    what the policies say of it, then the file
//! ```
//!
//! Nothing here knows which field a change needs: the policies are asked, and what they deny is what
//! is still open. Without a terminal everything open is reported at once.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;

use super::merge::{self, MergeArgs};
use super::shared::args::{NowArg, PoliciesArg};
use super::shared::here::HereArgs;
use super::shared::place::Place;
use super::shared::{prompt, say};
use super::submit::{self, SubmitArgs};
use begin::{begin, setting};
use changegate::compose::answer;
use changegate::compose::beside::Beside;
use changegate::compose::draft::{Draft, Drafting, Open, usual_path};
use changegate::compose::emergency;
use changegate::compose::tickets::Tickets;
use changegate::core::input::affected_services;
use changegate::core::layout::{self, REQUESTS, is_request, stem};
use changegate::core::operations::event::About;
use changegate::core::operations::kinds::Opened;
use changegate::core::org::{Offline, Org};
use changegate::core::policy::PolicyBundle;
use changegate::core::request::{ChangeRequest, Schedule};
use changegate::core::terms::{Name, RiskTier, Verdict};
use changegate::core::time::{Duration, Time};
use changegate::forge::git::Git;
use changegate::git::Repo;
use changegate::report::{Format, Judged, Reporter, whose};
use flags::Flags;
use known::Known;

mod begin;
mod dialogue;
mod flags;
mod known;
mod schedule;

#[cfg(test)]
mod tests;

/// Write a change request: ask what it needs, show who has to sign it
///
/// On a terminal it asks for what no flag gives, and checks each answer by the policies. Without a
/// terminal it takes flags alone, and tells all that are missing at once. The request is written to
/// requests/<ID>.yaml, with comments, and never over another file.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct NewArgs {
    /// Another request to start from: all of it but its id, requester, schedule and outcome
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,

    /// The template that a standard change uses: `changegate template list`
    #[arg(long, value_name = "NAME", conflicts_with = "from")]
    template: Option<Name>,

    /// The value of one of the template's parameters; may be given more than once
    #[arg(long, value_name = "NAME=VALUE", requires = "template", value_parser = setting)]
    set: Vec<(String, String)>,

    /// Where to write the request, instead of requests/<ID>.yaml; - prints it
    #[arg(long, short, value_name = "PATH")]
    output: Option<PathBuf>,

    /// Submit it at once
    #[arg(long, conflicts_with = "output")]
    submit: bool,

    /// Merge it at once, too, if it is approved as it is submitted
    #[arg(long, requires = "submit")]
    merge: bool,

    #[command(flatten)]
    policies: PoliciesArg,

    #[command(flatten)]
    now: NowArg,

    #[command(flatten)]
    here: HereArgs,

    #[command(flatten)]
    flags: Flags,
}

const EXAMPLES: &str = "\
Examples:
  changegate new
      a dialogue
  changegate new --off-script
      a dialogue about a change that leaves the usual script
  changegate new --from requests/CHG-1203.yaml --start 2026-11-25T09:30:00Z --duration 30m
      the same change as last time, at another time
  changegate new --template scale-web --set target=checkout-web --set from=6 --set to=12 --duration 30m \\
      --reason 'the sale starts' --users none --operations none --monitor 15m \\
      --health-check 'an order' --error-rate 'cloudwatch: checkout/5xx' --submit --merge
      a standard change, planned for the next time at which it fits, in one command
  changegate new --action pull-logs:checkout-web --summary 'Pull the logs of Friday' \\
      --reason 'two carts were lost' --users none --operations none
      a change that only reads, without a question
  changegate new --emergency INC-042 --action failover-region:eu-west-1 --break-glass --submit
      an emergency on the night of an incident: the rest is filled in";

/// Runs the verb.
pub fn run(args: &NewArgs) -> anyhow::Result<ExitCode> {
    let output = args.output.as_deref().filter(|path| !is_stdout(path));
    if let Some(path) = output.filter(|path| path.exists()) {
        bail!(exists(path));
    }
    let now = args.now.get();
    let place = Place::around(output)?;
    let judge = args.policies.load(&place)?;
    let bundle = judge.bundle();
    let (tickets, git) = tickets(&args.here, &place.file(""))?;
    let (mut request, length) = begin(args, bundle)?;
    let incident = git.as_ref().map(|git| opened(git, &request)).transpose()?.flatten();
    emergency::fill(&mut request, incident.as_ref(), &bundle.org, now);
    let mut beside = git.map(|git| Beside::of(git, &bundle.org)).transpose()?;
    if let Some(beside) = &mut beside {
        beside.are_many = true;
    }
    let mut form = Form {
        args,
        place: &place,
        drafting: Drafting::new(&judge, &tickets, beside, now),
        bundle,
        tickets: &tickets,
        now,
        length,
        request,
    };
    let (draft, was_asked) =
        if prompt::is_possible() { form.ask()? } else { (form.take_as_given()?, false) };

    if was_asked {
        prompt::line("");
    }
    if args.output.as_deref().is_some_and(is_stdout) {
        say::note(preview(&draft, bundle, say::colour(&io::stderr())).trim_end());
        say::print(&draft.text)?;
        return Ok(ExitCode::SUCCESS);
    }
    let preview = preview(&draft, bundle, say::colour(&io::stdout()));
    if was_asked {
        prompt::show(&preview)?
    } else {
        say::print(&preview)?
    }
    let path = output.map_or_else(|| place.file(&draft.file.path), Path::to_path_buf);
    if was_asked && !prompt::confirm(&format!("Write {}?", path.display()), true)? {
        bail!("nothing was written");
    }
    write(&draft, &path)?;
    if let (true, Some(id)) = (args.submit, &draft.decision.change) {
        say::note(format_args!("wrote {}", path.display()));
        let submitted = submit::run(&SubmitArgs::of(id, &args.here))?;
        return match args.merge && submitted == ExitCode::SUCCESS {
            true => merge::run(&MergeArgs::of(id, &args.here)),
            false => Ok(submitted),
        };
    }
    let next = next(&draft, &path, &place, &bundle.org);
    say::done(&format!("wrote {}\nnext: {next}\n", path.display()));
    Ok(ExitCode::SUCCESS)
}

/// Returns the operations log's record of the incident that a request answers, if it has one.
fn opened(git: &Git, request: &ChangeRequest) -> anyhow::Result<Option<Opened>> {
    let named = request.emergency.as_ref().and_then(|it| it.incident.as_ref());
    let (Some(id), Some(log)) = (named, git.operations()?) else { return Ok(None) };
    Ok(log.life(About::Incident(id))?.incident.map(|incident| incident.is))
}

/// Returns the numbers that are taken: by files here and, in a repository, by requests on its base
/// and by whatever was submitted; with the forge, if it has a base.
fn tickets(here: &HereArgs, top: &Path) -> anyhow::Result<(Tickets, Option<Git>)> {
    let tickets = Tickets::below(top)?;
    let Some(repo) = Repo::find(top)? else { return Ok((tickets, None)) };
    let branches = here.branches(repo)?;
    here.look_at(&branches);
    let tickets = tickets.and(branches.changes_anywhere()?);
    // A repository without a base has no merged requests.
    let git = Git::new(branches, here.base.clone()).ok();
    let Some(git) = git.filter(|git| git.base().is_ok()) else { return Ok((tickets, None)) };
    let files = git.repo().files_below(git.base()?, REQUESTS)?.into_iter();
    let requests = files.map(|(path, _)| path).filter(|path| is_request(path));
    let tickets = tickets.and(requests.map(|path| (stem(&path).to_owned(), path)));
    Ok((tickets, Some(git)))
}

/// A request that isn't complete yet.
struct Form<'a> {
    args: &'a NewArgs,
    place: &'a Place,
    drafting: Drafting<'a>,
    bundle: &'a PolicyBundle,
    tickets: &'a Tickets,
    now: Time,
    length: Option<Duration>,
    request: ChangeRequest,
}

impl Form<'_> {
    /// Asks until the policies miss nothing; returns whether anything had to be asked.
    fn ask(&mut self) -> anyhow::Result<(Draft, bool)> {
        let mut dialogue = Known {
            org: &self.bundle.org,
            calendar: &self.bundle.calendar,
            tickets: self.tickets,
            now: self.now,
            tier: RiskTier::Low,
            length: self.length,
        };
        let is_begun = self.args.from.is_some() || self.args.template.is_some();
        let mut was_asked = !is_begun && !self.args.flags.say_what();
        if self.args.template.is_some() {
            let draft = self.draft()?;
            self.plan(&draft);
        }
        if was_asked {
            dialogue.greet(&self.request);
            dialogue.begin(&mut self.request)?;
        }
        loop {
            let draft = self.draft()?;
            dialogue.tier = draft.decision.tier.unwrap_or(dialogue.tier);
            let Some(Open { field, refused }) = draft.open().into_iter().next() else {
                return Ok((draft, was_asked));
            };
            if !std::mem::replace(&mut was_asked, true) {
                dialogue.greet(&self.request);
            }
            if let Some(why) = refused {
                prompt::refuse(&why);
            }
            dialogue.ask(field, &mut self.request)?;
        }
    }

    /// Adds what can be worked out, and fails with everything that is still open.
    fn take_as_given(&mut self) -> anyhow::Result<Draft> {
        if self.request.id.is_none() {
            self.request.id = self.tickets.suggestion(&self.request);
        }
        if self.request.services().is_empty() {
            let services = answer::services_of(&self.request, &self.bundle.org);
            if !services.is_empty() {
                self.request.impact.get_or_insert_default().services = services;
            }
        }
        if let Some((schedule, length)) = self.request.schedule.as_mut().zip(self.length) {
            schedule.end = schedule.end.or(schedule.start.map(|start| start + length));
        }
        let mut draft = self.draft()?;
        if self.args.template.is_some() && self.plan(&draft) {
            draft = self.draft()?;
        }
        let open = draft.open();
        if open.is_empty() {
            return Ok(draft);
        }
        let hint = match self.request.actions.is_empty() {
            true => "\nwhat else is needed depends on the action",
            false => "",
        };
        bail!("the request isn't complete, or not right:\n{}{hint}", listed(&open));
    }

    /// Plans a use of a template whose length alone is given for the next time at which it fits; returns whether
    /// it did.
    fn plan(&mut self, draft: &Draft) -> bool {
        let has_start = self.request.schedule.as_ref().is_some_and(|it| it.start.is_some());
        let (Some(length), Some(tier), false) = (self.length, draft.decision.tier, has_start)
        else {
            return false;
        };
        let targets: Vec<_> = self.request.targets().into_iter().collect();
        let services = affected_services(self.request.services(), &targets, &self.bundle.org);
        let free = self.bundle.calendar.of(&services).next_free(tier, length, &[], self.now);
        let (start, end) = (free.as_ref().map(|it| it.at.start), free.as_ref().map(|it| it.at.end));
        self.request.schedule = Some(Schedule { start, end });
        free.is_some()
    }

    fn draft(&mut self) -> anyhow::Result<Draft> {
        let path = match &self.args.output {
            Some(path) if !is_stdout(path) => self.place.name(path),
            _ => usual_path(&self.request),
        };
        self.drafting.draft(&self.request, &path)
    }
}

/// Returns a line for each flag that is missing or was rejected.
fn listed(open: &[Open]) -> String {
    let why = |open: &Open| open.refused.clone().unwrap_or_else(|| open.field.about.to_owned());
    let mut lines: Vec<_> = open.iter().map(|open| (open.field.usage(), why(open))).collect();
    lines.dedup();
    let width = lines.iter().map(|(usage, _)| usage.len()).max().unwrap_or(0);
    let lines: Vec<_> = lines.iter().map(|(usage, why)| format!("{usage:width$}  {why}")).collect();
    lines.join("\n")
}

/// Returns what the policies say about the request, as if it had just been submitted.
fn preview(draft: &Draft, bundle: &PolicyBundle, colour: bool) -> String {
    let codes = || bundle.codes();
    let (format, width) = (Format::Text, say::width());
    let policies = &draft.decision.bundle;
    let reporter = Reporter { format, policies, colour, width, verbose: true, codes: &codes };
    let judged = Judged {
        decision: &draft.decision,
        request: draft.file.request.as_ref(),
        source: &draft.text,
    };
    format!("{}by {}\n", reporter.section(&judged).text, whose(policies))
}

/// Writes the draft to a file.
fn write(draft: &Draft, path: &Path) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
    }
    let mut file = match File::create_new(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => bail!(exists(path)),
        file => file.with_context(|| format!("write {}", path.display()))?,
    };
    let written = file.write_all(draft.text.as_bytes()).and_then(|()| file.sync_all());
    if written.is_err() {
        // Half a request is worse than none; the error of writing is returned below.
        let _ = fs::remove_file(path);
    }
    written.with_context(|| format!("write {}", path.display()))
}

/// Returns the next command: only a request in a repository's requests/ can be submitted.
fn next(draft: &Draft, path: &Path, place: &Place, org: &Org) -> String {
    let check = format!("changegate check {}", say::quoted(path));
    let id = match (&draft.decision.change, draft.decision.verdict) {
        (Some(id), Verdict::Approved | Verdict::Pending) => id,
        _ => return format!("fix what is denied, then {check}"),
    };
    let submit = match place.is_elsewhere() {
        true => format!("cd {} && changegate submit {id}", say::quoted(place.top())),
        false => format!("changegate submit {id}"),
    };
    if is_request(&place.name(path)) {
        let emergency = draft.file.request.as_ref().and_then(|it| it.emergency.as_ref());
        if !emergency.is_some_and(|it| it.break_glass)
            || org.settings.execution.offline != Offline::Emergency
        {
            return submit;
        }
        let offline = "--break-glass --offline --commander LOGIN --heard TEXT -- COMMAND";
        format!("{submit}, or where nothing can be reached, changegate exec {id} {offline}")
    } else if place.work_tree().is_none() {
        check
    } else {
        let folder = say::quoted(&place.file(REQUESTS));
        let usual = say::quoted(&place.file(layout::request(id.as_str())));
        format!("mkdir -p {folder} && mv {} {usual} && {submit}", say::quoted(path))
    }
}

fn exists(path: &Path) -> String {
    format!("{} exists and is not overwritten: choose another id", path.display())
}

fn is_stdout(path: &Path) -> bool {
    path == Path::new("-")
}
