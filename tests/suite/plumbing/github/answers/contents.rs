//! What commits hold.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use git2::{ObjectType, Oid, TreeEntry};
use serde_json::{Value, json};

use super::super::page::Page;
use super::super::repository::Repository;
use super::super::shapes::extend;
use super::super::state::State;
use super::{Answer, Call, Said};

/// How many files a comparison and a commit tell of at most.
const MOST_FILES: usize = 300;

/// The largest file whose content the API sends, in bytes.
const LARGEST: usize = 1 << 20;

pub fn commit(state: &State, call: &Call<'_>) -> Said {
    let repository = call.its_repository(state)?;
    let name = call.parameter("ref");
    let id = repository.resolve(name);
    let missing = || Answer::invalid(&format!("No commit found for SHA: {name}"));
    Ok(Answer::ok(state.whole_commit_json(repository, id.ok_or_else(missing)?)))
}

pub fn compare(state: &State, call: &Call<'_>) -> Said {
    let repository = call.its_repository(state)?;
    let (base, head) = call.parameter("basehead").split_once("...").ok_or_else(Answer::missing)?;
    // A branch of a fork is named with its owner.
    let resolve = |name: &str| match name.split_once(':') {
        None => repository.resolve(name),
        Some((owner, name)) => {
            state.repositories.iter().find(|it| it.owner == owner)?.resolve(name)
        }
    };
    let base = resolve(base).ok_or_else(Answer::missing)?;
    let head = resolve(head).ok_or_else(Answer::missing)?;
    let merge_base = repository.merge_base(base, head);
    let merge_base =
        merge_base.ok_or_else(|| Answer::error(404, "No common ancestor between them"))?;
    let ahead = repository.brought((base, head));
    let behind = repository.brought((head, base)).len();
    let mut files = repository.changed((base, head));
    files.truncate(MOST_FILES);
    let status = match (ahead.len(), behind) {
        (0, 0) => "identical",
        (_, 0) => "ahead",
        (0, _) => "behind",
        _ => "diverged",
    };
    let url = state.url(&format!("/repos/acme/ops/compare/{base}...{head}"));
    let html = state.url(&format!("/acme/ops/compare/{base}...{head}"));
    let page = Page::of(call, state, &ahead, |commit| state.commit_json(repository, *commit));
    let mut answer = page.under("commits");
    let more = json!({
        "url": url,
        "html_url": html,
        "permalink_url": html,
        "diff_url": format!("{html}.diff"),
        "patch_url": format!("{html}.patch"),
        "base_commit": state.commit_json(repository, base),
        "merge_base_commit": state.commit_json(repository, merge_base),
        "status": status,
        "ahead_by": ahead.len(),
        "behind_by": behind,
        "total_commits": ahead.len(),
        // All of them stand on the first page.
        "files": if call.asked("page").is_none_or(|page| page == "1") {
            files.iter().map(|file| state.file_json(file, head)).collect()
        } else {
            Vec::new()
        },
    });
    extend(answer.body.as_mut().unwrap(), more);
    Ok(answer)
}

pub fn content(state: &State, call: &Call<'_>) -> Said {
    let repository = call.its_repository(state)?;
    let at = call.asked("ref").unwrap_or("HEAD");
    let commit = repository
        .resolve(at)
        .ok_or_else(|| Answer::error(404, &format!("No commit found for the ref {at}")))?;
    let tree = repository.commit(commit).tree().unwrap();
    let path = call.parameter("path").trim_matches('/');
    let entry = tree.get_path(std::path::Path::new(path)).map_err(|_| Answer::missing())?;
    if entry.kind() == Some(ObjectType::Tree) {
        let folder = repository.git.find_tree(entry.id()).unwrap();
        let shown = folder.iter().map(|inner| {
            let name = text(inner.name_bytes());
            entry_json(state, repository, &format!("{path}/{name}"), &inner, at)
        });
        return Ok(Answer::ok(Value::Array(shown.collect())));
    }
    let mut value = entry_json(state, repository, path, &entry, at);
    match value["type"].as_str() {
        Some("file") => {
            let blob = repository.git.find_blob(entry.id()).unwrap();
            let (encoding, content) = match blob.size() {
                0..=LARGEST => ("base64", wrapped(blob.content())),
                _ => ("none", String::new()),
            };
            extend(&mut value, json!({"encoding": encoding, "content": content}));
        }
        Some("symlink") => {
            let target = text(repository.git.find_blob(entry.id()).unwrap().content());
            extend(&mut value, json!({"target": target}));
        }
        _ => extend(&mut value, json!({"submodule_git_url": "https://localhost/other.git"})),
    }
    Ok(Answer::ok(value))
}

