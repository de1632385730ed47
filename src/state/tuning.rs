//! Follows the game in front with its profile's sound and bit rate.

use super::{Scope, State};
use crate::config::{Shown, Tuning};
use crate::stream::audio;

/// The profile that is followed now.
#[derive(Clone, Debug, PartialEq)]
pub struct Followed {
    /// Its name, if it is one.
    pub profile: Option<String>,
    /// What it says.
    pub tuning: Tuning,
}

impl State {
    /// Looks at whose window is in front. With no window there is nothing to follow.
    pub(super) fn tuning_turn(&mut self) {
        let Some(shown) = self.scope.shown() else { return };
        let settings = &self.scope.settings;
        let (profile, tuning) = match settings.profiles.of(&shown) {
            Some(tuned) => (Some(&tuned.profile.name), tuned.tuning),
            None => (settings.profile.as_ref(), settings.tuning()),
        };
        let last = &self.scope.followed;
        if last.profile.as_ref() == profile && last.tuning == tuning {
            return;
        }
        match profile {
            Some(name) => tracing::info!("the sound and bit rate of the profile '{name}' are used"),
            None => tracing::info!("the sound and bit rate of no profile are used"),
        }
        if let (Some(rate), true) = (tuning.rate, tuning.rate != last.tuning.rate) {
            self.backend.set_rate(rate);
        }
        if let (Some(sound), true, Some(audio)) = (
            tuning.sound,
            tuning.sound != last.tuning.sound,
            self.scope.audio.as_ref(),
        ) {
            audio.send(audio::Message::Tuning(sound));
        }
        self.scope.followed = Followed {
            profile: profile.cloned(),
            tuning,
        };
    }
}

impl Scope {
    /// The main window in front, if there are profiles to find it in.
    fn shown(&self) -> Option<Shown> {
        if self.settings.profiles.0.is_empty() {
            return None;
        }
        let window = self.windows.get(self.choice.base?)?;
        let mut names = vec![window.app_id()];
        names.extend(window.x11().map(|x11| x11.instance()));
        Some(Shown {
            app: window.marks.app(window.owner.app).into(),
            names,
        })
    }
}
