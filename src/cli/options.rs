//! The options, once: clap reads them from the command line, serde from the file. A field's doc comment is the
//! option's help, its long name the file's key.

use super::unserved;
use super::values::{
    Audio, AudioChannels, AudioKbps, AudioPacket, Backend, Extent, Factor, Filter, Hertz, HideDelay, Hotspot, Kbps,
    Limit, Listen, RepeatDelay, RepeatRate, Sharpness, StreamName, XwaylandCount, one_or_many,
};
use crate::config::{Encoder, Scaler};
use crate::edid;
use crate::input::hotkeys::Bindings;
use clap::{ArgAction, Args, Parser, Subcommand};
use serde::Deserialize;
use std::ffi::OsString;
use std::path::PathBuf;

/// A Wayland and Xwayland compositor for one game, whose stream is played in a browser.
#[derive(Debug, Parser)]
#[command(
    name = "goggles-scope",
    version,
    override_usage = "goggles-scope [OPTIONS] -- COMMAND [ARGS]...\n       goggles-scope [OPTIONS] doctor [--json]\n       \
                      goggles-scope completions SHELL",
    after_help = after_help(),
    disable_help_flag = true,
    disable_version_flag = true,
    disable_help_subcommand = true,
    args_override_self = true
)]
pub struct Cli {
    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment here would replace the program's own")]
    pub options: Options,

    /// The configuration file, in place of the user's
    #[arg(long, value_name = "FILE", help_heading = "Run")]
    pub config: Option<PathBuf>,

    /// Show this help
    #[arg(long, action = ArgAction::HelpShort, help_heading = "Run")]
    help: Option<bool>,

    /// Show the version
    #[arg(long, action = ArgAction::Version, help_heading = "Run")]
    version: Option<bool>,

    /// The program to run, and its arguments
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,

    #[command(subcommand)]
    #[allow(missing_docs, reason = "a doc comment here would become help")]
    pub subcommand: Option<Command>,
}

fn after_help() -> String {
    format!(
        "Options are spelled as gamescope's. Those of gamescope's that a headless output need not be told are taken with a \
         line in the log ({}); those that can't mean anything here are refused with the reason.\nEvery option has a key of \
         its long name in $XDG_CONFIG_HOME/goggles-scope/config.toml; flags win over the file. A switch is turned off again \
         by --NAME=false.\nGOGGLES_LOG sets what is logged (error, warn, info, debug, trace).\n\nThe exit status is the \
         command's: 127 if it is not found, 126 if it cannot be executed, 128+N if signal N ended it.\n",
        unserved::taken()
    )
}

