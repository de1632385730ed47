//! Every decoder on every kind of bytes: what it takes it gives back bit by bit, and it never panics.

use goggles_protocols::audio::{self, Earlier, Playback, Redundant, Repeater};
use goggles_protocols::auth::Credentials;
use goggles_protocols::control::{self, Decoder, Message};
use goggles_protocols::{Error, clock, cursor, datagram, frame, input};
use proptest::prelude::*;

fn absolute() -> impl Strategy<Value = input::Absolute> {
    any::<(u32, u16, u16)>().prop_map(|(seq, x, y)| input::Absolute { seq, x, y })
}

fn vector() -> impl Strategy<Value = input::Vector> {
    any::<(i32, i32)>().prop_map(|(x, y)| input::Vector { x, y })
}

fn place() -> impl Strategy<Value = input::Place> {
    (vector(), absolute()).prop_map(|(motion, absolute)| input::Place { motion, absolute })
}

fn edge() -> impl Strategy<Value = input::Edge> {
    let key = (0u16..256, any::<bool>(), any::<u32>(), Just(None));
    let button = (0x110u16..0x120, any::<bool>(), any::<u32>(), place().prop_map(Some));
    prop_oneof![key, button].prop_map(|(code, pressed, age, place)| input::Edge {
        code,
        pressed,
        age,
        place,
    })
}

fn batch() -> impl Strategy<Value = input::Batch> {
    let numbers = any::<(u32, u32, u64, u32, u32, u64, u32)>();
    let held = any::<([u8; 32], u16)>().prop_map(|(keys, buttons)| input::Keys { keys, buttons });
    let edges = prop::collection::vec(edge(), 0..=input::MAX_EDGES);
    (numbers, place(), vector(), held, edges).prop_map(|(numbers, place, scroll, held, edges)| {
        let (epoch, seq, time, last_ack, ack_age, frame, edge_seq) = numbers;
        input::Batch {
            epoch,
            seq,
            time,
            last_ack,
            ack_age,
            frame,
            place,
            scroll,
            held,
            edge_seq,
            edges,
        }
    })
}

fn report() -> impl Strategy<Value = frame::Report> {
    let seen = any::<[u64; 4]>().prop_map(|[frame, received, decoded, painted]| frame::Seen {
        frame,
        received,
        decoded,
        painted,
    });
    let offset = prop::option::of(i64::MIN + 1..i64::MAX);
    (offset, prop::collection::vec(seen, 0..=frame::MAX_SEEN))
        .prop_map(|(offset, frames)| frame::Report { offset, frames })
}

fn to_server() -> impl Strategy<Value = datagram::ToServer> {
    prop_oneof![
        batch().prop_map(|b| datagram::ToServer::Input(Box::new(b))),
        any::<u64>().prop_map(|t0| datagram::ToServer::Ping(clock::Ping { t0 })),
        report().prop_map(datagram::ToServer::Report),
        (
            any::<(u32, u64)>(),
            prop::collection::vec(any::<u8>(), 1..=audio::MAX_MICROPHONE)
        )
            .prop_map(|((seq, time), packet)| {
                datagram::ToServer::Microphone(audio::Microphone { seq, time, packet })
            }),
    ]
}

fn to_client() -> impl Strategy<Value = datagram::ToClient> {
    let times = any::<([u64; 9], bool, u32)>().prop_map(|(t, key, bytes)| frame::Times {
        frame: t[0],
        pts_us: t[1],
        commit: t[2],
        latch: t[3],
        rendered: t[4],
        encode_start: t[5],
        converted: t[6],
        encoded: t[7],
        sent: t[8],
        key,
        bytes,
    });
    prop_oneof![
        any::<[u32; 3]>().prop_map(|[epoch, batch, edge]| datagram::ToClient::Ack(input::Ack { epoch, batch, edge })),
        any::<[u64; 3]>().prop_map(|[t0, t1, t2]| datagram::ToClient::Pong(clock::Pong { t0, t1, t2 })),
        times.prop_map(datagram::ToClient::Times),
    ]
}

