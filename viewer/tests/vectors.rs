//! `protocols/vectors/audio-player.json` holds the page's player to this one. The test fails if the file is not what the
//! code makes; after a wanted change: `UPDATE=1 cargo test -p goggles-viewer --test vectors`.

use goggles_viewer::audio::clock::Device;
use goggles_viewer::audio::conceal::Concealer;
use goggles_viewer::audio::player::{Block, Fate, Metrics, Player, Sound};
use goggles_viewer::audio::redundancy::Redundancy;
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
        "concealed": m.concealed, "missing": m.missing, "late": m.late, "duplicates": m.duplicates, "resyncs": m.resyncs,
        "excursions": m.excursions,
    })
}

/// What happens to a player, and what it makes of it.
struct Story {
    frame: f64,
    player: Player,
    steps: Vec<Value>,
    pulls: u32,
}

impl Story {
    fn new(frame: f64) -> Self {
        let (player, steps, pulls) = (Player::new(frame), Vec::new(), 0);
        Self {
            frame,
            player,
            steps,
            pulls,
        }
    }

    fn round_trip(&mut self, us: f64) {
        self.player.set_round_trip(us);
        self.steps.push(json!(["round_trip", us]));
    }

    fn arrived(&mut self, at: f64, pts: u64, number: u64) {
        let fate = fate(self.player.arrived(at, pts, number));
        self.steps.push(json!(["arrived", at, pts, number, fate]));
    }

    /// Not all are compared, to keep the file short: what goes wrong once stays wrong.
    fn pull(&mut self, at: f64) -> Block {
        let made = self.player.pull(at);
        if self.pulls.is_multiple_of(16) || made.event.is_some() || made.fade {
            let metrics = metrics(&self.player.metrics());
            self.steps.push(json!(["pull", at, block(&made), metrics]));
        } else {
            self.steps.push(json!(["pull", at]));
        }
        self.pulls += 1;
        made
    }

    /// One step a line: short, and a change can be seen.
    fn text(&self) -> String {
        format!("{{\"frame\":{},\"steps\":[\n{}\n]}}", self.frame, lines(&self.steps))
    }
}

fn lines(steps: &[Value]) -> String {
    steps.iter().map(Value::to_string).collect::<Vec<_>>().join(",\n")
}

/// After so many blocks the thread stands still for 35 ms.
const STOOD: u32 = 1_300;

/// 14 s on a middling network. Each packet has four numbers of chance: jitter, a spike, loss, a copy.
fn busy() -> Story {
    let mut random = Random(7);
    let (mut packets, mut number) = (Vec::new(), 0);
    for n in 0..2_800u64 {
        let pts = 3_000_000 + n * 5_000 + u64::from(n % 40 == 0);
        let [jitter, spike, loss, copy] = [(); 4].map(|()| random.next());
        let silent = (1_000..1_200).contains(&n);
        // So much is lost at once that it could be taken for silence.
        let torn = (2_200..2_218).contains(&n);
        // A detour to be starved by, and back.
        let detour = if (1_600..2_000).contains(&n) { 40_000.0 } else { 0.0 };
        let spike = if spike < 0.01 { 15_000.0 } else { 0.0 };
        let arrival = (pts as f64 + 7_000.0 + (jitter * 3_000.0).floor() + spike + detour).floor();
        number += u64::from(!silent);
        if silent || torn || loss < 0.01 {
            continue;
        }
        packets.push((arrival, pts, number));
        if copy < 0.05 {
            packets.push((arrival + 2_500.0, pts, number));
        }
    }
    packets.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut packets = packets.into_iter().peekable();
    let mut story = Story::new(5_000.0);
    story.round_trip(30_000.0);
    let mut at = 3_004_000.0f64;
    while at < 17_000_000.0 {
        if story.pulls == STOOD {
            story.player.stood_still(at);
            story.steps.push(json!(["stood", at]));
        }
        while let Some((arrival, pts, number)) = packets.next_if(|(arrival, ..)| *arrival <= at) {
            story.arrived(arrival, pts, number);
        }
        let made = story.pull(at);
        // The device is 150 ppm fast; once it stands for a while, once it slips by 4 ms.
        let pause = match story.pulls {
            1_500 => 90_000.0,
            STOOD => 35_000.0,
            2_450 => 4_000.0,
            2_700 => {
                story.player.slipped();
                story.steps.push(json!(["slipped"]));
                2_700.0
            }
            _ => 0.0,
        };
        at = ((at + made.us / made.speed * (1.0 - 150e-6) + pause) * 64.0).round() / 64.0;
    }
    let m = story.player.metrics();
    assert!(
        m.late > 0 && m.duplicates > 0 && m.concealed > 0 && m.resyncs > 1 && m.excursions > 0 && m.missing > 30,
        "{m:?}"
    );
    story
}

