//! `vectors/*.json` hold every implementation to the same bytes: the page's tests read the same files.
//!
//! Each document is made here from values; the test fails if it isn't what lies in the folder. After a wanted change:
//! `UPDATE=1 cargo test -p goggles-protocols --test vectors`.

mod vector_json;

use goggles_protocols::audio::{Earlier, Layout, Microphone, Playback, Redundant};
use goggles_protocols::auth::{Credentials, to_be_signed};
use goggles_protocols::clock::{Estimator, Ping, Pong, Schedule};
use goggles_protocols::control::Message as _;
use goggles_protocols::input::{Absolute, Ack, Batch, Edge, Keys, Limits, Place, Receiver, Sender, Vector};
use goggles_protocols::{control, cursor, datagram, frame};
use serde_json::{Value, json};
use vector_json::hex;

/// Compares with the committed file, or writes it.
fn check(name: &str, document: &Value) {
    let path = format!("{}/vectors/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = serde_json::to_string_pretty(document).expect("a document") + "\n";
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, text).expect("the folder is writable");
        return;
    }
    let committed = std::fs::read_to_string(&path).expect("the file is committed");
    assert!(
        committed == text,
        "{path} is not what the code makes; see the head of tests/vectors.rs"
    );
}

fn batches() -> Vec<Batch> {
    let mut held = Keys::default();
    for code in [1, 30, 255, 0x110, 0x11f] {
        held.set(code, true);
    }
    let place = Place {
        motion: Vector { x: -257, y: i32::MAX },
        absolute: Absolute { seq: 3, x: 65535, y: 1 },
    };
    let then = Place {
        motion: Vector { x: i32::MIN, y: 5 },
        absolute: Absolute::default(),
    };
    let full = Batch {
        epoch: 0xfedc_ba98,
        seq: 0x0102_0304,
        time: 0x000a_0b0c_0d0e_0f10,
        last_ack: 0x0102_0300,
        ack_age: u32::MAX,
        frame: 123_456_789_012,
        place,
        scroll: Vector { x: 30_720, y: -30_720 },
        held,
        edge_seq: 77,
        edges: vec![
            Edge {
                code: 255,
                pressed: true,
                age: 1_000_000,
                place: None,
            },
            Edge {
                code: 30,
                pressed: false,
                age: 4_000,
                place: None,
            },
            Edge {
                code: 0x110,
                pressed: true,
                age: 0,
                place: Some(then),
            },
        ],
    };
    vec![Batch::default(), full]
}

fn datagrams_to_server() -> Vec<datagram::ToServer> {
    let seen = frame::Seen {
        frame: 9,
        received: 1_000_000,
        decoded: 1_002_000,
        painted: 0,
    };
    let mut all: Vec<_> = batches()
        .into_iter()
        .map(|b| datagram::ToServer::Input(Box::new(b)))
        .collect();
    all.push(datagram::ToServer::Ping(Ping { t0: 5_123_456_789 }));
    for (offset, frames) in [(None, vec![]), (Some(-12_345_678), vec![seen, frame::Seen::default()])] {
        all.push(datagram::ToServer::Report(frame::Report { offset, frames }));
    }
    let (seq, time, packet) = (4_000_000_000, 98_000_000_007, vec![0x58, 0xff, 0xfe]);
    all.push(datagram::ToServer::Microphone(Microphone { seq, time, packet }));
    all
}

fn datagrams_to_client() -> Vec<datagram::ToClient> {
    let times = frame::Times {
        frame: 42,
        pts_us: 1_000_001,
        commit: 7_000_000_000,
        latch: 7_000_000_100,
        rendered: 7_000_000_100,
        encode_start: 7_000_000_150,
        converted: 7_000_000_400,
        encoded: 7_000_003_400,
        sent: 7_000_003_500,
        key: true,
        bytes: 65_537,
    };
    vec![
        datagram::ToClient::Ack(Ack {
            epoch: 7,
            batch: 4_000_000_000,
            edge: 12,
        }),
        datagram::ToClient::Pong(Pong {
            t0: 5_123_456_789,
            t1: 98_000_000_000,
            t2: 98_000_000_040,
        }),
        datagram::ToClient::Times(times),
    ]
}

