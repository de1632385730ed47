//! `-R`: says where the displays are, once, when all is ready. Never blocks: a FIFO may have no reader yet.

use crate::time::Mono;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often a FIFO is tried.
const AGAIN: Duration = Duration::from_millis(50);
/// How long a FIFO may have no reader. gamescope waits for ever.
const PATIENCE: Duration = Duration::from_secs(10);

/// What became of it.
#[derive(Debug, PartialEq, Eq)]
pub enum Told {
    /// It is written, and the file is closed.
    Yes,
    /// Nobody reads yet: call again after this long.
    Later(Duration),
    /// It can't be said; why. The program may start all the same.
    Never(String),
}

/// Something to say, once.
#[derive(Debug)]
pub struct Ready {
    path: PathBuf,
    line: Vec<u8>,
    until: Mono,
}

impl Ready {
    /// To say the displays' names at `path`: `:N gamescope-N` and a newline, as gamescope does; `-` in place of the
    /// first where there is no Xwayland.
    pub fn new(path: &Path, x11: Option<u32>, wayland: &OsStr, now: Mono) -> Self {
        let mut line = x11
            .map_or_else(|| "-".to_owned(), |number| format!(":{number}"))
            .into_bytes();
        line.push(b' ');
        line.extend(wayland.as_bytes());
        line.push(b'\n');
        Self {
            path: path.into(),
            line,
            until: now + PATIENCE,
        }
    }

    /// Tries to say it. The program is to be started when the answer is not [`Told::Later`].
    pub fn tell(&self, now: Mono) -> Told {
        // NONBLOCK: else the open of a FIFO waits for its reader. CLOEXEC: it is closed for the program.
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NONBLOCK | OFlags::CLOEXEC;
        match rustix::fs::open(&self.path, flags, Mode::RUSR | Mode::WUSR) {
            Ok(file) => match rustix::io::write(file, &self.line) {
                Ok(n) if n == self.line.len() => Told::Yes,
                Ok(_) => self.never("it is full"),
                // The reader left between our open and our write: another may come.
                Err(Errno::PIPE | Errno::AGAIN) => self.later(now),
                Err(e) => self.never(&e.to_string()),
            },
            Err(Errno::NXIO) => self.later(now),
            Err(e) => self.never(&e.to_string()),
        }
    }

    fn later(&self, now: Mono) -> Told {
        if now < self.until {
            Told::Later(AGAIN)
        } else {
            self.never(&format!("nobody read it for {PATIENCE:?}"))
        }
    }

    fn never(&self, why: &str) -> Told {
        Told::Never(format!("{}: cannot say that all is ready: {why}", self.path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    const NOW: Mono = Mono(1_000_000_000);

    fn ready(path: &Path) -> Ready {
        Ready::new(path, Some(3), OsStr::new("gamescope-0"), NOW)
    }

    #[test]
    fn writes_a_file_anew() {
        let d = tempfile::tempdir().unwrap();
        let path = d.path().join("ready");
        assert_eq!(ready(&path).tell(NOW), Told::Yes);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), ":3 gamescope-0\n");
        std::fs::write(&path, "something longer than what is written").unwrap();
        let without_x = Ready::new(&path, None, OsStr::new("gamescope-1"), NOW);
        assert_eq!(without_x.tell(NOW), Told::Yes);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "- gamescope-1\n");
    }

    #[test]
    fn waits_for_a_reader_with_a_bound() {
        let d = tempfile::tempdir().unwrap();
        let path = d.path().join("fifo");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &path,
            rustix::fs::FileType::Fifo,
            Mode::RUSR | Mode::WUSR,
            0,
        )
        .unwrap();
        let ready = ready(&path);
        assert_eq!(ready.tell(NOW), Told::Later(AGAIN));
        assert!(matches!(ready.tell(NOW + PATIENCE), Told::Never(_)));
        let reader = rustix::fs::open(&path, OFlags::RDONLY | OFlags::NONBLOCK, Mode::empty()).unwrap();
        assert_eq!(ready.tell(NOW), Told::Yes);
        let mut text = String::new();
        std::fs::File::from(reader).read_to_string(&mut text).unwrap();
        assert_eq!(text, ":3 gamescope-0\n", "and then its end: the file is closed");
    }

    #[test]
    fn says_what_is_in_the_way() {
        let d = tempfile::tempdir().unwrap();
        assert!(matches!(ready(&d.path().join("no/such")).tell(NOW), Told::Never(_)));
        assert!(matches!(ready(d.path()).tell(NOW), Told::Never(_)));
    }
}