/// What is done in place of running a program.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Say what this machine can do, and what to do about what it can't
    Doctor {
        /// Say it as JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the shell's completions
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

/// What can be said both by a flag and in the file. `None` (or empty): not said.
#[derive(Clone, Debug, Default, PartialEq, Args, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Options {
    /// The output's width [default: 16:9 of the height]
    #[arg(
        short = 'W',
        long,
        value_name = "PIXELS",
        help_heading = "Picture",
        allow_negative_numbers = true
    )]
    pub output_width: Option<Extent>,
    /// The output's height [default: 720]
    #[arg(
        short = 'H',
        long,
        value_name = "PIXELS",
        help_heading = "Picture",
        allow_negative_numbers = true
    )]
    pub output_height: Option<Extent>,
    /// The width the game is told [default: the output's, or 16:9 of -h]
    #[arg(
        short = 'w',
        long,
        value_name = "PIXELS",
        help_heading = "Picture",
        allow_negative_numbers = true
    )]
    pub nested_width: Option<Extent>,
    /// The height the game is told [default: the output's]
    #[arg(
        short = 'h',
        long,
        value_name = "PIXELS",
        help_heading = "Picture",
        allow_negative_numbers = true
    )]
    pub nested_height: Option<Extent>,
    /// The refresh rate: 60, 59.94, 60000/1001 [default: 60]
    #[arg(
        short = 'r',
        long,
        value_name = "HZ",
        help_heading = "Picture",
        allow_negative_numbers = true
    )]
    pub nested_refresh: Option<Hertz>,
    /// How often windows that are not shown may draw [default: 1]
    #[arg(
        short = 'o',
        long,
        value_name = "HZ",
        help_heading = "Picture",
        allow_negative_numbers = true
    )]
    pub nested_unfocused_refresh: Option<Hertz>,
    /// Frames a second at most; 0: the refresh rate [default: 0]
    #[arg(long, value_name = "HZ", help_heading = "Picture", allow_negative_numbers = true)]
    pub framerate_limit: Option<Limit>,
    /// Show a frame as soon as it is drawn; false: at even intervals, latched as late as encoding allows [default: true]
    #[arg(long, help_heading = "Picture", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true, value_name = "BOOL")]
    pub adaptive_sync: Option<bool>,
    /// Offer Wayland programs an HDR10 monitor of 1000 cd/m²; what they draw is made SDR for the stream
    #[arg(long, help_heading = "Picture", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true, value_name = "BOOL")]
    pub hdr_enabled: Option<bool>,
    /// Do not tell programs of color-management: their colours are shown as they are
    #[arg(long, help_heading = "Picture", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true, value_name = "BOOL")]
    pub disable_color_management: Option<bool>,
    /// With --adaptive-sync=false: show frames of games that would rather tear at once
    #[arg(long, help_heading = "Picture", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true, value_name = "BOOL")]
    pub immediate_flips: Option<bool>,
    /// Compose every frame, also where the game's own buffer could be encoded as it is
    #[arg(short = 'c', long, help_heading = "Picture", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true, value_name = "BOOL")]
    pub force_composition: Option<bool>,
    /// How a picture of another size is fitted [default: auto]
    #[arg(short = 'S', long, help_heading = "Picture")]
    pub scaler: Option<Scaler>,
    /// How a scaled picture is filtered [default: linear]
    #[arg(short = 'F', long, help_heading = "Picture")]
    pub filter: Option<Filter>,
    /// How many times as large a picture is made at most, unless it is to fill the output or be stretched [default: any]
    #[arg(
        short = 'm',
        long,
        value_name = "FACTOR",
        help_heading = "Picture",
        allow_negative_numbers = true
    )]
    pub max_scale: Option<Factor>,
    /// How sharp fsr and nis are, from 0 (most) to 20 (least) [default: 2]
    #[arg(
        long,
        visible_alias = "fsr-sharpness",
        value_name = "0-20",
        help_heading = "Picture",
        allow_negative_numbers = true
    )]
    pub sharpness: Option<Sharpness>,

    /// The monitor's EDID, a file such as /sys/class/drm/*/edid [default: made for the size and the rate]
    #[arg(long, value_name = "FILE", help_heading = "Picture")]
    pub edid: Option<PathBuf>,
    /// What the monitor calls itself, up to 13 characters [default: goggles-scope]
    #[arg(long, value_name = "NAME", help_heading = "Picture")]
    pub edid_name: Option<edid::Name>,
    /// Who made the monitor, three letters [default: GGS]
    #[arg(long, value_name = "ABC", help_heading = "Picture")]
    pub edid_vendor: Option<edid::Vendor>,

    /// Multiply relative mouse motion [default: 1]
    #[arg(
        short = 's',
        long,
        value_name = "FACTOR",
        help_heading = "Input",
        allow_negative_numbers = true
    )]
    pub mouse_sensitivity: Option<Factor>,
    /// Hide the cursor after so many milliseconds without motion, or 'never' [default: 10000]
    #[arg(
        short = 'C',
        long,
        value_name = "MS",
        help_heading = "Input",
        allow_negative_numbers = true
    )]
    pub hide_cursor_delay: Option<HideDelay>,
    /// The default cursor's image, a PNG [default: the cursor theme's]
    #[arg(long, value_name = "FILE", help_heading = "Input")]
    pub cursor: Option<PathBuf>,
    /// Where the tip of --cursor's image is, from its upper left corner [default: 0,0]
    #[arg(long, value_name = "X,Y", help_heading = "Input")]
    pub cursor_hotspot: Option<Hotspot>,
    /// The cursor has its own size on an output of so many rows, and grows with larger ones [default: it never grows]
    #[arg(long, value_name = "HEIGHT", help_heading = "Input", allow_negative_numbers = true)]
    pub cursor_scale_height: Option<Extent>,
    /// Give the game our hotkeys, too, until Super+G
    #[arg(short = 'g', long, help_heading = "Input", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true, value_name = "BOOL")]
    pub grab: Option<bool>,
    /// Change hotkeys, such as screenshot=ctrl+alt+s,fsr=none; 'none': no hotkeys [default: Super and F, N, U, Y, I, O, S, G, P]
    #[arg(long, value_name = "ACTION=CHORD,...", help_heading = "Input")]
    pub hotkeys: Option<Bindings>,
    /// Ask players for relative mouse motion always, not only while the game locks the pointer
    #[arg(long, help_heading = "Input", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true, value_name = "BOOL")]
    pub force_grab_cursor: Option<bool>,
    /// The keyboard's layout, such as de [default: XKB_DEFAULT_LAYOUT, or us]
    #[arg(long, value_name = "NAME", help_heading = "Input")]
    pub keyboard_layout: Option<String>,
    /// The layout's variant, such as nodeadkeys
    #[arg(long, value_name = "NAME", help_heading = "Input")]
    pub keyboard_variant: Option<String>,
    /// The keyboard's model, such as pc105
    #[arg(long, value_name = "NAME", help_heading = "Input")]
    pub keyboard_model: Option<String>,
    /// The layout's options, such as caps:escape
    #[arg(long, value_name = "NAMES", help_heading = "Input")]
    pub keyboard_options: Option<String>,
    /// Key repeats a second; 0: keys do not repeat [default: 25]
    #[arg(long, value_name = "RATE", help_heading = "Input", allow_negative_numbers = true)]
    pub repeat_rate: Option<RepeatRate>,
    /// Milliseconds before a key repeats [default: 600]
    #[arg(long, value_name = "MS", help_heading = "Input", allow_negative_numbers = true)]
    pub repeat_delay: Option<RepeatDelay>,

    /// Stream on this address: pages over TCP, pictures over UDP, the same port (repeatable)
    #[arg(long, value_name = "ADDR:PORT", help_heading = "Stream")]
    #[serde(deserialize_with = "one_or_many")]
    pub stream: Vec<Listen>,
    /// The stream's name [default: goggles]
    #[arg(long, value_name = "NAME", help_heading = "Stream")]
    pub stream_name: Option<StreamName>,
    /// What encodes the picture [default: auto]
    #[arg(long, help_heading = "Stream")]
    pub encoder: Option<Encoder>,
    /// A constant bit rate in kbit/s [default: constant quality, capped by the picture's size]
    #[arg(long, value_name = "KBPS", help_heading = "Stream", allow_negative_numbers = true)]
    pub bitrate: Option<Kbps>,
    /// Where the game's sound goes [default: private]
    #[arg(long, help_heading = "Stream")]
    pub audio: Option<Audio>,
    /// How many channels the sound has [default: auto]
    #[arg(long, value_name = "CHANNELS", help_heading = "Stream")]
    pub audio_channels: Option<AudioChannels>,
    /// The sound's bit rate in kbit/s on average [default: 240, 480 or 576, by its channels]
    #[arg(long, value_name = "KBPS", help_heading = "Stream", allow_negative_numbers = true)]
    pub audio_bitrate: Option<AudioKbps>,
    /// How many milliseconds of sound are sent at once: 2.5, 5 or 10 [default: 5]
    #[arg(long, value_name = "MS", help_heading = "Stream")]
    pub audio_packet: Option<AudioPacket>,
    /// Let programs record the microphones of viewers who were given the address that says so
    #[arg(long, help_heading = "Stream", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true, value_name = "BOOL")]
    pub microphone: Option<bool>,

    /// What shows the picture; wayland, x11 and drm are refused for now [default: auto]
    #[arg(long, help_heading = "Run")]
    pub backend: Option<Backend>,
    /// Give the program WAYLAND_DISPLAY, so that Wayland programs use it
    #[arg(long, help_heading = "Run", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true, value_name = "BOOL")]
    pub expose_wayland: Option<bool>,
    /// How many Xwaylands; with several, the first is Steam's own and games have the others [default: 1]
    #[arg(long, value_name = "COUNT", help_heading = "Run", allow_negative_numbers = true)]
    pub xwayland_count: Option<XwaylandCount>,
    /// Go on when the program has ended, and leave what it started running
    #[arg(long, help_heading = "Run", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true, value_name = "BOOL")]
    pub keep_alive: Option<bool>,
    /// Make every main window fill the output
    #[arg(long, help_heading = "Run", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true, value_name = "BOOL")]
    pub force_windows_fullscreen: Option<bool>,
    /// Log the list of windows, as JSON, whenever another one is chosen
    #[arg(long, help_heading = "Run", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true, value_name = "BOOL")]
    pub debug_focus: Option<bool>,
    /// Take X11 windows' word for their process, and do not ask the X server
    #[arg(short = 'x', long, help_heading = "Run", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true, value_name = "BOOL")]
    pub disable_xres: Option<bool>,
    /// Real-time scheduling of the threads that pace the picture, encode it and fill the sound's buffers, where it is permitted
    #[arg(long, help_heading = "Run", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true, value_name = "BOOL")]
    pub rt: Option<bool>,
    /// Tell GameMode, where it is installed, that a game runs [default: true]
    #[arg(long, help_heading = "Run", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true, value_name = "BOOL")]
    pub gamemode: Option<bool>,
    /// Steam's environment for the program
    #[arg(short = 'e', long, help_heading = "Run", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true, value_name = "BOOL")]
    pub steam: Option<bool>,
    /// Where SIGUSR2 and Super+S put screenshots [default: $XDG_PICTURES_DIR, or ~/Pictures]
    #[arg(long, value_name = "FOLDER", help_heading = "Run")]
    pub screenshot_dir: Option<PathBuf>,
    /// Write the X11 and Wayland displays' names here when all is ready: a file or a FIFO
    #[arg(short = 'R', long, value_name = "PATH", help_heading = "Run")]
    pub ready_fd: Option<PathBuf>,
    /// Write statistics here, line by line (fps=, focus=, let-go=): a FIFO (made if there is nothing) or a file
    #[arg(short = 'T', long, value_name = "PATH", help_heading = "Run")]
    pub stats_path: Option<PathBuf>,
}

