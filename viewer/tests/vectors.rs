//! `protocols/vectors/audio-player.json` holds the page's player to this one. The test fails if the file is not what the
//! code makes; after a wanted change: `UPDATE=1 cargo test -p goggles-viewer --test vectors`.

use goggles_viewer::audio::clock::Device;
use goggles_viewer::audio::player::{Block, Fate, Metrics, Player, Sound};
use goggles_viewer::audio::stalls::Stalls;
use goggles_viewer::audio::watchdog::Event;
use serde_json::{Value, json};

/// xorshift64*.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1u64 << 53) as f64
    }
}

fn fate(fate: Fate) -> &'static str {
    match fate {
        Fate::Kept => "kept",
        Fate::Late => "late",
        Fate::Duplicate => "duplicate",
    }
}

fn block(block: &Block) -> Value {
    let sound = match block.sound {
        Sound::Packet { pts, skip } => json!(["packet", pts, skip]),
        Sound::Conceal => json!(["conceal"]),
        Sound::Silence => json!(["silence"]),
    };
    let event = block.event.map(|event| match event {
        Event::Drifting(drift) => json!(["drifting", drift]),
        Event::Resync(drift) => json!(["resync", drift]),
        Event::Starved => json!(["starved"]),
    });
    json!({ "sound": sound, "us": block.us, "fade": block.fade, "speed": block.speed, "event": event })
}

fn metrics(m: &Metrics) -> Value {
    json!({
        "delay": m.delay, "depth": m.depth, "drift": m.drift, "speed": m.speed, "played": m.played,
        "concealed": m.concealed, "late": m.late, "duplicates": m.duplicates, "resyncs": m.resyncs,
        "excursions": m.excursions,
    })
}

/// After so many blocks the thread stands still for 35 ms.
const STOOD: u32 = 1_300;

/// The story of 14 s. Each packet has four numbers of chance: jitter, a spike, loss, a copy.
fn player() -> Value {
    let mut random = Random(7);
    let mut packets = Vec::new();
    for n in 0..2_800u64 {
        let pts = 3_000_000 + n * 5_000 + u64::from(n % 40 == 0);
        let [jitter, spike, loss, copy] = [(); 4].map(|()| random.next());
        let silent = (1_000..1_200).contains(&n);
        // A detour to be starved by, and back.
        let detour = if (1_600..2_000).contains(&n) { 40_000.0 } else { 0.0 };
        let spike = if spike < 0.01 { 15_000.0 } else { 0.0 };
        let arrival = (pts as f64 + 7_000.0 + (jitter * 3_000.0).floor() + spike + detour).floor();
        if silent || loss < 0.01 {
            continue;
        }
        packets.push((arrival, pts));
        if copy < 0.05 {
            packets.push((arrival + 2_500.0, pts));
        }
    }
    packets.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut packets = packets.into_iter().peekable();
    let mut player = Player::new(5_000.0);
    player.set_round_trip(30_000.0);
    let (mut steps, mut at, mut pulls) = (Vec::new(), 3_004_000.0f64, 0u32);
    while at < 17_000_000.0 {
        if pulls == STOOD {
            player.stood_still(at);
            steps.push(json!(["stood", at]));
        }
        while let Some((arrival, pts)) = packets.next_if(|(arrival, _)| *arrival <= at) {
            steps.push(json!(["arrived", arrival, pts, fate(player.arrived(arrival, pts))]));
        }
        let made = player.pull(at);
        // Not all are compared, to keep the file short: what goes wrong once stays wrong.
        if pulls % 16 == 0 || made.event.is_some() || made.fade {
            steps.push(json!(["pull", at, block(&made), metrics(&player.metrics())]));
        } else {
            steps.push(json!(["pull", at]));
        }
        pulls += 1;
        // The device is 150 ppm fast; once it stands for a while, once it slips by 4 ms.
        let pause = match pulls {
            1_500 => 90_000.0,
            STOOD => 35_000.0,
            2_450 => 4_000.0,
            2_700 => {
                player.slipped();
                steps.push(json!(["slipped"]));
                2_700.0
            }
            _ => 0.0,
        };
        at = ((at + made.us / made.speed * (1.0 - 150e-6) + pause) * 64.0).round() / 64.0;
    }
    let m = player.metrics();
    assert!(
        m.late > 0 && m.duplicates > 0 && m.concealed > 0 && m.resyncs > 1 && m.excursions > 0,
        "{m:?}"
    );
    json!({ "frame": 5_000, "round_trip": 30_000, "steps": steps })
}

/// A device that is 80 ppm slow, with noise; strange values; then it stands for 40 ms.
fn device() -> Value {
    let mut random = Random(11);
    let mut device = Device::default();
    let mut steps = Vec::new();
    for n in 0..160u32 {
        let frame = f64::from(n) * 3_072.0;
        let noise = (random.next() * 1_000.0).floor();
        let strange = if n % 25 == 24 { 30_000.0 } else { 0.0 };
        let stood = if n > 100 { 40_000.0 } else { 0.0 };
        let us = 9_000_000.0 + (frame * 1_000_080.0 / 48_000.0).floor() + noise + strange + stood;
        device.add(frame, us);
        let asked = frame + 480.0;
        steps.push(json!({ "add": [frame, us], "frame": asked, "at": device.at(asked), "steps": device.steps() }));
    }
    json!(steps)
}

/// Calls of an audio thread, each with what is made of it: eight at a time; then one at a time with a coarse clock; some
/// stalls of both, the last of which come all the time.
fn stalls() -> Value {
    let mut random = Random(13);
    let (mut stalls, mut now, mut steps) = (Stalls::default(), 1_000.0f64, Vec::new());
    for n in 0..2_400u32 {
        let stood = match n {
            400 | 1_000 | 1_700 => 60.0,
            2_000.. if n % 3 == 0 => 9.0,
            _ => 0.0,
        };
        let pause = match n {
            0..1_200 if n % 8 == 0 => 21.0 + random.next(),
            0..1_200 => 0.01,
            _ => 2.0 + (random.next() * 2.0).floor(),
        };
        now = ((now + pause + stood) * 64.0).round() / 64.0;
        steps.push((now, stalls.step(now)));
    }
    let count = |from: usize, to: usize| steps[from..to].iter().filter(|(_, stalled)| *stalled).count();
    assert_eq!([count(0, 1_200), count(1_200, 2_000)], [2, 1]);
    assert!(
        count(2_000, 2_100) > 5 && count(2_300, 2_400) == 0,
        "what comes all the time is usual"
    );
    json!(steps)
}

#[test]
fn audio_player() {
    let path = format!("{}/../protocols/vectors/audio-player.json", env!("CARGO_MANIFEST_DIR"));
    // One step a line: short, and a change can be seen.
    let lines = |steps: &Value| {
        let steps: Vec<_> = steps.as_array().expect("steps").iter().map(Value::to_string).collect();
        steps.join(",\n")
    };
    let (player, device, stalls) = (player(), device(), stalls());
    let text = format!(
        "{{\"frame\":{},\"round_trip\":{},\"player\":[\n{}\n],\"device\":[\n{}\n],\"stalls\":{stalls}}}\n",
        player["frame"],
        player["round_trip"],
        lines(&player["steps"]),
        lines(&device),
    );
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, text).expect("the folder is writable");
        return;
    }
    let committed = std::fs::read_to_string(&path).expect("the file is committed");
    assert!(
        committed == text,
        "{path} is not what the code makes; see the head of this file"
    );
}
