//! What is not let in, and what garbage does.

use crate::client::{
    Control, Key, PATIENCE, PROTOCOL, Server, Viewer, challenge, connect, connect_raw, get, group, http, scene, soon,
    stream, video,
};
use goggles_protocols::auth::Credentials;
use goggles_scope::stream::transport::{Transport, adapter};
use std::io::Write;
use std::net::{TcpListener, TcpStream, UdpSocket};

#[tokio::test]
async fn nobody_without_a_token() {
    let server = Server::new();
    let c = challenge(server.addr).await;
    for path in [
        "/moq",
        "/control",
        "/moq?",
        "/moq?token=",
        "/moq?token=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ] {
        let refused = connect(server.addr, path, &c, &[]).await.unwrap_err().to_string();
        assert!(refused.contains("reject"), "{path}: {refused}");
    }
    let stranger = Key::new();
    assert!(stranger.connect(server.addr, "/moq", None).await.is_err());
    let token = server.token();
    let none = connect(
        server.addr,
        &format!("/elsewhere?{}", Credentials::Token(token).to_query()),
        &c,
        &[],
    )
    .await;
    assert!(none.is_err());
    let no_control = connect(
        server.addr,
        &format!("/control?{}", Credentials::Token(token).to_query()),
        &c,
        &[],
    )
    .await;
    assert!(no_control.is_err(), "a token alone lets watch only");
    // All that has not spent it.
    let watcher = connect(
        server.addr,
        &format!("/moq?{}", Credentials::Token(token).to_query()),
        &c,
        &[PROTOCOL],
    )
    .await;
    Viewer::over(watcher.unwrap()).await.unwrap();
    let twice = connect(
        server.addr,
        &format!("/moq?{}", Credentials::Token(token).to_query()),
        &c,
        &[],
    )
    .await;
    assert!(twice.is_err());
}

#[tokio::test]
async fn a_key_is_enrolled_once_and_comes_back() {
    let server = Server::new();
    let (key, token) = (Key::new(), server.token());
    let moq = Viewer::new(server.addr, &key, Some(token)).await.unwrap();
    let mut control = Control::new(server.addr, &key, Some(token)).await.unwrap();
    control.hello(true).await;
    drop((moq, control));
    Viewer::new(server.addr, &key, None).await.unwrap();
    // A signature for one path is none for the other, and none a second time.
    let c = challenge(server.addr).await;
    let query = key.sign(&c, "/moq", None).to_query();
    assert!(
        connect(server.addr, &format!("/control?{query}"), &c, &[])
            .await
            .is_err()
    );
    let first = connect(server.addr, &format!("/moq?{query}"), &c, &[]).await.unwrap();
    assert!(connect(server.addr, &format!("/moq?{query}"), &c, &[]).await.is_err());
    drop(first);
}

#[tokio::test]
async fn bare_moq_shows_its_token_in_the_path() {
    let mut server = Server::primed();
    let c = challenge(server.addr).await;
    let token = Credentials::Token(server.token()).to_query();
    for alpn in ["moq-lite-05", "moq-lite-06", "moqt-18"] {
        for path in ["", "/", "/moq?token=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
            let connection = connect_raw(server.addr, alpn, &c).await.unwrap();
            let session = adapter::Session::raw(connection.clone(), alpn);
            let client = moq_net::Client::new().with_path(path);
            let refused = Viewer::start(session, connection, client).await.err();
            assert!(refused.is_some(), "{alpn} {path}");
        }
    }
    let connection = connect_raw(server.addr, "moq-lite-06", &c).await.unwrap();
    let session = adapter::Session::raw(connection.clone(), "moq-lite-06");
    let client = moq_net::Client::new().with_path(format!("/?{token}"));
    let viewer = Viewer::start(session, connection, client).await.unwrap();
    let mut track = viewer.subscribe("video").await;
    server.key_frame_wanted().await;
    server.publish_sent(true, vec![7; 3000].into()).await;
    assert_eq!(video(&mut group(&mut track).await).await.1, vec![7; 3000]);
}

