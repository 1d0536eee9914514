//! A witness as C2SP's `tlog-witness` has it, on a port of this machine: it checks each proof, and
//! cosigns with a key of its own.

use std::convert::Infallible;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signer as _, SigningKey};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;

use changegate::core::record::key::PublicKey;
use changegate::core::record::note::{SignatureType, VerifierKey};
use changegate::core::record::tree::{Frontier, Hash, verify_consistency};

/// Its name.
pub const NAME: &str = "witness.example/w1";

/// What it knows.
#[derive(Default)]
pub struct Book {
    /// The logs that it cosigns.
    pub origins: Vec<String>,
    /// Whether it wants a signature of the log.
    pub wants_signature: bool,
    /// The size and the root that it cosigned last.
    pub last: Option<(u64, Hash)>,
    /// The status of each answer.
    pub answered: Vec<u16>,
}

/// A witness that runs until it is dropped.
pub struct Witness {
    pub book: Arc<Mutex<Book>>,
    pub url: String,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

/// Its verifier key.
pub fn vkey() -> VerifierKey {
    let public = PublicKey::of(key().verifying_key().as_bytes()).unwrap();
    VerifierKey::of(NAME.parse().unwrap(), SignatureType::Cosignature, public)
}

impl Witness {
    /// Starts one that cosigns a log.
    pub fn of(origin: &str) -> Self {
        let book = Book { origins: vec![origin.to_owned()], ..Book::default() };
        let book = Arc::new(Mutex::new(book));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/w1", listener.local_addr().unwrap());
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let shared = Arc::clone(&book);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async move {
                listener.set_nonblocking(true).unwrap();
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                tokio::spawn(accept(shared, listener));
                let _ = stopped.await;
            });
        });
        Witness { book, url, stop: Some(stop), thread: Some(thread) }
    }

    /// Changes or reads what it knows.
    pub fn with<T>(&self, see: impl FnOnce(&mut Book) -> T) -> T {
        see(&mut self.book.lock().unwrap())
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn accept(book: Arc<Mutex<Book>>, listener: tokio::net::TcpListener) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let book = Arc::clone(&book);
        let service = service_fn(move |request| handle(Arc::clone(&book), request));
        let connection = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async { connection.await.ok() });
    }
}

async fn handle(
    book: Arc<Mutex<Book>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let is_known = request.method() == "POST" && request.uri().path() == "/w1/add-checkpoint";
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let body = String::from_utf8(body.to_vec()).unwrap_or_default();
    let mut book = book.lock().unwrap();
    let (status, text) = match is_known {
        true => book.answer(&body).unwrap_or((400, "this is not a request\n".to_owned())),
        false => (404, String::new()),
    };
    book.answered.push(status);
    Ok(Response::builder().status(status).body(Full::new(Bytes::from(text))).unwrap())
}

impl Book {
    /// Answers a request; `None` if it isn't one.
    fn answer(&mut self, body: &str) -> Option<(u16, String)> {
        let (head, note) = body.split_once("\n\n")?;
        let mut head = head.lines();
        let old: u64 = head.next()?.strip_prefix("old ")?.parse().ok()?;
        let proof = head.map(str::parse).collect::<Result<Vec<Hash>, _>>().ok()?;
        let (text, signatures) = note.split_once("\n\n")?;
        let [origin, size, root] = text.lines().collect::<Vec<_>>().try_into().ok()?;
        let (size, root): (u64, Hash) = (size.parse().ok()?, root.parse().ok()?);
        if !self.origins.iter().any(|known| known == origin) {
            return Some((404, String::new()));
        }
        if self.wants_signature && signatures.is_empty() {
            return Some((403, String::new()));
        }
        if old > size {
            return Some((400, String::new()));
        }
        let last = self.last.unwrap_or((0, Frontier::default().root()));
        if old != last.0 || (old == size && root != last.1) {
            return Some((409, format!("{}\n", last.0)));
        }
        if !verify_consistency(last, (size, root), &proof) {
            return Some((422, String::new()));
        }
        self.last = Some((size, root));
        Some((200, cosign(&format!("{text}\n"))))
    }
}

/// Cosigns a checkpoint now.
fn cosign(text: &str) -> String {
    cosign_at(text, SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs())
}

/// Cosigns a checkpoint at a Unix time.
pub fn cosign_at(text: &str, time: u64) -> String {
    let message = format!("cosignature/v1\ntime {time}\n{text}");
    let signature = key().sign(message.as_bytes()).to_bytes();
    let vkey = vkey().to_string();
    let id = u32::from_str_radix(vkey.split('+').nth(1).unwrap(), 16).unwrap();
    let bytes = [&id.to_be_bytes()[..], &time.to_be_bytes(), &signature].concat();
    format!("\u{2014} {NAME} {}\n", BASE64.encode(bytes))
}
