//! gamescope's and Steam's X properties: their names, and what their values mean. Pure.
//!
//! Names and meanings are gamescope's behaviour. Any X client can write anything: a value that makes no sense is refused
//! with words, and nothing changes.

use crate::config::{Filter, Scaler};
use crate::link::{Refresh, Size};
use crate::scene::marks::Marks;
use std::time::Duration;

/// The properties of windows that become [`Marks`].
pub const MARKS: [&str; 8] = [
    "STEAM_GAME",
    "STEAM_BIGPICTURE",
    "STEAM_OVERLAY",
    "GAMESCOPE_EXTERNAL_OVERLAY",
    "STEAM_INPUT_FOCUS",
    "STEAM_STREAMING_CLIENT",
    "STEAM_STREAMING_CLIENT_VIDEO",
    "_NET_WM_WINDOW_OPACITY",
];

/// Puts the value of the `at`-th of [`MARKS`] in its place. `words` is empty where there is no such property.
pub fn mark(marks: &mut Marks, at: usize, words: &[u32]) {
    let word = words.first().copied();
    let (number, set) = (word.unwrap_or(0), word.is_some_and(|w| w != 0));
    match at {
        0 => marks.game = number,
        1 => marks.big_picture = set,
        2 => marks.overlay = set,
        3 => marks.external_overlay = set,
        4 => marks.input_focus = number,
        5 => marks.streaming_client = set,
        6 => marks.streaming_video = set,
        _ => marks.opacity = word.unwrap_or(u32::MAX),
    }
}

/// A property's value, as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Raw {
    /// Its 32-bit words; none if it is of another format.
    pub words: Vec<u32>,
    /// Its bytes; none if it is of another format.
    pub bytes: Vec<u8>,
}

/// What a property of the root window asks for. `None` in one: the property was taken away, or names the default.
#[derive(Clone, Debug, PartialEq)]
pub enum Control {
    /// Whose windows are the base, best first.
    BaseApps(Vec<u32>),
    /// The window that is the base.
    BaseWindow(Option<u32>),
    /// Frames a second at most.
    FpsLimit(Option<Refresh>),
    /// The output's refresh.
    DynamicRefresh(Option<Refresh>),
    /// The mode of an Xwayland.
    Mode {
        /// Which, in the order of their start.
        server: u32,
        /// Its size.
        size: Option<Size>,
        /// It may be larger than the output.
        beyond: bool,
    },
    /// How a scaled picture is filtered.
    Filter(Filter),
    /// How it is fitted.
    Scaler(Scaler),
    /// Both.
    Scaling(Scaler, Filter),
    /// How much of FSR's sharpening is left out.
    Sharpness(u8),
    /// Nothing is passed through.
    CompositeForce(bool),
    /// Every main window is made to fill the output.
    ForceFullscreen(bool),
    /// The keyboard's layout.
    Keyboard(Option<Layout>),
    /// Key repeats a second, and the milliseconds before the first.
    KeyRepeat(Option<(u32, u32)>),
    /// One Xwayland more, whose readiness is told with this number.
    CreateServer(u32),
    /// The one at this place less.
    DestroyServer(u32),
    /// A picture of the output is to be written.
    Screenshot(&'static str),
    /// The picture is shown so much smaller (overscan), 0 to 1.
    ScreenScale(f64),
    /// The picture is shown so much larger.
    Magnification(f64),
    /// Frames are shown as soon as they are drawn, or at even intervals; `None`: as the settings say.
    Vrr(Option<bool>),
    /// HDR is offered, or not; `None`: as the settings say.
    Hdr(Option<bool>),
    /// Games that would rather tear than wait need not wait; `None`: as the settings say.
    Tearing(Option<bool>),
    /// What even intervals leave for what the estimate misses.
    RedZone(Option<Duration>),
}

/// A keyboard's layout, in xkb's names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// Its own name.
    pub layout: String,
    /// Its variant.
    pub variant: String,
    /// What is different about it, such as `caps:escape`; `None`: what the settings say.
    pub options: Option<String>,
}

/// Asks for a server's mode; taken away by us when the mode is there.
pub const MODE_CONTROL: &str = "GAMESCOPE_XWAYLAND_MODE_CONTROL";

/// Ask for a screenshot, by whatever value; taken away by us when it is written. Which layers it has is not chosen.
const SCREENSHOT: &str = "GAMESCOPECTRL_REQUEST_SCREENSHOT";
const DEBUG_SCREENSHOT: &str = "GAMESCOPECTRL_DEBUG_REQUEST_SCREENSHOT";

/// How one property is read.
type Read = fn(&Raw) -> Result<Option<Control>, &'static str>;

