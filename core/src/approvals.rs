//! Which reviews count, and why the others don't.
//!
//! This is fixed here and not in a policy, so that no policy can weaken it. Of each person the
//! latest review counts; nobody approves their own change; an approval is bound to the material
//! content that was reviewed, and to the time after that content arrived; and it expires. Whether
//! the person who approved holds a level, role or service that the change requires is decided in
//! [`super::sign_off`].

use std::collections::BTreeMap;
use std::fmt;

use super::digest::Digest;
use super::evidence::{Evidence, ForgeKind, PullRequest, Review, ReviewState, Unproven};
use super::org::{Org, Person, Roster};
use super::request::ChangeRequest;
use super::terms::Login;
use super::time::{Duration, Time};

/// A review, and whether it counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing<'a> {
    /// The review.
    pub review: &'a Review,
    /// The person in the roster who gave it; `None` if nobody could be identified.
    pub by: Option<&'a Login>,
    /// Why it doesn't count; `None` if it counts.
    pub why_not: Option<WhyNot>,
    /// Whether it is a request for changes that is still in force.
    pub objects: bool,
}

impl Standing<'_> {
    /// Returns whether this approval counts.
    pub fn counts(&self) -> bool {
        self.why_not.is_none()
    }
}

/// Why a review doesn't count.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "`Display` describes each")]
pub enum WhyNot {
    Comment,
    NotSubmitted,
    ChangesRequested,
    Dismissed,
    DeletedAccount,
    Bot,
    NotInRoster,
    NoForgeId,
    OtherForgeId,
    FormerMember { team: String },
    MembersUnknown { team: String },
    Unproven(Unproven),
    NotYet,
    Excluded(Exclusion),
    Superseded,
    OtherContent,
    BeforeContent,
    Expired { at: Time },
}

impl fmt::Display for WhyNot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WhyNot::Comment => f.write_str("a comment is not an approval"),
            WhyNot::NotSubmitted => f.write_str("the review was started but not submitted"),
            WhyNot::ChangesRequested => f.write_str("it requests changes"),
            WhyNot::Dismissed => f.write_str("it was dismissed"),
            WhyNot::DeletedAccount => f.write_str("the reviewer's account was deleted"),
            WhyNot::Bot => f.write_str("a bot's approval counts only if the settings list it"),
            WhyNot::NotInRoster => f.write_str("the reviewer isn't in the roster"),
            WhyNot::NoForgeId => f.write_str("the roster has no numeric id for this login"),
            WhyNot::OtherForgeId => {
                f.write_str("the roster has a different numeric id for this login")
            }
            WhyNot::FormerMember { team } => {
                write!(f, "the forge no longer lists the reviewer as a member of {team}")
            }
            WhyNot::MembersUnknown { team } => write!(
                f,
                "the forge doesn't show the members of {team} to this token: give it read access, \
                 or remove `forge_team` from the roster"
            ),
            WhyNot::Unproven(unproven) => write!(f, "{unproven}"),
            WhyNot::NotYet => f.write_str("it is dated in the future"),
            WhyNot::Excluded(exclusion) => {
                write!(f, "nobody approves their own change: the reviewer {exclusion}")
            }
            WhyNot::Superseded => f.write_str("a later review by the same person replaces it"),
            WhyNot::OtherContent => f.write_str(
                "the request was changed after it: the approved content is not the current content",
            ),
            WhyNot::BeforeContent => f.write_str("it was given before this content arrived"),
            WhyNot::Expired { at } => write!(f, "it expired on {} UTC", at.for_people(None)),
        }
    }
}

/// Why a person can't approve a change: it is their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "`Display` describes each")]
pub enum Exclusion {
    Requester,
    Implementer,
    Author,
    Contributor,
    Pusher,
}

impl Exclusion {
    /// Returns whether the person may withdraw the change, so that their own objection is ignored.
    pub fn asks(self) -> bool {
        matches!(self, Exclusion::Requester | Exclusion::Author)
    }
}

impl fmt::Display for Exclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Exclusion::Requester => "requested it",
            Exclusion::Implementer => "performs it",
            Exclusion::Author => "submitted the change",
            Exclusion::Contributor => "contributed a commit to it",
            Exclusion::Pusher => "pushed to it",
        })
    }
}

/// Returns everyone who can't approve, each with the first reason.
pub fn excluded<'a>(
    request: Option<&'a ChangeRequest>,
    pull_request: &'a PullRequest,
    pushers: impl Iterator<Item = &'a Login>,
) -> BTreeMap<Login, Exclusion> {
    let requester = request.and_then(|request| request.requester.as_ref());
    let implementer = request.and_then(|request| request.implementer.as_ref());
    let named = (requester.into_iter().map(|login| (login, Exclusion::Requester)))
        .chain(implementer.map(|login| (login, Exclusion::Implementer)))
        .chain(pull_request.author.iter().map(|login| (login, Exclusion::Author)))
        .chain(pull_request.contributors.iter().filter_map(|contributor| {
            contributor.login.as_ref().map(|login| (login, Exclusion::Contributor))
        }))
        .chain(pushers.map(|login| (login, Exclusion::Pusher)));
    let mut excluded = BTreeMap::new();
    for (login, exclusion) in named {
        excluded.entry(login.clone()).or_insert(exclusion);
    }
    excluded
}

