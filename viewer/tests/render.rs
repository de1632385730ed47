//! What the player's decisions sound like.

use goggles_viewer::audio::render::Renderer;
use std::f64::consts::TAU;

const HZ: f64 = 441.0;

/// Frame number `n` of the tone, on every channel with another loudness.
fn tone(n: f64, channel: usize) -> f32 {
    ((n * HZ / 48_000.0 * TAU).sin() * 0.5 / (channel + 1) as f64) as f32
}

fn packet(index: u64, channels: usize) -> Vec<f32> {
    let frames = (0..240).map(|n| (index * 240 + n) as f64);
    frames
        .flat_map(|n| (0..channels).map(move |channel| tone(n, channel)))
        .collect()
}

/// Plays four seconds; each packet comes 8 ms after its time stamp unless it is lost. `clock`: the ear's time of a frame.
fn play(channels: usize, lost: impl Fn(u64) -> bool, clock: impl Fn(f64) -> f64) -> (Vec<f32>, Renderer) {
    let mut renderer = Renderer::new(channels, 5_000.0).expect("channels");
    let (mut heard, mut sent) = (Vec::new(), 0u64);
    let mut quantum = vec![0.0; 128 * channels];
    for n in 0..1_500u32 {
        let at = clock(f64::from(n * 128));
        while (sent * 5_000) as f64 + 8_000.0 <= at {
            if !lost(sent) {
                renderer.arrived(at, sent * 5_000, sent, packet(sent, channels));
            }
            sent += 1;
        }
        renderer.render(at, &mut quantum);
        heard.extend(&quantum);
    }
    (heard, renderer)
}

fn plain(frame: f64) -> f64 {
    frame * 1e6 / 48_000.0
}

/// The largest step from one sample to the next of a channel, from frame `from` on.
fn steepest(heard: &[f32], channels: usize, from: usize) -> f32 {
    let one: Vec<f32> = heard.iter().skip(from * channels).step_by(channels).copied().collect();
    one.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max)
}

/// The tone's own steepest step, with some allowance for what a fade adds.
const SMOOTH: f32 = 0.5 * (HZ * TAU / 48_000.0) as f32 * 1.5;

#[test]
fn a_tone_is_played_as_it_was() {
    for channels in [1, 2, 6, 8] {
        let (heard, renderer) = play(channels, |_| false, plain);
        let metrics = renderer.metrics();
        assert_eq!((metrics.concealed, metrics.late, metrics.resyncs), (0, 0, 0));
        assert!(
            steepest(&heard, channels, 0) <= SMOOTH,
            "{}",
            steepest(&heard, channels, 0)
        );
        // After the settling, each channel at its own level.
        for channel in 0..channels {
            let part = heard
                .iter()
                .skip(96_000 * channels + channel)
                .step_by(channels)
                .take(48_000);
            let power: f64 = part.map(|s| f64::from(*s).powi(2)).sum::<f64>() / 48_000.0;
            let expected = 0.5 / (channel + 1) as f64 / 2f64.sqrt();
            assert!(
                (power.sqrt() / expected - 1.0).abs() < 0.01,
                "{channel} of {channels}: {}",
                power.sqrt()
            );
        }
    }
}

/// As `--audio-packet` may be another when the program is started again, and a page's microphone after a reload.
#[test]
fn packets_of_another_length_are_played_as_well() {
    let mut renderer = Renderer::new(1, 5_000.0).expect("a channel");
    renderer.set_round_trip(20_000.0);
    let (mut heard, mut sent) = (Vec::new(), 0u64);
    let mut quantum = vec![0.0; 128];
    for n in 0..1_500u32 {
        let at = plain(f64::from(n * 128));
        // After two seconds each packet is two of those before.
        let long = sent >= 400;
        while ((sent + u64::from(long)) * 5_000) as f64 + 8_000.0 <= at {
            let mut samples = packet(sent, 1);
            if long {
                samples.extend(packet(sent + 1, 1));
            }
            renderer.arrived(at, sent * 5_000, sent, samples);
            sent += 1 + u64::from(long);
        }
        renderer.render(at, &mut quantum);
        heard.extend(&quantum);
    }
    let metrics = renderer.metrics();
    assert!((150..200).contains(&metrics.played), "a player of its own: {metrics:?}");
    let last = &heard[heard.len() - 48_000..];
    let loud = |part: &[f32]| part.iter().any(|sample| sample.abs() > 0.35);
    assert!(last.chunks_exact(240).all(loud));
    assert!(steepest(last, 1, 0) <= SMOOTH, "{}", steepest(last, 1, 0));
}

#[test]
fn a_lost_packet_is_made_up_for_without_a_click() {
    let (heard, renderer) = play(2, |n| n > 200 && n % 50 == 0, plain);
    assert!(renderer.metrics().concealed >= 10, "{:?}", renderer.metrics());
    assert!(steepest(&heard, 2, 0) <= SMOOTH, "{}", steepest(&heard, 2, 0));
    // The make-up is as loud as the tone: no frame is missing after the start.
    let loudest = heard[48_000 * 2..]
        .chunks(240 * 2)
        .map(|part| part.iter().fold(0f32, |max, s| max.max(s.abs())));
    assert!(
        loudest.clone().all(|max| max > 0.35),
        "{:?}",
        loudest.fold(1f32, f32::min)
    );
}

#[test]
fn a_jump_is_faded_over() {
    // The device stands still for 50 ms.
    let (heard, mut renderer) = play(2, |_| false, |n| plain(n) + if n > 96_000.0 { 50_000.0 } else { 0.0 });
    assert_eq!(renderer.metrics().resyncs, 1);
    assert!(renderer.take_event().is_some() && renderer.take_event().is_none());
    assert!(steepest(&heard, 2, 0) <= SMOOTH, "{}", steepest(&heard, 2, 0));
    assert!(renderer.metrics().drift.abs() < 1_000.0);
}
