//! The web server on the TCP side of our port: the page, and what it needs before it can connect.
//!
//! HTTPS for everybody. Plain HTTP on the same port is told by its first byte: peers on loopback are served as well
//! (`http://127.0.0.1` is a secure context, and has no certificate to warn of), others are sent to HTTPS.
//! Nothing here changes anything: only GET and HEAD, no cookies, no body is read.

use super::assets;
use super::hub::{Event, Shared};
use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{self, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

/// For the first byte, the TLS handshake and each request's head.
const PATIENCE: Duration = Duration::from_secs(5);
/// Of one connection, all requests together.
const LIFE: Duration = Duration::from_secs(60);
/// Connections at once; more wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 64;
/// Of a request's head, in bytes.
const MAX_HEAD: usize = 16 << 10;
/// The first byte of a TLS record that carries a handshake (RFC 8446, section 5.1).
const TLS_HANDSHAKE: u8 = 0x16;
/// Frames, scripts and connections from elsewhere have no business here; `Cross-Origin-*` isolate the page, so that it
/// may use `SharedArrayBuffer`.
const HEADERS: [(&str, &str); 6] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; \
         worker-src 'self' blob:; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-embedder-policy", "require-corp"),
    ("cross-origin-resource-policy", "same-origin"),
];
/// What the page may ask the browser for; with a microphone in the session and without.
const PERMISSIONS: [&str; 2] = [
    "camera=(), microphone=(self), geolocation=()",
    "camera=(), microphone=(), geolocation=()",
];

/// Serves until the task is dropped.
pub async fn run(listener: TcpListener, tls: TlsAcceptor, shared: Arc<Shared>, events: mpsc::Sender<Event>) {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(permit) = room.clone().acquire_owned().await else {
            return;
        };
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(e) => {
                // Out of descriptors, most likely: some must be given back first.
                tracing::warn!("cannot accept a web connection: {e}");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let (tls, shared, events) = (tls.clone(), shared.clone(), events.clone());
        tokio::spawn(async move {
            let _permit = permit;
            let served = timeout(LIFE, connection(stream, peer, tls, &shared, events)).await;
            if let Ok(Err(e)) = served {
                shared.counters.bad_requests.add();
                tracing::debug!("web connection from {peer}: {e:#}");
            }
        });
    }
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    tls: TlsAcceptor,
    shared: &Arc<Shared>,
    events: mpsc::Sender<Event>,
) -> Result<()> {
    // The page is small and wanted at once.
    stream.set_nodelay(true)?;
    let local = stream.local_addr()?;
    let mut first = [0];
    if timeout(PATIENCE, stream.peek(&mut first))
        .await
        .context("no first byte")??
        == 0
    {
        return Ok(());
    }
    if first[0] == TLS_HANDSHAKE {
        let stream = timeout(PATIENCE, tls.accept(stream)).await.context("TLS handshake")??;
        serve(TokioIo::new(stream), None, shared, events).await
    } else {
        let elsewhere = !peer.ip().to_canonical().is_loopback();
        serve(TokioIo::new(stream), elsewhere.then_some(local), shared, events).await
    }
}

/// `redirect`: to HTTPS at this address, whatever is asked for.
async fn serve<I>(io: I, redirect: Option<SocketAddr>, shared: &Arc<Shared>, events: mpsc::Sender<Event>) -> Result<()>
where
    I: hyper::rt::Read + hyper::rt::Write + Unpin,
{
    let service = service_fn(async |request: Request<hyper::body::Incoming>| {
        let mut response = match redirect {
            Some(local) => moved(local),
            None => respond(&request, shared, &events).await,
        };
        let permissions = PERMISSIONS[usize::from(shared.voices.is_none())];
        let headers = response.headers_mut();
        headers.insert("permissions-policy", HeaderValue::from_static(permissions));
        anyhow::Ok(response)
    });
    hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .max_buf_size(MAX_HEAD)
        .serve_connection(io, service)
        .await
        .context("error serving")
}

async fn respond<B>(request: &Request<B>, shared: &Shared, events: &mpsc::Sender<Event>) -> Response<Full<Bytes>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
        response
            .headers_mut()
            .insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    match request.uri().path() {
        "/challenge" => challenge(shared, events).await,
        "/session.json" => {
            let hashes: Vec<_> = shared
                .certificates
                .hashes(SystemTime::now())
                .iter()
                .map(|h| STANDARD.encode(h))
                .collect();
            let version = goggles_protocols::control::VERSION;
            json(&serde_json::json!({ "certHashes": hashes, "broadcast": shared.broadcast, "version": version }))
        }
        path => match assets::find(path) {
            Some((content_type, bytes)) => reply(StatusCode::OK, content_type, Bytes::from_static(bytes)),
            None => text(StatusCode::NOT_FOUND, "not found\n"),
        },
    }
}

async fn challenge(shared: &Shared, events: &mpsc::Sender<Event>) -> Response<Full<Bytes>> {
    let (reply, answer) = oneshot::channel();
    let asked = events.send(Event::Challenge(reply)).await.is_ok();
    let nonce = if asked { answer.await.ok().flatten() } else { None };
    let Some(nonce) = nonce else {
        return text(StatusCode::SERVICE_UNAVAILABLE, "shutting down\n");
    };
    let hashes: Vec<_> = shared
        .certificates
        .hashes(SystemTime::now())
        .iter()
        .map(|h| URL_SAFE_NO_PAD.encode(h))
        .collect();
    json(&serde_json::json!({ "nonce": URL_SAFE_NO_PAD.encode(nonce), "certificates": hashes }))
}

fn moved(local: SocketAddr) -> Response<Full<Bytes>> {
    let local = SocketAddr::new(local.ip().to_canonical(), local.port());
    let mut response = text(StatusCode::TEMPORARY_REDIRECT, "use https\n");
    // The address that was connected to, not the Host header, which anybody can fill in. Browsers keep the fragment.
    if let Ok(location) = HeaderValue::from_str(&format!("https://{local}/")) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

fn json(value: &serde_json::Value) -> Response<Full<Bytes>> {
    reply(StatusCode::OK, "application/json", value.to_string().into())
}

fn text(status: StatusCode, what: &'static str) -> Response<Full<Bytes>> {
    reply(status, "text/plain; charset=utf-8", what.into())
}

fn reply(status: StatusCode, content_type: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    // Another build on the same port is another page, and a nonce is good once.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
