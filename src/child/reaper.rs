//! The process between compositor and program: starts the program, adopts what it leaves behind, ends it all.
//!
//! It has one thread and no other duty, so it may wait. It has the compositor's standard files, for the program.

use super::ending::{Ending, Step};
use super::find::NotStarted;
use super::inherited::set_mask;
use super::preload::KEPT_PRELOAD;
use super::spawn::code;
use super::tree::{Process, descendants};
use crate::time::Mono;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, WaitOptions};
use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::FromRawFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus};
use std::time::Duration;

/// The binary is the reaper when it is called by this name.
pub const NAME: &str = "goggles-scope-reaper";
/// Leave what the program started running when it ends; end with the last of it, or when told to.
pub(super) const KEEP: &str = "--keep-alive";
/// The compositor's process. Its end is ours.
pub(super) const PARENT: &str = "--parent";
/// The file that the program's process is told to, as a line.
pub(super) const TELL: &str = "--tell";

/// What the reaper listens to. The terminal's signals are taken, too, and left to program and compositor.
const SIGNALS: [libc::c_int; 6] = [
    libc::SIGCHLD,
    libc::SIGTERM,
    libc::SIGUSR2,
    libc::SIGINT,
    libc::SIGQUIT,
    libc::SIGHUP,
];

/// What the compositor asks for.
#[derive(Debug, Default)]
struct Orders {
    keep: bool,
    parent: Option<Pid>,
    tell: Option<File>,
}

impl Orders {
    /// Takes them off the arguments, up to the program.
    fn take(arguments: &mut impl Iterator<Item = OsString>) -> Option<Self> {
        let mut orders = Self::default();
        loop {
            let word = arguments.next()?;
            let mut number = || arguments.next()?.to_str()?.parse::<i32>().ok();
            match word.to_str()? {
                KEEP => orders.keep = true,
                PARENT => orders.parent = Some(Pid::from_raw(number()?)?),
                TELL => orders.tell = Some(file(number()?)?),
                "--" => return Some(orders),
                _ => return None,
            }
        }
    }
}

/// The file of this number, which nobody inherits from now on.
fn file(number: i32) -> Option<File> {
    // SAFETY: the first call fails if the number is no open file's; if it is, the compositor left it to us alone.
    unsafe {
        let ours = libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) == 0;
        ours.then(|| File::from_raw_fd(number))
    }
}

/// Runs as the reaper; `arguments` come after the name. Returns the exit status.
pub fn main(mut arguments: impl Iterator<Item = OsString>) -> i32 {
    let (Some(orders), Some(program)) = (Orders::take(&mut arguments), arguments.next()) else {
        say("the reaper is not called by hand");
        return 2;
    };
    match run(program, arguments.collect(), orders) {
        Ok(code) => code,
        Err(e) => {
            say(&format!("error watching over the program: {e}"));
            1
        }
    }
}

fn say(what: &str) {
    let _ = writeln!(std::io::stderr(), "goggles-scope: {what}");
}

fn run(program: OsString, arguments: Vec<OsString>, orders: Orders) -> std::io::Result<i32> {
    let own = rustix::process::getpid();
    rustix::process::set_child_subreaper(Some(own))?;
    let _ = rustix::thread::set_name(c"scope-reaper");
    let (signals, programs_mask) = listen()?;
    // Asked for before we were started, too, but a binary with file capabilities (setcap) loses that.
    rustix::process::set_parent_process_death_signal(Some(Signal::TERM))?;
    if orders.parent.is_some() && rustix::process::getppid() != orders.parent {
        return Err(std::io::Error::other("the compositor has ended"));
    }
    let mut command = Command::new(&program);
    command.args(arguments).env_remove(KEPT_PRELOAD);
    if let Some(preload) = std::env::var_os(KEPT_PRELOAD) {
        command.env("LD_PRELOAD", preload);
    }
    // SAFETY: the closure makes system calls only.
    unsafe {
        command.pre_exec(move || {
            rustix::process::set_parent_process_death_signal(Some(Signal::TERM))?;
            if rustix::process::getppid() != Some(own) {
                return Err(rustix::io::Errno::SRCH.into());
            }
            set_mask(&programs_mask);
            Ok(())
        });
    }
    let primary = match command.spawn() {
        Ok(process) => process.id() as i32,
        Err(e) => {
            let why = NotStarted::from_error(&program, &e);
            say(&why.to_string());
            return Ok(why.exit_code());
        }
    };
    if let Some(mut tell) = orders.tell {
        // Nobody may listen any more.
        let _ = writeln!(tell, "{primary}");
    }
    Watch {
        own: own.as_raw_nonzero().get(),
        primary,
        keep: orders.keep,
        code: None,
        ending: None,
        asked: HashSet::new(),
    }
    .run(signals)
}

