//! `changegate init --hook`: the hooks of a bare repository, which judge every push.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, anyhow, bail};

use super::plan::{Fate, Item, Plan, Wanted};
use super::{InitArgs, git};
use crate::cli::shared::here::judges;
use crate::cli::shared::say;
use changegate::core::layout::POLICIES;
use changegate::forge::git::Branches;
use changegate::git::{Program, Repo};

/// The hooks by name: one judges a push, the other holds what was judged against what Git does.
const HOOKS: [(&str, &str); 2] = [
    ("pre-receive", include_str!("templates/pre-receive.sh")),
    ("reference-transaction", include_str!("templates/reference-transaction.sh")),
];

/// The setting with which the server checks received objects for damage.
const FSCK: &str = "receive.fsckObjects";

const AFTERWARDS: &str = "
From now on a push to a protected branch is refused unless it is an approved merge, and so is a
review or a commit of a change without the signature of a person in the roster. What touches no
request, no policies and no other governed path passes, unless the settings refuse it. The hooks run
this program at its present path: after moving it, run `changegate init --hook` again.
";

/// Installs the hooks in the given bare repository.
pub fn run(args: &InitArgs) -> anyhow::Result<ExitCode> {
    let repository = git::bare_repository(&args.dir)?;
    let git = Program::in_folder(&repository);
    is_usable(&repository)?;
    let program = std::env::current_exe().context("find this program")?;
    let item = |(name, template): (&str, &str)| -> anyhow::Result<Item> {
        let script = script(template, &program)?.into_bytes();
        Ok(Item { path: name.to_owned(), wanted: Wanted::Program(script) })
    };
    let hooks = hooks_folder(&repository, git.path_setting("core.hooksPath"))?;
    let items = HOOKS.into_iter().map(item).collect::<anyhow::Result<Vec<_>>>()?;
    let mut plan = Plan::of(&hooks, items)?;
    args.settle(&mut plan)?;
    if let Some((name, _)) = plan.kept().next() {
        bail!(
            "{} is another hook, and was kept: run `changegate hook {name}` from it, with its own \
             arguments and standard input, or replace it with `changegate init --hook --force {}`",
            hooks.join(name).display(),
            args.dir.display()
        );
    }
    let new: Vec<_> = plan.paths(&Fate::Write).into_iter().map(str::to_owned).collect();
    let turns_on = !checks_objects(&git);
    if !args.dry_run {
        plan.carry_out()?;
        if turns_on {
            git.run(&["config", FSCK, "true"])?;
        }
    }
    let label = |is_changed| match is_changed {
        false => "unchanged",
        true if args.dry_run => "would write",
        true => "written",
    };
    let mut text = String::new();
    for (name, _) in HOOKS {
        let is_new = new.iter().any(|path| path == name);
        let hook = super::shown_path(&hooks.join(name));
        text += &format!("  {:11}  {hook}\n", label(is_new));
    }
    text += &format!("  {:11}  {FSCK} = true\n", label(turns_on));
    if !args.dry_run {
        text += AFTERWARDS;
    }
    say::print(&text)?;
    if let Some(doubt) = unguarded(&repository)? {
        say::warn("warning", &doubt);
    }
    Ok(ExitCode::SUCCESS)
}

/// Checks that the policies on the base can be used: under the hook, nobody could fix them.
fn is_usable(repository: &Path) -> anyhow::Result<()> {
    let branches = Branches::own(Repo::open(repository)?);
    let Ok(base) = branches.protected_base() else { return Ok(()) };
    let Some(tip) = branches.tip(&base)? else { return Ok(()) };
    if branches.repo().entry(tip, POLICIES)?.is_none() {
        return Ok(());
    }
    judges().at(branches.repo(), tip).map(drop).with_context(|| {
        format!(
            "nothing was installed, because under the hook every push would be refused: push policies to \
             {base} that can be used, and run this again"
        )
    })
}

