//! The program: its environment, its start, the end of all that it started, and its exit status.
//!
//! The program does not run under the compositor directly but under a *reaper*: this same binary, run again under
//! another name ([`reaper`]), which does nothing else. It adopts what the program leaves behind, ends it when the
//! program ends, and ends it, too, when the compositor dies without a word. Were the compositor itself to adopt and
//! reap, it would take the exit status of processes that libraries start and wait for (Xwayland, GStreamer's scanner).
//!
//! | who | is told | by |
//! |---|---|---|
//! | the compositor | the program has been started, as this process | a pipe: [`Child::program`] |
//! | the compositor | the reaper has ended, all is reaped | a pidfd ([`Child`] is `AsFd`), then [`Child::reap`] |
//! | the reaper | end the tree | SIGTERM: [`Child::stop`], or the kernel when the compositor is gone |
//! | the reaper | end it at once | SIGUSR2: [`Child::kill`] |
//!
//! The reaper and the program stay in the compositor's process group: in a group of its own the program could not read
//! from the terminal that it inherits. So Ctrl-C reaches program and compositor alike; the reaper leaves it to them.

mod ending;
mod environment;
mod find;
mod inherited;
mod launch;
mod preload;
pub mod reaper;
mod spawn;
mod tree;

pub use environment::{Change, Displays, environment};
pub use find::{NotStarted, find};
pub use inherited::Inherited;
pub(crate) use launch::app_of;
pub use preload::{KEPT_PRELOAD, Preload, split_preload, without_overlay};
pub use spawn::{Child, Spawn, SpawnError};
pub(crate) use tree::descendants;
