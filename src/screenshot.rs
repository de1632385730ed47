//! Screenshots: what is shown, composed at the output's size and without the cursor, as a PNG file.
//!
//! Owns the thread that encodes and writes, which starts with the first one and is joined with the session. The file comes
//! into being whole: it is written beside its name, and then renamed.

use crate::files::write_at_once;
use crate::link::Size;
use crate::state::State;
use anyhow::{Context, Result};
use smithay::reexports::calloop::ping::Ping;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, SyncSender, TrySendError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// So many may wait while one is written; each holds a whole picture.
const WAITING: usize = 2;

/// A picture to be written.
#[derive(Debug)]
struct Job {
    /// B G R x, rows without gaps.
    pixels: Vec<u8>,
    size: Size,
    folder: PathBuf,
    /// Since 1970, in UTC.
    at: Duration,
    /// Whom to tell when it is written.
    done: Option<Ping>,
}

/// The thread, once there is one.
#[derive(Debug, Default)]
pub struct Screenshots(Option<Worker>);

#[derive(Debug)]
struct Worker {
    jobs: SyncSender<Job>,
    thread: JoinHandle<()>,
}

impl State {
    /// Writes what is shown to a file of the screenshots' folder. It never blocks and never fails: what goes wrong is
    /// logged, and so is the file's path, once it is there. Then, or when there will be none, `done` is told.
    pub fn take_screenshot(&mut self, done: Option<Ping>) {
        if let Err(why) = self.start_screenshot(done.clone()) {
            tracing::warn!("no screenshot: {why:#}");
            if let Some(done) = done {
                done.ping();
            }
        }
    }

    fn start_screenshot(&mut self, done: Option<Ping>) -> Result<()> {
        let chosen = self.scope.settings.screenshots.clone();
        let folder = folder(chosen, &|name| std::env::var_os(name)).context("HOME is not set: say --screenshot-dir")?;
        if self.scope.scene_dirty {
            self.relayout();
        }
        let pixels = self.backend.snapshot(&self.scope)?;
        let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.scope.screenshots.submit(Job {
            pixels,
            size: self.scope.settings.output,
            folder,
            at,
            done,
        })
    }
}

/// Where they go: the chosen folder, or the user's for pictures.
fn folder(chosen: Option<PathBuf>, env: &dyn Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let absolute = |name| env(name).map(PathBuf::from).filter(|path| path.is_absolute());
    chosen
        .or_else(|| absolute("XDG_PICTURES_DIR"))
        .or_else(|| absolute("HOME").map(|home| home.join("Pictures")))
}

impl Screenshots {
    fn submit(&mut self, job: Job) -> Result<()> {
        let worker = match &mut self.0 {
            Some(worker) => worker,
            none => none.insert(Worker::start()?),
        };
        worker.jobs.try_send(job).map_err(|e| match e {
            TrySendError::Full(_) => anyhow::anyhow!("{WAITING} still wait to be written"),
            TrySendError::Disconnected(_) => anyhow::anyhow!("the thread that writes them has ended"),
        })
    }

    /// Waits until all are written.
    pub fn finish(&mut self) {
        let Some(Worker { jobs, thread }) = self.0.take() else {
            return;
        };
        // The thread ends when there is nobody left to give it more.
        drop(jobs);
        if thread.join().is_err() {
            tracing::error!("the thread for screenshots panicked");
        }
    }
}

impl Drop for Screenshots {
    fn drop(&mut self) {
        self.finish();
    }
}

impl Worker {
    fn start() -> Result<Self> {
        let (jobs, todo) = mpsc::sync_channel::<Job>(WAITING);
        let thread = std::thread::Builder::new()
            .name("screenshot".into())
            .spawn(move || {
                for job in todo {
                    match write(&job) {
                        Ok(path) => tracing::info!("screenshot: {}", path.display()),
                        Err(why) => tracing::warn!("no screenshot: {why:#}"),
                    }
                    if let Some(done) = job.done {
                        done.ping();
                    }
                }
            })
            .context("error starting its thread")?;
        Ok(Self { jobs, thread })
    }
}

