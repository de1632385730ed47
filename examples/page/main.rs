//! Serves the page a test picture without a compositor, to work on the browser client:
//!
//!     cargo run --example page -- 127.0.0.1:4433 [moving|still [CHANNELS [microphone]]]
//!
//! The picture moves (`still`: it doesn't); its middle is black or white and flips at each press of a key or button.
//! With CHANNELS (2, 6, 8 or auto: as the page says) there is a tone from each loudspeaker; beeps: twice a second there is
//! a beep, and the middle is white as long; none: there is no sound. With microphone the pages may have one.
//! Printed to stdout: the address, then one line of JSON for each thing that comes in. L, pressed, locks or unlocks the
//! pointer; H hides or shows the cursor; R changes the size; C changes the tones' loudspeakers to the next of 2, 6 and 8; G
//! says that it is a game in BT.2020 PQ that may tear, or takes it back. A line on stdin ends the session with that reason.

mod sound;
mod voice;

use anyhow::{Context, Result};
use calloop::channel::{Event as Message, channel};
use calloop::timer::{TimeoutAction, Timer};
use calloop::{EventLoop, LoopHandle, LoopSignal};
use goggles_protocols::audio::Layout;
use goggles_protocols::{cursor, input};
use goggles_scope::config::{self, Encoder as Choice};
use goggles_scope::handlers::{Color, Content, Hints};
use goggles_scope::link::{
    EncodeJob, EncoderToScope, FrameId, FromScope, Image, Pixels, Rate, Refresh, SceneInfo, Size, TimeLine, ToScope,
    ViewerId,
};
use goggles_scope::stream::encode::{Config, Encoder};
use goggles_scope::stream::transport::Transport;
use goggles_scope::time::Mono;
use sound::{Sound, What};
use std::io::Write;
use std::time::Duration;
use voice::Voices;

const SIZES: [Size; 2] = [Size { w: 1280, h: 720 }, Size { w: 960, h: 540 }];
const RATE: Rate = Rate::Quality {
    crf: 23,
    max_kbps: 20_000,
};
const KEY_R: u16 = 19;
const KEY_G: u16 = 34;
const KEY_H: u16 = 35;
const KEY_L: u16 = 38;
const KEY_C: u16 = 46;

struct Demo {
    transport: Transport,
    encoder: Encoder,
    /// What follows the page's loudspeakers.
    sound: Option<Sound>,
    voices: Option<Voices>,
    receiver: input::Receiver,
    holder: Option<ViewerId>,
    viewers: usize,
    frame: u64,
    white: bool,
    hidden: bool,
    key_frame: bool,
    scene: SceneInfo,
    signal: LoopSignal,
}

fn main() -> Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:4433".into());
    let moving = std::env::args().nth(2).is_none_or(|mode| mode != "still");
    let channels = std::env::args().nth(3);
    let mut events: EventLoop<Demo> = EventLoop::try_new()?;
    let (to_scope, from_network) = channel();
    let (to_loop, from_encoder) = channel();
    let stream = config::Stream {
        listen: vec![address.parse().context("error reading the address")?],
        name: "test-picture".into(),
        encoder: Choice::Auto,
        rate: RATE,
        microphone: std::env::args().nth(4).is_some_and(|word| word == "microphone"),
    };
    let scene = SceneInfo {
        size: SIZES[0],
        refresh: Refresh(60_000),
        pointer_locked: false,
        title: "Test picture".into(),
        hints: Hints::default(),
    };
    let mut transport = Transport::spawn(&stream, scene.clone(), to_scope)?;
    let encoder = Encoder::spawn(Config::default(), to_loop, transport.packets())?;
    // The last is the one that a test opens.
    for url in transport.urls().into_iter().chain(transport.speaking_urls()) {
        say(&serde_json::json!({ "url": url }));
    }
    let mut demo = Demo {
        sound: sound(channels.as_deref(), &transport)?,
        voices: transport.take_voices().map(Voices::new),
        transport,
        encoder,
        receiver: input::Receiver::new(input::Limits::default()),
        holder: None,
        viewers: 0,
        frame: 0,
        white: false,
        hidden: false,
        key_frame: false,
        scene,
        signal: events.get_signal(),
    };
    demo.transport.send(FromScope::Cursor(arrow()));
    let handle = events.handle();
    handle
        .insert_source(from_network, |message, (), demo| {
            if let Message::Msg(message) = message {
                demo.on_network(message);
            }
        })
        .map_err(|e| anyhow::anyhow!("{e}"))?;
    handle
        .insert_source(from_encoder, |message, (), demo| {
            if let Message::Msg(message) = message {
                demo.on_encoder(message);
            }
        })
        .map_err(|e| anyhow::anyhow!("{e}"))?;
    let tick = Duration::from_nanos(16_666_667);
    handle
        .insert_source(Timer::immediate(), move |due, (), demo| {
            demo.release_silent();
            if let Some(voices) = &mut demo.voices {
                voices.listen().iter().for_each(say);
            }
            if moving {
                demo.draw();
            }
            TimeoutAction::ToInstant(due + tick)
        })
        .map_err(|e| anyhow::anyhow!("{e}"))?;
    flash(&demo, &handle)?;
    end_by_stdin(&handle)?;
    events.run(None, &mut demo, |_| ())?;
    Ok(())
}

