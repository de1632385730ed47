//! How long the encode thread takes, and how much processor: one JSON line for each case.
//!
//!     cargo run --release -p nested-tests --example encode_bench -- --help

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use clap::Parser;
use goggles_scope::config::Encoder as Choice;
use goggles_scope::link::{EncodeJob, EncoderToScope, FrameId, Image, Packet, Pixels, Rate, Refresh, Size, TimeLine};
use goggles_scope::stream::encode::{Config, Encoder, Expect, Preset, default_threads};
use goggles_scope::time::Mono;
use nested_tests::bench::figure::{Figure, Machine, load_average};
use nested_tests::decode::Decoder;
use nested_tests::picture::{self, Mode, Painter};
use serde_json::json;
use std::sync::mpsc;
use std::time::{Duration, Instant};

#[derive(Parser)]
struct Args {
    /// Sizes.
    #[arg(long, value_delimiter = ',', default_value = "1280x720,1920x1080")]
    size: Vec<picture::Size>,
    /// What moves.
    #[arg(long, value_delimiter = ',', value_enum, default_values = ["flip", "scroll"])]
    mode: Vec<Mode>,
    /// Frames of each case.
    #[arg(long, default_value_t = 600)]
    frames: usize,
    /// Frames a second; 0: as fast as it goes.
    #[arg(long, default_value_t = 60)]
    fps: u32,
    /// Slice threads.
    #[arg(long, default_value_t = default_threads())]
    threads: usize,
    /// Constant rate factor.
    #[arg(long, default_value_t = 23)]
    crf: u8,
    /// `openh264enc` in place of x264enc.
    #[arg(long)]
    openh264: bool,
    /// Decode what came out too, and say how near it is (PSNR of luma in dB).
    #[arg(long)]
    quality: bool,
    /// How much work x264 does: ultrafast, superfast or veryfast.
    #[arg(long, default_value = "ultrafast")]
    preset: String,
}

fn main() -> Result<()> {
    let args = Args::parse();
    for &size in &args.size {
        for &mode in &args.mode {
            case(&args, size, mode)?;
        }
    }
    Ok(())
}