/// Blocks the signals and has them as a file; also gives the mask that was there, which is the program's.
fn listen() -> std::io::Result<(File, libc::sigset_t)> {
    // SAFETY: system calls on structures of ours, which are valid when zeroed; the descriptor is new and ours.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        for signal in SIGNALS {
            libc::sigaddset(&mut set, signal);
        }
        let mut before = std::mem::zeroed();
        libc::pthread_sigmask(libc::SIG_BLOCK, &set, &mut before);
        // Were it ignored, as a parent may have left it, there would be nothing to reap.
        libc::signal(libc::SIGCHLD, libc::SIG_DFL);
        let fd = libc::signalfd(-1, &set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK);
        if fd < 0 {
            return Err(std::io::Error::last_os_error());
        }
        Ok((File::from_raw_fd(fd), before))
    }
}

/// The signals that came since the last call.
fn read_signals(from: &mut File) -> Vec<libc::c_int> {
    const SIZE: usize = size_of::<libc::signalfd_siginfo>();
    let mut buffer = [0u8; SIZE * 8];
    let mut came = Vec::new();
    while let Ok(n) = from.read(&mut buffer) {
        // The signal's number is the first field (signalfd(2)).
        came.extend(
            buffer[..n]
                .chunks_exact(SIZE)
                .map(|info| i32::from_ne_bytes([info[0], info[1], info[2], info[3]])),
        );
        if n < buffer.len() {
            break;
        }
    }
    came
}

struct Watch {
    own: i32,
    primary: i32,
    keep: bool,
    /// The program's, once it has ended.
    code: Option<i32>,
    ending: Option<Ending>,
    /// Who has had SIGTERM: a second one makes some programs end without saving. But whoever runs another program since
    /// (its name tells) is asked anew: between fork and exec a shell's child still takes signals as its parent does.
    asked: HashSet<Process>,
}

impl Watch {
    /// Until the last of the tree is gone, or can't be ended.
    fn run(mut self, mut signals: File) -> std::io::Result<i32> {
        loop {
            for signal in read_signals(&mut signals) {
                let now = Mono::now();
                match signal {
                    libc::SIGTERM => drop(self.ending.get_or_insert_with(|| Ending::new(now))),
                    libc::SIGUSR2 => self.ending.get_or_insert_with(|| Ending::new(now)).hurry(now),
                    _ => {}
                }
            }
            let all_gone = self.reap();
            if all_gone {
                return Ok(self.code.unwrap_or(1));
            }
            if self.code.is_some() && !self.keep {
                self.ending.get_or_insert_with(|| Ending::new(Mono::now()));
            }
            let timeout = match self.ending.as_ref().map(|ending| ending.step(Mono::now())) {
                None => None,
                Some(Step::Ask(again)) => {
                    self.ask();
                    Some(again)
                }
                Some(Step::Kill(again)) => {
                    descendants(self.own)
                        .into_iter()
                        .for_each(|process| process.signal(Signal::KILL));
                    Some(again)
                }
                Some(Step::GiveUp) => {
                    let left: Vec<_> = descendants(self.own).iter().map(|process| process.pid).collect();
                    say(&format!("cannot be ended, and are left: processes {left:?}"));
                    return Ok(self.code.unwrap_or(128 + libc::SIGKILL));
                }
            };
            wait(&signals, timeout)?;
        }
    }

    /// Reaps whoever has ended. Whether there is nobody left.
    fn reap(&mut self) -> bool {
        loop {
            match rustix::process::wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) => {
                    if pid.as_raw_nonzero().get() == self.primary {
                        self.code = Some(code(ExitStatus::from_raw(status.as_raw())));
                    }
                }
                Ok(None) => return false,
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return true,
            }
        }
    }

    fn ask(&mut self) {
        for process in descendants(self.own) {
            if self.asked.insert(process.clone()) {
                process.signal(Signal::TERM);
                // A stopped process would not hear of it.
                process.signal(Signal::CONT);
            }
        }
    }
}

fn wait(signals: &File, timeout: Option<Duration>) -> std::io::Result<()> {
    let timeout = timeout.map(|d| Timespec {
        tv_sec: d.as_secs() as i64,
        tv_nsec: d.subsec_nanos().into(),
    });
    match poll(&mut [PollFd::new(signals, PollFlags::IN)], timeout.as_ref()) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(e) => Err(e.into()),
    }
}
