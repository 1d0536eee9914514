//! What people did on GitHub, in sentences.
//!
//! ```yaml
//! - 1h                                     # passes
//! - alice opens                            # a pull request of change/CHG-7, with content A if there
//!                                          # is nothing yet; `to release`; `another` of the same head
//! - alice commits B                        # and pushes it; see `contents` for what there is
//! - alice commits a with author dan@acme.example     # or committer, co-author; also several
//! - alice commits a 254 times              # in one push
//! - alice force-pushes B                   # as the one commit on main
//! - alice rebases                          # what there is, as the one commit on main
//! - alice resets to head 1                 # to where the branch stood first
//! - alice edits a in the browser           # `unsigned`: somebody only says so
//! - alice merges main                      # `in the browser`: by the button
//! - bob approves                           # objects, comments, begins; `reviews shrugged`; `5 times`;
//!                                          # `on 2`, the second pull request
//! - bob edits the review                   # its text
//! - dave dismisses bob                     # bob's last review
//! - alice re-requests bob
//! - alice drafts                           # readies, closes, reopens
//! - alice retargets main
//! - carol deletes the branch               # that the change is on
//! - carol branches release                 # off main
//! - carol moves main                       # by a commit that has nothing to do with this
//! - erin removes carol                     # from the roster, on main
//! - carol lowers bob                       # to L1, likewise
//! - bob vanishes                           # the account is deleted
//! - bob becomes robert                     # by another login
//! - mallory becomes bob                    # who has given the login up
//! - alice forks                            # and works there from now on; `deletes the fork`
//! - GitHub rebinds reviews                 # at each force-push
//! - GitHub hides pushes                    # from everybody; `forgets pushes`: those so far;
//!                                          # `forgets the first push`
//! - GitHub lists reviews backwards
//! - GitHub signs as noreply@acme.example     # what is made in the browser
//! - alice signs                            # every commit so far
//! - GitHub forgets bob                     # the commit of bob's last review: null; `loses`: its id is
//!                                          # that of no commit
//! ```

use serde_json::Value;

use super::office::{BRANCH, request_of};
use crate::plumbing::changed;
use crate::plumbing::github::{Activity, GitHub, NewCommit, State, User, person, texts};
use changegate::core::policy::shipped_files;

const PATH: &str = "requests/CHG-7.yaml";
const ROSTER: &str = "policies/org/roster/data.yaml";
const SETTINGS: &str = "policies/org/settings/data.yaml";

/// What is on main besides, once that has moved.
const GREETING: (&str, &str) = ("README.md", "Hello");

/// A story as it goes on.
pub struct Story {
    /// Where it happens.
    pub github: GitHub,
    requester: String,
    /// The branch that the change is on.
    branch: String,
    /// The content that was pushed last.
    content: String,
    /// Where the branch has stood.
    heads: Vec<String>,
    /// The pull requests.
    pulls: Vec<u64>,
}

