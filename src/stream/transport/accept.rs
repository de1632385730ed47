//! From a QUIC connection attempt to a session: by ALPN WebTransport or bare MoQ, then who it is and what it wants.
//!
//! Nobody gets further without credentials (`protocols/stream.md`): WebTransport shows them in the CONNECT's query, a
//! bare MoQ client in the query of the path that its SETUP names, or in the SETUP's AUTHORIZATION TOKEN.
//! A browser says where its page is from and can't lie about it, so a foreign `Origin` is refused; a client without
//! one is no browser, and its credentials are what counts.

use super::adapter;
use super::hub::{Admitted, Event, Shared};
use super::{control, watch};
use crate::stream::session::Refusal;
use anyhow::{Context, Result, bail};
use goggles_protocols::auth::{Credentials, token_text};
use moq_net::server::Handshake;
use quinn::crypto::rustls::HandshakeData;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use wtransport::endpoint::{IncomingSessionFuture, SessionRequest};

/// From the first packet to a session.
const PATIENCE: Duration = Duration::from_secs(10);
/// Connections, let in or not.
const MAX_CONNECTIONS: usize = 256;
/// Above this many, an address must prove that it can receive before it costs us a handshake (RFC 9000, section 8.1.2).
const RETRY_ABOVE: usize = 32;
/// WebTransport's ALPN.
pub const HTTP3: &[u8] = b"h3";

/// Accepts connections until the endpoint is closed.
pub async fn run(endpoint: quinn::Endpoint, shared: Arc<Shared>, events: mpsc::Sender<Event>) {
    while let Some(incoming) = endpoint.accept().await {
        let open = endpoint.open_connections();
        if open > MAX_CONNECTIONS {
            incoming.refuse();
        } else if open > RETRY_ABOVE && !incoming.remote_address_validated() {
            // Fails only for a validated address.
            let _ = incoming.retry();
        } else {
            let (shared, events) = (shared.clone(), events.clone());
            tokio::spawn(async move {
                let from = incoming.remote_address();
                if let Err(e) = connection(incoming, &shared, events).await {
                    tracing::debug!("connection from {from}: {e:#}");
                }
            });
        }
    }
}

async fn connection(incoming: quinn::Incoming, shared: &Arc<Shared>, events: mpsc::Sender<Event>) -> Result<()> {
    let mut connecting = incoming.accept()?;
    let data = timeout(PATIENCE, connecting.handshake_data())
        .await
        .context("handshake")??;
    let alpn = data
        .downcast::<HandshakeData>()
        .ok()
        .and_then(|d| d.protocol)
        .context("no ALPN")?;
    if alpn == HTTP3 {
        let request = IncomingSessionFuture::with_quic_connecting(connecting);
        let request = timeout(PATIENCE, request).await.context("no CONNECT came")??;
        web(request, shared, events).await
    } else {
        let connection = timeout(PATIENCE, connecting).await.context("handshake")??;
        raw(connection, std::str::from_utf8(&alpn)?, shared, events).await
    }
}

/// What a WebTransport client may connect to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Moq,
    Control,
}

async fn web(request: SessionRequest, shared: &Arc<Shared>, events: mpsc::Sender<Event>) -> Result<()> {
    let from = request.remote_address();
    let (path, query) = match request.path().split_once('?') {
        Some((path, query)) => (path.to_owned(), query.to_owned()),
        None => (request.path().to_owned(), String::new()),
    };
    let place = match path.as_str() {
        "/moq" => Place::Moq,
        "/control" => Place::Control,
        _ => {
            shared.counters.refused.add();
            refuse(request.not_found()).await;
            bail!("no such path");
        }
    };
    let admitted = match web_credentials(&request, place, &query, shared) {
        Ok(credentials) => authorise(from, path, credentials, &events).await,
        Err(e) => Err(e),
    };
    let admitted = match admitted {
        Ok(admitted) => admitted,
        Err(e) => {
            let too_many = matches!(e.downcast_ref(), Some(Refusal::TooMany));
            tell_refusal(from, &e, &events).await?;
            if too_many {
                refuse(request.too_many_requests()).await;
            } else {
                refuse(request.forbidden()).await;
            }
            return Ok(());
        }
    };
    match (place, admitted.player) {
        (Place::Moq, _) => {
            let protocol = request
                .headers()
                .get("wt-available-protocols")
                .and_then(|list| choose_protocol(list));
            let headers = protocol.map(|p| ("wt-protocol", format!("\"{p}\"")));
            let connection = timeout(PATIENCE, request.accept_with_headers(headers))
                .await
                .context("accept")??;
            let session = adapter::Session::web(connection, protocol);
            let handshake = setup(&session).await?;
            watch::run(handshake, session, admitted, shared, events).await
        }
        (Place::Control, Some(player)) => {
            let connection = timeout(PATIENCE, request.accept()).await.context("accept")??;
            control::run(connection, admitted, player, shared, events).await
        }
        (Place::Control, None) => unreachable_place(request).await,
    }
}

