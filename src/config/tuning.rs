//! What a profile changes while the session runs: when its game's window comes to the front, its sound and bit rate are
//! used, and those of the start when another's does. Pure.

use super::profile::Profile;
use crate::link::Rate;
use crate::stream::audio;

/// What may be another for each game while the session runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tuning {
    /// The sound; `None`: there is none.
    pub sound: Option<audio::Tuning>,
    /// The picture's bits; `None`: there is no stream.
    pub rate: Option<Rate>,
}

/// A window, as profiles know games.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// The app that it is said to belong to (`STEAM_GAME`), or 0.
    pub app: u64,
    /// What it calls its program: Wayland's app id, or both names of X11's `WM_CLASS`.
    pub names: Vec<String>,
}

impl Shown {
    /// The app: as said, or as Proton names it.
    pub(super) fn is_app(&self, id: u64) -> bool {
        let proton = |name: &String| name.strip_prefix("steam_app_").and_then(|id| id.parse().ok());
        self.app == id || self.names.iter().filter_map(proton).any(|named: u64| named == id)
    }
}

/// One profile's.
#[derive(Clone, Debug)]
pub struct Tuned {
    /// Whose it is.
    pub profile: Profile,
    /// What it says, or what is said otherwise.
    pub tuning: Tuning,
}

/// All profiles' that say something of it, in the file's order.
#[derive(Clone, Debug, Default)]
pub struct Profiles(pub Vec<Tuned>);

impl Profiles {
    /// The first that is this window's.
    pub fn of(&self, window: &Shown) -> Option<&Tuned> {
        self.0.iter().find(|tuned| tuned.profile.is_of(window))
    }
}
