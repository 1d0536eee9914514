//! The transport of a program that was built without the feature `github`: there is none.

use std::convert::Infallible;

use anyhow::bail;
use http::Response;
use http::request::Builder;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::forge::github::access::Credentials;

/// The way to GitHub, which can't be set up.
pub(super) struct Transport(Infallible);

impl Transport {
    /// Refuses.
    pub(super) fn new(_: &Runtime, _: &str, _: &Credentials) -> anyhow::Result<Self> {
        bail!("cannot reach GitHub without the feature `github`")
    }

    /// Is never called, because there is no transport.
    pub(super) async fn send(
        &self,
        _: Builder,
        _: Option<&Value>,
    ) -> anyhow::Result<Response<String>> {
        match self.0 {}
    }
}