/// The properties of the root window that are obeyed. `Ok(None)`: there is nothing to do.
///
/// Steam sets others, which have nothing to act on here: `GAMESCOPE_LOW_LATENCY` (the limiter adds no queue anyway),
/// `STEAM_TOUCH_CLICK_MODE`, `STEAM_GAMES_RUNNING`.
pub const CONTROLS: [(&str, Read); 25] = [
    ("GAMESCOPECTRL_BASELAYER_APPID", |raw| {
        Ok(Some(Control::BaseApps(raw.words.clone())))
    }),
    ("GAMESCOPECTRL_BASELAYER_WINDOW", |raw| {
        Ok(Some(Control::BaseWindow(first(raw).filter(|w| *w != 0))))
    }),
    ("GAMESCOPE_FPS_LIMIT", |raw| Ok(Some(Control::FpsLimit(hertz(raw)?)))),
    ("GAMESCOPE_DYNAMIC_REFRESH", |raw| {
        Ok(Some(Control::DynamicRefresh(hertz(raw)?)))
    }),
    // For a screen that is not built in, which ours is not.
    ("GAMESCOPE_DYNAMIC_REFRESH_EXTERNAL", |raw| {
        Ok(Some(Control::DynamicRefresh(hertz(raw)?)))
    }),
    (MODE_CONTROL, mode),
    ("GAMESCOPE_SCALING_FILTER", old_filter),
    ("GAMESCOPE_NEW_SCALING_FILTER", filter),
    ("GAMESCOPE_NEW_SCALING_SCALER", scaler),
    ("GAMESCOPE_SHARPNESS", sharpness),
    ("GAMESCOPE_FSR_SHARPNESS", sharpness),
    ("GAMESCOPE_COMPOSITE_FORCE", |raw| {
        Ok(Some(Control::CompositeForce(is_set(raw))))
    }),
    ("GAMESCOPE_FORCE_WINDOWS_FULLSCREEN", |raw| {
        Ok(Some(Control::ForceFullscreen(is_set(raw))))
    }),
    ("GAMESCOPE_KEYBOARD_LAYOUT", keyboard),
    // Our own: gamescope has no property for it.
    ("GAMESCOPE_KEYBOARD_REPEAT", key_repeat),
    ("GAMESCOPE_CREATE_XWAYLAND_SERVER", |raw| {
        Ok(first(raw).filter(|name| *name != 0).map(Control::CreateServer))
    }),
    ("GAMESCOPE_DESTROY_XWAYLAND_SERVER", |raw| match first(raw) {
        Some(0) => Err("the first server is the session's own"),
        server => Ok(server.map(Control::DestroyServer)),
    }),
    (SCREENSHOT, |raw| Ok(screenshot(raw, SCREENSHOT))),
    (DEBUG_SCREENSHOT, |raw| Ok(screenshot(raw, DEBUG_SCREENSHOT))),
    ("STEAM_SCREEN_SCALE", |raw| {
        let share = f64::from(first(raw).unwrap_or(u32::MAX)) / f64::from(u32::MAX);
        // Less can't be seen.
        at_least(share, 0.05).map(|s| Some(Control::ScreenScale(s)))
    }),
    ("STEAM_SCREEN_MAGNIFICATION", |raw| {
        let factor = f64::from(first(raw).unwrap_or(0xffff)) / f64::from(0xffff);
        at_least(factor, 0.05).map(|f| Some(Control::Magnification(f.min(16.0))))
    }),
    ("GAMESCOPE_VRR_ENABLED", |raw| {
        Ok(Some(Control::Vrr(first(raw).map(|on| on != 0))))
    }),
    ("GAMESCOPE_DISPLAY_HDR_ENABLED", |raw| {
        Ok(Some(Control::Hdr(first(raw).map(|on| on != 0))))
    }),
    ("GAMESCOPE_ALLOW_TEARING", |raw| {
        Ok(Some(Control::Tearing(first(raw).map(|may| may != 0))))
    }),
    ("GAMESCOPE_TUNEABLE_VBLANK_REDZONE", |raw| {
        let nanoseconds = first(raw).map(u64::from);
        Ok(Some(Control::RedZone(nanoseconds.map(Duration::from_nanos))))
    }),
];

fn screenshot(raw: &Raw, property: &'static str) -> Option<Control> {
    let asked = !(raw.words.is_empty() && raw.bytes.is_empty());
    asked.then_some(Control::Screenshot(property))
}

fn first(raw: &Raw) -> Option<u32> {
    raw.words.first().copied()
}

