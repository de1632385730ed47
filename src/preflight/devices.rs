//! Devices: what draws, and what virtual gamepads need.

use super::Finding;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::path::{Path, PathBuf};

/// What can draw.
pub fn renderers() -> Vec<Finding> {
    vec![
        Finding::ok("renderer: Pixman", "built in, needs no GPU"),
        gpu(&render_nodes(Path::new("/dev/dri"))),
        dmabuf(crate::dmabuf::device()),
        syncobj(crate::syncobj::Device::find()),
    ]
}

/// The render nodes in a directory.
pub fn render_nodes(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut nodes: Vec<_> = entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("renderD"))
        .map(|entry| entry.path())
        .collect();
    nodes.sort();
    nodes
}

fn gpu(nodes: &[PathBuf]) -> Finding {
    const WHAT: &str = "renderer: GPU";
    let Some(first) = nodes.first() else {
        return Finding::degraded(
            WHAT,
            "no render node in /dev/dri: games draw on the CPU",
            "a GPU and its driver; in a container, pass /dev/dri on",
        );
    };
    match nodes.iter().find(|node| open(node).is_ok()) {
        Some(node) => Finding::ok(
            WHAT,
            format!(
                "{} for the game; this version itself composes with Pixman",
                node.display()
            ),
        ),
        None => Finding::degraded(
            WHAT,
            format!("{} cannot be opened: games draw on the CPU", first.display()),
            "join the node's group, and log in again: sudo usermod -aG render,video $USER",
        ),
    }
}

fn dmabuf(device: Result<crate::dmabuf::Device, String>) -> Finding {
    const WHAT: &str = "linux-dmabuf";
    match device {
        Ok(device) => Finding::ok(WHAT, format!("{}: a buffer was made and read", device.path.display())),
        Err(why) => Finding::degraded(
            WHAT,
            format!("{why}: clients draw into shared memory"),
            "access to the GPU's nodes in /dev/dri, both card and renderD; without a GPU: sudo modprobe udmabuf",
        ),
    }
}

fn syncobj(device: Result<crate::syncobj::Device, String>) -> Finding {
    const WHAT: &str = "linux-drm-syncobj";
    match device {
        Ok(device) => Finding::ok(WHAT, format!("{}: it has timelines", device.path.display())),
        Err(why) => Finding::degraded(
            WHAT,
            format!("{why}: what a GPU draws is waited for by the kernel's implicit synchronisation"),
            "access to a GPU's render node in /dev/dri, and Linux 6.6 or later",
        ),
    }
}

/// What virtual gamepads are made with. This version makes none yet: it goes on without either.
pub fn virtual_input() -> Vec<Finding> {
    let plain = device("uinput", Path::new("/dev/uinput"), "gamepads");
    let with_motion = device("uhid", Path::new("/dev/uhid"), "gamepads with motion sensors");
    vec![plain, with_motion]
}

/// Such a device makes nothing by being opened, only by what is written to it.
fn device(name: &str, path: &Path, gives: &str) -> Finding {
    let later = format!(", for {gives}, which this version does not make yet");
    match open(path) {
        Ok(()) => Finding::ok(name, format!("{} can be opened{later}", path.display())),
        Err(Errno::NOENT) => Finding::degraded(
            name,
            format!("no {}{later}", path.display()),
            format!("sudo modprobe {name}; in a container, pass {} on", path.display()),
        ),
        Err(e) => Finding::degraded(
            name,
            format!("{} cannot be opened ({e}){later}", path.display()),
            format!("a udev rule: KERNEL==\"{name}\", TAG+=\"uaccess\", OPTIONS+=\"static_node={name}\""),
        ),
    }
}

fn open(path: &Path) -> Result<(), Errno> {
    rustix::fs::open(path, OFlags::RDWR | OFlags::CLOEXEC | OFlags::NONBLOCK, Mode::empty()).map(drop)
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn nodes_are_found_and_opened() {
        let d = tempfile::tempdir().unwrap();
        assert_eq!(gpu(&render_nodes(d.path())).state, State::Degraded);
        for name in ["renderD129", "renderD128", "card0"] {
            std::fs::write(d.path().join(name), "").unwrap();
        }
        let nodes = render_nodes(d.path());
        assert_eq!(nodes, [d.path().join("renderD128"), d.path().join("renderD129")]);
        assert_eq!(gpu(&nodes).state, State::Ok);
        // A directory can't be opened for writing, whoever asks.
        assert_eq!(gpu(&[d.path().into()]).state, State::Degraded);
    }

    #[test]
    fn devices_say_why_not() {
        let d = tempfile::tempdir().unwrap();
        let file = d.path().join("uinput");
        let absent = device("uinput", &file, "gamepads");
        assert!(absent.remedy.unwrap().contains("modprobe"));
        assert!(device("uinput", d.path(), "gamepads").remedy.unwrap().contains("udev"));
        std::fs::write(&file, "").unwrap();
        assert_eq!(device("uinput", &file, "gamepads").state, State::Ok);
    }
}
