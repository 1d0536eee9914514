//! Git over HTTP: the real `git http-backend`, asked as a web server asks it.

use std::process::Stdio;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hyper::body::Bytes;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::answers::Answer;
use super::serve::{Asked, Reply, Server};
use super::state::State;
use super::tokens::Token;

/// Serves a request below `/OWNER/NAME.git/`.
pub async fn serve(server: &Server, asked: &Asked) -> Reply {
    let writes = asked.target.contains("git-receive-pack");
    let granted = server.with(|inner| granted(&inner.state, asked, writes));
    let (user, place) = match granted {
        Ok(granted) => granted,
        Err(refusal) => return refusal,
    };
    // One push after another, so that what has changed is of that push.
    let _turn = if writes { Some(server.pushes.lock().await) } else { None };
    let reply = run(server, asked).await;
    if writes && asked.method == "POST" {
        server.with(|inner| inner.state.notice(place, user));
    }
    reply
}

/// Whether an address is one of git's.
pub fn is_git(target: &str) -> bool {
    let path = target.split('?').next().unwrap_or_default();
    path.contains(".git/") && !path.starts_with("/repos/")
}

/// Whose push or fetch it is, and of which repository.
fn granted(state: &State, asked: &Asked, writes: bool) -> Result<(u64, usize), Reply> {
    let secret = asked.header("authorization").and_then(|header| {
        let decoded = BASE64_STANDARD.decode(header.strip_prefix("Basic ")?).ok()?;
        let text = String::from_utf8(decoded).ok()?;
        Some(text.split_once(':')?.1.to_owned())
    });
    let Some(token) = secret.and_then(|secret| state.token(&secret)) else {
        let mut reply = Reply::of(Answer::error(401, "Bad credentials"));
        reply.headers.push(("www-authenticate".to_owned(), "Basic realm=\"GitHub\"".to_owned()));
        return Err(reply);
    };
    let name = asked.target.trim_start_matches('/').split(".git/").next().unwrap_or_default();
    let place = state.repositories.iter().position(|repository| repository.full_name() == name);
    let place = place.ok_or_else(|| Reply::of(Answer::missing()))?;
    let access = if writes { "write" } else { "read" };
    if !token.permits("contents", access) || !reaches(state, token, place, writes) {
        let message = format!("Permission to {name}.git denied to {}.", state.login(token.user));
        return Err(Reply::of(Answer::error(403, &message)));
    }
    Ok((token.user, place))
}

/// Whether a token is good for a repository: people push to their own forks, and with `write`.
fn reaches(state: &State, token: &Token, place: usize, writes: bool) -> bool {
    let repository = &state.repositories[place];
    match &token.repositories {
        Some(good) => good.contains(&repository.id),
        None if repository.fork => !writes || state.login(token.user) == repository.owner,
        None => {
            let role = state.permission(token.user);
            role != "none" && (!writes || !["read", "triage"].contains(&role))
        }
    }
}

async fn run(server: &Server, asked: &Asked) -> Reply {
    let (path, query) = asked.target.split_once('?').unwrap_or((&asked.target, ""));
    let mut command = Command::new("git");
    command
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", &server.folder)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("REQUEST_METHOD", &asked.method)
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("REMOTE_USER", "someone")
        .env("CONTENT_LENGTH", asked.body.len().to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    for (variable, header) in [
        ("CONTENT_TYPE", "content-type"),
        ("HTTP_CONTENT_ENCODING", "content-encoding"),
        ("HTTP_GIT_PROTOCOL", "git-protocol"),
    ] {
        if let Some(value) = asked.header(header) {
            command.env(variable, value);
        }
    }
    let mut child = command.spawn().unwrap();
    let (mut input, body) = (child.stdin.take().unwrap(), asked.body.clone());
    // It may end before it has read everything.
    let written = tokio::spawn(async move { input.write_all(&body).await });
    let output = child.wait_with_output().await.unwrap();
    let _ = written.await;
    read(&output.stdout)
}

/// What the program answers: headers, one of them the status, an empty line, the body.
fn read(output: &[u8]) -> Reply {
    let end = output.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap_or(0);
    let mut reply = Reply { status: 200, headers: Vec::new(), body: Bytes::new() };
    for line in String::from_utf8_lossy(&output[..end]).lines() {
        let (name, value) = line.split_once(": ").unwrap_or((line, ""));
        if name.eq_ignore_ascii_case("status") {
            reply.status =
                value.split(' ').next().and_then(|code| code.parse().ok()).unwrap_or(500);
        } else {
            reply.headers.push((name.to_lowercase(), value.to_owned()));
        }
    }
    reply.body = Bytes::copy_from_slice(output.get(end + 4..).unwrap_or_default());
    reply
}
