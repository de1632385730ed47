//! Who goes first: real-time scheduling and niceness of single threads, never of the whole process, and never of the
//! program (see [`crate::child::Inherited`]).
//!
//! | file | what |
//! |---|---|
//! | [`bus`] | rtkit, for what the kernel refuses; GameMode |
//! | [`egl`], [`gpu`] | what GPUs' drivers grant by EGL and Vulkan |
//! | [`runaway`] | what rtkit asks for in return |
//!
//! This version's renderer and encoders have no GPU queue whose priority could be raised; the doctor tells what it would get.

pub mod bus;
pub mod egl;
pub mod gpu;
mod runaway;

pub use bus::{Addresses, Bus};

use rustix::process::Pid;
use std::fmt;
use std::time::Duration;

/// How long a thread's start may wait for rtkit.
const RTKIT_PATIENCE: Duration = Duration::from_millis(500);

/// What a thread does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Latches and paces frames: the compositor's loop.
    Pace,
    /// Encodes, which takes long: before the game, but never before pacing or the sound.
    Encode,
    /// Fills sound buffers.
    Audio,
}

/// What a thread was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Granted {
    /// `SCHED_RR` with this priority.
    RealTime(i32),
    /// This niceness.
    Nice(i32),
    /// It stays as it was; why.
    Nothing(String),
}

impl fmt::Display for Granted {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::RealTime(priority) => write!(f, "real-time scheduling (SCHED_RR {priority})"),
            Self::Nice(nice) => write!(f, "niceness {nice}"),
            Self::Nothing(why) => write!(f, "nothing ({why})"),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::Pace => "the compositor's loop",
            Self::Encode => "the encode thread",
            Self::Audio => "the sound's thread",
        })
    }
}

impl Kind {
    /// The niceness to ask for. gamescope asks for -20; that would put encoding before pacing.
    fn nice(self) -> i32 {
        match self {
            Self::Pace | Self::Audio => -20,
            Self::Encode => -10,
        }
    }

    /// By how much the real-time priority to ask for is above the least.
    fn above_least(self) -> i32 {
        match self {
            Self::Pace | Self::Audio => 1,
            Self::Encode => 0,
        }
    }
}

/// Raises the calling thread: to real time if `rt` is asked for and permitted, else to a better niceness if that is.
/// What the kernel refuses, rtkit is asked for, if the [`Bus`] is there; it says in the log what it was given.
/// What this thread starts is ordinary again; but an encoder's helper threads are to keep up with it, so that it is raised
/// by niceness, which they inherit, before it starts them, and to real time only then.
pub fn raise(kind: Kind, rt: bool) -> Granted {
    raise_thread(this_thread(), kind, rt)
}

/// The calling thread, as the kernel numbers it.
pub fn this_thread() -> u32 {
    rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs()
}

/// Raises a thread of this process.
pub fn raise_thread(thread: u32, kind: Kind, rt: bool) -> Granted {
    let granted = raise_directly(thread, kind, rt);
    let is_enough = match granted {
        Granted::RealTime(_) => true,
        Granted::Nice(_) => !rt,
        Granted::Nothing(_) => false,
    };
    if is_enough {
        return granted;
    }
    match bus::ask(thread, kind, rt) {
        // The encoder's helper threads inherit what it has when it starts them.
        Some(answer) if kind == Kind::Encode && !rt => answer.recv_timeout(RTKIT_PATIENCE).unwrap_or(granted),
        _ => granted,
    }
}

/// Makes the calling thread ordinary for a while, with the niceness that it was given before, so that what it starts inherits
/// that. One whose real time is rtkit's is not permitted to hand anything down: its threads have no better niceness then.
pub fn lower() {
    let thread = this_thread();
    if scheduler(thread, libc::SCHED_OTHER, 0).is_err() {
        let _ = set_scheduler(thread, libc::SCHED_OTHER, 0);
    }
}

fn raise_directly(thread: u32, kind: Kind, rt: bool) -> Granted {
    if rt {
        // The least of the real-time priorities: before every ordinary thread, after whoever needs it more.
        // SAFETY: a system call without memory.
        let least = unsafe { libc::sched_get_priority_min(libc::SCHED_RR) };
        let priority = least + kind.above_least();
        if set_scheduler(thread, libc::SCHED_RR, priority).is_ok() {
            return Granted::RealTime(priority);
        }
    }
    let nice = kind.nice();
    match rustix::process::setpriority_process(Pid::from_raw(thread.cast_signed()), nice) {
        Ok(()) => {
            if kind != Kind::Encode {
                let _ = set_scheduler(thread, libc::SCHED_OTHER, 0);
            }
            Granted::Nice(nice)
        }
        Err(e) => Granted::Nothing(format!("neither CAP_SYS_NICE nor the limits allow it: {e}")),
    }
}

