//! Starts the reaper, and with it the program; asks how it goes. Nothing here blocks, but for the start itself.

use super::environment::Change;
use super::inherited::Inherited;
use super::preload::KEPT_PRELOAD;
use super::reaper;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Command, ExitStatus};

/// What to start.
#[derive(Clone, Debug)]
pub struct Spawn {
    /// The program and its arguments; not empty.
    pub command: Vec<OsString>,
    /// What differs from our own environment.
    pub environment: Vec<Change>,
    /// Leave what the program started running when it ends.
    pub keep_alive: bool,
    /// The binary that is the reaper: this one, but for tests, whose own binary is another.
    pub reaper: PathBuf,
}

impl Spawn {
    /// This command, with this binary as the reaper.
    pub fn new(command: Vec<OsString>, environment: Vec<Change>, keep_alive: bool) -> Self {
        Self {
            command,
            environment,
            keep_alive,
            reaper: "/proc/self/exe".into(),
        }
    }
}

/// Why the reaper was not started. (That the *program* can't be run is told by the status, 126 or 127.)
#[derive(Debug, thiserror::Error)]
#[error("error starting the program: {source}")]
pub struct SpawnError {
    /// What the system said.
    #[from]
    pub source: std::io::Error,
}

/// The program, running or ended.
#[derive(Debug)]
pub struct Child {
    process: std::process::Child,
    handle: OwnedFd,
    /// Where the reaper tells the program's process.
    started: File,
    ended: Option<i32>,
}

impl Child {
    /// Starts the program. The calling thread must live as long as the program: the kernel takes its end for the
    /// compositor's, and ends the program.
    pub fn spawn(spawn: &Spawn) -> Result<Self, SpawnError> {
        let parent = rustix::process::getpid();
        let (started, tell) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).map_err(io::Error::from)?;
        let mut command = Command::new(&spawn.reaper);
        command.arg0(reaper::NAME);
        command.arg(reaper::PARENT).arg(parent.to_string());
        command.arg(reaper::TELL).arg(tell.as_raw_fd().to_string());
        if spawn.keep_alive {
            command.arg(reaper::KEEP);
        }
        command.arg("--").args(&spawn.command);
        for (name, value) in &spawn.environment {
            // The reaper is ours, too, and does without the overlay; it has the program's value under another name.
            match (name.as_str(), value) {
                ("LD_PRELOAD", Some(value)) => command.env(KEPT_PRELOAD, value),
                (KEPT_PRELOAD, _) => &mut command,
                (name, Some(value)) => command.env(name, value),
                (name, None) => command.env_remove(name),
            };
        }
        let inherited = Inherited::at_start();
        let told = tell.as_raw_fd();
        // SAFETY: the closure makes system calls only; it neither allocates nor takes a lock, so it may run in a new
        // process whose other threads, and the locks they held, are not there.
        unsafe {
            command.pre_exec(move || {
                rustix::process::set_parent_process_death_signal(Some(Signal::TERM))?;
                // Had we died before that line, the signal would never come.
                if rustix::process::getppid() != Some(parent) {
                    return Err(rustix::io::Errno::SRCH.into());
                }
                inherited.give_back();
                // The one file that the reaper is to have.
                match libc::fcntl(told, libc::F_SETFD, 0) {
                    0 => Ok(()),
                    _ => Err(io::Error::last_os_error()),
                }
            });
        }
        let mut process = command.spawn()?;
        let handle = Pid::from_raw(process.id() as i32)
            .ok_or(rustix::io::Errno::SRCH)
            .and_then(|pid| pidfd_open(pid, PidfdFlags::empty()));
        match handle {
            Ok(handle) => Ok(Self {
                process,
                handle,
                started: started.into(),
                ended: None,
            }),
            Err(e) => {
                // Out of descriptors, most likely: without the handle nobody would notice its end.
                let _ = process.kill().and_then(|()| process.wait());
                Err(SpawnError { source: e.into() })
            }
        }
    }

    /// Readable when [`Self::program`] has something to say.
    pub fn started(&self) -> BorrowedFd<'_> {
        self.started.as_fd()
    }

    /// The program's process, once after its start; `None`: it has not been started, or could not be. Does not block.
    pub fn program(&mut self) -> Option<u32> {
        let mut line = [0; 16];
        let length = self.started.read(&mut line).ok()?;
        std::str::from_utf8(&line[..length]).ok()?.trim().parse().ok()
    }

    /// The exit status, once the program has ended and all that it left is gone: its own, or 128 and the signal, or
    /// 127 (not found), 126 (not executable). Does not block; call it when the handle ([`AsFd`]) is readable.
    pub fn reap(&mut self) -> Option<i32> {
        if self.ended.is_none() {
            self.ended = match self.process.try_wait() {
                Ok(status) => status.map(code),
                Err(e) => {
                    tracing::error!("the program's reaper can't be waited for: {e}");
                    Some(1)
                }
            };
        }
        self.ended
    }

    /// Asks the program and all that it started to end; who has not within [`super::ending::GRACE`] is killed.
    pub fn stop(&self) {
        self.signal(Signal::TERM);
    }

    /// Kills the program and all that it started.
    pub fn kill(&self) {
        self.signal(Signal::USR2);
    }

    fn signal(&self, signal: Signal) {
        if self.ended.is_none() {
            // Only fails where it has ended already.
            let _ = pidfd_send_signal(&self.handle, signal);
        }
    }
}

/// Readable when [`Child::reap`] has something to say (pidfd_open(2)).
impl AsFd for Child {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // The reaper sees to the rest, with us or without.
        self.stop();
    }
}

/// The shell's number for an exit status.
pub(super) fn code(status: ExitStatus) -> i32 {
    status
        .code()
        .or(status.signal().map(|signal| 128 + signal))
        .unwrap_or(1)
}
