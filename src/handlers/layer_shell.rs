//! wlr-layer-shell: overlays above the game, and what lies below it.
//!
//! Exclusive zones are ignored: the game fills the output, and a bar that took a part of it would change its size.

use super::core_requests::FAR;
use super::seat::KeyboardFocus;
use super::xdg_shell::{MOST_UNANSWERED, TOO_MANY_UNANSWERED};
use crate::scene::layers::place;
use crate::scene::stack::{Placed, popups_of};
use crate::state::{Scope, State};
use smithay::backend::renderer::utils::with_renderer_surface_state;
use smithay::reexports::wayland_protocols_wlr::layer_shell::v1::server::{
    zwlr_layer_shell_v1::ZwlrLayerShellV1,
    zwlr_layer_surface_v1::{Request, ZwlrLayerSurfaceV1},
};
use smithay::reexports::wayland_server::backend::ClientId;
use smithay::reexports::wayland_server::protocol::{wl_output::WlOutput, wl_surface::WlSurface};
use smithay::reexports::wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, delegate_dispatch, delegate_global_dispatch,
};
use smithay::utils::{Logical, Point, Rectangle};
use smithay::wayland::compositor::with_states;
use smithay::wayland::shell::wlr_layer::{
    KeyboardInteractivity, Layer, LayerSurface, LayerSurfaceCachedState, LayerSurfaceData, WlrLayerShellGlobalData,
    WlrLayerShellHandler, WlrLayerShellState, WlrLayerSurfaceUserData,
};
use smithay::wayland::shell::xdg::PopupSurface;
use std::cell::Cell;

/// The layers' surfaces, oldest first.
#[derive(Debug)]
pub struct Layers {
    shell: WlrLayerShellState,
    surfaces: Vec<Layered>,
    /// The player clicked this one last, and no window since.
    clicked: Option<WlSurface>,
}

#[derive(Debug)]
struct Layered {
    surface: LayerSurface,
    mapped: bool,
    /// Where it was put (`Scope::free`), if not where its anchors say.
    put: Option<Point<i32, Logical>>,
    /// How many configures were sent since the newest one was acknowledged, and that one's serial.
    unanswered: Cell<(usize, u32)>,
    /// What decided on its order and focus when they were last looked at.
    told: (Layer, KeyboardInteractivity),
}

impl Layered {
    fn wishes(&self) -> LayerSurfaceCachedState {
        with_states(self.surface.wl_surface(), |states| {
            *states.cached_state.get::<LayerSurfaceCachedState>().current()
        })
    }

    fn place(&self, visible: Rectangle<i32, Logical>) -> Rectangle<i32, Logical> {
        let wishes = self.wishes();
        let mut rect = place(visible, wishes.size, wishes.anchor, wishes.margin);
        rect.loc = self.put.unwrap_or(rect.loc);
        rect
    }

    fn is_configured(&self) -> bool {
        with_states(self.surface.wl_surface(), |states| {
            let data = states.data_map.get::<LayerSurfaceData>();
            data.and_then(|d| d.lock().ok().map(|d| d.initial_configure_sent))
                .unwrap_or(false)
        })
    }

    /// Tells it its size, if it is another than it was told last.
    fn configure(&self, visible: Rectangle<i32, Logical>) {
        let size = self.place(visible).size;
        self.surface.with_pending_state(|s| s.size = Some(size));
        if !self.is_configured() || self.surface.has_pending_changes() {
            let serial = self.surface.send_configure();
            self.unanswered.set((self.unanswered.get().0 + 1, serial.into()));
        }
    }
}

impl Layers {
    pub(super) fn new(dh: &DisplayHandle) -> Self {
        Self {
            shell: WlrLayerShellState::new_with_filter::<State, _>(dh, super::trusted),
            surfaces: Vec::new(),
            clicked: None,
        }
    }

    fn find(&self, surface: &WlSurface) -> Option<&Layered> {
        self.surfaces.iter().find(|l| l.surface.wl_surface() == surface)
    }

