use super::*;
use proptest::prelude::*;
use std::f32::consts::TAU;

const FRAME: usize = 480;
const STEP: Duration = Duration::from_millis(10);
const T0: Mono = Mono(5_000_000_000);
const ANNA: ViewerId = ViewerId(1);

/// Packets of a tone, numbered from 1, the first recorded at [`T0`].
fn tone(hertz: f32, count: usize) -> Vec<Microphone> {
    let mut encoder = opus::Encoder::new(RATE, opus::Channels::Mono, opus::Application::Audio).unwrap();
    encoder.set_bitrate(opus::Bitrate::Bits(96_000)).unwrap();
    let sample = |n: usize| 0.25 * (TAU * hertz * n as f32 / RATE as f32).sin();
    let packet = |n: usize| {
        let samples: Vec<f32> = (n * FRAME..(n + 1) * FRAME).map(sample).collect();
        Microphone {
            seq: n as u32 + 1,
            time: (T0 + STEP * n as u32).micros(),
            packet: encoder.encode_vec_float(&samples, 1000).unwrap(),
        }
    };
    (0..count).map(packet).collect()
}

fn comes(viewer: ViewerId, packet: &Microphone, after: Duration) -> NetworkToAudio {
    NetworkToAudio {
        viewer,
        at: Mono(packet.time * 1000) + after,
        packet: packet.clone(),
    }
}

/// What a recorder gets in steps of 5 ms while these come.
fn record(packets: &[NetworkToAudio], duration: Duration) -> Vec<f32> {
    record_but(packets, duration, |_| false)
}

/// The same; nothing is asked for in the steps that are `left_out`.
fn record_but(packets: &[NetworkToAudio], duration: Duration, left_out: impl Fn(u32) -> bool) -> Vec<f32> {
    let (mut mixer, mut next, mut all) = (Mixer::default(), 0, Vec::new());
    let mut out = [0.0; 240];
    for n in 0..duration.as_millis() as u32 / 5 {
        let now = T0 + Duration::from_millis(5) * n;
        if !left_out(n) {
            mixer.render(now, &mut out);
        }
        all.extend(out);
        while packets.get(next).is_some_and(|p| p.at < now + Duration::from_millis(5)) {
            mixer.take(&packets[next]);
            next += 1;
        }
    }
    all
}

fn loudest(samples: &[f32]) -> f32 {
    samples.iter().fold(0.0, |most, s| most.max(s.abs()))
}

/// The level in each piece of 10 ms.
fn levels(samples: &[f32]) -> Vec<f32> {
    samples.chunks_exact(FRAME).map(loudest).collect()
}

#[test]
fn a_voice_is_heard_as_it_was_spoken_and_then_silence() {
    let packets: Vec<_> = tone(500.0, 200)
        .iter()
        .map(|p| comes(ANNA, p, Duration::from_millis(3)))
        .collect();
    let levels = levels(&record(&packets, Duration::from_secs(3)));
    let first = levels.iter().position(|level| *level > 0.2).unwrap();
    assert!(first < 6, "{first}");
    let sounding = &levels[first..first + 190];
    assert!(
        sounding.iter().all(|level| (0.23..0.27).contains(level)),
        "{sounding:?}"
    );
    assert!(levels[215..].iter().all(|level| *level == 0.0), "{:?}", &levels[215..]);
}

#[test]
fn what_is_missing_is_made_up() {
    let all = tone(500.0, 200);
    let kept = all.iter().enumerate().filter(|(n, _)| n % 10 != 7);
    let packets: Vec<_> = kept.map(|(_, p)| comes(ANNA, p, Duration::from_millis(3))).collect();
    let levels = levels(&record(&packets, Duration::from_secs(2)));
    assert!(levels[20..190].iter().all(|level| *level > 0.12), "{levels:?}");
}

/// Nor is it caught up with: the recording goes on as if the machine had been fast enough.
#[test]
fn what_nobody_asked_for_in_time_is_left_out() {
    let packets: Vec<_> = tone(500.0, 200)
        .iter()
        .map(|p| comes(ANNA, p, Duration::from_millis(3)))
        .collect();
    let all = record(&packets, Duration::from_secs(2));
    let some = record_but(&packets, Duration::from_secs(2), |n| n % 50 == 49 || n % 50 == 20);
    for (n, (one, other)) in all.chunks_exact(240).zip(some.chunks_exact(240)).enumerate() {
        assert!(n % 50 == 49 || n % 50 == 20 || one == other, "{n}");
    }
    assert!(loudest(&some) > 0.2);
}

#[test]
fn two_are_mixed_and_one_that_begins_again_is_heard() {
    let ben = ViewerId(2);
    let mut packets = Vec::new();
    for (n, (of_anna, of_ben)) in tone(500.0, 400).iter().zip(&tone(800.0, 400)).enumerate() {
        packets.push(comes(ANNA, of_anna, Duration::ZERO));
        // Turned off and on: its numbers begin anew.
        let seq = of_ben.seq - if n < 200 { 0 } else { 200 };
        let again = Microphone { seq, ..of_ben.clone() };
        if !(180..200).contains(&n) {
            packets.push(comes(ben, &again, Duration::ZERO));
        }
    }
    let levels = levels(&record(&packets, Duration::from_secs(4)));
    assert!(levels[150..170].iter().all(|level| *level > 0.4), "{levels:?}");
    assert!(levels[192..198].iter().all(|level| *level < 0.3), "{levels:?}");
    assert!(levels[230..390].iter().all(|level| *level > 0.4), "{levels:?}");
}

#[test]
fn nothing_is_kept_while_nobody_records() {
    let mut mixer = Mixer::default();
    for packet in &tone(500.0, 100) {
        mixer.take(&comes(ANNA, packet, Duration::ZERO));
    }
    assert!(mixer.voices.is_empty());
    // Nor when the recorder has stopped.
    mixer.render(T0, &mut [0.0; 240]);
    for packet in &tone(500.0, 100) {
        mixer.take(&comes(ANNA, packet, Duration::ZERO));
    }
    assert!(mixer.voices.is_empty());
}

/// Each would wait for its time: a viewer could fill the memory.
#[test]
fn what_is_of_another_time_is_refused() {
    let mut mixer = Mixer::default();
    mixer.render(T0, &mut [0.0; 240]);
    for packet in &tone(500.0, 100) {
        let wrong = [packet.time + 3_600_000_000, packet.time - 3_000_000, 0, u64::MAX];
        for (n, time) in wrong.into_iter().enumerate() {
            let packet = Microphone { time, ..packet.clone() };
            let viewer = ViewerId(n as u64);
            mixer.take(&NetworkToAudio { viewer, at: T0, packet });
        }
    }
    assert!(mixer.voices.is_empty());
}

proptest! {
    /// Whatever comes: the levels are bounded, and nothing is kept for ever.
    #[test]
    fn nonsense_is_harmless(
        packets in prop::collection::vec(
            (0..12u64, any::<u32>(), prop_oneof![any::<u64>(), 4_000_000..7_000_000u64], prop::collection::vec(any::<u8>(), 1..60)), 1..150)
    ) {
        let mut mixer = Mixer::default();
        let mut out = [0.0; 240];
        let mut now = T0;
        for (viewer, seq, time, packet) in packets {
            mixer.render(now, &mut out);
            prop_assert!(out.iter().all(|s| s.abs() <= 1.0));
            mixer.take(&NetworkToAudio { viewer: ViewerId(viewer), at: now, packet: Microphone { seq, time, packet } });
            prop_assert!(mixer.voices.len() <= MAX_VOICES);
            now = now + Duration::from_millis(5);
        }
    }
}
