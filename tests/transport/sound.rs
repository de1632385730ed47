//! The sound's tracks, with packets that need not be Opus.

use crate::client::{Control, Datagrams, Key, Server, Track, Viewer, frame, group, soon, video};
use bytes::Bytes;
use goggles_protocols::audio::{Layout, Playback, Redundant};
use goggles_protocols::control::{ToClient, ToServer};
use goggles_scope::link::{AudioFormat, AudioToNetwork, ToScope};
use goggles_scope::stream::audio::Encoder;
use goggles_scope::time::Mono;
use std::sync::Arc;
use std::time::Duration;

const PACKET: Duration = Duration::from_millis(5);

fn format(layout: Layout) -> Arc<AudioFormat> {
    Arc::new(AudioFormat {
        layout,
        bitrate: 96_000,
        packet: PACKET,
    })
}

fn send(server: &Server, format: &Arc<AudioFormat>, at: Mono, data: &'static [u8]) {
    let packet = AudioToNetwork::Packet {
        format: format.clone(),
        at,
        data: Bytes::from_static(data),
    };
    assert!(server.transport().audio().try_send(packet), "the queue has room");
}

/// The next catalog's names of audio tracks.
async fn names(catalogs: &mut Track) -> Vec<(String, u64)> {
    let catalog: serde_json::Value = serde_json::from_slice(&frame(&mut group(catalogs).await).await).unwrap();
    let renditions = catalog["audio"]["renditions"].as_object().cloned().unwrap_or_default();
    let channels = |v: &serde_json::Value| v["numberOfChannels"].as_u64().unwrap();
    renditions.iter().map(|(name, v)| (name.clone(), channels(v))).collect()
}

/// A track that is listened to.
enum Ear {
    Groups(Track),
    Datagrams(Datagrams),
}

impl Ear {
    /// The next packet: its group's number, its time stamp in µs, and what is in it.
    async fn any(&mut self) -> (u64, u64, Bytes) {
        match self {
            Self::Groups(track) => {
                let mut group = group(track).await;
                let (time, data) = video(&mut group).await;
                (group.sequence, time, data)
            }
            Self::Datagrams(track) => {
                let datagram = soon("a datagram", track.datagrams.recv()).await;
                let datagram = datagram.expect("the track goes on");
                let frame = hang::container::Frame::decode(datagram.payload).unwrap();
                let time = frame.timestamp.as_micros() as u64;
                assert_eq!(
                    datagram.timestamp.as_micros() as u64,
                    time,
                    "both time stamps are the same"
                );
                (datagram.sequence, time, frame.payload)
            }
        }
    }

    /// The next packet that is not one of [`settle`]'s.
    async fn next(&mut self) -> (u64, u64, Bytes) {
        loop {
            let (number, time, data) = self.any().await;
            if !data.ends_with(b"first") {
                return (number, time, data);
            }
        }
    }
}

/// Sends packets until one arrives at each of the tracks, so that all are subscribed.
async fn settle(server: &Server, format: &Arc<AudioFormat>, ears: &mut [&mut Ear]) {
    for ear in ears {
        soon("a first packet", async {
            loop {
                send(server, format, Mono::now(), b"first");
                tokio::select! {
                    _ = ear.any() => return,
                    () = tokio::time::sleep(PACKET) => {}
                }
            }
        })
        .await;
    }
}

