//! What a surface says of its content: content-type, alpha-modifier, xdg-toplevel-icon, tearing-control's wish, and
//! color-management's description.
//!
//! The alpha modifier is smithay's to apply when it composes; pass-through looks at it (`render::passthrough`).

use super::color::{self, Color};
use super::tearing;
use crate::state::{Scope, State};
use smithay::reexports::wayland_protocols::wp::content_type::v1::server::wp_content_type_v1::Type;
use smithay::reexports::wayland_protocols::xdg::toplevel_icon::v1::server::{
    xdg_toplevel_icon_manager_v1::{self as manager, XdgToplevelIconManagerV1},
    xdg_toplevel_icon_v1::{Error, Request, XdgToplevelIconV1},
};
use smithay::reexports::wayland_server::backend::ClientId;
use smithay::reexports::wayland_server::protocol::wl_surface::WlSurface;
use smithay::reexports::wayland_server::{Client, DataInit, Dispatch, DisplayHandle, Resource};
use smithay::wayland::alpha_modifier::AlphaModifierSurfaceCachedState;
use smithay::wayland::compositor::{SurfaceData, with_states};
use smithay::wayland::content_type::ContentTypeSurfaceCachedState;
use smithay::wayland::shm::with_buffer_contents;
use smithay::wayland::xdg_toplevel_icon::{
    XdgToplevelIconHandler, XdgToplevelIconManager, XdgToplevelIconManagerUserData, XdgToplevelIconUserData,
};

/// What kind of picture it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Content {
    /// Nothing was said.
    #[default]
    Unknown,
    /// Still pictures.
    Photo,
    /// A film: steady, and late is no harm.
    Video,
    /// A game: every frame as early as can be.
    Game,
}

/// A surface's words on its content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// What kind of picture it is.
    pub content: Content,
    /// It would rather tear than wait.
    pub tearing: bool,
    /// What its colours mean.
    pub color: Color,
}

/// What the surface's present content says of itself.
pub fn hints(surface: &WlSurface) -> Hints {
    with_states(surface, |states| {
        let content = match states.cached_state.has::<ContentTypeSurfaceCachedState>().then(|| {
            let mut guard = states.cached_state.get::<ContentTypeSurfaceCachedState>();
            *guard.current().content_type()
        }) {
            Some(Type::Photo) => Content::Photo,
            Some(Type::Video) => Content::Video,
            Some(Type::Game) => Content::Game,
            _ => Content::Unknown,
        };
        Hints {
            content,
            tearing: tearing::wanted(states),
            color: color::color(states),
        }
    })
}

/// Whether the surface is drawn as its buffer says, without an alpha modifier and another colour space.
pub fn unmodified(surface: &WlSurface) -> bool {
    with_states(surface, |states| {
        multiplier(states).is_none_or(|m| m == u32::MAX) && color::space(states).is_none()
    })
}

/// What is done to a buffer when it is drawn: its alpha's factor, and the number of its image description.
pub(super) fn drawn_as(states: &SurfaceData) -> (Option<u32>, Option<u64>) {
    (multiplier(states), color::identity(states))
}

fn multiplier(states: &SurfaceData) -> Option<u32> {
    if !states.cached_state.has::<AlphaModifierSurfaceCachedState>() {
        return None;
    }
    let mut guard = states.cached_state.get::<AlphaModifierSurfaceCachedState>();
    guard.current().multiplier()
}

impl Scope {
    /// The wishes of the window that fills the output.
    pub(crate) fn base_hints(&self) -> Hints {
        let base = self.choice.base.and_then(|id| self.windows.get(id));
        let surface = base.and_then(|w| w.surface.as_ref());
        surface.map(hints).unwrap_or_default()
    }

    /// A commit may have changed what viewers are told.
    pub(crate) fn look_at_hints(&mut self) {
        let hints = self.base_hints();
        self.pacer.may_tear(self.controls.tearing && hints.tearing);
        if self.extras.hints != hints {
            self.extras.hints = hints;
            self.scene_info_dirty = true;
            self.facts_changed();
        }
    }
}

// Icons are taken and shown nowhere.
impl XdgToplevelIconHandler for State {}

smithay::delegate_alpha_modifier!(State);
smithay::delegate_content_type!(State);

// smithay tells of a name that comes too late, and in a debug build panics all the same.
impl Dispatch<XdgToplevelIconManagerV1, ()> for State {
    fn request(
        state: &mut Self,
        client: &Client,
        manager: &XdgToplevelIconManagerV1,
        request: manager::Request,
        data: &(),
        dh: &DisplayHandle,
        init: &mut DataInit<'_, Self>,
    ) {
        if let manager::Request::SetIcon { icon: Some(icon), .. } = &request {
            state.scope.extras.icons.insert(icon.id());
        }
        <XdgToplevelIconManager as Dispatch<_, _, Self>>::request(state, client, manager, request, data, dh, init);
    }
}

// Nobody looks at an icon, so that its pixels are checked and left. Smithay 0.7 would watch over the
// buffers for longer than it may: it never takes its watch off them again, and ends the client (Chromium) that destroys
// an icon and then its buffer.
impl Dispatch<XdgToplevelIconV1, XdgToplevelIconUserData> for State {
    fn request(
        state: &mut Self,
        client: &Client,
        icon: &XdgToplevelIconV1,
        request: Request,
        data: &XdgToplevelIconUserData,
        dh: &DisplayHandle,
        init: &mut DataInit<'_, Self>,
    ) {
        if !matches!(request, Request::Destroy) && state.scope.extras.icons.contains(&icon.id()) {
            icon.post_error(Error::Immutable, "the icon is a window's already");
            return;
        }
        let Request::AddBuffer { buffer, .. } = &request else {
            return <XdgToplevelIconManager as Dispatch<_, _, Self>>::request(
                state, client, icon, request, data, dh, init,
            );
        };
        let square = with_buffer_contents(buffer, |_, _, pixels| pixels.width == pixels.height);
        if !square.unwrap_or(false) {
            icon.post_error(Error::InvalidBuffer, "not a square in shared memory");
        }
    }

    fn destroyed(state: &mut Self, client: ClientId, icon: &XdgToplevelIconV1, data: &XdgToplevelIconUserData) {
        state.scope.extras.icons.remove(&icon.id());
        <XdgToplevelIconManager as Dispatch<_, _, Self>>::destroyed(state, client, icon, data);
    }
}

smithay::reexports::wayland_server::delegate_global_dispatch!(
    State: [XdgToplevelIconManagerV1: XdgToplevelIconManagerUserData] => XdgToplevelIconManager
);
