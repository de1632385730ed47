//! The monitor that clients see: made from the settings or taken from a file, and published where they look for it.
//!
//! Owns its EDID, what `wl_output` says of it, and the file that holds the EDID for those who read files (gamescope's
//! `GAMESCOPE_PATCHED_EDID_FILE`, whose path X11 clients find at the root window).

use crate::config::{Edid, Settings};
use crate::edid::{self, Hdr, Spec};
use crate::files::write_at_once;
use crate::link::{Refresh, Size};
use anyhow::{Context, Result};
use smithay::output::{Mode, Output, PhysicalProperties, Scale, Subpixel};
use smithay::utils::Transform;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The variable that names the file, which the session's programs read, too.
pub const FILE_VARIABLE: &str = "GAMESCOPE_PATCHED_EDID_FILE";

/// An EDID is at most 256 blocks; more than that is not read.
const MAX_FILE: u64 = 64 * 1024;

/// A monitor of this rate can show frames as they come, down to so many a second; 48 are usual, and a range must be more than
/// 10 Hz wide.
const VARIABLE: Refresh = Refresh(59_000);
const SLOWEST: u32 = 48;

/// Rates that differ by less (mHz) are one: 59.94 and 60 Hz are meant alike.
const SAME_RATE: u32 = 500;

/// The monitor.
#[derive(Debug)]
pub struct Monitor {
    edid: Vec<u8>,
    make: String,
    model: String,
    millimetres: (u32, u32),
    published: Option<Published>,
}

#[derive(Debug)]
struct Published {
    path: PathBuf,
    /// It is ours alone, and goes with us.
    remove: bool,
}

