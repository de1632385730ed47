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
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
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
    to: Place,
    /// Since 1970, in UTC.
    at: Duration,
    /// Whom to tell when it is written.
    done: Option<Ping>,
}

/// Where a picture goes.
#[derive(Clone, Debug)]
enum Place {
    /// Under a new name in this folder.
    Folder(PathBuf),
    /// In the place of this file.
    File(PathBuf),
}

/// Where gamescope writes what X11 programs ask for, and where they look for it.
const ASKED: &str = "/tmp/gamescope.png";

/// The thread, once there is one.
#[derive(Debug)]
pub struct Screenshots {
    worker: Option<Worker>,
    /// The file of those that X11 programs ask for.
    pub asked: PathBuf,
}

impl Default for Screenshots {
    fn default() -> Self {
        Self {
            worker: None,
            asked: ASKED.into(),
        }
    }
}

#[derive(Debug)]
struct Worker {
    jobs: Sender<Job>,
    /// How many are not written yet.
    under_way: Arc<AtomicUsize>,
    thread: JoinHandle<()>,
}

impl State {
    /// Writes what is shown to a file of the screenshots' folder. It never blocks and never fails: what goes wrong is
    /// logged, and so is the file's path, once it is there.
    pub fn take_screenshot(&mut self) {
        let chosen = self.scope.settings.screenshots.clone();
        let started = folder(chosen, &|name| std::env::var_os(name))
            .context("HOME is not set: say --screenshot-dir")
            .and_then(|folder| self.start_screenshot(Place::Folder(folder), None));
        if let Err(why) = started {
            tracing::warn!("no screenshot: {why:#}");
        }
    }

    /// The same for an X11 program, to the file where it looks for it; `done` is told when it is there, or if there will be
    /// none.
    pub(crate) fn take_screenshot_asked(&mut self, done: Ping) {
        let to = Place::File(self.scope.screenshots.asked.clone());
        if let Err(why) = self.start_screenshot(to, Some(done.clone())) {
            tracing::warn!("no screenshot: {why:#}");
            done.ping();
        }
    }

    fn start_screenshot(&mut self, to: Place, done: Option<Ping>) -> Result<()> {
        // Before anything is composed: a program may ask again and again.
        self.scope.screenshots.room()?;
        if self.scope.scene_dirty {
            self.relayout();
        }
        let pixels = self.backend.snapshot(&self.scope)?;
        let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.scope.screenshots.submit(Job {
            pixels,
            size: self.scope.settings.output,
            to,
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
    /// Whether one more may be taken.
    fn room(&self) -> Result<()> {
        let under_way = self.worker.as_ref().map_or(0, |w| w.under_way.load(Ordering::Relaxed));
        anyhow::ensure!(under_way <= WAITING, "{WAITING} still wait to be written");
        Ok(())
    }

    fn submit(&mut self, job: Job) -> Result<()> {
        let worker = match &mut self.worker {
            Some(worker) => worker,
            none => none.insert(Worker::start(write)?),
        };
        worker.under_way.fetch_add(1, Ordering::Relaxed);
        let sent = worker.jobs.send(job);
        sent.ok().context("the thread that writes them has ended")
    }

    /// Waits until all are written.
    pub fn finish(&mut self) {
        let Some(Worker { jobs, thread, .. }) = self.worker.take() else {
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
    fn start(write: impl Fn(&Job) -> Result<PathBuf> + Send + 'static) -> Result<Self> {
        let (jobs, todo) = mpsc::channel::<Job>();
        let under_way = Arc::new(AtomicUsize::new(0));
        let left = Arc::clone(&under_way);
        let thread = std::thread::Builder::new()
            .name("screenshot".into())
            .spawn(move || {
                for job in todo {
                    match write(&job) {
                        Ok(path) => tracing::info!("screenshot: {}", path.display()),
                        Err(why) => tracing::warn!("no screenshot: {why:#}"),
                    }
                    left.fetch_sub(1, Ordering::Relaxed);
                    if let Some(done) = job.done {
                        done.ping();
                    }
                }
            })
            .context("error starting its thread")?;
        Ok(Self {
            jobs,
            under_way,
            thread,
        })
    }
}

fn write(job: &Job) -> Result<PathBuf> {
    if let Place::Folder(folder) = &job.to {
        std::fs::create_dir_all(folder).with_context(|| format!("error creating {}", folder.display()))?;
    }
    let png = encode(&job.pixels, job.size).context("error encoding it")?;
    let path = match &job.to {
        Place::Folder(folder) => free_name(folder, &name(job.at)),
        Place::File(path) => path.clone(),
    };
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

    fn job(to: Place) -> Job {
        Job {
            pixels: vec![1, 2, 3, 0],
            size: Size { w: 1, h: 1 },
            to,
            at: Duration::from_secs(1_700_000_000),
            done: None,
        }
    }

    #[test]
    fn no_more_are_taken_than_may_wait() {
        let (go, wait) = mpsc::channel::<()>();
        let slow = move |_: &Job| {
            wait.recv().context("no more are to be written")?;
            Ok(PathBuf::new())
        };
        let mut screenshots = Screenshots::default();
        screenshots.worker = Some(Worker::start(slow).unwrap());
        for _ in 0..=WAITING {
            screenshots.room().unwrap();
            screenshots.submit(job(Place::File("unwritten".into()))).unwrap();
        }
        assert!(screenshots.room().is_err());
        let under_way = screenshots.worker.as_ref().unwrap().under_way.clone();
        go.send(()).unwrap();
        while under_way.load(Ordering::Relaxed) > WAITING {
            std::thread::yield_now();
        }
        assert!(screenshots.room().is_ok());
        drop(go);
        screenshots.finish();
    }

    #[test]
    fn names_are_dates_and_never_the_same() {
        let name = name(Duration::from_millis(1_700_000_000_042));
        assert!(
            name.starts_with("goggles-scope-2023-11-1") && name.ends_with("-042"),
            "{name}"
        );
        let folder = tempfile::tempdir().unwrap();
        let job = job(Place::Folder(folder.path().join("made")));
        let paths: Vec<_> = (0..3).map(|_| write(&job).unwrap()).collect();
        assert!(paths[1].to_str().unwrap().ends_with("-2.png") && paths[2].to_str().unwrap().ends_with("-3.png"));
        assert_eq!(std::fs::read_dir(folder.path().join("made")).unwrap().count(), 3);
    }

    #[test]
    fn a_folder_that_can_not_be_written_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(
            write(&job(Place::Folder(file)))
                .unwrap_err()
                .to_string()
                .starts_with("error creating")
        );
    }
}
