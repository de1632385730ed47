//! Composition into pooled buffers, with Pixman: at the output's size, or, where a filter interpolates, at the game's size and
//! then by [`super::scale`].

use super::draw::{self, tracker};
use super::elements::{Element, Elements};
use super::gamma::Ramps;
use super::look::{Look, small};
use super::scale::{self, Place, Source};
use crate::link::{Image, Size};
use crate::scene::{layout::Fit, stack::Placed};
use anyhow::{Context, Result};
use smithay::backend::allocator::dmabuf::Dmabuf;
use smithay::backend::renderer::damage::OutputDamageTracker;
use smithay::backend::renderer::pixman::PixmanRenderer;
use smithay::backend::renderer::{ImportDma, Renderer};
use smithay::utils::{Logical, Rectangle};
use std::collections::HashMap;
use std::sync::mpsc;

/// How many buffers may be away (one being encoded, one waiting, one being drawn, one spare).
const POOL: usize = 4;

/// More compositions than any damage is remembered for: a buffer whose last was number 0 is drawn in whole.
const LONG_AGO: usize = 1000;

/// The renderer, its damage history and its buffers.
#[derive(Debug)]
pub struct Composer {
    renderer: PixmanRenderer,
    tracker: OutputDamageTracker,
    look: Option<Look>,
    size: Size,
    /// Counts compositions; a buffer's age is how many were drawn since it was.
    drawn: usize,
    /// When the buffer at this address was drawn last.
    ages: HashMap<usize, usize>,
    free: Vec<Vec<u8>>,
    home: (mpsc::Sender<Vec<u8>>, mpsc::Receiver<Vec<u8>>),
    small: Small,
    elements: Elements,
    /// Something was drawn over the last picture.
    covered: bool,
    /// The output's gamma, and the picture without it, which is what is drawn into.
    gamma: Option<Ramps>,
    plain: Vec<u8>,
}

/// The picture at its own size.
#[derive(Debug, Default)]
struct Small {
    tracker: Option<OutputDamageTracker>,
    /// Its place in the picture's own pixels.
    rect: Rectangle<i32, Logical>,
    data: Vec<u8>,
    scratch: scale::Scratch,
}

impl Composer {
    /// A composer for an output of this size.
    pub fn new(size: Size) -> Result<Self> {
        Ok(Self {
            renderer: PixmanRenderer::new().context("error creating the Pixman renderer")?,
            tracker: tracker(size, (1.0, 1.0)),
            look: None,
            size,
            drawn: LONG_AGO,
            ages: HashMap::new(),
            free: Vec::new(),
            home: mpsc::channel(),
            small: Small::default(),
            elements: Elements::default(),
            covered: false,
            gamma: None,
            plain: Vec::new(),
        })
    }

    /// Another composer, with the same gamma, for an output of this size.
    pub fn resized(&self, size: Size) -> Result<Self> {
        Ok(Self {
            gamma: self.gamma.clone(),
            ..Self::new(size)?
        })
    }

    /// Draws the placed surfaces (top to bottom). `Ok(None)`: nothing changed since the last picture and `force` is
    /// not set, or all buffers are away.
    pub fn compose(&mut self, placed: &[Placed], look: &Look, force: bool) -> Result<Option<Image>> {
        self.take_look(look)?;
        let Some(mut data) = self.take_buffer() else {
            return Ok(None);
        };
        let damaged = match self.gamma.take() {
            Some(ramps) => {
                let damaged = self.draw_through(&ramps, placed, look, force, &mut data);
                self.gamma = Some(ramps);
                damaged
            }
            None => self.draw_all(placed, look, force, &mut data),
        };
        let damaged = match damaged {
            Ok(damaged) => damaged,
            Err(why) => {
                self.ages.remove(&(data.as_ptr() as usize));
                self.free.push(data);
                return Err(why);
            }
        };
        if !damaged && !force {
            self.free.push(data);
            return Ok(None);
        }
        Ok(Some(Image {
            data,
            stride: self.size.w as usize * 4,
            size: self.size,
            home: Some(self.home.0.clone()),
        }))
    }

