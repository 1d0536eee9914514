//! The server: a request comes in, something may happen to it, it is compared with the contract,
//! answered, held against it again, and logged.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;

use super::answers::{self, Answer, Call, rules};
use super::body::Sent;
use super::contract::{CONTRACT, decoded};
use super::faults::{Fault, Happening, Kind, Met, Recurrence, Wanted, front};
use super::state::State;
use super::{backend, graphql};

/// What the server's thread and the test share.
pub struct Server {
    inner: Mutex<Inner>,
    /// Whether exchanges are compared with the contract.
    checked: bool,
    /// Holds the repositories.
    pub folder: PathBuf,
    /// Taken by one push at a time.
    pub pushes: tokio::sync::Mutex<()>,
}

/// What is behind the lock.
pub struct Inner {
    pub state: State,
    pub faults: Vec<Fault>,
    pub happenings: Vec<(Wanted, Happening)>,
    pub recurrences: Vec<(Wanted, Recurrence)>,
    pub log: Vec<Exchange>,
    pub git_log: Vec<Exchange>,
    pub violations: Vec<String>,
}

/// A request and how it was answered.
#[derive(Clone, Debug)]
pub struct Exchange {
    pub method: String,
    /// The path with its query.
    pub target: String,
    /// 0 if there was no answer.
    pub status: u16,
    /// What was sent; null if nothing.
    pub body: Value,
}

/// A request as it came.
pub struct Asked {
    pub method: String,
    pub target: String,
    pub body: Bytes,
    headers: HeaderMap,
}

/// An answer as it goes.
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

/// Where an enterprise's own server has its API.
pub const ENTERPRISE: &str = "/api/v3";

/// How long GitHub calls an answer fresh, for whom.
const CACHE: &str = "private, max-age=60, s-maxage=60";

/// Serves until the other side of `stop` is gone.
pub fn run(server: &Arc<Server>, listener: TcpListener, stop: tokio::sync::oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        listener.set_nonblocking(true).unwrap();
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        tokio::spawn(accept(Arc::clone(server), listener));
        let _ = stop.await;
    });
}

async fn accept(server: Arc<Server>, listener: tokio::net::TcpListener) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let server = Arc::clone(&server);
        let service = service_fn(move |request| handle(Arc::clone(&server), request));
        let connection = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service);
        // How a connection ends is the client's to tell.
        tokio::spawn(async { connection.await.ok() });
    }
}

async fn handle(
    server: Arc<Server>,
    request: Request<Incoming>,
) -> Result<Response<Sent>, io::Error> {
    let (parts, body) = request.into_parts();
    let asked = Asked {
        method: parts.method.to_string(),
        target: parts.uri.path_and_query().map_or(String::new(), ToString::to_string),
        body: body.collect().await.map_err(io::Error::other)?.to_bytes(),
        headers: parts.headers,
    };
    let mut met = server.with(|inner| inner.meet(&asked));
    for slow in met.extract_if(.., |met| matches!(met.kind, Kind::Slow(_))) {
        if let Kind::Slow(milliseconds) = slow.kind {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        }
    }
    let fault = met.into_iter().next();
    let is_git = backend::is_git(&asked.target);
    let reply = match &fault {
        Some(Met { kind: Kind::Closed, after_effect: false }) => None,
        Some(Met { kind: Kind::Answer(status, headers), after_effect: false }) => {
            Some(Reply::of(front(*status, headers)))
        }
        _ if is_git => Some(backend::serve(&server, &asked).await),
        _ => Some(server.api(&asked)),
    };
    let mut truncated = false;
    let reply = match (fault, reply) {
        (Some(Met { kind, after_effect: true }), Some(reply)) => match kind {
            Kind::Closed => None,
            Kind::Answer(status, headers) => Some(Reply::of(front(status, &headers))),
            Kind::EmptyPage => Some(reply.with_lists(Vec::clear)),
            Kind::Behind => Some(reply.with_lists(|items| drop(items.drain(..items.len().min(1))))),
            Kind::Lagging => Some(reply.with_lists(|items| drop(items.pop()))),
            Kind::Unlinked => Some(reply.without("link")),
            Kind::Truncated => {
                truncated = true;
                Some(reply)
            }
            Kind::Slow(_) => Some(reply),
        },
        (_, reply) => reply,
    };
    server.with(|inner| inner.write_down(&asked, is_git, reply.as_ref()));
    let mut reply = reply.ok_or_else(|| io::Error::other("closed because the test wants it"))?;
    let date = server.with(|inner| inner.state.now.utc().format("%a, %d %b %Y %H:%M:%S GMT"));
    reply.headers.push(("date".to_owned(), date.to_string()));
    Ok(reply.into_response(truncated))
}

