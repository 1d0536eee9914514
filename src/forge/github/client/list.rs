//! Lists, which come page by page.

use anyhow::{Context as _, bail};
use http::{HeaderMap, Method};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Client, parse, read};
use crate::forge::github::patience::Turn;

/// The most items that GitHub puts on a page.
const PAGE: usize = 100;

/// The most pages that are read of one list: past that, nothing of its kind is small enough to be
/// decided on.
const MOST_PAGES: usize = 100;

impl Client {
    /// A whole list, page by page.
    ///
    /// # Errors
    /// When a page can't be had, or is missing.
    pub async fn list<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<Vec<T>> {
        self.list_in(path, None).await
    }

    /// The same, where the list stands in an object under `key`.
    ///
    /// # Errors
    /// As [`Client::list`].
    pub async fn list_in<T: DeserializeOwned>(
        &self,
        path: &str,
        key: Option<&str>,
    ) -> anyhow::Result<Vec<T>> {
        let separator = if path.contains('?') { '&' } else { '?' };
        let mut next = Some(format!("{path}{separator}per_page={PAGE}"));
        let mut items = Vec::new();
        for page in 1.. {
            let Some(path) = next else { break };
            if page > MOST_PAGES {
                bail!("{path} has more than {MOST_PAGES} pages, too many to decide on");
            }
            let (found, more) = self.page(&path, key, page == 1).await?;
            if found.is_empty() && page > 1 {
                bail!("GitHub names a page {page} of {path}, and it is empty: try again");
            }
            for item in found {
                items.push(read(item).with_context(|| format!("read {path}"))?);
            }
            next = more;
        }
        Ok(items)
    }

    /// One page's items, and the path of the next one. An empty page behind another is asked for
    /// again: GitHub sometimes counts what it doesn't show yet.
    async fn page(
        &self,
        path: &str,
        key: Option<&str>,
        is_first: bool,
    ) -> anyhow::Result<(Vec<Value>, Option<String>)> {
        let mut turn = Turn::first();
        loop {
            let answer = self.answer(Method::GET, path, None).await?;
            let body: Value = parse(&answer.body).with_context(|| format!("read {path}"))?;
            let list = match key {
                Some(key) => body.get(key).cloned().unwrap_or_default(),
                None => body,
            };
            let Value::Array(items) = list else { bail!("{path} is no list") };
            if !items.is_empty() || is_first || !self.patience.again(&mut turn, path).await {
                return Ok((items, self.next(&answer.headers)));
            }
        }
    }

    /// The next page, from an answer's `Link` header. Its host isn't followed: the token goes to the
    /// API and nowhere else.
    fn next(&self, headers: &HeaderMap) -> Option<String> {
        let links = headers.get("link")?.to_str().ok()?;
        let link = links.split(',').find(|link| link.contains("rel=\"next\""))?;
        let uri: http::Uri = link.split_once('<')?.1.split_once('>')?.0.parse().ok()?;
        let path = uri.path_and_query()?.as_str();
        Some(path.strip_prefix(&self.prefix).unwrap_or(path).to_owned())
    }
}
