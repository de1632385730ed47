//! What runs on the network thread: its endpoints and listeners, and the loop around the [`Hub`].

use super::addresses::Bound;
use super::certificate::tls;
use super::hub::{Event, Hub, Shared};
use super::{accept, web};
use crate::link::{AudioToNetwork, FromScope, Packet};
use crate::time::Mono;
use anyhow::{Context, Result};
use quinn::congestion::CubicConfig;
use quinn::{IdleTimeout, TransportConfig, VarInt};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

/// A peer that hasn't been heard of for so long is gone.
const IDLE: Duration = Duration::from_secs(10);
/// Three chances to be heard within [`IDLE`].
const KEEP_ALIVE: Duration = Duration::from_secs(3);
/// What QUIC takes of a session before it has been acknowledged. One to two times what is on the way at 30 Mb/s and
/// 40 ms; what is above that only makes the picture late.
const SEND_WINDOW: u64 = 256 << 10;
/// What may be on the way before the first acknowledgement. A key frame fits, so that the first picture takes one way
/// and not several round trips; RFC 9002's 14 KB are for networks that may be any.
const INITIAL_WINDOW: u64 = 64 << 10;
/// What a peer may send us unread. Input is small.
const RECEIVE_WINDOW: u32 = 256 << 10;
const STREAM_WINDOW: u32 = 64 << 10;
const STREAMS: u32 = 64;
/// Datagrams that wait: when there are more, the oldest goes, since it is late already.
const DATAGRAM_SEND_BUFFER: usize = 16 << 10;
const DATAGRAM_RECEIVE_BUFFER: usize = 64 << 10;
/// How often the certificates' age is looked at.
const ROTATE_EVERY: Duration = Duration::from_secs(3600);
/// For goodbyes to arrive and viewers to leave: a little longer than a control session waits for it.
const GOODBYE: Duration = Duration::from_millis(2500);

/// What comes from the other threads.
pub struct Inbox {
    /// From the encoder.
    pub packets: mpsc::Receiver<Packet>,
    /// From the audio thread.
    pub audio: mpsc::Receiver<AudioToNetwork>,
    /// From the compositor; closed: stop.
    pub messages: mpsc::Receiver<FromScope>,
}

/// The network's listeners, made on the thread that spawns, so that what fails is said there.
pub struct Network {
    endpoints: Vec<quinn::Endpoint>,
    listeners: Vec<(tokio::net::TcpListener, TlsAcceptor)>,
}

impl Network {
    /// To be called within the runtime.
    ///
    /// # Errors
    /// TLS or a socket can't be set up.
    pub fn new(bound: Vec<Bound>, shared: &Shared) -> Result<Self> {
        let mut alpns = vec![accept::HTTP3.to_vec()];
        alpns.extend(moq_net::ALPNS.iter().map(|alpn| alpn.as_bytes().to_vec()));
        let quic = tls(shared.certificates.clone(), alpns, true)?;
        let quic = quinn::crypto::rustls::QuicServerConfig::try_from(quic).context("error setting up QUIC's TLS")?;
        let mut server = quinn::ServerConfig::with_crypto(Arc::new(quic));
        server.transport_config(Arc::new(transport_config()?));
        let https = TlsAcceptor::from(Arc::new(tls(
            shared.certificates.clone(),
            vec![b"http/1.1".to_vec()],
            false,
        )?));
        let (mut endpoints, mut listeners) = (Vec::new(), Vec::new());
        for Bound { addr, udp, tcp } in bound {
            let config = quinn::EndpointConfig::default();
            let endpoint = quinn::Endpoint::new(config, Some(server.clone()), udp, Arc::new(quinn::TokioRuntime));
            endpoints.push(endpoint.with_context(|| format!("error setting up QUIC on {addr}"))?);
            let tcp = tokio::net::TcpListener::from_std(tcp);
            listeners.push((
                tcp.with_context(|| format!("error setting up HTTPS on {addr}"))?,
                https.clone(),
            ));
        }
        Ok(Self { endpoints, listeners })
    }
}

