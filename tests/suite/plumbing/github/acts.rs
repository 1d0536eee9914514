//! What people do, and what the server makes of it: events, activity, times.

use git2::Oid;

use super::repository::full_name;
use super::state::{Activity, Comment, Event, Merged, Pull, Review, Reviewer, State, What};

impl State {
    /// Opens a pull request of a branch of `acme/ops`, or of a fork: `OWNER:BRANCH`.
    #[track_caller]
    pub fn open_pull(&mut self, author: &str, head: &str, base: &str) -> u64 {
        let author = self.id_of(author);
        let (repository, branch) = self.place(head);
        let from = &self.repositories[repository];
        let (repository, owner) = (from.id, self.id_of(&from.owner));
        let tip = from.tip(branch).unwrap_or_else(|| panic!("there is no branch {head}"));
        let base_then = self.ops().tip(base).unwrap_or_else(|| panic!("there is no branch {base}"));
        let (id, number) = (self.new_id(), self.new_number());
        self.pulls.push(Pull {
            id,
            number,
            title: branch.to_owned(),
            body: None,
            author,
            head_repository: Some(repository),
            head_owner: owner,
            head_branch: branch.to_owned(),
            head: tip,
            base: base.to_owned(),
            base_then,
            state: "open",
            draft: false,
            merged: None,
            created_at: self.now,
            updated_at: self.now,
            closed_at: None,
            requested_users: Vec::new(),
            requested_teams: Vec::new(),
            mergeable: Some(true),
            mergeable_state: "clean".to_owned(),
            reviews: Vec::new(),
            timeline: Vec::new(),
        });
        self.ops().point(&format!("refs/pull/{number}/head"), Some(tip));
        self.tell_commits(number, author);
        number
    }

    /// Sends a review of a pull request's head; one that is `PENDING` is only begun.
    pub fn review(&mut self, number: u64, user: u64, state: &str, body: &str) -> u64 {
        let (id, now) = (self.new_id(), self.now);
        let pending = state == "PENDING";
        let pull = self.pull_mut(number);
        pull.reviews.push(Review {
            id,
            user,
            state: state.to_owned(),
            body: body.to_owned(),
            commit: Some(pull.head),
            submitted_at: (!pending).then_some(now),
        });
        if !pending {
            pull.requested_users.retain(|requested| *requested != user);
            self.tell(number, user, What::Reviewed(id));
        }
        id
    }

    /// Dismisses a review.
    pub fn dismiss(&mut self, number: u64, review: u64, user: u64, message: Option<&str>) {
        let reviews = &mut self.pull_mut(number).reviews;
        let dismissed = reviews.iter_mut().find(|it| it.id == review).unwrap();
        let was = std::mem::replace(&mut dismissed.state, "DISMISSED".to_owned()).to_lowercase();
        let message = message.map(str::to_owned);
        self.tell(number, user, What::ReviewDismissed { review, was, message });
    }

    /// Writes a comment.
    pub fn comment(&mut self, number: u64, user: u64, body: &str) -> u64 {
        let (id, now) = (self.new_id(), self.now);
        let body = body.to_owned();
        self.comments.push(Comment { id, number, user, body, created_at: now, updated_at: now });
        if self.pulls.iter().any(|pull| pull.number == number) {
            self.tell(number, user, What::Commented(id));
        }
        id
    }

    /// Asks somebody for a review.
    pub fn request(&mut self, number: u64, user: u64, whom: &Reviewer) {
        let pull = self.pull_mut(number);
        let is_new = match whom {
            Reviewer::User(id) => add(&mut pull.requested_users, id),
            Reviewer::Team(slug) => add(&mut pull.requested_teams, slug),
        };
        if is_new {
            self.tell(number, user, What::ReviewRequested(whom.clone()));
        }
    }

    /// Asks them no more.
    pub fn unrequest(&mut self, number: u64, user: u64, whom: &Reviewer) {
        let pull = self.pull_mut(number);
        let was_asked = match whom {
            Reviewer::User(id) => remove(&mut pull.requested_users, id),
            Reviewer::Team(slug) => remove(&mut pull.requested_teams, slug),
        };
        if was_asked {
            self.tell(number, user, What::ReviewRequestRemoved(whom.clone()));
        }
    }

    /// Makes a pull request a draft, or ready.
    pub fn set_draft(&mut self, number: u64, user: u64, draft: bool) {
        self.pull_mut(number).draft = draft;
        let event = if draft { "convert_to_draft" } else { "ready_for_review" };
        self.tell(number, user, What::Other(event.to_owned()));
    }

    /// Closes a pull request without merging it.
    pub fn close(&mut self, number: u64, user: u64) {
        let now = self.now;
        let pull = self.pull_mut(number);
        (pull.state, pull.closed_at) = ("closed", Some(now));
        self.tell(number, user, What::Other("closed".to_owned()));
    }

    /// Opens it again.
    pub fn reopen(&mut self, number: u64, user: u64) {
        let pull = self.pull_mut(number);
        (pull.state, pull.closed_at) = ("open", None);
        self.tell(number, user, What::Other("reopened".to_owned()));
    }