/// The tones that were asked for.
fn sound(channels: Option<&str>, transport: &Transport) -> Result<Option<Sound>> {
    let what = match channels.unwrap_or("none") {
        "none" => return Ok(None),
        "beeps" => What::Beeps,
        "auto" => What::Tones(None),
        number => {
            let layout = number.parse().ok().and_then(Layout::of_channels);
            What::Tones(Some(layout.context("CHANNELS is 2, 6, 8, auto or beeps")?))
        }
    };
    Sound::start(transport.audio(), what).map(Some)
}

/// The middle is white while it beeps.
fn flash(demo: &Demo, events: &LoopHandle<'_, Demo>) -> Result<()> {
    let Some((mut at, mut white)) = demo.sound.as_ref().and_then(|sound| sound.next_flash(Mono::now())) else {
        return Ok(());
    };
    let first = Timer::from_duration(at.since(Mono::now()));
    let flash = move |due, _: &mut (), demo: &mut Demo| {
        demo.white = white;
        demo.draw();
        let Some(next) = demo.sound.as_ref().and_then(|sound| sound.next_flash(at)) else {
            return TimeoutAction::Drop;
        };
        let wait = next.0.since(at);
        (at, white) = next;
        TimeoutAction::ToInstant(due + wait)
    };
    events.insert_source(first, flash).map_err(|e| anyhow::anyhow!("{e}"))?;
    Ok(())
}

/// A line on stdin ends the session with that reason.
fn end_by_stdin(events: &LoopHandle<'_, Demo>) -> Result<()> {
    let (said, reason) = channel();
    // Blocks in a read for as long as the process lives, so nobody joins it.
    std::thread::Builder::new().name("stdin".into()).spawn(move || {
        let mut line = String::new();
        // The end of input is not a wish to end.
        if std::io::stdin().read_line(&mut line).is_ok_and(|n| n > 0) {
            let _ = said.send(line.trim().to_owned());
        }
    })?;
    events
        .insert_source(reason, |message, (), demo| {
            if let Message::Msg(reason) = message {
                demo.transport.send(FromScope::Shutdown(reason));
                demo.signal.stop();
            }
        })
        .map_err(|e| anyhow::anyhow!("{e}"))?;
    Ok(())
}

fn say(value: &serde_json::Value) {
    let mut out = std::io::stdout().lock();
    // Nobody listens any more: nothing to do about it.
    let _ = writeln!(out, "{value}").and_then(|()| out.flush());
}

impl Demo {
    fn on_network(&mut self, message: ToScope) {
        match message {
            ToScope::Demand { viewers } => self.viewers = viewers,
            ToScope::KeyFrame => {
                self.key_frame = true;
                self.draw();
            }
            ToScope::InputHolder(holder) => {
                let mut released = Vec::new();
                self.receiver.release_all(&mut released);
                self.receiver = input::Receiver::new(input::Limits::default());
                self.holder = holder;
                say(&serde_json::json!({ "holder": holder.map(|v| v.0) }));
                self.apply(&released);
            }
            ToScope::Input { viewer, batch, at } => {
                let mut done = Vec::new();
                self.receiver.receive(at.micros(), &batch, &mut done);
                if let Some(ack) = self.receiver.ack() {
                    self.transport.send(FromScope::InputAck { viewer, ack });
                }
                self.apply(&done);
            }
            ToScope::Loudspeakers(layout) => {
                say(&serde_json::json!({ "loudspeakers": layout.channels() }));
                if let Some(sound) = &self.sound {
                    sound.can_play(layout);
                }
            }
            ToScope::Text { text, .. } => say(&serde_json::json!({ "text": text })),
            ToScope::Report { report, .. } => {
                let frames: Vec<_> = report
                    .frames
                    .iter()
                    .map(|f| [f.frame, f.received, f.decoded, f.painted])
                    .collect();
                say(&serde_json::json!({ "seen": frames }));
            }
            ToScope::Sent { .. } | ToScope::Counters(_) => {}
        }
    }

    fn on_encoder(&mut self, message: EncoderToScope) {
        match message {
            EncoderToScope::Done { .. } | EncoderToScope::Replaced(_) => {}
            EncoderToScope::PacketDropped(_) => self.key_frame = true,
            EncoderToScope::Failed { why, .. } => tracing::warn!("not encoded: {why}"),
        }
    }

    fn release_silent(&mut self) {
        let mut released = Vec::new();
        self.receiver.tick(Mono::now().micros(), &mut released);
        self.apply(&released);
    }

