//! The repository as other programs and people name it.

use changegate::forge::git::Git;
use changegate::forge::github::{Name, is_on_site};

/// The repository.
pub struct Origin {
    /// Its name: `acme/ops` on GitHub, elsewhere the last part of the remote's address, or the folder.
    pub name: String,
    /// A name in the form of a domain, by which it is told apart from others.
    pub domain: String,
    /// The address of its files on the base, if it is on GitHub.
    pub files: Option<String>,
}

impl Origin {
    /// Returns the one that changes are in.
    pub fn of(git: &Git) -> Self {
        let branches = &git.branches;
        let url = branches.remote().map(|remote| format!("remote.{remote}.url"));
        let url = url.and_then(|setting| branches.program().setting(&setting));
        let github = url.as_deref().filter(|url| is_on_site(url, None)).and_then(Name::in_url);
        if let Some(github) = github {
            return Origin {
                domain: format!("{}.{}.github.com", github.name, github.owner),
                files: Some(format!("https://github.com/{github}/blob/{}", git.base_ref)),
                name: github.to_string(),
            };
        }
        let url = url.as_deref().map(|url| url.trim_end_matches('/').trim_end_matches(".git"));
        let short = url.and_then(|url| url.rsplit(['/', ':']).next()).map(str::to_owned);
        let folder = branches.repo().folder();
        let own = folder.parent().and_then(|it| it.file_name()).map(|it| it.to_string_lossy());
        let name = short.unwrap_or_else(|| own.unwrap_or_default().into_owned());
        Origin { domain: name.clone(), name, files: None }
    }
}
