//! A program of others as a player has it: started, seen, clicked at and typed into.

use crate::decode::{Picture, is_near};
use crate::picture::{Rgb, Size};
use crate::scope::{Scope, Setup};
use crate::viewer::{PATIENCE, Shown, Viewer};
use anyhow::{Context, Result};
use goggles_protocols::control::ToClient;
use goggles_protocols::input::Event;
use std::ops::Range;
use std::time::Duration;

/// A program under goggles-scope, and the viewer who plays it.
pub struct Play {
    /// What runs it.
    pub scope: Scope,
    /// Who plays.
    pub viewer: Viewer,
    size: Size,
    patience: Duration,
}

impl Play {
    /// Starts `program` at an output of `size`.
    pub fn start(size: Size, program: &[&str]) -> Result<Self> {
        Self::with(Setup::new(size)?, size, program)
    }

    /// The same with options or an environment already set. The program's home is the session's folder.
    pub fn with(mut setup: Setup, size: Size, program: &[&str]) -> Result<Self> {
        let home = setup.folder().to_owned();
        setup.env("HOME", home).env("LANG", "C.UTF-8").program(program);
        let scope = setup.start()?;
        let viewer = scope.viewer()?;
        Ok(Self {
            scope,
            viewer,
            size,
            patience: PATIENCE,
        })
    }

    /// For a program that takes long to start or to draw.
    pub fn patient(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Waits until the window with the keyboard has a title with `part` in it.
    pub fn titled(&self, part: &str) -> Result<()> {
        let is = |m: &ToClient| matches!(m, ToClient::Scene { title, .. } if title.contains(part));
        self.viewer
            .message_within(self.patience, &format!("window {part:?}"), is)
            .with_context(|| self.log())?;
        Ok(())
    }

    /// Waits until the program holds the pointer.
    pub fn locked(&self) -> Result<()> {
        self.lock_is(true)
    }

    /// Waits until the program doesn't hold the pointer any more.
    pub fn unlocked(&self) -> Result<()> {
        self.lock_is(false)
    }

    fn lock_is(&self, wanted: bool) -> Result<()> {
        self.viewer
            .until_lock_is(wanted, self.patience)
            .with_context(|| self.log())
    }

    /// Waits for a line of the log that `find` finds something in.
    pub fn logged<T>(&self, what: &str, find: impl Fn(&str) -> Option<T>) -> Result<T> {
        self.scope.until_logged_within(self.patience, what, find)
    }

    /// Waits for a picture that `looks` right, and saves it as `target/nested/NAME.png`.
    pub fn see(&self, name: &str, mut looks: impl FnMut(&Picture) -> bool) -> Result<Shown> {
        let shown = self
            .viewer
            .until_shown_within(self.patience, name, |s| looks(&s.picture))
            .with_context(|| self.log())?;
        let path = crate::output("nested")?.join(format!("{name}.png"));
        shown.picture.save(&path)?;
        Ok(shown)
    }

    /// What moves shows other pictures, too.
    pub fn moves(&self) -> Result<()> {
        let first = grid(&self.viewer.until_shown_within(self.patience, "any picture", |_| true)?);
        self.viewer
            .until_shown_within(self.patience, "a picture that has moved", |s| {
                let changed = grid(s)
                    .iter()
                    .zip(&first)
                    .filter(|(a, b)| !is_near(**a, **b, 16))
                    .count();
                changed >= 10
            })?;
        Ok(())
    }

    /// Moves the pointer to this pixel of the output.
    pub fn point(&self, x: usize, y: usize) {
        let part = |at: usize, of: usize| (at as f64 + 0.5) / of as f64;
        self.viewer.input(Event::Absolute {
            x: part(x, self.size.w),
            y: part(y, self.size.h),
        });
    }

    /// Clicks there with the left button.
    pub fn click(&self, x: usize, y: usize) {
        self.point(x, y);
        self.viewer.tap(crate::keyboard::LEFT);
    }

    /// A key while others are held.
    pub fn chord(&self, held: &[u16], code: u16) {
        let edges = |pressed| move |code: &u16| self.viewer.input(Event::edge(*code, pressed));
        held.iter().for_each(edges(true));
        self.viewer.tap(code);
        held.iter().for_each(edges(false));
    }

    /// Types `text` on a US keyboard.
    pub fn types(&self, text: &str) -> Result<()> {
        crate::keyboard::type_text(&self.viewer, text)
    }

    fn log(&self) -> String {
        format!("log:\n{}", self.scope.log())
    }
}

/// Points all over the picture.
fn grid(shown: &Shown) -> Vec<Rgb> {
    let (w, h) = shown.picture.size();
    let at = |i: usize| shown.picture.rgb((i % 64 * 2 + 1) * w / 128, (i / 64 * 2 + 1) * h / 72);
    (0..64 * 36).map(at).collect()
}

/// Which of the three components stands out by at least `by`.
pub fn stands_out(c: Rgb, component: usize, by: u8) -> bool {
    (0..3).all(|i| i == component || c[component].saturating_sub(c[i]) >= by)
}

/// How many pixels of that part `are` so.
pub fn count(picture: &Picture, xs: Range<usize>, ys: Range<usize>, are: impl Fn(Rgb) -> bool) -> usize {
    let points = ys.flat_map(|y| xs.clone().map(move |x| (x, y)));
    points.filter(|(x, y)| are(picture.rgb(*x, *y))).count()
}

/// As letters on light ground are.
pub fn is_dark(c: Rgb) -> bool {
    c.iter().all(|v| *v < 110)
}

/// As paper and white letters are.
pub fn is_light(c: Rgb) -> bool {
    c.iter().all(|v| *v > 180)
}

/// Whether red, green and blue each fill that part of the picture.
pub fn has_red_green_blue(picture: &Picture, share: f64) -> bool {
    (0..3).all(|component| picture.share(|c| stands_out(c, component, 60)) > share)
}
