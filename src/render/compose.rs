//! Composition into pooled buffers, with Pixman: at the output's size, or, where a filter interpolates, at the game's size and
//! then by [`super::scale`].

use super::faded::Faded;
use super::scale::{self, Place, Source};
use crate::config::Filter;
use crate::link::{Image, Size};
use crate::scene::{layout::Fit, window::Placed};
use anyhow::{Context, Result};
use smithay::backend::allocator::format::has_alpha;
use smithay::backend::renderer::damage::OutputDamageTracker;
use smithay::backend::renderer::element::surface::{
    WaylandSurfaceRenderElement, WaylandSurfaceTexture, render_elements_from_surface_tree,
};
use smithay::backend::renderer::element::{Element as _, Id, Kind, RenderElement};
use smithay::backend::renderer::pixman::PixmanRenderer;
use smithay::backend::renderer::{Bind, Renderer, Texture, TextureFilter};
use smithay::desktop::utils::bbox_from_surface_tree;
use smithay::utils::{Logical, Physical, Point, Rectangle, Transform};
use std::collections::HashMap;
use std::sync::mpsc;

/// How many buffers may be away (one being encoded, one waiting, one being drawn, one spare).
const POOL: usize = 4;

/// How the game's picture is shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    /// Where.
    pub fit: Fit,
    /// How it is scaled.
    pub filter: Filter,
    /// How much of FSR's sharpening is left out, 0 to 20.
    pub sharpness: u8,
}

impl Look {
    /// How the picture of the game's size is scaled; `None`: each surface is drawn at the output's size at once, which is
    /// the same where nothing is interpolated.
    fn scaling(&self) -> Option<scale::Kind> {
        let (x, y) = self.fit.scale;
        if (x, y) == (1.0, 1.0) {
            return None;
        }
        // Pixel and FSR only enlarge.
        let enlarges = x >= 1.0 && y >= 1.0;
        match self.filter {
            Filter::Nearest => None,
            Filter::Pixel if enlarges => Some(scale::Kind::Pixel),
            Filter::Fsr if enlarges => Some(scale::Kind::Fsr(self.sharpness)),
            Filter::Linear | Filter::Pixel | Filter::Fsr => Some(scale::Kind::Linear),
        }
    }
}

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
    /// The translucent trees and surfaces of the last composition.
    faded: HashMap<Key, Faded>,
}

/// What was drawn by itself: a surface, or the tree whose root it is.
type Key = (Id, Part);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Part {
    Surface,
    Tree,
}

/// The picture at the game's size.
#[derive(Debug, Default)]
struct Small {
    tracker: Option<OutputDamageTracker>,
    /// Its place in the game's coordinates.
    rect: Rectangle<i32, Logical>,
    data: Vec<u8>,
    scratch: Vec<u8>,
}

smithay::backend::renderer::element::render_elements! {
    Element<=PixmanRenderer>;
    Surface=WaylandSurfaceRenderElement<PixmanRenderer>,
    Faded=Faded,
}

impl Composer {
    /// A composer for an output of this size.
    pub fn new(size: Size) -> Result<Self> {
        Ok(Self {
            renderer: PixmanRenderer::new().context("error creating the Pixman renderer")?,
            tracker: tracker(size, (1.0, 1.0)),
            look: None,
            size,
            drawn: 0,
            ages: HashMap::new(),
            free: Vec::new(),
            home: mpsc::channel(),
            small: Small::default(),
            faded: HashMap::new(),
        })
    }

