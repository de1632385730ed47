//! Which windows are shown, and which have keyboard and pointer: a pure function of the window list, so that a recorded
//! list (`--debug-focus` writes it) is a test case (tests/focus).
//!
//! The rules, in short. One main window, the base, fills the output: the one that Steam names, else in Steam's mode a
//! game's before Steam's own, else the one that was mapped or raised last. Above it are its dialogs and menus, then
//! overlays that are not clear, the external ones on top. Keyboard and pointer go to an overlay that asks for them
//! (`STEAM_INPUT_FOCUS`), else to the window clicked last, else to the topmost that takes keys.

use super::marks::{Marks, STEAM};
use serde::{Deserialize, Serialize};

/// Names a window for the session; never reused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WindowId(pub u64);

/// What a window is to the player.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// A main window; one at a time is the base that fills the output.
    #[default]
    Normal,
    /// Belongs above another (a transient, a dialog); a main window, where it covers the game's whole area and the other
    /// does not, as games do that belong to their launcher: in the other's place it would be cut off.
    Dialog {
        /// The window it belongs to, if that is known.
        parent: Option<WindowId>,
    },
    /// Stands in for a program that is still starting: the base while there is no other, and never before one.
    Splash,
    /// Places itself (X11 override-redirect: menus, tooltips) and takes no focus, unless it is all there is or covers
    /// the game's whole area, as old games' full-screen windows do.
    Override {
        /// The window it belongs to, if it says so.
        parent: Option<WindowId>,
    },
}

/// What the policy knows of a mapped window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Info {
    /// Which window.
    pub id: WindowId,
    /// What it is.
    pub role: Role,
    /// It takes keyboard input.
    pub keyboard: bool,
    /// The app it belongs to: in Steam's mode Steam's number (0: not known), else the window's own.
    pub app: u32,
    /// Its X server's place in the list of them, and its number there.
    pub x11: Option<(u32, u32)>,
    /// Its process, if that is known.
    pub pid: u32,
    /// Its size, in pixels of the game's coordinates.
    pub size: (i32, i32),
    /// It covers the game's whole area.
    pub covers: bool,
    /// It wants no place in a taskbar or pager, and is not full-screen: a helper, not a main window.
    pub helper: bool,
    /// Steam's marks.
    pub marks: Marks,
}

/// What player and Steam want, apart from the windows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Wants {
    /// `-e`: apps are Steam's.
    pub steam: bool,
    /// The window the player last clicked or a client activated: it has the keyboard as long as it is shown.
    pub clicked: Option<WindowId>,
    /// `GAMESCOPECTRL_BASELAYER_APPID`: whose windows are the base, best first.
    pub apps: Vec<u32>,
    /// `GAMESCOPECTRL_BASELAYER_WINDOW`: the base itself, an X11 window.
    pub window: Option<u32>,
}

/// The policy's answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Choice {
    /// Fills the output.
    pub base: Option<WindowId>,
    /// What is drawn, bottom to top.
    pub shown: Vec<WindowId>,
    /// Those of them that the pointer can reach.
    pub pointer: Vec<WindowId>,
    /// Has the keyboard.
    pub keyboard: Option<WindowId>,
    /// The app that has the input.
    pub app: u32,
    /// The app whose picture is the base.
    pub app_gfx: u32,
}

impl Info {
    /// Steam may be told of it, to choose it as the base.
    pub fn is_choosable(&self) -> bool {
        let placed = matches!(self.role, Role::Override { .. });
        !placed && !self.helper && !self.marks.is_overlay() && self.marks.opacity > 0 && self.is_usable()
    }

    /// It is more than a point.
    fn is_usable(&self) -> bool {
        self.size.0 > 1 && self.size.1 > 1
    }

    /// It can be the base.
    pub fn is_main(&self) -> bool {
        let role = match self.role {
            Role::Normal => true,
            Role::Override { .. } => self.covers && self.keyboard,
            Role::Dialog { .. } | Role::Splash => false,
        };
        role && !self.marks.is_overlay() && !self.marks.streaming_video
    }
}

/// Chooses from the mapped windows, bottom to top.
pub fn choose(windows: &[Info], wants: &Wants) -> Choice {
    let windows = &with_own_places(windows);
    let Some(base) = base(windows, wants) else {
        return Choice {
            shown: overlays(windows),
            ..Choice::default()
        };
    };
    let game = above(windows, &base, wants);
    let overlays = overlays(windows);
    let find = |id: WindowId| windows.iter().find(|w| w.id == id);
    let takes = |id: &WindowId| find(*id).is_some_and(|w| w.keyboard && (w.is_main() || is_dialog(w)));
    let keyboard = wants
        .clicked
        .filter(|id| game.contains(id) && takes(id))
        .or_else(|| game.iter().rev().copied().find(|id| takes(id)))
        // A game may be nothing but a window that places itself, or a splash; the keys would go nowhere.
        .or_else(|| base.keyboard.then_some(base.id));
    let asking = overlays
        .iter()
        .rev()
        .filter_map(|id| find(*id))
        .find(|w| w.marks.overlay && w.marks.input_focus > 0);
    let focused = asking.map_or(&base, |w| w);
    Choice {
        base: Some(base.id),
        pointer: asking.map_or_else(|| game.clone(), |w| vec![w.id]),
        keyboard: match asking {
            // Whatever its hints say: Steam has asked for it.
            Some(overlay) if overlay.marks.input_focus == 1 => Some(overlay.id),
            _ => keyboard,
        },
        shown: video(windows, &base).into_iter().chain(game).chain(overlays).collect(),
        app: focused.app,
        app_gfx: base.app,
    }
}

