//! What is drawn less than opaque, a surface tree (`_NET_WM_WINDOW_OPACITY`) or one surface (alpha-modifier): first by
//! itself, and then as one picture.
//!
//! Drawn one by one, a tree's surfaces would show through each other; and smithay's Pixman renderer puts a buffer without an
//! alpha channel in the place of what is below it instead of mixing both. Drawn so into an empty picture, it is right: its
//! colours are multiplied, and the alpha is what it should be.

use anyhow::{Context, Result};
use smithay::backend::renderer::damage::OutputDamageTracker;
use smithay::backend::renderer::element::utils::{Relocate, RelocateRenderElement};
use smithay::backend::renderer::element::{Element, Id, Kind, RenderElement};
use smithay::backend::renderer::pixman::{PixmanError, PixmanFrame, PixmanRenderer, PixmanTexture};
use smithay::backend::renderer::utils::CommitCounter;
use smithay::backend::renderer::{Bind, Frame};
use smithay::utils::{Buffer, Physical, Rectangle, Scale, Transform};

/// What a picture was drawn from: each element's commit, place and opacity.
type Origin = Vec<(Id, CommitCounter, Rectangle<i32, Physical>, f32)>;

/// The picture of a tree.
#[derive(Clone, Debug)]
pub struct Faded {
    id: Id,
    commit: CommitCounter,
    texture: PixmanTexture,
    rect: Rectangle<i32, Physical>,
    alpha: f32,
    origin: Origin,
}

/// Where they are, as far as that is within `bounds`. `None`: there is nothing to be seen.
pub fn seen<E: Element>(
    elements: &[E],
    scale: Scale<f64>,
    bounds: Rectangle<i32, Physical>,
) -> Option<Rectangle<i32, Physical>> {
    let whole = elements.iter().map(|e| e.geometry(scale)).reduce(|a, b| a.merge(b));
    whole.and_then(|rect| rect.intersection(bounds))
}

impl Faded {
    /// Draws the elements (top to bottom), as far as they are within `rect`; or takes the picture of `before`, if nothing
    /// has changed.
    pub fn new<E: RenderElement<PixmanRenderer>>(
        renderer: &mut PixmanRenderer,
        elements: Vec<E>,
        scale: Scale<f64>,
        alpha: f32,
        rect: Rectangle<i32, Physical>,
        before: Option<&Faded>,
    ) -> Result<Self> {
        let origin: Origin = elements
            .iter()
            .map(|e| (e.id().clone(), e.current_commit(), e.geometry(scale), e.alpha()))
            .collect();
        if let Some(before) = before.filter(|b| b.origin == origin && b.rect == rect) {
            // Another alpha is a change that the damage tracker sees by itself.
            return Ok(Self {
                alpha,
                ..before.clone()
            });
        }
        let (w, h) = (rect.size.w as usize, rect.size.h as usize);
        let mut image = pixman::Image::new(pixman::FormatCode::A8R8G8B8, w, h, true)
            .ok()
            .context("error creating an image")?;
        let back = rect.loc.upscale(-1);
        let moved: Vec<_> = elements
            .into_iter()
            .map(|e| RelocateRenderElement::from_element(e, back, Relocate::Relative))
            .collect();
        {
            let mut target = renderer.bind(&mut image).context("error binding an image")?;
            OutputDamageTracker::new(rect.size, scale, Transform::Normal)
                .render_output(renderer, &mut target, 0, &moved, [0.0; 4])
                .map_err(|why| anyhow::anyhow!("error drawing a translucent window: {why}"))?;
        }
        let mut commit = before.map_or_else(CommitCounter::default, |b| b.commit);
        commit.increment();
        Ok(Self {
            id: before.map_or_else(Id::new, |b| b.id.clone()),
            commit,
            texture: image.into(),
            rect,
            alpha,
            origin,
        })
    }
}

impl Element for Faded {
    fn id(&self) -> &Id {
        &self.id
    }

    fn current_commit(&self) -> CommitCounter {
        self.commit
    }

    fn src(&self) -> Rectangle<f64, Buffer> {
        Rectangle::from_size((f64::from(self.rect.size.w), f64::from(self.rect.size.h)).into())
    }

    fn geometry(&self, _scale: Scale<f64>) -> Rectangle<i32, Physical> {
        self.rect
    }

    fn alpha(&self) -> f32 {
        self.alpha
    }

    fn kind(&self) -> Kind {
        Kind::Unspecified
    }
}

impl RenderElement<PixmanRenderer> for Faded {
    fn draw(
        &self,
        frame: &mut PixmanFrame<'_, '_>,
        src: Rectangle<f64, Buffer>,
        dst: Rectangle<i32, Physical>,
        damage: &[Rectangle<i32, Physical>],
        _opaque: &[Rectangle<i32, Physical>],
    ) -> Result<(), PixmanError> {
        frame.render_texture_from_to(&self.texture, src, dst, damage, &[], Transform::Normal, self.alpha)
    }
}
