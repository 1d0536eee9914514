//! Checks the machines and environments of the roster, and what measures its services.

use std::collections::BTreeMap;

use super::Reader;
use crate::org::{ActsFor, ErrorRateSource, Machine, Org};
use crate::terms::Login;

impl Reader {
    pub(super) fn check_machines(&mut self, org: &Org) {
        self.check_each_login_once("machines");
        for (name, machine) in &org.roster.machines {
            let mut report = |field: &str, message: String, help: &str| {
                self.report("roster", &["machines", name.as_str(), field], message, help);
            };
            if org.roster.people.contains_key(name) {
                let message = format!("{name} is a machine and a person");
                report("", message, "give the machine a name that nobody has as login");
            }
            if machine.github.is_none() && machine.keys.is_empty() && machine.via.is_none() {
                let message = format!("nothing proves what {name} does");
                report(
                    "",
                    message,
                    "say which job on GitHub it is (`github`), list its `keys`, or say which machine signs for it (`via`)",
                );
            }
            if machine.acts_for == ActsFor::Nobody && !machine.unattended {
                let message =
                    format!("{name} acts for nobody, and may not act without somebody either");
                report("", message, "write `acts_for: people`, or `unattended: true`");
            }
            if let Some(github) = &machine.github {
                let id = &github.repository_id;
                if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_digit()) {
                    let help = "write the repository's numeric id, in quotes: `gh api repos/OWNER/NAME --jq .id`";
                    report("github", format!("`{id}` isn't the id of a repository"), help);
                }
                if !github.at.starts_with("refs/") {
                    let message = format!("`{}` isn't a whole ref", github.at);
                    report(
                        "github",
                        message,
                        "write it with its beginning, such as refs/heads/main",
                    );
                }
                if !github.workflow.starts_with(".github/workflows/") {
                    let message = format!("`{}` isn't the path of a workflow", github.workflow);
                    report(
                        "github",
                        message,
                        "write its path, such as .github/workflows/deploy.yml",
                    );
                }
            }
            let signs = |via: &Login| {
                let signer = org.roster.machines.get(via).filter(|_| via != name);
                signer.is_some_and(|it| !it.keys.is_empty())
            };
            if let Some(via) = machine.via.as_ref().filter(|via| !signs(via)) {
                let message = format!("{via} can't sign for {name}");
                report("via", message, "name another machine that has `keys`");
            }
            self.check_permissions(name, machine, org);
        }
        self.check_keys_of_machines(org);
        self.check_environments(org);
        self.check_measures(org);
    }

    fn check_permissions(&mut self, name: &Login, machine: &Machine, org: &Org) {
        let mut report = |pointer: &[&str], message: String, help: &str| {
            let pointer: Vec<_> =
                ["machines", name.as_str(), "may"].iter().chain(pointer).copied().collect();
            self.report("roster", &pointer, message, help);
        };
        if machine.may.is_empty() {
            report(
                &[],
                format!("{name} may do nothing"),
                "list the actions and where it may do them",
            );
        }
        for (index, may) in machine.may.iter().enumerate() {
            let index = index.to_string();
            if may.actions.is_empty() {
                report(&[&index], "this permission names no action".to_owned(), "list its actions");
            }
            if may.targets.is_empty() && may.environments.is_empty() {
                let help = "list the `targets`, or the `environments`";
                report(&[&index], "this permission doesn't say where it holds".to_owned(), help);
            }
            let unknown = |action: &&_| !org.actions.entries.contains_key::<str>(action);
            for action in may.actions.iter().map(|it| it.as_str()).filter(unknown) {
                let message = format!("the catalog has no action `{action}`");
                report(
                    &[&index, "actions"],
                    message,
                    "add it to policies/org/actions, or correct its name",
                );
            }
            let unknown =
                may.environments.iter().filter(|it| !org.roster.environments.contains_key(*it));
            for environment in unknown {
                let message = format!("the environment {environment} isn't in `environments`");
                report(
                    &[&index, "environments"],
                    message,
                    "add the environment, or correct its name",
                );
            }
        }
    }

    /// Each key is one machine's alone.
    fn check_keys_of_machines(&mut self, org: &Org) {
        let people = org
            .roster
            .people
            .iter()
            .flat_map(|(login, it)| it.keys.iter().map(move |key| (key, login.as_str())));
        let writers = org.settings.ledger.writers.iter();
        let others = people.chain(writers.map(|it| (&it.key, it.name.as_str())));
        let mut owners: BTreeMap<_, _> =
            others.map(|(key, owner)| (key.to_string(), owner)).collect();
        for (name, machine) in &org.roster.machines {
            for key in machine.keys.iter().map(ToString::to_string) {
                if let Some(other) = owners.insert(key, name.as_str()) {
                    let message = format!("{name} has a key that {other} has too");
                    self.report(
                        "roster",
                        &["machines", name.as_str(), "keys"],
                        message,
                        "make a key for this machine alone",
                    );
                }
            }
        }
    }

    fn check_environments(&mut self, org: &Org) {
        let mut seen = BTreeMap::new();
        for (name, environment) in &org.roster.environments {
            for target in &environment.targets {
                if let Some(other) = seen.insert(target, name) {
                    let message = format!("{target} is in the environments {other} and {name}");
                    self.report(
                        "roster",
                        &["environments", name, "targets"],
                        message,
                        "list it in one of them",
                    );
                }
            }
        }
    }

    fn check_measures(&mut self, org: &Org) {
        for (name, service) in &org.roster.services {
            let mut report = |pointer: &[&str], message: String, help: &str| {
                let pointer: Vec<_> = ["services", name].iter().chain(pointer).copied().collect();
                self.report("roster", &pointer, message, help);
            };
            let is_url = |url: &str| {
                let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
                host.is_some_and(|it| {
                    !it.is_empty() && !it.starts_with('/') && !it.contains(char::is_whitespace)
                })
            };
            for (index, url) in service.health.iter().enumerate().filter(|(_, url)| !is_url(url)) {
                let help =
                    "write it with its beginning, such as https://checkout.acme.example/healthz";
                report(&["health", &index.to_string()], format!("`{url}` isn't an address"), help);
            }
            let is_host = |host: &str| {
                !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || "/:@".contains(c))
            };
            for (index, host) in service.hosts.iter().enumerate().filter(|(_, host)| !is_host(host))
            {
                report(
                    &["hosts", &index.to_string()],
                    format!("`{host}` isn't a host's name"),
                    "write its name alone, such as checkout.acme.example",
                );
            }
            match &service.error_rate {
                Some(ErrorRateSource::Prometheus { url, .. }) if !is_url(url) => {
                    report(
                        &["error_rate", "prometheus", "url"],
                        format!("`{url}` isn't an address"),
                        "write it with its beginning, such as https://prometheus.acme.example",
                    );
                }
                Some(ErrorRateSource::CloudWatch { queries, .. }) if queries.is_empty() => {
                    report(
                        &["error_rate", "cloudwatch", "queries"],
                        "there is no query".to_owned(),
                        "list what `aws cloudwatch get-metric-data` takes",
                    );
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::layout::table;
    use crate::policy::shipped_files;
    use crate::policy::tables::read;

    const KEY: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKzVoW2O9hOaIFCuezjlpzfMH/yJ+z1aRpeUO/nw1R33";

    /// What is wrong with a roster of these machines, where alice has a key and `live` is an environment.
    fn problems(machines: &str) -> Vec<String> {
        problems_of(&format!("machines: {machines}\n"))
    }

    fn problems_of(lines: &str) -> Vec<String> {
        let mut files = shipped_files();
        let roster = format!(
            "people: {{alice: {{keys: ['{KEY}']}}}}\nenvironments: {{live: {{targets: [web]}}}}\n{lines}"
        );
        files.insert(table("roster"), roster.into_bytes());
        files.insert(table("escalation"), b"{}".to_vec());
        match read(&files) {
            Ok(_) => Vec::new(),
            Err(problems) => problems.into_iter().map(|problem| problem.message).collect(),
        }
    }

    #[test]
    fn a_machine_is_proven_and_confined() {
        let own =
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPIBePbUB6z/K6D0iDMbxXl944Jy6mT1sOZv51NirLia";
        let may = "may: [{actions: [deploy], environments: [live]}], acts_for: people";
        let key = format!("keys: ['{own}']");
        let github = "github: {repository_id: '8123', workflow: .github/workflows/deploy.yml, ref: refs/heads/main}";
        for machine in
            [format!("{{{key}, {may}}}"), format!("{{{github}, {may}, unattended: true}}")]
        {
            assert_eq!(problems(&format!("{{m: {machine}}}")), [""; 0], "{machine}");
        }
        assert_eq!(
            problems(&format!("{{m: {{{key}, {may}}}, console: {{via: m, {may}}}}}")),
            [""; 0]
        );
        for (machines, why) in [
            (format!("{{alice: {{{key}, {may}}}}}"), "alice is a machine and a person"),
            (format!("{{m: {{{key}, {may}}}, M: {{{key}, {may}}}}}"), "M is listed twice"),
            (format!("{{m: {{{may}}}}}"), "nothing proves what m does"),
            (format!("{{m: {{keys: ['{KEY}'], {may}}}}}"), "m has a key that alice has too"),
            (format!("{{a: {{{key}, {may}}}, b: {{{key}, {may}}}}}"), "b has a key that a has too"),
            (format!("{{m: {{via: m, {key}, {may}}}}}"), "m can't sign for m"),
            (format!("{{m: {{via: other, {may}}}}}"), "other can't sign for m"),
            (
                format!("{{m: {{{key}, may: [{{actions: [deploy], targets: [web]}}]}}}}"),
                "m acts for nobody",
            ),
            (format!("{{m: {{{key}, acts_for: people, may: []}}}}"), "m may do nothing"),
            (
                format!("{{m: {{{key}, acts_for: people, may: [{{actions: [deploy]}}]}}}}"),
                "doesn't say where",
            ),
            (
                format!(
                    "{{m: {{{key}, acts_for: people, may: [{{actions: [], targets: [web]}}]}}}}"
                ),
                "names no action",
            ),
            (
                format!(
                    "{{m: {{{key}, acts_for: people, may: [{{actions: [deplo], targets: [web]}}]}}}}"
                ),
                "no action `deplo`",
            ),
            (
                format!(
                    "{{m: {{{key}, acts_for: people, may: [{{actions: [deploy], environments: [test]}}]}}}}"
                ),
                "environment test isn't",
            ),
            (
                format!("{{m: {{{}, {may}}}}}", github.replace("8123", "acme/x")),
                "`acme/x` isn't the id",
            ),
            (
                format!("{{m: {{{}, {may}}}}}", github.replace("refs/heads/", "")),
                "`main` isn't a whole ref",
            ),
            (
                format!("{{m: {{{}, {may}}}}}", github.replace(".github/workflows/", "")),
                "isn't the path of a workflow",
            ),
        ] {
            let problems = problems(&machines).join("\n");
            assert!(problems.contains(why), "{machines}: {problems}");
        }
    }

    #[test]
    fn what_measures_a_service_can_be_asked() {
        for (service, why) in [
            ("health: ['https://web.example/healthz'], hosts: [web.example]", ""),
            ("error_rate: {prometheus: {url: 'https://prom.example', query: up}}", ""),
            (
                "error_rate: {cloudwatch: {region: eu-west-1, queries: [{Id: e1, Expression: m1/m2}]}}",
                "",
            ),
            ("health: [web.example]", "`web.example` isn't an address"),
            ("health: ['https:///healthz']", "isn't an address"),
            ("hosts: ['https://web.example']", "isn't a host's name"),
            ("error_rate: {prometheus: {url: prom, query: up}}", "`prom` isn't an address"),
            ("error_rate: {cloudwatch: {region: eu-west-1, queries: []}}", "there is no query"),
            ("error_rate: {datadog: {}}", "datadog"),
        ] {
            let problems =
                problems_of(&format!("services: {{s: {{owners: [alice], {service}}}}}\n"));
            assert_eq!(problems.is_empty(), why.is_empty(), "{service}: {problems:?}");
            assert!(problems.concat().contains(why), "{service}: {problems:?}");
        }
        let twice = "services: {}\nmachines: {}\n";
        assert_eq!(problems_of(twice), [""; 0]);
    }
}
