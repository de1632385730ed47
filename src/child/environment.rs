//! The program's environment: what is set and what is taken out of ours, as games and Steam expect of gamescope
//! (its documentation and behaviour; `GAMESCOPE_*` and `STEAM_*` are its names).

use super::preload::KEPT_PRELOAD;
use crate::config::Settings;
use crate::monitor::FILE_VARIABLE as EDID_FILE;
use std::ffi::OsString;
use std::path::PathBuf;

/// A variable, and its new value; `None`: it is taken out.
pub type Change = (String, Option<OsString>);

/// Where the program finds us, and what we offer there.
#[derive(Clone, Debug, Default)]
pub struct Displays {
    /// The Wayland socket's name in the runtime directory (`gamescope-0`).
    pub wayland: OsString,
    /// The socket's name in the runtime directory where input is emulated (`gamescope-0-ei`), if there is one.
    pub libei: Option<OsString>,
    /// The Xwaylands' display numbers, the first one the program's.
    pub x11: Vec<u32>,
    /// Where gamescope's Vulkan layer reads the frame limit, if there is such a file.
    pub limiter_file: Option<PathBuf>,
    /// Where the monitor's EDID is, if it has a file.
    pub edid_file: Option<PathBuf>,
}

/// What to change in our own environment for the program. `present` looks up a variable of ours.
pub fn environment(
    settings: &Settings,
    displays: &Displays,
    present: &dyn Fn(&str) -> Option<OsString>,
) -> Vec<Change> {
    let mut changes = Changes(Vec::new());
    changes.displays(settings, displays);
    changes.vulkan_layer(displays);

    match &displays.edid_file {
        Some(path) => changes.set(EDID_FILE, path),
        None => changes.unset(EDID_FILE),
    }
    changes.set("XDG_CURRENT_DESKTOP", "gamescope");
    changes.set("vk_xwayland_wait_ready", "false");
    // Games must not minimise themselves when the focus goes to an overlay.
    changes.set("SDL_VIDEO_MINIMIZE_ON_FOCUS_LOSS", "0");
    changes.set("DISABLE_LAYER_AMD_SWITCHABLE_GRAPHICS_1", "1");
    // What was chosen for the desktop around us does not hold inside.
    changes.unset("SDL_VIDEODRIVER");
    changes.unset("SDL_VIDEO_DRIVER");
    changes.unset("ENABLE_VKBASALT");

    if settings.steam {
        changes.steam(settings, displays);
    }
    if let Some(preload) = present(KEPT_PRELOAD) {
        changes.set("LD_PRELOAD", preload);
        changes.unset(KEPT_PRELOAD);
    }
    changes.0
}

struct Changes(Vec<Change>);

impl Changes {
    fn set(&mut self, name: &str, value: impl Into<OsString>) {
        self.0.push((name.into(), Some(value.into())));
    }

    fn unset(&mut self, name: &str) {
        self.0.push((name.into(), None));
    }

    fn displays(&mut self, settings: &Settings, displays: &Displays) {
        self.set("GAMESCOPE_WAYLAND_DISPLAY", &displays.wayland);
        if settings.expose_wayland {
            self.set("WAYLAND_DISPLAY", &displays.wayland);
            self.set("XDG_SESSION_TYPE", "wayland");
        } else {
            self.unset("WAYLAND_DISPLAY");
            self.set("XDG_SESSION_TYPE", "x11");
        }
        // A connection to the host's compositor, and its input emulation: both lead outside.
        self.unset("WAYLAND_SOCKET");
        match &displays.libei {
            Some(name) => self.set("LIBEI_SOCKET", name),
            None => self.unset("LIBEI_SOCKET"),
        }
        match displays.x11.first() {
            Some(number) => {
                self.set("DISPLAY", format!(":{number}"));
                self.set("STEAM_GAME_DISPLAY_0", format!(":{number}"));
            }
            None => {
                self.unset("DISPLAY");
                self.unset("STEAM_GAME_DISPLAY_0");
            }
        }
        // With several, the games get the extra ones: the first is Steam's own.
        for (i, number) in displays.x11.iter().skip(1).enumerate() {
            self.set(&format!("STEAM_GAME_DISPLAY_{i}"), format!(":{number}"));
        }
    }

