//! From what was said to what is done: defaults, what does not go together, what is not served.

use super::{Backend, Edid, Encoder, Filter, Keyboard, Profile, Profiles, Scaler, Settings, Stream, Tuned, Tuning};
use crate::cli::values::{self, Extent, HideDelay};
use crate::cli::{Options, Refusal};
use crate::edid;
use crate::link::{Rate, Refresh, Size};
use crate::stream::audio;
use goggles_protocols::audio::Layout;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// gamescope's default height.
const DEFAULT_HEIGHT: u32 = 720;
/// gamescope's default sharpness.
const SHARPNESS: u8 = 2;
/// gamescope's default delay.
const HIDE_CURSOR: Duration = Duration::from_secs(10);
/// x264's default constant rate factor.
const QUALITY_CRF: u8 = 23;

/// Options that can't be served, or not together; in words for the user.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Conflict(pub String);

impl Conflict {
    /// The user's mistake, with the file that had a part in it.
    pub fn refusal(self, file: Option<&Path>) -> Refusal {
        match file {
            Some(path) => Refusal::usage(format!("{} (options were also read from {})", self.0, path.display())),
            None => Refusal::usage(self.0),
        }
    }
}

fn conflict<T>(words: impl Into<String>) -> Result<T, Conflict> {
    Err(Conflict(words.into()))
}

/// Fills in what `options` don't say. `displayless`: no desktop is there to open a window on.
pub fn resolve(options: Options, command: Vec<OsString>, displayless: bool) -> Result<Settings, Conflict> {
    let backend = backend(options.backend, !options.stream.is_empty(), displayless)?;
    let output = output(options.output_width, options.output_height)?;
    let nested = nested(options.nested_width, options.nested_height)?;
    let refresh = Refresh(options.nested_refresh.map_or(60_000, |hz| hz.0));
    let xwayland_count = options.xwayland_count.map_or(1, |count| count.0);
    let expose_wayland = options.expose_wayland.unwrap_or(false);
    if xwayland_count == 0 && !expose_wayland {
        return conflict(
            "without an Xwayland the program has no display: say --expose-wayland with --xwayland-count 0",
        );
    }
    let sound = audio(&options)?;
    Ok(Settings {
        profile: None,
        profiles: Profiles::default(),
        backend,
        output,
        nested,
        refresh,
        limit: options
            .framerate_limit
            .and_then(|limit| limit.0.map(|hz| Refresh(hz.0))),
        adaptive_sync: options.adaptive_sync.unwrap_or(true),
        hdr: options.hdr_enabled.unwrap_or(false),
        scaler: options.scaler.unwrap_or(Scaler::Auto),
        max_scale: options.max_scale.map_or(f64::INFINITY, |factor| factor.0),
        filter: filter(options.filter),
        sharpness: options.sharpness.map_or(SHARPNESS, |s| s.0 as u8),
        edid: edid(options.edid, options.edid_name, options.edid_vendor)?,
        mouse_sensitivity: options.mouse_sensitivity.map_or(1.0, |factor| factor.0),
        hide_cursor: options.hide_cursor_delay.unwrap_or(HideDelay(Some(HIDE_CURSOR))).0,
        expose_wayland,
        xwayland_count,
        keep_alive: options.keep_alive.unwrap_or(false),
        rt: options.rt.unwrap_or(false),
        gamemode: options.gamemode.unwrap_or(true),
        steam: options.steam.unwrap_or(false),
        keyboard: Keyboard {
            layout: options.keyboard_layout.unwrap_or_default(),
            variant: options.keyboard_variant.unwrap_or_default(),
            model: options.keyboard_model.unwrap_or_default(),
            options: options.keyboard_options,
            repeat_rate: options.repeat_rate.map_or(25, |rate| rate.0 as i32),
            repeat_delay: options.repeat_delay.map_or(600, |delay| delay.0 as i32),
        },
        stream: stream(
            options.stream,
            options.stream_name,
            options.encoder,
            rate(options.bitrate, output, refresh),
            output,
            options.microphone.unwrap_or(false),
        )?,
        audio: sound,
        force_composition: options.force_composition.unwrap_or(false),
        color_management: color_management(
            options.disable_color_management == Some(true),
            options.hdr_enabled == Some(true),
        )?,
        xres: !options.disable_xres.unwrap_or(false),
        tearing: options.immediate_flips.unwrap_or(false),
        taken: Vec::new(),
        cursor_hotspot: cursor_hotspot(options.cursor_hotspot, options.cursor.is_some())?,
        grab: options.grab.unwrap_or(false),
        hotkeys: options.hotkeys.unwrap_or_default(),
        unfocused_refresh: Refresh(options.nested_unfocused_refresh.map_or(1_000, |hz| hz.0)),
        force_fullscreen: options.force_windows_fullscreen.unwrap_or(false),
        debug_focus: options.debug_focus.unwrap_or(false),
        force_grab_cursor: options.force_grab_cursor.unwrap_or(false),
        cursor: options.cursor,
        cursor_scale_height: options.cursor_scale_height.map(|height| height.0),
        screenshots: options.screenshot_dir,
        ready: options.ready_fd,
        stats: options.stats_path,
        command,
    })
}

