//! Composition with Pixman into pooled buffers.

use crate::config::Filter;
use crate::link::{Image, Size};
use crate::scene::{layout::Fit, window::Placed};
use anyhow::{Context, Result};
use smithay::backend::renderer::damage::OutputDamageTracker;
use smithay::backend::renderer::element::Kind;
use smithay::backend::renderer::element::surface::{WaylandSurfaceRenderElement, render_elements_from_surface_tree};
use smithay::backend::renderer::pixman::PixmanRenderer;
use smithay::backend::renderer::{Bind, Renderer, TextureFilter};
use smithay::utils::{Physical, Point, Transform};
use std::collections::HashMap;
use std::sync::mpsc;

/// How many buffers may be away (one being encoded, one waiting, one being drawn, one spare).
const POOL: usize = 4;

/// The renderer, its damage history and its buffers.
#[derive(Debug)]
pub struct Composer {
    renderer: PixmanRenderer,
    tracker: OutputDamageTracker,
    scale: (f64, f64),
    size: Size,
    /// Counts compositions; a buffer's age is how many were drawn since it was.
    drawn: usize,
    /// When the buffer at this address was drawn last.
    ages: HashMap<usize, usize>,
    free: Vec<Vec<u8>>,
    home: (mpsc::Sender<Vec<u8>>, mpsc::Receiver<Vec<u8>>),
}

impl Composer {
    /// A composer for an output of this size.
    pub fn new(size: Size, filter: Filter) -> Result<Self> {
        let mut renderer = PixmanRenderer::new().context("error creating the Pixman renderer")?;
        let filter = match filter {
            Filter::Linear => TextureFilter::Linear,
            Filter::Nearest => TextureFilter::Nearest,
        };
        renderer.upscale_filter(filter).context("error setting the filter")?;
        renderer.downscale_filter(filter).context("error setting the filter")?;
        Ok(Self {
            renderer,
            tracker: tracker(size, (1.0, 1.0)),
            scale: (1.0, 1.0),
            size,
            drawn: 0,
            ages: HashMap::new(),
            free: Vec::new(),
            home: mpsc::channel(),
        })
    }

    /// Draws the placed surfaces (top to bottom). `Ok(None)`: nothing changed since the last picture and `force` is
    /// not set, or all buffers are away.
    pub fn compose(&mut self, placed: &[Placed], fit: &Fit, force: bool) -> Result<Option<Image>> {
        if self.scale != fit.scale {
            self.tracker = tracker(self.size, fit.scale);
            self.scale = fit.scale;
            self.ages.clear();
        }
        let mut elements: Vec<WaylandSurfaceRenderElement<PixmanRenderer>> = Vec::new();
        for p in placed {
            let (x, y) = fit.to_output(f64::from(p.at.x), f64::from(p.at.y));
            let at: Point<i32, Physical> = (x.round() as i32, y.round() as i32).into();
            elements.extend(render_elements_from_surface_tree(
                &mut self.renderer,
                &p.surface,
                at,
                fit.scale,
                1.0,
                Kind::Unspecified,
            ));
        }
        let Some(mut data) = self.take_buffer() else {
            return Ok(None);
        };
        let address = data.as_ptr() as usize;
        let stride = self.size.w as usize * 4;
        let age = match self.ages.get(&address) {
            Some(drawn) => self.drawn - drawn + 1,
            None => 0,
        };
        // SAFETY: the memory holds stride * h bytes, is aligned for u32 (it was allocated as such, see `take_buffer`),
        // and outlives the image, which is dropped at the end of this function before `data` moves on.
        let mut image = unsafe {
            pixman::Image::from_raw_mut(
                pixman::FormatCode::X8R8G8B8,
                self.size.w as usize,
                self.size.h as usize,
                data.as_mut_ptr().cast::<u32>(),
                stride,
                false,
            )
        }
        .ok()
        .context("error wrapping a buffer for Pixman")?;
        let result = {
            let mut target = self.renderer.bind(&mut image).context("error binding a buffer")?;
            self.tracker
                .render_output(&mut self.renderer, &mut target, age, &elements, [0.0, 0.0, 0.0, 1.0])
                .map(|r| r.damage.is_some())
        };
        drop(image);
        let damaged = match result {
            Ok(damaged) => damaged,
            Err(why) => {
                self.ages.remove(&address);
                self.free.push(data);
                return Err(anyhow::anyhow!("error composing: {why}"));
            }
        };
        if damaged {
            self.drawn += 1;
        }
        self.ages.insert(address, self.drawn);
        if !damaged && !force {
            self.free.push(data);
            return Ok(None);
        }
        Ok(Some(Image {
            data,
            stride,
            size: self.size,
            home: Some(self.home.0.clone()),
        }))
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
        if self.ages.len() >= POOL {
            return None;
        }
        let bytes = self.size.w as usize * self.size.h as usize * 4;
        // The allocator aligns blocks of this size to 16 at least; checked, since Pixman needs 4.
        let data = vec![0u8; bytes];
        (data.as_ptr() as usize).is_multiple_of(4).then_some(data)
    }
}

fn tracker(size: Size, scale: (f64, f64)) -> OutputDamageTracker {
    OutputDamageTracker::new(
        (size.w as i32, size.h as i32),
        smithay::utils::Scale { x: scale.0, y: scale.1 },
        Transform::Normal,
    )
}
