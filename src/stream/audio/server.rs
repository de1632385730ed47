//! The session's own sound server: one `pipewire` process with a configuration of ours, in a folder of its own. Native
//! and PulseAudio programs reach it; it has no D-Bus, no session manager but us, and no device of the host's.

use anyhow::{Context, Result, bail};
use rustix::process::Signal;
use std::ffi::OsString;
use std::io::{PipeReader, PipeWriter, Read};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The program.
pub const PROGRAM: &str = "pipewire";
/// How long it may take to open its sockets; it takes some 20 ms.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often its sockets are looked for; there is nothing that tells.
const LOOK: Duration = Duration::from_millis(5);
/// What a pipe holds.
const PIPE: usize = 64 << 10;
/// Lines of a server that doesn't start: what is wrong, and what is not done for it.
const COMPLAINTS: usize = 2;

/// Where programs reach the sound server. The names stay when it is started again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    folder: PathBuf,
}

impl Address {
    /// For native programs: `PIPEWIRE_REMOTE`.
    pub fn native(&self) -> PathBuf {
        self.folder.join("pipewire-0")
    }

    /// For PulseAudio's: `PULSE_SERVER`, behind `unix:`.
    pub fn pulse(&self) -> PathBuf {
        self.folder.join("pulse")
    }
}

/// The private folder, gone with its value.
#[derive(Debug)]
pub struct Folder {
    address: Address,
}

impl Folder {
    /// Below `runtime` (`XDG_RUNTIME_DIR`, or the temporary folder), for its owner alone.
    ///
    /// # Errors
    /// It can't be made there.
    pub fn new(runtime: &Path) -> Result<Self> {
        let pid = std::process::id();
        // A process of this number may have died without cleaning up.
        for n in 0..100 {
            let folder = runtime.join(format!("goggles-scope-sound-{pid}-{n}"));
            match std::fs::DirBuilder::new().mode(0o700).create(&folder) {
                Ok(()) => {
                    let address = Address { folder };
                    return Ok(Self { address });
                }
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(e).with_context(|| format!("error making {}", folder.display())),
            }
        }
        bail!("no name is free in {}", runtime.display())
    }

    /// What is reached there.
    pub fn address(&self) -> &Address {
        &self.address
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // The files are known; anything else is not ours to delete.
        for name in [
            "pipewire-0",
            "pipewire-0.lock",
            // Newer ones make it if they are not asked otherwise.
            "pipewire-0-manager",
            "pipewire-0-manager.lock",
            "pulse",
            "pulse.lock",
            "pid",
            "sound.conf",
        ] {
            let _ = std::fs::remove_file(self.address.folder.join(name));
        }
        if let Err(e) = std::fs::remove_dir(&self.address.folder) {
            tracing::debug!("{} stays: {e}", self.address.folder.display());
        }
    }
}

/// The running server; killed with its value.
#[derive(Debug)]
pub struct Server {
    process: Child,
    /// What it complains of; `None`: that goes to the log.
    complaints: Option<PipeReader>,
}