/// What a profile changes while the session of these settings runs. `options`: what is said with it, everywhere.
pub fn tuned(profile: Profile, options: &Options, settings: &Settings) -> Result<Tuned, Conflict> {
    let rate = rate(options.bitrate, settings.output, settings.refresh);
    let tuning = Tuning {
        sound: audio(options)?.map(|sound| sound.tuning),
        rate: settings.stream.as_ref().map(|_| rate),
    };
    Ok(Tuned { profile, tuning })
}

fn backend(said: Option<values::Backend>, stream: bool, displayless: bool) -> Result<Backend, Conflict> {
    match said.unwrap_or(values::Backend::Auto) {
        values::Backend::Headless => Ok(Backend::Headless),
        values::Backend::Auto if stream || displayless => Ok(Backend::Headless),
        values::Backend::Auto => conflict(
            "there is a desktop to open a window on, but this version does not serve windows yet: say --stream \
             ADDR:PORT to play in a browser, or --backend headless",
        ),
        values::Backend::Wayland => not_yet("wayland"),
        values::Backend::X11 => not_yet("x11"),
        values::Backend::Drm => not_yet("drm"),
        values::Backend::Sdl => {
            conflict("--backend sdl is gamescope's; windows will be --backend wayland and x11 here")
        }
        values::Backend::Openvr => not_yet("openvr"),
    }
}

fn not_yet<T>(backend: &str) -> Result<T, Conflict> {
    conflict(format!(
        "--backend {backend} is not served by this version yet: it serves --backend headless"
    ))
}

fn output(width: Option<Extent>, height: Option<Extent>) -> Result<Size, Conflict> {
    match (width, height) {
        (Some(w), Some(h)) => Ok(Size { w: w.0, h: h.0 }),
        (None, h) => Ok(wide(h.map_or(DEFAULT_HEIGHT, |h| h.0))),
        (Some(_), None) => conflict("-W (--output-width) needs -H (--output-height), too"),
    }
}

fn nested(width: Option<Extent>, height: Option<Extent>) -> Result<Option<Size>, Conflict> {
    match (width, height) {
        (Some(w), Some(h)) => Ok(Some(Size { w: w.0, h: h.0 })),
        (None, Some(h)) => Ok(Some(wide(h.0))),
        (None, None) => Ok(None),
        (Some(_), None) => conflict("-w (--nested-width) needs -h (--nested-height), too"),
    }
}

/// 16:9 of this height, as gamescope has it, but even: the encoders' chroma needs pairs of pixels.
fn wide(height: u32) -> Size {
    Size {
        w: (height * 16 / 9 + 1) & !1,
        h: height,
    }
}

