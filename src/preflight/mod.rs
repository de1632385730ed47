//! What this machine can do, said up front: for `goggles-scope doctor`, and before the program is started.
//!
//! Owns the checks. Each tries the thing itself (opens the device, encodes a picture, binds the port) where that does no
//! harm, and says what to do when it fails. Nothing is changed on the machine.

pub mod devices;
mod finding;
mod programs;
mod session;
mod sound;

pub use finding::{Finding, State, json, table};

use crate::child;
use crate::cli::Refusal;
use crate::config::Settings;
use std::ffi::OsString;

/// A look-up of an environment variable.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// Examines the machine for these settings: every line of the doctor.
pub fn examine(settings: &Settings, env: Env) -> Vec<Finding> {
    let mut found = devices::renderers();
    found.extend(programs::encoders(settings));
    found.push(programs::xwayland(env, settings.xwayland_count > 0));
    found.extend(sound::sound(env));
    found.extend(devices::virtual_input());
    found.extend(session::priority(settings.rt));
    found.push(session::gamemode(settings.gamemode));
    found.push(session::runtime_directory(env));
    found.extend(session::ports(settings));
    found.push(session::keymap(&settings.keyboard));
    if let Some(path) = &settings.cursor {
        found.push(session::cursor(path));
    }
    found
}

/// What must be there before anything is started: what is quick to tell and would else be told late. Encoders and ports
/// are tried by those who use them, which is before the program is started, too.
///
/// Error: status 1 for the machine, 2 for what the user said, 126 and 127 for the program.
pub fn check(settings: &Settings, env: Env) -> Result<(), Refusal> {
    if let Some(program) = settings.command.first()
        && let Err(e) = child::find(program, env("PATH").as_deref())
    {
        return Err(Refusal {
            message: e.to_string(),
            code: e.exit_code(),
        });
    }
    let mut found = vec![(session::runtime_directory(env), 1)];
    if settings.xwayland_count > 0 {
        found.push((programs::xwayland_is_there(env), 1));
    }
    if let Some(path) = &settings.cursor {
        found.push((session::cursor(path), 2));
    }
    // To compile a keymap takes some milliseconds; the default one compiles.
    if settings.keyboard.is_chosen() {
        found.push((session::keymap(&settings.keyboard), 2));
    }
    match found.into_iter().find(|(finding, _)| finding.state == State::Missing) {
        Some((finding, code)) => Err(Refusal {
            message: finding.sentence(),
            code,
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn refused(settings: &Settings, ours: &[(&str, &str)]) -> Option<(i32, String)> {
        let ours: HashMap<_, _> = ours.iter().copied().collect();
        let result = check(settings, &|name| ours.get(name).map(OsString::from));
        result.err().map(|refusal| (refusal.code, refusal.message))
    }

    #[test]
    fn says_what_is_missing_before_anything_is_started() {
        let d = tempfile::tempdir().unwrap();
        let runtime = d.path().to_str().unwrap();
        let file = d.path().join("file");
        std::fs::write(&file, "no picture").unwrap();
        let bin = d.path().join("bin");
        std::fs::create_dir(&bin).unwrap();
        let without_x = Settings {
            xwayland_count: 0,
            expose_wayland: true,
            ..Settings::default()
        };
        let good = [("XDG_RUNTIME_DIR", runtime), ("PATH", "/usr/bin:/bin")];
        let set = |command: &str| Settings {
            command: vec![command.into()],
            ..without_x.clone()
        };

        assert_eq!(refused(&without_x, &good), None);
        assert_eq!(refused(&set("sh"), &good), None);
        assert_eq!(refused(&set("no-such-program"), &good).unwrap().0, 127);
        assert_eq!(refused(&set(file.to_str().unwrap()), &good).unwrap().0, 126);
        let (code, words) = refused(&without_x, &[]).unwrap();
        assert!(code == 1 && words.contains("XDG_RUNTIME_DIR"), "{words}");
        let (code, words) = refused(&without_x, &[("XDG_RUNTIME_DIR", "/no/such/directory")]).unwrap();
        assert!(code == 1 && words.contains("/no/such/directory"), "{words}");
        assert_eq!(
            refused(&without_x, &[("XDG_RUNTIME_DIR", file.to_str().unwrap())])
                .unwrap()
                .0,
            1
        );
        let empty_path = [("XDG_RUNTIME_DIR", runtime), ("PATH", bin.to_str().unwrap())];
        let (code, words) = refused(&Settings::default(), &empty_path).unwrap();
        assert!(code == 1 && words.contains("apt install xwayland"), "{words}");
        let with_cursor = |path: &std::path::Path| Settings {
            cursor: Some(path.into()),
            ..without_x.clone()
        };
        assert!(refused(&with_cursor(&file), &good).unwrap().1.contains("PNG"));
        assert_eq!(refused(&with_cursor(&d.path().join("nothing")), &good).unwrap().0, 2);
        let mut layout = without_x.clone();
        layout.keyboard.layout = "no-such-layout".into();
        let (code, words) = refused(&layout, &good).unwrap();
        assert!(code == 2 && words.contains("no-such-layout"), "{words}");
        layout.keyboard.layout = "de".into();
        assert_eq!(refused(&layout, &good), None);
    }

    #[test]
    fn every_finding_but_a_good_one_has_a_remedy() {
        let found = examine(&Settings::default(), &|name| std::env::var_os(name));
        for finding in &found {
            assert!(!finding.why.is_empty(), "{finding:?}");
            assert_eq!(finding.remedy.is_some(), finding.state != State::Ok, "{finding:?}");
        }
        for what in [
            "renderer: Pixman",
            "encoder: x264enc",
            "Xwayland",
            "PipeWire",
            "uinput",
            "uhid",
            "runtime directory",
            "keyboard layout",
        ] {
            assert!(found.iter().any(|finding| finding.what == what), "{what}");
        }
    }
}
