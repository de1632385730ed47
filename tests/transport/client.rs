//! The real network thread, and native clients of it: a key, credentials, a MoQ viewer, a control session.

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use goggles_protocols::auth::{self, Credentials, Token};
use goggles_protocols::control::{self, Decoder, Message};
use goggles_scope::config::{Encoder, Stream};
use goggles_scope::link::{FrameId, FromScope, Packet, Rate, Refresh, SceneInfo, Size, TimeLine, ToScope, VideoFormat};
use goggles_scope::stream::transport::{Transport, adapter};
use goggles_scope::time::Mono;
use moq_net::{cache, group, origin};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// Far more than anything here takes, even on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The only subprotocol that is offered, so it is the one.
const LITE: &str = "moq-lite-05";
pub const PROTOCOL: (&str, &str) = ("wt-available-protocols", "\"moq-lite-05\"");

pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .unwrap_or_else(|_| panic!("{what} doesn't come"))
}

pub struct Server {
    pub transport: Option<Transport>,
    messages: mpsc::UnboundedReceiver<ToScope>,
    pub addr: SocketAddr,
    format: Arc<VideoFormat>,
    next: u64,
}

pub fn scene() -> SceneInfo {
    SceneInfo {
        hints: goggles_scope::handlers::Hints::default(),
        size: Size { w: 1280, h: 720 },
        refresh: Refresh(60_000),
        pointer_locked: false,
        title: "game".into(),
    }
}

pub fn stream(listen: SocketAddr) -> Stream {
    let rate = Rate::Constant { kbps: 6000 };
    Stream {
        listen: vec![listen],
        name: "game".into(),
        encoder: Encoder::Auto,
        rate,
        microphone: false,
    }
}

impl Server {
    /// That has published a frame already, so that there is a catalog.
    pub fn primed() -> Self {
        let mut server = Self::new();
        server.publish(true, Bytes::from_static(b"nobody gets this"));
        server
    }

    pub fn new() -> Self {
        Self::of(&stream(([127, 0, 0, 1], 0).into()))
    }

    /// Of a session with a microphone, and a frame published already.
    pub fn with_microphone() -> Self {
        let mut server = Self::of(&Stream {
            microphone: true,
            ..stream(([127, 0, 0, 1], 0).into())
        });
        server.publish(true, Bytes::from_static(b"nobody gets this"));
        server
    }

    fn of(stream: &Stream) -> Self {
        // RUST_LOG shows what goes on; the first test has set it up already otherwise.
        let filter = tracing_subscriber::EnvFilter::from_default_env();
        let _ = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_test_writer()
            .try_init();
        let (to_scope, channel) = calloop::channel::channel();
        let transport = Transport::spawn(stream, scene(), to_scope).unwrap();
        let (forward, messages) = mpsc::unbounded_channel();
        // Ends when the network thread drops its end.
        std::thread::spawn(move || while channel.recv().is_ok_and(|m| forward.send(m).is_ok()) {});
        let size = Size { w: 1280, h: 720 };
        let (codec, refresh, bitrate) = ("avc3.42c01f".to_owned(), Refresh(60_000), 6_000_000);
        let format = Arc::new(VideoFormat {
            codec,
            size,
            refresh,
            bitrate,
        });
        Self {
            addr: transport.listen()[0],
            transport: Some(transport),
            messages,
            format,
            next: 1,
        }
    }

    pub fn transport(&self) -> &Transport {
        self.transport.as_ref().unwrap()
    }

    pub fn token(&self) -> Token {
        token_of(&self.transport().urls())
    }

    /// The one that lets speak.
    pub fn speaking_token(&self) -> Token {
        token_of(&self.transport().speaking_urls())
    }

    /// Ends the session, and gives what was counted in it.
    pub async fn counters(&mut self) -> Vec<(&'static str, u64)> {
        self.transport().send(FromScope::Shutdown("enough".into()));
        let counters = |m: &ToScope| match m {
            ToScope::Counters(list) => Some(list.clone()),
            _ => None,
        };
        self.message("counters", counters).await
    }

    /// The next message that `pick` wants; others are passed over.
    pub async fn message<T>(&mut self, what: &str, mut pick: impl FnMut(&ToScope) -> Option<T>) -> T {
        soon(what, async {
            loop {
                let message = self
                    .messages
                    .recv()
                    .await
                    .unwrap_or_else(|| panic!("{what}: the thread has ended"));
                if let Some(picked) = pick(&message) {
                    return picked;
                }
            }
        })
        .await
    }