#[tokio::test]
async fn packets_arrive_with_their_times_each_in_its_group_and_again() {
    let server = Server::primed();
    let stereo = format(Layout::Stereo);
    let announced = server
        .transport()
        .audio()
        .try_send(AudioToNetwork::Format(stereo.clone()));
    assert!(announced && !server.transport().audio().is_listened());
    let key = Key::new();
    let viewer = Viewer::new(server.addr, &key, Some(server.token())).await.unwrap();
    let mut control = Control::new(server.addr, &key, None).await.unwrap();
    let start = control.start().await;
    let mut catalogs = viewer.subscribe("catalog.json").await;
    assert_eq!(names(&mut catalogs).await, [("audio0".into(), 2)]);
    assert!(server.transport().audio().is_listened());

    let mut plain = Ear::Groups(viewer.subscribe("audio0").await);
    let mut fast = Ear::Datagrams(viewer.datagrams("audio0.datagrams").await);
    let mut red = Ear::Datagrams(viewer.datagrams("audio0.red").await);
    settle(&server, &stereo, &mut [&mut plain, &mut fast, &mut red]).await;
    let base = Mono::now() + Duration::from_secs(1);
    let packets = [&b"one"[..], b"two", b"three", b"four"];
    let mut last = None;
    for (n, data) in packets.iter().enumerate() {
        // One at a time: of several that wait, a subscriber without patience gets the newest.
        send(&server, &stereo, base + PACKET * n as u32, data);
        let (number, time, packet) = plain.next().await;
        assert_eq!(&packet[..], *data);
        assert_eq!(time, (base + PACKET * n as u32).micros() - start);
        assert!(last.is_none_or(|last| number == last + 1), "{number} after {last:?}");
        last = Some(number);

        assert_eq!(fast.next().await, (number, time, packet), "the same");
        let (again, same, payload) = red.next().await;
        assert_eq!((again, same), (number, time), "the same groups");
        let payload = Redundant::decode(&payload).unwrap();
        assert_eq!(&payload.packet[..], *data);
        let repeated: Vec<_> = payload
            .earlier
            .iter()
            .filter(|e| &e.packet[..] != b"first")
            .map(|e| (e.age, &e.packet[..]))
            .collect();
        let before: Vec<_> = (n.saturating_sub(2)..n)
            .map(|m| (5000 * (n - m) as u16, packets[m]))
            .collect();
        assert_eq!(repeated, before);
    }

    // Another layout is another track.
    let surround = format(Layout::Surround51);
    send(&server, &surround, Mono::now(), b"wide");
    assert_eq!(names(&mut catalogs).await, [("audio1".into(), 6)]);
    let mut wide = Ear::Groups(viewer.subscribe("audio1").await);
    settle(&server, &surround, &mut [&mut wide]).await;
}

#[tokio::test]
async fn what_fits_no_datagram_comes_as_a_stream() {
    static LONG: [u8; 3000] = [7; 3000];
    let server = Server::primed();
    let stereo = format(Layout::Stereo);
    let announced = AudioToNetwork::Format(stereo.clone());
    assert!(server.transport().audio().try_send(announced));
    let token = server.token();
    let viewer = Viewer::new(server.addr, &Key::new(), Some(token)).await.unwrap();
    let mut fast = Ear::Datagrams(viewer.datagrams("audio0.datagrams").await);
    settle(&server, &stereo, &mut [&mut fast]).await;
    // One subscription carries both; this client has one for each.
    let mut streams = Ear::Groups(viewer.subscribe("audio0.datagrams").await);
    let base = Mono::now() + Duration::from_secs(1);
    send(&server, &stereo, base, &LONG);
    let (number, _, packet) = streams.next().await;
    assert_eq!(&packet[..], LONG);
    send(&server, &stereo, base + PACKET, b"short");
    let (next, _, packet) = fast.next().await;
    assert_eq!((next, &packet[..]), (number + 1, &b"short"[..]));
}

#[tokio::test]
async fn the_holder_of_the_input_role_says_what_can_be_heard() {
    let mut server = Server::primed();
    let key = Key::new();
    let mut first = Control::new(server.addr, &key, Some(server.token())).await.unwrap();
    first.hello(true).await;
    first.say(&ToServer::Loudspeakers(7)).await;
    let pick = |m: &ToScope| match m {
        ToScope::Loudspeakers(layout) => Some(*layout),
        _ => None,
    };
    assert_eq!(server.message("5.1", pick).await, Layout::Surround51);
    let mut second = Control::new(server.addr, &key, None).await.unwrap();
    second.hello(false).await;
    // Only with the role does it count.
    second.say(&ToServer::Loudspeakers(2)).await;
    second.say(&ToServer::Loudspeakers(8)).await;
    second.say(&ToServer::TakeInput).await;
    assert_eq!(server.message("7.1", pick).await, Layout::Surround71);
}

