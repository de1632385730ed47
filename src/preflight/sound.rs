//! What carries the sound: PipeWire, and what brings programs of other sound systems to it.

use super::{Env, Finding, programs};
use std::path::{Path, PathBuf};

/// Where libraries are, and in the folders of which.
const LIBRARIES: [&str; 3] = ["/usr/lib", "/usr/lib64", "/usr/local/lib"];

/// The server, and PulseAudio's and ALSA's ways to it. Without any the session is silent, or for such programs; never worse.
pub fn sound(env: Env) -> Vec<Finding> {
    let server = server(env);
    if server.state != super::State::Ok {
        return vec![server];
    }
    let modules = env("PIPEWIRE_MODULE_DIR").map(PathBuf::from);
    vec![
        server,
        library(
            "PipeWire: PulseAudio programs",
            modules.as_deref(),
            "pipewire-0.3/libpipewire-module-protocol-pulse.so",
            "sudo apt install libpipewire-0.3-modules",
        ),
        library(
            "PipeWire: ALSA programs",
            None,
            "alsa-lib/libasound_module_pcm_pipewire.so",
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

/// `file`: below a folder of libraries; `instead`: the folder that is said to be its own.
fn library(what: &str, instead: Option<&Path>, file: &str, remedy: &str) -> Finding {
    let name = Path::new(file).file_name().unwrap_or_default();
    let found = match instead {
        Some(folder) => Some(folder.join(name)).filter(|path| path.exists()),
        None => LIBRARIES.iter().find_map(|root| below(Path::new(root), file)),
    };
    match found {
        Some(path) => Finding::ok(what, path.display().to_string()),
        None => Finding::degraded(
            what,
            format!("{} is not there: they are silent", name.display()),
            remedy,
        ),
    }
}

/// In the folder itself, or in one for an architecture.
fn below(root: &Path, file: &str) -> Option<PathBuf> {
    let folders = std::fs::read_dir(root).ok()?.flatten().map(|entry| entry.path());
    let mut places = std::iter::once(root.to_owned()).chain(folders);
    places.find_map(|folder| Some(folder.join(file)).filter(|path| path.exists()))
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
        let file = "pipewire-0.3/libpipewire-module-protocol-pulse.so";
        assert_eq!(library("x", Some(empty.path()), file, "y").state, State::Degraded);
        std::fs::create_dir_all(empty.path().join("arch/pipewire-0.3")).unwrap();
        std::fs::write(empty.path().join("arch").join(file), "").unwrap();
        assert_eq!(below(empty.path(), file), Some(empty.path().join("arch").join(file)));
    }
}