fn control_to_server() -> impl Strategy<Value = control::ToServer> {
    prop_oneof![
        (any::<u16>(), any::<bool>(), "\\PC{0,16}").prop_map(|(version, want_input, name)| {
            control::ToServer::Hello {
                version,
                want_input,
                name,
            }
        }),
        Just(control::ToServer::TakeInput),
        Just(control::ToServer::DropInput),
        Just(control::ToServer::RequestKeyFrame),
        "\\PC{0,1000}".prop_map(control::ToServer::Text),
        (1..=control::MAX_CHANNELS).prop_map(control::ToServer::Loudspeakers),
        any::<bool>().prop_map(control::ToServer::Microphone),
        any::<([u32; 8], i32)>().prop_map(
            |([delay, depth, played, concealed, missing, late, resyncs, excursions], drift)| {
                control::ToServer::Playback(Playback {
                    delay,
                    depth,
                    drift,
                    played,
                    concealed,
                    missing,
                    late,
                    resyncs,
                    excursions,
                })
            }
        ),
    ]
}

fn control_to_client() -> impl Strategy<Value = control::ToClient> {
    prop_oneof![
        any::<(u16, u64, u32, u32, u32, u64)>().prop_map(|(version, viewer, width, height, refresh_mhz, start_us)| {
            control::ToClient::Welcome {
                version,
                viewer,
                width,
                height,
                refresh_mhz,
                start_us,
            }
        }),
        any::<(bool, bool)>().prop_map(|(input, holder)| control::ToClient::Role { input, holder }),
        (any::<(u32, u32, u32, bool)>(), "\\PC{0,60}").prop_map(
            |((width, height, refresh_mhz, pointer_locked), title)| {
                control::ToClient::Scene {
                    width,
                    height,
                    refresh_mhz,
                    pointer_locked,
                    title,
                }
            }
        ),
        "\\PC{0,60}".prop_map(|reason| control::ToClient::Bye { reason }),
        any::<(bool, bool, bool)>().prop_map(|(allowed, on, live)| control::ToClient::Microphone { allowed, on, live }),
    ]
}

fn update() -> impl Strategy<Value = cursor::Update> {
    let image = (1u16..20, 1u16..20, any::<(u16, u16, u8)>()).prop_map(|(width, height, (hot_x, hot_y, shade))| {
        cursor::Update::Image {
            width,
            height,
            hot_x,
            hot_y,
            rgba: vec![shade; 4 * width as usize * height as usize],
        }
    });
    prop_oneof![
        image,
        any::<(i32, i32)>().prop_map(|(x, y)| cursor::Update::Position { x, y }),
        Just(cursor::Update::Hidden),
        Just(cursor::Update::Visible),
    ]
}

fn packet() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 1..400)
}

fn redundant() -> impl Strategy<Value = Redundant> {
    let earlier = prop::collection::btree_map(1..=u16::MAX, packet(), 0..=audio::REPEATED);
    (earlier, packet()).prop_map(|(earlier, packet)| Redundant {
        earlier: earlier
            .into_iter()
            .rev()
            .map(|(age, packet)| Earlier { age, packet })
            .collect(),
        packet,
    })
}

/// `bytes` with some of them replaced.
fn spoil(bytes: &mut [u8], changes: &[(prop::sample::Index, u8)]) {
    for (index, value) in changes {
        bytes[index.index(bytes.len())] = *value;
    }
}

/// Feeds a stream in the pieces that `cuts` makes of it, and pops all there is after each.
fn pieces<M: Message>(stream: &[u8], cuts: &[usize]) -> Result<Vec<M>, Error> {
    let mut decoder = Decoder::new();
    let mut all = Vec::new();
    let mut rest = stream;
    for cut in cuts.iter().copied().chain([usize::MAX]) {
        let (piece, later) = rest.split_at(cut.min(rest.len()));
        rest = later;
        decoder.push(piece)?;
        while let Some(message) = decoder.pop()? {
            all.push(message);
        }
    }
    assert!(decoder.is_empty());
    Ok(all)
}