impl Server {
    /// Starts it and waits until it can be connected to. `quantum`: samples of a channel that are handled at once. To be
    /// called by a thread that lives as long: the kernel ends the server with it. `wait` waits for so long, and says whether
    /// it is still wanted; `None`: it is not.
    ///
    /// # Errors
    /// There is no such program, or it ends, or does not come up in time.
    pub fn start(
        address: &Address,
        program: &Path,
        quantum: u32,
        wait: impl FnMut(Duration) -> bool,
    ) -> Result<Option<Self>> {
        let file = address.folder.join("sound.conf");
        std::fs::write(&file, configuration(&address.pulse(), quantum)).context("error writing PipeWire's file")?;
        for socket in [address.native(), address.pulse()] {
            // Left behind by the one before, it would look as if this one were up.
            let _ = std::fs::remove_file(socket);
        }
        let mut command = Command::new(program);
        command.arg("-c").arg(&file).stdin(Stdio::null()).stdout(Stdio::null());
        let mut complaints = None;
        if !tracing::enabled!(target: "audio", tracing::Level::DEBUG) {
            let (reader, writer) = complaint_pipe().context("error making a pipe")?;
            command.stderr(writer);
            complaints = Some(reader);
        }
        // In a group of its own, Ctrl-C leaves it to us.
        command.process_group(0);
        for (name, value) in environment(&address.folder) {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        // SAFETY: one system call, which neither allocates nor takes a lock.
        unsafe {
            command.pre_exec(|| Ok(rustix::process::set_parent_process_death_signal(Some(Signal::TERM))?));
        }
        let process = command
            .spawn()
            .with_context(|| format!("error starting {}", program.display()))?;
        let mut server = Self { process, complaints };
        tracing::debug!(target: "audio", "PipeWire runs as process {}", server.process.id());
        Ok(server.wait_until_up(address, wait)?.then_some(server))
    }

    /// `false`: it is not wanted any more.
    fn wait_until_up(&mut self, address: &Address, mut wait: impl FnMut(Duration) -> bool) -> Result<bool> {
        let give_up = Instant::now() + PATIENCE;
        while UnixStream::connect(address.native()).is_err() || UnixStream::connect(address.pulse()).is_err() {
            if let Some(status) = self.process.try_wait().context("error waiting for PipeWire")? {
                bail!("PipeWire has ended: {status}{}", self.complaint());
            }
            if Instant::now() > give_up {
                bail!("PipeWire does not come up{}", self.complaint());
            }
            if !wait(LOOK) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The last that it has said, for an error's end.
    fn complaint(&mut self) -> String {
        let mut bytes = vec![0; PIPE];
        let read = self.complaints.as_mut().map(|pipe| pipe.read(&mut bytes));
        bytes.truncate(read.and_then(Result::ok).unwrap_or(0));
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let last = &lines[lines.len().saturating_sub(COMPLAINTS)..];
        last.iter().map(|line| format!("; {line}")).collect()
    }
}

/// Nobody reads from it while the server lives, and so nothing waits for that: what finds no room is lost.
fn complaint_pipe() -> std::io::Result<(PipeReader, PipeWriter)> {
    let (reader, writer) = std::io::pipe()?;
    rustix::io::ioctl_fionbio(&reader, true)?;
    rustix::io::ioctl_fionbio(&writer, true)?;
    Ok((reader, writer))
}

impl Drop for Server {
    fn drop(&mut self) {
        // It owns nothing that would have to be saved.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What differs from our environment: where it listens; and nothing that makes it another than it is.
fn environment(folder: &Path) -> [(&'static str, Option<OsString>); 8] {
    [
        ("PIPEWIRE_RUNTIME_DIR", Some(folder.into())),
        ("PULSE_RUNTIME_PATH", Some(folder.into())),
        ("PIPEWIRE_REMOTE", None),
        ("PIPEWIRE_CORE", None),
        ("PIPEWIRE_LATENCY", None),
        ("PIPEWIRE_QUANTUM", None),
        ("DBUS_SESSION_BUS_ADDRESS", None),
        ("LD_PRELOAD", None),
    ]
}

/// PipeWire's configuration: the protocols, a clock, and what makes nodes and links. No device, no D-Bus.
fn configuration(pulse: &Path, quantum: u32) -> String {
    let pulse = pulse.display().to_string().replace(['"', '\\'], "");
    format!(
        r#"context.properties = {{
    support.dbus = false
    core.daemon = true
    core.name = pipewire-0
    default.clock.rate = 48000
    default.clock.allowed-rates = [ 48000 ]
    default.clock.quantum = {quantum}
    default.clock.min-quantum = 64
    default.clock.max-quantum = 2048
    clock.power-of-two-quantum = false
}}
context.spa-libs = {{
    audio.convert.* = audioconvert/libspa-audioconvert
    support.* = support/libspa-support
}}
context.modules = [
    {{ name = libpipewire-module-rt
        args = {{ nice.level = -11 rtportal.enabled = false rtkit.enabled = false }}
        flags = [ ifexists nofail ] }}
    {{ name = libpipewire-module-protocol-native args = {{ sockets = [ {{ name = "pipewire-0" }} ] }} }}
    {{ name = libpipewire-module-metadata }}
    {{ name = libpipewire-module-spa-node-factory }}
    {{ name = libpipewire-module-client-node }}
    {{ name = libpipewire-module-access }}
    {{ name = libpipewire-module-adapter }}
    {{ name = libpipewire-module-link-factory }}
    {{ name = libpipewire-module-protocol-pulse
        args = {{
            server.address = [ "unix:{pulse}" ]
            pulse.min.req = {quantum}/48000
            pulse.min.quantum = {quantum}/48000
            pulse.default.req = 480/48000
            pulse.default.tlength = 4800/48000
        }} }}
]
context.objects = [
    {{ factory = metadata args = {{ metadata.name = default }} }}
    {{ factory = spa-node-factory
        args = {{
            factory.name = support.node.driver
            node.name = Dummy-Driver
            node.group = pipewire.dummy
            priority.driver = 20000
        }} }}
]
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_folder_is_its_owners_alone_and_goes() {
        let runtime = tempfile::tempdir().unwrap();
        let folder = Folder::new(runtime.path()).unwrap();
        let other = Folder::new(runtime.path()).unwrap();
        assert_ne!(folder.address(), other.address());
        let path = folder.address().native().parent().unwrap().to_owned();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        std::fs::write(folder.address().pulse(), "").unwrap();
        drop(folder);
        assert!(!path.exists());
    }

    #[test]
    fn the_sockets_of_newer_servers_go_with_the_folder() {
        let runtime = tempfile::tempdir().unwrap();
        let folder = Folder::new(runtime.path()).unwrap();
        let address = folder.address().clone();
        for name in [
            "pipewire-0",
            "pipewire-0.lock",
            "pipewire-0-manager",
            "pipewire-0-manager.lock",
        ] {
            std::fs::write(address.folder.join(name), "").unwrap();
        }
        drop(folder);
        assert!(!address.folder.exists());
    }

    /// A program that stands in for the server.
    fn script(runtime: &Path, text: &str) -> PathBuf {
        let path = runtime.join("pipewire");
        // Were it written here, what another test starts at that moment would hold it open, and it could not be run.
        let write = "printf '#!/bin/sh\n%s\n' \"$1\" > \"$2\" && chmod +x \"$2\"";
        let written = Command::new("sh").args(["-c", write, "sh", text]).arg(&path).status();
        assert!(written.unwrap().success());
        path
    }

    #[test]
    fn a_missing_program_is_named() {
        let runtime = tempfile::tempdir().unwrap();
        let folder = Folder::new(runtime.path()).unwrap();
        let why = Server::start(folder.address(), Path::new("/nowhere/pipewire"), 240, |_| true).unwrap_err();
        assert!(format!("{why:#}").contains("/nowhere/pipewire"), "{why:#}");
    }

    #[test]
    fn what_a_server_complains_of_is_told() {
        let runtime = tempfile::tempdir().unwrap();
        let folder = Folder::new(runtime.path()).unwrap();
        // A pipe is filled first: nothing may wait for a reader, and what came first is kept.
        let text = "echo no module x >&2; echo no context >&2; yes '' | head -c 200000 >&2; exit 3";
        let program = script(runtime.path(), text);
        let wait = |time| {
            std::thread::sleep(time);
            true
        };
        let why = Server::start(folder.address(), &program, 240, wait).unwrap_err();
        let why = format!("{why:#}");
        assert!(why.ends_with("exit status: 3; no module x; no context"), "{why}");
    }

    #[test]
    fn one_that_is_not_wanted_any_more_is_not_waited_for() {
        let runtime = tempfile::tempdir().unwrap();
        let folder = Folder::new(runtime.path()).unwrap();
        let program = script(runtime.path(), "exec sleep 1000");
        let mut looks = 0;
        let wait = |_| {
            looks += 1;
            looks < 3
        };
        assert!(Server::start(folder.address(), &program, 240, wait).unwrap().is_none());
        assert_eq!(looks, 3);
    }
}
