//! gamescope's options that are none of ours: those that hold on a headless output without being said, which are taken
//! with a line in the log, and those that can't mean anything here, which are refused by name and with the reason. The parser
//! knows both: a launch option must never be ignored silently.

use clap::{Arg, ArgAction, ArgMatches, Command};

/// One of gamescope's options.
#[derive(Debug)]
pub struct Unserved {
    /// Its long name, which would be its key in the file, too.
    pub long: &'static str,
    /// Its letter.
    pub short: Option<char>,
    /// Whether it takes a value.
    pub value: bool,
    /// What becomes of it.
    pub fate: Fate,
}

/// What becomes of an option, and why: what is said after its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is so already, or of no consequence to what can be played.
    Taken(&'static str),
    /// It can't be.
    Refused(&'static str),
}
use Fate::{Refused, Taken};

const WINDOW: Fate =
    Refused("is for a window on a desktop, and only the headless backend is served, where it would do nothing");
const HDR: Fate =
    Refused("is about a picture in HDR, and the stream's is SDR: what is drawn in HDR is made SDR by one fixed curve");
const SHADER: Fate = Refused("needs gamescope's GPU renderer, and pictures are drawn by the CPU here");
const VR: Fate = Refused("is for a headset, and nothing is shown on one here");

const fn flag(long: &'static str, fate: Fate) -> Unserved {
    Unserved {
        long,
        short: None,
        value: false,
        fate,
    }
}

const fn value(long: &'static str, fate: Fate) -> Unserved {
    Unserved {
        value: true,
        ..flag(long, fate)
    }
}

const fn letter(short: char, of: Unserved) -> Unserved {
    Unserved {
        short: Some(short),
        ..of
    }
}

/// All of them (gamescope's `--help` and option table, 2026-08).
pub const UNSERVED: &[Unserved] = &[
    letter(
        'f',
        flag("fullscreen", Taken("holds anyway: there is nothing but the output")),
    ),
    letter('b', flag("borderless", Taken("holds anyway: the output has no border"))),
    letter(
        'O',
        value("prefer-output", Taken("chooses among screens, and there is one output")),
    ),
    value(
        "generate-drm-mode",
        Taken("makes a screen's modes, and the output has whatever mode -W, -H and -r say"),
    ),
    value(
        "default-touch-mode",
        Taken("says what touches do, and viewers send fingers as a mouse's"),
    ),
    value(
        "fade-out-duration",
        Taken("fades a window that gives way to another, which is at once here"),
    ),
    flag(
        "disable-layers",
        Taken("holds anyway: the output has no hardware planes"),
    ),
    flag(
        "allow-deferred-backend",
        Taken("holds anyway: the output is there before any window"),
    ),
    value("display-index", WINDOW),
    value(
        "prefer-vk-device",
        Refused(
            "chooses the GPU that composes, and none does here; for the game's own, Mesa reads \
             MESA_VK_DEVICE_SELECT=vendor:device",
        ),
    ),
    flag(
        "mangoapp",
        Refused(
            "needs gamescope's own reports to mangoapp; MangoHud's 'mangohud' before the command shows figures, too",
        ),
    ),
    value(
        "force-orientation",
        Refused("is for a panel that is built in sideways; a portrait output is a -W smaller than its -H"),
    ),
    value("hdr-sdr-content-nits", HDR),
    flag("hdr-itm-enable", HDR),
    flag("hdr-itm-enabled", HDR),
    value("hdr-itm-sdr-nits", HDR),
    value("hdr-itm-target-nits", HDR),
    flag("hdr-debug-force-support", HDR),
    flag("hdr-debug-force-output", HDR),
    flag("hdr-debug-heatmap", HDR),
    value(
        "sdr-gamut-wideness",
        Refused("is for a screen of a wide gamut, and the stream's is sRGB"),
    ),
    value(
        "mura-map",
        Refused("evens out one panel's flaws, and the stream has no panel"),
    ),
    value("reshade-effect", SHADER),
    value("reshade-technique-idx", SHADER),
    flag(
        "composite-debug",
        Refused("draws gamescope's own marks; the page's Statistics show how frames come"),
    ),
    letter(
        'v',
        flag(
            "debug-hud",
            Refused("draws gamescope's own figures; the page's Statistics show ours, and -T writes them"),
        ),
    ),
    flag(
        "debug-layers",
        Refused("logs hardware planes, of which the output has none"),
    ),
    flag(
        "debug-events",
        Refused("logs gamescope's own X11 events; GOGGLES_LOG=debug logs what is asked by properties"),
    ),
    flag(
        "synchronous-x11",
        Refused("finds the source of errors of gamescope's own connection to its X server"),
    ),
    value("virtual-connector-strategy", VR),
    value("vr-overlay-key", VR),
    value("vr-overlay-explicit-name", VR),
    value("vr-overlay-default-name", VR),
    value("vr-overlay-icon", VR),
    flag("vr-overlay-show-immediately", VR),
    flag("vr-overlay-enable-control-bar", VR),
    flag("vr-overlay-enable-control-bar-keyboard", VR),
    flag("vr-overlay-enable-control-bar-close", VR),
    flag("vr-overlay-modal", VR),
    value("vr-overlay-physical-width", VR),
    value("vr-overlay-physical-curvature", VR),
    value("vr-overlay-physical-pre-curve-pitch", VR),
    value("vr-scroll-speed", VR),
];

impl Unserved {
    /// What is said of it, with the option as `name` (its flag, or its key in the file).
    pub fn words(&self, name: &str) -> String {
        let (Taken(why) | Refused(why)) = self.fate;
        format!("{name} is gamescope's, and {why}")
    }

    fn flag(&self) -> String {
        match self.short {
            Some(letter) => format!("--{} (-{letter})", self.long),
            None => format!("--{}", self.long),
        }
    }
}

/// The option of this long name.
pub fn find(long: &str) -> Option<&'static Unserved> {
    UNSERVED.iter().find(|option| option.long == long)
}

/// Teaches the parser their names; the help and the completions stay without them.
pub fn teach(command: Command) -> Command {
    command.args(UNSERVED.iter().map(|option| {
        let arg = Arg::new(option.long).long(option.long).hide(true);
        let arg = match option.short {
            Some(letter) => arg.short(letter),
            None => arg,
        };
        // A missing or odd value must not hide what matters: that the option is none of ours.
        if option.value {
            arg.num_args(0..=1).allow_hyphen_values(true)
        } else {
            arg.action(ArgAction::SetTrue)
        }
    }))
}

/// What to say of those that were given: of those that are taken, or else of those that must be refused.
pub fn given(matches: &ArgMatches) -> Result<Vec<String>, String> {
    let is_given =
        |option: &&Unserved| matches.value_source(option.long) == Some(clap::parser::ValueSource::CommandLine);
    let (taken, refused): (Vec<_>, Vec<_>) = UNSERVED
        .iter()
        .filter(is_given)
        .partition(|option| matches!(option.fate, Taken(_)));
    let words = |options: Vec<&Unserved>| options.iter().map(|o| o.words(&o.flag())).collect::<Vec<_>>();
    if refused.is_empty() {
        Ok(words(taken))
    } else {
        Err(words(refused).join("\n"))
    }
}

/// The flags that are taken, for the help.
pub fn taken() -> String {
    let taken = UNSERVED.iter().filter(|option| matches!(option.fate, Taken(_)));
    taken
        .map(|o| o.short.map_or_else(|| format!("--{}", o.long), |c| format!("-{c}")))
        .collect::<Vec<_>>()
        .join(", ")
}