    fn apply(&mut self, events: &[input::Event]) {
        let mut flip = false;
        for event in events {
            match *event {
                input::Event::Key { code, pressed } => {
                    say(&serde_json::json!({ "key": code, "pressed": pressed }));
                    flip |= pressed;
                    if pressed {
                        self.on_key(code);
                    }
                }
                input::Event::Button { code, pressed } => {
                    say(&serde_json::json!({ "button": code, "pressed": pressed }));
                    flip |= pressed;
                }
                input::Event::Relative { dx, dy } => say(&serde_json::json!({ "relative": [dx, dy] })),
                input::Event::Scroll { dx, dy } => say(&serde_json::json!({ "scroll": [dx, dy] })),
                input::Event::Absolute { x, y } => {
                    say(&serde_json::json!({ "absolute": [x, y] }));
                    let at = |part: f64, side: u32| (part * f64::from(side)) as i32;
                    let (x, y) = (at(x, self.scene.size.w), at(y, self.scene.size.h));
                    self.transport
                        .send(FromScope::Cursor(cursor::Update::Position { x, y }));
                }
            }
        }
        if flip {
            self.white = !self.white;
            self.draw();
        }
    }

    fn on_key(&mut self, code: u16) {
        match code {
            KEY_L => self.scene.pointer_locked = !self.scene.pointer_locked,
            KEY_G if self.scene.hints == Hints::default() => {
                self.scene.hints = Hints {
                    content: Content::Game,
                    tearing: true,
                    color: Color::Bt2020Pq,
                };
            }
            KEY_G => self.scene.hints = Hints::default(),
            KEY_R => self.scene.size = SIZES[usize::from(self.scene.size == SIZES[0])],
            KEY_C => return self.sound.iter().for_each(Sound::next_layout),
            KEY_H => {
                self.hidden = !self.hidden;
                let update = if self.hidden {
                    cursor::Update::Hidden
                } else {
                    cursor::Update::Visible
                };
                return self.transport.send(FromScope::Cursor(update));
            }
            _ => return,
        }
        self.transport.send(FromScope::Scene(self.scene.clone()));
    }

    fn draw(&mut self) {
        if self.viewers == 0 {
            return;
        }
        let now = Mono::now();
        self.frame += 1;
        let size = self.scene.size;
        let job = EncodeJob {
            frame: FrameId(self.frame),
            pixels: Pixels::Composed(Image {
                data: picture(size, self.frame, self.white),
                stride: size.w as usize * 4,
                size,
                home: None,
            }),
            size,
            refresh: self.scene.refresh,
            key_frame: std::mem::take(&mut self.key_frame),
            rate: RATE,
            times: TimeLine {
                commit: now,
                latch: now,
                rendered: Mono::now(),
                ..TimeLine::default()
            },
        };
        self.encoder.submit(job);
    }
}

/// Quarters of red, green, blue and white (top left, top right, bottom left, bottom right), a bar that moves through
/// them, and the middle that flips. BGRx.
fn picture(size: Size, frame: u64, white: bool) -> Vec<u8> {
    let (w, h) = (size.w as usize, size.h as usize);
    let bar = (frame as usize * 4) % w;
    let middle = if white { [255, 255, 255, 0] } else { [0, 0, 0, 0] };
    let mut data = vec![0; w * h * 4];
    for (y, row) in data.chunks_exact_mut(w * 4).enumerate() {
        for (x, pixel) in row.as_chunks_mut::<4>().0.iter_mut().enumerate() {
            let inner = x.abs_diff(w / 2) < w / 8 && y.abs_diff(h / 2) < h / 8;
            *pixel = match (inner, x.abs_diff(bar) < 8, x < w / 2, y < h / 2) {
                (true, ..) => middle,
                (_, true, ..) => [60, 60, 60, 0],
                (_, _, true, true) => [0, 0, 255, 0],
                (_, _, false, true) => [0, 255, 0, 0],
                (_, _, true, false) => [255, 0, 0, 0],
                (_, _, false, false) => [255, 255, 255, 0],
            };
        }
    }
    data
}

/// A white arrow with a black edge, 24 pixels high.
fn arrow() -> cursor::Update {
    let (width, height) = (16u16, 24u16);
    let mut rgba = Vec::new();
    for y in 0..i32::from(height) {
        for x in 0..i32::from(width) {
            let inside = x <= y * 2 / 3;
            let edge = x == 0 || x >= y * 2 / 3 - 1 || y >= i32::from(height) - 2;
            rgba.extend(match (inside, edge) {
                (false, _) => [0, 0, 0, 0],
                (true, true) => [0, 0, 0, 255],
                (true, false) => [255, 255, 255, 255],
            });
        }
    }
    cursor::Update::Image {
        width,
        height,
        hot_x: 0,
        hot_y: 0,
        rgba,
    }
}
