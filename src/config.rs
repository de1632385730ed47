//! What the user asked for, from the flags and the file.
//!
//! Owns [`Settings`], which the compositor consumes; [`read`], which reads the file with the line of every mistake;
//! [`Profile`], what the file says for single games; and [`resolve`], which fills in what was not said and refuses what does not go together or is not served.

mod file;
mod profile;
mod resolve;
mod tuning;

pub use file::{File, read};
pub use profile::{Game, Profile};
pub use resolve::{Conflict, resolve, tuned};
pub use tuning::{Profiles, Shown, Tuned, Tuning};

use crate::cli;
use crate::edid;
use crate::input::hotkeys::Bindings;
use crate::link::{Rate, Refresh, Size};
use clap::ValueEnum;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Everything the compositor is told at start. Flags win over the game's profile, that over the rest of the file, and
/// the file over the defaults.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The name of the game's profile, if it has one.
    pub profile: Option<String>,
    /// What profiles say of the sound and the bit rate while their games' windows are in front.
    pub profiles: Profiles,
    /// What shows the frames.
    pub backend: Backend,
    /// The output's size (`-W -H`).
    pub output: Size,
    /// The size the game is told (`-w -h`); the output's if `None`.
    pub nested: Option<Size>,
    /// The virtual refresh (`-r`), in millihertz.
    pub refresh: Refresh,
    /// Frames a second at most (`--framerate-limit`), in millihertz; `None`: the refresh.
    pub limit: Option<Refresh>,
    /// Frames are shown as soon as they are drawn, not at even intervals (`--adaptive-sync`).
    pub adaptive_sync: bool,
    /// Programs are offered an HDR10 monitor (`--hdr-enabled`).
    pub hdr: bool,
    /// How a picture of another size is fitted (`-S`).
    pub scaler: Scaler,
    /// How many times as large it is made at most (`-m`); infinite without a limit.
    pub max_scale: f64,
    /// How it is filtered (`-F`).
    pub filter: Filter,
    /// How much of FSR's sharpening is left out (`--sharpness`), 0 to 20.
    pub sharpness: u8,
    /// What the monitor says of itself (`--edid`, `--edid-name`, `--edid-vendor`).
    pub edid: Edid,
    /// Relative motion is multiplied by this (`-s`).
    pub mouse_sensitivity: f64,
    /// The cursor is hidden after this long without motion (`-C`); `None`: never.
    pub hide_cursor: Option<Duration>,
    /// The default cursor's image in place of the theme's (`--cursor`, a PNG).
    pub cursor: Option<PathBuf>,
    /// Where that image's tip is (`--cursor-hotspot`).
    pub cursor_hotspot: (u16, u16),
    /// The game gets our hotkeys, too (`-g`).
    pub grab: bool,
    /// Our hotkeys (`--hotkeys`).
    pub hotkeys: Bindings,
    /// How often hidden windows are told to draw (`-o`).
    pub unfocused_refresh: Refresh,
    /// Every main window is made to fill the output (`--force-windows-fullscreen`).
    pub force_fullscreen: bool,
    /// The window list is logged when the focus policy's answer changes (`--debug-focus`).
    pub debug_focus: bool,
    /// The height of the output for which the cursor has the right size (`--cursor-scale-height`).
    pub cursor_scale_height: Option<u32>,
    /// Players are asked for relative motion always (`--force-grab-cursor`).
    pub force_grab_cursor: bool,
    /// Where screenshots go (`--screenshot-dir`); `None`: the user's folder for pictures.
    pub screenshots: Option<PathBuf>,
    /// Set `WAYLAND_DISPLAY` for the child (`--expose-wayland`).
    pub expose_wayland: bool,
    /// How many Xwaylands are started (`--xwayland-count`).
    pub xwayland_count: u32,
    /// Go on after the child has ended (`--keep-alive`).
    pub keep_alive: bool,
    /// Real-time scheduling (`--rt`).
    pub rt: bool,
    /// GameMode is told of the program (`--gamemode`).
    pub gamemode: bool,
    /// Steam's environment (`-e`).
    pub steam: bool,
    /// Where to say that all is ready (`-R`).
    pub ready: Option<PathBuf>,
    /// Where to write statistics (`-T`).
    pub stats: Option<PathBuf>,
    /// The keyboard's layout.
    pub keyboard: Keyboard,
    /// Nothing is passed through (`-c`).
    pub force_composition: bool,
    /// Programs can say what their colours mean (not with `--disable-color-management`).
    pub color_management: bool,
    /// The X server is asked for windows' processes (not with `--disable-xres`).
    pub xres: bool,
    /// Frames that may tear are shown at once (`--immediate-flips`).
    pub tearing: bool,
    /// What is to be said in the log of options that hold without being said.
    pub taken: Vec<String>,
    /// The stream; `None`: no stream.
    pub stream: Option<Stream>,
    /// The stream's sound (`--audio` and its companions); `None`: it has none.
    pub audio: Option<crate::stream::audio::Config>,
    /// The program and its arguments; empty: none.
    pub command: Vec<std::ffi::OsString>,
}

