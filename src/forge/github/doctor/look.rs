//! Reads from the API and from Git what the checks need; writes nothing.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::owners::{FOLDERS, OwnersErrors, PLACES};
use super::roster::{forge_teams, signers};
use super::{
    ACTIONS, Branch, BranchState, Classic, Mode, OwnerFacts, Protection, RecordBranch, Rule, Seen,
    Surroundings, TokenFacts, WorkflowFile,
};
use crate::core::org::{ForgeTeam, Org, Roster};
use crate::core::terms::Login;
use crate::core::yaml::{self, MAX_BYTES};
use crate::forge::github::access::TokenKind;
use crate::forge::github::client::{self, Refusal};
use crate::forge::github::types::{Repository, User};
use crate::forge::github::{GitHub, members_of};
use crate::git::{Entry, Kind, Oid};
use crate::ledger::LEDGER;
use crate::operations::OPERATIONS;

/// The branches with the record.
const RECORD: [&str; 2] = [LEDGER, "audit/evidence"];

/// The folders of workflows and of the repository's own actions.
const WORKFLOWS: [&str; 2] = [".github/workflows", ".github/actions"];

/// GitHub's message about a branch without classic protection.
const UNPROTECTED: &str = "Branch not protected";

/// A repository whose default branch has been fetched.
pub struct Home {
    repository: Repository,
    id: Option<u64>,
    permissions: BTreeMap<String, bool>,
    /// The tip of the default branch.
    pub tip: Oid,
}

impl Home {
    /// Returns the name of the default branch.
    pub fn default_branch(&self) -> &str {
        &self.repository.default_branch
    }
}

impl GitHub {
    /// Reads the repository and fetches its default branch.
    ///
    /// # Errors
    /// When the token can't see the repository, or the repository is empty.
    pub fn home(&self) -> anyhow::Result<Home> {
        #[derive(Deserialize)]
        struct Response {
            #[serde(flatten)]
            repository: Repository,
            #[serde(default)]
            id: Option<u64>,
            #[serde(default)]
            permissions: Option<BTreeMap<String, bool>>,
        }
        let response: Response = self
            .client
            .run(self.client.get(&self.repository.path(&[])))
            .with_context(|| format!("cannot read the repository {}", self.repository))?;
        let Response { repository, id, permissions } = response;
        let source = self.source(&repository)?;
        let tip = self.remote.fetch_branch(&source, &repository.default_branch)?;
        Ok(Home { repository, id, permissions: permissions.unwrap_or_default(), tip })
    }

    /// Reads everything about the protection of the repository. `org` is the organisation data on
    /// its default branch, or why the policies there can't be used.
    ///
    /// # Errors
    /// When GitHub can't be reached. It is not an error if the token isn't allowed to read
    /// something.
    pub fn look_over(&self, home: &Home, org: Result<Org, String>) -> anyhow::Result<Surroundings> {
        let bases = org.as_ref().map(|org| org.settings.protected_bases.clone());
        let bases = bases.unwrap_or_else(|_| vec![home.default_branch().to_owned()]);
        let branches = bases.into_iter().map(|name| self.branch(home, name));
        let branches = branches.collect::<anyhow::Result<Vec<_>>>()?;
        let (accounts, teams) = match &org {
            Ok(org) => (self.accounts(&org.roster)?, self.teams(&org.roster)?),
            Err(_) => Default::default(),
        };
        let ledger = org.as_ref().ok().map(|org| &org.settings.ledger).filter(|it| it.on);
        let record_at = ledger.and_then(|it| it.remote.as_ref()).map(ToString::to_string);
        let record = match (ledger, &record_at) {
            (None, _) => Vec::new(),
            (Some(_), None) => self.record()?,
            (Some(_), Some(url)) => self.record_elsewhere(url)?,
        };
        let installation = self.client.installation();
        Ok(Surroundings {
            mode: self.mode(),
            actions: self.actions_app()?,
            owner: self.repository.owner.clone(),
            default_branch: home.default_branch().to_owned(),
            org,
            branches,
            workflows: self.workflows(home.tip)?,
            accounts,
            teams,
            record,
            record_at,
            operations: self.record_branch(OPERATIONS)?,
            repository_id: home.id,
            token: TokenFacts {
                kind: TokenKind::of(self.client.token()),
                permissions: home.permissions.clone(),
                installation: installation.map(|installation| installation.permissions.clone()),
                pushes: self.shows_pushes()?,
            },
        })
    }

