//! Lists, page by page, and the `Link` header that leads on.

use serde_json::{Value, json};

use super::answers::{Answer, Call};
use super::state::State;

const USUAL: usize = 30;

/// A page of a list.
pub struct Page {
    items: Vec<Value>,
    total: usize,
    link: Option<String>,
}

impl Page {
    /// The page that a call asks for; only its items are brought into shape.
    pub fn of<T>(call: &Call<'_>, state: &State, items: &[T], shape: impl Fn(&T) -> Value) -> Self {
        let size = size(call);
        let page = call.asked("page").and_then(|page| page.parse().ok()).unwrap_or(1_usize);
        let last = items.len().div_ceil(size).max(1);
        let mut links = Vec::new();
        let mut link = |to: usize, rel: &str| {
            links.push(format!(
                "<{}>; rel=\"{rel}\"",
                address(call, state, "page", &to.to_string())
            ));
        };
        if page > 1 {
            link((page - 1).min(last), "prev");
        }
        if page < last {
            link(page + 1, "next");
            link(last, "last");
        }
        if page > 1 {
            link(1, "first");
        }
        Page {
            items: items.iter().skip((page - 1) * size).take(size).map(shape).collect(),
            total: items.len(),
            link: (!links.is_empty()).then(|| links.join(", ")),
        }
    }

    /// A page of a list that is read on by a cursor, of items with ids.
    pub fn after<T>(
        call: &Call<'_>,
        state: &State,
        name: &str,
        items: &[T],
        id: impl Fn(&T) -> u64,
        shape: impl Fn(&T) -> Value,
    ) -> Self {
        let size = size(call);
        let cursor = call.asked(name);
        let seen = |item: &T| cursor == Some(cursor_of(id(item)).as_str());
        let start = items.iter().position(seen).map_or(0, |index| index + 1);
        let items: Vec<_> = items.iter().skip(start).collect();
        let next = items.get(size).map(|_| {
            let cursor = cursor_of(id(items[size - 1]));
            format!("<{}>; rel=\"next\"", address(call, state, name, &cursor))
        });
        Page {
            total: items.len(),
            items: items.into_iter().take(size).map(shape).collect(),
            link: next,
        }
    }

    /// The list alone.
    pub fn into_answer(self) -> Answer {
        let headers = self.link.map(|link| ("link", link)).into_iter().collect();
        Answer { headers, ..Answer::ok(Value::Array(self.items)) }
    }

    /// The list under a name, with how much there is in all.
    pub fn under(mut self, name: &str) -> Answer {
        let body = json!({"total_count": self.total, name: std::mem::take(&mut self.items)});
        Answer { body: Some(body), ..self.into_answer() }
    }
}

fn size(call: &Call<'_>) -> usize {
    call.asked("per_page").and_then(|size| size.parse().ok()).unwrap_or(USUAL)
}

fn cursor_of(id: u64) -> String {
    format!("djQ6ks8AAAA{id}")
}

/// The address of another page. As GitHub does, it names the repository by its id.
fn address(call: &Call<'_>, state: &State, name: &str, value: &str) -> String {
    let path = match call.repository(state) {
        Some(repository) => {
            let rest = call.path.splitn(5, '/').nth(4).map_or(String::new(), |it| format!("/{it}"));
            format!("/repositories/{}{rest}", repository.id)
        }
        None => call.path.clone(),
    };
    let others = call.query.iter().filter(|(known, _)| known != name);
    let mut query: Vec<_> = others.map(|(name, value)| (name.as_str(), value.as_str())).collect();
    query.push((name, value));
    let encoded = |text| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let query: Vec<_> =
        query.into_iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    state.url(&format!("{}{path}?{}", call.base, query.join("&")))
}
