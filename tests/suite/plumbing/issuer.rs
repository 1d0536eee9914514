//! An issuer of the tokens of jobs, as GitHub has one, on a port of this machine: real RS256 keys, the
//! list of them, and a token for each job that asks.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, LazyLock, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use chrono::Utc;
use rustls::SignatureScheme;
use rustls::crypto::ring::sign::RsaSigningKey;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::sign::SigningKey as _;
use serde_json::{Value, json};

use super::merge;
use super::ran::Ran;

/// The secret with which a job asks for tokens.
const SECRET: &str = "a-job-of-ours";

/// A key that signs tokens.
pub struct Key {
    private: RsaSigningKey,
    /// The public key as an issuer lists it, without its id.
    public: Value,
}

impl Key {
    fn make() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        let arguments = ["-q", "-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "", "-f"];
        Ran::of(Command::new("ssh-keygen").args(arguments).arg(&file), "").went_well();
        let private = PrivateKeyDer::from_pem_file(&file).unwrap();
        let public = std::fs::read_to_string(file.with_extension("pub")).unwrap();
        let public = ssh_key::PublicKey::from_openssh(&public).unwrap();
        let rsa = public.key_data().rsa().unwrap();
        let number = |it: &ssh_key::Mpint| BASE64.encode(it.as_positive_bytes().unwrap());
        Key {
            private: RsaSigningKey::new(&private).unwrap(),
            public: json!({
                "kty": "RSA", "alg": "RS256", "use": "sig", "x5t": "x",
                "n": number(&rsa.n), "e": number(&rsa.e),
            }),
        }
    }

    /// The public key, with an id.
    pub fn listed(&self, kid: &str) -> Value {
        merged(&self.public, &json!({"kid": kid}))
    }

    /// A token with this header and these claims.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| BASE64.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let signer = self.private.choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256]).unwrap();
        let signature = signer.sign(signed.as_bytes()).unwrap();
        format!("{signed}.{}", BASE64.encode(signature))
    }
}

/// Three keys, made once for all tests.
pub static KEYS: LazyLock<[Key; 3]> = LazyLock::new(|| [(); 3].map(|()| Key::make()));

/// One value laid over another one.
pub fn merged(value: &Value, over: &Value) -> Value {
    let mut value = value.clone();
    merge(&mut value, over, super::Nulls::Remove);
    value
}

struct State {
    /// The keys that are listed, by their places among [`KEYS`]; the last one signs.
    keys: Vec<usize>,
    /// What the job's tokens say.
    claims: Value,
    /// Who started its run again.
    again: Value,
}

/// An issuer that runs until the test ends.
#[derive(Clone)]
pub struct Issuer {
    pub url: String,
    state: Arc<Mutex<State>>,
}

impl Issuer {
    /// Starts one with a key, and a job of `deploy.yml` in acme/shop that bob started.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let claims = json!({
            "iss": url,
            "sub": "repo:acme/shop:environment:production",
            "repository": "acme/shop",
            "repository_id": "8123",
            "workflow_ref": "acme/shop/.github/workflows/deploy.yml@refs/heads/main",
            "environment": "production",
            "event_name": "workflow_dispatch",
            "actor": "bob",
            "actor_id": "102",
            "run_id": "77",
            "run_attempt": "1",
        });
        let state = Arc::new(Mutex::new(State { keys: vec![0], claims, again: json!(null) }));
        let issuer = Issuer { url, state };
        let serving = issuer.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                serving.answer(stream.unwrap());
            }
        });
        issuer
    }

    /// Changes what the job's tokens say.
    pub fn job(&self, changes: &Value) {
        let mut state = self.state.lock().unwrap();
        state.claims = merged(&state.claims, changes);
    }

    /// Lets somebody start the job's run again.
    pub fn starts_again(&self, login: &str, id: u64) {
        self.job(&json!({"run_attempt": "2"}));
        self.state.lock().unwrap().again = json!({"login": login, "id": id, "type": "User"});
    }

    /// Lists just these keys, of which the last one signs from now on.
    pub fn use_keys(&self, keys: &[usize]) {
        self.state.lock().unwrap().keys = keys.to_vec();
    }

    /// A token of the job that is issued now, for an audience.
    pub fn token(&self, audience: &str, changes: &Value) -> String {
        let state = self.state.lock().unwrap();
        let signs = *state.keys.last().unwrap();
        let of_now = json!({"aud": audience, "iat": Utc::now().timestamp()});
        let claims = merged(&merged(&state.claims, &of_now), changes);
        KEYS[signs].sign(&json!({"alg": "RS256", "typ": "JWT", "kid": kid(signs)}), &claims)
    }

    /// The list of keys.
    pub fn keys(&self) -> Value {
        let state = self.state.lock().unwrap();
        json!({"keys": state.keys.iter().map(|&at| KEYS[at].listed(&kid(at))).collect::<Vec<_>>()})
    }

    /// What GitHub puts into the environment of a job that may ask for tokens.
    pub fn environment(&self) -> [(&'static str, String); 3] {
        [
            ("ACTIONS_ID_TOKEN_REQUEST_URL", format!("{}/token?run=1", self.url)),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", SECRET.to_owned()),
            ("NO_PROXY", "127.0.0.1".to_owned()),
        ]
    }

    fn answer(&self, mut stream: TcpStream) {
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
        // Who only connects asks nothing.
        let Some(Ok(first)) = lines.next() else { return };
        let headers: Vec<_> = lines.map_while(|it| it.ok().filter(|it| !it.is_empty())).collect();
        let path = first.split(' ').nth(1).unwrap();
        let bearer = format!("authorization: bearer {SECRET}");
        let is_job = headers.iter().any(|it| it.to_lowercase() == bearer);
        let answer = match path.split_once("&audience=") {
            None if path == "/.well-known/jwks" => Some(self.keys()),
            None if path == "/repos/acme/shop/actions/runs/77" => {
                Some(json!({"id": 77, "triggering_actor": self.state.lock().unwrap().again}))
            }
            Some(("/token?run=1", audience)) if is_job => {
                let audience = audience.replace("%3A", ":");
                Some(json!({"count": 1, "value": self.token(&audience, &json!({}))}))
            }
            _ => None,
        };
        let (status, body) = match answer {
            Some(answer) => ("200 OK", answer.to_string()),
            None => ("404 Not Found", String::new()),
        };
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        // Who asked may be gone.
        let _ = stream.write_all((head + &body).as_bytes());
    }
}

fn kid(at: usize) -> String {
    format!("key-{at}")
}