    fn answered(&self, surface: &ZwlrLayerSurfaceV1, serial: u32) {
        let mut all = self.surfaces.iter();
        if let Some(layered) = all.find(|l| l.surface.shell_surface() == surface)
            && layered.unanswered.get().1 == serial
        {
            layered.unanswered.set((0, serial));
        }
    }

    /// Where the surface of this root is, if it is one of a layer.
    pub(super) fn rect(&self, root: &WlSurface, visible: Rectangle<i32, Logical>) -> Option<Rectangle<i32, Logical>> {
        Some(self.find(root)?.place(visible))
    }

    /// The player clicked this tree. Gives whether the focus may change for it.
    pub(crate) fn click(&mut self, root: &WlSurface) -> bool {
        let takes = self.find(root).is_some_and(|l| l.told.1 != KeyboardInteractivity::None);
        let clicked = takes.then(|| root.clone());
        let changed = self.clicked != clicked;
        self.clicked = clicked;
        changed
    }

    /// What is shown of a layer, top to bottom.
    fn placed(&self, layer: Layer, visible: Rectangle<i32, Logical>) -> Vec<Placed> {
        let mut out = Vec::new();
        let shown = |l: &&Layered| l.mapped && l.surface.alive() && l.told.0 == layer;
        for layered in self.surfaces.iter().rev().filter(shown) {
            let at = layered.place(visible).loc;
            let surface = layered.surface.wl_surface();
            out.extend(popups_of(surface, at));
            out.push(Placed::new(surface.clone(), at));
        }
        out
    }

    /// The surface that has the keyboard in place of the focused window.
    fn focus(&self) -> Option<KeyboardFocus> {
        let mapped = || self.surfaces.iter().rev().filter(|l| l.mapped && l.surface.alive());
        let exclusive = |layer| mapped().find(move |l| l.told == (layer, KeyboardInteractivity::Exclusive));
        let clicked = || {
            let clicked = self.clicked.as_ref()?;
            mapped().find(|l| l.surface.wl_surface() == clicked && l.told.1 != KeyboardInteractivity::None)
        };
        let layered = exclusive(Layer::Overlay)
            .or_else(|| exclusive(Layer::Top))
            .or_else(clicked)?;
        Some(KeyboardFocus::Surface(layered.surface.wl_surface().clone()))
    }
}

impl Scope {
    /// Puts a layer's surface somewhere, as tests of conformance do (`Scope::free`).
    pub fn put_layer(&mut self, surface: &WlSurface, at: Point<i32, Logical>) {
        let mut surfaces = self.extras.layers.surfaces.iter_mut();
        if let Some(layered) = surfaces.find(|l| l.surface.wl_surface() == surface) {
            layered.put = Some(at);
        }
    }

    /// The part of the game's coordinates that the output shows.
    pub(super) fn visible(&self) -> Rectangle<i32, Logical> {
        let out = self.settings.output;
        let (left, top) = self.fit.to_game(0.0, 0.0);
        let (right, bottom) = self.fit.to_game(f64::from(out.w), f64::from(out.h));
        Rectangle::new(
            (left.round() as i32, top.round() as i32).into(),
            ((right - left).round() as i32, (bottom - top).round() as i32).into(),
        )
    }

    /// The windows' surfaces (top to bottom) with those of the layers above and below, or the lock's in their place.
    pub(crate) fn with_layers(&self, windows: Vec<Placed>) -> Vec<Placed> {
        let visible = self.visible();
        let layers = &self.extras.layers;
        for layered in layers
            .surfaces
            .iter()
            .filter(|l| l.surface.alive() && l.is_configured())
        {
            layered.configure(visible);
        }
        if self.extras.lock.is_locked() {
            return self.extras.lock.arrange(visible);
        }
        let of = |layer| layers.placed(layer, visible);
        [
            of(Layer::Overlay),
            of(Layer::Top),
            windows,
            of(Layer::Bottom),
            of(Layer::Background),
        ]
        .concat()
    }

