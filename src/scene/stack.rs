//! The stack of windows, and what of it is drawn where.

use super::layout::Fit;
use super::marks::Marks;
use super::policy::{Choice, Info, WindowId};
use super::window::{Areas, Kind, Owner, Window};
use smithay::backend::renderer::utils::with_renderer_surface_state;
use smithay::desktop::{PopupManager, WindowSurfaceType, utils::under_from_surface_tree};
use smithay::reexports::wayland_server::{Resource, protocol::wl_surface::WlSurface};
use smithay::utils::{Logical, Point};
use smithay::wayland::compositor::get_parent;

/// All windows, bottom to top.
#[derive(Debug, Default)]
pub struct Stack {
    windows: Vec<Window>,
    last: u64,
}

impl Stack {
    /// Adds a window on top; `server` is the place of its X server, 0 for a Wayland window.
    pub fn add(&mut self, server: u32, kind: Kind, surface: Option<WlSurface>, owner: Owner) -> WindowId {
        self.last += 1;
        let id = WindowId(self.last);
        self.windows.push(Window {
            id,
            kind,
            surface,
            owner,
            mapped: false,
            place: None,
            marks: Marks::default(),
            covered: false,
            skipped: false,
            server,
        });
        id
    }

    /// Forgets a window.
    pub fn remove(&mut self, id: WindowId) {
        self.windows.retain(|w| w.id != id);
    }

    /// Puts a window on top.
    pub fn raise(&mut self, id: WindowId) {
        if let Some(at) = self.windows.iter().position(|w| w.id == id) {
            let window = self.windows.remove(at);
            self.windows.push(window);
        }
    }

    /// Puts a window at the bottom.
    pub fn lower(&mut self, id: WindowId) {
        if let Some(at) = self.windows.iter().position(|w| w.id == id) {
            let window = self.windows.remove(at);
            self.windows.insert(0, window);
        }
    }

    /// The window of that name.
    pub fn get(&self, id: WindowId) -> Option<&Window> {
        self.windows.iter().find(|w| w.id == id)
    }

    /// The window of that name.
    pub fn get_mut(&mut self, id: WindowId) -> Option<&mut Window> {
        self.windows.iter_mut().find(|w| w.id == id)
    }

    /// All of them, bottom to top.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Window> {
        self.windows.iter()
    }

    /// The window whose root surface this is.
    pub fn by_surface(&self, surface: &WlSurface) -> Option<&Window> {
        self.windows.iter().find(|w| w.surface.as_ref() == Some(surface))
    }

    /// The window of that X11 id, of the X server at that place of the list of them.
    pub fn by_x11(&self, server: u32, window: u32) -> Option<&Window> {
        self.windows
            .iter()
            .find(|w| w.server == server && matches!(&w.kind, Kind::X11(x) if x.window_id() == window))
    }

    /// The window that a click into `id` is for: its modal dialog (or that one's), if it has one.
    pub fn modal_above(&self, id: WindowId) -> WindowId {
        let mut at = id;
        // A client may make a loop of parents: no chain is longer than the list.
        for _ in 0..self.windows.len() {
            let Some(surface) = self.get(at).and_then(|w| w.surface.as_ref()) else {
                break;
            };
            let child = |w: &&Window| match &w.kind {
                Kind::Xdg(toplevel) => w.is_visible() && w.is_modal() && toplevel.parent().as_ref() == Some(surface),
                Kind::X11(_) => false,
            };
            let Some(dialog) = self.windows.iter().rev().find(child) else {
                break;
            };
            at = dialog.id;
        }
        at
    }

    /// The mapped windows, bottom to top, as the policy sees them.
    pub fn infos(&self, areas: Areas<'_>, steam: bool) -> Vec<Info> {
        let visible = self.windows.iter().filter(|w| w.is_visible());
        visible.map(|w| w.info(self, areas, steam)).collect()
    }

    /// Whether a window that is a main one by its size alone has become one, or is one no longer, since windows were last
    /// chosen from.
    pub fn covers_otherwise(&self, areas: Areas<'_>) -> bool {
        let mut visible = self.windows.iter().filter(|w| w.is_visible() && w.is_main_by_size());
        visible.any(|w| w.covers(areas(w.server)) != w.covered)
    }

    /// Windows were chosen from this list, which is that of [`Self::infos`].
    pub fn note_covering(&mut self, infos: &[Info]) {
        let visible = self.windows.iter_mut().filter(|w| w.is_visible());
        for (window, info) in visible.zip(infos) {
            window.covered = info.covers;
        }
    }

    /// All mapped windows, none of them the base, the topmost with the keyboard unless another was clicked.
    pub fn all(&self, clicked: Option<WindowId>) -> Choice {
        let shown: Vec<WindowId> = self.windows.iter().filter(|w| w.is_visible()).map(|w| w.id).collect();
        let keyboard = clicked.filter(|id| shown.contains(id)).or(shown.last().copied());
        Choice {
            pointer: shown.clone(),
            shown,
            keyboard,
            ..Choice::default()
        }
    }

    /// The surface trees of the shown windows and their popups, top to bottom, in the game's coordinates; `own` gives
    /// the fit of one that does not fit the output as the base does.
    pub fn placed(&self, choice: &Choice, areas: Areas<'_>, own: &dyn Fn(&Window) -> Option<Fit>) -> Vec<Placed> {
        let mut out = Vec::new();
        for window in choice.shown.iter().rev().filter_map(|id| self.get(*id)) {
            let Some(surface) = window.surface.as_ref().filter(|s| s.is_alive()) else {
                continue;
            };
            let rect = window.rect(areas(window.server));
            let place = |p| Placed {
                alpha: window.marks.alpha(),
                pointer: choice.pointer.contains(&window.id),
                own: own(window),
                ..p
            };
            out.extend(popups_of(surface, rect.loc).map(place));
            out.push(place(Placed::new(surface.clone(), rect.loc - window.geometry().loc)));
        }
        out
    }
}

