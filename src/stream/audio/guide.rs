//! Where programs are led to with their sound: variables of their environment. It is no sandbox: the host's sockets and
//! devices stay where they are, and a program that asks for one by its name has it.

use super::server::Address;
use super::{Mode, sink};
use crate::child::Change;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// Nothing can ever be below what is no folder.
const NOWHERE: &str = "/dev/null";
/// ALSA's configuration. Without one there is no device `default`, and none of another name.
const ALSA: &str = "ALSA_CONFIG_PATH";
/// What brings ALSA's default device to a sound server.
const ALSA_PLUGINS: [&str; 2] = [
    "alsa-lib/libasound_module_pcm_pipewire.so",
    "alsa-lib/libasound_module_pcm_pulse.so",
];
/// Where libraries are, and in the folders of which.
const LIBRARIES: [&str; 3] = ["/usr/lib", "/usr/lib64", "/usr/local/lib"];

/// To the session's own server. `alsa`: ALSA's programs find their way there; else they would be at the host's devices,
/// and are led nowhere.
pub fn private(address: &Address, alsa: bool) -> Vec<Change> {
    let mut changes = servers(&address.native(), &address.pulse());
    if !alsa {
        changes.push((ALSA.into(), Some(NOWHERE.into())));
    }
    changes
}

/// To nobody: there is to be a server of the session's own and there is none, and the host's is not to be heard instead.
pub fn nowhere() -> Vec<Change> {
    let mut changes = servers(
        &Path::new(NOWHERE).join("pipewire-0"),
        &Path::new(NOWHERE).join("pulse"),
    );
    changes.push((ALSA.into(), Some(NOWHERE.into())));
    changes
}

fn servers(native: &Path, pulse: &Path) -> Vec<Change> {
    let mut address = OsString::from("unix:");
    address.push(pulse);
    // The session's own policy connects programs; the last three would name what isn't there.
    vec![
        ("PIPEWIRE_REMOTE".into(), Some(native.into())),
        ("PULSE_SERVER".into(), Some(address)),
        ("PULSE_SINK".into(), None),
        ("PULSE_SOURCE".into(), None),
        ("PIPEWIRE_NODE".into(), None),
    ]
}

/// To our sink and our microphone, by their one name, on the user's server. What plays finds the sink by it, what records the
/// microphone; without one the latter is where the user's other programs are.
pub fn host(microphone: bool) -> Vec<Change> {
    let name = OsString::from(Mode::Host.sink());
    let set = |variable: &str| (variable.to_owned(), Some(name.clone()));
    let mut changes = vec![set("PULSE_SINK"), set("PIPEWIRE_NODE")];
    changes.extend(microphone.then(|| set("PULSE_SOURCE")));
    changes
}

impl Mode {
    /// The sink's name: on the host's there may be several.
    pub(super) fn sink(self) -> String {
        match self {
            Self::Private => sink::NAME.to_owned(),
            Self::Host => format!("{}-{}", sink::NAME, std::process::id()),
        }
    }
}

/// Whether ALSA's programs find their way to a sound server. Who has said where ALSA's configuration is knows best.
pub fn alsa_is_led() -> bool {
    std::env::var_os(ALSA).is_some() || alsa_plugin(std::env::var_os("ALSA_PLUGIN_DIR").as_deref()).is_some()
}

/// The plugin that leads ALSA's programs; `own`: ALSA's folder of plugins, if it is another than usual.
pub fn alsa_plugin(own: Option<&OsStr>) -> Option<PathBuf> {
    ALSA_PLUGINS
        .into_iter()
        .find_map(|plugin| library(own.map(Path::new), plugin))
}

/// `file`: below a folder of libraries. `instead`: the folder that is said to be its own.
pub fn library(instead: Option<&Path>, file: &str) -> Option<PathBuf> {
    match instead {
        Some(folder) => Some(folder.join(Path::new(file).file_name()?)).filter(|path| path.exists()),
        None => LIBRARIES.iter().find_map(|root| below(Path::new(root), file)),
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
    use super::super::server::Folder;
    use super::*;

    fn value<'a>(changes: &'a [Change], name: &str) -> Option<&'a Option<OsString>> {
        changes.iter().find(|(n, _)| n == name).map(|(_, value)| value)
    }

    #[test]
    fn programs_of_a_private_session_are_never_led_to_the_host() {
        let runtime = tempfile::tempdir().unwrap();
        let folder = Folder::new(runtime.path()).unwrap();
        for changes in [
            private(folder.address(), true),
            private(folder.address(), false),
            nowhere(),
        ] {
            for own in ["PIPEWIRE_REMOTE", "PULSE_SERVER"] {
                assert!(value(&changes, own).unwrap().is_some(), "{changes:?}");
            }
            for gone in ["PULSE_SINK", "PULSE_SOURCE", "PIPEWIRE_NODE"] {
                assert_eq!(value(&changes, gone), Some(&None), "{changes:?}");
            }
        }
        let alsa = |changes: &[Change]| value(changes, ALSA).is_some();
        assert!(!alsa(&private(folder.address(), true)) && alsa(&private(folder.address(), false)) && alsa(&nowhere()));
    }

    #[test]
    fn the_hosts_sink_and_microphone_are_named_only_where_they_are() {
        assert_eq!(host(true).len(), host(false).len() + 1);
        assert_eq!(value(&host(false), "PULSE_SOURCE"), None);
        assert_eq!(value(&host(true), "PULSE_SOURCE"), value(&host(true), "PIPEWIRE_NODE"));
    }

    #[test]
    fn libraries_are_found_where_they_are() {
        let empty = tempfile::tempdir().unwrap();
        let file = "pipewire-0.3/libpipewire-module-protocol-pulse.so";
        assert_eq!(library(Some(empty.path()), file), None);
        assert_eq!(alsa_plugin(Some(empty.path().as_os_str())), None);
        std::fs::create_dir_all(empty.path().join("arch/pipewire-0.3")).unwrap();
        std::fs::write(empty.path().join("arch").join(file), "").unwrap();
        assert_eq!(below(empty.path(), file), Some(empty.path().join("arch").join(file)));
        std::fs::write(empty.path().join("libasound_module_pcm_pulse.so"), "").unwrap();
        assert!(alsa_plugin(Some(empty.path().as_os_str())).is_some());
    }
}
