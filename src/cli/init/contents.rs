//! The files that `init` creates, built in memory.

use anyhow::{Context as _, anyhow};

use super::plan::{Item, Wanted};
use super::{roster, section};
use crate::cli::schema;
use changegate::core::calendar::Calendar;
use changegate::core::layout;
use changegate::core::org::{Date, Roster};
use changegate::core::policy::{Files, PolicyBundle, shipped_files};
use changegate::core::terms::Login;
use changegate::core::time::{Duration, Interval, Time};
use changegate::core::yaml::write::word;

/// The path of the roster in a repository.
pub const ROSTER: &str = "policies/org/roster/data.yaml";

const GUIDE: &str = include_str!("templates/guide.md");
const GUIDE_ON_GITHUB: &str = include_str!("templates/guide-github.md");
const ROUTINE: &str = include_str!("templates/routine.yaml");
const OFF_SCRIPT: &str = include_str!("templates/off-script.yaml");

/// The duration of each sample.
const HALF_AN_HOUR: Duration = Duration::seconds(30 * 60);
const A_WEEK: Duration = Duration::days(7);

/// The facts that the files are built from.
pub struct Basis<'a> {
    /// People and services, at least one of each.
    pub roster: &'a Roster,
    /// The roster's file.
    pub roster_text: &'a [u8],
    /// The repository's name.
    pub name: &'a str,
    /// The branch that changes are merged into.
    pub base: &'a str,
    /// The path of the repository's README.
    pub readme: &'a str,
    /// The name that the ledger gets.
    pub origin: String,
    /// The time at which the samples are written.
    pub now: Time,
    /// The day on which a table, named by its path, was last reviewed.
    pub reviewed: &'a dyn Fn(&str) -> Date,
    /// Whether its changes are reviewed on GitHub.
    pub is_on_github: bool,
}

impl Basis<'_> {
    /// Returns all files for the repository.
    ///
    /// # Errors
    /// If the policies can't be used with this roster.
    pub fn items(&self) -> anyhow::Result<Vec<Item>> {
        let files = self.bundle()?;
        let bundle = PolicyBundle::load(files.clone(), changegate::gate::cpu::thread_time)
            .map_err(|error| anyhow!("this roster can't be used:\n{error}"))?;
        let title = self.name.to_owned();
        let file = |(path, bytes)| Item { path, wanted: Wanted::File(bytes) };
        let schema =
            |(name, text): (String, String)| (format!("schemas/{name}"), text.into_bytes());
        let (guide, text) = match self.is_on_github {
            true => (GUIDE_ON_GITHUB, section::GITHUB),
            false => (GUIDE, section::PLAIN),
        };
        let guide = ("docs/changegate/README.md".to_owned(), guide.into());
        let section =
            Item { path: self.readme.to_owned(), wanted: Wanted::Section { title, text } };
        // An organisation's data are its own once they are there.
        let (tables, rules): (Vec<_>, Vec<_>) =
            files.into_iter().partition(|(path, _)| path.ends_with("/data.yaml"));
        let table = |(path, bytes)| Item { path, wanted: Wanted::Once(bytes) };
        let tables = tables.into_iter().map(table);
        let files = rules.into_iter().chain(schema::files().map(schema)).chain([guide]).map(file);
        Ok(tables.chain(files).chain(self.samples(&bundle.calendar)?).chain([section]).collect())
    }

    /// Returns the shipped bundle with this roster. Its tables count as reviewed by the person who
    /// runs the verb.
    fn bundle(&self) -> anyhow::Result<Files> {
        let mut files = shipped_files();
        // What is standard is up to each organisation.
        files.retain(|path, _| layout::template_at(path).is_none());
        for (path, bytes) in files.iter_mut().filter(|(path, _)| path.ends_with("/data.yaml")) {
            let text = String::from_utf8_lossy(bytes);
            if let Some(shipped) = reviewed_line(&text) {
                let reviewed = format!("reviewed: {}", (self.reviewed)(path));
                *bytes = text.replacen(shipped, &reviewed, 1).into_bytes();
            }
        }
        let settings = files.get_mut(&layout::table("settings"));
        let settings = settings.context("the shipped policies don't contain the settings")?;
        let protects = format!("protected_bases: [{}]", word(self.base));
        let text = String::from_utf8_lossy(settings);
        let records = format!("ledger: {{on: true, origin: {}}}", word(&self.origin));
        let text = text.replacen("protected_bases: [main]", &protects, 1);
        *settings = text.replacen("ledger: {on: false}", &records, 1).into_bytes();
        files.insert(ROSTER.to_owned(), self.roster_text.to_vec());
        let table = files
            .get_mut(&layout::table("escalation"))
            .context("the shipped policies don't contain a table")?;
        *table = roster::escalation(&String::from_utf8_lossy(table), self.roster).into_bytes();
        Ok(files)
    }

    /// Returns two requests by this organisation's people for its services, a routine one and an
    /// off-script one. Their path is one at which `check` doesn't treat them as requests.
    fn samples(&self, calendar: &Calendar) -> anyhow::Result<[Item; 2]> {
        let (people, services) = (&self.roster.people, &self.roster.services);
        let (name, service) = services.first_key_value().context("the roster has no service")?;
        let target = service.targets.first().unwrap_or(name);
        let by_level = |login: &&Login| people[*login].level;
        let requester = people.keys().min_by_key(by_level).context("the roster has nobody")?;
        let admin = people.keys().max_by_key(by_level).context("the roster has nobody")?;
        let routine = planned(calendar, "standard", self.now + A_WEEK)?;
        let off_script = planned(calendar, "off-peak", self.now + A_WEEK)?;
        let values = [
            ("{requester}", word(requester.as_str())),
            ("{rollback-owner}", word(admin.as_str())),
            ("{service}", word(name)),
            ("{target}", word(target)),
            ("{routine.start}", routine.start.to_string()),
            ("{routine.end}", routine.end.to_string()),
            ("{off-script.start}", off_script.start.to_string()),
            ("{off-script.end}", off_script.end.to_string()),
        ];
        Ok([("routine", ROUTINE), ("off-script", OFF_SCRIPT)].map(|(name, template)| {
            let fill = |text: String, (name, value): &(&str, String)| text.replace(name, value);
            let text = values.iter().fold(template.to_owned(), fill);
            let path = format!("docs/changegate/samples/CHG-sample-{name}.yaml");
            Item { path, wanted: Wanted::Once(text.into_bytes()) }
        }))
    }
}

/// Returns the line of a table with the date of its last review.
pub fn reviewed_line(table: &str) -> Option<&str> {
    table.lines().find(|line| line.starts_with("reviewed: "))
}

/// Returns the first half hour of a window that begins after `from`.
fn planned(calendar: &Calendar, name: &str, from: Time) -> anyhow::Result<Interval> {
    let window = calendar.windows().find(|(window, _)| *window == name).map(|(_, window)| window);
    let opening = window.and_then(|window| calendar.openings_of(window, from, HALF_AN_HOUR).next());
    let start = opening.with_context(|| format!("the window {name} never opens"))?.start;
    Ok(Interval { start, end: start + HALF_AN_HOUR })
}
