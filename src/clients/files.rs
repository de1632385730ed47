//! Who sends files that stay open: they are counted before and after each client is read from, but only while so many
//! are open that it matters, since counting takes a while.

use std::os::fd::{AsRawFd, OwnedFd};

/// With fewer files open, nobody is suspected. Of our own limit it is a quarter, where that is less.
const MANY: u64 = 2048;

/// Our open files.
#[derive(Debug)]
pub struct Files {
    many: u64,
    /// So many were open when they were counted last.
    counted: u64,
    /// Any file that is open; its duplicates tell which number is free.
    probe: Option<OwnedFd>,
}

impl Files {
    /// Counts them.
    pub fn new() -> Self {
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        let probe = rustix::event::eventfd(0, rustix::event::EventfdFlags::CLOEXEC);
        Self {
            many: limit.map_or(MANY, |limit| MANY.min(limit / 4)),
            counted: open_files(),
            probe: probe.ok(),
        }
    }

    /// No client may be the cause of more.
    pub fn most(&self) -> u64 {
        self.many
    }

    /// Counts them.
    pub fn count(&mut self) {
        self.counted = open_files();
    }

    /// Somebody is going to be read from.
    pub fn before(&mut self) {
        if self.are_many() {
            self.count();
        }
    }

    /// How many more there are now; 0 while there are few.
    pub fn after(&mut self) -> i64 {
        if !self.are_many() {
            return 0;
        }
        let before = self.counted;
        self.count();
        self.counted as i64 - before as i64
    }

    /// New files get the lowest number that is free: one below `MANY` says that hardly more have come than there was room for.
    fn are_many(&self) -> bool {
        let Some(probe) = &self.probe else { return false };
        match rustix::io::fcntl_dupfd_cloexec(probe, 0) {
            Ok(free) => free.as_raw_fd() as u64 >= self.many,
            // There is none left.
            Err(_) => true,
        }
    }
}

/// How many files this process has open.
fn open_files() -> u64 {
    const FOLDER: &str = "/proc/self/fd";
    // Linux 6.2 and newer say it as the folder's size.
    match std::fs::metadata(FOLDER).map(|m| m.len()) {
        Ok(count) if count > 0 => count,
        _ => std::fs::read_dir(FOLDER).map_or(0, |files| files.count() as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_are_counted() {
        let mut files = Files::new();
        files.many = open_files() + 300;
        files.before();
        let few: Vec<_> = (0..10)
            .map(|_| std::fs::File::open("/dev/null").expect("a file"))
            .collect();
        assert_eq!(files.after(), 0, "nobody is suspected");
        files.before();
        let more: Vec<_> = (0..1000)
            .map(|_| std::fs::File::open("/dev/null").expect("a file"))
            .collect();
        let came = files.after();
        // Other tests of this program open and close some meanwhile.
        assert!(came > 500, "{came}");
        drop((few, more));
    }
}