#[tokio::test]
async fn pages_from_elsewhere_are_refused() {
    let server = Server::new();
    let (key, mut token) = (Key::new(), Some(server.token()));
    for (origin, ours) in [
        (format!("https://evil.example:{}", server.addr.port()), false),
        ("null".to_owned(), false),
        (format!("http://127.0.0.1:{}", server.addr.port() ^ 1), false),
        (format!("http://127.0.0.1:{}", server.addr.port()), true),
        (format!("https://localhost:{}", server.addr.port()), true),
    ] {
        let c = challenge(server.addr).await;
        let query = key.sign(&c, "/moq", token).to_query();
        let session = connect(server.addr, &format!("/moq?{query}"), &c, &[("origin", &origin)]).await;
        assert_eq!(session.is_ok(), ours, "{origin}");
        if ours {
            token = None;
        }
    }
}

#[test]
fn a_port_in_use_is_a_clear_error() {
    let spawn = |addr| {
        let (to_scope, _channel) = calloop::channel::channel();
        format!("{:#}", Transport::spawn(&stream(addr), scene(), to_scope).unwrap_err())
    };
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let error = spawn(tcp.local_addr().unwrap());
    assert!(error.contains("TCP") && error.contains("in use"), "{error}");
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let error = spawn(udp.local_addr().unwrap());
    assert!(error.contains("UDP") && error.contains("in use"), "{error}");
    let error = spawn("192.0.2.1:4433".parse().unwrap());
    assert!(error.contains("192.0.2.1:4433"), "{error}");
}

#[tokio::test]
async fn garbage_is_survived() {
    let server = Server::new();
    let addr = server.addr;
    let key = Key::new();
    let mut control = Control::new(addr, &key, Some(server.token())).await.unwrap();
    control.hello(false).await;
    for garbage in [
        &b""[..],
        b"\x01",
        b"\x02\x00",
        &[0xff; 900],
        b"\x03\0\0\0\0\0\0\0\0\xff",
    ] {
        control.connection.send_datagram(garbage).unwrap();
    }
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    for n in 0..200u32 {
        let noise: Vec<u8> = (0..n * 7).map(|i| (i.wrapping_mul(n) >> 3) as u8).collect();
        udp.send_to(&noise, addr).unwrap();
    }
    tokio::task::spawn_blocking(move || {
        for garbage in [
            &b"\0\0\0\0"[..],
            b"GET\r\n\r\n",
            b"\x16\x03\x01\0\0",
            b"POST / HTTP/1.1\r\n\r\n",
            &[b'a'; 40_000],
        ] {
            let mut stream = TcpStream::connect(addr).unwrap();
            stream.set_write_timeout(Some(PATIENCE)).unwrap();
            // It may be reset before all of it is out.
            let _ = stream.write_all(garbage);
        }
        // Nobody who just holds connections keeps others out.
        let _held: Vec<_> = (0..40).map(|_| TcpStream::connect(addr).unwrap()).collect();
        assert!(get(addr, "/").starts_with("HTTP/1.1 200"));
        let answer = http(
            addr,
            b"POST /challenge HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        );
        assert!(answer.unwrap().starts_with("HTTP/1.1 405"));
        assert!(get(addr, "/../../etc/passwd").starts_with("HTTP/1.1 404"));
        let page = get(addr, "/");
        for header in [
            "content-security-policy: default-src 'none'",
            "x-content-type-options: nosniff",
            "no-store",
        ] {
            assert!(page.contains(header), "{header} in {page}");
        }
        assert!(page.contains("<!doctype html>"));
    })
    .await
    .unwrap();
    // A broken control stream ends that session alone.
    let mut broken = Control::new(addr, &key, None).await.unwrap();
    broken.send.write_all(&[0xff; 64]).await.unwrap();
    soon("the end of the broken session", broken.connection.closed()).await;
    Viewer::new(addr, &key, None).await.unwrap();
    control.say(&goggles_protocols::control::ToServer::TakeInput).await;
    control.hear().await;
}
