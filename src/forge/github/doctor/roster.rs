//! Checks whether the people in the roster match their accounts on GitHub.

use std::collections::{BTreeMap, BTreeSet};

use super::{Asker, Check, Seen, listed};
use crate::core::org::{ForgeTeam, Roster};
use crate::core::terms::Login;
use crate::forge::github::types::User;

/// Returns everybody who can be asked to sign: by level, by role, or as the owner of a service.
pub fn signers(roster: &Roster) -> BTreeSet<&Login> {
    let people = roster.people.iter();
    let by_rank = people.filter(|(_, person)| person.level.is_some() || !person.roles.is_empty());
    let owners = roster.services.values().flat_map(|service| &service.owners);
    by_rank.map(|(login, _)| login).chain(owners).collect()
}

/// Returns the teams on GitHub that the roster names.
pub fn forge_teams(roster: &Roster) -> BTreeSet<&ForgeTeam> {
    roster.teams.values().filter_map(|team| team.forge_team.as_ref()).collect()
}

/// Compares the roster with GitHub's accounts and teams.
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
        let found = format!("all {} people who can sign match their accounts", signers.len());
        checks.push(Check::good("roster/accounts", found));
    }
    checks.extend(team_members(teams, asker));
    checks
}

/// Checks whether everybody who can sign has an id, which identifies the account.
pub fn without_id(roster: &Roster) -> Option<Check> {
    let has_no_id =
        |login: &&Login| roster.people.get(*login).is_none_or(|person| person.id.is_none());
    let people: Vec<_> = signers(roster).into_iter().filter(has_no_id).collect();
    if people.is_empty() {
        return None;
    }
    let check = Check::bad("roster/ids", format!("the roster has no id for {}", listed(&people)))
        .why(
            "a login can be given to somebody else: without an id their approvals don't count, and \
             their own changes are judged as those of somebody without a level",
        )
        .fix(
            "add `id: \"…\"` in policies/org/roster/data.yaml, with the number that `gh api \
             users/LOGIN --jq .id` prints",
        );
    Some(check)
}

/// Checks whether a login belongs to the account with this id.
fn impostor(login: &Login, id: &str, account: Option<&User>) -> Option<Check> {
    let found = match account {
        Some(user) if user.id.to_string() == id => return None,
        Some(user) => format!(
            "{login} is account {} on GitHub, but {id} in the roster: the person was renamed, and \
             somebody else has taken the login",
            user.id
        ),
        None => format!("GitHub has no account {login}: it was renamed or deleted"),
    };
    let check = Check::bad("roster/accounts", found)
        .why("the approvals of the person in the roster come from another login, or not at all")
        .fix(format!(
            "set the current login of account {id} in policies/org/roster/data.yaml (`gh api \
             user/{id} --jq .login` prints it), or remove the person"
        ));
    Some(check)
}

/// Checks whether the members of the teams are visible; otherwise their approvals don't count.
fn team_members(teams: &BTreeMap<ForgeTeam, Seen<()>>, asker: Asker) -> Option<Check> {
    const WHY: &str = "their approvals don't count if the token that judges can't see that they \
                       belong to the team";
    const FIX: &str = "run changegate as an App with `members: read`, or remove `forge_team` from \
                       policies/org/roster/data.yaml";
    let code = "roster/teams";
    let hidden = |(name, seen): (&ForgeTeam, &Seen<()>)| Some((name.clone(), seen.clone().err()?));
    let unseen: Vec<_> = teams.iter().filter_map(hidden).collect();
    let all: Vec<_> = teams.keys().collect();
    let names: Vec<_> = unseen.iter().map(|(name, _)| name).collect();
    match (unseen.first(), asker) {
        _ if all.is_empty() => None,
        (Some((_, reason)), Asker::Judge) => {
            let found = format!("the members of {} aren't visible: {reason}", listed(&names));
            Some(Check::bad(code, found).why(WHY).fix(FIX))
        }
        (Some((_, reason)), Asker::Person) => {
            let found = format!("the members of {} aren't visible", listed(&names));
            Some(Check::unseen(code, found, reason).fix(
                "check the names under `teams` in policies/org/roster/data.yaml; a person's token \
                 needs the scope read:org",
            ))
        }
        (None, Asker::Judge) => {
            let found = format!("the members of {} can be read", listed(&all));
            Some(Check::good(code, found))
        }
        (None, Asker::Person) => {
            let found = format!("a workflow's token can't see the members of {}", listed(&all));
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
    fn a_login_is_compared_with_its_id() {
        let no_id = "the roster has no id for bob";
        assert_eq!(found(&[account("alice", 1), account("carol", 3)]), [no_id]);
        let gone = ("carol".parse().unwrap(), None);
        let found = found(&[account("alice", 7), gone]);
        assert_eq!(found[0], no_id);
        assert!(found[1].starts_with("alice is account 7 on GitHub, but 1 in the roster"));
        assert_eq!(found[2], "GitHub has no account carol: it was renamed or deleted");
    }
}
