//! What goes wrong because a test wants it to.

use serde_json::{Value, json};

use super::GitHub;
use super::answers::Answer;
use super::state::State;

/// A fault for some of the requests that fit a method and a pattern.
#[derive(Clone, Debug)]
pub struct Fault {
    kind: Kind,
    wanted: Wanted,
    /// Which of them, counted from 1, and how many from there on.
    first: usize,
    times: usize,
    after_effect: bool,
    seen: usize,
}

/// Something that happens on the server right before an answer.
pub type Happening = Box<dyn FnOnce(&mut State) + Send>;

/// Something that happens on the server each time, right before an answer.
pub type Recurrence = Box<dyn FnMut(&mut State) + Send>;

/// Requests by method and address.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    method: String,
    pattern: String,
}

/// What a fault does to a request.
#[derive(Clone, Debug)]
pub enum Kind {
    /// An answer of the server's front, with headers.
    Answer(u16, Vec<(&'static str, String)>),
    /// Milliseconds until the answer.
    Slow(u64),
    /// The connection is closed without an answer.
    Closed,
    /// The connection is closed in the middle of the answer.
    Truncated,
    /// An empty list.
    EmptyPage,
    /// A list without its first item.
    Behind,
    /// A list without its last item.
    Lagging,
    /// No `Link` header.
    Unlinked,
}

impl Fault {
    /// An error of the server's: 500, 502, 503.
    pub fn status(status: u16) -> Self {
        Fault::new(Kind::Answer(status, Vec::new()))
    }

    /// The secondary rate limit, as 403 or 429, with the seconds to wait for.
    pub fn secondary_limit(status: u16, retry_after: u64) -> Self {
        Fault::new(Kind::Answer(status, vec![("retry-after", retry_after.to_string())]))
    }

    /// The primary rate limit, until a time in seconds since 1970.
    pub fn primary_limit(reset: i64) -> Self {
        let headers = vec![
            ("x-ratelimit-remaining", "0".to_owned()),
            ("x-ratelimit-reset", reset.to_string()),
        ];
        Fault::new(Kind::Answer(403, headers))
    }

    /// A limit as GraphQL names it, with the seconds to wait for.
    pub fn graphql_limit(retry_after: u64) -> Self {
        let headers = vec![("retry-after", retry_after.to_string())];
        Fault::new(Kind::Answer(200, headers)).on("POST", "/graphql")
    }

    /// An answer that takes so many milliseconds.
    pub fn slow(milliseconds: u64) -> Self {
        Fault::new(Kind::Slow(milliseconds))
    }

    /// No answer.
    pub fn closed() -> Self {
        Fault::new(Kind::Closed)
    }

    /// Half an answer.
    pub fn truncated() -> Self {
        Fault::new(Kind::Truncated)
    }

    /// A list that is empty although `Link` led to it.
    pub fn empty_page() -> Self {
        Fault::new(Kind::EmptyPage)
    }

    /// A list, newest first, that lacks its newest item still.
    pub fn behind() -> Self {
        Fault::new(Kind::Behind)
    }

    /// A list, oldest first, that lacks its newest item still.
    pub fn lagging() -> Self {
        Fault::new(Kind::Lagging)
    }

    /// A page that doesn't say that there is another one.
    pub fn unlinked() -> Self {
        Fault::new(Kind::Unlinked)
    }

    /// For which requests: a method, and what the address with its query contains. `*` stands for
    /// anything, `$` at the end for the end.
    #[must_use]
    pub fn on(self, method: &str, pattern: &str) -> Self {
        Fault { wanted: Wanted::new(method, pattern), ..self }
    }

    /// From the n-th of them on, counted from 1.
    #[must_use]
    pub fn nth(self, first: usize) -> Self {
        Fault { first, ..self }
    }

    /// So many of them; one if this isn't said.
    #[must_use]
    pub fn times(self, times: usize) -> Self {
        Fault { times, ..self }
    }

    /// All of them.
    #[must_use]
    pub fn always(self) -> Self {
        self.times(usize::MAX)
    }

    /// What is asked for is done, and only the answer is lost.
    #[must_use]
    pub fn after_effect(self) -> Self {
        Fault { after_effect: true, ..self }
    }

    /// Counts a request; says what happens to it.
    pub fn meets(&mut self, method: &str, target: &str) -> Option<Met> {
        if !self.wanted.fits(method, target) {
            return None;
        }
        self.seen += 1;
        let is_due = self.seen >= self.first && self.seen - self.first < self.times;
        is_due.then(|| Met { kind: self.kind.clone(), after_effect: self.after_effect })
    }

    fn new(kind: Kind) -> Self {
        // What is left of an answer takes an answer.
        let after_effect = matches!(
            kind,
            Kind::Truncated | Kind::EmptyPage | Kind::Behind | Kind::Lagging | Kind::Unlinked
        );
        Fault { kind, wanted: Wanted::default(), first: 1, times: 1, after_effect, seen: 0 }
    }
}

impl GitHub {
    /// Lets something go wrong.
    pub fn fail(&self, fault: Fault) {
        self.server.with(|inner| inner.faults.push(fault));
    }

    /// Whether everything that was to go wrong has.
    pub fn has_failed(&self) -> bool {
        self.server.with(|inner| inner.faults.iter().all(|fault| fault.seen >= fault.first))
    }

    /// Lets nothing go wrong any more.
    pub fn heal(&self) {
        self.server.with(|inner| inner.faults.clear());
    }

    /// Lets something happen on the server right before the next request that fits; the pattern is
    /// as in [`Fault::on`].
    pub fn before(
        &self,
        method: &str,
        pattern: &str,
        happening: impl FnOnce(&mut State) + Send + 'static,
    ) {
        let wanted = Wanted::new(method, pattern);
        self.server.with(|inner| inner.happenings.push((wanted, Box::new(happening))));
    }

    /// The same before each request that fits.
    pub fn before_each(
        &self,
        method: &str,
        pattern: &str,
        happening: impl FnMut(&mut State) + Send + 'static,
    ) {
        let wanted = Wanted::new(method, pattern);
        self.server.with(|inner| inner.recurrences.push((wanted, Box::new(happening))));
    }
}

/// What happens to a request.
pub struct Met {
    pub kind: Kind,
    pub after_effect: bool,
}

impl Wanted {
    /// See [`Fault::on`].
    pub fn new(method: &str, pattern: &str) -> Self {
        Wanted { method: method.to_owned(), pattern: pattern.to_owned() }
    }

    /// Whether a request is one of them.
    pub fn fits(&self, method: &str, target: &str) -> bool {
        let (pattern, at_end) = match self.pattern.strip_suffix('$') {
            Some(pattern) => (pattern, true),
            None => (self.pattern.as_str(), false),
        };
        let mut rest = target;
        let mut parts = pattern.split('*').peekable();
        while let Some(part) = parts.next() {
            if at_end && parts.peek().is_none() {
                return method == self.method && rest.ends_with(part);
            }
            let Some(found) = rest.find(part) else { return false };
            rest = &rest[found + part.len()..];
        }
        method == self.method
    }
}

/// The answer of the server's front.
pub fn front(status: u16, headers: &[(&'static str, String)]) -> Answer {
    let message = match (status, headers.is_empty()) {
        (403 | 429, false) if headers[0].0 == "retry-after" => {
            "You have exceeded a secondary rate limit. Please wait a few minutes before you try \
             again."
        }
        (403 | 429, _) => "API rate limit exceeded",
        _ => "Server Error",
    };
    let body: Value = match status {
        200 => json!({"errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded"}]}),
        _ => json!({"message": message, "documentation_url": "https://docs.github.com/rest"}),
    };
    Answer { status, headers: headers.to_vec(), ..Answer::ok(body) }
}
