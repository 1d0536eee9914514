//! Who signed what: assigns the people whose approvals count to the sign-offs that are required.
//!
//! Roles and owners are matched to distinct people so that as many as possible are satisfied: a
//! maximum matching, not a count, because a person who holds two roles fills only one. A level is
//! satisfied by anyone who holds it, a named person by that person, the incident commander by
//! anyone who holds that role; these people may fill a role, too. This is fixed here, so that no
//! policy can weaken it.

use std::collections::{BTreeMap, BTreeSet};

pub mod lock_out;
mod shortage;

use self::shortage::{Shortage, shortages};
use super::approvals::{Exclusion, Standing};
use super::decision::{Finding, Required, ReviewStanding};
use super::evidence::ForgeKind;
use super::org::{Org, Person};
use super::policy::Requirement;
use super::terms::{Effect, INCIDENT_COMMANDER, Level, Login, one_of};
use super::time::Time;
use crate::policy::Asked;

/// Returns each sign-off once for every person that it requires, with the number of the seat.
fn seats(asked: &[Asked]) -> impl Iterator<Item = (&Asked, usize)> {
    asked.iter().flat_map(|asked| (0..asked.people as usize).map(move |seat| (asked, seat)))
}

/// The people who could sign, and those who did.
pub struct Signers<'a> {
    /// The organisation data at base.
    pub org: &'a Org,
    /// The forge whose rules of identity apply.
    pub forge: Option<ForgeKind>,
    /// The people who can't approve.
    pub excluded: &'a BTreeMap<Login, Exclusion>,
    /// Every review, and whether it counts.
    pub standings: &'a [Standing<'a>],
    /// When a missing sign-off becomes overdue.
    pub due_at: Option<Time>,
}

impl<'a> Signers<'a> {
    /// Assigns everyone whose approval counts to the sign-offs that are required.
    pub fn settle(&self, asked: &[Asked]) -> Vec<Required> {
        let signed = self.settle_with(asked, |_| true);
        let approvers = self.approvers(|_| true);
        let given = |seat: &Asked| {
            let own = seats(asked).zip(&signed).filter(|((other, _), _)| *other == seat);
            own.filter(|(_, by)| by.is_some()).count()
        };
        let shortages = self.shortages(asked, &signed);
        let stays_empty = |seat| shortages.iter().any(|shortage| shortage.empty == seat);
        seats(asked)
            .zip(&signed)
            .enumerate()
            .map(|(index, ((seat, _), by))| Required {
                what: seat.what.clone(),
                because: seat.because.clone(),
                late: by.is_some_and(|by| self.is_late(by)),
                level: by.filter(|_| seat.is_level()).and_then(|by| self.level_of(by)),
                satisfied_by: by.cloned(),
                eligible: match by {
                    Some(_) => self.eligible(&seat.what).cloned().collect(),
                    None if stays_empty(index) => Vec::new(),
                    None => self.left_for(seat, asked, &approvers, given(seat)),
                },
            })
            .collect()
    }

    /// Returns who could still give a sign-off of which `given` are there, and more are missing. A
    /// person who has approved already can't, but somebody else may free them from another seat.
    fn left_for(
        &self,
        seat: &Asked,
        asked: &[Asked],
        approvers: &[&'a Login],
        given: usize,
    ) -> Vec<Login> {
        let left = |what| self.eligible(what).filter(|login| !approvers.contains(login));
        let direct: Vec<_> = left(&seat.what).cloned().collect();
        if !direct.is_empty() || !seat.takes_a_person() {
            return direct;
        }
        // Its places come first, so that they are filled if anybody can be spared for them.
        let others = asked.iter().filter(|other| other.takes_a_person() && *other != seat);
        let people: Vec<_> = std::iter::once(seat).chain(others).cloned().collect();
        let filled = |approvers: &[&'a Login]| {
            let filled = self.assign(&people, approvers.to_vec());
            let own = filled.iter().take(seat.people.into()).flatten().count();
            (own, filled.iter().flatten().count())
        };
        let (_, all) = filled(approvers);
        let frees_somebody = |login: &&&'a Login| {
            let (own_then, all_then) = filled(&[approvers, &[**login]].concat());
            own_then > given && all_then > all
        };
        let candidates: BTreeSet<_> = people.iter().flat_map(|other| left(&other.what)).collect();
        candidates.iter().filter(frees_somebody).map(|login| (*login).clone()).collect()
    }

