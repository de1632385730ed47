//! Surfaces whose image description isn't sRGB, and the copies of their buffers that are.

use super::convert::{Converter, Depth, Space};
use crate::handlers::space;
use crate::render::budget::Budget;
use anyhow::{Context, Result};
use smithay::backend::allocator::Fourcc;
use smithay::backend::allocator::format::has_alpha;
use smithay::backend::renderer::element::surface::{WaylandSurfaceRenderElement, WaylandSurfaceTexture};
use smithay::backend::renderer::element::{Element, Id, Kind, RenderElement};
use smithay::backend::renderer::pixman::{PixmanError, PixmanFrame, PixmanRenderer, PixmanTexture};
use smithay::backend::renderer::utils::{CommitCounter, DamageSet, OpaqueRegions};
use smithay::backend::renderer::{ExportMem, Frame, Texture};
use smithay::reexports::wayland_server::protocol::{wl_shm, wl_surface::WlSurface};
use smithay::utils::{Buffer, Physical, Point, Rectangle, Scale, Transform};
use smithay::wayland::compositor::{TraversalAction, with_surface_tree_downward};
use std::collections::HashMap;
use std::sync::Arc;

/// The formats of shared memory with ten bits a colour that clients may use.
pub const TEN_BITS: [wl_shm::Format; 4] = [
    wl_shm::Format::Xrgb2101010,
    wl_shm::Format::Argb2101010,
    wl_shm::Format::Xbgr2101010,
    wl_shm::Format::Abgr2101010,
];

/// What making the tables of another colour space counts as, in pixels: about as much time as to convert so many.
const TABLES: u64 = 1 << 18;

/// A surface that is drawn from a converted copy of its buffer.
#[derive(Debug)]
pub struct Converted {
    id: Id,
    surface: WaylandSurfaceRenderElement<PixmanRenderer>,
    texture: PixmanTexture,
}

/// The copy of one surface's buffer.
#[derive(Clone, Debug)]
struct Copy {
    /// Another one where the space is another: then all of it is drawn anew.
    id: Id,
    commit: CommitCounter,
    converter: Arc<Converter>,
    texture: PixmanTexture,
}

/// The copies of the last composition, and those of the one before it.
#[derive(Debug, Default)]
pub struct Copies {
    now: HashMap<Id, Copy>,
    before: HashMap<Id, Copy>,
    /// The converters of the present composition.
    converters: Vec<Arc<Converter>>,
    /// It was told that something can't be converted: for a client may bring it about in each frame.
    complained: bool,
}

impl Copies {
    /// A composition begins: copies that it does not need any more go with its end.
    pub fn turn(&mut self) {
        self.before = std::mem::take(&mut self.now);
        self.converters.clear();
    }

    /// The spaces of those surfaces of a tree that aren't sRGB.
    pub fn spaces(root: &WlSurface) -> HashMap<Id, Space> {
        let mut spaces = HashMap::new();
        with_surface_tree_downward(
            root,
            (),
            |_, _, ()| TraversalAction::DoChildren(()),
            |surface, states, ()| {
                if let Some(space) = space(states) {
                    spaces.insert(Id::from_wayland_resource(surface), space);
                }
            },
            |_, _, ()| true,
        );
        spaces
    }

    /// The surface, drawn from a copy; or as it was, if there can be none.
    pub fn convert(
        &mut self,
        renderer: &mut PixmanRenderer,
        surface: WaylandSurfaceRenderElement<PixmanRenderer>,
        space: Space,
        budget: &mut Budget,
    ) -> Result<Converted, Box<WaylandSurfaceRenderElement<PixmanRenderer>>> {
        let of = surface.id().clone();
        match self.copy(renderer, &surface, space, budget) {
            Ok(copy) => {
                let (id, texture) = (copy.id.clone(), copy.texture.clone());
                self.now.insert(of, copy);
                Ok(Converted { id, surface, texture })
            }
            Err(why) => {
                if !std::mem::replace(&mut self.complained, true) {
                    tracing::warn!("a surface's colours are not converted (told once): {why:#}");
                }
                Err(Box::new(surface))
            }
        }
    }

    fn copy(
        &mut self,
        renderer: &mut PixmanRenderer,
        surface: &WaylandSurfaceRenderElement<PixmanRenderer>,
        space: Space,
        budget: &mut Budget,
    ) -> Result<Copy> {
        let kept = self.now.remove(surface.id());
        let kept = kept.or_else(|| self.before.remove(surface.id()));
        let kept = kept.filter(|kept| *kept.converter.space() == space);
        let converter = self.converter(space, kept.as_ref().map(|kept| &kept.converter), budget)?;
        let pixels = match surface.texture() {
            WaylandSurfaceTexture::Texture(texture) => u64::from(texture.width()) * u64::from(texture.height()),
            WaylandSurfaceTexture::SolidColor(_) => 1,
        };
        anyhow::ensure!(budget.take(pixels), "there is too much to be converted");
        // The old copy goes before the new one is made.
        let id = match kept {
            Some(kept) if kept.commit == surface.current_commit() => return Ok(kept),
            Some(kept) => kept.id,
            None => Id::new(),
        };
        let texture = match surface.texture() {
            WaylandSurfaceTexture::Texture(texture) => converted(renderer, texture, &converter)?,
            WaylandSurfaceTexture::SolidColor(color) => {
                let eight = |v: f32| (v.clamp(0.0, 1.0) * 255.0).round() as u32;
                let [r, g, b, a] = color.components().map(eight);
                let pixel = converter.pixel(Depth::Eight, a << 24 | r << 16 | g << 8 | b);
                image((1, 1), true, |to| to.fill(pixel))?
            }
        };
        Ok(Copy {
            id,
            commit: surface.current_commit(),
            converter,
            texture,
        })
    }