/// The facts that reviews are compared with.
pub struct Reviewing<'a, 's> {
    /// The organisation data at base.
    pub org: &'a Org,
    /// The evidence about the pull request.
    pub evidence: &'a Evidence,
    /// The pull request.
    pub pull_request: &'a PullRequest,
    /// The people who can't approve.
    pub excluded: &'a BTreeMap<Login, Exclusion>,
    /// The material digest at head; `None` if no request is judged.
    pub material: Option<&'a Digest>,
    /// The affected services, whose owners can object.
    pub services: &'s [&'a str],
    /// The people from whom the request requires an approval by name; they can object, too.
    pub asked_for: &'s [&'a Login],
    /// The time that the decision is made for.
    pub now: Time,
}

impl<'a> Reviewing<'a, '_> {
    /// Returns whether each review counts, in the order given.
    pub fn standings(&self) -> Vec<Standing<'a>> {
        let mut standings: Vec<_> = self
            .evidence
            .reviews
            .iter()
            .map(|review| {
                let (by, stranger) = match identify(review, self.org, self.evidence.forge) {
                    Ok(login) => (Some(login), None),
                    Err(why) => (None, Some(why)),
                };
                let own =
                    by.and_then(|login| self.excluded.get(login)).map(|e| WhyNot::Excluded(*e));
                let why_not = by_state(review.state)
                    .or(stranger)
                    .or(own)
                    .or_else(|| by.and_then(|login| self.left(login)))
                    .or_else(|| self.bound(review));
                Standing { review, by, why_not, objects: false }
            })
            .collect();
        for one_person in by_person(&standings) {
            self.settle_person(&mut standings, &one_person);
        }
        for standing in &mut standings {
            standing.objects |= self.is_last_word(standing);
        }
        standings
    }

    /// Returns why a person no longer holds what the roster says: the forge doesn't list them as a
    /// member of the team that the roster assigns them to.
    fn left(&self, login: &Login) -> Option<WhyNot> {
        let team = self.org.roster.people.get(login)?.team.as_ref()?;
        let is_linked_to_forge = || {
            let team = self.org.roster.teams.get(team);
            self.evidence.forge == Some(ForgeKind::Github)
                && team.is_some_and(|team| team.forge_team.is_some())
        };
        let members = match self.evidence.teams.get(team) {
            Some(known) => known.members.as_ref(),
            None if is_linked_to_forge() => None,
            None => return None,
        };
        match members {
            None => Some(WhyNot::MembersUnknown { team: team.clone() }),
            Some(members) if members.contains(login) => None,
            Some(_) => Some(WhyNot::FormerMember { team: team.clone() }),
        }
    }

    /// Checks that an approval applies to the current content: it was given for the same content,
    /// after that content arrived, and has not expired.
    fn bound(&self, review: &Review) -> Option<WhyNot> {
        let head = self.pull_request.head.as_deref();
        let same_commit = head.is_some() && review.commit.as_deref() == head;
        let same_content = match (&review.material, self.material) {
            (Some(reviewed), Some(now)) => review.commit.is_some() && reviewed == now,
            _ => same_commit,
        };
        if !same_content {
            return Some(WhyNot::OtherContent);
        }
        let arrived = self.evidence.content_arrived_at.unwrap_or(self.pull_request.submitted_at);
        if review.submitted_at < arrived {
            return Some(WhyNot::BeforeContent);
        }
        if self.evidence.forge == Some(ForgeKind::Git) && review.submitted_at > self.now {
            return Some(WhyNot::NotYet);
        }
        let ends = self.ends_at(review);
        (ends <= self.now).then_some(WhyNot::Expired { at: ends })
    }

    /// Returns when an approval expires.
    pub fn ends_at(&self, review: &Review) -> Time {
        let valid_for: Duration = self.org.settings.approval_valid_for;
        review.submitted_at + valid_for
    }

    /// Applies one person's later reviews to the earlier ones; `indices` is in the forge's order.
    fn settle_person(&self, standings: &mut [Standing<'a>], indices: &[usize]) {
        let mut objections: Vec<usize> = Vec::new();
        let mut approval: Option<usize> = None;
        for &index in indices {
            let review = standings[index].review;
            match review.state {
                ReviewState::Commented | ReviewState::Pending => continue,
                ReviewState::Approved => {
                    supersede(standings, approval.replace(index));
                    // An approval that has only expired lifted the objection when it was given.
                    if matches!(standings[index].why_not, None | Some(WhyNot::Expired { .. })) {
                        objections.clear();
                    }
                }
                ReviewState::ChangesRequested => {
                    supersede(standings, approval.take());
                    objections.push(index);
                }
                ReviewState::Dismissed => {
                    supersede(standings, approval.take());
                    if !self.lifted(&standings[index]) {
                        objections.push(index);
                    }
                }
            }
        }
        for index in objections {
            standings[index].objects = self.weighs(standings[index].by);
        }
    }

    /// Returns whether a review requests changes in the name of an account that was deleted since:
    /// whether it weighed is no longer known, and nobody can withdraw it. Plain Git has no accounts.
    fn is_last_word(&self, standing: &Standing<'_>) -> bool {
        let Review { user, state, .. } = standing.review;
        let is_deleted = user.is_none() && self.evidence.forge != Some(ForgeKind::Git);
        let was_dismissed = *state == ReviewState::Dismissed && !self.lifted(standing);
        is_deleted && (was_dismissed || *state == ReviewState::ChangesRequested)
    }

    /// Returns whether a dismissed review no longer objects: it never did, its author took it back,
    /// or an independent person dismissed it. An unknown dismisser doesn't lift an objection, nor
    /// does a bot, because it acts on somebody's instructions.
    fn lifted(&self, standing: &Standing<'_>) -> bool {
        let dismissed = standing.review.dismissed.as_ref();
        let was = dismissed.and_then(|dismissed| dismissed.was);
        let by = dismissed.and_then(|dismissed| dismissed.by.as_ref());
        let is_own = self.evidence.forge.is_some() && by == standing.by;
        let is_independent =
            |by| !self.excluded.contains_key(by) && !is_unlisted_bot(by, false, self.org);
        matches!(was, Some(ReviewState::Approved | ReviewState::Commented))
            || by.is_some_and(|by| is_own || is_independent(by))
    }

    /// Returns whether a person's part in the change keeps them from objecting. On a forge this
    /// holds only for those who request it: a commit can name anyone as its author, and so could
    /// silence them.
    fn silences(&self, exclusion: Exclusion) -> bool {
        self.evidence.forge.is_none() || exclusion.asks()
    }

    /// Returns whether this person's approval could count: they don't request the change, and hold
    /// a level that approves, a role, or an affected service, or the request names them.
    fn weighs(&self, by: Option<&Login>) -> bool {
        let Some((login, person)) =
            by.and_then(|login| self.org.roster.people.get_key_value(login))
        else {
            return false;
        };
        !self.excluded.get(login).is_some_and(|exclusion| self.silences(*exclusion))
            && !matches!(self.left(login), Some(WhyNot::FormerMember { .. }))
            && (person.level >= self.org.lowest_approving_level()
                || !person.roles.is_empty()
                || self.asked_for.contains(&login)
                || self.org.roster.owned_by(login).any(|service| self.services.contains(&service)))
    }
}