fn case(args: &Args, size: picture::Size, mode: Mode) -> Result<()> {
    let painter = Painter::new(mode, size);
    let (home, back) = mpsc::channel();
    // Two pictures in turn, as a client would have them.
    for _ in 0..2 {
        home.send(vec![0; size.bytes()])?;
    }
    let link_size = Size {
        w: size.w as u32,
        h: size.h as u32,
    };
    let rate = Rate::Quality {
        crf: args.crf,
        max_kbps: 50_000,
    };
    let refresh = Refresh(60_000);
    let (events_to, events) = calloop::channel::channel();
    let (packets_to, packets) = mpsc::channel::<(Packet, Mono)>();
    let config = Config {
        choice: if args.openh264 { Choice::OpenH264 } else { Choice::X264 },
        threads: args.threads,
        preset: preset(&args.preset)?,
        expect: Some(Expect {
            size: link_size,
            refresh,
            rate,
        }),
        ..Config::default()
    };
    let started = Instant::now();
    let sink = Box::new(move |packet| packets_to.send((packet, Mono::now())).map_err(|e| e.0.0));
    let encoder = Encoder::spawn_to(config, events_to, sink)?;
    let start_ms = started.elapsed().as_secs_f64() * 1000.0;

    let (mut walls, mut hops, mut converts, mut encodes) = (vec![], vec![], vec![], vec![]);
    let (mut bytes, mut first_ms, mut before) = (0, 0.0, cpu());
    let mut kept = Vec::new();
    let begin = Instant::now();
    for n in 0..args.frames {
        let mut data = back.recv()?;
        painter.draw(n, n, &mut data);
        if args.fps > 0 {
            let due = begin + Duration::from_secs(1) * n as u32 / args.fps;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        let image = Image {
            data,
            stride: size.w * 4,
            size: link_size,
            home: Some(home.clone()),
        };
        let submitted = Mono::now();
        encoder.submit(EncodeJob {
            frame: FrameId(n as u64 + 1),
            pixels: Pixels::Composed(image),
            size: link_size,
            refresh,
            key_frame: false,
            rate,
            times: TimeLine::default(),
        });
        let (packet, out) = packets.recv().context("the encode thread ended")?;
        ensure!(matches!(events.recv()?, EncoderToScope::Done { .. }));
        let ms = |from: Mono, to: Mono| to.since(from).as_secs_f64() * 1000.0;
        if n == 0 && args.quality {
            kept.push(packet.data.clone());
        }
        if n == 0 {
            first_ms = ms(submitted, out);
            before = cpu();
            continue;
        }
        bytes += packet.data.len();
        kept.extend(args.quality.then_some(packet.data.clone()));
        walls.push(ms(submitted, out));
        hops.push(ms(submitted, packet.times.encode_start));
        converts.push(ms(packet.times.encode_start, packet.times.converted));
        encodes.push(ms(packet.times.converted, packet.times.encoded));
    }
    let cpu_ms = (cpu() - before).as_secs_f64() * 1000.0 / walls.len() as f64;
    let psnr = if args.quality {
        Some(psnr(&painter, size, kept)?)
    } else {
        None
    };
    let machine = Machine::here();
    let stage = |name: &str, values: Vec<f64>| {
        let min = values.iter().copied().fold(f64::INFINITY, f64::min);
        let figure = Figure::new(name, "ms", values);
        let p = |n| (figure.percentile(n) * 1000.0).round() / 1000.0;
        json!({ "min": min, "p50": p(50), "p95": p(95), "p99": p(99) })
    };
    let line = json!({
        "name": format!("encode-{}-{size}", format!("{mode:?}").to_lowercase()),
        "n": walls.len(), "unit": "ms", "encoder": encoder.kind().element(), "threads": args.threads,
        "submit_to_packet": stage("wall", walls), "hand_over": stage("hop", hops),
        "convert": stage("convert", converts), "encode": stage("encode", encodes),
        "psnr": psnr, "cpu_per_frame": cpu_ms, "kbps_at_60": bytes as f64 * 8.0 * 60.0 / 1000.0 / (args.frames - 1) as f64,
        "start": start_ms, "first_frame": first_ms, "load": load_average(), "cpu": machine.cpu, "cores": machine.cores,
    });
    use std::io::Write;
    writeln!(std::io::stdout(), "{line}")?;
    Ok(())
}

/// The mean of some frames' PSNR, over luma, in dB.
fn psnr(painter: &Painter, size: picture::Size, units: Vec<Bytes>) -> Result<f64> {
    let mut decoder = Decoder::new()?;
    let mut original = vec![0; size.bytes()];
    let luma = |rgb: [u8; 3]| 0.2126 * f64::from(rgb[0]) + 0.7152 * f64::from(rgb[1]) + 0.0722 * f64::from(rgb[2]);
    let mut all = Vec::new();
    for (n, unit) in units.into_iter().enumerate() {
        let decoded = decoder.decode(unit)?.context("a frame was not decoded")?;
        if n % 20 != 19 {
            continue;
        }
        painter.draw(n, n, &mut original);
        let (mut sum, mut count) = (0.0, 0.0);
        for (i, pixel) in original.chunks_exact(4).enumerate().step_by(7) {
            let far = luma([pixel[2], pixel[1], pixel[0]]) - luma(decoded.rgb(i % size.w, i / size.w));
            sum += far * far;
            count += 1.0;
        }
        all.push(10.0 * (255.0f64.powi(2) / (sum / count).max(1e-3)).log10());
    }
    Ok(all.iter().sum::<f64>() / all.len() as f64)
}

fn preset(name: &str) -> Result<Preset> {
    Ok(match name {
        "ultrafast" => Preset::Ultrafast,
        "superfast" => Preset::Superfast,
        "veryfast" => Preset::Veryfast,
        other => bail!("no preset is called {other}"),
    })
}

/// What the encode thread and its helpers have used: this process's processor time without the main thread's.
fn cpu() -> Duration {
    let read = |clock| {
        let t = rustix::time::clock_gettime(clock);
        Duration::new(t.tv_sec as u64, t.tv_nsec as u32)
    };
    read(rustix::time::ClockId::ProcessCPUTime) - read(rustix::time::ClockId::ThreadCPUTime)
}
