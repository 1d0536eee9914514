//! `changegate template`: the templates of standard changes.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, anyhow, bail, ensure};
use clap::{Args, Subcommand};
use schemars::JsonSchema;
use serde::Serialize;

use super::shared::args::{AnswerFormat, NowArg};
use super::shared::caches::kept;
use super::shared::here::HereArgs;
use super::shared::judges::judges;
use super::shared::say::{self, quoted, word};
use changegate::changes::in_short;
use changegate::compose::promote;
use changegate::content::request_with_id;
use changegate::core::evidence::LoggedUse;
use changegate::core::layout;
use changegate::core::org::Date;
use changegate::core::request::{ChangeRequest, TemplateUse};
use changegate::core::template::Template;
use changegate::core::terms::{Name, TicketId};
use changegate::core::yaml::did_you_mean;
use changegate::files;
use changegate::forge::git::Git;
use changegate::git::Program;
use changegate::operations::suspending;
use changegate::report::escape::terminal;
use changegate::report::{counted, hanging, pad, width};

/// Show the templates of standard changes, or make one from changes that went well
///
/// A standard change is a use of a template, and direct for every level: `changegate new --template NAME`.
#[derive(Args, Debug)]
pub struct TemplateArgs {
    #[command(subcommand)]
    verb: TemplateVerb,
}

#[derive(Subcommand, Debug)]
enum TemplateVerb {
    List(ListArgs),
    Show(ShowArgs),
    From(FromArgs),
}

/// List the templates on the base branch, with how often each was used
#[derive(Args, Debug)]
struct ListArgs {
    #[command(flatten)]
    here: HereArgs,

    /// The output format
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,
}

/// Show a template: its parameters, what is fixed, and the command that uses it
#[derive(Args, Debug)]
struct ShowArgs {
    /// The template's name
    #[arg(value_name = "NAME")]
    name: Name,

    #[command(flatten)]
    here: HereArgs,

    /// The output format
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,
}

/// Write a template by which these changes could have been written
///
/// What they have in common is fixed, and what differs becomes a parameter with the values that were seen. The
/// file is written here, to be looked at, widened, and submitted with `changegate submit --policies`: two
/// independent L3 decide about it.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate template from CHG-1101 CHG-1140 CHG-1177 --name drain-and-scale
      policies/templates/drain-and-scale/data.yaml")]
struct FromArgs {
    /// The ids of the changes
    #[arg(value_name = "ID", required = true)]
    ids: Vec<TicketId>,

    /// The template's name
    #[arg(long, value_name = "NAME")]
    name: Name,

    /// Where to write it, instead of policies/templates/NAME/data.yaml; - prints it
    #[arg(long, short, value_name = "PATH")]
    output: Option<PathBuf>,

    #[command(flatten)]
    here: HereArgs,
}

/// The templates.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "Templates")]
pub struct TemplatesView {
    /// The templates, in the order of their names.
    pub templates: Vec<TemplateView>,
}

/// A template, and how it was used.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TemplateView {
    /// Its name.
    pub name: Name,
    /// The template.
    #[serde(flatten)]
    pub template: Template,
    /// The number of merged changes that use it.
    pub uses: usize,
    /// Uses that went wrong since it was changed last: they suspend it.
    pub suspended_by: Vec<LoggedUse>,
}

/// Runs the verb.
pub fn run(args: &TemplateArgs) -> anyhow::Result<ExitCode> {
    match &args.verb {
        TemplateVerb::List(args) => {
            let view = look(&args.here, None)?;
            say::print(&match args.format {
                AnswerFormat::Json => say::json(&view)?,
                AnswerFormat::Text => list(&view),
            })?;
        }
        TemplateVerb::Show(args) => {
            let view = look(&args.here, Some(&args.name))?;
            say::print(&match args.format {
                AnswerFormat::Json => say::json(&view)?,
                AnswerFormat::Text => view.templates.iter().map(show).collect(),
            })?;
        }
        TemplateVerb::From(args) => from(args)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn look(here: &HereArgs, only: Option<&Name>) -> anyhow::Result<TemplatesView> {
    let git = here.open_to_look()?;
    let judge = judges()?.at(git.repo(), git.base()?)?;
    let known = &judge.bundle().org.templates;
    if let Some(name) = only.filter(|name| !known.contains_key(*name)) {
        bail!("{}", unknown(name, known.keys()));
    }
    let requests = in_short::requests(git.repo(), git.base()?, kept(&git).as_ref())?;
    let log = git.operations()?;
    let wanted = known.iter().filter(|(name, _)| only.is_none_or(|only| only == *name));
    let views = wanted.map(|(name, template)| {
        let used = TemplateUse { name: Some(name.clone()), ..TemplateUse::default() };
        let of = ChangeRequest { template: Some(used), ..ChangeRequest::default() };
        let suspended =
            log.as_ref().map(|log| suspending(log.held(), git.base()?, &of)).transpose()?;
        Ok(TemplateView {
            name: name.clone(),
            template: template.clone(),
            uses: requests.iter().filter(|it| it.template.as_ref() == Some(name)).count(),
            suspended_by: suspended.unwrap_or_default(),
        })
    });
    Ok(TemplatesView { templates: views.collect::<anyhow::Result<_>>()? })
}

/// Says that there is no template of this name, and which was meant.
pub fn unknown<'a>(name: &Name, known: impl Iterator<Item = &'a Name>) -> String {
    let known: Vec<_> = known.map(Name::as_str).collect();
    let hint = match did_you_mean(name.as_str(), &known) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if known.is_empty() => {
            "there are none yet: `changegate template from CHG-1 CHG-2 --name scale` makes one from changes that went well"
                .to_owned()
        }
        None => format!("the templates are {}", known.join(", ")),
    };
    format!("there is no template `{name}` in policies/templates: {hint}")
}

