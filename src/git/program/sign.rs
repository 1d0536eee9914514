//! Signs texts with the key that git signs commits with.

use std::io::Write as _;
use std::process::Command;

use anyhow::{Context as _, bail};

use super::super::key;
use super::{Program, complaint, run};

impl Program {
    /// Signs a text for a purpose, its namespace, with the user's SSH key: as `ssh-keygen -Y sign` does.
    ///
    /// # Errors
    /// When git has no such key, or the program that signs fails.
    pub fn sign(&self, namespace: &str, text: &[u8]) -> anyhow::Result<String> {
        let Some(named) = self.path_setting("user.signingkey") else {
            let how = key::how_to_name_one(None).map(|command| format!("`{command}`"));
            let how = how.collect::<Vec<_>>().join(", then ");
            bail!("it has to be signed by SSH, but git has no signing key: run {how}");
        };
        let program = self.path_setting("gpg.ssh.program");
        let mut command = Command::new(program.as_deref().unwrap_or("ssh-keygen"));
        command.args(["-Y", "sign", "-n", namespace]);
        // As git does: of a key that is given as text, an agent has the private one.
        let mut public = tempfile::NamedTempFile::new().context("make a temporary file")?;
        match key::as_text(&named) {
            Some(text) => {
                writeln!(public, "{text}").context("write a temporary file")?;
                command.arg("-f").arg(public.path()).arg("-U");
            }
            None => {
                command.args(["-f", &named]);
            }
        }
        let output = run(&mut command, text)?;
        if !output.status.success() {
            let why = complaint(&output);
            bail!("`{named}`, which `user.signingkey` names, can't sign:\n{why}");
        }
        String::from_utf8(output.stdout).context("read the signature")
    }
}