impl Settings {
    /// The size that the game is told.
    pub fn game(&self) -> Size {
        self.nested.unwrap_or(self.output)
    }

    /// How much larger than it is the cursor is shown, from 1.
    pub fn cursor_factor(&self) -> f64 {
        let factor = |base: u32| f64::from(self.output.h) / f64::from(base);
        self.cursor_scale_height.map_or(1.0, factor).max(1.0)
    }

    /// What holds while no profile's window is in front.
    pub fn tuning(&self) -> Tuning {
        Tuning {
            sound: self.audio.as_ref().map(|sound| sound.tuning),
            rate: self.stream.as_ref().map(|stream| stream.rate),
        }
    }
}

impl Default for Settings {
    /// What no option at all gives, headless, without a command.
    fn default() -> Self {
        let options = cli::Options {
            backend: Some(cli::values::Backend::Headless),
            ..cli::Options::default()
        };
        match resolve(options, Vec::new(), true) {
            Ok(settings) => settings,
            Err(conflict) => unreachable!("the defaults go together: {conflict}"),
        }
    }
}

/// What shows the frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// Nothing but the stream.
    Headless,
}

/// Where the monitor's EDID is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edid {
    /// Made for the size and rate that the game is told.
    Made {
        /// What it calls itself.
        name: edid::Name,
        /// Who made it.
        vendor: edid::Vendor,
    },
    /// A file's, as it is.
    File(PathBuf),
}

/// gamescope's `-S`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scaler {
    /// Fit, up to the maximum scale.
    Auto,
    /// Whole multiples only.
    Integer,
    /// As large as fits, the aspect kept.
    Fit,
    /// As small as covers, the aspect kept.
    Fill,
    /// Both sides, the aspect not kept.
    Stretch,
}

/// gamescope's `-F`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Bilinear.
    Linear,
    /// Nearest neighbour.
    Nearest,
    /// Sharp bilinear: whole pixels, blended only at their borders.
    Pixel,
    /// AMD's FSR 1.
    Fsr,
    /// NVIDIA Image Scaling's method.
    Nis,
}

/// xkb names (`rules` is evdev). An empty name: xkbcommon's default, which `XKB_DEFAULT_LAYOUT` and its like set.
#[derive(Clone, Debug)]
pub struct Keyboard {
    /// e.g. `de`.
    pub layout: String,
    /// e.g. `nodeadkeys`.
    pub variant: String,
    /// e.g. `pc105`.
    pub model: String,
    /// e.g. `caps:escape`.
    pub options: Option<String>,
    /// Repeats a second; zero: keys do not repeat.
    pub repeat_rate: i32,
    /// Milliseconds before the first repeat.
    pub repeat_delay: i32,
}

impl Keyboard {
    /// Whether any of xkb's names was given.
    pub fn is_chosen(&self) -> bool {
        !(self.layout.is_empty() && self.variant.is_empty() && self.model.is_empty() && self.options.is_none())
    }
}

/// What `--stream` and its companions say.
#[derive(Clone, Debug)]
pub struct Stream {
    /// Where to listen: the same port over UDP (QUIC) and TCP (HTTPS).
    pub listen: Vec<SocketAddr>,
    /// The broadcast's name (`--stream-name`).
    pub name: String,
    /// Which encoder (`--encoder`).
    pub encoder: Encoder,
    /// How many bits (`--bitrate`).
    pub rate: Rate,
    /// Viewers whose token lets them may speak (`--microphone`).
    pub microphone: bool,
}

/// `--encoder`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoder {
    /// The best that passes its probe.
    Auto,
    /// GStreamer's x264enc.
    X264,
    /// GStreamer's openh264enc.
    #[value(name = "openh264")]
    OpenH264,
}