    pub fn try_message(&mut self) -> Option<ToScope> {
        self.messages.try_recv().ok()
    }

    pub async fn demand(&mut self, count: usize) {
        self.message("demand", |m| {
            matches!(m, ToScope::Demand { viewers } if *viewers == count).then_some(())
        })
        .await;
    }

    pub async fn key_frame_wanted(&mut self) {
        self.message("a wish for a key frame", |m| {
            matches!(m, ToScope::KeyFrame).then_some(())
        })
        .await;
    }

    /// Gives a packet to the network; its frame id.
    pub fn publish(&mut self, key_frame: bool, data: Bytes) -> u64 {
        let frame = self.next;
        self.next += 1;
        let times = TimeLine {
            commit: Mono::now(),
            ..TimeLine::default()
        };
        let packet = Packet {
            frame: FrameId(frame),
            data,
            key_frame,
            format: self.format.clone(),
            times,
        };
        self.transport().packets().try_send(packet).expect("the queue has room");
        frame
    }

    /// As [`Server::publish`], and waits until it has been handed to QUIC.
    pub async fn publish_sent(&mut self, key_frame: bool, data: Bytes) -> u64 {
        let frame = self.publish(key_frame, data);
        self.message("sent", |m| {
            matches!(m, ToScope::Sent { frame: f, .. } if f.0 == frame).then_some(())
        })
        .await;
        frame
    }
}

fn token_of(urls: &[String]) -> Token {
    let text = urls[0].split_once("#token=").unwrap().1.to_owned();
    URL_SAFE_NO_PAD.decode(text).unwrap().try_into().unwrap()
}

/// A request as given; the whole answer.
pub fn http(addr: SocketAddr, request: &[u8]) -> Result<String> {
    let mut stream = TcpStream::connect(addr)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(request)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

pub fn get(addr: SocketAddr, path: &str) -> String {
    http(
        addr,
        format!("GET {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n").as_bytes(),
    )
    .unwrap()
}

pub struct Challenge {
    pub nonce: [u8; 32],
    pub certificates: Vec<[u8; 32]>,
}

pub async fn challenge(addr: SocketAddr) -> Challenge {
    let answer = tokio::task::spawn_blocking(move || get(addr, "/challenge"))
        .await
        .unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let json: serde_json::Value = serde_json::from_str(body).unwrap();
    let bytes = |v: &serde_json::Value| URL_SAFE_NO_PAD.decode(v.as_str().unwrap()).unwrap().try_into().unwrap();
    let certificates = json["certificates"].as_array().unwrap().iter().map(bytes).collect();
    Challenge {
        nonce: bytes(&json["nonce"]),
        certificates,
    }
}

/// A page's key.
pub struct Key(EcdsaKeyPair);

impl Key {
    pub fn new() -> Self {
        let rng = SystemRandom::new();
        let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &rng).unwrap();
        Self(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.as_ref(), &rng).unwrap())
    }

    pub fn sign(&self, challenge: &Challenge, path: &str, token: Option<Token>) -> Credentials {
        let text = auth::to_be_signed(&challenge.nonce, &challenge.certificates[0], path);
        let signature = self
            .0
            .sign(&SystemRandom::new(), &text)
            .unwrap()
            .as_ref()
            .try_into()
            .unwrap();
        let key = self.0.public_key().as_ref().try_into().unwrap();
        Credentials::Signed {
            key,
            nonce: challenge.nonce,
            signature,
            token,
        }
    }

    /// Connects with this key.
    pub async fn connect(&self, addr: SocketAddr, path: &str, token: Option<Token>) -> Result<wtransport::Connection> {
        let challenge = challenge(addr).await;
        let query = self.sign(&challenge, path, token).to_query();
        connect(addr, &format!("{path}?{query}"), &challenge, &[PROTOCOL]).await
    }
}

/// A WebTransport session, the server's certificate pinned.
pub async fn connect(
    addr: SocketAddr,
    path: &str,
    challenge: &Challenge,
    headers: &[(&str, &str)],
) -> Result<wtransport::Connection> {
    connect_with(addr, path, challenge, headers, |_| ()).await
}

