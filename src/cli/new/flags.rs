//! The flags: those of the table of fields, and what they make of a template.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::error::Error;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use serde_json::{Value, json};

use changegate::compose::fields::{FIELDS, Field, Flag, Form, Kind};
use changegate::core::request::{ChangeRequest, ChangeType};
use changegate::core::time::Duration;

/// What the flags give: answers by field.
#[derive(Debug)]
pub struct Flags(Vec<(&'static Field, Vec<Value>)>);

impl Args for Flags {
    fn augment_args(command: Command) -> Command {
        let mut fields: Vec<_> = FIELDS.iter().collect();
        fields.sort_by_key(|field| field.group);
        command
            .args(fields.into_iter().flat_map(|field| field.flags().map(|flag| arg(field, flag))))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

fn arg(field: &'static Field, flag: &'static Flag) -> Arg {
    let arg = Arg::new(flag.name).long(flag.name).help(flag.help).help_heading(field.group.1);
    let kind = flag.kind;
    if matches!(kind, Kind::Presence | Kind::Tick) {
        return arg.action(ArgAction::SetTrue);
    }
    let is_text = matches!(kind, Kind::Text | Kind::Texts | Kind::Steps | Kind::Risks);
    let arg = arg.value_name(kind.placeholder()).allow_hyphen_values(is_text);
    let arg = match kind.words() {
        [] => arg.value_parser(move |answer: &str| kind.parse(answer)),
        words => arg.value_parser(PossibleValuesParser::new(words).map(Value::from)),
    };
    if field.kind.is_list() {
        return arg.action(ArgAction::Append);
    }
    let others = field.flags().skip_while(|other| other.name != flag.name).skip(1);
    arg.conflicts_with_all(others.map(|other| other.name))
}

impl FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let given = |flag: &Flag| -> Vec<Value> {
            let given = matches.get_many(flag.name);
            given.map(|answers| answers.cloned().collect()).unwrap_or_default()
        };
        let answers = FIELDS.iter().map(|field| {
            let answers = match field.kind {
                Kind::Presence => {
                    let is_set = field.flags().any(|flag| matches.get_flag(flag.name));
                    is_set.then(|| json!({})).into_iter().collect()
                }
                Kind::Tick => {
                    let is_set = field.flags().any(|flag| matches.get_flag(flag.name));
                    is_set.then_some(true.into()).into_iter().collect()
                }
                Kind::Risks => risks(field, given),
                _ => field.flags().flat_map(given).collect(),
            };
            (field, answers)
        });
        Ok(Flags(answers.filter(|(_, answers)| !answers.is_empty()).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Returns the first of each part together, then the second, and so on.
fn risks(field: &'static Field, given: impl Fn(&Flag) -> Vec<Value>) -> Vec<Value> {
    let mut risks = Vec::new();
    for flag in field.flags() {
        let part = flag.name.trim_start_matches("risk-");
        for (place, answer) in given(flag).into_iter().enumerate() {
            if place == risks.len() {
                risks.push(json!({}));
            }
            risks[place][part] = answer;
        }
    }
    risks
}

impl Flags {
    /// Whether the flags say what kind of change it is, so that nobody has to be asked.
    pub fn say_what(&self) -> bool {
        self.give("/type") || self.give("/actions") || self.is_emergency()
    }

    fn is_emergency(&self) -> bool {
        self.give("/emergency")
    }

    fn give(&self, part: &str) -> bool {
        self.0.iter().any(|(field, _)| field.pointer.starts_with(part))
    }

    /// Puts into a request what the flags give, and returns how long the change takes if they say so.
    pub fn fill(&self, request: &mut ChangeRequest) -> Option<Duration> {
        if self.is_emergency() {
            request.kind = ChangeType::Emergency;
        }
        let mut form = Form::of(request);
        for (field, answers) in &self.0 {
            form.put(field, answers.clone());
        }
        let (filled, length) = form.finish();
        *request = filled;
        length
    }
}