/// Returns why nothing would be guarded, if the policies are on another branch than the base.
fn unguarded(repository: &Path) -> anyhow::Result<Option<String>> {
    let branches = Branches::own(Repo::open(repository)?);
    let Some(base) = branches.default_base().ok().or_else(|| branches.named_by_head()) else {
        return Ok(None);
    };
    let has_policies =
        |tip| Ok::<_, anyhow::Error>(branches.repo().entry(tip, POLICIES)?.is_some());
    let mut others = Vec::new();
    for (name, tip) in branches.below("")? {
        if has_policies(tip)? {
            others.push(name);
        }
    }
    Ok(match others.iter().find(|name| !name.contains('/')) {
        Some(other) if !others.contains(&base) => Some(format!(
            "nothing is guarded yet, because HEAD leads to {base}, which has no policies, while \
             {other} has: run `git --git-dir {} symbolic-ref HEAD refs/heads/{other}` if changes are \
             merged into {other}",
            say::quoted(repository)
        )),
        _ => None,
    })
}

/// Returns whether this repository's own configuration says so: the server's user may have another
/// one.
fn checks_objects(git: &Program) -> bool {
    git.run(&["config", "--local", "--type=bool", "--get", FSCK]).is_ok_and(|value| value == "true")
}

/// Returns the hook of this template that runs `program`.
fn script(template: &str, program: &Path) -> anyhow::Result<String> {
    let program = program.to_str().with_context(|| {
        format!("{} can't be written into a script: install it elsewhere", program.display())
    })?;
    // Git's shell on Windows accepts slashes, too.
    let program = if cfg!(windows) { program.replace('\\', "/") } else { program.to_owned() };
    let quoted = format!("'{}'", program.replace('\'', r"'\''"));
    Ok(template.replace("{program}", &quoted))
}

/// Returns the folder in which git looks for the repository's hooks.
///
/// # Errors
/// If other repositories may share that folder.
fn hooks_folder(repository: &Path, configured: Option<String>) -> anyhow::Result<PathBuf> {
    let Some(configured) = configured else {
        return Ok(repository.join("hooks"));
    };
    let folder = repository.join(&configured);
    let outside = || {
        anyhow!(
            "core.hooksPath is {configured}, outside of {}, where other repositories may share it: \
             `git -C {} config core.hooksPath hooks` gives this repository hooks of its own",
            repository.display(),
            repository.display()
        )
    };
    let root =
        repository.canonicalize().with_context(|| format!("look at {}", repository.display()))?;
    match folder.canonicalize() {
        Ok(folder) if folder.starts_with(&root) => Ok(folder),
        // The folder is created below; of a path with `..` it isn't known where that would be.
        Err(_) if folder.starts_with(repository) && !configured.contains("..") => Ok(folder),
        _ => Err(outside()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_quoted_for_the_shell() {
        let text = script(HOOKS[0].1, Path::new("/opt/it's here/changegate")).unwrap();
        assert!(text.contains(r"program='/opt/it'\''s here/changegate'"), "{text}");
    }

    #[test]
    fn hooks_are_installed_where_git_looks_for_them() {
        let dir = tempfile::tempdir().unwrap();
        let repository = dir.path().join("ops.git");
        std::fs::create_dir_all(repository.join("hooks")).unwrap();
        let folder = |configured: &str| hooks_folder(&repository, Some(configured.to_owned()));
        assert_eq!(hooks_folder(&repository, None).unwrap(), repository.join("hooks"));
        assert!(folder("hooks").unwrap().ends_with("ops.git/hooks"));
        assert_eq!(folder("own-hooks").unwrap(), repository.join("own-hooks"));
        for outside in ["/etc", "..", "../hooks", "/srv/shared-hooks", "new/../../hooks"] {
            let error = folder(outside).unwrap_err().to_string();
            assert!(error.starts_with(&format!("core.hooksPath is {outside}, outside of")));
        }
    }
}