/// [`web_credentials`] lets no token alone through to `/control`; should it ever, the answer is still no.
async fn unreachable_place(request: SessionRequest) -> Result<()> {
    tracing::error!("a watcher was let in to /control");
    refuse(request.forbidden()).await;
    Ok(())
}

/// Says no; a peer that doesn't take the answer is not waited for.
async fn refuse(answer: impl Future<Output = ()>) {
    let _ = timeout(PATIENCE, answer).await;
}

async fn tell_refusal(from: SocketAddr, why: &anyhow::Error, events: &mpsc::Sender<Event>) -> Result<()> {
    let event = Event::Refused(from.ip(), format!("{why:#}"));
    events.send(event).await.ok().context("shutting down")
}

fn web_credentials(request: &SessionRequest, place: Place, query: &str, shared: &Shared) -> Result<Credentials> {
    if let Some(origin) = request.origin()
        && !shared.names.is_our_origin(origin)
    {
        bail!("the page is from {origin:?}");
    }
    let credentials = Credentials::parse(query)?;
    if place == Place::Control && matches!(credentials, Credentials::Token(_)) {
        // Before it is spent.
        bail!("a token alone only lets watch");
    }
    Ok(credentials)
}

async fn authorise(
    from: SocketAddr,
    path: String,
    credentials: Credentials,
    events: &mpsc::Sender<Event>,
) -> Result<Admitted> {
    let (reply, answer) = oneshot::channel();
    let event = Event::Authorise {
        from: from.ip(),
        path,
        credentials,
        reply,
    };
    events.send(event).await.ok().context("shutting down")?;
    Ok(answer.await.context("shutting down")??)
}

/// The first of ours that the client's structured list of strings (RFC 8941) has.
fn choose_protocol(offered: &str) -> Option<&'static str> {
    let offered: Vec<_> = offered.split(',').map(|p| p.trim().trim_matches('"')).collect();
    moq_net::ALPNS.iter().copied().find(|p| offered.contains(p))
}

/// MoQ's handshake up to the client's SETUP.
async fn setup(session: &adapter::Session) -> Result<Handshake<adapter::Session>> {
    let server = moq_net::Server::new();
    let handshake = server.accept_request(std::time::Instant::now(), session.clone());
    Ok(timeout(PATIENCE, handshake).await.context("no SETUP came")??)
}

async fn raw(
    connection: quinn::Connection,
    alpn: &str,
    shared: &Arc<Shared>,
    events: mpsc::Sender<Event>,
) -> Result<()> {
    let from = connection.remote_address();
    let session = adapter::Session::raw(connection.clone(), alpn);
    let handshake = setup(&session).await?;
    let (path, query) = match handshake.path().split_once('?') {
        Some((path, query)) => (path.to_owned(), query.to_owned()),
        None => (handshake.path().to_owned(), setup_token(handshake.token())),
    };
    let admitted = match Credentials::parse(&query) {
        Ok(credentials) => authorise(from, path, credentials, &events).await,
        Err(e) => Err(e.into()),
    };
    match admitted {
        Ok(admitted) => watch::run(handshake, session, admitted, shared, events).await,
        Err(e) => {
            tell_refusal(from, &e, &events).await?;
            handshake.close(moq_net::SessionError::Unauthorized.into());
            Ok(())
        }
    }
}

/// The query for the token of a moq-transport SETUP: its bytes, or their text as in the URL.
fn setup_token(token: Option<&moq_net::setup::Token>) -> String {
    let Some(token) = token else { return String::new() };
    match token.value.as_slice().try_into() {
        Ok(bytes) => format!("token={}", token_text(&bytes)),
        Err(_) => format!("token={}", String::from_utf8_lossy(&token.value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subprotocols() {
        assert_eq!(choose_protocol("\"moq-lite-04\", \"moq-lite-05\""), Some("moq-lite-05"));
        assert_eq!(choose_protocol("\"moqt-99\""), None);
        assert_eq!(choose_protocol(""), None);
    }

    #[test]
    fn a_setup_token_is_bytes_or_text() {
        let token = |value: &[u8]| moq_net::setup::Token {
            kind: 0,
            value: value.to_vec(),
        };
        let text = token_text(&[7; 24]);
        let expected = format!("token={text}");
        assert_eq!(setup_token(Some(&token(&[7; 24]))), expected);
        assert_eq!(setup_token(Some(&token(text.as_bytes()))), expected);
        assert_eq!(setup_token(None), "");
    }
}
