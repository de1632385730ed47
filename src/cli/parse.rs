//! From arguments to what is to be done.

use super::{Cli, Command, Options, unserved};
use crate::config::{self, Game, Profile, Profiles, Settings};
use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches};
use std::ffi::OsString;
use std::path::PathBuf;

/// What the arguments ask for.
#[derive(Debug)]
pub enum Action {
    /// Run the compositor.
    Run(Box<Settings>),
    /// Say what this machine can do (for these settings).
    Doctor {
        /// What would be run.
        settings: Box<Settings>,
        /// As JSON, for programs.
        json: bool,
    },
    /// Write this to standard output.
    Print(String),
}

/// Why nothing is run, in words for the user; may be several lines.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// What is wrong.
    pub message: String,
    /// The exit status: 2 for what the user typed or wrote, 1 for what could not be read.
    pub code: i32,
}

impl Refusal {
    /// The user's mistake.
    pub fn usage(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code: 2,
        }
    }
}

/// The parser, with gamescope's options that are none of ours.
pub fn command() -> clap::Command {
    unserved::teach(Cli::command())
}

/// Reads `args` (the program's name first) and the configuration file. `env` looks up an environment variable.
pub fn parse<I>(args: I, env: &dyn Fn(&str) -> Option<OsString>) -> Result<Action, Refusal>
where
    I: IntoIterator<Item = OsString>,
{
    let matches = match command().try_get_matches_from(args) {
        Ok(matches) => matches,
        Err(e) if matches!(e.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            return Ok(Action::Print(e.render().to_string()));
        }
        Err(e) => return Err(Refusal::usage(explain(&e))),
    };
    let taken = unserved::given(&matches).map_err(Refusal::usage)?;
    let cli = Cli::from_arg_matches(&matches).map_err(|e| Refusal::usage(explain(&e)))?;
    match cli.subcommand {
        Some(Command::Completions { shell }) => Ok(Action::Print(completions(shell))),
        Some(Command::Doctor { json }) => {
            // The doctor examines what is served, whatever desktop it is called from.
            let settings = read_file(cli.options, cli.config, &[], env)?.resolve(Vec::new(), true)?;
            Ok(Action::Doctor {
                settings: Box::new(settings),
                json,
            })
        }
        None => {
            let for_stream = stream_flag(&cli.options);
            let merged = read_file(cli.options, cli.config, &cli.command, env)?;
            if let Some(flag) = for_stream
                && merged.options.stream.is_empty()
            {
                return Err(Refusal::usage(format!(
                    "{flag} is for a stream: say --stream ADDR:PORT, too"
                )));
            }
            let displayless = ["WAYLAND_DISPLAY", "DISPLAY"]
                .iter()
                .all(|name| env(name).is_none_or(|v| v.is_empty()));
            let mut settings = merged.resolve(cli.command, displayless)?;
            settings.taken = taken;
            Ok(Action::Run(Box::new(settings)))
        }
    }
}

/// What was said everywhere.
struct Merged {
    options: Options,
    /// The file, if there is one.
    path: Option<PathBuf>,
    /// The name of the game's profile in it.
    profile: Option<String>,
    /// All its profiles, each with what is said for its game.
    profiles: Vec<(Profile, Options)>,
}

impl Merged {
    fn resolve(self, command: Vec<OsString>, displayless: bool) -> Result<Settings, Refusal> {
        let settings = config::resolve(self.options, command, displayless);
        let mut settings = settings.map_err(|e| e.refusal(self.path.as_deref()))?;
        settings.profile = self.profile;
        let tuned = self.profiles.into_iter().map(|(p, o)| config::tuned(p, &o, &settings));
        let tuned: Result<_, _> = tuned.collect();
        settings.profiles = Profiles(tuned.map_err(|e| e.refusal(self.path.as_deref()))?);
        Ok(settings)
    }
}

/// The options of the flags over those of the command's profile over those of the file.
fn read_file(
    flags: Options,
    path: Option<PathBuf>,
    command: &[OsString],
    env: &dyn Fn(&str) -> Option<OsString>,
) -> Result<Merged, Refusal> {
    let Some((file, path)) = config::read(path, env)? else {
        return Ok(Merged {
            options: flags,
            path: None,
            profile: None,
            profiles: Vec::new(),
        });
    };
    let game = Game::new(command, env);
    let of = |profile: &Profile| flags.clone().over(profile.options.clone()).over(file.options.clone());
    let profile = file.profiles.iter().find(|profile| profile.is_for(&game));
    Ok(Merged {
        options: profile.map_or_else(|| flags.clone().over(file.options.clone()), of),
        path: Some(path),
        profile: profile.map(|profile| profile.name.clone()),
        profiles: file.profiles.iter().map(|p| (p.clone(), of(p))).collect(),
    })
}

/// The first flag that only a stream uses. (Without a stream it would do nothing; in the file, it waits for one.)
fn stream_flag(flags: &Options) -> Option<&'static str> {
    let given = [
        ("--stream-name", flags.stream_name.is_some()),
        ("--encoder", flags.encoder.is_some()),
        ("--bitrate", flags.bitrate.is_some()),
        ("--audio", flags.audio.is_some()),
        ("--audio-channels", flags.audio_channels.is_some()),
        ("--audio-bitrate", flags.audio_bitrate.is_some()),
        ("--audio-packet", flags.audio_packet.is_some()),
        ("--microphone", flags.microphone.is_some()),
    ];
    given.iter().find(|(_, given)| *given).map(|(flag, _)| *flag)
}

/// clap's words, but for the mistake that is made most.
fn explain(e: &clap::Error) -> String {
    use clap::error::{ContextKind, ContextValue};
    let word = match e.kind() {
        ErrorKind::InvalidSubcommand => e.get(ContextKind::InvalidSubcommand),
        ErrorKind::UnknownArgument => e.get(ContextKind::InvalidArg),
        _ => None,
    };
    if let Some(ContextValue::String(word)) = word
        && !word.starts_with('-')
    {
        return format!(
            "'{word}' is neither an option nor one of doctor and completions; a program to run comes after '--': \
             goggles-scope [OPTIONS] -- {word}"
        );
    }
    let text = e.render().to_string();
    text.strip_prefix("error: ").unwrap_or(&text).trim_end().to_owned()
}

fn completions(shell: clap_complete::Shell) -> String {
    let mut out = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "goggles-scope", &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
