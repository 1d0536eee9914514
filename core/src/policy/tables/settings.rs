//! Checks what the types of the settings can't express.

use super::Reader;
use crate::org::Org;
use crate::record::key::PublicKey;
use crate::time::Duration;

impl Reader {
    pub(super) fn check_settings(&mut self, org: &Org) {
        let settings = &org.settings;
        if let Err(why) = settings.ledger.witnesses() {
            let help = "write the key as the witness publishes it: NAME+ID+KEY";
            self.report("settings", &["ledger", "witnesses"], why, help);
        }
        if settings.protected_bases.is_empty() {
            let help = "name at least one branch, such as main";
            self.report(
                "settings",
                &["protected_bases"],
                "no branch is protected, so no change would be judged",
                help,
            );
        }
        for (index, base) in settings.protected_bases.iter().enumerate() {
            let lower = base.to_lowercase();
            if lower == "audit" || lower.starts_with("audit/") {
                self.report(
                    "settings",
                    &["protected_bases", &index.to_string()],
                    format!("`{base}` can't be protected: the branches audit/* hold the ledger"),
                    "remove it; nobody can rewrite the ledger unseen anyway",
                );
            }
        }
        if settings.approval_valid_for < Duration::seconds(60) {
            self.report(
                "settings",
                &["approval_valid_for"],
                "no approval would be valid for long enough to merge anything",
                "write at least 1m",
            );
        }
        if settings.sign_off.due_after < settings.sign_off.remind_after {
            let help = "make `remind_after` shorter than `due_after`";
            self.report(
                "settings",
                &["sign_off"],
                "sign-off would be due before its reminder",
                help,
            );
        }
        let lease = settings.execution.lease;
        if !(Duration::seconds(300)..=Duration::hours(24)).contains(&lease) {
            let message = format!("a lease of {lease} is not between 5 minutes and 24 hours");
            self.report("settings", &["execution", "lease"], message, "write 5m to 24h");
        }
        let issuer = &settings.execution.issuer;
        // On this machine there is nobody in between.
        if !["https://", "http://127.0.0.1:"].iter().any(|it| issuer.starts_with(it)) {
            let message = format!("`{issuer}` isn't the address of an issuer");
            let help = "write it with its beginning, https://";
            self.report("settings", &["execution", "issuer"], message, help);
        }
        let id = settings.execution.repository_id.as_deref().unwrap_or("0");
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_digit()) {
            let message = format!("`{id}` isn't the numeric id of a repository");
            let help = "write the number that `changegate doctor` names, in quotes";
            self.report("settings", &["execution", "repository_id"], message, help);
        }
        if settings.promote_after < 2 {
            let help = "write at least 2";
            self.report("settings", &["promote_after"], "one change doesn't make a pattern", help);
        }
        self.check_writers(org);
    }

    /// Each key that may sign is one service's, and neither a person's nor one that was revoked.
    fn check_writers(&mut self, org: &Org) {
        let ledger = &org.settings.ledger;
        let people = || org.roster.people.iter();
        for (index, writer) in ledger.writers.iter().enumerate() {
            let (name, before) = (&writer.name, &ledger.writers[..index]);
            let index = index.to_string();
            let mut report = |field: &str, message: String, help: &str| {
                self.report("settings", &["ledger", "writers", &index, field], message, help);
            };
            if name.is_empty() {
                report("name", "the service has no name".to_owned(), "write what it is called");
            }
            if before.iter().any(|other| other.name == *name) {
                report(
                    "name",
                    format!("{name} is listed twice"),
                    "give each key a name of its own",
                );
            }
            if let Err(message) = PublicKey::try_from(&writer.key) {
                let help = "make a key with `ssh-keygen -t ed25519 -N '' -f FILE`, and write what is in \
                            FILE.pub";
                report("key", message, help);
            }
            if let Some(other) = before.iter().find(|other| other.key == writer.key) {
                let message = format!("{name} has the key of {}", other.name);
                report("key", message, "each service has a key of its own");
            }
            if let Some((login, _)) = people().find(|(_, it)| it.keys.contains(&writer.key)) {
                let message = format!("{name} has the key of {login}, who is in the roster");
                report("key", message, "make a key for the service alone");
            }
            if ledger.revoked.iter().any(|revoked| revoked.key == writer.key) {
                let message = format!("the key of {name} is revoked, too");
                report("key", message, "make the service another key");
            }
        }
        for (index, revoked) in ledger.revoked.iter().enumerate() {
            if ledger.revoked[..index].iter().any(|other| other.key == revoked.key) {
                let pointer = ["ledger", "revoked", &index.to_string()];
                self.report(
                    "settings",
                    &pointer,
                    "this key is listed twice",
                    "keep one of the two",
                );
            }
        }
        if ledger.signature.is_required() && ledger.writers.is_empty() {
            let message = "a service has to sign, and none is listed that could";
            let help = "list the service's name and public key under `writers`";
            self.report("settings", &["ledger", "signature"], message, help);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::layout::table;
    use crate::policy::shipped_files;
    use crate::policy::tables::read;

    const KEY: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPIBePbUB6z/K6D0iDMbxXl944Jy6mT1sOZv51NirLia";
    const ECDSA: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBFZB\
                         ba9Jm3j6bLy25bLvewIFxh5Cmaaz+U7bcnBvfTyBCi4JW/bpgM3WQSv8CICuQG8S+lDidjQcWA1\
                         ishiFrB0=";

    const ALICE: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKzVoW2O9hOaIFCuezjlpzfMH/yJ+z1aRpeUO/nw1R33";

    /// What is wrong with settings that say this of the ledger, where alice has a key.
    fn problems(ledger: &str) -> Vec<String> {
        problems_of(&format!("ledger: {ledger}\n"))
    }

    fn problems_of(settings: &str) -> Vec<String> {
        let mut files = shipped_files();
        files.insert(table("settings"), settings.as_bytes().to_vec());
        let roster = String::from_utf8(files[&table("roster")].clone()).unwrap();
        let alice = "alice: {level: L1,";
        assert!(roster.contains(alice));
        let roster = roster.replace(alice, &format!("{alice} keys: ['{ALICE}'],"));
        files.insert(table("roster"), roster.into_bytes());
        match read(&files) {
            Ok(_) => Vec::new(),
            Err(problems) => problems.into_iter().map(|problem| problem.message).collect(),
        }
    }

    #[test]
    fn the_ledger_is_no_base() {
        for (bases, problem) in [
            ("main, audit/ledger", Some("`audit/ledger` can't be protected")),
            ("Audit/evidence-2", Some("`Audit/evidence-2` can't be protected")),
            ("audit", Some("`audit` can't be protected")),
            ("main, auditors, release/audit", None),
        ] {
            let problems = problems_of(&format!("protected_bases: [{bases}]\n"));
            assert_eq!(problems.len(), usize::from(problem.is_some()), "{bases}: {problems:?}");
            assert!(problems.concat().contains(problem.unwrap_or_default()), "{problems:?}");
        }
    }

    #[test]
    fn executions_have_bounds() {
        for (settings, problem) in [
            ("execution: {lease: 5m}", ""),
            ("execution: {lease: 4m59s}", "a lease of 4m59s is not between"),
            ("execution: {lease: 24h}", ""),
            ("execution: {lease: 24h1s}", "is not between 5 minutes and 24 hours"),
            ("execution: {lease: 25h}", "is not between 5 minutes and 24 hours"),
            ("execution: {issuer: token.example}", "`token.example` isn't the address"),
            ("execution: {stand_in: nobody}", "nobody"),
            ("outcome: {error_rate: {times: '1.5'}}", ""),
            ("outcome: {error_rate: {times: one}}", "`one` is not a decimal number"),
            ("approvals_not_before: {carol: 2026-11-20T00:00:00Z}", ""),
        ] {
            let problems = problems_of(&format!("{settings}\n"));
            assert_eq!(problems.is_empty(), problem.is_empty(), "{settings}: {problems:?}");
            assert!(problems.concat().contains(problem), "{settings}: {problems:?}");
        }
    }

    #[test]
    fn the_ledger_elsewhere_has_an_address_that_runs_nothing() {
        for good in
            ["https://git.auditor.example/acme/ledger.git", "git@auditor.example:ledger.git"]
        {
            assert_eq!(problems(&format!("{{remote: \"{good}\"}}")), [""; 0]);
        }
        for (bad, why) in [
            ("", "names no repository"),
            ("--upload-pack=evil", "would be an option of git's"),
            ("ext::sh -c evil", "holds a blank"),
            ("ext::evil", "would make git run a program"),
            ("../ledger.git", "is not the address of a repository"),
        ] {
            let problems = problems(&format!("{{remote: \"{bad}\"}}"));
            assert!(problems.len() == 1 && problems[0].contains(why), "{bad}: {problems:?}");
        }
    }

    #[test]
    fn each_key_that_signs_is_one_services_alone() {
        let writer = |name: &str, key: &str| format!("{{name: {name}, key: {key}}}");
        let writers = |writers: &[String]| format!("{{writers: [{}]}}", writers.join(", "));
        let own = writer("server", KEY);
        assert_eq!(problems(&writers(std::slice::from_ref(&own))), [""; 0]);
        for (ledger, why) in [
            (writers(&[own.clone(), own.clone()]), "server is listed twice"),
            (writers(&[own.clone(), writer("app", KEY)]), "app has the key of server"),
            (writers(&[writer("app", ALICE)]), "app has the key of alice, who is in the roster"),
            (writers(&[writer("app", ECDSA)]), "can't sign for a service"),
            (writers(&[writer("''", KEY)]), "the service has no name"),
            ("{signature: required}".to_owned(), "none is listed that could"),
            (
                format!(
                    "{{writers: [{own}], revoked: [{{key: {KEY}, from_index: 3, why: lost}}]}}"
                ),
                "the key of server is revoked, too",
            ),
            (
                format!(
                    "{{revoked: [{{key: {KEY}, from_index: 3, why: lost}}, {{key: {KEY}, from_index: 4, \
                     why: stolen}}]}}"
                ),
                "this key is listed twice",
            ),
        ] {
            let problems = problems(&ledger).join("\n");
            assert!(problems.contains(why), "{ledger}: {problems}");
        }
    }
}