impl Options {
    /// `self`, and what `self` does not say from `below`.
    pub fn over(self, below: Options) -> Options {
        macro_rules! merge {
            ($($field:ident),*) => {
                // A struct expression without `..`: a new option that is forgotten here does not compile.
                Options {
                    stream: if self.stream.is_empty() { below.stream } else { self.stream },
                    $($field: self.$field.or(below.$field)),*
                }
            };
        }
        merge!(
            output_width,
            output_height,
            nested_width,
            nested_height,
            nested_refresh,
            framerate_limit,
            adaptive_sync,
            hdr_enabled,
            disable_color_management,
            immediate_flips,
            force_composition,
            disable_xres,
            scaler,
            filter,
            max_scale,
            sharpness,
            edid,
            edid_name,
            edid_vendor,
            mouse_sensitivity,
            hide_cursor_delay,
            cursor,
            cursor_hotspot,
            cursor_scale_height,
            grab,
            hotkeys,
            nested_unfocused_refresh,
            force_windows_fullscreen,
            debug_focus,
            force_grab_cursor,
            keyboard_layout,
            keyboard_variant,
            keyboard_model,
            keyboard_options,
            repeat_rate,
            repeat_delay,
            stream_name,
            encoder,
            bitrate,
            audio,
            audio_channels,
            audio_bitrate,
            audio_packet,
            microphone,
            backend,
            expose_wayland,
            xwayland_count,
            keep_alive,
            rt,
            gamemode,
            steam,
            screenshot_dir,
            ready_fd,
            stats_path
        )
    }
}
