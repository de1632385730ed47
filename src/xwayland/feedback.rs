//! What the X servers' root windows say of the session, for Steam: a pure function of the facts.
//!
//! The first server's says all; the others' what is of the display, which a game's Vulkan layer reads there.

use crate::link::{Refresh, Size};

/// A property's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// 32-bit words.
    Words(Vec<u32>),
    /// UTF-8.
    Text(String),
    /// Latin-1, with a zero at its end.
    Latin(String),
    /// There is no such property.
    Nothing,
}

/// A main window that Steam may choose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Focusable {
    /// Its number.
    pub window: u32,
    /// Its app.
    pub app: u32,
    /// Its process; 0: not known.
    pub pid: u32,
}

/// What is the case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The main windows.
    pub focusable: Vec<Focusable>,
    /// The app that has the input.
    pub app: u32,
    /// The app whose picture is shown.
    pub app_gfx: u32,
    /// The base window.
    pub window: u32,
    /// The display of the base window (`:N`, or the Wayland socket's name).
    pub shown: String,
    /// The one of the window that has the keyboard.
    pub keyboard: String,
    /// The one of the window that the pointer reaches.
    pub pointer: String,
    /// How many events have come from the player.
    pub inputs: u32,
    /// The cursor is to be seen.
    pub cursor: bool,
    /// FSR enlarges the picture.
    pub fsr: bool,
    /// Frames are shown as soon as they are drawn.
    pub vrr: bool,
    /// The monitor is an HDR one.
    pub hdr_monitor: bool,
    /// Programs are offered to draw HDR.
    pub hdr: bool,
    /// The base window's picture is in HDR.
    pub hdr_wanted: bool,
    /// The output's refresh.
    pub refresh: Refresh,
    /// The modes of the output, the best first.
    pub modes: Vec<Size>,
    /// The number of the server that was asked for last, its place, and its display.
    pub created: Option<String>,
}

/// The properties of the server at this place, and their values.
pub fn feedback(facts: &Facts, server: u32) -> Vec<(&'static str, Value)> {
    let mut all = display(facts);
    all.push(("GAMESCOPE_XWAYLAND_SERVER_ID", word(server)));
    if server == 0 {
        all.extend(session(facts));
    }
    all
}

fn word(w: u32) -> Value {
    Value::Words(vec![w])
}

/// A number, or an empty list where there is none.
fn known(w: u32) -> Value {
    Value::Words((w != 0).then_some(w).into_iter().collect())
}

/// Text as gamescope has it here, and its readers expect it: its bytes and a zero, in 32-bit words.
fn packed(text: &str) -> Value {
    let bytes: Vec<u8> = text.bytes().chain([0]).collect();
    let word = |four: &[u8]| {
        let mut whole = [0; 4];
        whole[..four.len()].copy_from_slice(four);
        u32::from_ne_bytes(whole)
    };
    Value::Words(bytes.chunks(4).map(word).collect())
}

/// The output's refresh in whole hertz.
fn hertz(facts: &Facts) -> u32 {
    (facts.refresh.0 + 500) / 1000
}

/// What is of the display.
fn display(facts: &Facts) -> Vec<(&'static str, Value)> {
    let hertz = hertz(facts);
    let modes: Vec<String> = facts.modes.iter().map(|m| format!("{}x{}@{hertz}", m.w, m.h)).collect();
    vec![
        ("GAMESCOPE_PID", word(std::process::id())),
        ("GAMESCOPE_DISPLAY_REFRESH_RATE_FEEDBACK", word(hertz)),
        ("GAMESCOPE_DISPLAY_MODE_LIST_EXTERNAL", Value::Latin(modes.join(" "))),
        ("GAMESCOPE_FSR_FEEDBACK", word(facts.fsr.into())),
        ("GAMESCOPE_VRR_CAPABLE", word(1)),
        ("GAMESCOPE_VRR_FEEDBACK", word(facts.vrr.into())),
        // No screen is built in.
        ("GAMESCOPE_DISPLAY_IS_EXTERNAL", word(1)),
        ("GAMESCOPE_DISPLAY_SUPPORTS_HDR", word(facts.hdr_monitor.into())),
        ("GAMESCOPE_HDR_OUTPUT_FEEDBACK", word(facts.hdr.into())),
        ("GAMESCOPE_COLOR_APP_WANTS_HDR_FEEDBACK", word(facts.hdr_wanted.into())),
    ]
}