    /// Who has the keyboard, if `window` is the windows' choice.
    pub(crate) fn focus_above_windows(&self, window: Option<KeyboardFocus>) -> Option<KeyboardFocus> {
        if self.extras.lock.is_locked() {
            return self.extras.lock.focus();
        }
        self.extras.layers.focus().or(window)
    }
}

impl State {
    /// The part of a commit that concerns layers: first configures, mapping and unmapping.
    pub(super) fn layer_commit(&mut self, root: &WlSurface) {
        let visible = self.scope.visible();
        let layers = &mut self.scope.extras.layers;
        let Some(layered) = layers.surfaces.iter_mut().find(|l| l.surface.wl_surface() == root) else {
            return;
        };
        let wishes = layered.wishes();
        if !layered.is_configured() {
            layered.configure(visible);
            // The conformance suite shows its surfaces before they are configured.
            if !self.scope.free {
                return;
            }
        }
        let has_buffer = with_renderer_surface_state(root, |s| s.buffer().is_some()).unwrap_or(false);
        if has_buffer && !self.scope.free && !layered.surface.ensure_configured() {
            return;
        }
        if layered.unanswered.get().0 > MOST_UNANSWERED {
            return self.end_of(root, TOO_MANY_UNANSWERED);
        }
        let told = (wishes.layer, wishes.keyboard_interactivity);
        if has_buffer != layered.mapped || told != layered.told {
            layered.mapped = has_buffer;
            layered.told = told;
            self.scene_changed();
        } else {
            // Its size, anchors or margins may be others.
            self.scope.scene_dirty = true;
        }
    }
}

impl WlrLayerShellHandler for State {
    fn shell_state(&mut self) -> &mut WlrLayerShellState {
        &mut self.scope.extras.layers.shell
    }

    fn new_layer_surface(
        &mut self,
        surface: LayerSurface,
        _output: Option<WlOutput>,
        layer: Layer,
        _namespace: String,
    ) {
        self.scope.extras.layers.surfaces.push(Layered {
            surface,
            mapped: false,
            put: None,
            unanswered: Cell::default(),
            told: (layer, KeyboardInteractivity::None),
        });
    }

    fn new_popup(&mut self, _parent: LayerSurface, popup: PopupSurface) {
        // It was placed before its parent was known.
        let positioner = popup.with_pending_state(|s| s.positioner);
        self.scope.place_popup(&popup, positioner);
    }

    fn layer_destroyed(&mut self, surface: LayerSurface) {
        self.scope.extras.layers.surfaces.retain(|l| l.surface != surface);
        self.scene_changed();
    }
}

// smithay takes sizes as they come, though it asserts that none is negative.
impl Dispatch<ZwlrLayerSurfaceV1, WlrLayerSurfaceUserData> for State {
    fn request(
        state: &mut Self,
        client: &Client,
        surface: &ZwlrLayerSurfaceV1,
        request: Request,
        data: &WlrLayerSurfaceUserData,
        dh: &DisplayHandle,
        init: &mut DataInit<'_, Self>,
    ) {
        let request = match request {
            Request::SetSize { width, height } => Request::SetSize {
                width: width.min(FAR as u32),
                height: height.min(FAR as u32),
            },
            Request::AckConfigure { serial } => {
                state.scope.extras.layers.answered(surface, serial);
                request
            }
            other => other,
        };
        <WlrLayerShellState as Dispatch<_, _, Self>>::request(state, client, surface, request, data, dh, init);
    }

    fn destroyed(state: &mut Self, client: ClientId, surface: &ZwlrLayerSurfaceV1, data: &WlrLayerSurfaceUserData) {
        <WlrLayerShellState as Dispatch<_, _, Self>>::destroyed(state, client, surface, data);
    }
}

delegate_global_dispatch!(State: [ZwlrLayerShellV1: WlrLayerShellGlobalData] => WlrLayerShellState);
delegate_dispatch!(State: [ZwlrLayerShellV1: ()] => WlrLayerShellState);