impl Drop for Published {
    fn drop(&mut self) {
        if self.remove {
            // Whoever took it away before us did what we would have done.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl Monitor {
    /// The monitor of `settings`, whose native mode is the game's. An error: the user's file can't be read, or is no EDID.
    pub fn new(settings: &Settings) -> Result<Self> {
        let area = settings.game();
        let edid = match &settings.edid {
            Edid::Made { name, vendor } => edid::build(&Spec {
                name: name.clone(),
                vendor: *vendor,
                variable_from: (settings.refresh.0 >= VARIABLE.0).then_some(SLOWEST),
                hdr: settings.hdr.then_some(Hdr::OURS),
                ..Spec::new(area, settings.refresh)
            }),
            Edid::File(path) => read_file(path).with_context(|| format!("error reading {}", path.display()))?,
        };
        let told = edid::read(&edid).map_err(|flaw| match &settings.edid {
            Edid::File(path) => anyhow::anyhow!("{} is no EDID that can be used: {flaw}", path.display()),
            Edid::Made { .. } => anyhow::anyhow!("the EDID that was made is wrong: {flaw}"),
        })?;
        if let Edid::File(path) = &settings.edid {
            for what in differences(&told, settings) {
                tracing::warn!("the monitor of {} {what}", path.display());
            }
        }
        Ok(Self {
            make: told.vendor.to_string(),
            model: told.name,
            millimetres: told.millimetres.unwrap_or_else(|| Spec::millimetres_at_96_dpi(area)),
            edid,
            published: None,
        })
    }

    /// The settings' mode is another one: an EDID of our own follows, and its file. Outputs that are there keep their size
    /// in millimetres, which clients are told once.
    pub fn follow(&mut self, settings: &Settings) -> Result<()> {
        if matches!(settings.edid, Edid::File(_)) {
            return Ok(());
        }
        let other = Self::new(settings)?;
        *self = Self {
            published: self.published.take(),
            ..other
        };
        self.write()
    }

    fn write(&self) -> Result<()> {
        let Some(path) = self.path() else { return Ok(()) };
        write_at_once(path, &self.edid).with_context(|| format!("error writing {}", path.display()))
    }

    /// Its EDID.
    pub fn edid(&self) -> &[u8] {
        &self.edid
    }

    /// Where the EDID's file is.
    pub fn path(&self) -> Option<&Path> {
        self.published.as_ref().map(|p| p.path.as_path())
    }

    /// Creates the output, of one mode, that the X server at this place is to see, and Wayland clients if it is the first.
    pub fn create_output(&self, server: u32, area: Size, refresh: Refresh) -> Output {
        let output = Output::new(
            format!("HEADLESS-{}", u64::from(server) + 1),
            PhysicalProperties {
                size: (self.millimetres.0 as i32, self.millimetres.1 as i32).into(),
                subpixel: Subpixel::None,
                make: self.make.clone(),
                model: self.model.clone(),
            },
        );
        let mode = Mode {
            size: (area.w as i32, area.h as i32).into(),
            refresh: refresh.0 as i32,
        };
        output.change_current_state(
            Some(mode),
            Some(Transform::Normal),
            Some(Scale::Integer(1)),
            Some((0, 0).into()),
        );
        output.set_preferred(mode);
        output
    }

    /// Writes the EDID's file: at the path that the variable names, where it stays, or else beside the Wayland socket
    /// (`socket` is its name), where it goes with the session. `env` looks up a variable.
    pub fn publish(&mut self, socket: &str, env: &dyn Fn(&str) -> Option<OsString>) -> Result<()> {
        let named = env(FILE_VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
        let (path, remove) = match named {
            Some(path) => (path, false),
            None => {
                let folder = env("XDG_RUNTIME_DIR").context("XDG_RUNTIME_DIR is not set")?;
                (PathBuf::from(folder).join(format!("{socket}.edid")), true)
            }
        };
        self.published = Some(Published { path, remove });
        let written = self.write();
        if written.is_err() {
            self.published = None;
        }
        written
    }
}

/// In what a file's monitor is another than the settings say, and programs will be told two things.
fn differences(told: &edid::Read, settings: &Settings) -> Vec<String> {
    let (size, rate) = (settings.game(), settings.refresh);
    let mode = |size: Size, rate: Refresh| format!("{}x{} at {:.2} Hz", size.w, size.h, f64::from(rate.0) / 1000.0);
    let other = |(is, at): &(Size, Refresh)| *is != size || at.0.abs_diff(rate.0) > SAME_RATE;
    let other_mode = told.mode.filter(other).map(|(is, at)| {
        let (is, shown) = (mode(is, at), mode(size, rate));
        format!("begins with {is}, and {shown} is shown (-W, -H and -r)")
    });
    let no_hdr = (settings.hdr && !told.hdr).then(|| "has no HDR, which --hdr-enabled offers".to_owned());
    other_mode.into_iter().chain(no_hdr).collect()
}

fn read_file(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut file = std::io::Read::take(std::fs::File::open(path)?, MAX_FILE);
    std::io::Read::read_to_end(&mut file, &mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(edid: Edid) -> Settings {
        Settings {
            edid,
            ..Settings::default()
        }
    }

    #[test]
    fn a_file_is_taken_as_it_is_or_refused_with_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("edid");
        let mut bytes = edid::build(&Spec {
            vendor: edid::Vendor(*b"DEL"),
            name: "U2720Q".parse().unwrap(),
            ..Spec::new(Size { w: 3840, h: 2160 }, Refresh(60_000))
        });
        std::fs::write(&path, &bytes).unwrap();
        let monitor = Monitor::new(&settings(Edid::File(path.clone()))).unwrap();
        assert_eq!((monitor.make.as_str(), monitor.model.as_str()), ("DEL", "U2720Q"));
        assert_eq!((monitor.edid(), monitor.millimetres), (&bytes[..], (1016, 572)));
        bytes[20] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        let why = Monitor::new(&settings(Edid::File(path))).unwrap_err().to_string();
        assert!(why.ends_with("the checksum of block 0 is wrong"), "{why}");
        let nowhere = Edid::File(folder.path().join("none"));
        assert!(Monitor::new(&settings(nowhere)).is_err());
    }

    #[test]
    fn what_a_file_says_otherwise_is_told() {
        let told = |hdr, rate| {
            let bytes = edid::build(&Spec {
                hdr,
                ..Spec::new(Size { w: 1280, h: 720 }, Refresh(rate))
            });
            edid::read(&bytes).unwrap()
        };
        let ours = |hdr| Settings {
            hdr,
            ..Settings::default()
        };
        assert!(differences(&told(None, 59_940), &ours(false)).is_empty());
        assert!(differences(&told(Some(Hdr::OURS), 60_000), &ours(true)).is_empty());
        assert_eq!(
            differences(&told(None, 120_000), &ours(true)),
            [
                "begins with 1280x720 at 120.00 Hz, and 1280x720 at 60.00 Hz is shown (-W, -H and -r)",
                "has no HDR, which --hdr-enabled offers"
            ]
        );
    }

    #[test]
    fn the_file_is_where_it_was_asked_for_or_goes_with_the_session() {
        let folder = tempfile::tempdir().unwrap();
        let mut monitor = Monitor::new(&Settings::default()).unwrap();
        let asked = folder.path().join("asked.bin");
        let env = |name: &str| (name == FILE_VARIABLE).then(|| asked.clone().into_os_string());
        monitor.publish("gamescope-7", &env).unwrap();
        assert_eq!(monitor.path(), Some(asked.as_path()));
        assert_eq!(std::fs::read(&asked).unwrap(), monitor.edid());
        let env = |name: &str| (name == "XDG_RUNTIME_DIR").then(|| folder.path().as_os_str().to_owned());
        monitor.publish("gamescope-7", &env).unwrap();
        let beside = folder.path().join("gamescope-7.edid");
        assert_eq!(std::fs::read(&beside).unwrap(), monitor.edid());
        drop(monitor);
        assert!(asked.exists() && !beside.exists());
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            1,
            "no temporary file is left"
        );
        let mut monitor = Monitor::new(&Settings::default()).unwrap();
        assert!(monitor.publish("x", &|_| None).is_err());
    }
}