    /// A space's converter: one that this composition has already, the one that is kept, or a new one.
    fn converter(
        &mut self,
        space: Space,
        kept: Option<&Arc<Converter>>,
        budget: &mut Budget,
    ) -> Result<Arc<Converter>> {
        if let Some(known) = self.converters.iter().find(|known| *known.space() == space) {
            return Ok(known.clone());
        }
        anyhow::ensure!(budget.take(TABLES), "there are too many colour spaces");
        let converter = match kept {
            Some(kept) => kept.clone(),
            None => Arc::new(Converter::new(space).context("a colour space that spans no colours")?),
        };
        self.converters.push(converter.clone());
        Ok(converter)
    }
}

fn converted(renderer: &mut PixmanRenderer, texture: &PixmanTexture, converter: &Converter) -> Result<PixmanTexture> {
    let (w, h) = (texture.width(), texture.height());
    let format = texture.format().context("a texture of no format")?;
    let (depth, wide) = match format {
        Fourcc::Xrgb2101010 | Fourcc::Argb2101010 | Fourcc::Xbgr2101010 | Fourcc::Abgr2101010 => {
            (Depth::Ten, Fourcc::Argb2101010)
        }
        _ => (Depth::Eight, Fourcc::Argb8888),
    };
    let whole = Rectangle::from_size((w as i32, h as i32).into());
    let mapping = renderer
        .copy_texture(texture, whole, wide)
        .context("error copying a buffer")?;
    let bytes = renderer.map_texture(&mapping).context("error reading a buffer")?;
    let (pixels, _) = bytes.as_chunks();
    image((w as usize, h as usize), has_alpha(format), |to| {
        converter.convert(depth, pixels, to, w as usize);
    })
}

/// A picture that is filled in.
fn image((w, h): (usize, usize), alpha: bool, fill: impl FnOnce(&mut [u32])) -> Result<PixmanTexture> {
    let format = match alpha {
        true => pixman::FormatCode::A8R8G8B8,
        false => pixman::FormatCode::X8R8G8B8,
    };
    let image = pixman::Image::new(format, w, h, true)
        .ok()
        .context("error creating an image")?;
    anyhow::ensure!(image.stride() == w * 4, "an image with padding");
    // SAFETY: Pixman made the image of h lines of w * 4 bytes (checked above), aligned for u32, and nobody else knows of it.
    fill(unsafe { std::slice::from_raw_parts_mut(image.data(), w * h) });
    Ok(image.into())
}

impl Converted {
    /// The copy.
    pub fn texture(&self) -> &PixmanTexture {
        &self.texture
    }
}

impl Element for Converted {
    fn id(&self) -> &Id {
        &self.id
    }

    fn current_commit(&self) -> CommitCounter {
        self.surface.current_commit()
    }

    fn src(&self) -> Rectangle<f64, Buffer> {
        self.surface.src()
    }

    fn geometry(&self, scale: Scale<f64>) -> Rectangle<i32, Physical> {
        self.surface.geometry(scale)
    }

    fn location(&self, scale: Scale<f64>) -> Point<i32, Physical> {
        self.surface.location(scale)
    }

    fn transform(&self) -> Transform {
        self.surface.transform()
    }

    fn damage_since(&self, scale: Scale<f64>, commit: Option<CommitCounter>) -> DamageSet<i32, Physical> {
        self.surface.damage_since(scale, commit)
    }

    fn opaque_regions(&self, scale: Scale<f64>) -> OpaqueRegions<i32, Physical> {
        self.surface.opaque_regions(scale)
    }

    fn alpha(&self) -> f32 {
        self.surface.alpha()
    }

    fn kind(&self) -> Kind {
        self.surface.kind()
    }
}

impl RenderElement<PixmanRenderer> for Converted {
    fn draw(
        &self,
        frame: &mut PixmanFrame<'_, '_>,
        src: Rectangle<f64, Buffer>,
        dst: Rectangle<i32, Physical>,
        damage: &[Rectangle<i32, Physical>],
        opaque: &[Rectangle<i32, Physical>],
    ) -> Result<(), PixmanError> {
        let transform = self.surface.transform();
        frame.render_texture_from_to(&self.texture, src, dst, damage, opaque, transform, self.alpha())
    }
}