    /// Returns whether GitHub shows pushes to the repository, or why it doesn't.
    fn shows_pushes(&self) -> anyhow::Result<Seen<bool>> {
        let path = self.repository.path(&["activity"]) + "?per_page=1";
        Ok(self.seen::<Vec<Value>>(&path)?.map(|pushes| !pushes.is_empty()))
    }

    /// Returns how changegate would publish its decisions with this token.
    pub fn mode(&self) -> Mode {
        let installation = self.client.installation();
        installation.map_or(Mode::Action, |installation| Mode::App(installation.app_id))
    }

    /// Returns the id of GitHub's own App for workflows, or why it can't be read.
    fn actions_app(&self) -> anyhow::Result<Seen<u64>> {
        #[derive(Deserialize)]
        struct App {
            id: u64,
        }
        Ok(self.seen::<App>(&client::path(&["apps", ACTIONS]))?.map(|app| app.id))
    }

    fn branch(&self, home: &Home, name: String) -> anyhow::Result<Branch> {
        #[derive(Deserialize)]
        struct Response {
            #[serde(default)]
            protection: Option<Classic>,
        }
        let path = self.repository.path(&["branches", &name]);
        let response: Option<Response> = self.client.run(self.client.get_if_shown(&path))?;
        let Some(Response { protection }) = response else {
            return Ok(Branch { name, state: None });
        };
        let protection = self.protection(&name, protection)?;
        let tip = self.remote.fetch_branch(&self.source(&home.repository)?, &name)?;
        let owners = self.owners(&name, tip)?;
        Ok(Branch { name, state: Some(BranchState { protection, owners }) })
    }

    /// Reads the rules for the branches with the record.
    fn record(&self) -> anyhow::Result<Vec<RecordBranch>> {
        RECORD.into_iter().map(|name| self.record_branch(name)).collect()
    }

    fn record_branch(&self, name: &str) -> anyhow::Result<RecordBranch> {
        let path = self.repository.path(&["branches", name]);
        let shown: Option<Value> = self.client.run(self.client.get_if_shown(&path))?;
        let path = self.repository.path(&["rules", "branches", name]);
        let rules: Vec<Rule> = self.client.run(self.client.list(&path))?;
        let rules = Ok(rules.into_iter().map(|rule| rule.kind).collect());
        Ok(RecordBranch { name: name.to_owned(), exists: Ok(shown.is_some()), rules })
    }

    /// Reads what can be seen of the branches with the record in another repository.
    fn record_elsewhere(&self, url: &str) -> anyhow::Result<Vec<RecordBranch>> {
        let known = self.record_at(url).map_err(|error| format!("{error:#}"));
        let branch = |name: &str| -> anyhow::Result<RecordBranch> {
            let exists = known.clone().map(|names| names.iter().any(|known| known == name));
            let rules = match self.beside_this(url) {
                None => Err("it isn't on this server".to_owned()),
                Some(other) => self
                    .seen::<Vec<Rule>>(&other.path(&["rules", "branches", name]))?
                    .map(|rules| rules.into_iter().map(|rule| rule.kind).collect()),
            };
            Ok(RecordBranch { name: name.to_owned(), exists, rules })
        };
        RECORD.into_iter().map(branch).collect()
    }

    /// Reads the protection of a branch. `shown` is the part of classic protection that everybody
    /// can see.
    fn protection(&self, branch: &str, shown: Option<Classic>) -> anyhow::Result<Protection> {
        let path = self.repository.path(&["rules", "branches", branch]);
        let rules: Vec<Rule> = self.client.run(self.client.list(&path))?;
        let ids: BTreeSet<_> = rules.iter().filter_map(|rule| rule.ruleset_id).collect();
        let mut rulesets = BTreeMap::new();
        for id in ids {
            let path = self.repository.path(&["rulesets", &id.to_string()]);
            rulesets.insert(id, self.seen(&path)?);
        }
        let (classic, hidden) = match shown {
            Some(shown) if shown.enabled == Some(false) => (None, None),
            shown => self.classic(branch, shown)?,
        };
        Ok(Protection { rules, rulesets, classic, hidden })
    }

    /// Reads the classic protection, and the reason if it can't be read completely.
    fn classic(
        &self,
        branch: &str,
        shown: Option<Classic>,
    ) -> anyhow::Result<(Option<Classic>, Option<String>)> {
        let path = self.repository.path(&["branches", branch, "protection"]);
        match self.client.run(self.client.get::<Classic>(&path)) {
            Ok(classic) => Ok((Some(classic), None)),
            Err(error) if says(&error, UNPROTECTED) => Ok((None, None)),
            Err(error) if is_refused(&error) => Ok((shown, Some(error.to_string()))),
            Err(error) => Err(error),
        }
    }