fn transport_config() -> Result<TransportConfig> {
    let mut cubic = CubicConfig::default();
    cubic.initial_window(INITIAL_WINDOW);
    let mut config = TransportConfig::default();
    config
        .max_idle_timeout(Some(IdleTimeout::try_from(IDLE).context("idle time")?))
        .keep_alive_interval(Some(KEEP_ALIVE))
        .congestion_controller_factory(Arc::new(cubic))
        .send_window(SEND_WINDOW)
        .receive_window(RECEIVE_WINDOW.into())
        .stream_receive_window(STREAM_WINDOW.into())
        .max_concurrent_bidi_streams(VarInt::from_u32(STREAMS))
        .max_concurrent_uni_streams(VarInt::from_u32(STREAMS))
        .datagram_send_buffer_size(DATAGRAM_SEND_BUFFER)
        .datagram_receive_buffer_size(Some(DATAGRAM_RECEIVE_BUFFER));
    Ok(config)
}

/// The thread's life: until the compositor says so, or is gone.
pub async fn run(network: Network, mut hub: Hub, shared: Arc<Shared>, mut inbox: Inbox) {
    let (to_hub, mut events) = mpsc::channel(256);
    for endpoint in &network.endpoints {
        tokio::spawn(accept::run(endpoint.clone(), shared.clone(), to_hub.clone()));
    }
    for (listener, tls) in network.listeners {
        tokio::spawn(web::run(listener, tls, shared.clone(), to_hub.clone()));
    }
    tokio::spawn(rotate(shared));
    let reason = serve(&mut hub, &mut inbox, &mut events).await;
    hub.goodbye(&reason);
    // Sessions' tasks end by themselves; nobody waits for the hub any more.
    drop(events);
    let idle = async {
        for endpoint in &network.endpoints {
            endpoint.wait_idle().await;
        }
    };
    if tokio::time::timeout(GOODBYE, idle).await.is_err() {
        tracing::debug!("some viewers didn't take the goodbye");
    }
    for endpoint in &network.endpoints {
        endpoint.close(0u32.into(), reason.as_bytes());
    }
}

/// The hub's loop; the reason for its end.
async fn serve(hub: &mut Hub, inbox: &mut Inbox, events: &mut mpsc::Receiver<Event>) -> String {
    let (mut packets_open, mut audio_open) = (true, true);
    loop {
        let wake = hub.settle(Mono::now());
        tokio::select! {
            // Sound is short and is heard when it is late; then a frame goes before all else.
            biased;
            audio = inbox.audio.recv(), if audio_open => match audio {
                Some(audio) => hub.audio(audio, Mono::now()),
                None => audio_open = false,
            },
            packet = inbox.packets.recv(), if packets_open => match packet {
                Some(packet) => publish(hub, &packet).await,
                None => packets_open = false,
            },
            message = inbox.messages.recv() => {
                let mut next = Some(message.unwrap_or_else(|| FromScope::Shutdown("the game is over".into())));
                while let Some(message) = next {
                    if let Some(reason) = hub.take(message, Mono::now()) {
                        return reason;
                    }
                    next = inbox.messages.try_recv().ok();
                }
                hub.flush_cursor(Mono::now());
            }
            event = events.recv() => {
                if let Some(event) = event {
                    hub.event(event, Mono::now());
                }
            }
            () = sleep_until(wake) => {}
        }
    }
}

async fn publish(hub: &mut Hub, packet: &Packet) {
    if let Some(published) = hub.packet(packet, Mono::now()) {
        // The sessions' drivers have been woken; let them hand it to QUIC first.
        tokio::task::yield_now().await;
        hub.sent(published, Mono::now());
    }
}

async fn sleep_until(at: Option<Mono>) {
    match at {
        Some(at) => tokio::time::sleep(at.since(Mono::now())).await,
        None => std::future::pending().await,
    }
}

async fn rotate(shared: Arc<Shared>) {
    loop {
        tokio::time::sleep(ROTATE_EVERY).await;
        if let Err(e) = shared.certificates.rotate(SystemTime::now()) {
            tracing::error!("cannot make the next certificate: {e:#}");
        }
    }
}