fn color_management(disabled: bool, hdr: bool) -> Result<bool, Conflict> {
    if disabled && hdr {
        return conflict("--hdr-enabled needs color-management: leave out --disable-color-management");
    }
    Ok(!disabled)
}

fn cursor_hotspot(said: Option<values::Hotspot>, image: bool) -> Result<(u16, u16), Conflict> {
    match said {
        Some(_) if !image => conflict("--cursor-hotspot is for the image of --cursor: say --cursor FILE, too"),
        Some(at) => Ok((at.0, at.1)),
        None => Ok((0, 0)),
    }
}

fn edid(file: Option<PathBuf>, name: Option<edid::Name>, vendor: Option<edid::Vendor>) -> Result<Edid, Conflict> {
    match file {
        Some(_) if name.is_some() || vendor.is_some() => {
            conflict("the file of --edid has its own name and vendor: leave out --edid-name and --edid-vendor")
        }
        Some(file) => Ok(Edid::File(file)),
        None => Ok(Edid::Made {
            name: name.unwrap_or_default(),
            vendor: vendor.unwrap_or(edid::Vendor::OURS),
        }),
    }
}

fn filter(said: Option<values::Filter>) -> Filter {
    match said.unwrap_or(values::Filter::Linear) {
        values::Filter::Linear => Filter::Linear,
        values::Filter::Nearest => Filter::Nearest,
        values::Filter::Pixel => Filter::Pixel,
        values::Filter::Fsr => Filter::Fsr,
        values::Filter::Nis => Filter::Nis,
    }
}

fn rate(bitrate: Option<values::Kbps>, output: Size, refresh: Refresh) -> Rate {
    match bitrate {
        Some(kbps) => Rate::Constant { kbps: kbps.0 },
        None => Rate::Quality {
            crf: QUALITY_CRF,
            max_kbps: cap(output, refresh),
        },
    }
}

/// What constant quality may spend at most: 0.3 bit a pixel (17 Mbit/s at 720p60, 37 at 1080p60), which a picture of
/// noise exceeds and games do not, within what a home network carries.
fn cap(output: Size, refresh: Refresh) -> u32 {
    let pixels_a_second = u64::from(output.w) * u64::from(output.h) * u64::from(refresh.0) / 1000;
    (pixels_a_second * 3 / 10_000).clamp(4_000, 150_000) as u32
}

fn stream(
    listen: Vec<values::Listen>,
    name: Option<values::StreamName>,
    encoder: Option<Encoder>,
    rate: Rate,
    output: Size,
    microphone: bool,
) -> Result<Option<Stream>, Conflict> {
    if listen.is_empty() {
        return Ok(None);
    }
    let listen: Vec<_> = listen.into_iter().map(|listen| listen.0).collect();
    for (i, address) in listen.iter().enumerate() {
        // Port 0 is a new port each time.
        if address.port() != 0 && listen[..i].contains(address) {
            return conflict(format!("--stream {address} is there twice"));
        }
    }
    if !output.w.is_multiple_of(2) || !output.h.is_multiple_of(2) {
        return conflict(format!(
            "a stream's width and height must be even, and {}x{} is not",
            output.w, output.h
        ));
    }
    Ok(Some(Stream {
        listen,
        name: name.map_or_else(|| "goggles".into(), |name| name.0),
        encoder: encoder.unwrap_or(Encoder::Auto),
        rate,
        microphone,
    }))
}