fn list(view: &TemplatesView) -> String {
    if view.templates.is_empty() {
        return "there is no template yet: `changegate template from CHG-1 CHG-2 --name scale` makes one from changes that went well\n"
            .to_owned();
    }
    let longest = view.templates.iter().map(|it| width(it.name.as_str())).max().unwrap_or(0);
    let lines = view.templates.iter().map(|it| {
        let suspended = if it.suspended_by.is_empty() { "" } else { "  SUSPENDED" };
        let uses = counted(it.uses, "use", "uses");
        let name = pad(it.name.as_str(), longest);
        format!("{name}  {uses:>8}{suspended}  {}\n", terminal(&it.template.summary))
    });
    lines.collect()
}

fn show(view: &TemplateView) -> String {
    let TemplateView { name, template, uses, suspended_by } = view;
    let mut out = format!("{name}: {}\n", terminal(&template.summary));
    let most = template.tier_at_most;
    out += &hanging("  risk        ", &format!("{most} at most"), say::width());
    for step in &template.actions {
        let parameters = step.parameters.iter().map(|(name, value)| format!(", {name}={value}"));
        let step = format!("{} of {}{}", step.action, step.target, parameters.collect::<String>());
        out += &hanging("  does        ", &terminal(&step), say::width());
    }
    for (parameter, values) in &template.parameters {
        let text = format!("{parameter}: {}", values.in_words());
        out += &hanging("  parameter   ", &terminal(&text), say::width());
    }
    for (field, value) in &template.fixed {
        out += &hanging("  fixed       ", &terminal(&format!("{field}: {value}")), say::width());
    }
    out += &hanging("  used        ", &counted(*uses, "time", "times"), say::width());
    for used in suspended_by {
        let text =
            format!("since {} {}: change it, or request a normal change", used.change, used.result);
        out += &hanging("  SUSPENDED   ", &text, say::width());
    }
    let set = template.parameters.iter().map(|(parameter, values)| {
        let sample = values.sample();
        let sample = sample.as_str().map_or_else(|| sample.to_string(), str::to_owned);
        format!(" --set {}", word(&format!("{parameter}={sample}")))
    });
    let set: String = set.collect();
    if suspended_by.is_empty() {
        let (new, then) =
            ("changegate new --template", "--duration 30m --reason ... --submit --merge");
        out += &format!("next: {new} {name}{set} {then}\n");
    }
    out
}

/// Writes a template from changes.
fn from(args: &FromArgs) -> anyhow::Result<()> {
    let git = args.here.open_to_look()?;
    let changes = args.ids.iter().map(|id| change(&git, id));
    let changes = changes.collect::<anyhow::Result<Vec<_>>>()?;
    let today = Date(NowArg::present().utc().date_naive());
    let name = args.name.as_str();
    ensure!(
        name.chars().all(|it| it.is_ascii_alphanumeric() || it == '-'),
        "a template's name is that of a folder: write letters, digits and `-`, not `{name}`"
    );
    let judge = judges()?.at(git.repo(), git.base()?)?;
    let template = promote::template(&args.name, &changes, &judge.bundle().org, today)
        .map_err(|why| anyhow!("these changes make no template: {why}"))?;
    let text = promote::render(&template);
    if args.output.as_ref().is_some_and(|path| path.as_os_str() == "-") {
        return say::print(&text);
    }
    let path = match &args.output {
        Some(path) => path.clone(),
        None => {
            let top = Program::anywhere().work_tree().map_err(|_| {
                anyhow!("this is a bare repository: print the template with `--output -`")
            })?;
            top.join(layout::template(args.name.as_str()))
        }
    };
    ensure!(
        !path.exists(),
        "{} exists and is not overwritten: choose another name",
        path.display()
    );
    files::replace(&path, text.as_bytes()).with_context(|| format!("write {}", path.display()))?;
    say::done(&format!(
        "wrote {}\nnext: look at it, then changegate submit --policies {} --message {}\n",
        quoted(&path),
        args.name,
        word(&format!("a template from {} changes", changes.len()))
    ));
    Ok(())
}

/// Returns a merged change's request.
fn change(git: &Git, id: &TicketId) -> anyhow::Result<ChangeRequest> {
    let found = request_with_id(git.repo(), git.base()?, id)?;
    let (_, file) = found.with_context(|| {
        format!("there is no merged change {id}: `changegate list --state merged` lists them")
    })?;
    file.request.with_context(|| format!("the request {id} can't be read"))
}
