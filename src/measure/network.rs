//! What may be asked on the network, and how.
//!
//! - Only addresses on the public Internet, unless the roster lists the host for a service: a request is
//!   text from anyone, and where this runs a metadata service may be near.
//! - What is connected to is the very address that was looked at: no proxy, and no second look-up.
//! - No redirect is followed, and no body is kept.

use std::collections::BTreeSet;
use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{AUTHORIZATION, HeaderValue, LOCATION};
use reqwest::{Client, Response, Url};
use tokio::runtime::Runtime;

use crate::core::operations::measured::Answer;
use crate::web;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest answer that is read, in bytes.
const LONGEST: usize = 1 << 20;

/// A secret that is shown to one server.
#[derive(Clone, Debug)]
pub struct Token(HeaderValue);

impl Token {
    /// Returns the token with this text.
    ///
    /// # Errors
    /// When no server would take it.
    pub fn of(text: &str) -> anyhow::Result<Self> {
        let value = HeaderValue::try_from(format!("Bearer {}", text.trim()));
        let mut value = value.ok().context("it holds characters that no token has")?;
        // It is never printed from now on.
        value.set_sensitive(true);
        Ok(Token(value))
    }
}

/// The way to what is measured.
pub(super) struct Network {
    runtime: Runtime,
    client: Client,
    private: Arc<BTreeSet<String>>,
}

impl Network {
    /// Sets the way up. Hosts in `private` may have any address.
    pub(super) fn new(private: &BTreeSet<String>) -> anyhow::Result<Self> {
        let private = Arc::new(private.clone());
        let client = web::client(PATIENCE, PATIENCE)
            .no_proxy()
            .pool_max_idle_per_host(0)
            .dns_resolver(Guarded(private.clone()))
            .build()
            .context("cannot set up network access")?;
        Ok(Network { runtime: web::runtime()?, client, private })
    }

    /// Asks all addresses at the same time whether they are healthy.
    pub(super) fn poll(&self, urls: &[Url]) -> Vec<Answer> {
        self.runtime.block_on(async {
            let asked: Vec<_> = urls
                .iter()
                .map(|url| {
                    let request = self.asks(url, None);
                    let url = url.clone();
                    tokio::task::spawn(async move {
                        let began = Instant::now();
                        let wrong = match request {
                            Ok(request) => answer(request.send().await, &url).err(),
                            Err(why) => Some(why),
                        };
                        let took = u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX);
                        Answer { took, wrong }
                    })
                })
                .collect();
            let mut answers = Vec::new();
            for it in asked {
                let failed = |error: tokio::task::JoinError| Answer {
                    took: 0,
                    wrong: Some(error.to_string()),
                };
                answers.push(it.await.unwrap_or_else(failed));
            }
            answers
        })
    }

    /// Reads what an address answers.
    ///
    /// # Errors
    /// When there is no answer, or not a good one.
    pub(super) fn read(&self, url: &Url, token: Option<&Token>) -> anyhow::Result<Vec<u8>> {
        self.runtime.block_on(async {
            let request = self.asks(url, token).map_err(anyhow::Error::msg)?;
            let mut response = answer(request.send().await, url).map_err(anyhow::Error::msg)?;
            let mut read = Vec::new();
            while let Some(part) =
                response.chunk().await.map_err(|error| anyhow::anyhow!(why(&error)))?
            {
                read.extend_from_slice(&part);
                ensure!(read.len() <= LONGEST, "its answer is longer than {LONGEST} bytes");
            }
            Ok(read)
        })
    }

    fn asks(&self, url: &Url, token: Option<&Token>) -> Result<reqwest::RequestBuilder, String> {
        // A host that is written as an address is never looked up.
        let host = url.host_str().unwrap_or_default();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = bare.parse::<IpAddr>() {
            is_allowed(&self.private, host, [address])?;
        }
        let request = self.client.get(url.clone());
        Ok(match token {
            Some(Token(value)) => request.header(AUTHORIZATION, value.clone()),
            None => request,
        })
    }
}

