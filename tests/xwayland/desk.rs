//! The compositor with its Xwayland, in real time.

use crate::fixture::{Fixture, Picture, settings};
use goggles_scope::config::Settings;
use goggles_scope::scene::window::Window;
use smithay::reexports::wayland_server::Resource;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Far more than anything takes; a test that gets here has failed.
const PATIENCE: Duration = Duration::from_secs(30);

pub const W: u16 = 640;
pub const H: u16 = 480;

pub struct Desk {
    pub f: Fixture,
    last: Option<Picture>,
    /// Given back after the X server is gone.
    _place: Place,
}

/// There are 33 displays, for all programs of the machine: tests take this many at most.
const PLACES: usize = 6;

static FREE: (Mutex<usize>, Condvar) = (Mutex::new(PLACES), Condvar::new());

struct Place;

impl Place {
    fn take() -> Self {
        let free = FREE.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = FREE
            .1
            .wait_while(free, |free| *free == 0)
            .unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Self
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        *FREE.0.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        FREE.1.notify_one();
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        // The loop has sources that hold the loop, so that its end would not end the server.
        self.f.state.stop_xwayland();
        let give_up = Instant::now() + PATIENCE;
        while !self.f.state.scope.xwayland.is_gone() && Instant::now() < give_up {
            self.f.live(Duration::from_millis(5));
        }
    }
}

impl Desk {
    /// With an X server that is ready.
    pub fn new() -> Self {
        let mut desk = Self::unstarted();
        desk.start();
        desk
    }

    /// Without an X server yet.
    pub fn unstarted() -> Self {
        Self::with(settings(W.into(), H.into()))
    }

    /// With these settings, and without an X server yet.
    pub fn with(settings: Settings) -> Self {
        Self {
            _place: Place::take(),
            f: Fixture::with(settings),
            last: None,
        }
    }

    /// Starts the X servers (one, if the settings do not say how many) and waits until they are ready.
    pub fn start(&mut self) {
        self.f.state.start_xwayland().expect("Xwayland is started");
        self.until("Xwayland is ready", |d| {
            let xwayland = &mut d.f.state.scope.xwayland;
            if let Some(why) = xwayland.take_failure() {
                panic!("{why:#}");
            }
            xwayland.displays().is_some()
        });
    }

    pub fn display(&self) -> u32 {
        self.f.state.scope.xwayland.display().expect("Xwayland is ready")
    }

    /// Lives until `done`.
    pub fn until(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        let give_up = Instant::now() + PATIENCE;
        while !done(self) {
            assert!(Instant::now() < give_up, "never: {what}; {}", self.windows());
            // Some of what is waited for wakes another event loop than ours.
            self.f.live(Duration::from_millis(5));
        }
    }

    /// The windows, bottom to top, for who reads that a test failed.
    fn windows(&self) -> String {
        let scope = &self.f.state.scope;
        let line = |w: &Window| {
            let surface = w.surface.as_ref().map(|s| s.id());
            format!(
                "\n{:?} mapped {} {surface:?} {:?}",
                w.id,
                w.mapped,
                w.rect(scope.area_of(w.server))
            )
        };
        let lines: String = scope.windows.iter().map(line).collect();
        format!("{:?}{lines}", scope.choice)
    }

    /// Lives until there is something.
    pub fn wait<T>(&mut self, what: &str, mut get: impl FnMut(&mut Self) -> Option<T>) -> T {
        let mut got = None;
        self.until(what, |desk| {
            got = get(desk);
            got.is_some()
        });
        got.expect("until() returned")
    }

    /// The newest picture.
    pub fn picture(&mut self) -> Option<&Picture> {
        if let Some(newer) = self.f.pictures().pop() {
            self.last = Some(newer);
        }
        self.last.as_ref()
    }

    /// Lives until these places have these colours, 0xRRGGBB.
    pub fn until_seen(&mut self, wanted: &[(usize, usize, u32)]) {
        self.until(&format!("{wanted:x?} is seen"), |desk| {
            let picture = desk.picture();
            picture.is_some_and(|p| wanted.iter().all(|(x, y, colour)| p.at(*x, *y) == *colour))
        });
    }
}