    /// Lets a pull request go to another branch.
    pub fn set_base(&mut self, number: u64, user: u64, base: &str) {
        let tip = self.ops().tip(base).unwrap();
        let pull = self.pull_mut(number);
        (pull.base, pull.base_then) = (base.to_owned(), tip);
        self.tell(number, user, What::Other("base_ref_changed".to_owned()));
    }

    /// Merges a pull request by the button; says the merge commit.
    pub fn merge(&mut self, number: u64, user: u64) -> Oid {
        let pull = self.pull(number);
        let (onto, head) = self.range(pull);
        let head_branch = pull.head_branch.clone();
        let login = self.login(user);
        let email = format!("{user}+{login}@users.noreply.127.0.0.1");
        let message = format!("Merge pull request #{number} from {head_branch}");
        let seconds = self.now.utc().timestamp();
        let merge = self.ops().merge((onto, head), (login, email), &message, seconds);
        self.brought(number, user, onto, merge)
    }

    /// Squashes a pull request into one commit; says which.
    pub fn squash(&mut self, number: u64, user: u64) -> Oid {
        let pull = self.pull(number);
        let (onto, head) = self.range(pull);
        let message = format!("{} (#{number})", pull.title);
        let commit = self.ops().squash((onto, head), &message, self.now.utc().timestamp());
        self.brought(number, user, onto, commit)
    }

    /// Puts the commits of a pull request again onto its base; says the last one.
    pub fn rebase(&mut self, number: u64, user: u64) -> Oid {
        let (onto, head) = self.range(self.pull(number));
        let commit = self.ops().rebase((onto, head), self.now.utc().timestamp());
        self.brought(number, user, onto, commit)
    }

    fn brought(&mut self, number: u64, user: u64, onto: Oid, commit: Oid) -> Oid {
        let base = self.pull(number).base.clone();
        self.verified.insert(commit);
        self.merged(number, Merged { by: user, at: self.now, commit, onto });
        self.move_branch(0, &base, Some(commit), user, Some("pr_merge"));
        commit
    }

    /// Puts a pull request into the merge queue; says the commit that the queue makes.
    pub fn queue(&mut self, number: u64) -> Oid {
        let (onto, _) = self.range(self.pull(number));
        self.queue_behind(number, onto)
    }

    /// The same behind what the queue made for another one.
    pub fn queue_behind(&mut self, number: u64, onto: Oid) -> Oid {
        let pull = self.pull(number);
        let head = pull.head;
        let branch = format!("gh-readonly-queue/{}/pr-{number}-{onto}", pull.base);
        let web = ("GitHub".to_owned(), "noreply@github.com".to_owned());
        let message = format!("Merge pull request #{number}");
        let seconds = self.now.utc().timestamp();
        let commit = self.ops().merge((onto, head), web, &message, seconds);
        let queue = self.id_of("github-actions[bot]");
        self.move_branch(0, &branch, Some(commit), queue, None);
        commit
    }

    /// Lets the merge queue merge the commit that it has made.
    pub fn merge_queued(&mut self, number: u64, commit: Oid) -> Oid {
        let queue = self.id_of("github-merge-queue[bot]");
        self.merge_as(number, queue, commit)
    }

    /// Lets somebody merge a pull request as a commit that is there already.
    pub fn merge_as(&mut self, number: u64, user: u64, commit: Oid) -> Oid {
        let (onto, _) = self.range(self.pull(number));
        self.brought(number, user, onto, commit)
    }

    /// Moves a branch, as a push does; `None` deletes it.
    pub fn push(&mut self, user: u64, branch: &str, to: Option<Oid>) {
        let (repository, branch) = self.place(branch);
        let branch = branch.to_owned();
        self.move_branch(repository, &branch, to, user, None);
    }

    /// Takes note of what a push by git has changed in a repository.
    pub fn notice(&mut self, repository: usize, user: u64) {
        let now = self.repositories[repository].branches();
        let before = self.repositories[repository].noticed.clone();
        let names = before.keys().chain(now.keys().filter(|name| !before.contains_key(*name)));
        for name in names {
            let to = now.get(name).copied();
            if before.get(name).copied() != to {
                self.moved(repository, name, to, user, None);
            }
        }
    }

    /// Puts an event into a pull request's timeline.
    pub fn tell(&mut self, number: u64, actor: u64, what: What) {
        let (id, at) = (self.new_id(), self.now);
        let pull = self.pull_mut(number);
        pull.updated_at = at;
        pull.timeline.push(Event { id, at, actor, what });
    }

