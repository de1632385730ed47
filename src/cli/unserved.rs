//! gamescope's options that this version does not serve. The parser knows them, so that they are refused by name
//! and with a reason: a launch option must never be ignored silently.

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
    /// Why it is refused.
    pub reason: Reason,
}

/// Why an option is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It will be served.
    NotYet,
    /// It is about a window on a desktop, and only the headless backend is served.
    Window,
}

const fn flag(long: &'static str) -> Unserved {
    Unserved {
        long,
        short: None,
        value: false,
        reason: Reason::NotYet,
    }
}

const fn value(long: &'static str) -> Unserved {
    Unserved {
        long,
        short: None,
        value: true,
        reason: Reason::NotYet,
    }
}

const fn window(long: &'static str, short: Option<char>, value: bool) -> Unserved {
    Unserved {
        long,
        short,
        value,
        reason: Reason::Window,
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
    window("borderless", Some('b'), false),
    window("fullscreen", Some('f'), false),
    window("display-index", None, true),
    value("default-touch-mode"),
    value("prefer-vk-device"),
    flag("mangoapp"),
    letter('O', value("prefer-output")),
    value("generate-drm-mode"),
    flag("immediate-flips"),
    value("force-orientation"),
    value("hdr-sdr-content-nits"),
    flag("hdr-itm-enable"),
    flag("hdr-itm-enabled"),
    value("hdr-itm-sdr-nits"),
    value("hdr-itm-target-nits"),
    flag("hdr-debug-force-support"),
    flag("hdr-debug-force-output"),
    flag("hdr-debug-heatmap"),
    value("sdr-gamut-wideness"),
    flag("disable-color-management"),
    value("mura-map"),
    value("reshade-effect"),
    value("reshade-technique-idx"),
    letter('c', flag("force-composition")),
    flag("composite-debug"),
    letter('x', flag("disable-xres")),
    letter('v', flag("debug-hud")),
    flag("debug-layers"),
    flag("debug-events"),
    flag("disable-layers"),
    flag("synchronous-x11"),
    value("fade-out-duration"),
    value("virtual-connector-strategy"),
    flag("allow-deferred-backend"),
    value("vr-overlay-key"),
    value("vr-overlay-explicit-name"),
    value("vr-overlay-default-name"),
    value("vr-overlay-icon"),
    flag("vr-overlay-show-immediately"),
    flag("vr-overlay-enable-control-bar"),
    flag("vr-overlay-enable-control-bar-keyboard"),
    flag("vr-overlay-enable-control-bar-close"),
    flag("vr-overlay-modal"),
    value("vr-overlay-physical-width"),
    value("vr-overlay-physical-curvature"),
    value("vr-overlay-physical-pre-curve-pitch"),
    value("vr-scroll-speed"),
];

impl Unserved {
    /// What is wrong, with the option as `name` (its flag, or its key in the file).
    pub fn refusal(&self, name: &str) -> String {
        match self.reason {
            Reason::NotYet => format!("{name} is gamescope's, and this version does not serve it yet"),
            Reason::Window => format!(
                "{name} is for a window on a desktop; this version serves only the headless backend, where it would do \
                 nothing"
            ),
        }
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
        // A missing or odd value must not hide what matters: that the option is not served.
        if option.value {
            arg.num_args(0..=1).allow_hyphen_values(true)
        } else {
            arg.action(ArgAction::SetTrue)
        }
    }))
}

/// What to say of those that were given; `None` if there are none.
pub fn refuse(matches: &ArgMatches) -> Option<String> {
    let given = |option: &&Unserved| matches.value_source(option.long) == Some(clap::parser::ValueSource::CommandLine);
    let lines: Vec<_> = UNSERVED
        .iter()
        .filter(given)
        .map(|option| option.refusal(&option.flag()))
        .collect();
    if lines.is_empty() { None } else { Some(lines.join("\n")) }
}
