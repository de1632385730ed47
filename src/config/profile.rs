//! Profiles: what the file says for single games, in tables `[profile.NAME]`. Owns which keys they may have and which
//! profile is a program's.

use super::file::{Mistake, unknown};
use super::tuning::Shown;
use crate::cli::Options;
use crate::cli::values::one_or_many;
use serde::Deserialize;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The table of profiles.
pub const TABLE: &str = "profile";
/// Which game it is for.
const MATCH: &str = "match";
/// The options that may differ from game to game.
const KEYS: &[&str] = &[
    "audio-bitrate",
    "audio-channels",
    "audio-packet",
    "bitrate",
    "encoder",
    "filter",
    "force-grab-cursor",
    "framerate-limit",
    "mouse-sensitivity",
    "nested-height",
    "nested-refresh",
    "nested-width",
    "output-height",
    "output-width",
    "scaler",
    "sharpness",
];
/// Where Steam says which app it starts.
const APP_VARIABLES: &[&str] = &["SteamAppId", "SteamGameId", "STEAM_COMPAT_APP_ID"];

/// One game's settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// Its name in the file.
    pub name: String,
    matches: Match,
    /// What it sets.
    pub options: Options,
}

/// One of these is enough.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Match {
    /// Steam's app ids.
    #[serde(deserialize_with = "one_or_many")]
    app: Vec<u64>,
    /// Names of executables, without folders.
    #[serde(deserialize_with = "one_or_many")]
    program: Vec<String>,
}

/// What is to be started.
#[derive(Debug)]
pub struct Game<'a> {
    apps: Vec<u64>,
    command: &'a [OsString],
}

impl<'a> Game<'a> {
    /// The program and its arguments. `env` looks up an environment variable.
    pub fn new(command: &'a [OsString], env: &dyn Fn(&str) -> Option<OsString>) -> Self {
        let values = APP_VARIABLES.iter().filter_map(|name| env(name));
        let apps = values.filter_map(|value| value.to_str()?.parse().ok());
        Self {
            apps: apps.collect(),
            command,
        }
    }

    /// Whether an executable of this name is started: the program, or one that it is told to start (Steam starts games by a
    /// row of its own programs).
    fn runs(&self, name: &str) -> bool {
        let is = |word: &&OsString| Path::new(word).file_name() == Some(OsStr::new(name));
        self.command.iter().find(is).is_some()
    }
}

impl Profile {
    /// Whether it is this game's.
    pub fn is_for(&self, game: &Game<'_>) -> bool {
        let Match { app, program } = &self.matches;
        app.iter().any(|id| game.apps.contains(id)) || program.iter().any(|name| game.runs(name))
    }

    /// Whether it is the game's that this window is of.
    pub fn is_of(&self, window: &Shown) -> bool {
        let Match { app, program } = &self.matches;
        app.iter().any(|id| window.is_app(*id)) || program.iter().any(|name| window.names.contains(name))
    }
}

/// Takes the profiles out of the file's table, in the order in which they are written.
pub fn take(table: &mut DeTable<'_>) -> Result<Vec<Profile>, Mistake> {
    let Some(profiles) = table.remove(TABLE) else {
        return Ok(Vec::new());
    };
    let at = profiles.span().start;
    let DeValue::Table(profiles) = profiles.into_inner() else {
        return Err(Mistake::at(at, "a profile has a name: [profile.NAME]"));
    };
    let mut profiles: Vec<_> = profiles.into_iter().collect();
    profiles.sort_by_key(|(name, _)| name.span().start);
    let read = |(name, value): (Spanned<_>, Spanned<_>)| profile(&name, value);
    profiles.into_iter().map(read).collect()
}