/// What is of the windows and the input.
fn session(facts: &Facts) -> Vec<(&'static str, Value)> {
    let mut apps: Vec<u32> = Vec::new();
    for f in facts.focusable.iter().filter(|f| f.app != 0) {
        if !apps.contains(&f.app) {
            apps.push(f.app);
        }
    }
    let windows = facts.focusable.iter().flat_map(|f| [f.window, f.app, f.pid]).collect();
    let created = facts.created.clone().map_or(Value::Nothing, Value::Text);
    vec![
        ("GAMESCOPE_FOCUSABLE_APPS", Value::Words(apps)),
        ("GAMESCOPE_FOCUSABLE_WINDOWS", Value::Words(windows)),
        ("GAMESCOPE_FOCUSED_APP", known(facts.app)),
        ("GAMESCOPE_FOCUSED_APP_GFX", known(facts.app_gfx)),
        ("GAMESCOPE_FOCUSED_WINDOW", known(facts.window)),
        ("GAMESCOPE_FOCUS_DISPLAY", packed(&facts.shown)),
        ("GAMESCOPE_KEYBOARD_FOCUS_DISPLAY", packed(&facts.keyboard)),
        ("GAMESCOPE_MOUSE_FOCUS_DISPLAY", packed(&facts.pointer)),
        ("GAMESCOPE_INPUT_COUNTER", word(facts.inputs)),
        ("GAMESCOPE_CURSOR_VISIBLE_FEEDBACK", word(facts.cursor.into())),
        ("GAMESCOPE_CREATE_XWAYLAND_SERVER_FEEDBACK", created),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apps_are_told_once_and_windows_with_their_app_and_process() {
        let window = |window, app, pid| Focusable { window, app, pid };
        let facts = Facts {
            focusable: vec![window(7, 570, 11), window(8, 570, 12), window(9, 0, 0)],
            app: 570,
            app_gfx: 570,
            window: 7,
            shown: ":3".into(),
            keyboard: ":3".into(),
            pointer: "gamescope-0".into(),
            inputs: 0,
            cursor: true,
            fsr: false,
            vrr: true,
            hdr_monitor: false,
            hdr: false,
            hdr_wanted: false,
            refresh: Refresh(59_940),
            modes: vec![Size { w: 1920, h: 1080 }, Size { w: 1280, h: 720 }],
            created: Some("7 1 :4".into()),
        };
        let told = feedback(&facts, 0);
        let value = |name: &str| told.iter().find(|(n, _)| *n == name).map(|(_, v)| v.clone()).unwrap();
        assert_eq!(value("GAMESCOPE_FOCUSABLE_APPS"), Value::Words(vec![570]));
        let windows = vec![7, 570, 11, 8, 570, 12, 9, 0, 0];
        assert_eq!(value("GAMESCOPE_FOCUSABLE_WINDOWS"), Value::Words(windows));
        let three = Value::Words(vec![u32::from_ne_bytes(*b":3\0\0")]);
        assert_eq!(value("GAMESCOPE_KEYBOARD_FOCUS_DISPLAY"), three);
        let words = [*b"game", *b"scop", *b"e-0\0"].map(u32::from_ne_bytes);
        assert_eq!(value("GAMESCOPE_MOUSE_FOCUS_DISPLAY"), Value::Words(words.into()));
        let modes = Value::Latin("1920x1080@60 1280x720@60".into());
        assert_eq!(value("GAMESCOPE_DISPLAY_MODE_LIST_EXTERNAL"), modes);
        let created = Value::Text("7 1 :4".into());
        assert_eq!(value("GAMESCOPE_CREATE_XWAYLAND_SERVER_FEEDBACK"), created);
        let second = feedback(&facts, 1);
        let id = ("GAMESCOPE_XWAYLAND_SERVER_ID", Value::Words(vec![1]));
        assert!(second.contains(&id));
        assert!(!second.iter().any(|(name, _)| name.contains("FOCUS")));
    }
}
