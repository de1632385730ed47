//! What carries the sound: PipeWire, and what brings programs of other sound systems to it.

use super::{Env, Finding, programs};
use crate::stream::audio::{alsa_plugin, library};
use std::path::PathBuf;

/// The server, and PulseAudio's and ALSA's ways to it. Without any the session is silent, or for such programs.
pub fn sound(env: Env) -> Vec<Finding> {
    let server = server(env);
    if server.state != super::State::Ok {
        return vec![server];
    }
    let modules = env("PIPEWIRE_MODULE_DIR").map(PathBuf::from);
    const PULSE: &str = "pipewire-0.3/libpipewire-module-protocol-pulse.so";
    vec![
        server,
        way(
            "PipeWire: PulseAudio programs",
            library(modules.as_deref(), PULSE),
            "libpipewire-module-protocol-pulse.so is not there: they are silent",
            "sudo apt install libpipewire-0.3-modules",
        ),
        way(
            "PipeWire: ALSA programs",
            alsa_plugin(env("ALSA_PLUGIN_DIR").as_deref()),
            "libasound_module_pcm_pipewire.so is not there: they are silent, or at the host's devices with --audio host",
            "sudo apt install pipewire-alsa",
        ),
    ]
}

fn server(env: Env) -> Finding {
    const WHAT: &str = "PipeWire";
    const INSTALL: &str = "sudo apt install pipewire pipewire-bin pipewire-pulse pipewire-alsa; or --audio none";
    let Some(path) = programs::find(crate::stream::audio::PROGRAM, env) else {
        return Finding::degraded(WHAT, "not found in PATH: the session is silent", INSTALL);
    };
    match programs::output(&path, "--version") {
        Ok(text) => match version(&text) {
            Some(version) => Finding::ok(WHAT, format!("{} {version}", path.display())),
            None => Finding::degraded(
                WHAT,
                format!("{} does not tell its version", path.display()),
                "sudo apt install --reinstall pipewire-bin",
            ),
        },
        Err(e) => Finding::degraded(WHAT, format!("{} does not run: {e}", path.display()), INSTALL),
    }
}

/// `Linked with libpipewire 0.3.65`.
fn version(text: &str) -> Option<&str> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("Linked with libpipewire"));
    line.map(str::trim).filter(|version| !version.is_empty())
}

/// How programs of a kind come to the server: by what was `found`.
fn way(what: &str, found: Option<PathBuf>, if_not: &str, remedy: &str) -> Finding {
    match found {
        Some(path) => Finding::ok(what, path.display().to_string()),
        None => Finding::degraded(what, if_not, remedy),
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;
    use std::ffi::OsString;

    #[test]
    fn what_is_missing_is_named_and_is_no_disaster() {
        let empty = tempfile::tempdir().unwrap();
        let path = OsString::from(empty.path());
        let none = sound(&|name| (name == "PATH").then(|| path.clone()));
        assert_eq!(none.len(), 1);
        assert!(
            none[0].state == State::Degraded && none[0].why.contains("silent"),
            "{none:?}"
        );
        assert_eq!(
            version("pipewire\nCompiled with libpipewire 0.3.64\nLinked with libpipewire 0.3.65\n"),
            Some("0.3.65")
        );
        assert_eq!(way("x", None, "y is not there", "z").state, State::Degraded);
    }
}