proptest! {
    #[test]
    fn datagrams_round_trip(up in to_server(), down in to_client()) {
        let bytes = up.encode();
        prop_assert!(bytes.len() <= 1100, "a QUIC datagram has room for {}", bytes.len());
        prop_assert_eq!(datagram::ToServer::decode(&bytes), Ok(up));
        prop_assert_eq!(datagram::ToClient::decode(&down.encode()), Ok(down));
    }

    #[test]
    fn control_round_trips_in_any_pieces(
        up in prop::collection::vec(control_to_server(), 0..6),
        down in prop::collection::vec(control_to_client(), 0..6),
        cuts in prop::collection::vec(0usize..60, 0..20),
    ) {
        let stream: Vec<u8> = up.iter().flat_map(|m| m.encode()).collect();
        prop_assert_eq!(pieces(&stream, &cuts), Ok(up));
        let stream: Vec<u8> = down.iter().flat_map(|m| m.encode()).collect();
        prop_assert_eq!(pieces(&stream, &cuts), Ok(down));
    }

    #[test]
    fn cursor_round_trips(updates in prop::collection::vec(update(), 1..=cursor::MAX_UPDATES)) {
        prop_assert_eq!(cursor::decode(&cursor::encode(&updates)), Ok(updates));
    }

    /// A viewer who was there from the start and one who joins at the snapshot see the same.
    #[test]
    fn snapshots_are_complete(updates in prop::collection::vec(update(), 0..20)) {
        let (mut first, mut late) = (cursor::State::default(), cursor::State::default());
        for update in &updates {
            first.apply(update);
        }
        for update in cursor::decode(&first.snapshot()).expect("a snapshot is well-formed") {
            late.apply(&update);
        }
        prop_assert_eq!(first, late);
    }

    #[test]
    fn redundant_payloads_round_trip(payload in redundant(), changes in prop::collection::vec(any::<(prop::sample::Index, u8)>(), 1..4)) {
        let mut bytes = payload.encode();
        prop_assert_eq!(Redundant::decode(&bytes), Ok(payload));
        spoil(&mut bytes, &changes);
        if let Ok(payload) = Redundant::decode(&bytes) {
            prop_assert_eq!(payload.encode(), bytes);
        }
    }

    /// Whatever was sent and whenever: payloads are well-formed and repeat what was sent, with its time stamps.
    #[test]
    fn repeaters_repeat_what_was_sent(steps in prop::collection::vec((0u64..90_000, packet()), 1..30)) {
        let (mut repeater, mut sent, mut at) = (Repeater::default(), Vec::new(), 0);
        for (pause, packet) in steps {
            at += pause;
            let payload = Redundant::decode(&repeater.payload(at, &packet, usize::MAX)).expect("it is well-formed");
            prop_assert_eq!(&payload.packet, &packet);
            for earlier in payload.earlier {
                prop_assert!(sent.contains(&(at - u64::from(earlier.age), earlier.packet)));
            }
            if pause == 5_000 {
                prop_assert_eq!(sent.last().is_some(), !repeater.payload(at, &packet, usize::MAX).starts_with(&[0]));
            }
            repeater.push(at, packet.clone());
            sent.push((at, packet));
        }
    }

    /// Any two packets in a row that are lost come again with the third.
    #[test]
    fn two_lost_in_a_row_are_made_up_for(packets in prop::collection::vec(packet(), 3..20)) {
        let mut repeater = Repeater::default();
        for (n, packet) in packets.iter().enumerate() {
            let at = 5_000 * n as u64;
            let payload = Redundant::decode(&repeater.payload(at, packet, usize::MAX)).expect("it is well-formed");
            let earlier: Vec<_> = payload.earlier.into_iter().map(|e| e.packet).collect();
            prop_assert_eq!(&earlier[..], &packets[n.saturating_sub(2)..n]);
            repeater.push(at, packet.clone());
        }
    }

    /// There is one way to write a message: what is accepted is what the encoder makes.
    #[test]
    fn accepted_bytes_are_canonical(
        up in to_server(),
        down in to_client(),
        changes in prop::collection::vec(any::<(prop::sample::Index, u8)>(), 1..4),
    ) {
        let (mut up, mut down) = (up.encode(), down.encode());
        spoil(&mut up, &changes);
        spoil(&mut down, &changes);
        if let Ok(message) = datagram::ToServer::decode(&up) {
            prop_assert_eq!(message.encode(), up);
        }
        if let Ok(message) = datagram::ToClient::decode(&down) {
            prop_assert_eq!(message.encode(), down);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), text in "\\PC{0,80}") {
        let _ = (datagram::ToServer::decode(&bytes), datagram::ToClient::decode(&bytes), cursor::decode(&bytes));
        let _ = Redundant::decode(&bytes);
        let _ = (control::ToServer::decode(&bytes), control::ToClient::decode(&bytes), Credentials::parse(&text));
    }

    /// No prefix of a message is one, nor is a message with more behind it.
    #[test]
    fn lengths_are_exact(up in to_server(), cut in any::<prop::sample::Index>()) {
        let mut bytes = up.encode();
        let short = &bytes[..cut.index(bytes.len())];
        prop_assert_eq!(datagram::ToServer::decode(short), Err(Error::Truncated));
        bytes.push(0);
        prop_assert_eq!(datagram::ToServer::decode(&bytes), Err(Error::Trailing(1)));
    }
}

