//! `make bench`: how long things take, and what they cost. A measurement against targets, never a test.
//!
//! | file | what |
//! |---|---|
//! | [`figure`] | one figure: its values, its target, its JSON |
//! | [`latency`] | key → decoded picture, and where the time goes |
//! | [`load`] | CPU, memory, start |
//! | [`scale`] | the scaling filters, in memory |
//! | [`sound`] | sound against picture, at capture and in Chromium |
//! | [`drift`] | the sound's drift in simulated worlds |
//! | [`opus`] | what encoding the sound costs, and holes at the sink |
//! | [`limiter`] | what a frame limit adds, and how even frames are |
//! | [`bad_clients`] | clients that mean harm: memory, and how long others wait |
//! | [`stalls`] | when the machine itself stood still |
//! | [`process`] | what the kernel says of a process |

pub mod bad_clients;
pub mod drift;
pub mod figure;
pub mod latency;
pub mod limiter;
pub mod load;
pub mod opus;
pub mod process;
pub mod scale;
pub mod sound;
pub mod stalls;

use crate::picture::Size;
use anyhow::Result;
use figure::Figure;
use stalls::Watch;
use std::time::Duration;

/// How long a limited program is watched.
const LIMITED: Duration = Duration::from_secs(10);

/// Which program draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// `wl-picture`.
    Wayland,
    /// `x11-picture`, through Xwayland.
    X11,
}

impl Client {
    /// The program's name.
    pub fn program(self) -> &'static str {
        match self {
            Self::Wayland => "wl-picture",
            Self::X11 => "x11-picture",
        }
    }

    /// For figures' names.
    pub fn name(self) -> &'static str {
        match self {
            Self::Wayland => "wayland",
            Self::X11 => "x11",
        }
    }
}

/// A part of the bench.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// From the start until ready
    Start,
    /// A key flips the whole screen
    Flip,
    /// The whole picture scrolls, a key changes its centre
    Moving,
    /// Commit to latch and evenness of latches under a frame limit
    Limiter,
    /// The scaling filters, in memory
    Scale,
    /// CPU time a frame, of the server and of its threads
    Cpu,
    /// A picture that doesn't change
    Static,
    /// Key to decoded picture in Chromium
    Chromium,
    /// Sound against picture, at capture; what encoding costs; holes
    Audio,
    /// Sound against picture, delay and drift in Chromium
    AudioPage,
    /// The sound's drift over 30 simulated minutes, with clocks that are off and a network that jitters
    Drift,
    /// What clients that mean harm cost
    BadClients,
    /// Memory while the picture moves for a long time
    Soak,
}

/// What to measure.
#[derive(Clone, Debug, clap::Parser)]
#[command(about = "Measures goggles-scope: a table, and target/bench/*.json")]
pub struct Options {
    /// The parts [default: all but soak]
    #[arg(value_enum)]
    pub parts: Vec<Part>,
    /// 720p or 1080p [default: both]
    #[arg(long)]
    pub size: Vec<Size>,
    /// wayland or x11 [default: both]
    #[arg(long, value_parser = client)]
    pub client: Vec<Client>,
    /// How many key presses a figure [default: 100 for flips, 60 for moving]
    #[arg(long)]
    pub count: Option<usize>,
    /// How long sound is listened to, in seconds
    #[arg(long, default_value_t = 30)]
    pub listen: u64,
    /// How long the soak lasts, in seconds
    #[arg(long, default_value_t = 600)]
    pub soak: u64,
}

fn client(text: &str) -> Result<Client, String> {
    [Client::Wayland, Client::X11]
        .into_iter()
        .find(|c| c.name() == text)
        .ok_or_else(|| "wayland or x11".into())
}

impl Options {
    fn sizes(&self) -> Vec<Size> {
        match self.size.as_slice() {
            [] => vec![Size { w: 1280, h: 720 }, Size { w: 1920, h: 1080 }],
            sizes => sizes.to_vec(),
        }
    }

    fn clients(&self) -> Vec<Client> {
        match self.client.as_slice() {
            [] => vec![Client::Wayland, Client::X11],
            clients => clients.to_vec(),
        }
    }

    fn has(&self, part: Part) -> bool {
        if self.parts.is_empty() {
            part != Part::Soak
        } else {
            self.parts.contains(&part)
        }
    }
}

/// `720p` for 1280x720, and so on.
pub fn short(size: Size) -> String {
    format!("{}p", size.h)
}

/// Runs what was asked for. Each figure is given to `show` as soon as it is there; a part that fails is named at the end.
pub fn run(options: &Options, mut show: impl FnMut(Figure) -> Result<()>) -> Result<Vec<String>> {
    let mut failures = Vec::new();
    let watch = Watch::start();
    if let Err(e) = &watch {
        failures.push(format!("when the machine stood still: {e:#}"));
    }
    let watch = watch.ok();
    let mut part = |what: String, figures: Result<Vec<Figure>>| -> Result<()> {
        match figures {
            Ok(figures) => figures.into_iter().try_for_each(&mut show)?,
            Err(e) => failures.push(format!("{what}: {e:#}")),
        }
        match watch.as_ref().map(Watch::take) {
            Some(stalls) if !stalls.is_empty() => show(stalls::figure(&what.replace(' ', "-"), &stalls)),
            _ => Ok(()),
        }
    };
    if options.has(Part::Start) {
        part("start".into(), load::start(options.count.unwrap_or(5)))?;
    }
    if options.has(Part::Scale) {
        part("scale".into(), scale::measure(options.count.unwrap_or(60)))?;
    }
    if options.has(Part::BadClients) {
        part("bad clients".into(), bad_clients::measure())?;
    }
    if options.has(Part::Limiter) {
        part("limiter".into(), limiter::measure(LIMITED, watch.as_ref()))?;
    }
    for size in options.sizes() {
        let of = short(size);
        for client in options.clients() {
            for (kind, kind_part, count) in [
                (latency::Kind::Flip, Part::Flip, 100),
                (latency::Kind::Moving, Part::Moving, 60),
            ] {
                if options.has(kind_part) {
                    let count = options.count.unwrap_or(count);
                    let figures = latency::measure(kind, client, size, count);
                    part(format!("{} {of} {}", kind.name(), client.name()), figures)?;
                }
            }
            if options.has(Part::Cpu) {
                part(format!("cpu {of} {}", client.name()), load::moving(client, size))?;
            }
        }
        if options.has(Part::Chromium) {
            part(
                format!("chromium {of}"),
                latency::chromium(size, options.count.unwrap_or(100)),
            )?;
        }
        if options.has(Part::Static) {
            part(format!("static {of}"), load::still(size))?;
        }
        if options.has(Part::Soak) {
            part(
                format!("soak {of}"),
                load::soak(size, Duration::from_secs(options.soak)),
            )?;
        }
    }
    let listen = Duration::from_secs(options.listen);
    if options.has(Part::Audio) {
        part("audio".into(), sound::capture(listen))?;
        for (channels, material) in [2, 8].into_iter().flat_map(|n| opus::Material::ALL.map(|m| (n, m))) {
            let cost = opus::cost(channels, material, listen);
            part(format!("audio {channels} {material:?}"), cost)?;
        }
    }
    if options.has(Part::Drift) {
        part("drift".into(), Ok(drift::measure()))?;
    }
    if options.has(Part::AudioPage) {
        part("audio-page".into(), sound::page(listen, watch.as_ref()))?;
    }
    Ok(failures)
}