impl Server {
    /// A server of a state.
    pub fn new(state: State, checked: bool) -> Self {
        let folder = state.folder.clone();
        let inner = Inner {
            state,
            faults: Vec::new(),
            happenings: Vec::new(),
            recurrences: Vec::new(),
            log: Vec::new(),
            git_log: Vec::new(),
            violations: Vec::new(),
        };
        Server { inner: Mutex::new(inner), checked, folder, pushes: tokio::sync::Mutex::default() }
    }

    /// Works on what is behind the lock.
    pub fn with<T>(&self, work: impl FnOnce(&mut Inner) -> T) -> T {
        work(&mut self.inner.lock().unwrap())
    }

    /// Answers a request to the API.
    fn api(&self, asked: &Asked) -> Reply {
        self.with(|inner| {
            let answer = match inner.answer(asked, self.checked) {
                Ok(answer) => answer,
                Err(violation) => {
                    let text = format!("{} {}: {violation}", asked.method, asked.target);
                    inner.violations.push(text.clone());
                    Answer::error(500, &text)
                }
            };
            if let Some(limit) = &answer.violation {
                let text = format!("{} {}: {limit}", asked.method, asked.target);
                inner.violations.push(text);
            }
            inner.dressed(asked, answer)
        })
    }
}

impl Inner {
    /// Everything that happens to a request, and before it.
    fn meet(&mut self, asked: &Asked) -> Vec<Met> {
        let (method, target) = (&asked.method, &asked.target);
        let due = self.happenings.extract_if(.., |(wanted, _)| wanted.fits(method, target));
        for (_, happening) in due.collect::<Vec<_>>() {
            happening(&mut self.state);
        }
        for (wanted, happening) in &mut self.recurrences {
            if wanted.fits(method, target) {
                happening(&mut self.state);
            }
        }
        self.faults.iter_mut().filter_map(|fault| fault.meets(method, target)).collect()
    }

    /// The answer; an error is what breaks the contract.
    fn answer(&mut self, asked: &Asked, checked: bool) -> Result<Answer, String> {
        let (path, query) = asked.target.split_once('?').unwrap_or((&asked.target, ""));
        let body = asked.json()?;
        if asked.header("user-agent").is_none() {
            return Err("there is no User-Agent header".to_owned());
        }
        let accept = asked.header("accept").unwrap_or("*/*");
        if !["json", "*/*"].iter().any(|known| accept.contains(known)) {
            return Err(format!("the fake has no answers of the type {accept}"));
        }
        let asker = match self.state.asker(asked.header("authorization")) {
            Ok(asker) => asker,
            Err(message) => return Ok(Answer::error(401, &message)),
        };
        if ["/graphql", "/api/graphql"].contains(&path) {
            return graphql::answer(&self.state, &asker, &body.unwrap_or_default());
        }
        let (base, path) = match path.strip_prefix(ENTERPRISE) {
            Some(path) => (ENTERPRISE, path),
            None => ("", path),
        };
        let path = self.by_name(path);
        let found = CONTRACT.operation(&asked.method, &path);
        let (operation, parameters) = found.ok_or("there is no such operation")?;
        let query = pairs(query);
        if checked {
            let mut faults = operation.faults_of_query(&query);
            faults.extend(operation.faults_of_body(body.as_ref()));
            if !faults.is_empty() {
                return Err(faults.join("; "));
            }
        }
        let body = body.unwrap_or_default();
        let call = Call { operation: &operation.id, parameters, query, body, asker, path, base };
        let answer = answers::answer(&mut self.state, &call).unwrap_or_else(|refusal| refusal);
        if checked {
            let faults = CONTRACT.faults_of_answer(operation, answer.status, answer.body.as_ref());
            if !faults.is_empty() {
                return Err(format!("the fake's own answer: {}", faults.join("; ")));
            }
        }
        Ok(answer)
    }

