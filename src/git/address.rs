//! Where a repository is, by its address.

use std::path::Path;

use super::Program;

impl Program {
    /// Whether an address, or the name of a remote, is of the same repository as another one, as far as
    /// the addresses show it.
    pub fn is_same(&self, one: &str, other: &str) -> bool {
        self.place(one) == self.place(other)
    }

    /// Returns an address to which git pushes for a remote though it fetches from elsewhere, if there is one.
    ///
    /// # Errors
    /// When git can't say it.
    pub fn pushes_elsewhere(&self, remote: &str) -> anyhow::Result<Option<String>> {
        let urls = self.run(&["remote", "get-url", "--push", "--all", remote])?;
        Ok(urls.lines().find(|url| !self.is_same(remote, url)).map(str::to_owned))
    }

    /// Returns host and path of an address or, of one on this machine, the folder with its objects.
    fn place(&self, address: &str) -> String {
        let url = self.run(&["ls-remote", "--get-url", "--", address]);
        let url = url.unwrap_or_else(|_| address.to_owned());
        host_and_path(&url).unwrap_or_else(|| {
            let folder = Path::new(url.strip_prefix("file://").unwrap_or(&url));
            let objects = ["rev-parse", "--path-format=absolute", "--git-common-dir"];
            Program::in_folder(folder).run(&objects).unwrap_or(url)
        })
    }
}

/// Returns host and path of a remote's address, `https://host/path.git` or `user@host:path`; `None` of
/// a folder's.
pub fn host_and_path(url: &str) -> Option<String> {
    let text = match url.split_once("://") {
        Some(("file", _)) => return None,
        Some((_, rest)) => rest.to_owned(),
        None => {
            let (host, path) = url.split_once(':').filter(|(host, _)| !host.contains('/'))?;
            format!("{host}/{}", path.trim_start_matches('/'))
        }
    };
    let (host, path) = text.split_once('/')?;
    let host = host.rsplit('@').next().unwrap_or(host);
    let host = host.split(':').next().unwrap_or(host);
    let path = path.trim_end_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    (!host.is_empty() && !path.is_empty()).then(|| format!("{host}/{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_host_and_a_path() {
        for (url, expected) in [
            ("https://git.acme.example/ops/changes.git", Some("git.acme.example/ops/changes")),
            ("https://bob:secret@git.acme.example/ops/", Some("git.acme.example/ops")),
            ("ssh://git@git.acme.example:2222/ops.git", Some("git.acme.example/ops")),
            ("git@git.acme.example:ops/changes.git", Some("git.acme.example/ops/changes")),
            ("git.acme.example:/srv/git/ops.git", Some("git.acme.example/srv/git/ops")),
            ("/srv/git/ops.git", None),
            ("../hub.git", None),
            ("file:///srv/git/ops.git", None),
        ] {
            assert_eq!(host_and_path(url).as_deref(), expected, "{url}");
        }
    }
}