fn control_to_server() -> Vec<control::ToServer> {
    vec![
        control::ToServer::Hello {
            version: 1,
            want_input: true,
            name: "Zoë".into(),
        },
        control::ToServer::TakeInput,
        control::ToServer::DropInput,
        control::ToServer::Text("naïve €".into()),
        control::ToServer::RequestKeyFrame,
        control::ToServer::Loudspeakers(6),
        control::ToServer::Microphone(true),
        control::ToServer::Playback(Playback {
            delay: 21_250,
            depth: 7_500,
            drift: -120,
            played: 70_000,
            concealed: 3,
            missing: 5,
            late: 2,
            resyncs: 1,
            excursions: 4,
        }),
    ]
}

fn control_to_client() -> Vec<control::ToClient> {
    vec![
        control::ToClient::Welcome {
            version: 1,
            viewer: 3,
            width: 1280,
            height: 720,
            refresh_mhz: 59_940,
            start_us: 7_000_000_000,
        },
        control::ToClient::Role {
            input: false,
            holder: true,
        },
        control::ToClient::Scene {
            width: 1920,
            height: 1080,
            refresh_mhz: 60_000,
            pointer_locked: true,
            title: "Game – 1".into(),
        },
        control::ToClient::Bye {
            reason: "the game has ended".into(),
        },
        control::ToClient::Microphone {
            allowed: true,
            on: false,
            live: true,
        },
    ]
}

fn redundants() -> Vec<Redundant> {
    let earlier = |age, packet: &[u8]| Earlier {
        age,
        packet: packet.to_vec(),
    };
    let packet = vec![0xec, 3];
    let (first, second) = (earlier(10_000, &[0xec, 1, 1, 1]), earlier(5_000, &[0xec]));
    [vec![], vec![second.clone()], vec![first, second]]
        .into_iter()
        .map(|earlier| Redundant {
            earlier,
            packet: packet.clone(),
        })
        .collect()
}

fn cursors() -> Vec<Vec<cursor::Update>> {
    let image = cursor::Update::Image {
        width: 2,
        height: 1,
        hot_x: 1,
        hot_y: 0,
        rgba: (1..=8).collect(),
    };
    vec![
        vec![
            image,
            cursor::Update::Position { x: -3, y: 700 },
            cursor::Update::Visible,
        ],
        vec![cursor::Update::Position { x: 640, y: 360 }],
        vec![cursor::Update::Hidden],
    ]
}

fn credentials() -> Vec<Credentials> {
    let mut key = std::array::from_fn(|i| i as u8);
    key[0] = 4;
    let (nonce, signature, token) = ([0xfb; 32], std::array::from_fn(|i| 255 - i as u8), [0x3e; 24]);
    vec![
        Credentials::Signed {
            key,
            nonce,
            signature,
            token: Some(token),
        },
        Credentials::Signed {
            key,
            nonce,
            signature,
            token: None,
        },
        Credentials::Token(token),
    ]
}