pub fn tree(state: &State, call: &Call<'_>) -> Said {
    let repository = call.its_repository(state)?;
    let name = call.parameter("tree_sha");
    let id = name.parse::<Oid>().ok();
    let tree = id
        .and_then(|id| repository.git.find_tree(id).ok())
        .or_else(|| repository.commit(repository.resolve(name)?).tree().ok());
    let tree = tree.ok_or_else(Answer::missing)?;
    let mut entries = Vec::new();
    list(repository, &tree, "", call.asked("recursive").is_some(), &mut entries);
    Ok(Answer::ok(json!({
        "sha": tree.id().to_string(),
        "url": state.url(&format!("/repos/acme/ops/git/trees/{}", tree.id())),
        "tree": entries,
        "truncated": false,
    })))
}

pub fn blob(state: &State, call: &Call<'_>) -> Said {
    let repository = call.its_repository(state)?;
    let id = call.parameter("file_sha").parse::<Oid>();
    let id = id.map_err(|_| Answer::invalid("The sha parameter must be 40 characters"))?;
    let blob = repository.git.find_blob(id).map_err(|_| Answer::missing())?;
    Ok(Answer::ok(json!({
        "sha": id.to_string(),
        "node_id": format!("B_{id}"),
        "url": state.url(&format!("/repos/acme/ops/git/blobs/{id}")),
        "size": blob.size(),
        "content": wrapped(blob.content()),
        "encoding": "base64",
    })))
}

fn list(
    repository: &Repository,
    tree: &git2::Tree<'_>,
    below: &str,
    recursive: bool,
    entries: &mut Vec<Value>,
) {
    for entry in tree {
        let path = format!("{below}{}", text(entry.name_bytes()));
        let kind = entry.kind().map_or("commit", |kind| kind.str());
        let mut value = json!({
            "path": path,
            "mode": format!("{:06o}", entry.filemode()),
            "type": kind,
            "sha": entry.id().to_string(),
        });
        if let Ok(blob) = repository.git.find_blob(entry.id()) {
            extend(&mut value, json!({"size": blob.size()}));
        }
        entries.push(value);
        if recursive && let Ok(inner) = repository.git.find_tree(entry.id()) {
            list(repository, &inner, &format!("{path}/"), true, entries);
        }
    }
}

fn entry_json(
    state: &State,
    repository: &Repository,
    path: &str,
    entry: &TreeEntry<'_>,
    at: &str,
) -> Value {
    let kind = match (entry.kind(), entry.filemode()) {
        (Some(ObjectType::Tree), _) => "dir",
        (Some(ObjectType::Commit), _) => "submodule",
        (_, 0o120_000) => "symlink",
        _ => "file",
    };
    let encoded: Vec<_> = path
        .split('/')
        .map(|part| {
            percent_encoding::utf8_percent_encode(part, percent_encoding::NON_ALPHANUMERIC)
                .to_string()
        })
        .collect();
    let encoded = encoded.join("/");
    let full = repository.full_name();
    let own = state.url(&format!("/repos/{full}/contents/{encoded}?ref={at}"));
    let object = if kind == "dir" { "trees" } else { "blobs" };
    let git = state.url(&format!("/repos/{full}/git/{object}/{}", entry.id()));
    let html = state.url(&format!("/{full}/blob/{at}/{encoded}"));
    let size = repository.git.find_blob(entry.id()).map_or(0, |blob| blob.size());
    json!({
        "type": kind,
        "name": path.rsplit('/').next(),
        "path": path,
        "sha": entry.id().to_string(),
        "size": size,
        "url": own,
        "git_url": git,
        "html_url": html,
        "download_url": (kind == "file").then(|| state.url(&format!("/raw/{full}/{at}/{encoded}"))),
        "_links": {"self": own, "git": git, "html": html},
    })
}

/// In lines of 60 characters, as GitHub sends it.
fn wrapped(content: &[u8]) -> String {
    let encoded = BASE64_STANDARD.encode(content);
    let lines = encoded.as_bytes().chunks(60).map(|line| format!("{}\n", text(line)));
    lines.collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
