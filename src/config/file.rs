//! The configuration file: TOML, one key for each option, by its long name.
//!
//! Every mistake is told as `FILE:LINE: what`, keys first: a key that is unknown, or gamescope's but not served, is
//! refused before its value is looked at. Tables `[profile.NAME]` are the [`profile`]s'.

use super::profile::{self, Profile};
use crate::cli::{Cli, Options, Refusal, unserved};
use clap::CommandFactory;
use serde::Deserialize;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Keys that are flags only: a file can't name another file, and help is not a setting.
const FLAGS_ONLY: &[&str] = &["config", "help", "version"];

/// Reads the file `named` by the user, or the user's own if there is one, and says which it was.
///
/// A file that is named must be there; the user's own need not. `env` looks up an environment variable.
pub fn read(
    named: Option<PathBuf>,
    env: &dyn Fn(&str) -> Option<OsString>,
) -> Result<Option<(File, PathBuf)>, Refusal> {
    let (path, must_exist) = match named {
        Some(path) => (path, true),
        None => match default_path(env) {
            Some(path) => (path, false),
            None => return Ok(None),
        },
    };
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound && !must_exist => return Ok(None),
        Err(e) => {
            return Err(Refusal {
                message: format!("{}: cannot be read: {e}", path.display()),
                code: 1,
            });
        }
    };
    match parse(&text) {
        Ok(file) => Ok(Some((file, path))),
        Err(mistake) => {
            let (line, what) = mistake.told(&text);
            Err(Refusal::usage(format!("{}:{line}: {what}", path.display())))
        }
    }
}

