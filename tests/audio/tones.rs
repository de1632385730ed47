//! A tone in each channel arrives in that channel, at its level, clean.

use crate::rig::{Decoder, Packet, Player, Rig};
use crate::tone::{LEVEL, find, frequency, wav, wav_of};
use goggles_protocols::audio::{Layout, Place, RATE};
use goggles_scope::link::AudioFormat;
use goggles_scope::stream::audio::{Config, Encoder, Tuning, default_bitrate};
use std::f64::consts::TAU;
use std::time::Duration;

/// Samples that are looked at.
const LENGTH: usize = 24_000;
/// After the start: the resampler, the encoder and the decoder come to rest.
const SETTLE: usize = 9_600;

fn config(layout: Layout) -> Config {
    Config {
        tuning: Tuning {
            channels: Some(layout),
            ..Tuning::default()
        },
        ..Config::default()
    }
}

/// Whether it has sounded for long enough to be looked at.
fn long_enough(all: &[Vec<f32>]) -> bool {
    start(all).is_some_and(|start| all[0].len() >= start + SETTLE + LENGTH)
}

/// Where it begins to sound.
fn start(all: &[Vec<f32>]) -> Option<usize> {
    all[0].iter().position(|s| s.abs() > 0.1)
}

fn check(layout: Layout, rate: u32, how: Player) {
    let mut rig = Rig::new(config(layout));
    let file = rig.path("tone.wav");
    wav(&file, layout, rate, 40.0);
    let _playing = rig.play(how, &file);
    // On a busy machine a quantum may come late and be a hole: the tones must be right for a while on end.
    let mut last = String::new();
    for _ in 0..45 {
        let all = rig.decode_until(long_enough);
        let from = start(&all).unwrap() + SETTLE;
        let found = layout.places().iter().zip(&all).map(|(place, samples)| {
            let found = find(&samples[from..from + LENGTH], frequency(*place));
            (place, found)
        });
        let wrong: Vec<_> = found
            .filter(|(_, found)| (found.level / LEVEL - 1.0).abs() >= 0.02 || found.snr < 40.0)
            .collect();
        if wrong.is_empty() {
            return;
        }
        last = format!("{layout:?} {rate} {how:?}: {wrong:?}");
    }
    panic!("{last}");
}

/// By the encoder alone, with its defaults. Who comes to it in the middle, or after a loss, hears as well: at once, or after
/// the next packet that leans on no other.
#[test]
fn the_encoder_leaves_40_db() {
    for (layout, from) in Layout::ALL
        .into_iter()
        .flat_map(|layout| [(layout, 40usize), (layout, 47)])
    {
        let format = AudioFormat {
            layout,
            bitrate: default_bitrate(layout).into(),
            packet: Duration::from_millis(5),
        };
        let mut encoder = Encoder::new(&format).unwrap();
        let sample =
            |n: usize, place: &Place| (LEVEL * (TAU * frequency(*place) * n as f64 / f64::from(RATE)).sin()) as f32;
        let mut decoder = Decoder::new(layout);
        let mut all = vec![Vec::new(); usize::from(layout.channels())];
        let settled = if layout == Layout::Stereo {
            from
        } else {
            from.next_multiple_of(20)
        };
        for packet in 0..settled + LENGTH / 240 + 2 {
            let times = packet * 240..(packet + 1) * 240;
            let samples: Vec<f32> = times
                .flat_map(|n| layout.places().iter().map(move |p| sample(n, p)))
                .collect();
            let data = encoder.encode(&samples, packet == 0).unwrap();
            // The first that this decoder gets.
            if packet >= from {
                let at = goggles_scope::time::Mono::default();
                decoder.decode(&Packet { at, data }, &mut all);
            }
        }
        for (place, samples) in layout.places().iter().zip(&all) {
            // A packet's overlap with the one before is what the first lacks.
            let samples = &samples[(settled - from) * 240 + 480..][..LENGTH];
            let found = find(samples, frequency(*place));
            eprintln!("{layout:?} {place:?} from {from}: {:.1} dB", found.snr);
            assert!(found.snr >= 40.0, "{layout:?} {place:?} from {from}: {found:?}");
        }
    }
}

#[test]
fn stereo_of_native_programs() {
    check(Layout::Stereo, RATE, Player::Native);
}

#[test]
fn stereo_of_pulse_programs() {
    check(Layout::Stereo, RATE, Player::Pulse);
}

#[test]
fn surround_51_of_native_programs() {
    check(Layout::Surround51, RATE, Player::Native);
}

#[test]
fn surround_51_of_pulse_programs() {
    check(Layout::Surround51, RATE, Player::Pulse);
}

#[test]
fn surround_71_of_native_programs() {
    check(Layout::Surround71, RATE, Player::Native);
}

#[test]
fn surround_71_of_pulse_programs() {
    check(Layout::Surround71, RATE, Player::Pulse);
}

#[test]
fn other_rates() {
    check(Layout::Stereo, 44_100, Player::Native);
    check(Layout::Stereo, 96_000, Player::Pulse);
}

#[test]
fn two_programs_at_once_one_late() {
    let mut rig = Rig::new(config(Layout::Stereo));
    let (first, second) = (rig.path("first.wav"), rig.path("second.wav"));
    wav(&first, Layout::Stereo, RATE, 40.0);
    let other = |place| frequency(place) + 85.0;
    wav_of(&second, Layout::Surround71, RATE, 40.0, other);
    let _first = rig.play(Player::Native, &first);
    rig.decode_until(long_enough);
    let _second = rig.play(Player::Pulse, &second);
    let heard = |samples: &[f32], frequency| {
        let from = samples.len().saturating_sub(LENGTH);
        find(&samples[from..], frequency).level
    };
    // Mixed down, the centre is in both ears, and the first program is where it was.
    rig.decode_until(|all| {
        all[0].len() >= LENGTH
            && all[0].len().is_multiple_of(4800)
            && [Place::FrontLeft, Place::FrontRight]
                .iter()
                .zip(all)
                .all(|(place, samples)| {
                    (heard(samples, frequency(*place)) / LEVEL - 1.0).abs() < 0.1
                        && heard(samples, other(Place::FrontCentre)) > 0.05
                })
    });
}
