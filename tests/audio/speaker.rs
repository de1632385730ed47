//! Says a tone, as a viewer's microphone does.

use crate::tone::LEVEL;
use goggles_protocols::audio::{Microphone, RATE};
use goggles_scope::time::Mono;
use std::f64::consts::TAU;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The tone's, in Hz.
pub const FREQUENCY: f64 = 700.0;
/// Samples of a packet: 10 ms.
const FRAME: usize = 480;

/// Says a tone, until it is dropped.
pub struct Speaker {
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Speaker {
    /// Hands each packet to `send` as soon as it is recorded.
    pub fn new(send: impl Fn(Microphone) + Send + 'static) -> Self {
        let stop = Arc::<AtomicBool>::default();
        let is_over = stop.clone();
        let thread = std::thread::spawn(move || speak(send, &is_over));
        Self {
            stop,
            thread: Some(thread),
        }
    }
}

impl Drop for Speaker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
    }
}

fn speak(send: impl Fn(Microphone), is_over: &AtomicBool) {
    let mut encoder = opus::Encoder::new(RATE, opus::Channels::Mono, opus::Application::Audio).unwrap();
    encoder.set_bitrate(opus::Bitrate::Bits(128_000)).unwrap();
    let start = Mono::now();
    let sample = |n: usize| (LEVEL * (TAU * FREQUENCY * n as f64 / f64::from(RATE)).sin()) as f32;
    for n in 0.. {
        let at = start + Duration::from_millis(10) * n as u32;
        let samples: Vec<f32> = (n * FRAME..(n + 1) * FRAME).map(sample).collect();
        let packet = Microphone {
            seq: n as u32 + 1,
            time: at.micros(),
            packet: encoder.encode_vec_float(&samples, 1000).unwrap(),
        };
        // It is recorded by now.
        std::thread::sleep((at + Duration::from_millis(10)).since(Mono::now()));
        if is_over.load(Ordering::Relaxed) {
            return;
        }
        send(packet);
    }
}
