//! Pushes to other repositories, by the exact names of the refs there.

use std::fmt::Write as _;

use anyhow::bail;

use super::{JUDGED_AGAIN, Move, Moved, Oid, Program, complaint, lost_a_race, remote_output, run};

/// Where refs are kept for the length of a push.
const KEPT: &str = "refs/changegate-push/";

/// What git says where another ref of the remote ends in the name that is pushed to, such as the branch
/// `refs/heads/main`, whose whole name is `refs/heads/refs/heads/main`.
const AMBIGUOUS: &str = "matches more than one";

impl Program {
    /// Pushes commits to branches of a remote, all of them or none, never by force.
    ///
    /// # Errors
    /// When the remote can't be reached.
    pub fn push(&self, remote: &str, moves: &[Move]) -> anyhow::Result<Moved> {
        let heads = moves.iter().map(|(name, _, to)| (format!("heads/{name}"), *to));
        self.push_refs(remote, &heads.collect::<Vec<_>>())
    }

    /// Pushes a new tag.
    ///
    /// # Errors
    /// When the remote can't be reached, rejects it, or has one of that name.
    pub fn push_tag(&self, remote: &str, name: &str, tag: Oid) -> anyhow::Result<()> {
        match self.push_refs(remote, &[(format!("tags/{name}"), tag)])? {
            Moved::Yes => Ok(()),
            Moved::Lost(why) | Moved::Refused(why) => {
                bail!("git can't push the tag {name} to {remote}:\n{why}")
            }
        }
    }

    /// Pushes to refs, by their names below `refs/`.
    fn push_refs(&self, remote: &str, refs: &[(String, Oid)]) -> anyhow::Result<Moved> {
        let named: Vec<_> = refs.iter().map(|(name, to)| format!("{to}:refs/{name}")).collect();
        let (pushed, answer) = self.push_by(remote, &named, refs.len())?;
        if !answer.contains(AMBIGUOUS) {
            return pushed;
        }
        // A pattern names each ref in full, and needs refs of ours.
        let own = format!("{KEPT}{}/", std::process::id());
        let lines = |verb: &str| {
            let mut lines = String::new();
            for (name, to) in refs {
                let _ = writeln!(lines, "{verb} {own}{name} {to}");
            }
            lines
        };
        let update = |lines: String| self.run_with(&["update-ref", "--stdin"], lines.as_bytes());
        update(lines("update"))?;
        let pushed = self.push_by(remote, &[format!("{own}*:refs/*")], refs.len());
        update(lines("delete"))?;
        pushed?.0
    }

    /// Pushes by refspecs; returns what came of it, and all that git said.
    fn push_by(
        &self,
        remote: &str,
        refspecs: &[String],
        refs: usize,
    ) -> anyhow::Result<(anyhow::Result<Moved>, String)> {
        let mut command = self.command();
        command.args(["push", "--porcelain", "--no-verify"]);
        command.args((refs > 1).then_some("--atomic"));
        command.arg(remote).args(refspecs);
        let output = run(&mut command, b"")?;
        if output.status.success() {
            return Ok((Ok(Moved::Yes), String::new()));
        }
        let why = complaint(&output);
        let answer = format!("{}\n{why}", String::from_utf8_lossy(&output.stdout));
        let pushed = if answer.contains("hook declined") && !answer.contains(JUDGED_AGAIN) {
            Ok(Moved::Refused(remote_output(&why)))
        } else if lost_a_race(&answer) {
            Ok(Moved::Lost(why))
        } else {
            Err(anyhow::anyhow!("git can't push to {remote}:\n{why}"))
        };
        Ok((pushed, answer))
    }
}