fn audio(options: &Options) -> Result<Option<audio::Config>, Conflict> {
    let microphone = options.microphone.unwrap_or(false);
    let mode = match options.audio {
        None | Some(values::Audio::Private) => audio::Mode::Private,
        Some(values::Audio::Host) => audio::Mode::Host,
        Some(values::Audio::None) if microphone => {
            return conflict("--microphone needs a sound server: leave out --audio none");
        }
        Some(values::Audio::None) => return Ok(None),
    };
    let channels = match options.audio_channels {
        None | Some(values::AudioChannels::Auto) => None,
        Some(values::AudioChannels::Two) => Some(Layout::Stereo),
        Some(values::AudioChannels::Six) => Some(Layout::Surround51),
        Some(values::AudioChannels::Eight) => Some(Layout::Surround71),
    };
    Ok(Some(audio::Config {
        mode,
        tuning: audio::Tuning {
            channels,
            bitrate: options.audio_bitrate.map(|kbps| kbps.0 * 1000),
            packet: options
                .audio_packet
                .map_or(audio::Tuning::default().packet, |packet| packet.0),
        },
        microphone,
        rt: options.rt.unwrap_or(false),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(options: Options) -> Result<Settings, String> {
        resolve(options, Vec::new(), true).map_err(|e| e.0)
    }

    #[test]
    fn sizes_follow_gamescope() {
        let size = |w, h| {
            let options = Options {
                output_width: w,
                output_height: h,
                nested_width: w,
                nested_height: h,
                ..Options::default()
            };
            said(options).map(|s| ((s.output.w, s.output.h), s.nested.map(|n| (n.w, n.h))))
        };
        let e = |v| Some(Extent(v));
        assert_eq!(size(None, None), Ok(((1280, 720), None)));
        assert_eq!(size(None, e(1080)), Ok(((1920, 1080), Some((1920, 1080)))));
        assert_eq!(size(e(800), e(600)), Ok(((800, 600), Some((800, 600)))));
        assert_eq!(size(None, e(600)), Ok(((1066, 600), Some((1066, 600)))));
        assert!(size(e(800), None).unwrap_err().contains("-H"));
    }

    #[test]
    fn auto_is_headless_only_where_a_window_is_not_expected() {
        let listen: values::Listen = "127.0.0.1:0".parse().unwrap();
        let resolve = |stream: bool, displayless| {
            let options = Options {
                stream: if stream { vec![listen] } else { vec![] },
                ..Options::default()
            };
            resolve(options, Vec::new(), displayless).is_ok()
        };
        assert!(resolve(true, true) && resolve(true, false) && resolve(false, true) && !resolve(false, false));
    }

    #[test]
    fn constant_quality_is_capped_by_the_picture() {
        let size = |w, h| Size { w, h };
        assert_eq!(cap(size(1280, 720), Refresh(60_000)), 16_588);
        assert_eq!(cap(size(1920, 1080), Refresh(60_000)), 37_324);
        assert_eq!(cap(size(64, 64), Refresh(60_000)), 4_000);
        assert_eq!(cap(size(16_384, 16_384), Refresh(1_000_000)), 150_000);
    }

    #[test]
    fn streams_are_checked() {
        let listen = |text: &str| text.parse::<values::Listen>().unwrap();
        let twice = Options {
            stream: vec![listen("127.0.0.1:4"), listen("127.0.0.1:4")],
            ..Options::default()
        };
        assert_eq!(said(twice).unwrap_err(), "--stream 127.0.0.1:4 is there twice");
        let any = Options {
            stream: vec![listen("127.0.0.1:0"), listen("127.0.0.1:0")],
            ..Options::default()
        };
        assert_eq!(said(any).unwrap().stream.unwrap().listen.len(), 2);
        let odd = Options {
            stream: vec![listen("127.0.0.1:4")],
            output_width: Some(Extent(801)),
            output_height: Some(Extent(600)),
            ..Options::default()
        };
        assert!(said(odd).unwrap_err().contains("even"));
    }

    #[test]
    fn a_microphone_is_asked_for_and_needs_a_sound_server() {
        let with = |microphone, audio| {
            let options = Options {
                stream: vec!["127.0.0.1:0".parse().unwrap()],
                microphone,
                audio,
                ..Options::default()
            };
            said(options).map(|s| (s.stream.unwrap().microphone, s.audio.unwrap().microphone))
        };
        assert_eq!(with(None, None), Ok((false, false)));
        assert_eq!(with(Some(true), None), Ok((true, true)));
        assert!(with(Some(true), Some(values::Audio::None)).is_err());
    }
}