    /// What a branch's name means: a repository, and a branch in it.
    #[track_caller]
    pub fn place<'a>(&self, name: &'a str) -> (usize, &'a str) {
        let Some((owner, branch)) = name.split_once(':') else { return (0, name) };
        let found = self.repositories.iter().position(|it| it.owner.eq_ignore_ascii_case(owner));
        (found.unwrap_or_else(|| panic!("{owner} has no fork")), branch)
    }

    /// An account's login.
    pub fn login(&self, id: u64) -> String {
        self.users.iter().find(|user| user.id == id).unwrap().login.clone()
    }

    fn move_branch(
        &mut self,
        repository: usize,
        branch: &str,
        to: Option<Oid>,
        user: u64,
        kind: Option<&'static str>,
    ) {
        self.repositories[repository].point(&full_name(branch), to);
        self.moved(repository, branch, to, user, kind);
    }

    /// What follows when a branch has moved.
    fn moved(
        &mut self,
        repository: usize,
        branch: &str,
        to: Option<Oid>,
        user: u64,
        kind: Option<&'static str>,
    ) {
        let (id, at) = (self.new_id(), self.now);
        let place = &mut self.repositories[repository];
        let before = place.noticed.remove(branch);
        if let Some(to) = to {
            place.noticed.insert(branch.to_owned(), to);
        }
        let kind = kind.unwrap_or(match (before, to) {
            (None, _) => "branch_creation",
            (_, None) => "branch_deletion",
            (Some(before), Some(to)) if place.holds(to, before) => "push",
            _ => "force_push",
        });
        let place = place.id;
        self.activity.push(Activity {
            id,
            repository: place,
            actor: user,
            reference: full_name(branch),
            before: before.unwrap_or_else(|| Oid::from_bytes(&[0; 20]).unwrap()),
            after: to.unwrap_or_else(|| Oid::from_bytes(&[0; 20]).unwrap()),
            kind,
            at,
        });
        let open: Vec<_> = self.pulls.iter().filter(|pull| pull.state == "open").collect();
        let is_head =
            |pull: &Pull| pull.head_repository == Some(place) && pull.head_branch == branch;
        let is_base = |pull: &Pull| repository == 0 && pull.base == branch;
        let numbers = |is: &dyn Fn(&Pull) -> bool| -> Vec<u64> {
            open.iter().filter(|pull| is(pull)).map(|pull| pull.number).collect()
        };
        let (from, into) = (numbers(&is_head), numbers(&is_base));
        for number in from {
            match to {
                Some(to) => self.head_moved(number, to, user, kind == "force_push"),
                None => {
                    self.close(number, user);
                    self.tell(number, user, What::Other("head_ref_deleted".to_owned()));
                }
            }
        }
        for number in into {
            self.base_moved(number, before, to, user);
        }
    }

    fn head_moved(&mut self, number: u64, to: Oid, user: u64, by_force: bool) {
        self.ops().point(&format!("refs/pull/{number}/head"), Some(to));
        let base = self.ops().tip(&self.pull(number).base);
        let rebinds = self.rebinds_reviews && by_force;
        let pull = self.pull_mut(number);
        pull.head = to;
        pull.base_then = base.unwrap_or(pull.base_then);
        if rebinds {
            pull.reviews.iter_mut().for_each(|review| review.commit = Some(to));
        }
        self.tell_commits(number, user);
        if by_force {
            self.tell(number, user, What::HeadForcePushed(to));
        }
    }

    /// A pull request whose commits its base has got by a push counts as merged.
    fn base_moved(&mut self, number: u64, before: Option<Oid>, to: Option<Oid>, user: u64) {
        let (Some(onto), Some(commit)) = (before, to) else { return };
        let (repository, head) = (self.ops(), self.pull(number).head);
        if repository.holds(commit, head) && !repository.holds(onto, head) {
            self.merged(number, Merged { by: user, at: self.now, commit, onto });
        }
    }

    fn merged(&mut self, number: u64, merged: Merged) {
        let (user, commit) = (merged.by, merged.commit);
        self.pull_mut(number).merged = Some(merged);
        self.tell(number, user, What::Merged(commit));
        self.close(number, user);
    }

    /// Brings the commits in a timeline up to date: those that are gone vanish from it.
    fn tell_commits(&mut self, number: u64, user: u64) {
        let pull = self.pull(number);
        let commits = self.ops().brought(self.range(pull));
        let pull = self.pull_mut(number);
        pull.timeline.retain(|event| match event.what {
            What::Committed(commit) => commits.contains(&commit),
            _ => true,
        });
        let told: Vec<_> = pull.timeline.iter().filter_map(Event::commit).collect();
        for commit in commits.into_iter().filter(|commit| !told.contains(commit)) {
            self.tell(number, user, What::Committed(commit));
        }
        let now = self.now;
        self.pull_mut(number).updated_at = now;
    }
}

impl Event {
    fn commit(&self) -> Option<Oid> {
        match self.what {
            What::Committed(commit) => Some(commit),
            _ => None,
        }
    }
}

fn add<T: PartialEq + Clone>(list: &mut Vec<T>, item: &T) -> bool {
    let is_new = !list.contains(item);
    if is_new {
        list.push(item.clone());
    }
    is_new
}

fn remove<T: PartialEq>(list: &mut Vec<T>, item: &T) -> bool {
    let before = list.len();
    list.retain(|it| it != item);
    list.len() < before
}