fn is_set(raw: &Raw) -> bool {
    first(raw).is_some_and(|w| w != 0)
}

fn at_least(value: f64, least: f64) -> Result<f64, &'static str> {
    if value >= least { Ok(value) } else { Err("too small") }
}

/// Hertz; none and 0 are the default.
fn hertz(raw: &Raw) -> Result<Option<Refresh>, &'static str> {
    match first(raw).unwrap_or(0) {
        0 => Ok(None),
        hz @ 1..=1000 => Ok(Some(Refresh(hz * 1000))),
        _ => Err("more than 1000 Hz"),
    }
}

/// `[server, width, height, whether it may be larger than the output]`; without a size: the default.
fn mode(raw: &Raw) -> Result<Option<Control>, &'static str> {
    let [server, w, h] = match raw.words[..] {
        [] => return Ok(None),
        [server, w, h, ..] => [server, w, h],
        _ => return Err("three numbers are wanted: server, width, height"),
    };
    let size = match (w, h) {
        (0, 0) => None,
        (1..=16_384, 1..=16_384) => Some(Size { w, h }),
        _ => return Err("no size of a screen"),
    };
    let beyond = raw.words.get(3).is_some_and(|w| *w != 0);
    Ok(Some(Control::Mode { server, size, beyond }))
}

fn filter(raw: &Raw) -> Result<Option<Control>, &'static str> {
    Ok(Some(Control::Filter(match first(raw) {
        None => return Ok(None),
        Some(0) => Filter::Linear,
        Some(1) => Filter::Nearest,
        Some(2) => Filter::Fsr,
        Some(3) => Filter::Nis,
        Some(4) => Filter::Pixel,
        Some(_) => return Err("no filter has this number"),
    })))
}

/// The old property, which names filter and scaler at once.
fn old_filter(raw: &Raw) -> Result<Option<Control>, &'static str> {
    let (scaler, filter) = match first(raw) {
        None => return Ok(None),
        Some(1) => (Scaler::Auto, Filter::Nearest),
        Some(2) => (Scaler::Integer, Filter::Nearest),
        Some(3) => (Scaler::Auto, Filter::Fsr),
        Some(4) => (Scaler::Auto, Filter::Nis),
        Some(_) => (Scaler::Auto, Filter::Linear),
    };
    Ok(Some(Control::Scaling(scaler, filter)))
}

fn scaler(raw: &Raw) -> Result<Option<Control>, &'static str> {
    let scalers = [
        Scaler::Auto,
        Scaler::Integer,
        Scaler::Fit,
        Scaler::Fill,
        Scaler::Stretch,
    ];
    let Some(number) = first(raw) else { return Ok(None) };
    let scaler = scalers.get(number as usize).ok_or("no scaler has this number")?;
    Ok(Some(Control::Scaler(*scaler)))
}

fn sharpness(raw: &Raw) -> Result<Option<Control>, &'static str> {
    match first(raw) {
        None => Ok(None),
        Some(sharpness) => Ok(Some(Control::Sharpness(sharpness.min(20) as u8))),
    }
}

/// `de`, `de(nodeadkeys)`, `us,ru`; and, which gamescope does not have, xkb's options after a colon:
/// `us(intl):caps:escape`.
fn keyboard(raw: &Raw) -> Result<Option<Control>, &'static str> {
    let text = std::str::from_utf8(&raw.bytes).map_err(|_| "no text")?;
    let text = text.trim_end_matches('\0').trim();
    if text.is_empty() {
        return Ok(Some(Control::Keyboard(None)));
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || "_-,():".contains(c);
    if text.len() > 100 || !text.chars().all(fits) {
        return Err("no name of a layout");
    }
    let (names, options) = match text.split_once(':') {
        Some((names, options)) => (names, Some(options.to_owned())),
        None => (text, None),
    };
    let (layout, variant) = match names.split_once('(') {
        Some((layout, rest)) => (layout, rest.strip_suffix(')').ok_or("a ) is missing")?),
        None => (names, ""),
    };
    Ok(Some(Control::Keyboard(Some(Layout {
        layout: layout.to_owned(),
        variant: variant.to_owned(),
        options,
    }))))
}

/// `[repeats a second, milliseconds before the first]`, with the bounds of the options.
fn key_repeat(raw: &Raw) -> Result<Option<Control>, &'static str> {
    Ok(Some(Control::KeyRepeat(match raw.words[..] {
        [] => None,
        [rate @ 0..=1000, delay @ 1..=10_000] => Some((rate, delay)),
        _ => return Err("a rate to 1000 a second and a delay of 1 to 10000 ms are wanted"),
    })))
}

#[cfg(test)]
mod tests;