/// As [`connect`], with QUIC's knobs.
pub async fn connect_with(
    addr: SocketAddr,
    path: &str,
    challenge: &Challenge,
    headers: &[(&str, &str)],
    knobs: impl FnOnce(&mut quinn::TransportConfig),
) -> Result<wtransport::Connection> {
    let pinned = challenge
        .certificates
        .iter()
        .map(|hash| wtransport::tls::Sha256Digest::new(*hash));
    let mut config = wtransport::ClientConfig::builder()
        .with_bind_address(([127, 0, 0, 1], 0).into())
        .with_server_certificate_hashes(pinned)
        .build();
    let mut transport = quinn::TransportConfig::default();
    knobs(&mut transport);
    config.quic_config_mut().transport_config(Arc::new(transport));
    let endpoint = wtransport::Endpoint::client(config)?;
    let mut options = wtransport::endpoint::ConnectOptions::builder(format!("https://{addr}{path}"));
    for (name, value) in headers {
        options = options.add_header(*name, *value);
    }
    Ok(soon("a session", endpoint.connect(options.build())).await?)
}

/// A bare QUIC connection, the server's certificate pinned.
pub async fn connect_raw(addr: SocketAddr, alpn: &str, challenge: &Challenge) -> Result<quinn::Connection> {
    let pinned = challenge
        .certificates
        .iter()
        .map(|hash| wtransport::tls::Sha256Digest::new(*hash));
    let verifier = wtransport::tls::client::ServerHashVerification::from_iter(pinned);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    tls.alpn_protocols = vec![alpn.as_bytes().to_vec()];
    let tls = quinn::crypto::rustls::QuicClientConfig::try_from(tls)?;
    let endpoint = quinn::Endpoint::client(([127, 0, 0, 1], 0).into())?;
    let connecting = endpoint.connect_with(quinn::ClientConfig::new(Arc::new(tls)), addr, "localhost")?;
    Ok(soon("a connection", connecting).await?)
}

/// A MoQ viewer.
pub struct Viewer {
    pub connection: quinn::Connection,
    pub broadcast: moq_net::broadcast::Consumer,
    /// Whether the client's side of MoQ stands still, as a page does whose thread is busy: QUIC goes on under it.
    frozen: watch::Sender<bool>,
    _session: moq_net::Session,
    _origin: origin::Consumer,
}

/// Runs `future` while not frozen.
async fn freezable(future: impl Future, mut frozen: watch::Receiver<bool>) {
    tokio::pin!(future);
    while frozen.wait_for(|f| !f).await.is_ok() {
        let mut again = frozen.clone();
        tokio::select! {
            _ = &mut future => return,
            _ = again.wait_for(|f| *f) => {}
        }
    }
}

impl Viewer {
    pub async fn new(addr: SocketAddr, key: &Key, token: Option<Token>) -> Result<Self> {
        Self::over(key.connect(addr, "/moq", token).await?).await
    }

    pub async fn over(connection: wtransport::Connection) -> Result<Self> {
        let quic = connection.quic_connection().clone();
        Self::start(
            adapter::Session::web(connection, Some(LITE)),
            quic,
            moq_net::Client::new(),
        )
        .await
    }

    pub async fn start(
        session: adapter::Session,
        connection: quinn::Connection,
        client: moq_net::Client,
    ) -> Result<Self> {
        let mut config = origin::Config::default();
        // What has been read is not kept: memory is measured here.
        config.pool = cache::Pool::new(
            cache::Config::default()
                .with_expiry(Duration::from_secs(1))
                .with_capacity(48 << 20),
        );
        let (producer, driver) = origin::Producer::new(config);
        let origin = producer.consume();
        let client = client.with_subscriber(producer);
        let (session, session_driver) = client.connect(std::time::Instant::now(), session).await?;
        tokio::spawn(moq_net::time::run(driver));
        let (frozen, is_frozen) = watch::channel(false);
        tokio::spawn(freezable(moq_net::time::run(session_driver), is_frozen));
        let mut announced = origin.announced();
        let update = soon("the broadcast", async {
            tokio::select! {
                update = moq_net::kio::wait(|w| announced.poll_next(w)) => Ok(update),
                error = connection.closed() => Err(error),
            }
        })
        .await?;
        anyhow::ensure!(update.context("the session has ended")?.prefix.as_str() == "game");
        let broadcast = soon("the broadcast", origin.request_broadcast("game")).await?;
        Ok(Self {
            connection,
            broadcast,
            frozen,
            _session: session,
            _origin: origin,
        })
    }

    /// Stops and starts reading.
    pub fn freeze(&self, frozen: bool) {
        self.frozen.send_replace(frozen);
    }