/// The popups of a window (or another root) whose visible part is at this place.
pub fn popups_of(root: &WlSurface, at: Point<i32, Logical>) -> impl Iterator<Item = Placed> {
    PopupManager::popups_for_surface(root)
        .map(move |(popup, offset)| Placed::new(popup.wl_surface().clone(), at + offset - popup.geometry().loc))
}

/// A surface tree and where its root's origin lies in the game's coordinates.
#[derive(Clone, Debug)]
pub struct Placed {
    /// The tree's root.
    pub surface: WlSurface,
    /// Where.
    pub at: Point<i32, Logical>,
    /// How opaque it is drawn, 0 to 1.
    pub alpha: f32,
    /// The pointer can reach it.
    pub pointer: bool,
    /// How it fits the output, if not as the base does: an overlay is of the whole screen, whatever the game's size.
    pub own: Option<Fit>,
}

impl Placed {
    /// An opaque one that the pointer can reach.
    pub fn new(surface: WlSurface, at: Point<i32, Logical>) -> Self {
        Self {
            surface,
            at,
            alpha: 1.0,
            pointer: true,
            own: None,
        }
    }
}

/// Where the origin of a surface of these trees lies, in the game's coordinates.
pub fn origin_of(placed: &[Placed], surface: &WlSurface) -> Option<Point<f64, Logical>> {
    let (mut root, mut offset) = (surface.clone(), Point::default());
    loop {
        let view = with_renderer_surface_state(&root, |s| s.view()).flatten();
        offset += view.map(|view| view.offset).unwrap_or_default();
        match get_parent(&root) {
            Some(parent) => root = parent,
            None => break,
        }
    }
    let of_root = placed.iter().find(|p| p.surface == root);
    of_root.map(|p| (p.at + offset).to_f64())
}

/// The surface that the pointer reaches at a point of the game's coordinates, and where its origin lies.
pub fn surface_under(placed: &[Placed], point: Point<f64, Logical>) -> Option<(WlSurface, Point<f64, Logical>)> {
    placed.iter().filter(|p| p.pointer).find_map(|p| {
        under_from_surface_tree(&p.surface, point, p.at, WindowSurfaceType::ALL).map(|(s, at)| (s, at.to_f64()))
    })
}
