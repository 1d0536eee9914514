//! Finds the seats that nobody is left for, because others need the same people.

use std::collections::BTreeSet;

use super::{Signers, maximum_matching, seats};
use crate::policy::Asked;
use crate::terms::{Login, all_of};

/// A seat that stays empty even if everybody signs who can, with the seats that need the same people.
pub struct Shortage<'a> {
    /// The number of the seat that stays empty.
    pub empty: usize,
    /// The numbers of all seats that need these people, the empty one too.
    pub seats: Vec<usize>,
    /// Everybody who can sign for any of the seats, in order of login.
    pub people: Vec<&'a Login>,
}

impl Shortage<'_> {
    /// Writes `2 different people are needed for it, and 1 is left: cho`.
    pub fn in_words(&self) -> String {
        let (needed, left) = (self.seats.len(), self.people.len());
        let are = if left == 1 { "is" } else { "are" };
        let names = all_of(&self.people);
        format!("{needed} different people are needed, and {left} {are} left: {names}")
    }
}

/// Returns the shortages among the sign-offs that are required; `is_signed` says it of each seat.
pub fn shortages<'a>(
    signers: &Signers<'a>,
    asked: &[Asked],
    approvers: &[&'a Login],
    is_signed: impl Fn(usize) -> bool,
) -> Vec<Shortage<'a>> {
    let able = |asked: &Asked| -> BTreeSet<&'a Login> {
        let signed = approvers.iter().copied();
        let signed = signed.filter(|login| signers.can_sign(&asked.what, login));
        signers.eligible(&asked.what).chain(signed).collect()
    };
    let all: Vec<_> = seats(asked).enumerate().collect();
    let of_level = all.iter().filter(|(_, (asked, _))| !asked.takes_a_person());
    let mut found: Vec<_> = of_level
        .map(|&(empty, (asked, seat))| {
            let first = empty - seat;
            let seats = (first..first + usize::from(asked.people)).collect();
            (seat, Shortage { empty, seats, people: able(asked).into_iter().collect() })
        })
        .filter_map(|(seat, shortage)| (seat >= shortage.people.len()).then_some(shortage))
        .collect();

    // What is signed comes first, so that it stays signed.
    let mut roles: Vec<_> = all.iter().filter(|(_, (asked, _))| asked.takes_a_person()).collect();
    roles.sort_by_key(|(index, _)| !is_signed(*index));
    let able: Vec<_> = roles.iter().map(|(_, (asked, _))| able(asked)).collect();
    let people: Vec<_> =
        able.iter().flatten().copied().collect::<BTreeSet<_>>().into_iter().collect();
    let place = |login: &&Login| people.binary_search(login).ok();
    let candidates: Vec<Vec<_>> =
        able.iter().map(|able| able.iter().filter_map(place).collect()).collect();
    let filled = maximum_matching(&candidates, people.len());
    for slot in (0..roles.len()).filter(|slot| filled[*slot].is_none()) {
        let (slots, needed) = rivals(slot, &candidates, &filled);
        found.push(Shortage {
            empty: roles[slot].0,
            seats: slots.into_iter().map(|slot| roles[slot].0).collect(),
            people: needed.into_iter().map(|person| people[person]).collect(),
        });
    }
    found
}

/// Returns the slots that need the same people as one that stays empty, and these people: always one
/// fewer than the slots, by Hall's theorem.
fn rivals(
    empty: usize,
    candidates: &[Vec<usize>],
    filled: &[Option<usize>],
) -> (BTreeSet<usize>, BTreeSet<usize>) {
    let mut slots = BTreeSet::from([empty]);
    loop {
        let people: BTreeSet<_> =
            slots.iter().flat_map(|slot| &candidates[*slot]).copied().collect();
        let holds_one = |slot: &usize| filled[*slot].is_some_and(|held| people.contains(&held));
        let before = slots.len();
        slots.extend((0..filled.len()).filter(holds_one));
        if slots.len() == before {
            return (slots, people);
        }
    }
}