#[test]
fn what_is_from_before_a_silence_is_not_repeated() {
    let mut repeater = Repeater::default();
    repeater.push(0, [1]);
    repeater.push(5_000, [2]);
    let repeated = |repeater: &Repeater<[u8; 1]>, at| {
        Redundant::decode(&repeater.payload(at, &[9], usize::MAX))
            .unwrap()
            .earlier
    };
    assert_eq!(repeated(&repeater, 10_000).len(), 2);
    assert_eq!(repeated(&repeater, 65_536).len(), 1);
    assert_eq!(repeated(&repeater, 1_000_000), []);
    repeater.push(4_000, [3]);
    assert_eq!(repeated(&repeater, 10_000), [], "time ran backwards");
}

#[test]
fn what_has_no_room_is_not_repeated() {
    let mut repeater = Repeater::default();
    repeater.push(0, vec![1; 10]);
    repeater.push(5_000, vec![2; 20]);
    let ages = |room| {
        let payload = repeater.payload(10_000, &[9; 30], room);
        assert!(payload.len() <= room.max(31), "{} bytes", payload.len());
        let earlier = Redundant::decode(&payload).unwrap().earlier;
        earlier.iter().map(|e| e.age).collect::<Vec<_>>()
    };
    let newest = 31 + 4 + 20;
    assert_eq!(ages(newest + 14), [10_000, 5_000]);
    assert_eq!(ages(newest + 13), [5_000], "the older one goes first");
    assert_eq!(
        ages(newest - 1),
        [0u16; 0],
        "nor is the older one repeated without the younger"
    );
    assert_eq!(ages(0), [0u16; 0], "the packet itself always goes");
}

#[test]
fn layouts_are_opuses() {
    for layout in audio::Layout::ALL {
        let (streams, coupled) = layout.streams();
        assert_eq!(streams + coupled, layout.channels());
        assert_eq!(layout.mapping().len(), usize::from(layout.channels()));
        assert_eq!(audio::Layout::of_channels(layout.channels()), Some(layout));
        let mut all = layout.mapping().to_vec();
        all.sort();
        assert_eq!(all, (0..layout.channels()).collect::<Vec<_>>());
        assert_eq!(layout.head().len(), if streams == 1 { 19 } else { 21 + all.len() });
    }
    let within = [1, 2, 3, 5, 6, 7, 8, 32].map(|n| audio::Layout::within(n).channels());
    assert_eq!(within, [2, 2, 2, 2, 6, 6, 8, 8]);
}

