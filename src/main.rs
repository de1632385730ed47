//! The binary: arguments, settings, logging, and the exit status. All else is the library.

use goggles_scope::child::{self, Inherited, reaper};
use goggles_scope::cli::{self, Action, Refusal};
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    // Before all else: libraries and our own set-up change what the program is to have as it was.
    Inherited::at_start();
    let mut arguments = std::env::args_os();
    if arguments.next().is_some_and(|name| name == reaper::NAME) {
        return exit(reaper::main(arguments));
    }
    if let Err(e) = child::without_overlay() {
        say(
            &mut std::io::stderr(),
            &format!("goggles-scope: error running again without Steam's overlay: {e}\n"),
        );
        return exit(1);
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
    match cli::parse(std::env::args_os(), &|name| std::env::var_os(name))? {
        Action::Print(text) => {
            say(&mut std::io::stdout(), &text);
            Ok(0)
        }
        Action::Doctor { .. } => Err(Refusal::usage("doctor has not landed yet")),
        Action::Run(_) => Err(Refusal::usage("the compositor has not landed yet")),
    }
}

/// Writes to a stream that may be closed, which is the reader's right.
fn say(to: &mut dyn Write, text: &str) {
    let _ = to.write_all(text.as_bytes()).and_then(|()| to.flush());
}

fn exit(code: i32) -> ExitCode {
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}