/// Returns why a review in this state is not an approval.
fn by_state(state: ReviewState) -> Option<WhyNot> {
    match state {
        ReviewState::Approved => None,
        ReviewState::ChangesRequested => Some(WhyNot::ChangesRequested),
        ReviewState::Commented => Some(WhyNot::Comment),
        ReviewState::Dismissed => Some(WhyNot::Dismissed),
        ReviewState::Pending => Some(WhyNot::NotSubmitted),
    }
}

fn supersede(standings: &mut [Standing<'_>], earlier: Option<usize>) {
    if let Some(earlier) = earlier {
        standings[earlier].why_not = Some(WhyNot::Superseded);
    }
}

/// Returns the indices of each person's reviews, in the forge's order.
fn by_person(standings: &[Standing<'_>]) -> Vec<Vec<usize>> {
    let mut people: BTreeMap<&Login, Vec<usize>> = BTreeMap::new();
    for (index, standing) in standings.iter().enumerate() {
        if let Some(login) = standing.by {
            people.entry(login).or_default().push(index);
        }
    }
    people.into_values().collect()
}

/// Returns the person in the roster who gave a review: by the forge's numeric id if both have one,
/// otherwise by login.
fn identify<'a>(
    review: &Review,
    org: &'a Org,
    forge: Option<ForgeKind>,
) -> Result<&'a Login, WhyNot> {
    let login = review.user.as_ref().ok_or(WhyNot::DeletedAccount)?;
    if is_unlisted_bot(login, review.bot, org) {
        return Err(WhyNot::Bot);
    }
    if let Some(unproven) = review.unproven
        && !(unproven == Unproven::Unsigned && org.settings.unsigned_reviews.is_allowed())
    {
        return Err(WhyNot::Unproven(unproven));
    }
    if let Some(id) = &review.user_id
        && let Some((login, _)) = person_with_id(&org.roster, id)
    {
        return Ok(login);
    }
    let (login, person) = org.roster.people.get_key_value(login).ok_or(WhyNot::NotInRoster)?;
    match (&person.id, &review.user_id) {
        (Some(_), Some(_)) => Err(WhyNot::OtherForgeId),
        _ if forge == Some(ForgeKind::Github) => Err(WhyNot::NoForgeId),
        _ => Ok(login),
    }
}

/// Returns whether the account is a bot that the settings don't list; `known` if the forge says
/// that it is a bot.
fn is_unlisted_bot(login: &Login, known: bool, org: &Org) -> bool {
    (known || login.as_str().ends_with("[bot]")) && !org.settings.bots.contains(login)
}

fn person_with_id<'a>(roster: &'a Roster, id: &str) -> Option<(&'a Login, &'a Person)> {
    roster.people.iter().find(|(_, person)| person.id.as_deref() == Some(id))
}
