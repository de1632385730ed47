//! Starts sessions of the binary, each on a machine of its own, and waits for what they do.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

pub const WITHOUT_X: &[&str] = &["--xwayland-count", "0", "--expose-wayland"];

/// A machine of its own: an empty home that is the runtime directory, too.
pub struct Machine(tempfile::TempDir);

impl Machine {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn scope(&self, options: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_goggles-scope"));
        command
            .env_clear()
            .env("HOME", self.path())
            .env("D", self.path())
            .env("XDG_RUNTIME_DIR", self.path());
        command
            .env("PATH", "/usr/bin:/bin")
            .args(["--backend", "headless"])
            .args(options)
            .stdin(Stdio::null());
        command
    }

    /// A session of a shell script, without Xwayland, which takes its time; `$D` is the machine's directory.
    pub fn session(&self, options: &[&str], script: &str) -> Command {
        let mut command = self.scope(WITHOUT_X);
        command.args(options).args(["--", "sh", "-c", script]);
        command
    }

    pub fn fifo(&self, name: &str) -> PathBuf {
        let path = self.path().join(name);
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        path
    }
}

/// Runs to the end: status, standard output and error.
pub fn run(command: &mut Command) -> (i32, String, String) {
    let output = command.output().unwrap();
    (
        output.status.code().unwrap_or(-1),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

/// All that is written to a FIFO, up to the end of its last writer.
pub fn read(fifo: &Path) -> String {
    let mut text = String::new();
    File::open(fifo).unwrap().read_to_string(&mut text).unwrap();
    text.trim().into()
}

/// Waits until a process of any parent has ended.
pub fn wait_for_end(pid: &str) {
    let Some(pid) = Pid::from_raw(pid.parse().unwrap()) else {
        panic!("no process")
    };
    // No such process: it has ended, and been reaped.
    let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else {
        return;
    };
    let patience = Timespec { tv_sec: 30, tv_nsec: 0 };
    assert_eq!(
        poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&patience)),
        Ok(1),
        "{pid:?} does not end"
    );
}

pub fn signal(session: &Child, signal: Signal) {
    let pid = Pid::from_raw(session.id() as i32).unwrap();
    pidfd_send_signal(pidfd_open(pid, PidfdFlags::empty()).unwrap(), signal).unwrap();
}