    /// An answer with the headers that GitHub gives it; 304 if the client has it already.
    fn dressed(&mut self, asked: &Asked, answer: Answer) -> Reply {
        let mut reply = Reply::of(answer);
        if asked.method == "GET" && reply.status == 200 {
            let mut hasher = DefaultHasher::new();
            reply.body.hash(&mut hasher);
            let tag = format!("W/\"{:016x}\"", hasher.finish());
            if asked.header("if-none-match") == Some(&tag) {
                (reply.status, reply.body) = (304, Bytes::new());
            }
            reply.headers.push(("etag".to_owned(), tag));
            reply.headers.push(("cache-control".to_owned(), CACHE.to_owned()));
        }
        if reply.status != 304 {
            self.state.used += 1;
        }
        let now = self.state.now.utc();
        let (limit, used) = (rules::LIMIT, self.state.used);
        for (name, value) in [
            ("date", now.format("%a, %d %b %Y %H:%M:%S GMT").to_string()),
            ("x-ratelimit-limit", limit.to_string()),
            ("x-ratelimit-remaining", limit.saturating_sub(used).to_string()),
            ("x-ratelimit-used", used.to_string()),
            ("x-ratelimit-reset", (now.timestamp() + 3600).to_string()),
            ("x-ratelimit-resource", "core".to_owned()),
            ("x-github-request-id", format!("FAKE:{used}")),
        ] {
            reply.headers.push((name.to_owned(), value));
        }
        reply
    }

    /// A path in which the repository is named, where a link named it by its id.
    fn by_name(&self, path: &str) -> String {
        let by_id = path.strip_prefix("/repositories/").and_then(|rest| {
            let (id, rest) = rest.split_once('/').unwrap_or((rest, ""));
            let repository = self.state.repositories.iter().find(|it| it.id.to_string() == id)?;
            Some(format!("/repos/{}/{rest}", repository.full_name()))
        });
        by_id.unwrap_or_else(|| path.to_owned())
    }

    fn write_down(&mut self, asked: &Asked, is_git: bool, reply: Option<&Reply>) {
        let log = if is_git { &mut self.git_log } else { &mut self.log };
        log.push(Exchange {
            method: asked.method.clone(),
            target: asked.target.clone(),
            status: reply.map_or(0, |reply| reply.status),
            body: if is_git {
                Value::Null
            } else {
                asked.json().ok().flatten().unwrap_or_default()
            },
        });
    }
}

impl Asked {
    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body, if there is one.
    fn json(&self) -> Result<Option<Value>, String> {
        if self.body.is_empty() {
            return Ok(None);
        }
        let body = serde_json::from_slice(&self.body);
        body.map(Some).map_err(|error| format!("the body isn't JSON: {error}"))
    }
}

impl Reply {
    /// An answer without the headers that all have.
    pub fn of(answer: Answer) -> Self {
        let mut headers: Vec<_> =
            answer.headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let body = answer.body.map_or(Bytes::new(), |body| {
            headers.push(("content-type".to_owned(), "application/json; charset=utf-8".to_owned()));
            Bytes::from(body.to_string())
        });
        Reply { status: answer.status, headers, body }
    }

    /// The reply with other lists.
    fn with_lists(self, change: impl Fn(&mut Vec<Value>)) -> Self {
        let mut body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        match &mut body {
            Value::Array(items) => change(items),
            Value::Object(fields) => {
                fields.values_mut().filter_map(Value::as_array_mut).for_each(change);
            }
            _ => {}
        }
        Reply { body: Bytes::from(body.to_string()), ..self }
    }

    /// The reply without a header.
    fn without(mut self, header: &str) -> Self {
        self.headers.retain(|(name, _)| name != header);
        self
    }

    fn into_response(self, truncated: bool) -> Response<Sent> {
        let mut response = Response::builder().status(self.status);
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        let body = if truncated { Sent::half(self.body) } else { Sent::whole(self.body) };
        response.body(body).unwrap()
    }
}

/// The names and values of a query.
fn pairs(query: &str) -> Vec<(String, String)> {
    let parts = query.split('&').filter(|part| !part.is_empty());
    let pairs = parts.map(|part| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (decoded(&name.replace('+', " ")), decoded(&value.replace('+', " ")))
    });
    pairs.collect()
}