    fn draw_through(
        &mut self,
        ramps: &Ramps,
        placed: &[Placed],
        look: &Look,
        force: bool,
        data: &mut [u8],
    ) -> Result<bool> {
        let mut plain = std::mem::take(&mut self.plain);
        if plain.len() != data.len() {
            plain = vec![0; data.len()];
        }
        let damaged = self.draw_all(placed, look, force, &mut plain);
        ramps.apply(&plain, data);
        // Pixman did not draw it.
        self.ages.insert(data.as_ptr() as usize, 0);
        self.plain = plain;
        damaged
    }

    /// Maps a client's DMA-BUF; [`crate::dmabuf::check`] must have passed it.
    pub fn import(&mut self, buffer: &Dmabuf) -> Result<()> {
        // Lets go of those that are no more, which nothing else does while nobody looks.
        self.renderer.cleanup_texture_cache()?;
        self.renderer.import_dmabuf(buffer, None)?;
        Ok(())
    }

    /// Sets the output's gamma. Whether it was another one.
    pub fn set_gamma(&mut self, ramps: Option<Ramps>) -> bool {
        let other = self.gamma != ramps;
        if other {
            self.ages.remove(&(self.plain.as_ptr() as usize));
            self.plain = Vec::new();
            self.gamma = ramps;
        }
        other
    }

    /// Whether the picture goes through gamma ramps.
    pub fn has_gamma(&self) -> bool {
        self.gamma.is_some()
    }

    /// The picture, B G R x, in memory of its own, without the output's gamma; what is known of the frames before is left as it is.
    pub fn snapshot(&mut self, placed: &[Placed], look: &Look) -> Result<Vec<u8>> {
        self.take_look(look)?;
        let mut data = vec![0; self.size.w as usize * self.size.h as usize * 4];
        let tracker = std::mem::replace(&mut self.tracker, tracker(self.size, look.fit.scale));
        let kept = (
            std::mem::take(&mut self.small),
            std::mem::take(&mut self.ages),
            self.drawn,
            self.covered,
        );
        let drawn = self.draw_all(placed, look, true, &mut data);
        self.tracker = tracker;
        (self.small, self.ages, self.drawn, self.covered) = kept;
        drawn.map(|_| data)
    }

    /// Starts afresh where the look is another one.
    fn take_look(&mut self, look: &Look) -> Result<()> {
        if self.look == Some(*look) {
            return Ok(());
        }
        self.look = Some(*look);
        self.tracker = tracker(self.size, look.fit.scale);
        self.small.tracker = None;
        self.ages.clear();
        let filter = look.texture_filter();
        let set = self.renderer.upscale_filter(filter);
        set.and_then(|()| self.renderer.downscale_filter(filter))
            .context("error setting the filter")
    }

    /// Draws the base and what fits the output as it does, then what has a fit of its own. Whether anything had changed.
    fn draw_all(&mut self, placed: &[Placed], look: &Look, force: bool, data: &mut [u8]) -> Result<bool> {
        self.elements.turn(self.size);
        let (under, over): (Vec<_>, Vec<_>) = placed.iter().cloned().partition(|p| p.own.is_none());
        // Neither what comes over the picture nor what goes is known to a damage tracker.
        let changed = std::mem::replace(&mut self.covered, !over.is_empty()) || !over.is_empty();
        let damaged = match small(&under, look, self.size) {
            Some(small) => self.compose_small(&under, look, small, force || changed, data),
            None => {
                self.small = Small::default();
                self.compose_whole(&under, &look.fit, data)
            }
        }?;
        for p in over.iter().rev() {
            self.draw_over(p, p.own.unwrap_or(look.fit), data)?;
        }
        Ok(damaged || changed)
    }