#[test]
fn the_first_error_of_a_stream_stays() {
    let mut decoder = Decoder::<control::ToServer>::new();
    decoder.push(&[1, 0, 0, 0, 0x77, 1, 0, 0, 0, 2]).expect("there is room");
    assert_eq!(decoder.pop(), Err(Error::Kind(0x77)));
    assert_eq!(decoder.pop(), Err(Error::Kind(0x77)));
}

#[test]
fn long_messages_are_refused_at_their_length() {
    let mut decoder = Decoder::<control::ToServer>::new();
    decoder.push(&65_537u32.to_le_bytes()).expect("there is room");
    assert_eq!(
        decoder.pop(),
        Err(Error::TooLong {
            what: "message",
            len: 65_537,
            cap: 65_536
        })
    );
}

#[test]
fn a_reader_that_never_pops_is_refused() {
    let mut decoder = Decoder::<control::ToServer>::new();
    let fits = (0..100).take_while(|_| decoder.push(&[0; 10_000]).is_ok()).count();
    assert_eq!(fits, 13);
    assert!(decoder.pop().is_err());
}

#[test]
fn texts_are_cut_between_characters() {
    let long = control::ToClient::Bye {
        reason: "é".repeat(200) + "x",
    };
    let bytes = long.encode();
    assert_eq!(
        control::ToClient::decode(&bytes[4..]),
        Ok(control::ToClient::Bye {
            reason: "é".repeat(128)
        })
    );
    let odd = control::ToClient::Bye {
        reason: "x".to_owned() + &"é".repeat(200),
    };
    let cut = control::ToClient::Bye {
        reason: "x".to_owned() + &"é".repeat(127),
    };
    assert_eq!(control::ToClient::decode(&odd.encode()[4..]), Ok(cut));
}

#[test]
fn queries_are_read_strictly() {
    let token = "Pj4-Pj4-Pj4-Pj4-Pj4-Pj4-Pj4-Pj4-";
    assert_eq!(
        Credentials::parse(&format!("token={token}")),
        Ok(Credentials::Token([0x3e; 24]))
    );
    let refused = [
        String::new(),
        "token".into(),
        "token=".into(),
        format!("token={token}&token={token}"),
        format!("token={token}&jwt=x"),
        format!("token={token}="),
        format!("token={}", &token[4..]),
        format!("token={token}AAAA"),
        // The same bytes, but with bits set that mean nothing, or from the other alphabet.
        format!("nonce={}", "A".repeat(42) + "B"),
        format!("token={}", token.replace('-', "+")),
        format!("nonce={}", "A".repeat(43)),
        format!("token={}", "A".repeat(1000)),
    ];
    for query in refused {
        assert!(Credentials::parse(&query).is_err(), "{query}");
    }
    let longest = Credentials::Signed {
        key: std::array::from_fn(|i| if i == 0 { 4 } else { 0xff }),
        nonce: [1; 32],
        signature: [2; 64],
        token: Some([3; 24]),
    };
    assert_eq!(longest.to_query().len(), 271);
    assert_eq!(Credentials::parse(&longest.to_query()).as_ref(), Ok(&longest));
    // A compressed point's first byte.
    assert!(Credentials::parse(&longest.to_query().replace("key=BP", "key=AP")).is_err());
    assert_eq!(format!("{longest:?}"), "Signed and Token");
}

#[test]
fn reports_are_brought_into_the_servers_clock() {
    let seen = frame::Seen {
        frame: 1,
        received: 100,
        decoded: 200,
        painted: 0,
    };
    let report = frame::Report {
        offset: Some(-50),
        frames: vec![seen],
    };
    let moved = report.in_server_clock().expect("the offset is known");
    assert_eq!(
        moved.frames,
        [frame::Seen {
            frame: 1,
            received: 50,
            decoded: 150,
            painted: 0
        }]
    );
    assert_eq!(frame::Report { offset: None, ..report }.in_server_clock(), None);
}
