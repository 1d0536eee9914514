//! Whether the roster's people are the accounts that they are taken for.

use std::collections::{BTreeMap, BTreeSet};

use super::{Asker, Check, Seen, listed};
use crate::core::org::{ForgeTeam, Roster};
use crate::core::terms::Login;
use crate::forge::github::types::User;

/// Everybody who can be asked to sign: by level, by role, or as a service's owner.
pub fn signers(roster: &Roster) -> BTreeSet<&Login> {
    let people = roster.people.iter();
    let by_rank = people.filter(|(_, person)| person.level.is_some() || !person.roles.is_empty());
    let owners = roster.services.values().flat_map(|service| &service.owners);
    by_rank.map(|(login, _)| login).chain(owners).collect()
}

/// The forge's teams that the roster names.
pub fn forge_teams(roster: &Roster) -> BTreeSet<&ForgeTeam> {
    roster.teams.values().filter_map(|team| team.forge_team.as_ref()).collect()
}

/// The roster, held against GitHub's accounts and teams.
pub fn examine(
    roster: &Roster,
    accounts: &BTreeMap<Login, Option<User>>,
    teams: &BTreeMap<ForgeTeam, Seen<()>>,
    asker: Asker,
) -> Vec<Check> {
    let mut checks = Vec::new();
    let signers = signers(roster);
    checks.extend(without_id(roster));
    for login in &signers {
        let id = roster.people.get(*login).and_then(|person| person.id.as_deref());
        checks.extend(id.and_then(|id| impostor(login, id, accounts.get(*login)?.as_ref())));
    }
    if checks.is_empty() {
        let found = format!("all {} who can sign are the accounts that they say", signers.len());
        checks.push(Check::good("roster/accounts", found));
    }
    checks.extend(team_members(teams, asker));
    checks
}

/// Who can't approve and has no level, because nobody can say which account is theirs.
pub fn without_id(roster: &Roster) -> Option<Check> {
    let has_none = |login: &&Login| roster.people.get(*login).is_none_or(|it| it.id.is_none());
    let people: Vec<_> = signers(roster).into_iter().filter(has_none).collect();
    if people.is_empty() {
        return None;
    }
    let check = Check::bad("roster/ids", format!("the roster gives {} no id", listed(&people)))
        .why(
            "a login can be given to somebody else; without an id no approval of theirs counts, and \
             a change of theirs is judged as that of somebody without a level",
        )
        .fix(
            "add `id: \"…\"` in policies/org/roster/data.yaml, the number that `gh api users/LOGIN \
             --jq .id` prints",
        );
    Some(check)
}

/// A login that isn't the account with that id, or not any more.
fn impostor(login: &Login, id: &str, account: Option<&User>) -> Option<Check> {
    let found = match account {
        Some(user) if user.id.to_string() == id => return None,
        Some(user) => format!(
            "{login} is the account {} on GitHub, and {id} in the roster: renamed, and the login \
             taken by another",
            user.id
        ),
        None => format!("GitHub has no account {login}: renamed or deleted"),
    };
    let check = Check::bad("roster/accounts", found)
        .why("the approvals that the roster means come under another login, or not at all")
        .fix(format!(
            "put the present login of account {id} into policies/org/roster/data.yaml (`gh api \
             user/{id} --jq .login` prints it), or take the person out"
        ));
    Some(check)
}

/// Whether the members of the teams show, without which no approval of theirs counts.
fn team_members(teams: &BTreeMap<ForgeTeam, Seen<()>>, asker: Asker) -> Option<Check> {
    const WHY: &str = "no approval of theirs counts while whoever judges can't see that they belong \
                       to the team";
    const FIX: &str = "run changegate as an App with `members: read`, or take `forge_team` out of \
                       policies/org/roster/data.yaml";
    let code = "roster/teams";
    let hidden = |(name, seen): (&ForgeTeam, &Seen<()>)| Some((name.clone(), seen.clone().err()?));
    let unseen: Vec<_> = teams.iter().filter_map(hidden).collect();
    let all: Vec<_> = teams.keys().collect();
    let names: Vec<_> = unseen.iter().map(|(name, _)| name).collect();
    match (unseen.first(), asker) {
        _ if all.is_empty() => None,
        (Some((_, reason)), Asker::Judge) => {
            let found = format!("the members of {} don't show: {reason}", listed(&names));
            Some(Check::bad(code, found).why(WHY).fix(FIX))
        }
        (Some((_, reason)), Asker::Person) => {
            let found = format!("the members of {} don't show", listed(&names));
            Some(Check::unseen(code, found, reason).fix(
                "see whether `teams` in policies/org/roster/data.yaml names them rightly; a \
                 person's token needs the scope read:org",
            ))
        }
        (None, Asker::Judge) => {
            let found = format!("the members of {} can be read", listed(&all));
            Some(Check::good(code, found))
        }
        (None, Asker::Person) => {
            let found = format!("a workflow's token doesn't see the members of {}", listed(&all));
            Some(Check::advice(code, found).why(WHY).fix(FIX))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::yaml;

    fn roster() -> Roster {
        let text = "people:\n  alice: {level: L1, id: '1'}\n  bob: {roles: [devops-lead]}\n  \
                    carol: {id: '3'}\n  dan: {}\nservices: {checkout: {owners: [carol]}}\n";
        yaml::parse(text.as_bytes()).read().value.unwrap()
    }

    fn account(login: &str, id: u64) -> (Login, Option<User>) {
        let user = User { login: login.to_owned(), id, kind: "User".to_owned() };
        (login.parse().unwrap(), Some(user))
    }

    fn found(accounts: &[(Login, Option<User>)]) -> Vec<String> {
        let accounts = accounts.iter().cloned().collect();
        let checks = examine(&roster(), &accounts, &BTreeMap::new(), Asker::Judge);
        checks.into_iter().map(|check| check.found).collect()
    }

    #[test]
    fn only_those_who_can_sign_matter() {
        let roster = roster();
        let signers: Vec<_> = signers(&roster).into_iter().map(Login::as_str).collect();
        assert_eq!(signers, ["alice", "bob", "carol"]);
    }

    #[test]
    fn a_login_is_held_against_its_id() {
        let no_id = "the roster gives bob no id";
        assert_eq!(found(&[account("alice", 1), account("carol", 3)]), [no_id]);
        let gone = ("carol".parse().unwrap(), None);
        let found = found(&[account("alice", 7), gone]);
        assert_eq!(found[0], no_id);
        assert!(found[1].starts_with("alice is the account 7 on GitHub, and 1 in the roster"));
        assert_eq!(found[2], "GitHub has no account carol: renamed or deleted");
    }
}