    /// Draws one more over a picture of the output's size.
    fn draw_over(&mut self, placed: &Placed, fit: Fit, data: &mut [u8]) -> Result<()> {
        let elements = self.elements_of(std::slice::from_ref(placed), &fit, self.size);
        // The damage tracker does not know of it.
        self.ages.insert(data.as_ptr() as usize, 0);
        let size = (self.size.w as usize, self.size.h as usize);
        draw::over(&mut self.renderer, (data, size), fit.scale, &elements)
    }

    /// Draws at the output's size. Whether anything had changed.
    fn compose_whole(&mut self, placed: &[Placed], fit: &Fit, data: &mut [u8]) -> Result<bool> {
        let elements = self.elements_of(placed, fit, self.size);
        let (address, size) = (data.as_ptr() as usize, (self.size.w as usize, self.size.h as usize));
        let age = self.ages.get(&address).map_or(0, |drawn| self.drawn - drawn + 1);
        let damaged = draw::damaged(&mut self.renderer, &mut self.tracker, (data, size), age, &elements)?;
        if damaged {
            self.drawn += 1;
        }
        self.ages.insert(address, self.drawn);
        Ok(damaged)
    }

    /// Draws at the picture's own size, and then enlarges all of it. Whether anything had changed.
    fn compose_small(
        &mut self,
        placed: &[Placed],
        look: &Look,
        (kind, rect): (scale::Kind, Rectangle<i32, Logical>),
        force: bool,
        data: &mut [u8],
    ) -> Result<bool> {
        if rect.is_empty() {
            data.fill(0);
            return Ok(true);
        }
        let (w, h) = (rect.size.w as usize, rect.size.h as usize);
        if self.small.rect != rect || self.small.tracker.is_none() {
            self.small.rect = rect;
            self.small.tracker = None;
            self.small.data = vec![0; w * h * 4];
        }
        let here = Fit {
            scale: look.density,
            offset: (-f64::from(rect.loc.x), -f64::from(rect.loc.y)),
        };
        let size = Size {
            w: rect.size.w as u32,
            h: rect.size.h as u32,
        };
        let elements = self.elements_of(placed, &here, size);
        let age = usize::from(self.small.tracker.is_some());
        let small = &mut self.small;
        let tracker = small.tracker.get_or_insert_with(|| tracker(size, look.density));
        let damaged = draw::damaged(&mut self.renderer, tracker, (&mut small.data, (w, h)), age, &elements)?;
        if damaged || force {
            let source = Source {
                data: &small.data,
                stride: w * 4,
                w,
                h,
            };
            let scale = look.enlargement();
            let place = Place {
                scale,
                offset: (
                    f64::from(rect.loc.x) * scale.0 + look.fit.offset.0,
                    f64::from(rect.loc.y) * scale.1 + look.fit.offset.1,
                ),
            };
            scale::scale(kind, source, &place, self.size.w as usize, data, &mut small.scratch)?;
        }
        // One of the pool's, and drawn in whole; Pixman starts afresh when it is its turn again.
        self.ages.insert(data.as_ptr() as usize, 0);
        Ok(damaged)
    }

    fn elements_of(&mut self, placed: &[Placed], fit: &Fit, size: Size) -> Vec<Element> {
        self.elements.of(&mut self.renderer, placed, fit, size)
    }

    /// The picture's size.
    pub fn size(&self) -> Size {
        self.size
    }

    fn take_buffer(&mut self) -> Option<Vec<u8>> {
        self.free.extend(self.home.1.try_iter());
        // The one drawn last needs the least repainting.
        let best = (0..self.free.len()).max_by_key(|i| self.ages.get(&(self.free[*i].as_ptr() as usize)));
        if let Some(best) = best {
            return Some(self.free.swap_remove(best));
        }
        let of_its_own = self.ages.contains_key(&(self.plain.as_ptr() as usize));
        if self.ages.len() >= POOL + usize::from(of_its_own) {
            return None;
        }
        let bytes = self.size.w as usize * self.size.h as usize * 4;
        // The allocator aligns blocks of this size to 16 at least; checked, since Pixman needs 4.
        let data = vec![0u8; bytes];
        (data.as_ptr() as usize).is_multiple_of(4).then_some(data)
    }
}
