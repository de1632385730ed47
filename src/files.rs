//! Files that others read while we write them.

use std::io::Write;
use std::path::Path;

/// Writes beside the file and renames: whoever reads sees the old one or the new one, whole. In a folder that is everybody's,
/// too, no link that somebody else has put there is followed.
pub fn write_at_once(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    // One that is left of another process of this number.
    let _ = std::fs::remove_file(&temporary);
    let written = std::fs::File::create_new(&temporary)
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| std::fs::rename(&temporary, path));
    if written.is_err() {
        // It may not even be there.
        let _ = std::fs::remove_file(&temporary);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_replaced_and_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (victim, path) = (folder.path().join("victim"), folder.path().join("picture"));
        std::fs::write(&victim, "mine").unwrap();
        let temporary = folder.path().join(format!("picture.{}.tmp", std::process::id()));
        for link in [&path, &temporary] {
            std::os::unix::fs::symlink(&victim, link).unwrap();
        }
        write_at_once(&path, b"new").unwrap();
        assert_eq!(std::fs::read(&victim).unwrap(), b"mine");
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert!(!path.is_symlink() && std::fs::read_dir(folder.path()).unwrap().count() == 2);
    }
}
