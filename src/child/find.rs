//! Looks for the program before anything is started, so that a misspelt command is told at once.
//!
//! The kernel has the last word when the program is run; this follows execvp(3)'s search and the shell's statuses.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The search path of execvp(3) where `PATH` is unset.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// Why a program can't be run.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotStarted {
    /// There is no such program.
    #[error("{}: command not found", .0.display())]
    NotFound(OsString),
    /// There is such a file, but it may not be executed, or is no program.
    #[error("{}: cannot be executed: {}", .0.display(), .1)]
    NotExecutable(OsString, String),
}

impl NotStarted {
    /// From what running it said.
    pub fn from_error(program: &OsStr, error: &std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::NotFound => Self::NotFound(program.into()),
            _ => Self::NotExecutable(program.into(), error.to_string()),
        }
    }

    /// The shell's status: 127 or 126.
    pub fn exit_code(&self) -> i32 {
        match self {
            Self::NotFound(_) => 127,
            Self::NotExecutable(..) => 126,
        }
    }
}

/// The program's file. `path` is the value of `PATH`.
pub fn find(program: &OsStr, path: Option<&OsStr>) -> Result<PathBuf, NotStarted> {
    if program.is_empty() {
        return Err(NotStarted::NotFound(program.into()));
    }
    if program.as_bytes().contains(&b'/') {
        return executable(Path::new(program))
            .map_err(|e| NotStarted::from_error(program, &e))
            .map(|()| PathBuf::from(program));
    }
    let mut refused = None;
    for directory in std::env::split_paths(path.unwrap_or(OsStr::new(DEFAULT_PATH))) {
        let file = directory.join(program);
        match executable(&file) {
            Ok(()) => return Ok(file),
            Err(e) if e.kind() == std::io::ErrorKind::PermissionDenied => refused = Some(e),
            Err(_) => {}
        }
    }
    Err(match refused {
        Some(e) => NotStarted::from_error(program, &e),
        None => NotStarted::NotFound(program.into()),
    })
}

fn executable(file: &Path) -> std::io::Result<()> {
    if !std::fs::metadata(file)?.is_file() {
        // What execve(2) says of a directory or a device.
        return Err(std::io::ErrorKind::PermissionDenied.into());
    }
    Ok(rustix::fs::access(file, rustix::fs::Access::EXEC_OK)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn statuses_are_the_shells() {
        let directory = tempfile::tempdir().unwrap();
        let plain = directory.path().join("plain");
        std::fs::write(&plain, "text").unwrap();
        let good = directory.path().join("good");
        std::fs::write(&good, "#!/bin/sh\n").unwrap();
        std::fs::set_permissions(&good, std::fs::Permissions::from_mode(0o755)).unwrap();
        let path = std::env::join_paths([Path::new("/nonexistent"), directory.path()]).unwrap();
        let code = |program: &OsStr| find(program, Some(&path)).map_err(|e| e.exit_code());

        assert_eq!(code(OsStr::new("good")), Ok(good.clone()));
        assert_eq!(code(good.as_os_str()), Ok(good.clone()));
        assert_eq!(code(OsStr::new("plain")), Err(126));
        assert_eq!(code(plain.as_os_str()), Err(126));
        assert_eq!(code(directory.path().as_os_str()), Err(126));
        assert_eq!(code(OsStr::new("nothing-of-this-name")), Err(127));
        assert_eq!(code(OsStr::new("/nothing/here")), Err(127));
        assert_eq!(code(OsStr::new("")), Err(127));
        assert!(find(OsStr::new("sh"), None).is_ok());
    }
}
