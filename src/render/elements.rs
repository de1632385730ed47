//! What surfaces are drawn as: themselves, converted to sRGB, or first drawn into a picture of their own. Owns what of that
//! can be taken again for the next picture, and sees to it that it is not too much.

use super::budget::Budget;
use super::color::{Converted, Copies, Space};
use super::draw::is_drawable;
use super::faded::{self, Faded};
use crate::link::Size;
use crate::scene::{layout::Fit, stack::Placed};
use smithay::backend::allocator::format::has_alpha;
use smithay::backend::renderer::Texture;
use smithay::backend::renderer::element::surface::{
    WaylandSurfaceRenderElement, WaylandSurfaceTexture, render_elements_from_surface_tree,
};
use smithay::backend::renderer::element::{Element as _, Id, Kind, RenderElement};
use smithay::backend::renderer::pixman::{PixmanRenderer, PixmanTexture};
use smithay::utils::{Physical, Point, Rectangle};
use std::collections::HashMap;

/// What was drawn by itself: a surface, or the tree whose root it is.
type Key = (Id, Part);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Part {
    Surface,
    Tree,
}

smithay::backend::renderer::element::render_elements! {
    pub Element<=PixmanRenderer>;
    Surface=WaylandSurfaceRenderElement<PixmanRenderer>,
    Converted=Converted,
    Faded=Faded,
}

/// Makes elements.
#[derive(Debug, Default)]
pub struct Elements {
    /// The translucent trees and surfaces of the last composition.
    faded: HashMap<Key, Faded>,
    /// Those of the one before it.
    before: HashMap<Key, Faded>,
    copies: Copies,
    /// What of the present composition may still be drawn so.
    budget: Budget,
}

impl Elements {
    /// A composition for an output of this size begins: what it does not need any more goes with its end.
    pub fn turn(&mut self, output: Size) {
        self.before = std::mem::take(&mut self.faded);
        self.copies.turn();
        self.budget = Budget::new(output);
    }

    /// What is drawn of these, top to bottom, in a picture of this size.
    pub fn of(&mut self, renderer: &mut PixmanRenderer, placed: &[Placed], fit: &Fit, size: Size) -> Vec<Element> {
        let mut elements = Vec::new();
        let bounds = Rectangle::from_size((size.w as i32, size.h as i32).into());
        let mut artist = Artist { renderer, fit, bounds };
        for p in placed {
            let (x, y) = fit.to_output(f64::from(p.at.x), f64::from(p.at.y));
            let at: Point<i32, Physical> = (x.round() as i32, y.round() as i32).into();
            let kind = Kind::Unspecified;
            let tree: Vec<WaylandSurfaceRenderElement<_>> =
                render_elements_from_surface_tree(artist.renderer, &p.surface, at, fit.scale, 1.0, kind);
            let spaces = Copies::spaces(&p.surface);
            let mut tree: Vec<Element> = tree
                .into_iter()
                .filter(|surface| surface.geometry(fit.scale.into()).overlaps(bounds))
                .filter(|surface| is_drawable(surface, fit.scale))
                .filter_map(|surface| {
                    let (id, element) = self.coloured(&mut artist, surface, &spaces);
                    self.mixable(&mut artist, id, element)
                })
                .collect();
            if p.alpha >= 1.0 {
                elements.append(&mut tree);
            } else {
                let key = (Id::from_wayland_resource(&p.surface), Part::Tree);
                elements.extend(self.fade(&mut artist, key, tree, p.alpha));
            }
        }
        elements
    }

    /// A surface as sRGB, and whose it is.
    fn coloured(
        &mut self,
        artist: &mut Artist<'_>,
        surface: WaylandSurfaceRenderElement<PixmanRenderer>,
        spaces: &HashMap<Id, Space>,
    ) -> (Id, Element) {
        let id = surface.id().clone();
        let Some(space) = spaces.get(&id) else {
            return (id, Element::Surface(surface));
        };
        let element = match self.copies.convert(artist.renderer, surface, *space, &mut self.budget) {
            Ok(converted) => Element::Converted(converted),
            Err(surface) => Element::Surface(*surface),
        };
        (id, element)
    }

    /// A translucent surface as something that Pixman mixes with what is below it.
    fn mixable(&mut self, artist: &mut Artist<'_>, id: Id, element: Element) -> Option<Element> {
        let opaque = |texture: &PixmanTexture| texture.format().is_some_and(|f| !has_alpha(f));
        let opaque = match &element {
            Element::Surface(surface) => match surface.texture() {
                WaylandSurfaceTexture::Texture(texture) => opaque(texture),
                WaylandSurfaceTexture::SolidColor(_) => false,
            },
            Element::Converted(converted) => opaque(converted.texture()),
            _ => false,
        };
        if element.alpha() >= 1.0 || !opaque {
            return Some(element);
        }
        self.fade(artist, (id, Part::Surface), vec![element], 1.0)
    }

    /// Draws elements as one picture of this opacity, unless that of before is still right. `None`: nothing of it is to be
    /// seen, or it would be too much.
    fn fade<E: RenderElement<PixmanRenderer>>(
        &mut self,
        artist: &mut Artist<'_>,
        key: Key,
        elements: Vec<E>,
        alpha: f32,
    ) -> Option<Element> {
        let before = self.before.get(&key);
        let scale = artist.fit.scale.into();
        let rect = faded::seen(&elements, scale, artist.bounds)?;
        if !self.budget.take(rect.size.w as u64 * rect.size.h as u64) {
            return None;
        }
        match Faded::new(artist.renderer, elements, scale, alpha, rect, before) {
            Ok(faded) => {
                self.faded.insert(key, faded.clone());
                Some(Element::Faded(faded))
            }
            Err(why) => {
                tracing::error!("{why:#}");
                None
            }
        }
    }
}

/// What draws, and how.
struct Artist<'a> {
    renderer: &'a mut PixmanRenderer,
    fit: &'a Fit,
    /// The picture's.
    bounds: Rectangle<i32, Physical>,
}