    fn owners(&self, branch: &str, tip: Oid) -> anyhow::Result<OwnerFacts> {
        let mut file = None;
        for path in PLACES {
            if let (None, Some(entry)) = (&file, self.repo().entry(tip, path)?) {
                file = self.text(entry)?.map(|text| (path.to_owned(), text));
            }
        }
        let mut paths = Vec::new();
        for (folder, _) in FOLDERS {
            let files = self.repo().files_below(tip, folder)?;
            paths.extend(files.into_iter().map(|(path, _)| path));
        }
        let path = self.repository.path(&["codeowners", "errors"]);
        let path = format!("{path}?ref={}", client::encoded(branch));
        let errors = match &file {
            Some(_) => self.seen::<OwnersErrors>(&path)?.map(|response| response.errors),
            None => Ok(Vec::new()),
        };
        Ok(OwnerFacts { file, errors, paths })
    }

    /// Returns the text of a file, or `None` if it isn't a regular file or is too large.
    fn text(&self, entry: Entry) -> anyhow::Result<Option<String>> {
        let is_file = matches!(entry.kind, Kind::File | Kind::Executable);
        if !is_file || self.repo().size(entry.id)? > MAX_BYTES {
            return Ok(None);
        }
        Ok(Some(String::from_utf8_lossy(&self.repo().bytes(entry.id)?).into_owned()))
    }

    /// Reads the workflows at a commit, and the repository's own actions.
    fn workflows(&self, tip: Oid) -> anyhow::Result<Vec<WorkflowFile>> {
        let mut workflows = Vec::new();
        for folder in WORKFLOWS {
            for (path, entry) in self.repo().files_below(tip, folder)? {
                let name = path.rsplit('/').next().unwrap_or_default();
                let is_workflow = folder == WORKFLOWS[0] && path == format!("{folder}/{name}");
                let is_action = folder == WORKFLOWS[1] && name.starts_with("action.");
                if (is_workflow || is_action) && (name.ends_with(".yml") || name.ends_with(".yaml"))
                {
                    let content = match self.text(entry)? {
                        Some(text) => plain_yaml(&text),
                        None => Err("it is a link or too large".to_owned()),
                    };
                    workflows.push(WorkflowFile { path, content });
                }
            }
        }
        Ok(workflows)
    }

    fn accounts(&self, roster: &Roster) -> anyhow::Result<BTreeMap<Login, Option<User>>> {
        let mut accounts = BTreeMap::new();
        for login in signers(roster) {
            let path = client::path(&["users", login.as_str()]);
            let account = self.client.run(self.client.get_if_shown(&path))?;
            accounts.insert(login.clone(), account);
        }
        Ok(accounts)
    }

    fn teams(&self, roster: &Roster) -> anyhow::Result<BTreeMap<ForgeTeam, Seen<()>>> {
        let mut teams = BTreeMap::new();
        for team in forge_teams(roster) {
            let seen = self.seen::<Vec<Value>>(&(members_of(team) + "?per_page=1"))?;
            teams.insert(team.clone(), seen.map(drop));
        }
        Ok(teams)
    }

    /// Reads a path, or returns why the token can't read it.
    fn seen<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<Seen<T>> {
        match self.client.run(self.client.get(path)) {
            Ok(found) => Ok(Ok(found)),
            Err(error) if is_refused(&error) => Ok(Err(error.to_string())),
            Err(error) => Err(error),
        }
    }
}

fn is_refused(error: &anyhow::Error) -> bool {
    matches!(client::status_of(error), Some(403 | 404))
}

fn says(error: &anyhow::Error, message: &str) -> bool {
    error.downcast_ref::<Refusal>().is_some_and(|refusal| refusal.message == message)
}

/// Reads plain YAML, or returns the first problem and its line.
fn plain_yaml(text: &str) -> Result<Value, String> {
    let reading = yaml::parse(text.as_bytes()).read();
    match (reading.value, reading.problems.first()) {
        (Some(value), None) => Ok(value),
        (_, Some(problem)) => Err(format!("line {}: {}", problem.span.line, problem.message)),
        (None, None) => Err("it is empty".to_owned()),
    }
}