    /// Returns the seats that would stay empty if everybody signed who can.
    fn shortages<T>(&self, asked: &[Asked], signed: &[Option<T>]) -> Vec<Shortage<'a>> {
        shortages(self, asked, &self.approvers(|_| true), |seat| signed[seat].is_some())
    }

    /// Returns the people whose approvals count, and for which `still` is true, in order of login.
    fn approvers(&self, still: impl Fn(&Standing<'a>) -> bool) -> Vec<&'a Login> {
        let counting =
            self.standings.iter().filter(|standing| standing.counts() && still(standing));
        let mut approvers: Vec<_> = counting.filter_map(|standing| standing.by).collect();
        approvers.sort_unstable();
        approvers
    }

    /// Returns who signs for each seat, using only the approvals for which `still` is true.
    pub fn settle_with(
        &self,
        asked: &[Asked],
        still: impl Fn(&Standing<'a>) -> bool,
    ) -> Vec<Option<&'a Login>> {
        self.assign(asked, self.approvers(still))
    }

    /// Returns which of these people signs for each seat.
    fn assign(&self, asked: &[Asked], approvers: Vec<&'a Login>) -> Vec<Option<&'a Login>> {
        let candidates = |asked: &Asked| -> Vec<usize> {
            let can_sign = |approver: &usize| self.can_sign(&asked.what, approvers[*approver]);
            (0..approvers.len()).filter(can_sign).collect()
        };
        let roles: Vec<_> = seats(asked)
            .filter(|(asked, _)| asked.takes_a_person())
            .map(|(asked, _)| candidates(asked))
            .collect();
        let mut filled_roles = maximum_matching(&roles, approvers.len()).into_iter();
        seats(asked)
            .map(|(asked, seat)| {
                if asked.takes_a_person() {
                    filled_roles.next().flatten()
                } else {
                    candidates(asked).get(seat).copied()
                }
            })
            .map(|approver| approver.map(|approver| approvers[approver]))
            .collect()
    }

    /// Returns everyone in the roster who could give this sign-off, in order of login.
    fn eligible(&self, what: &Requirement) -> impl Iterator<Item = &'a Login> {
        let unsigned = self.org.settings.unsigned_reviews.is_allowed();
        self.org.roster.people.iter().filter_map(move |(login, person)| {
            let identified = match self.forge {
                Some(ForgeKind::Github) => person.id.is_some(),
                // A review's commit names its author by an address.
                Some(ForgeKind::Git) => {
                    !person.emails.is_empty() && (unsigned || !person.keys.is_empty())
                }
                None => true,
            };
            let independent = !self.excluded.contains_key(login);
            (identified && independent && self.can_sign(what, login)).then_some(login)
        })
    }

    fn can_sign(&self, what: &Requirement, login: &Login) -> bool {
        let holds = |person: &Person, role: &str| person.roles.iter().any(|held| held == role);
        self.org.roster.people.get(login).is_some_and(|person| match what {
            Requirement::Level { any_of, or_users } => {
                or_users.contains(login) || any_of.iter().any(|level| person.level >= Some(*level))
            }
            Requirement::Role { role } => holds(person, role),
            Requirement::Owner { service } => self
                .org
                .roster
                .services
                .get(service.as_str())
                .is_some_and(|service| service.owners.contains(login)),
            Requirement::Person { user } => user == login,
            Requirement::Commander => holds(person, INCIDENT_COMMANDER),
        })
    }

    /// Returns a pending finding for each sign-off that is missing.
    pub fn missing(&self, asked: &[Asked], required: &[Required]) -> Vec<Finding> {
        let signed: Vec<_> =
            required.iter().map(|required| required.satisfied_by.as_ref()).collect();
        let shortages = self.shortages(asked, &signed);
        let concerning = |seat| shortages.iter().find(|shortage| shortage.seats.contains(&seat));
        let mut findings: Vec<_> = seats(asked)
            .zip(required)
            .enumerate()
            .filter(|(_, (_, required))| required.satisfied_by.is_none())
            .map(|(index, ((asked, _), required))| {
                let because = asked.because.as_ref();
                let because = because.map(|because| format!(": {because}")).unwrap_or_default();
                let (verb, help) = match concerning(index) {
                    Some(shortage) => self.dead_end(&asked.what, shortage),
                    None => ("waits for", format!("{} can approve", one_of(&required.eligible))),
                };
                Finding {
                    code: asked.code.clone(),
                    effect: Effect::Pending,
                    message: format!("{verb} {}{because}", asked.what),
                    help: Some(help),
                    pointer: asked.pointer.clone(),
                    line: None,
                    column: None,
                    controls: Vec::new(),
                    span: None,
                }
            })
            .collect();
        findings.dedup();
        findings
    }

    /// Returns how a sign-off that too few people are left for is reported, and what to do about it.
    fn dead_end(&self, what: &Requirement, shortage: &Shortage<'_>) -> (&'static str, String) {
        let approvers = self.approvers(|_| true);
        if shortage.people.iter().any(|login| !approvers.contains(login)) {
            let left = shortage.in_words();
            return (
                "waits for",
                format!("{left}; give it to somebody else in policies/org/roster"),
            );
        }
        if self.org.roster.people.keys().any(|login| self.can_sign(what, login)) {
            let help = "nobody is left who can give it: everyone who holds it takes part in the \
                        change, or has signed for something else; give it to somebody else in \
                        policies/org/roster";
            return ("waits for", help.to_owned());
        }
        let help = "correct the name in the rule or the request that asks for it, or give it to \
                    somebody in policies/org/roster";
        ("nobody in the roster can sign as", help.to_owned())
    }

    fn level_of(&self, login: &Login) -> Option<Level> {
        self.org.roster.people.get(login).and_then(|person| person.level)
    }

    fn is_late(&self, by: &Login) -> bool {
        let given = |standing: &&Standing<'_>| standing.counts() && standing.by == Some(by);
        let given_at =
            self.standings.iter().find(given).map(|standing| standing.review.submitted_at);
        given_at.zip(self.due_at).is_some_and(|(given, due)| given > due)
    }

    /// Returns every review as the decision shows it: a valid one counts only if the reviewer holds
    /// a level, role or service that this change requires.
    pub fn reviews(&self, asked: &[Asked]) -> Vec<ReviewStanding> {
        self.standings
            .iter()
            .map(|standing| {
                let useful = |by: &Login| asked.iter().any(|asked| self.can_sign(&asked.what, by));
                let why = match (&standing.why_not, standing.by) {
                    (Some(why), _) => Some(why.to_string()),
                    (None, _) if asked.is_empty() => Some("no review is required".to_owned()),
                    (None, Some(by)) if useful(by) => None,
                    (None, _) => {
                        Some("the reviewer can give none of the required sign-offs".to_owned())
                    }
                };
                ReviewStanding {
                    user: standing.by.or(standing.review.user.as_ref()).cloned(),
                    state: standing.review.state,
                    submitted_at: standing.review.submitted_at,
                    counts: why.is_none(),
                    why,
                }
            })
            .collect()
    }
}

/// A maximum matching of slots to people, by augmenting paths: `candidates[slot]` lists the people
/// who can fill it, out of `people`. Earlier slots and earlier people are preferred, so that the
/// result is stable.
fn maximum_matching(candidates: &[Vec<usize>], people: usize) -> Vec<Option<usize>> {
    fn fill(
        slot: usize,
        candidates: &[Vec<usize>],
        held_by: &mut [Option<usize>],
        tried: &mut [bool],
    ) -> bool {
        candidates[slot].iter().any(|&person| {
            !std::mem::replace(&mut tried[person], true)
                && held_by[person].is_none_or(|other| fill(other, candidates, held_by, tried))
                && {
                    held_by[person] = Some(slot);
                    true
                }
        })
    }
    let mut held_by = vec![None; people];
    for slot in 0..candidates.len() {
        fill(slot, candidates, &mut held_by, &mut vec![false; people]);
    }
    let mut filled = vec![None; candidates.len()];
    for (person, slot) in held_by.into_iter().enumerate() {
        if let Some(slot) = slot {
            filled[slot] = Some(person);
        }
    }
    filled
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::policy::{PolicyBundle, shipped_files};

    fn matched(candidates: &[&[usize]], people: usize) -> Vec<Option<usize>> {
        let candidates: Vec<_> = candidates.iter().map(|people| people.to_vec()).collect();
        maximum_matching(&candidates, people)
    }

    #[test]
    fn a_matching_is_not_a_count() {
        // bob holds both roles, carol only the first: assigning greedily in either order must not
        // leave one role empty.
        assert_eq!(matched(&[&[0, 1], &[0]], 2), [Some(1), Some(0)]);
        assert_eq!(matched(&[&[0], &[0, 1]], 2), [Some(0), Some(1)]);
        // Two roles, one person: one is filled.
        assert_eq!(matched(&[&[0], &[0]], 1), [Some(0), None]);
        // A chain that has to be shifted through all three.
        assert_eq!(matched(&[&[0, 1], &[1, 2], &[0]], 3), [Some(1), Some(2), Some(0)]);
        assert_eq!(matched(&[&[], &[0]], 1), [None, Some(0)]);
    }

    #[test]
    fn what_nobody_can_give_is_not_waited_for() {
        let org = PolicyBundle::tables(&shipped_files()).unwrap();
        let excluded = BTreeMap::new();
        let signers =
            Signers { org: &org, forge: None, excluded: &excluded, standings: &[], due_at: None };
        let asked = [("role", "role", "data-base"), ("role", "role", "devops-lead")];
        let asked = asked.map(|(kind, field, name)| {
            serde_json::from_value::<Asked>(json!({"kind": kind, field: name, "because": "so"}))
        });
        let asked = asked.map(Result::unwrap);
        let missing = signers.missing(&asked, &signers.settle(&asked));
        let text = missing.iter().map(|finding| finding.with_help("; ")).collect::<Vec<_>>();
        assert_eq!(
            text,
            [
                "nobody in the roster can sign as data-base: so; correct the name in the rule or the \
                 request that asks for it, or give it to somebody in policies/org/roster",
                "waits for devops-lead: so; bob or grace can approve",
            ]
        );
    }
}