    /// Draws the placed surfaces (top to bottom). `Ok(None)`: nothing changed since the last picture and `force` is
    /// not set, or all buffers are away.
    pub fn compose(&mut self, placed: &[Placed], look: &Look, force: bool) -> Result<Option<Image>> {
        self.take_look(look)?;
        let Some(mut data) = self.take_buffer() else {
            return Ok(None);
        };
        let damaged = match look.scaling() {
            Some(kind) => self.compose_small(placed, look, kind, force, &mut data),
            None => self.compose_whole(placed, &look.fit, &mut data),
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

    /// The picture, B G R x, in memory of its own; what is known of the frames before is left as it is.
    pub fn snapshot(&mut self, placed: &[Placed], look: &Look) -> Result<Vec<u8>> {
        self.take_look(look)?;
        let mut data = vec![0; self.size.w as usize * self.size.h as usize * 4];
        let tracker = std::mem::replace(&mut self.tracker, tracker(self.size, look.fit.scale));
        let kept = (
            std::mem::take(&mut self.small),
            std::mem::take(&mut self.ages),
            self.drawn,
        );
        let drawn = match look.scaling() {
            Some(kind) => self.compose_small(placed, look, kind, true, &mut data),
            None => self.compose_whole(placed, &look.fit, &mut data),
        };
        self.tracker = tracker;
        (self.small, self.ages, self.drawn) = kept;
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
        // For surfaces of another size than their buffers.
        let filter = match look.filter {
            Filter::Nearest => TextureFilter::Nearest,
            Filter::Linear | Filter::Pixel | Filter::Fsr => TextureFilter::Linear,
        };
        let set = self.renderer.upscale_filter(filter);
        set.and_then(|()| self.renderer.downscale_filter(filter))
            .context("error setting the filter")
    }

    /// Draws at the output's size. Whether anything had changed.
    fn compose_whole(&mut self, placed: &[Placed], fit: &Fit, data: &mut [u8]) -> Result<bool> {
        let elements = self.elements(placed, fit);
        let address = data.as_ptr() as usize;
        let age = self.ages.get(&address).map_or(0, |drawn| self.drawn - drawn + 1);
        let size = (self.size.w as usize, self.size.h as usize);
        let damaged = draw(&mut self.renderer, &mut self.tracker, (data, size), age, &elements)?;
        if damaged {
            self.drawn += 1;
        }
        self.ages.insert(address, self.drawn);
        Ok(damaged)
    }

    /// Draws at the game's size, and then enlarges all of it. Whether anything had changed.
    fn compose_small(
        &mut self,
        placed: &[Placed],
        look: &Look,
        kind: scale::Kind,
        force: bool,
        data: &mut [u8],
    ) -> Result<bool> {
        let rect = seen(placed, &look.fit, self.size);
        if rect.is_empty() {
            data.fill(0);
            return Ok(true);
        }
        let (w, h) = (rect.size.w as usize, rect.size.h as usize);
        if self.small.rect != rect || self.small.tracker.is_none() {
            self.small.rect = rect;
            self.small.tracker = None;
            self.small.data.resize(w * h * 4, 0);
        }
        let here = Fit {
            scale: (1.0, 1.0),
            offset: (-f64::from(rect.loc.x), -f64::from(rect.loc.y)),
        };
        let elements = self.elements(placed, &here);
        let age = usize::from(self.small.tracker.is_some());
        let size = Size {
            w: rect.size.w as u32,
            h: rect.size.h as u32,
        };
        let small = &mut self.small;
        let tracker = small.tracker.get_or_insert_with(|| tracker(size, (1.0, 1.0)));
        let damaged = draw(&mut self.renderer, tracker, (&mut small.data, (w, h)), age, &elements)?;
        if damaged || force {
            let source = Source {
                data: &small.data,
                stride: w * 4,
                w,
                h,
            };
            let (x, y) = look.fit.to_output(f64::from(rect.loc.x), f64::from(rect.loc.y));
            let place = Place {
                scale: look.fit.scale,
                offset: (x, y),
            };
            scale::scale(kind, source, &place, self.size.w as usize, data, &mut small.scratch)?;
        }
        // One of the pool's, and drawn in whole; Pixman starts afresh when it is its turn again.
        self.ages.insert(data.as_ptr() as usize, 0);
        Ok(damaged)
    }

    fn elements(&mut self, placed: &[Placed], fit: &Fit) -> Vec<Element> {
        let mut elements = Vec::new();
        let before = std::mem::take(&mut self.faded);
        for p in placed {
            let (x, y) = fit.to_output(f64::from(p.at.x), f64::from(p.at.y));
            let at: Point<i32, Physical> = (x.round() as i32, y.round() as i32).into();
            let kind = Kind::Unspecified;
            let tree = render_elements_from_surface_tree(&mut self.renderer, &p.surface, at, fit.scale, 1.0, kind);
            let mut tree: Vec<Element> = tree.into_iter().filter_map(|e| self.mixable(e, fit, &before)).collect();
            if p.alpha >= 1.0 {
                elements.append(&mut tree);
            } else {
                let key = (Id::from_wayland_resource(&p.surface), Part::Tree);
                elements.extend(self.fade(key, tree, fit, p.alpha, &before));
            }
        }
        elements
    }

    /// A translucent surface as something that Pixman mixes with what is below it.
    fn mixable(
        &mut self,
        surface: WaylandSurfaceRenderElement<PixmanRenderer>,
        fit: &Fit,
        before: &HashMap<Key, Faded>,
    ) -> Option<Element> {
        let opaque = match surface.texture() {
            WaylandSurfaceTexture::Texture(texture) => texture.format().is_some_and(|f| !has_alpha(f)),
            WaylandSurfaceTexture::SolidColor(_) => false,
        };
        if surface.alpha() >= 1.0 || !opaque {
            return Some(Element::Surface(surface));
        }
        let key = (surface.id().clone(), Part::Surface);
        self.fade(key, vec![surface], fit, 1.0, before)
    }

    /// Draws elements as one picture of this opacity, unless that of `before` is still right.
    fn fade<E: RenderElement<PixmanRenderer>>(
        &mut self,
        key: Key,
        elements: Vec<E>,
        fit: &Fit,
        alpha: f32,
        before: &HashMap<Key, Faded>,
    ) -> Option<Element> {
        let bounds = Rectangle::from_size((self.size.w as i32, self.size.h as i32).into());
        let scale = fit.scale.into();
        match Faded::new(&mut self.renderer, elements, scale, alpha, bounds, before.get(&key)) {
            Ok(faded) => {
                let faded = faded?;
                self.faded.insert(key, faded.clone());
                Some(Element::Faded(faded))
            }
            Err(why) => {
                tracing::error!("{why:#}");
                None
            }
        }
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

/// The part of the game's coordinates that has a surface and is on the output.
fn seen(placed: &[Placed], fit: &Fit, size: Size) -> Rectangle<i32, Logical> {
    let boxes = placed.iter().map(|p| bbox_from_surface_tree(&p.surface, p.at));
    let Some(all) = boxes.reduce(|a, b| a.merge(b)) else {
        return Rectangle::default();
    };
    let (left, top) = fit.to_game(0.0, 0.0);
    let (right, bottom) = fit.to_game(f64::from(size.w), f64::from(size.h));
    // A pixel more on each side, for what the filters take from beyond the border.
    let low = Point::from((left.floor() as i32 - 2, top.floor() as i32 - 2));
    let high = Point::from((right.ceil() as i32 + 2, bottom.ceil() as i32 + 2));
    all.intersection(Rectangle::from_extremities(low, high))
        .unwrap_or_default()
}

/// Draws into memory of this width and height, where `age` compositions ago the picture was drawn last. Whether anything
/// had changed.
fn draw(
    renderer: &mut PixmanRenderer,
    tracker: &mut OutputDamageTracker,
    (data, (w, h)): (&mut [u8], (usize, usize)),
    age: usize,
    elements: &[Element],
) -> Result<bool> {
    anyhow::ensure!(
        data.len() >= w * h * 4 && (data.as_ptr() as usize).is_multiple_of(4),
        "a buffer is too small"
    );
    // SAFETY: the memory holds w * h * 4 bytes, is aligned for u32 (both checked above), and outlives the image, which is
    // dropped at the end of this function.
    let mut image = unsafe {
        let pixels = data.as_mut_ptr().cast::<u32>();
        pixman::Image::from_raw_mut(pixman::FormatCode::X8R8G8B8, w, h, pixels, w * 4, false)
    }
    .ok()
    .context("error wrapping a buffer for Pixman")?;
    let mut target = renderer.bind(&mut image).context("error binding a buffer")?;
    tracker
        .render_output(renderer, &mut target, age, elements, [0.0, 0.0, 0.0, 1.0])
        .map(|r| r.damage.is_some())
        .map_err(|why| anyhow::anyhow!("error composing: {why}"))
}

fn tracker(size: Size, scale: (f64, f64)) -> OutputDamageTracker {
    OutputDamageTracker::new(
        (size.w as i32, size.h as i32),
        smithay::utils::Scale { x: scale.0, y: scale.1 },
        Transform::Normal,
    )
}
