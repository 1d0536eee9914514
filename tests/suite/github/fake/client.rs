//! A client that asks for one thing at a time, and shows all of the answer.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::Value;

use super::super::super::plumbing::github::GitHub;

/// A client with a token.
pub struct Client {
    host: String,
    token: Option<String>,
    headers: String,
}

/// An answer.
#[derive(Debug)]
pub struct Got {
    pub status: u16,
    /// With names in lower case.
    pub headers: Vec<(String, String)>,
    /// Null if there is no JSON.
    pub body: Value,
    /// Whether everything came that was announced.
    pub whole: bool,
}

impl Client {
    /// A client with a workflow's token.
    pub fn of(github: &GitHub) -> Self {
        Self::with(github, Some(github.token()))
    }

    /// A client with another token, or none.
    pub fn with(github: &GitHub, token: Option<String>) -> Self {
        let host = github.url().trim_start_matches("http://").to_owned();
        Client { host, token, headers: String::new() }
    }

    /// The client with another header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers += &format!("{name}: {value}\r\n");
        self
    }

    /// Reads something.
    pub fn get(&self, target: &str) -> Got {
        self.ask("GET", target, &Value::Null)
    }

    /// Reads something that has to be there.
    #[track_caller]
    pub fn read(&self, target: &str) -> Value {
        let got = self.get(target);
        assert_eq!(got.status, 200, "{target}: {got:?}");
        got.body
    }

    /// Asks for anything; a status of 0 means that there was no answer.
    pub fn ask(&self, method: &str, target: &str, body: &Value) -> Got {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let token = self.token.as_ref();
        let token = token.map(|token| format!("authorization: Bearer {token}\r\n"));
        let request = format!(
            "{method} {target} HTTP/1.1\r\nhost: {}\r\nuser-agent: test\r\nconnection: close\r\n\
             content-length: {}\r\n{}{}\r\n{body}",
            self.host,
            body.len(),
            token.unwrap_or_default(),
            self.headers,
        );
        let mut stream = TcpStream::connect(&self.host).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        // What is cut off may end as an error.
        let _ = stream.read_to_end(&mut answer);
        Got::parse(&String::from_utf8_lossy(&answer))
    }
}

impl Got {
    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn parse(answer: &str) -> Self {
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let headers: Vec<_> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let length = length.and_then(|(_, length)| length.parse().ok());
        Got {
            status: status.unwrap_or(0),
            whole: length.is_none_or(|length: usize| body.len() == length),
            body: serde_json::from_str(body).unwrap_or_default(),
            headers,
        }
    }
}