    fn vulkan_layer(&mut self, displays: &Displays) {
        match &displays.limiter_file {
            Some(path) => self.set("GAMESCOPE_LIMITER_FILE", path),
            None => self.unset("GAMESCOPE_LIMITER_FILE"),
        }
        // Where gamescope's layer is installed and enabled, it fails every Vulkan surface (VK_ERROR_SURFACE_LOST_KHR) of a
        // compositor that lacks its swapchain protocol.
        self.unset("ENABLE_GAMESCOPE_WSI");
        self.set("DISABLE_GAMESCOPE_WSI", "1");
    }

    /// What Steam asks to know which of its controls work here. "0" where this version lacks the means: a slider
    /// that does nothing is worse than none.
    fn steam(&mut self, settings: &Settings, displays: &Displays) {
        self.set("SRT_URLOPEN_PREFER_STEAM", "1");
        self.set("STEAM_DISABLE_MANGOAPP_ATOM_WORKAROUND", "1");
        self.set(
            "STEAM_MULTIPLE_XWAYLANDS",
            if displays.x11.len() > 1 { "1" } else { "0" },
        );
        // Only Wayland programs can draw HDR here: X11 has no way to say what colours mean, without the Vulkan layer.
        let hdr = settings.hdr && settings.expose_wayland;
        self.set("STEAM_GAMESCOPE_HDR_SUPPORTED", if hdr { "1" } else { "0" });
        // Filter, scaler and sharpness, the limit, the refresh and VRR follow the root window (`xwayland::controls`).
        for served in [
            "STEAM_GAMESCOPE_FANCY_SCALING_SUPPORT",
            "STEAM_GAMESCOPE_DYNAMIC_FPSLIMITER",
            "STEAM_GAMESCOPE_NIS_SUPPORTED",
            "STEAM_GAMESCOPE_VRR_SUPPORTED",
        ] {
            self.set(served, "1");
        }
        for unserved in [
            "STEAM_USE_MANGOAPP",
            "STEAM_MANGOAPP_HORIZONTAL_SUPPORTED",
            "STEAM_MANGOAPP_PRESETS_SUPPORTED",
        ] {
            self.set(unserved, "0");
        }
        self.unset("STEAM_GAMESCOPE_HAS_TEARING_SUPPORT");
        self.unset("STEAM_GAMESCOPE_TEARING_SUPPORTED");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    /// The program's whole environment, from ours.
    fn program(settings: &Settings, displays: &Displays, ours: &[(&str, &str)]) -> HashMap<String, String> {
        let mut all: HashMap<_, _> = ours.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        let before = all.clone();
        for (name, value) in environment(settings, displays, &|name| before.get(name).map(OsString::from)) {
            match value {
                Some(value) => all.insert(name, value.into_string().unwrap()),
                None => all.remove(&name),
            };
        }
        all
    }

    fn one() -> Displays {
        Displays {
            wayland: "gamescope-3".into(),
            libei: Some("gamescope-3-ei".into()),
            x11: vec![7],
            ..Displays::default()
        }
    }

    fn check(all: &HashMap<String, String>, wanted: &[(&str, Option<&str>)]) {
        for (name, value) in wanted {
            assert_eq!(all.get(*name).map(String::as_str), *value, "{name}");
        }
    }

    #[test]
    fn an_x11_program_sees_only_us() {
        let ours = [
            ("WAYLAND_DISPLAY", "wayland-0"),
            ("WAYLAND_SOCKET", "9"),
            ("DISPLAY", ":0"),
            ("XDG_SESSION_TYPE", "tty"),
            ("SDL_VIDEODRIVER", "wayland"),
            ("SDL_VIDEO_DRIVER", "wayland"),
            ("ENABLE_VKBASALT", "1"),
            ("LIBEI_SOCKET", "eis-0"),
            ("GAMESCOPE_LIMITER_FILE", "/outer"),
            ("GAMESCOPE_PATCHED_EDID_FILE", "/outer"),
            ("ENABLE_GAMESCOPE_WSI", "1"),
            ("HOME", "/home/x"),
        ];
        check(
            &program(&Settings::default(), &one(), &ours),
            &[
                ("DISPLAY", Some(":7")),
                ("STEAM_GAME_DISPLAY_0", Some(":7")),
                ("GAMESCOPE_WAYLAND_DISPLAY", Some("gamescope-3")),
                ("WAYLAND_DISPLAY", None),
                ("WAYLAND_SOCKET", None),
                ("XDG_SESSION_TYPE", Some("x11")),
                ("XDG_CURRENT_DESKTOP", Some("gamescope")),
                ("SDL_VIDEODRIVER", None),
                ("SDL_VIDEO_DRIVER", None),
                ("SDL_VIDEO_MINIMIZE_ON_FOCUS_LOSS", Some("0")),
                ("ENABLE_VKBASALT", None),
                ("vk_xwayland_wait_ready", Some("false")),
                ("DISABLE_LAYER_AMD_SWITCHABLE_GRAPHICS_1", Some("1")),
                ("LIBEI_SOCKET", Some("gamescope-3-ei")),
                ("GAMESCOPE_LIMITER_FILE", None),
                ("GAMESCOPE_PATCHED_EDID_FILE", None),
                ("ENABLE_GAMESCOPE_WSI", None),
                ("DISABLE_GAMESCOPE_WSI", Some("1")),
                ("STEAM_USE_MANGOAPP", None),
                ("HOME", Some("/home/x")),
            ],
        );
    }

    #[test]
    fn wayland_is_exposed_on_demand() {
        let settings = Settings {
            expose_wayland: true,
            ..Settings::default()
        };
        let without_x = Displays { x11: vec![], ..one() };
        check(
            &program(
                &settings,
                &without_x,
                &[("DISPLAY", ":0"), ("STEAM_GAME_DISPLAY_0", ":0")],
            ),
            &[
                ("WAYLAND_DISPLAY", Some("gamescope-3")),
                ("XDG_SESSION_TYPE", Some("wayland")),
                ("DISPLAY", None),
                ("STEAM_GAME_DISPLAY_0", None),
            ],
        );
    }

    #[test]
    fn steam_is_told_what_works() {
        let settings = Settings {
            steam: true,
            ..Settings::default()
        };
        let two = Displays {
            x11: vec![1, 2, 3],
            limiter_file: Some("/l".into()),
            edid_file: Some("/e".into()),
            ..one()
        };
        check(
            &program(&settings, &two, &[("STEAM_GAMESCOPE_TEARING_SUPPORTED", "1")]),
            &[
                ("DISPLAY", Some(":1")),
                ("STEAM_GAME_DISPLAY_0", Some(":2")),
                ("STEAM_GAME_DISPLAY_1", Some(":3")),
                ("STEAM_MULTIPLE_XWAYLANDS", Some("1")),
                ("STEAM_GAMESCOPE_HDR_SUPPORTED", Some("0")),
                ("STEAM_GAMESCOPE_FANCY_SCALING_SUPPORT", Some("1")),
                ("STEAM_GAMESCOPE_DYNAMIC_FPSLIMITER", Some("1")),
                ("STEAM_GAMESCOPE_TEARING_SUPPORTED", None),
                ("SRT_URLOPEN_PREFER_STEAM", Some("1")),
                ("GAMESCOPE_LIMITER_FILE", Some("/l")),
                ("GAMESCOPE_PATCHED_EDID_FILE", Some("/e")),
            ],
        );
        for (expose_wayland, told) in [(false, "0"), (true, "1")] {
            let hdr = Settings {
                hdr: true,
                expose_wayland,
                ..settings.clone()
            };
            check(
                &program(&hdr, &two, &[]),
                &[("STEAM_GAMESCOPE_HDR_SUPPORTED", Some(told))],
            );
        }
    }

    #[test]
    fn steams_overlay_is_the_programs_alone() {
        let overlay = "/steam/ubuntu12_32/gameoverlayrenderer.so:/x.so";
        check(
            &program(
                &Settings::default(),
                &one(),
                &[("LD_PRELOAD", "/x.so"), (KEPT_PRELOAD, overlay)],
            ),
            &[("LD_PRELOAD", Some(overlay)), (KEPT_PRELOAD, None)],
        );
        check(
            &program(&Settings::default(), &one(), &[("LD_PRELOAD", "/x.so")]),
            &[("LD_PRELOAD", Some("/x.so"))],
        );
    }
}
