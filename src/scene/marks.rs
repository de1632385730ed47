//! What Steam and gamescope's helpers say of a window, and what Steam says of the session: plain values, which the focus
//! policy reads. They come from X properties (`xwayland::properties`), or from a recorded list.

use serde::{Deserialize, Serialize};

/// Steam's own app id.
pub const STEAM: u32 = 769;

/// The marks of one window. Those of a window without any are the default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Marks {
    /// `STEAM_GAME`: the app it belongs to; 0: not said.
    pub game: u32,
    /// `STEAM_BIGPICTURE`: Steam's main window.
    pub big_picture: bool,
    /// `STEAM_OVERLAY`: drawn over the game.
    pub overlay: bool,
    /// `GAMESCOPE_EXTERNAL_OVERLAY`: drawn over everything, never has input (a performance display).
    pub external_overlay: bool,
    /// `STEAM_INPUT_FOCUS`: 1: an overlay takes pointer and keyboard; 2: the pointer only.
    pub input_focus: u32,
    /// `STEAM_STREAMING_CLIENT`: shows what another machine plays, over its video.
    pub streaming_client: bool,
    /// `STEAM_STREAMING_CLIENT_VIDEO`: that video.
    pub streaming_video: bool,
    /// `_NET_WM_WINDOW_OPACITY`: 0 is clear, `u32::MAX` opaque.
    pub opacity: u32,
}

impl Default for Marks {
    fn default() -> Self {
        Self {
            game: 0,
            big_picture: false,
            overlay: false,
            external_overlay: false,
            input_focus: 0,
            streaming_client: false,
            streaming_video: false,
            opacity: u32::MAX,
        }
    }
}

impl Marks {
    /// An overlay of either kind.
    pub fn is_overlay(&self) -> bool {
        self.overlay || self.external_overlay
    }

    /// The app in Steam's mode: Steam's old main window is Steam's without saying so, a performance display is no app's. A
    /// window that Steam has not marked (it can't mark a Wayland one) is of the app that its process was `launched` for.
    pub fn app(&self, launched: u32) -> u32 {
        match self {
            Self {
                external_overlay: true, ..
            } => 0,
            Self { big_picture: true, .. } => STEAM,
            Self { game: 0, .. } => launched,
            _ => self.game,
        }
    }

    /// The opacity as a factor, 0 to 1.
    pub fn alpha(&self) -> f32 {
        (f64::from(self.opacity) / f64::from(u32::MAX)) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_counts_more_than_the_process() {
        let marked = |game| Marks {
            game,
            ..Marks::default()
        };
        assert_eq!((marked(0).app(0), marked(0).app(570)), (0, 570));
        assert_eq!((marked(STEAM).app(570), marked(400).app(0)), (STEAM, 400));
        let display = Marks {
            external_overlay: true,
            ..marked(0)
        };
        let old_steam = Marks {
            big_picture: true,
            ..marked(0)
        };
        assert_eq!((display.app(570), old_steam.app(570)), (0, STEAM));
    }
}