/// 90 s in which something sounds for 120 ms each second, longer than anything is looked back on. The way gets worse and
/// its round trip longer, and both get better; at the end the device stands for so long that what comes is another story.
fn sparse() -> Story {
    const FRAME: u64 = 20_000;
    let mut random = Random(17);
    let mut story = Story::new(FRAME as f64);
    story.round_trip(20_000.0);
    let (mut number, mut longest, mut last) = (0, 0.0f64, 0.0);
    for second in 0..90u64 {
        match second {
            8 => story.round_trip(110_000.0),
            20 => story.round_trip(25_000.0),
            _ => {}
        }
        let rough = if (5..20).contains(&second) { 130_000.0 } else { 4_000.0 };
        // The last one goes on until the device plays again.
        let count = if second == 89 { 170 } else { 6 };
        let begin = 2_000_000 + second * 1_000_000;
        let mut packets: Vec<_> = (0..count)
            .map(|n| {
                let pts = begin + n * FRAME;
                (pts as f64 + 22_000.0 + (random.next() * rough).floor(), pts, number + n)
            })
            .collect();
        number += count;
        packets.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let end = begin as f64 + (count * FRAME) as f64 + 300_000.0;
        let mut packets = packets.into_iter().peekable();
        let mut at = begin as f64;
        while at < end {
            while let Some((arrival, pts, number)) = packets.next_if(|(arrival, ..)| *arrival <= at) {
                story.arrived(arrival, pts, number);
            }
            let made = story.pull(at);
            let stands = second == 89 && (100_000.0..120_000.0).contains(&(at - begin as f64));
            let pause = if stands { 2_700_000.0 } else { 0.0 };
            at = ((at + made.us / made.speed + pause) * 64.0).round() / 64.0;
        }
        last = story.player.metrics().delay;
        longest = longest.max(last);
    }
    assert!(
        longest > 100_000.0 && last < 60_000.0,
        "the delay was {longest} and is {last}"
    );
    let m = story.player.metrics();
    assert!((10..100).contains(&m.missing), "only what came too late: {m:?}");
    story
}

/// What is made up of 20 ms that were heard: tones with noise, so that no two periods are alike. Samples in 32768ths.
fn conceal() -> Value {
    let mut random = Random(19);
    let cases = [(1usize, 130.0f64), (2, 230.0), (1, 441.0), (2, 0.0)].map(|(channels, hz)| {
        let heard: Vec<i32> = (0..1_000 * channels)
            .map(|n| {
                let phase = (n / channels) as f64 * hz / 48_000.0 * std::f64::consts::TAU;
                let noise = (random.next() - 0.5) * 2_000.0;
                let loudness = 12_000.0 / (n % channels + 1) as f64;
                if hz == 0.0 {
                    0
                } else {
                    (phase.sin() * loudness + noise).round() as i32
                }
            })
            .collect();
        let mut concealer = Concealer::new(channels);
        let samples: Vec<f32> = heard.iter().map(|sample| *sample as f32 / 32_768.0).collect();
        // In two parts, of which the first is longer than the second.
        let (first, second) = samples.split_at(700 * channels);
        concealer.heard(first);
        concealer.heard(second);
        let mut made = vec![0.0f32; 3_000 * channels];
        for part in made.chunks_mut(240 * channels) {
            concealer.go_on(part);
        }
        let shown = [
            0usize, 1, 2, 3, 119, 240, 366, 367, 368, 479, 480, 1_001, 2_879, 2_880, 2_999,
        ];
        let shown: Vec<_> = shown
            .iter()
            .map(|n| json!([n, &made[n * channels..][..channels]]))
            .collect();
        json!({ "channels": channels, "heard": heard, "made": shown })
    });
    json!(cases)
}

/// When what is missing asks for redundancy: counts of packets at times, and times at which what was repeated helped.
fn redundancy() -> Value {
    let mut redundancy = Redundancy::default();
    let script = [
        (0, Some(0), false),
        (1, Some(2), false),
        // The first two are forgotten by then.
        (12, Some(3), false),
        (13, Some(5), true),
        (60, Some(5), true),
        (70, None, true),
        (125, Some(5), true),
        (131, Some(5), false),
        // A new player counts from zero.
        (140, Some(2), false),
        (141, Some(240), true),
        (150, Some(241), true),
        (209, Some(241), true),
        (211, Some(241), false),
        (212, None, false),
        (212, Some(241), false),
    ];
    let steps = script.map(|(second, count, expected)| {
        let now = f64::from(second) * 1e6;
        match count {
            Some(count) => {
                assert_eq!(redundancy.wanted(now, count), expected, "{second} s");
                json!(["wanted", now, count, expected])
            }
            None => {
                redundancy.helped(now);
                json!(["helped", now])
            }
        }
    });
    json!(steps)
}

/// A device that is 80 ppm slow, with noise; strange values; then it stands for 40 ms.
fn device() -> Vec<Value> {
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
    steps
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
    let (stalls, conceal, redundancy) = (stalls(), conceal(), redundancy());
    let text = format!(
        "{{\"players\":[{},\n{}],\"device\":[\n{}\n],\"stalls\":{stalls},\n\"conceal\":{conceal},\n\"redundancy\":{redundancy}}}\n",
        busy().text(),
        sparse().text(),
        lines(&device()),
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