fn write(job: &Job) -> Result<PathBuf> {
    let folder = &job.folder;
    std::fs::create_dir_all(folder).with_context(|| format!("error creating {}", folder.display()))?;
    let png = encode(&job.pixels, job.size).context("error encoding it")?;
    let path = free_name(folder, &name(job.at));
    write_at_once(&path, &png).with_context(|| format!("error writing {}", path.display()))?;
    Ok(path)
}

/// The local date and time, with the machine's time zone.
fn name(at: Duration) -> String {
    let seconds = at.as_secs() as libc::time_t;
    // SAFETY: all of its fields may be zero.
    let mut t: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: both point to values that outlive the call; nobody changes the environment's TZ while it reads it.
    let known = unsafe { libc::localtime_r(&raw const seconds, &raw mut t) };
    if known.is_null() {
        return format!("goggles-scope-{}", at.as_millis());
    }
    format!(
        "goggles-scope-{:04}-{:02}-{:02}-{:02}{:02}{:02}-{:03}",
        t.tm_year + 1900,
        t.tm_mon + 1,
        t.tm_mday,
        t.tm_hour,
        t.tm_min,
        t.tm_sec,
        at.subsec_millis()
    )
}

/// The name, or with a number where it is taken.
fn free_name(folder: &Path, name: &str) -> PathBuf {
    let plain = folder.join(format!("{name}.png"));
    let numbered = (2..).map(|n| folder.join(format!("{name}-{n}.png")));
    let mut all = std::iter::once(plain.clone()).chain(numbered);
    all.find(|path| !path.exists()).unwrap_or(plain)
}

fn encode(bgrx: &[u8], size: Size) -> Result<Vec<u8>> {
    let (pixels, _) = bgrx.as_chunks::<4>();
    let rgb: Vec<u8> = pixels.iter().flat_map(|p| [p[2], p[1], p[0]]).collect();
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, size.w, size.h);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    // What clients draw without saying more is sRGB.
    encoder.set_source_srgb(png::SrgbRenderingIntent::Perceptual);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&rgb)?;
    writer.finish()?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_the_chosen_one_or_the_users() {
        let env = |pairs: &'static [(&str, &str)]| {
            move |name: &str| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| OsString::from(v))
        };
        let both: &[_] = &[("XDG_PICTURES_DIR", "/p"), ("HOME", "/h")];
        assert_eq!(folder(Some("/c".into()), &env(both)), Some("/c".into()));
        assert_eq!(folder(None, &env(both)), Some("/p".into()));
        // The specification: a relative one is no folder.
        let relative: &[_] = &[("XDG_PICTURES_DIR", "p"), ("HOME", "/h")];
        assert_eq!(folder(None, &env(relative)), Some("/h/Pictures".into()));
        assert_eq!(folder(None, &env(&[])), None);
    }

    #[test]
    fn names_are_dates_and_never_the_same() {
        let name = name(Duration::from_millis(1_700_000_000_042));
        assert!(
            name.starts_with("goggles-scope-2023-11-1") && name.ends_with("-042"),
            "{name}"
        );
        let folder = tempfile::tempdir().unwrap();
        let job = Job {
            pixels: vec![1, 2, 3, 0],
            size: Size { w: 1, h: 1 },
            folder: folder.path().join("made"),
            at: Duration::from_secs(1_700_000_000),
            done: None,
        };
        let paths: Vec<_> = (0..3).map(|_| write(&job).unwrap()).collect();
        assert!(paths[1].to_str().unwrap().ends_with("-2.png") && paths[2].to_str().unwrap().ends_with("-3.png"));
        assert_eq!(std::fs::read_dir(folder.path().join("made")).unwrap().count(), 3);
    }

    #[test]
    fn a_folder_that_can_not_be_written_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let job = Job {
            pixels: vec![0; 4],
            size: Size { w: 1, h: 1 },
            folder: file,
            at: Duration::ZERO,
            done: None,
        };
        assert!(write(&job).unwrap_err().to_string().starts_with("error creating"));
    }
}
