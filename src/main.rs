//! The binary: arguments, settings, logging, and the exit status. All else is the library.

use goggles_scope::child::{self, Inherited, reaper};
use goggles_scope::cli::{self, Action, Refusal};
use goggles_scope::config::Settings;
use goggles_scope::preflight;
use goggles_scope::priority;
use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// What is logged if nobody says otherwise: what we do, and what troubles the libraries. smithay calls each end of
/// Xwayland an error; we say ourselves when it is one.
const LOGGED: &str = "warn,goggles_scope=info,viewer=info,smithay::xwayland=off,smithay::utils::x11rb=off";

fn main() -> ExitCode {
    // Before all else: libraries and our own set-up change what the program is to have as it was.
    Inherited::at_start();
    let mut arguments = std::env::args_os();
    if arguments.next().is_some_and(|name| name == reaper::NAME) {
        return exit(reaper::main(arguments));
    }
    match start() {
        Ok(code) => exit(code),
        Err(refusal) => {
            say(&mut std::io::stderr(), &format!("goggles-scope: {refusal}\n"));
            exit(refusal.code)
        }
    }
}

fn start() -> Result<i32, Refusal> {
    match cli::parse(std::env::args_os(), &env)? {
        Action::Print(text) => {
            say(&mut std::io::stdout(), &text);
            Ok(0)
        }
        Action::Doctor { settings, json } => doctor(&settings, json),
        Action::Run(settings) => run(*settings),
    }
}

/// Says what this machine can do. Status 1: what was asked for can't be done.
fn doctor(settings: &Settings, json: bool) -> Result<i32, Refusal> {
    let found = preflight::examine(settings, &env);
    let text = if json {
        preflight::json(&found).map_err(|e| failure(&format!("error writing JSON: {e}")))?
    } else {
        preflight::table(&found)
    };
    say(&mut std::io::stdout(), &text);
    Ok(found
        .iter()
        .any(|finding| finding.state == preflight::State::Missing)
        .into())
}

fn run(settings: Settings) -> Result<i32, Refusal> {
    child::without_overlay().map_err(|e| failure(&format!("error running again without Steam's overlay: {e}")))?;
    log()?;
    preflight::check(&settings, &env)?;
    priority::more_files();
    goggles_scope::run::run(settings).map_err(|e| failure(&format!("{e:#}")))
}

/// Logs to standard error, as `GOGGLES_LOG` says, or `RUST_LOG` (`tracing_subscriber`'s directives).
fn log() -> Result<(), Refusal> {
    let said = ["GOGGLES_LOG", "RUST_LOG"]
        .into_iter()
        .find_map(|name| Some((name, std::env::var(name).ok()?)));
    let (name, directives) = said.unwrap_or(("", LOGGED.into()));
    let mut filter = EnvFilter::try_new(&directives).map_err(|e| Refusal::usage(format!("{name}: {e}")))?;
    // What smithay's X11 window manager tells for its own developers panics where an X11 program says no text.
    if filter.max_level_hint().is_none_or(|most| most > LevelFilter::INFO)
        && let Ok(quiet) = "smithay::xwayland::xwm=info".parse()
    {
        filter = filter.add_directive(quiet);
    }
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    Ok(())
}

fn env(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

fn failure(message: &str) -> Refusal {
    Refusal {
        message: message.into(),
        code: 1,
    }
}

/// Writes to a stream that may be closed, which is the reader's right.
fn say(to: &mut dyn Write, text: &str) {
    let _ = to.write_all(text.as_bytes()).and_then(|()| to.flush());
}

fn exit(code: i32) -> ExitCode {
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}