/// Returns a good answer, or why it isn't one.
fn answer(sent: reqwest::Result<Response>, url: &Url) -> Result<Response, String> {
    let response = sent.map_err(|error| why(&error))?;
    let status = response.status();
    let location = response.headers().get(LOCATION).and_then(|it| it.to_str().ok());
    match location.filter(|_| status.is_redirection()).and_then(|it| url.join(it).ok()) {
        Some(to) => {
            let host = to.host_str().unwrap_or_default();
            Err(format!("it redirects to {host}, which isn't followed"))
        }
        None if status.is_success() => Ok(response),
        None => Err(format!("it answered {}", status.as_u16())),
    }
}

/// Returns the innermost cause of an error; the outer ones name layers of this program.
fn why(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {} s", PATIENCE.as_secs());
    }
    let mut cause: &dyn Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// Looks hosts up, and lets nothing through that may not be asked.
struct Guarded(Arc<BTreeSet<String>>);

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let private = self.0.clone();
        Box::pin(async move {
            let host = name.as_str();
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host, 0)).await?.collect();
            is_allowed(&private, host, found.iter().map(SocketAddr::ip))?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Checks that all addresses of a host may be asked.
fn is_allowed(
    private: &BTreeSet<String>,
    host: &str,
    addresses: impl IntoIterator<Item = IpAddr>,
) -> Result<(), String> {
    if private.contains(&host.to_ascii_lowercase()) {
        return Ok(());
    }
    match addresses.into_iter().find(|address| !is_public(*address)) {
        None => Ok(()),
        Some(address) => Err(format!(
            "{host} is at {address}, which isn't a public address: list the host under the service's \
             `hosts` in policies/org/roster/data.yaml if it is meant"
        )),
    }
}

/// Whether an address is one of the public Internet.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(it) => is_public_v4(it),
        IpAddr::V6(it) => is_public_v6(it),
    }
}

fn is_public_v4(it: Ipv4Addr) -> bool {
    let [a, b, c, _] = it.octets();
    let is_special = it.is_private()
        || it.is_loopback()
        || it.is_link_local()
        || it.is_documentation()
        || a == 0
        || a >= 224
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (b == 18 || b == 19));
    !is_special
}

fn is_public_v6(it: Ipv6Addr) -> bool {
    let [a, b, ..] = it.segments();
    let [.., x, y] = it.segments();
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match (it.to_ipv4_mapped(), a) {
        (Some(mapped), _) => is_public_v4(mapped),
        // An address of the other kind, behind a translator or a tunnel.
        (None, 0x64) => embedded(x, y),
        (None, 0x2002) => embedded(b, it.segments()[2]),
        // The rest of what is given out.
        (None, a) => a & 0xe000 == 0x2000 && !(a == 0x2001 && (b == 0xdb8 || b < 0x200)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_internet_are_asked() {
        for (address, expected) in [
            ("93.184.216.34", true),
            ("8.8.8.8", true),
            ("2606:2800:220:1:248:1893:25c8:1946", true),
            ("127.0.0.1", false),
            ("127.8.9.1", false),
            ("0.0.0.0", false),
            ("10.1.2.3", false),
            ("172.16.0.1", false),
            ("172.32.0.1", true),
            ("192.168.1.1", false),
            ("169.254.169.254", false),
            ("100.64.0.1", false),
            ("100.128.0.1", true),
            ("192.0.0.170", false),
            ("198.18.0.1", false),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
            ("::1", false),
            ("::", false),
            ("::ffff:127.0.0.1", false),
            ("::ffff:8.8.8.8", true),
            ("::7f00:1", false),
            ("fe80::1", false),
            ("fec0::1", false),
            ("fd00:ec2::254", false),
            ("ff02::1", false),
            ("64:ff9b::a9fe:a9fe", false),
            ("64:ff9b::808:808", true),
            ("2002:7f00:1::", false),
            ("2002:808:808::", true),
            ("2001::1", false),
            ("2001:db8::1", false),
            ("2001:4860:4860::8888", true),
        ] {
            assert_eq!(is_public(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn a_token_is_never_printed() {
        let token = Token::of("  verysecret\n").unwrap();
        assert!(!format!("{token:?}").contains("verysecret"));
        assert!(Token::of("very\nsecret").is_err());
    }
}