/// `$XDG_CONFIG_HOME/goggles-scope/config.toml`; the specification's default for an unset, empty or relative variable.
fn default_path(env: &dyn Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let absolute = |name| env(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let directory = absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")))?;
    Some(directory.join(Path::new("goggles-scope/config.toml")))
}

/// What a file says.
#[derive(Debug, Default, PartialEq)]
pub struct File {
    /// For every program.
    pub options: Options,
    /// For single games, in their order.
    pub profiles: Vec<Profile>,
}

/// Something wrong in the file.
#[derive(Debug, PartialEq)]
pub(super) struct Mistake {
    /// Which byte.
    at: usize,
    what: String,
}

impl Mistake {
    pub(super) fn at(at: usize, what: impl Into<String>) -> Self {
        let what = what.into();
        Self { at, what }
    }

    /// Its line in this text, from 1, and what it is.
    pub(super) fn told(self, text: &str) -> (usize, String) {
        let before = &text.as_bytes()[..self.at.min(text.len())];
        (before.iter().filter(|&&b| b == b'\n').count() + 1, self.what)
    }
}

impl From<toml::de::Error> for Mistake {
    fn from(e: toml::de::Error) -> Self {
        let at = e.span().map_or(0, |span| span.start);
        Self::at(at, e.message().trim_end().replace('\n', " "))
    }
}

/// The names of the options, which are the file's keys.
pub(super) fn keys() -> Vec<String> {
    let command = Cli::command();
    let longs = command.get_arguments().filter_map(|arg| arg.get_long());
    longs
        .filter(|long| !FLAGS_ONLY.contains(long))
        .map(str::to_owned)
        .collect()
}

pub(super) fn parse(text: &str) -> Result<File, Mistake> {
    let mut table = toml::de::DeTable::parse(text)?;
    let keys = keys();
    // In the file's order: the first mistake is the one to read first.
    let mut present: Vec<_> = table
        .get_ref()
        .iter()
        .map(|(key, _)| (key.span().start, key.get_ref()))
        .collect();
    present.sort();
    let known = |key: &str| key == profile::TABLE || keys.iter().any(|known| known == key);
    if let Some((at, key)) = present.into_iter().find(|(_, key)| !known(key)) {
        return Err(Mistake::at(at, unknown(key, &keys)));
    }
    let profiles = profile::take(table.get_mut())?;
    let options = Options::deserialize(toml::de::Deserializer::from(table))?;
    Ok(File { options, profiles })
}

pub(super) fn unknown(key: &str, keys: &[String]) -> String {
    if let Some(option) = unserved::find(key) {
        return option.words(&format!("'{key}'"));
    }
    if FLAGS_ONLY.contains(&key) {
        return format!("'{key}' is a flag, not a key");
    }
    match keys.iter().map(|known| (distance(key, known), known)).min() {
        Some((steps, known)) if steps <= 3 => format!("unknown key '{key}'; is '{known}' meant?"),
        _ => format!("unknown key '{key}'; the keys are the long names of the options"),
    }
}

/// How many letters must be put in, taken out or replaced to make `b` of `a` (Levenshtein's distance).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::values::{Extent, Hertz};
    use crate::config::Scaler;

    const DOCUMENTED: &str = include_str!("../../resources/config.toml");

    fn mistake(text: &str) -> (usize, String) {
        parse(text).expect_err(text).told(text)
    }

    #[test]
    fn reads_every_kind() {
        let options = parse(
            "output-height = 1080\nnested-refresh = 59.94\nscaler = 'fit'\nsteam = true\nstream = '[::1]:4433'\n\
             framerate-limit = '60000/1001'\nhide-cursor-delay = 'never'\nmouse-sensitivity = 2\n",
        )
        .unwrap()
        .options;
        assert_eq!(options.output_height, Some(Extent(1080)));
        assert_eq!(options.nested_refresh, Some(Hertz(59_940)));
        assert_eq!(options.scaler, Some(Scaler::Fit));
        assert_eq!(options.steam, Some(true));
        assert_eq!(options.stream.len(), 1);
        let many = parse("stream = ['[::1]:4433', '127.0.0.1:4433']").unwrap().options;
        assert_eq!(many.stream.len(), 2);
    }

    #[test]
    fn mistakes_have_their_line() {
        assert_eq!(
            mistake("# a comment\noutput-height = 720\nouput-width = 1280\n"),
            (3, "unknown key 'ouput-width'; is 'output-width' meant?".into())
        );
        assert_eq!(mistake("\n\n[output]\nwidth = 3\n").0, 3);
        assert_eq!(
            mistake("rt = true\nmura-map = 'x'"),
            (
                2,
                "'mura-map' is gamescope's, and evens out one panel's flaws, and the stream has no panel".into()
            )
        );
        assert_eq!(mistake("config = 'x'"), (1, "'config' is a flag, not a key".into()));
        assert_eq!(
            mistake("rt = true\noutput-width = 7"),
            (2, "a whole number of pixels from 16 to 16384 is wanted, not 7".into())
        );
        for (line, text) in [
            (1, "output-width = '1280'"),
            (2, "# x\noutput-width = 1280.0"),
            (2, "\nrt = 1"),
            (3, "\n\nscaler = 'largest'"),
            (2, "\nstream = 4433"),
            (1, "stream = [\n 'x:1',\n '127.0.0.1:1']\n"),
            (2, "rt = true\nrt = false"),
            (2, "rt = true\nsteam = "),
            (2, "rt = true\nmouse-sensitivity = 'fast'"),
        ] {
            let (got, what) = mistake(text);
            assert_eq!(got, line, "{text:?}: {what}");
        }
    }

    #[test]
    fn every_option_is_documented_with_its_default() {
        // Each key stands once, commented out, as `# key = value`; uncommented, the whole must parse and change nothing.
        let (options, _) = DOCUMENTED.split_once("## Profiles").unwrap();
        let lines = options.lines().filter_map(|line| line.strip_prefix("# "));
        let pairs: Vec<_> = lines
            .filter_map(|line| line.split_once(" = "))
            .filter(|(key, _)| key.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'))
            .collect();
        let mut documented: Vec<_> = pairs.iter().map(|(key, _)| key.to_string()).collect();
        let mut keys = keys();
        documented.sort();
        keys.sort();
        assert_eq!(documented, keys);
        assert_eq!(parse(DOCUMENTED), Ok(File::default()), "as it is, it sets nothing");

        let text: String = pairs.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
        let shown = parse(&text).unwrap().options;
        // These have no default value to show: the line is an example.
        let examples = Options {
            nested_width: None,
            nested_height: None,
            cursor: None,
            cursor_hotspot: None,
            hotkeys: None,
            edid: None,
            max_scale: None,
            cursor_scale_height: None,
            screenshot_dir: None,
            stream: Vec::new(),
            bitrate: None,
            audio_bitrate: None,
            ready_fd: None,
            stats_path: None,
            keyboard_options: None,
            ..shown
        };
        let with = |options| format!("{:?}", super::super::resolve(options, Vec::new(), true).unwrap());
        assert_eq!(with(examples), with(Options::default()));
    }

    #[test]
    fn the_profile_that_is_shown_is_one() {
        let (_, shown) = DOCUMENTED.split_once("## Profiles").unwrap();
        let lines = shown.lines().filter_map(|line| line.strip_prefix("# "));
        let text: Vec<_> = lines.skip_while(|line| !line.starts_with('[')).collect();
        let profiles = parse(&text.join("\n")).unwrap().profiles;
        assert_eq!(profiles.len(), 1);
    }
}