    pub async fn subscribe(&self, name: &str) -> Track {
        let track = self.broadcast.track(name).unwrap();
        let mut track = soon(name, track.subscribe(None)).await.unwrap();
        let (forward, groups) = mpsc::unbounded_channel();
        // `moq_net` subscribes when groups are asked for.
        let task = tokio::spawn(async move {
            while let Ok(Some(group)) = track.recv_group().await {
                if forward.send(group).is_err() {
                    return;
                }
            }
        });
        Track { groups, task }
    }

    /// Subscribes to a track for its datagrams.
    pub async fn datagrams(&self, name: &str) -> Datagrams {
        let track = self.broadcast.track(name).unwrap();
        let mut track = soon(name, track.subscribe(None)).await.unwrap();
        let (forward, datagrams) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            while let Ok(Some(datagram)) = track.recv_datagram().await {
                if forward.send(datagram).is_err() {
                    return;
                }
            }
        });
        Datagrams { datagrams, task }
    }
}

/// A track's datagrams as they come.
pub struct Datagrams {
    pub datagrams: mpsc::UnboundedReceiver<moq_net::Datagram>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Datagrams {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A subscription, until it is dropped.
pub struct Track {
    groups: mpsc::UnboundedReceiver<group::Consumer>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Track {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The next group of a track.
pub async fn group(track: &mut Track) -> group::Consumer {
    soon("a group", track.groups.recv()).await.expect("the track goes on")
}

/// The next frame of a group.
pub async fn frame(group: &mut group::Consumer) -> Bytes {
    soon("a frame", group.read_frame())
        .await
        .unwrap()
        .expect("the group goes on")
        .payload
}

/// The next frame of a video group, and its time stamp in µs.
pub async fn video(group: &mut group::Consumer) -> (u64, Bytes) {
    let frame = hang::container::Frame::decode(frame(group).await).unwrap();
    (frame.timestamp.as_micros() as u64, frame.payload)
}

/// A control session.
pub struct Control {
    pub connection: wtransport::Connection,
    pub send: wtransport::SendStream,
    recv: wtransport::RecvStream,
    decoder: Decoder<control::ToClient>,
}

impl Control {
    pub async fn new(addr: SocketAddr, key: &Key, token: Option<Token>) -> Result<Self> {
        let connection = key.connect(addr, "/control", token).await?;
        let (send, recv) = connection.open_bi().await?.await?;
        Ok(Self {
            connection,
            send,
            recv,
            decoder: Decoder::new(),
        })
    }

    /// Says Hello; this viewer's id, and whether it has the input role.
    pub async fn hello(&mut self, want_input: bool) -> (u64, bool) {
        let version = control::VERSION;
        self.say(&control::ToServer::Hello {
            version,
            want_input,
            name: "test".into(),
        })
        .await;
        let control::ToClient::Welcome { viewer, .. } = self.hear().await else {
            panic!("no Welcome")
        };
        let control::ToClient::Role { input, .. } = self.hear().await else {
            panic!("no Role")
        };
        let control::ToClient::Scene { width: 1280, .. } = self.hear().await else {
            panic!("no Scene")
        };
        (viewer, input)
    }

    /// Says Hello; the server's clock, in µs, at the time stamp 0.
    pub async fn start(&mut self) -> u64 {
        let (version, name) = (control::VERSION, "test".into());
        self.say(&control::ToServer::Hello {
            version,
            want_input: false,
            name,
        })
        .await;
        match self.hear().await {
            control::ToClient::Welcome { start_us, .. } => start_us,
            other => panic!("no Welcome but {other:?}"),
        }
    }

    pub async fn say(&mut self, message: &control::ToServer) {
        self.send.write_all(&message.encode()).await.unwrap();
    }

    pub async fn hear(&mut self) -> control::ToClient {
        soon("a message", async {
            let mut buffer = [0; 4096];
            loop {
                if let Some(message) = self.decoder.pop().unwrap() {
                    return message;
                }
                let len = self.recv.read(&mut buffer).await.unwrap().expect("the stream goes on");
                self.decoder.push(&buffer[..len]).unwrap();
            }
        })
        .await
    }

    pub async fn datagram(&self) -> goggles_protocols::datagram::ToClient {
        let datagram = soon("a datagram", self.connection.receive_datagram()).await.unwrap();
        goggles_protocols::datagram::ToClient::decode(&datagram).unwrap()
    }
}