#[test]
fn messages() {
    let mut list = Vec::new();
    let mut add = |channel: &str, bytes: &[u8], value: Value| {
        list.push(json!({ "channel": channel, "hex": hex(bytes), "value": value }));
    };
    for message in datagrams_to_server() {
        let bytes = message.encode();
        assert_eq!(datagram::ToServer::decode(&bytes).as_ref(), Ok(&message));
        add("datagram to server", &bytes, vector_json::datagram_to_server(&message));
    }
    for message in datagrams_to_client() {
        let bytes = message.encode();
        assert_eq!(datagram::ToClient::decode(&bytes).as_ref(), Ok(&message));
        add("datagram to client", &bytes, vector_json::datagram_to_client(&message));
    }
    for message in control_to_server() {
        let bytes = message.encode();
        assert_eq!(control::ToServer::decode(&bytes[4..]).as_ref(), Ok(&message));
        add("control to server", &bytes, vector_json::control_to_server(&message));
    }
    for message in control_to_client() {
        let bytes = message.encode();
        assert_eq!(control::ToClient::decode(&bytes[4..]).as_ref(), Ok(&message));
        add("control to client", &bytes, vector_json::control_to_client(&message));
    }
    for updates in cursors() {
        let bytes = cursor::encode(&updates);
        assert_eq!(cursor::decode(&bytes).as_ref(), Ok(&updates));
        add("cursor", &bytes, updates.iter().map(vector_json::cursor).collect());
    }
    for payload in redundants() {
        let bytes = payload.encode();
        assert_eq!(Redundant::decode(&bytes).as_ref(), Ok(&payload));
        add("redundant", &bytes, vector_json::redundant(&payload));
    }
    let heads = Layout::ALL.map(|l| json!({ "channels": l.channels(), "hex": hex(&l.head()) }));
    let mut queries = Vec::new();
    for shown in credentials() {
        let query = shown.to_query();
        assert_eq!(Credentials::parse(&query).as_ref(), Ok(&shown));
        queries.push(json!({ "query": query, "value": vector_json::credentials(&shown) }));
    }
    let signed = to_be_signed(&[0xfb; 32], &[0xc4; 32], "/control");
    check(
        "messages",
        &json!({
            "messages": list,
            "malformed": malformed(),
            "queries": queries,
            "opus_heads": heads,
            "to_be_signed": {
                "nonce": hex(&[0xfb; 32]), "certificate": hex(&[0xc4; 32]), "path": "/control", "hex": hex(&signed),
            },
        }),
    );
}

