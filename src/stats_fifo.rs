//! `-T`: statistics as lines, for whoever reads, as gamescope writes them. Never blocks, never fails: who does not
//! read misses lines, who goes away does no harm, who comes later gets the focus first, and then the next ones.

use rustix::fs::{CWD, FileType, Mode, OFlags};
use rustix::io::Errno;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// Which window has the focus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Focus {
    /// Steam itself.
    Steam,
    /// This application (Steam's number, or the X window's).
    App(u32),
}

impl Focus {
    fn line(self) -> String {
        match self {
            Self::Steam => "focus=steam\n".into(),
            Self::App(id) => format!("focus={id}\n"),
        }
    }
}

/// Where the lines go.
#[derive(Debug)]
pub struct StatsFifo {
    path: PathBuf,
    /// Open while there is a reader.
    file: Option<OwnedFd>,
    /// What has the focus, as far as was said.
    focus: Option<Focus>,
    /// We made it, so we take it away.
    made: bool,
}

impl StatsFifo {
    /// Lines go to `path`: a FIFO or a file that is there, or else a FIFO that is made (0600), and taken away on drop.
    /// Error: there is nothing, and none can be made.
    pub fn new(path: &Path) -> std::io::Result<Self> {
        let made = match rustix::fs::mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(e) => return Err(e.into()),
        };
        let mut fifo = Self {
            path: path.into(),
            file: None,
            focus: None,
            made,
        };
        // What can't be opened for want of permission, or is a directory, is told now; a missing reader is not.
        fifo.open()?;
        Ok(fifo)
    }

    /// Frames a second.
    pub fn fps(&mut self, fps: f64) {
        self.line(&format!("fps={fps:.6}\n"));
    }

    /// The focus went to a window.
    pub fn focus(&mut self, focus: Focus) {
        self.focus = Some(focus);
        let told_before = self.file.is_some();
        // A new reader has heard of it by now.
        if self.open().unwrap_or(false) && told_before {
            self.write(&focus.line());
        }
    }

    /// So many clients were let go since the start.
    pub fn let_go(&mut self, clients: u32) {
        self.line(&format!("let-go={clients}\n"));
    }

    /// Whether somebody reads (a file always does); looks anew if nobody did, and tells who has come the focus.
    fn open(&mut self) -> std::io::Result<bool> {
        if self.file.is_none() {
            let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::NONBLOCK | OFlags::CLOEXEC;
            self.file = match rustix::fs::open(&self.path, flags, Mode::empty()) {
                Ok(file) => Some(file),
                Err(Errno::NXIO) => None,
                Err(e) => return Err(e.into()),
            };
            if let Some(focus) = self.focus {
                self.write(&focus.line());
            }
        }
        Ok(self.file.is_some())
    }

    fn line(&mut self, line: &str) {
        if self.open().unwrap_or(false) {
            self.write(line);
        }
    }

    fn write(&mut self, line: &str) {
        let Some(file) = &self.file else { return };
        match rustix::io::write(file, line.as_bytes()) {
            // A line is shorter than PIPE_BUF, so it is written whole or not at all (pipe(7)); full: it is lost.
            Ok(_) | Err(Errno::AGAIN | Errno::INTR) => {}
            // The reader went away, or the disk is full: try anew at the next line.
            Err(_) => self.file = None,
        }
    }
}

impl Drop for StatsFifo {
    fn drop(&mut self) {
        if self.made {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::Read;

    fn reader(path: &Path) -> File {
        rustix::fs::open(path, OFlags::RDONLY | OFlags::NONBLOCK, Mode::empty())
            .unwrap()
            .into()
    }

    fn read(reader: &mut File) -> String {
        let mut buffer = [0; 1 << 16];
        let n = reader.read(&mut buffer).unwrap_or(0);
        String::from_utf8(buffer[..n].to_vec()).unwrap()
    }

    #[test]
    fn readers_come_and_go() {
        let d = tempfile::tempdir().unwrap();
        let path = d.path().join("stats");
        let mut stats = StatsFifo::new(&path).unwrap();
        stats.fps(1.0);
        let mut first = reader(&path);
        stats.fps(59.94);
        stats.focus(Focus::Steam);
        stats.let_go(3);
        assert_eq!(read(&mut first), "fps=59.940000\nfocus=steam\nlet-go=3\n");
        drop(first);
        stats.fps(2.0);
        let mut second = reader(&path);
        stats.focus(Focus::App(570));
        assert_eq!(read(&mut second), "focus=570\n");
        drop(second);
        stats.fps(3.0);
        let mut third = reader(&path);
        stats.fps(4.0);
        assert_eq!(read(&mut third), "focus=570\nfps=4.000000\n");
        drop(stats);
        assert!(!path.exists());
    }

    #[test]
    fn who_does_not_read_misses_whole_lines() {
        let d = tempfile::tempdir().unwrap();
        let path = d.path().join("stats");
        let mut stats = StatsFifo::new(&path).unwrap();
        let mut slow = reader(&path);
        for _ in 0..20_000 {
            stats.fps(60.0);
        }
        let text = read(&mut slow);
        assert!(!text.is_empty() && text.lines().all(|line| line == "fps=60.000000"));
        stats.fps(61.0);
        assert!(read(&mut slow).contains("fps=61"));
    }

    #[test]
    fn what_is_there_stays() {
        let d = tempfile::tempdir().unwrap();
        let path = d.path().join("file");
        std::fs::write(&path, "before\n").unwrap();
        StatsFifo::new(&path).unwrap().fps(1.5);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "before\nfps=1.500000\n");
        assert!(StatsFifo::new(d.path()).is_err());
        assert!(StatsFifo::new(&d.path().join("no/such")).is_err());
    }
}