/// Sets a thread's scheduling, which is not handed down to what it starts.
fn set_scheduler(thread: u32, policy: libc::c_int, priority: libc::c_int) -> std::io::Result<()> {
    scheduler(thread, policy | libc::SCHED_RESET_ON_FORK, priority)
}

fn scheduler(thread: u32, policy: libc::c_int, priority: libc::c_int) -> std::io::Result<()> {
    // SAFETY: a system call that reads a structure of ours, valid when zeroed.
    unsafe {
        let mut parameters: libc::sched_param = std::mem::zeroed();
        parameters.sched_priority = priority;
        match libc::sched_setscheduler(thread.cast_signed(), policy, &parameters) {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error()),
        }
    }
}

/// What a thread would be given: tried on a thread of its own, which ends.
pub fn trial(kind: Kind, rt: bool) -> Granted {
    let thread =
        std::thread::Builder::new()
            .name("trial".into())
            .spawn(move || match raise_directly(this_thread(), kind, rt) {
                granted @ Granted::RealTime(_) => granted,
                granted @ Granted::Nice(_) if !rt => granted,
                granted => match bus::try_rtkit(Addresses::default(), kind, rt) {
                    Granted::Nothing(why) => match granted {
                        Granted::Nothing(ours) => Granted::Nothing(format!("{ours}; rtkit: {why}")),
                        granted => granted,
                    },
                    by_rtkit => by_rtkit,
                },
            });
    match thread.map(|thread| thread.join()) {
        Ok(Ok(granted)) => granted,
        Ok(Err(_)) => Granted::Nothing("the trial failed".into()),
        Err(e) => Granted::Nothing(format!("no thread could be started: {e}")),
    }
}

/// Raises our limit of open files to what is permitted: every client, buffer and viewer takes some. The program keeps
/// the limit it was to have, since programs that use select(2) break above 1024.
pub fn more_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(e) = setrlimit(Resource::Nofile, limit) {
        tracing::debug!("the limit of open files stays: {e}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_granted_is_so_and_stays_with_the_thread() {
        let before = rustix::process::getpriority_process(None).unwrap();
        for (kind, rt) in [(Kind::Pace, true), (Kind::Pace, false), (Kind::Encode, true)] {
            let (granted, policy, nice) = std::thread::spawn(move || {
                let granted = raise(kind, rt);
                // SAFETY: a system call without memory.
                let policy = unsafe { libc::sched_getscheduler(0) } & !libc::SCHED_RESET_ON_FORK;
                (granted, policy, rustix::process::getpriority_process(None).unwrap())
            })
            .join()
            .unwrap();
            match granted {
                Granted::RealTime(priority) => assert_eq!((policy, priority >= 1, rt), (libc::SCHED_RR, true, true)),
                Granted::Nice(wanted) => assert_eq!((policy, nice), (libc::SCHED_OTHER, wanted)),
                Granted::Nothing(_) => assert_eq!((policy, nice), (libc::SCHED_OTHER, before)),
            }
        }
        assert_eq!(rustix::process::getpriority_process(None).unwrap(), before);
    }

    #[test]
    fn what_an_encoder_starts_has_its_niceness_though_it_is_in_real_time_itself() {
        let (nice, rt, helper, again) = std::thread::spawn(|| {
            let nice = raise(Kind::Encode, false);
            let rt = raise(Kind::Encode, true);
            lower();
            let helper = std::thread::spawn(|| {
                // SAFETY: a system call without memory.
                let policy = unsafe { libc::sched_getscheduler(0) };
                (policy, rustix::process::getpriority_process(None).unwrap())
            });
            (nice, rt, helper.join().unwrap(), raise(Kind::Encode, true))
        })
        .join()
        .unwrap();
        assert_eq!(rt, again);
        // Who may not raise itself has nothing to hand down.
        if let (Granted::Nice(nice), Granted::RealTime(_)) = (nice, rt) {
            assert_eq!(helper, (libc::SCHED_OTHER, nice));
        }
    }
}