/// Somebody's part in a commit, other than that of its pusher.
type Parts<'a> = &'a [&'a str];

impl Story {
    /// The beginning: `main` holds the shipped policies with changes to the organisation's tables.
    pub fn begun(requester: &str, org: &Value) -> Self {
        let github = GitHub::start();
        let tables = org.as_object().into_iter().flatten();
        let paths: Vec<_> =
            tables.map(|(table, _)| format!("policies/org/{table}/data.yaml")).collect();
        let files = changed(&shipped_files(), org);
        let text = |path: &String| String::from_utf8(files[path].clone()).unwrap();
        let texts: Vec<_> = paths.iter().map(|path| (path, text(path))).collect();
        let files: Vec<_> = texts.iter().map(|(path, text)| (path.as_str(), &**text)).collect();
        if !files.is_empty() {
            github.commit("carol", "main", &files, "Our organisation");
        }
        Story {
            github,
            requester: requester.to_owned(),
            branch: BRANCH.to_owned(),
            content: "A".to_owned(),
            heads: Vec::new(),
            pulls: Vec::new(),
        }
    }

    /// The pull request that it is about.
    pub fn pull(&self) -> u64 {
        self.pulls[0]
    }

    /// Lets something happen.
    pub fn step(&mut self, sentence: &str) {
        let words: Vec<_> = sentence.split(' ').collect();
        let (words, pull) = match words.as_slice() {
            [words @ .., "on", pull] => (words, pull.parse::<usize>().unwrap() - 1),
            words => (words, 0),
        };
        let (words, times) = match words {
            [words @ .., times, "times"] => (words, times.parse().unwrap()),
            words => (words, 1),
        };
        match words {
            [duration] => self.github.advance(duration),
            ["GitHub", rest @ ..] => self.on_the_server(rest),
            [who, "opens", rest @ ..] => self.open(who, rest),
            [who, "commits", content, parts @ ..] => self.commit(who, content, parts, times),
            [who, "force-pushes", content, parts @ ..] => self.replace(who, content, parts),
            [who, "rebases"] => self.replace(who, &self.content.clone(), &[]),
            [who, "resets", "to", "head", head] => {
                let head = self.heads[head.parse::<usize>().unwrap() - 1].clone();
                self.push(who, head, true);
            }
            [who, "edits", content, "in", "the", "browser", rest @ ..] => {
                self.edit(who, content, rest != ["unsigned"]);
            }
            [who, "merges", "main", rest @ ..] => self.merge_main(who, !rest.is_empty()),
            [who, "branches", name] => {
                self.github.push(who, name, &self.github.tip("main").unwrap(), false);
            }
            [who, "moves", "main"] => {
                self.github.commit(who, "main", &[GREETING], "Greet");
            }
            [_, "signs"] => self.heads.iter().for_each(|head| self.github.verify(head)),
            [who, "removes", whom] => self.change_roster(who, whom, |_| String::new()),
            [who, "lowers", whom] => {
                self.change_roster(who, whom, |line| line.replace("L2", "L1") + "\n");
            }
            [who, account @ ("vanishes" | "becomes"), rest @ ..] => {
                self.change_account(who, account, rest);
            }
            [who, "forks"] => {
                self.github.fork(who);
                self.branch = format!("{who}:{BRANCH}");
            }
            [who, "deletes", "the", "fork"] => self.github.delete_fork(who),
            [who, "deletes", "the", "branch"] => self.github.delete_branch(who, &self.branch),
            words => (0..times).for_each(|_| self.review(self.pulls[pull], words)),
        }
    }

    /// What people do to a pull request, and to reviews of it.
    fn review(&self, pull: u64, words: &[&str]) {
        let github = &self.github;
        let review = |who: &str, state: &str| {
            github.review(pull, who, state);
        };
        match words {
            [who, "approves"] => review(who, "APPROVED"),
            [who, "objects"] => review(who, "CHANGES_REQUESTED"),
            [who, "comments"] => review(who, "COMMENTED"),
            [who, "begins"] => review(who, "PENDING"),
            [who, "reviews", state] => review(who, state),
            [who, "edits", "the", "review"] => github.with(|state| {
                let last = last_by(state, pull, who);
                state.pull_mut(pull).reviews[last].body = "Fine".to_owned();
            }),
            [who, "dismisses", whom] => {
                let of_it =
                    |state: &mut State| state.pull(pull).reviews[last_by(state, pull, whom)].id;
                github.dismiss(pull, github.with(of_it), who);
            }
            [who, "re-requests", whom] => github.request_review(pull, who, whom),
            [who, "drafts"] => github.set_draft(pull, who, true),
            [who, "readies"] => github.set_draft(pull, who, false),
            [who, "closes"] => github.close(pull, who),
            [who, "reopens"] => github.reopen(pull, who),
            [who, "retargets", base] => github.set_base(pull, who, base),
            words => panic!("nobody knows what `{}` means", words.join(" ")),
        }
    }

    fn on_the_server(&self, words: &[&str]) {
        let pull = self.pulls.first().copied();
        self.github.with(|state| match words {
            ["rebinds", "reviews"] => state.rebinds_reviews = true,
            ["hides", "pushes"] => state.hides_pushes = true,
            ["forgets", "pushes"] => state.activity.clear(),
            ["forgets", "the", "first", "push"] => {
                let is_of_it = |it: &Activity| it.reference == format!("refs/heads/{BRANCH}");
                let first = state.activity.iter().position(is_of_it).unwrap();
                state.activity.remove(first);
            }
            ["lists", "reviews", "backwards"] => {
                state.pull_mut(pull.unwrap()).reviews.reverse();
            }
            ["signs", "as", email] => {
                let is_it = |user: &&mut User| user.login == "web-flow";
                let web_flow = state.users.iter_mut().find(is_it).unwrap();
                web_flow.emails = vec![(*email).to_owned()];
            }
            [kind @ ("forgets" | "loses"), whom] => {
                let last = last_by(state, pull.unwrap(), whom);
                let gone = "5eed".repeat(10).parse().unwrap();
                let review = &mut state.pull_mut(pull.unwrap()).reviews[last];
                review.commit = (*kind == "loses").then_some(gone);
            }
            words => panic!("nobody knows what GitHub {}", words.join(" ")),
        });
    }

    fn open(&mut self, who: &str, how: &[&str]) {
        if self.heads.is_empty() {
            self.commit(who, "A", &[], 1);
        }
        let pull = match how {
            [] => self.github.open_pull(who, &self.branch, "main"),
            ["to", base] => self.github.open_pull(who, &self.branch, base),
            ["another"] => {
                self.github.push(who, "another", self.heads.last().unwrap(), false);
                self.github.open_pull(who, "another", "main")
            }
            how => panic!("nobody opens {}", how.join(" ")),
        };
        self.pulls.push(pull);
    }

    fn commit(&mut self, who: &str, content: &str, parts: Parts<'_>, times: usize) {
        let mut tip = self.github.tip(&self.branch);
        for _ in 0..times {
            tip = Some(self.write(who, content, tip, parts));
        }
        self.content = content.to_owned();
        self.push(who, tip.unwrap(), false);
    }

    fn replace(&mut self, who: &str, content: &str, parts: Parts<'_>) {
        let commit = self.write(who, content, None, parts);
        self.content = content.to_owned();
        self.push(who, commit, true);
    }

    fn edit(&mut self, who: &str, content: &str, signed: bool) {
        let noreply = format!("{}+{who}@users.noreply.127.0.0.1", self.id_of(who));
        let committer = self.web_flow();
        let parts = ["with", "author", &noreply, "committer", &committer];
        let commit = self.write(who, content, self.github.tip(&self.branch), &parts);
        if signed {
            self.github.verify(&commit);
        }
        self.push(who, commit, false);
    }

    fn merge_main(&mut self, who: &str, in_the_browser: bool) {
        let committer = in_the_browser.then(|| ("GitHub".to_owned(), self.web_flow()));
        let parents = [&*self.branch, "main"].map(|branch| self.github.tip(branch).unwrap());
        let commit = self.github.write(&NewCommit {
            parents: parents.to_vec(),
            author: person(who),
            committer,
            files: texts(&[GREETING]),
            message: "Merge branch 'main'".to_owned(),
        });
        if in_the_browser {
            self.github.verify(&commit);
        }
        self.push(who, commit, false);
    }

    /// Writes a commit of some content: on another one, or on main.
    fn write(&self, who: &str, content: &str, on: Option<String>, parts: Parts<'_>) -> String {
        let mut new = NewCommit {
            parents: vec![on.unwrap_or_else(|| self.github.tip("main").unwrap())],
            author: person(who),
            message: format!("Content {content}"),
            ..NewCommit::default()
        };
        let files = self.contents(content);
        let files: Vec<_> = files.iter().map(|(path, text)| (&**path, &**text)).collect();
        new.files = texts(&files);
        for part in parts.get(1..).unwrap_or_default().chunks(2) {
            let somebody = (part[1].to_owned(), part[1].to_owned());
            match part[0] {
                "author" => new.author = somebody,
                "committer" => new.committer = Some(somebody),
                "co-author" => new.message += &format!("\n\nCo-authored-by: X <{}>", part[1]),
                other => panic!("a commit has no {other}"),
            }
        }
        self.github.write(&new)
    }

    fn push(&mut self, who: &str, commit: String, force: bool) {
        self.github.push(who, &self.branch, &commit, force);
        self.heads.push(commit);
    }

    /// What there is to be committed. Capital letters are material, small ones spell it otherwise.
    fn contents(&self, name: &str) -> Vec<(String, String)> {
        let planned = |text: String| text.replace("2026-11-23T22", "2026-12-09T22");
        let request = |target| planned(request_of(&self.requester, target));
        let commented = |text: String| text.replace("CHG-7\n", "CHG-7 # the ticket\n");
        let settings = |text: &str| vec![(SETTINGS.to_owned(), format!("{text}\n"))];
        match name {
            "A" => vec![(PATH.to_owned(), request("edge-fra-1"))],
            "a" => vec![(PATH.to_owned(), commented(request("edge-fra-1")))],
            "B" => vec![(PATH.to_owned(), request("edge-fra-2"))],
            "P" => settings("protected_bases: [main]"),
            "p" => settings("protected_bases: [main] # only"),
            "W" => vec![(".github/workflows/gate.yml".to_owned(), "on: push\n".to_owned())],
            "files" => (0..3001).map(|n| (format!("docs/{n}.md"), n.to_string())).collect(),
            name => panic!("there is no content {name}"),
        }
    }

    fn change_roster(&self, who: &str, whom: &str, change: impl Fn(&str) -> String) {
        let roster = self.github.file("main", ROSTER);
        let is_theirs = |line: &str| line.starts_with(&format!("  {whom}: "));
        assert!(roster.lines().any(is_theirs), "the roster has no {whom}");
        let lines = roster.lines().map(|line| match is_theirs(line) {
            true => change(line),
            false => format!("{line}\n"),
        });
        self.github.commit(who, "main", &[(ROSTER, &lines.collect::<String>())], "Roster");
    }

    fn change_account(&self, who: &str, how: &str, rest: &[&str]) {
        match (how, rest) {
            ("vanishes", []) => self.github.delete_account(who),
            ("becomes", [login]) => self.github.with(|state| {
                for user in &mut state.users {
                    if user.login == **login {
                        user.login = format!("{login}-before");
                    } else if user.login == who {
                        user.login = (*login).to_owned();
                    }
                }
            }),
            _ => panic!("nobody {how} {}", rest.join(" ")),
        }
    }

    /// The address that GitHub commits by in the browser.
    fn web_flow(&self) -> String {
        self.github.with(|state| {
            let web_flow = state.users.iter().find(|user| user.login == "web-flow");
            web_flow.unwrap().emails[0].clone()
        })
    }

    fn id_of(&self, login: &str) -> u64 {
        self.github.with(|state| state.id_of(login))
    }
}

/// Somebody's last review.
fn last_by(state: &State, pull: u64, who: &str) -> usize {
    let by = state.id_of(who);
    let last = state.pull(pull).reviews.iter().rposition(|review| review.user == by);
    last.unwrap_or_else(|| panic!("{who} gave no review"))
}