fn profile(name: &Spanned<toml::de::DeString<'_>>, value: Spanned<DeValue<'_>>) -> Result<Profile, Mistake> {
    let (at, span) = (name.span().start, value.span());
    let name = name.get_ref().to_string();
    let DeValue::Table(mut table) = value.into_inner() else {
        return Err(Mistake::at(at, "a profile has a name: [profile.NAME]"));
    };
    let matches = match table.remove(MATCH) {
        Some(value) => Match::deserialize(toml::de::ValueDeserializer::from(value))?,
        None => Match::default(),
    };
    if matches == Match::default() {
        return Err(Mistake::at(
            at,
            "a profile says which game it is for: match = { app = 480 } or { program = \"NAME\" }",
        ));
    }
    let mut present: Vec<_> = table.keys().map(|key| (key.span().start, key.get_ref())).collect();
    present.sort();
    if let Some((at, key)) = present.into_iter().find(|(_, key)| !KEYS.contains(&&***key)) {
        let keys: Vec<_> = KEYS.iter().map(|key| (*key).to_owned()).collect();
        return Err(Mistake::at(at, format!("{}, in a profile", unknown(key, &keys))));
    }
    let options = Options::deserialize(toml::de::Deserializer::from(Spanned::new(span, table)))?;
    Ok(Profile { name, matches, options })
}

#[cfg(test)]
mod tests {
    use super::super::file::{File, parse};
    use super::*;

    const TWO: &str = "scaler = 'fit'\n\
                       [profile.racing]\nmatch = { program = ['supertuxkart', 'racer'] }\naudio-channels = 6\naudio-packet = 2.5\n\
                       [profile.old]\nmatch = { app = 480, program = 'racer' }\nbitrate = 4000\n";

    fn chosen(file: &File, command: &[&str], app: Option<&str>) -> Option<String> {
        let command: Vec<OsString> = command.iter().map(OsString::from).collect();
        let env = |name: &str| (name == "SteamAppId").then_some(app?.into());
        let game = Game::new(&command, &env);
        let profile = file.profiles.iter().find(|profile| profile.is_for(&game));
        profile.map(|profile| profile.name.clone())
    }

    #[test]
    fn a_game_is_known_by_its_program_or_its_app() {
        let file = parse(TWO).unwrap();
        let profile = |command: &[&str], app| chosen(&file, command, app);
        assert_eq!(profile(&["/usr/games/supertuxkart", "--x"], None).unwrap(), "racing");
        assert_eq!(
            profile(&["reaper", "--", "/games/racer"], None).unwrap(),
            "racing",
            "the first"
        );
        assert_eq!(profile(&["xterm"], Some("480")).unwrap(), "old");
        for (command, app) in [(&["xterm"][..], None), (&[], Some("48")), (&["racer.exe"], Some("x"))] {
            assert_eq!(profile(command, app), None);
        }
        assert_eq!(file.options.scaler, Some(crate::config::Scaler::Fit));
        assert_eq!(file.options.bitrate, None);
        assert_eq!(file.profiles[1].options.bitrate, Some(crate::cli::values::Kbps(4000)));
    }

    #[test]
    fn mistakes_have_their_line() {
        let mistake = |text: &str| parse(text).map(|_| ()).unwrap_err();
        for (text, line, what) in [
            ("\n[profile.x]\nbitrate = 400", 2, "which game it is for"),
            ("\n[profile.x]\nmatch = {}", 2, "which game it is for"),
            ("[profile.x]\nmatch = { app = 'x' }", 2, "invalid type"),
            ("[profile.x]\nmatch = { exe = 'x' }", 2, "unknown field"),
            (
                "[profile.x]\nmatch = { app = 1 }\nbitrat = 400",
                3,
                "unknown key 'bitrat'; is 'bitrate' meant?, in a profile",
            ),
            (
                "[profile.x]\nmatch = { app = 1 }\nstream = '[::]:1'",
                3,
                "unknown key 'stream'",
            ),
            ("[profile.x]\nmatch = { app = 1 }\naudio-channels = 7", 3, "7"),
            ("rt = true\nprofile = 3", 2, "[profile.NAME]"),
            ("[profile]\nx = 3", 2, "[profile.NAME]"),
        ] {
            let (at, said) = mistake(text).told(text);
            assert!(at == line && said.contains(what), "{text:?}: {at}: {said}");
        }
    }

    #[test]
    fn every_key_is_an_options() {
        for key in KEYS {
            assert!(super::super::file::keys().iter().any(|known| known == key), "{key}");
        }
    }
}
