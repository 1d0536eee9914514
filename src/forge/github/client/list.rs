//! Reads lists, which GitHub returns page by page.

use anyhow::{Context as _, bail};
use http::{HeaderMap, Method};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Client, parse, read};
use crate::forge::github::patience::Turn;

/// The number of items per page, the most that GitHub allows.
const PAGE: usize = 100;

/// The maximum number of pages of a list: anything longer is too large to be judged.
const MOST_PAGES: usize = 100;

/// The form of a list's pages.
struct Pages {
    /// The key under which each page holds its items; `None` if the page is the list.
    key: Option<&'static str>,
    /// Whether pages have numbers.
    are_numbered: bool,
}

impl Client {
    /// Reads a whole list.
    ///
    /// # Errors
    /// When a page can't be read or is missing, or when there are too many.
    pub async fn list<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<Vec<T>> {
        self.read_pages(path, Pages { key: None, are_numbered: true }).await
    }

    /// Reads a whole list that each page holds in an object under `key`.
    ///
    /// # Errors
    /// As [`Client::list`].
    pub async fn list_in<T: DeserializeOwned>(
        &self,
        path: &str,
        key: &'static str,
    ) -> anyhow::Result<Vec<T>> {
        self.read_pages(path, Pages { key: Some(key), are_numbered: true }).await
    }

    /// Reads a whole list whose pages only GitHub itself can tell the way to.
    ///
    /// # Errors
    /// As [`Client::list`].
    pub async fn list_by_cursor<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<Vec<T>> {
        self.read_pages(path, Pages { key: None, are_numbered: false }).await
    }

    async fn read_pages<T: DeserializeOwned>(
        &self,
        path: &str,
        pages: Pages,
    ) -> anyhow::Result<Vec<T>> {
        let separator = if path.contains('?') { '&' } else { '?' };
        let first = format!("{path}{separator}per_page={PAGE}");
        let mut next = Some(first.clone());
        let mut is_announced = false;
        let mut items = Vec::new();
        for page in 1.. {
            let Some(path) = next else { break };
            if page > MOST_PAGES {
                bail!("{path} has more than {MOST_PAGES} pages, which is too many to judge");
            }
            let (found, more) = self.page(&path, pages.key, is_announced).await?;
            if found.is_empty() && is_announced {
                bail!("GitHub announced page {page} of {path}, but it is empty: try again");
            }
            is_announced = more.is_some();
            // After a full page there can be another one even if nothing announces it.
            let is_full = pages.are_numbered && found.len() == PAGE;
            next = more.or_else(|| is_full.then(|| format!("{first}&page={}", page + 1)));
            for item in found {
                items.push(read(item).with_context(|| format!("cannot read {path}"))?);
            }
        }
        Ok(items)
    }

    /// Returns the items of a page, and the path of the next page. An empty page that was announced
    /// is requested again, because GitHub sometimes counts items that it doesn't show yet.
    async fn page(
        &self,
        path: &str,
        key: Option<&str>,
        is_announced: bool,
    ) -> anyhow::Result<(Vec<Value>, Option<String>)> {
        let mut turn = Turn::first();
        loop {
            let answer = self.answer(Method::GET, path, None).await?;
            let body: Value =
                parse(answer.body()).with_context(|| format!("cannot read {path}"))?;
            let list = match key {
                Some(key) => body.get(key).cloned().unwrap_or_default(),
                None => body,
            };
            let Value::Array(items) = list else {
                bail!("GitHub's answer to {path} is not a list")
            };
            if !items.is_empty() || !is_announced || !self.patience.again(&mut turn, path).await {
                return Ok((items, self.next(answer.headers())));
            }
        }
    }

    /// Returns the path of the next page from the `Link` header. Its host is ignored, because the
    /// token must only be sent to the API.
    fn next(&self, headers: &HeaderMap) -> Option<String> {
        let links = headers.get("link")?.to_str().ok()?;
        let link = links.split(',').find(|link| link.contains("rel=\"next\""))?;
        let uri: http::Uri = link.split_once('<')?.1.split_once('>')?.0.parse().ok()?;
        let path = uri.path_and_query()?.as_str();
        Some(path.strip_prefix(&self.prefix).unwrap_or(path).to_owned())
    }
}
