//! The file by which games' drivers learn whether a frame limit is set (`GAMESCOPE_LIMITER_FILE`).
//!
//! It holds one 32-bit word in the machine's byte order: 1 while there is a limit, else 0. gamescope's Vulkan layer and
//! SteamOS's Mesa read it at each present, and make a game wait for each of its frames while it is 1: a game that does
//! not wait would draw frames that the limit throws away. Nobody writes it but us.

use anyhow::{Context, Result};
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The variable that names it.
pub const VARIABLE: &str = "GAMESCOPE_LIMITER_FILE";

/// How many names are tried.
const NAMES: u32 = 100;

/// The file.
#[derive(Debug)]
pub struct LimiterFile {
    file: File,
    path: PathBuf,
    /// It is ours alone, and goes with us.
    remove: bool,
    told: Option<bool>,
}

impl LimiterFile {
    /// Opens the file that the variable names, which stays, or makes one that goes with the session. `env` looks up a
    /// variable.
    pub fn open(env: &dyn Fn(&str) -> Option<OsString>) -> Result<Self> {
        if let Some(path) = env(VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from) {
            // Steam's own session makes it, and gives it to programs that are not ours.
            let mut options = OpenOptions::new();
            let file = options.write(true).create(true).truncate(false).mode(0o644).open(&path);
            let file = file.with_context(|| format!("error opening {}", path.display()))?;
            return Ok(Self::new(file, path, false));
        }
        // Not beside the sockets: Steam's container shares few folders of the runtime directory, but all of /tmp.
        let folder = std::env::temp_dir();
        for n in 0..NAMES {
            let path = folder.join(format!("goggles-scope-limiter-{}-{n}", std::process::id()));
            let mut options = OpenOptions::new();
            match options.write(true).create_new(true).mode(0o600).open(&path) {
                Ok(file) => return Ok(Self::new(file, path, true)),
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(e).with_context(|| format!("error creating {}", path.display())),
            }
        }
        anyhow::bail!("{} is full of files of this name", folder.display())
    }

    fn new(file: File, path: PathBuf, remove: bool) -> Self {
        Self {
            file,
            path,
            remove,
            told: None,
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Says whether a limit is set.
    pub fn tell(&mut self, limited: bool) -> std::io::Result<()> {
        if self.told != Some(limited) {
            self.file.write_all_at(&u32::from(limited).to_ne_bytes(), 0)?;
            self.told = Some(limited);
        }
        Ok(())
    }
}

impl Drop for LimiterFile {
    fn drop(&mut self) {
        if self.remove {
            // Whoever took it away before us did what we would have done.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn read(path: &Path) -> u32 {
        u32::from_ne_bytes(std::fs::read(path).unwrap().try_into().unwrap())
    }

    #[test]
    fn it_says_whether_there_is_a_limit_and_is_ours_alone() {
        let mut ours = LimiterFile::open(&|_| None).unwrap();
        let path = ours.path().to_owned();
        for limited in [false, true, true, false] {
            ours.tell(limited).unwrap();
            assert_eq!(read(&path), u32::from(limited));
        }
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let other = LimiterFile::open(&|_| None).unwrap();
        assert_ne!(other.path(), path);
        drop(ours);
        assert!(!path.exists());
    }

    #[test]
    fn one_that_is_named_is_taken_and_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("limiter");
        let named = |name: &str| (name == VARIABLE).then(|| path.clone().into_os_string());
        let mut file = LimiterFile::open(&named).unwrap();
        file.tell(true).unwrap();
        drop(file);
        assert_eq!(read(&path), 1);
    }
}
