//! Whose microphone gets through, and who is told.

use crate::client::{Control, Key, Server, get};
use goggles_protocols::audio::Microphone;
use goggles_protocols::control::{ToClient, ToServer};
use goggles_protocols::{clock, datagram};
use goggles_scope::stream::audio::VoiceReceiver;

fn packet(seq: u32) -> Vec<u8> {
    let (time, packet) = (7_000_000, vec![0xf8, 1, 2]);
    datagram::ToServer::Microphone(Microphone { seq, time, packet }).encode()
}

fn state(allowed: bool, on: bool, live: bool) -> ToClient {
    ToClient::Microphone { allowed, on, live }
}

/// Waits until all datagrams sent so far have been looked at, and gives what came through.
async fn heard(control: &Control, voices: &mut VoiceReceiver) -> Vec<(u64, u32)> {
    let ping = datagram::ToServer::Ping(clock::Ping { t0: 1 });
    control.connection.send_datagram(ping.encode()).unwrap();
    while !matches!(control.datagram().await, datagram::ToClient::Pong(_)) {}
    std::iter::from_fn(|| voices.try_recv())
        .map(|voice| (voice.viewer.0, voice.packet.seq))
        .collect()
}

#[tokio::test]
async fn who_may_speak_is_heard_while_it_is_on_and_all_are_told() {
    let mut server = Server::with_microphone();
    let mut voices = server.transport.as_mut().unwrap().take_voices().unwrap();
    let (anna, ben) = (Key::new(), Key::new());
    let mut speaker = Control::new(server.addr, &anna, Some(server.speaking_token()))
        .await
        .unwrap();
    let (id, _) = speaker.hello(true).await;
    assert_eq!(speaker.hear().await, state(true, false, false));
    let mut listener = Control::new(server.addr, &ben, Some(server.token())).await.unwrap();
    listener.hello(false).await;
    assert_eq!(listener.hear().await, state(false, false, false));

    // Not on yet.
    speaker.connection.send_datagram(packet(1)).unwrap();
    assert_eq!(heard(&speaker, &mut voices).await, []);
    speaker.say(&ToServer::Microphone(true)).await;
    assert_eq!(speaker.hear().await, state(true, true, true));
    assert_eq!(listener.hear().await, state(false, false, true));
    for seq in 2..4 {
        speaker.connection.send_datagram(packet(seq)).unwrap();
    }
    assert_eq!(heard(&speaker, &mut voices).await, [(id, 2), (id, 3)]);

    // The other one's token doesn't say so.
    listener.say(&ToServer::Microphone(true)).await;
    assert_eq!(listener.hear().await, state(false, false, true));
    listener.connection.send_datagram(packet(9)).unwrap();
    assert_eq!(heard(&listener, &mut voices).await, []);

    speaker.say(&ToServer::Microphone(false)).await;
    assert_eq!(speaker.hear().await, state(true, false, false));
    assert_eq!(listener.hear().await, state(false, false, false));
    speaker.connection.send_datagram(packet(4)).unwrap();
    assert_eq!(heard(&speaker, &mut voices).await, []);

    // Gone while it is on: it is off.
    speaker.say(&ToServer::DropInput).await;
    assert!(matches!(listener.hear().await, ToClient::Role { holder: false, .. }));
    speaker.say(&ToServer::Microphone(true)).await;
    assert_eq!(listener.hear().await, state(false, false, true));
    drop(speaker);
    assert_eq!(listener.hear().await, state(false, false, false));

    let counters = server.counters().await;
    assert!(counters.contains(&("microphones refused", 4)), "{counters:?}");
}

#[tokio::test]
async fn four_speak_at_once_and_nobody_without_sound() {
    let mut server = Server::with_microphone();
    let voices = server.transport.as_mut().unwrap().take_voices().unwrap();
    let key = Key::new();
    let mut token = Some(server.speaking_token());
    let mut speakers = Vec::new();
    for n in 0..5 {
        let mut speaker = Control::new(server.addr, &key, token.take()).await.unwrap();
        speaker.hello(false).await;
        assert_eq!(speaker.hear().await, state(n < 4, false, n > 0));
        speaker.say(&ToServer::Microphone(true)).await;
        assert_eq!(speaker.hear().await, state(n < 4, n < 4, true), "number {n}");
        speakers.push(speaker);
    }
    // Whoever is told that it may, may.
    speakers[0].say(&ToServer::Microphone(false)).await;
    assert_eq!(speakers[4].hear().await, state(true, false, true));
    speakers[4].say(&ToServer::Microphone(true)).await;
    assert_eq!(speakers[4].hear().await, state(true, true, true));
    // The sound has ended.
    drop(voices);
    let mut late = Control::new(server.addr, &key, None).await.unwrap();
    late.hello(false).await;
    assert_eq!(late.hear().await, state(false, false, true));
}

#[tokio::test]
async fn a_session_without_one_says_nothing_and_the_browser_may_not_ask() {
    let policy = |server: &Server| {
        let answer = get(server.addr, "/");
        let line = answer.lines().find(|line| line.starts_with("permissions-policy:"));
        line.expect("a policy").to_owned()
    };
    let mut without = Server::primed();
    assert!(without.transport().speaking_urls().is_empty());
    assert!(policy(&without).contains("microphone=()"));
    let mut control = Control::new(without.addr, &Key::new(), Some(without.token()))
        .await
        .unwrap();
    control.hello(true).await;
    control.say(&ToServer::Microphone(true)).await;
    control.say(&ToServer::DropInput).await;
    let free = ToClient::Role {
        input: false,
        holder: false,
    };
    assert_eq!(control.hear().await, free, "and nothing of microphones before");
    let counters = without.counters().await;
    assert!(counters.contains(&("microphones refused", 1)), "{counters:?}");
    assert!(policy(&Server::with_microphone()).contains("microphone=(self)"));
}