#[tokio::test]
async fn what_viewers_say_of_their_playing_is_counted() {
    let mut server = Server::primed();
    let mut control = Control::new(server.addr, &Key::new(), Some(server.token()))
        .await
        .unwrap();
    control.hello(true).await;
    let said = |played, concealed, resyncs, excursions| {
        ToServer::Playback(Playback {
            played,
            concealed,
            missing: concealed * 10,
            resyncs,
            excursions,
            ..Playback::default()
        })
    };
    // The third is of another rendition: it counts from zero.
    for playback in [said(100, 2, 0, 1), said(300, 5, 1, 1), said(50, 4, 0, 2)] {
        control.say(&playback).await;
    }
    // What comes back to this shows that the others were read.
    control.say(&ToServer::DropInput).await;
    assert!(matches!(control.hear().await, ToClient::Role { input: false, .. }));
    let counters = server.counters().await;
    for expected in [
        ("sound packets concealed by viewers", 9),
        ("sound packets missing at viewers'", 90),
        ("times that the sound drifted at a viewer's", 3),
        ("jumps of the sound at viewers'", 1),
    ] {
        assert!(counters.contains(&expected), "{counters:?}");
    }
}

/// What `hang` makes of catalog and container, and Opus of what is in them: nothing of ours is needed to listen.
#[tokio::test]
async fn a_stock_consumer_finds_and_decodes_it() {
    let server = Server::primed();
    let stereo = format(Layout::Stereo);
    let announced = AudioToNetwork::Format(stereo.clone());
    assert!(server.transport().audio().try_send(announced));
    let viewer = Viewer::new(server.addr, &Key::new(), Some(server.token()))
        .await
        .unwrap();
    let mut catalogs = viewer.subscribe("catalog.json").await;
    let catalog = frame(&mut group(&mut catalogs).await).await;
    let catalog: hang::catalog::Catalog = hang::catalog::Catalog::from_slice(&catalog).unwrap();
    let (name, config) = catalog.audio.renditions.first_key_value().unwrap();
    assert_eq!(config.codec, hang::catalog::AudioCodec::Opus);
    assert_eq!((config.sample_rate, config.channel_count), (48_000, 2));
    assert_eq!(config.container, hang::catalog::Container::Legacy);
    let head = config.description.as_ref().unwrap();
    assert!(head.starts_with(b"OpusHead\x01\x02\0\0"), "no pre-skip: {head:?}");

    let mut ear = Ear::Groups(viewer.subscribe(name).await);
    settle(&server, &stereo, &mut [&mut ear]).await;
    let mut encoder = Encoder::new(&stereo).unwrap();
    let mut decoder = opus::Decoder::new(config.sample_rate, opus::Channels::Stereo).unwrap();
    let (mut heard, base) = (Vec::new(), Mono::now() + Duration::from_secs(1));
    for n in 0..40 {
        let sample = |i: usize| 0.25 * (std::f32::consts::TAU * 600.0 * (n * 240 + i) as f32 / 48_000.0).sin();
        let samples: Vec<f32> = (0..240).flat_map(|i| [sample(i), -sample(i)]).collect();
        let packet = AudioToNetwork::Packet {
            format: stereo.clone(),
            at: base + PACKET * n as u32,
            data: encoder.encode(&samples, n == 0).unwrap(),
        };
        assert!(server.transport().audio().try_send(packet));
        let (_, _, data) = ear.next().await;
        let mut out = [0.0; 480];
        assert_eq!(decoder.decode_float(&data, &mut out, false).unwrap(), 240);
        heard.extend(out);
    }
    let loudest = heard[4800..].iter().fold(0f32, |most, s| most.max(s.abs()));
    assert!((0.2..0.3).contains(&loudest), "{loudest}");
}