/// The windows, with those dialogs as main windows that cover everything when what they belong to does not.
fn with_own_places(windows: &[Info]) -> Vec<Info> {
    let is_cut = |w: &Info| match w.role {
        Role::Dialog { parent } => match windows.iter().find(|w| Some(w.id) == parent) {
            Some(parent) => !parent.covers,
            None => !windows.iter().any(|w| w.role == Role::Normal && w.covers),
        },
        _ => false,
    };
    let own = |w: &Info| Info {
        role: if w.covers && is_cut(w) { Role::Normal } else { w.role },
        ..*w
    };
    windows.iter().map(own).collect()
}

/// Neither lies over the base nor below it.
fn plain(w: &Info) -> bool {
    !w.marks.is_overlay() && !w.marks.streaming_video
}

/// The window that Steam names by its number. X servers give the same numbers: of several windows a game's is meant, of
/// games' that of the app that is named first, else the first server's.
pub fn named(windows: &[Info], wants: &Wants) -> Option<Info> {
    let rank = |w: &Info| wants.apps.iter().position(|app| *app == w.app).unwrap_or(usize::MAX);
    let of_number = |w: &&Info| plain(w) && w.x11.is_some_and(|(_, x11)| Some(x11) == wants.window);
    let key = |w: &&Info| (w.app == STEAM, rank(w), w.x11);
    windows.iter().filter(of_number).min_by_key(key).copied()
}

/// The base window.
fn base(windows: &[Info], wants: &Wants) -> Option<Info> {
    let top = |f: &dyn Fn(&Info) -> bool| windows.iter().rev().find(|w| f(w)).copied();
    if let Some(named) = named(windows, wants) {
        return Some(named);
    }
    let seen = |w: &Info| plain(w) && w.marks.opacity > 0;
    let of_app = |app: &u32| best(windows, &|w| seen(w) && w.app == *app);
    let named = wants.apps.iter().find_map(of_app);
    let game = || best(windows, &|w| wants.steam && seen(w) && w.app != 0 && w.app != STEAM);
    let big_picture = || top(&|w| wants.steam && w.is_main() && seen(w) && w.marks.big_picture);
    named
        .or_else(game)
        .or_else(big_picture)
        .or_else(|| best(windows, &|_| true))
        .or_else(|| top(&|w| seen(w) && is_dialog(w)))
        .or_else(|| top(&seen))
        .or_else(|| top(&plain))
}

/// The best main window of those that count: one that can be seen, is a window and no helper, and the newest of them.
fn best(windows: &[Info], counts: &dyn Fn(&Info) -> bool) -> Option<Info> {
    windows
        .iter()
        .enumerate()
        .filter(|(_, w)| w.is_main() && counts(w))
        .max_by_key(|(at, w)| (w.marks.opacity > 0, w.is_usable(), !w.helper, *at))
        .map(|(_, w)| *w)
}

/// The base and what belongs above it, bottom to top.
fn above(windows: &[Info], base: &Info, wants: &Wants) -> Vec<WindowId> {
    // In Steam's mode the apps tell whose a window is that does not say.
    let same_app = |w: &Info| !wants.steam || w.app == 0 || base.app == 0 || w.app == base.app;
    // Each X server has its own coordinates; Wayland windows share the first one's.
    let server = |w: &Info| w.x11.map_or(0, |(server, _)| server);
    let others = || windows.iter().filter(|w| w.id != base.id && !w.marks.is_overlay());
    let belongs =
        |w: &&Info| w.marks.opacity > 0 && belongs_to(windows, w, base.id, same_app(w) && server(w) == server(base));
    let dialogs = others()
        .filter(|w| is_dialog(w) || w.role == Role::Splash)
        .filter(belongs);
    let menus = others()
        .filter(|w| matches!(w.role, Role::Override { .. }) && !w.is_main())
        .filter(belongs);
    let mut all = vec![base.id];
    all.extend(dialogs.map(|w| w.id));
    all.extend(menus.map(|w| w.id));
    all
}

/// The video that a streaming client is drawn over.
fn video(windows: &[Info], base: &Info) -> Option<WindowId> {
    let of_client = windows.iter().rev().find(|w| w.marks.streaming_video);
    of_client.filter(|_| base.marks.streaming_client).map(|w| w.id)
}

/// The overlays that can be seen, bottom to top: large ones below notifications, external ones above all.
fn overlays(windows: &[Info]) -> Vec<WindowId> {
    let mut seen: Vec<&Info> = windows
        .iter()
        .filter(|w| w.marks.is_overlay() && w.marks.opacity > 0)
        .collect();
    let area = |w: &Info| i64::from(w.size.0) * i64::from(w.size.1);
    seen.sort_by_key(|w| (w.marks.external_overlay, -area(w)));
    seen.into_iter().map(|w| w.id).collect()
}

fn is_dialog(w: &Info) -> bool {
    matches!(w.role, Role::Dialog { .. })
}

/// Whether a window's chain of parents ends at `base`. One without parents (an orphan) belongs to whatever is the base,
/// if `orphan` says so.
fn belongs_to(windows: &[Info], window: &Info, base: WindowId, orphan: bool) -> bool {
    let mut at = *window;
    // A client may make a loop of parents: no chain is longer than the list.
    for _ in 0..windows.len() {
        let parent = match at.role {
            Role::Dialog { parent } | Role::Override { parent } => parent,
            Role::Splash => None,
            Role::Normal => return false,
        };
        let Some(parent) = parent else { return orphan };
        if parent == base {
            return true;
        }
        let Some(next) = windows.iter().find(|w| w.id == parent) else {
            return orphan;
        };
        at = *next;
    }
    true
}

#[cfg(test)]
mod tests;