/// One of each way to be wrong.
fn malformed() -> Vec<Value> {
    let mut list = Vec::new();
    let mut add = |channel: &str, why: &str, bytes: &[u8]| {
        let refused = match channel {
            "datagram to server" => datagram::ToServer::decode(bytes).is_err(),
            "datagram to client" => datagram::ToClient::decode(bytes).is_err(),
            "control to server" => control::ToServer::decode(&bytes[4..]).is_err(),
            "control to client" => control::ToClient::decode(&bytes[4..]).is_err(),
            "redundant" => Redundant::decode(bytes).is_err(),
            _ => cursor::decode(bytes).is_err(),
        };
        assert!(refused, "{channel}: {why}");
        list.push(json!({ "channel": channel, "why": why, "hex": hex(bytes) }));
    };
    add("datagram to client", "empty", &[]);
    add("datagram to client", "unknown kind", &[0x84]);
    add(
        "datagram to client",
        "a kind of the other direction",
        &Ping { t0: 1 }.encode(),
    );
    for message in datagrams_to_client() {
        let bytes = message.encode();
        add("datagram to client", "one byte short", &bytes[..bytes.len() - 1]);
        add("datagram to client", "one byte more", &[&bytes[..], &[0]].concat());
    }
    let mut key = datagrams_to_client()[2].encode();
    key[73] = 2;
    add("datagram to client", "a boolean of 2", &key);
    let batch = batches()[1].encode();
    add("datagram to server", "one byte short", &batch[..batch.len() - 1]);
    let mut code = batch.clone();
    code[96..98].copy_from_slice(&0x0100u16.to_le_bytes());
    add("datagram to server", "a code that is no key or button", &code);
    let mut count = batches()[0].encode();
    count[95] = 17;
    count.resize(96 + 17 * 6, 0);
    add("datagram to server", "17 edges", &count);
    add("control to client", "a role one byte short", &[2, 0, 0, 0, 0x82, 0]);
    add(
        "control to client",
        "text beyond the message",
        &[4, 0, 0, 0, 0x84, 2, 0, b'x'],
    );
    add("control to client", "not UTF-8", &[4, 0, 0, 0, 0x84, 1, 0, 0xff]);
    add(
        "control to client",
        "a reason of 257 bytes",
        &[&[4, 1, 0, 0, 0x84, 1, 1][..], &[b'x'; 257]].concat(),
    );
    add("control to client", "a microphone of 2", &[4, 0, 0, 0, 0x85, 1, 0, 2]);
    add("control to server", "a microphone of 2", &[2, 0, 0, 0, 0x07, 2]);
    add("control to server", "no loudspeaker", &[2, 0, 0, 0, 0x06, 0]);
    add("control to server", "nine loudspeakers", &[2, 0, 0, 0, 0x06, 9]);
    add(
        "datagram to server",
        "a microphone's empty packet",
        &[4, 1, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    );
    add("redundant", "empty", &[]);
    add("redundant", "no packet", &[0]);
    add(
        "redundant",
        "three repeated",
        &[3, 3, 0, 1, 0, 9, 2, 0, 1, 0, 9, 1, 0, 1, 0, 9, 9],
    );
    add("redundant", "an age of nothing", &[1, 0, 0, 1, 0, 9, 9]);
    add("redundant", "the newer first", &[2, 1, 0, 1, 0, 9, 2, 0, 1, 0, 9, 9]);
    add("redundant", "an empty packet repeated", &[1, 1, 0, 0, 0, 9]);
    add("cursor", "empty", &[]);
    add("cursor", "no width", &[1, 0, 0, 1, 0, 0, 0, 0, 0]);
    add(
        "cursor",
        "513 wide",
        &[&[1, 1, 2, 1, 0, 0, 0, 0, 0][..], &[0; 513 * 4]].concat(),
    );
    add("cursor", "nine updates", &[3; 9]);
    list
}

/// A step of the sender's script: what is called, if anything, before `poll`.
enum Call {
    Poll,
    Key(u16, bool),
    Relative(f64, f64),
    Scroll(f64, f64),
    Absolute(f64, f64),
    Shown(u64),
    Ack(Ack),
    Blur,
    Reset,
}

impl Call {
    fn on(&self, sender: &mut Sender, now: u64) -> Value {
        match *self {
            Self::Poll => json!(["poll"]),
            Self::Key(code, pressed) => {
                sender.key(now, code, pressed);
                json!(["key", code, pressed])
            }
            Self::Relative(dx, dy) => {
                sender.relative(now, dx, dy);
                json!(["relative", dx, dy])
            }
            Self::Scroll(dx, dy) => {
                sender.scroll(now, dx, dy);
                json!(["scroll", dx, dy])
            }
            Self::Absolute(x, y) => {
                sender.absolute(now, x, y);
                json!(["absolute", x, y])
            }
            Self::Shown(frame) => {
                sender.shown(frame);
                json!(["shown", frame])
            }
            Self::Ack(ack) => {
                sender.on_ack(now, ack);
                json!(["ack", hex(&ack.encode())])
            }
            Self::Blur => {
                sender.blur(now);
                json!(["blur"])
            }
            Self::Reset => {
                sender.reset(now);
                json!(["reset"])
            }
        }
    }
}

fn sender_script() -> Vec<(u64, Call)> {
    let ack = |epoch, batch, edge| Call::Ack(Ack { epoch, batch, edge });
    let mut script = vec![
        (1_000_000, Call::Poll),
        (1_000_000, Call::Key(30, true)),
        (1_000_500, Call::Key(30, true)),
        (1_003_999, Call::Poll),
        (1_004_000, Call::Poll),
        (1_012_000, Call::Poll),
        (1_013_000, ack(41, 1, 1)),
        (1_013_500, ack(40, 3, 1)),
        (1_013_600, ack(41, 9, 1)),
        (1_020_000, Call::Shown(5)),
        (1_020_100, Call::Key(30, false)),
        (1_021_000, ack(41, 5, 2)),
        (1_030_000, Call::Relative(1.5, -0.001)),
        (1_030_400, Call::Relative(0.001, 0.001)),
        (1_030_900, Call::Relative(-2.25, 1_000_001.0)),
        (1_031_000, Call::Poll),
        (1_031_500, Call::Relative(f64::from(f32::MIN_POSITIVE), 0.0)),
        (1_032_000, Call::Absolute(0.5, 1.25)),
        (1_032_100, Call::Key(0x110, true)),
        (1_033_000, Call::Absolute(0.5, 1.0)),
        (1_033_100, Call::Absolute(-1.0, 0.25)),
        (1_033_200, Call::Key(0x110, false)),
        (1_033_300, Call::Scroll(0.0, 120.0)),
        (1_034_300, Call::Scroll(-7.5, 0.3)),
        (1_034_400, Call::Key(256, true)),
        (1_034_400, Call::Key(0x120, true)),
        (1_040_000, ack(41, 12, 4)),
        (1_050_000, ack(41, 30, 4)),
        (1_060_000, Call::Key(17, true)),
        (1_060_000, Call::Key(0x111, true)),
        (1_061_000, Call::Blur),
    ];
    // More edges than a batch repeats.
    for n in 0..9 {
        script.push((1_070_000 + n * 10, Call::Key(2 + n as u16, true)));
        script.push((1_070_005 + n * 10, Call::Key(2 + n as u16, false)));
    }
    script.push((1_080_000, Call::Reset));
    script.push((1_080_100, ack(41, 1, 22)));
    script.push((1_084_000, Call::Poll));
    // Nobody answers: the heartbeat slows.
    script.extend((0..130).map(|n| (1_092_000 + n * 8_000, Call::Poll)));
    script.push((2_190_000, ack(42, 100, 0)));
    script
}

#[test]
fn sender() {
    let mut sender = Sender::new(41);
    let mut steps = Vec::new();
    for (now, call) in sender_script() {
        let call = call.on(&mut sender, now);
        let sent = sender.poll(now).map(|batch| hex(&batch.encode()));
        steps.push(json!({ "now": now, "call": call, "sent": sent, "deadline": sender.deadline() }));
    }
    check("sender", &json!({ "epoch": 41, "steps": steps }));
}

/// The receiver's side of the sender's script: the n-th batch that was sent, when it arrives.
#[test]
fn receiver() {
    let mut sender = Sender::new(41);
    let mut sent = Vec::new();
    for (now, call) in sender_script() {
        call.on(&mut sender, now);
        sent.extend(sender.poll(now).map(|batch| batch.encode()));
    }
    let mut receiver = Receiver::new(Limits::default());
    let mut steps = Vec::new();
    // In order, one twice, two swapped, some lost, and one that comes too late for its presses.
    let late = 400_000;
    let plan = [
        (0, 0),
        (1, 0),
        (1, 10),
        (4, 0),
        (3, 500),
        (6, 0),
        (8, 0),
        (9, 0),
        (12, 0),
        (25, 0),
        (40, late),
    ];
    for (index, extra) in plan {
        let bytes = &sent[index];
        let Ok(datagram::ToServer::Input(batch)) = datagram::ToServer::decode(bytes) else {
            panic!("a batch")
        };
        let now = batch.time + 50_000_000 + extra;
        let mut events = Vec::new();
        receiver.receive(now, &batch, &mut events);
        let ack = receiver.ack().expect("a batch came").encode();
        let events: Vec<_> = events.iter().map(vector_json::event).collect();
        let deadline = receiver.deadline();
        let hex = (hex(bytes), hex(&ack));
        steps.push(json!({ "now": now, "batch": hex.0, "events": events, "ack": hex.1, "deadline": deadline }));
    }
    check("receiver", &json!({ "steps": steps }));
}

#[test]
fn clock() {
    let mut est = Estimator::new(Schedule::default());
    let mut steps = Vec::new();
    // 40 ppm fast, lopsided now and then; then the client's clock stops for 3 s.
    let ways = [(400u64, 600u64), (900, 300), (5_000, 400), (350, 350), (300, 9_000)];
    let mut now = 3_000_000u64;
    for n in 0..40usize {
        now = now.max(est.deadline());
        let ping = est.poll(now).expect("it is the deadline");
        let (there, back) = ways[n % ways.len()];
        let slept = if n < 35 { 0 } else { 3_000_000 };
        let t1 = 70_000_000_000 + now + there + now * 40 / 1_000_000 + slept;
        let pong = Pong {
            t0: ping.t0,
            t1,
            t2: t1 + 30,
        };
        now += there + 30 + back;
        assert!(est.on_pong(now, pong));
        steps.push(json!({
            "ping": hex(&ping.encode()), "pong": hex(&pong.encode()), "now": now,
            "offset": est.offset(now), "rtt": est.rtt(), "deadline": est.deadline(),
        }));
    }
    check("clock", &json!({ "steps": steps }));
}
