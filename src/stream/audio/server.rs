//! The session's own sound server: one `pipewire` process with a configuration of ours, in a folder of its own. Native
//! and PulseAudio programs reach it; it has no D-Bus, no session manager but us, and no device of the host's.

use anyhow::{Context, Result, bail};
use rustix::process::Signal;
use std::ffi::OsString;
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
}

impl Server {
    /// Starts it and waits until it can be connected to. `quantum`: samples of a channel that are handled at once. To be
    /// called by a thread that lives as long: the kernel ends the server with it.
    ///
    /// # Errors
    /// There is no such program, or it ends, or does not come up in time.
    pub fn start(folder: &Folder, program: &Path, quantum: u32) -> Result<Self> {
        let address = folder.address();
        let file = address.folder.join("sound.conf");
        std::fs::write(&file, configuration(&address.pulse(), quantum)).context("error writing PipeWire's file")?;
        for socket in [address.native(), address.pulse()] {
            // Left behind by the one before, it would look as if this one were up.
            let _ = std::fs::remove_file(socket);
        }
        let mut command = Command::new(program);
        command.arg("-c").arg(&file).stdin(Stdio::null()).stdout(Stdio::null());
        if !tracing::enabled!(target: "audio", tracing::Level::DEBUG) {
            command.stderr(Stdio::null());
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
        let mut server = Self { process };
        tracing::debug!(target: "audio", "PipeWire runs as process {}", server.process.id());
        server.wait_until_up(address)?;
        Ok(server)
    }

    fn wait_until_up(&mut self, address: &Address) -> Result<()> {
        let give_up = Instant::now() + PATIENCE;
        while UnixStream::connect(address.native()).is_err() || UnixStream::connect(address.pulse()).is_err() {
            if let Some(status) = self.process.try_wait().context("error waiting for PipeWire")? {
                bail!("PipeWire has ended: {status}");
            }
            if Instant::now() > give_up {
                bail!("PipeWire does not come up");
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }
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
    {{ name = libpipewire-module-protocol-native }}
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
    fn a_missing_program_is_named() {
        let runtime = tempfile::tempdir().unwrap();
        let folder = Folder::new(runtime.path()).unwrap();
        let why = Server::start(&folder, Path::new("/nowhere/pipewire"), 240).unwrap_err();
        assert!(format!("{why:#}").contains("/nowhere/pipewire"), "{why:#}");
    }
}
