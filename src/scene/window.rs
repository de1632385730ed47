//! A window of either kind.
//!
//! Our own type and not smithay's `Window`, because Debian 12's Xwayland pairs X11 windows with surfaces in a way
//! that smithay leaves to the compositor: the surface of an X11 window is whatever `xwayland::pairing` found.

use super::marks::Marks;
use super::policy::{Info, Role, WindowId};
use super::stack::Stack;
use smithay::backend::renderer::utils::with_renderer_surface_state;
use smithay::reexports::wayland_server::{Resource, protocol::wl_surface::WlSurface};
use smithay::utils::{Logical, Point, Rectangle, Size};
use smithay::wayland::{
    compositor::{get_children, with_states},
    shell::xdg::{SurfaceCachedState, ToplevelSurface, XdgToplevelSurfaceData},
};
use smithay::xwayland::{X11Surface, xwm::WmWindowType};

/// What a window is made of.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A Wayland toplevel.
    Xdg(ToplevelSurface),
    /// An X11 window.
    X11(X11Surface),
}

/// A picture that is enlarged more than so is none of a lower mode.
const LEAST_MODE: f64 = 1.0 / 16.0;

/// The size of the screen of the X server at each place; Wayland windows are on the first one's.
pub type Areas<'a> = &'a dyn Fn(u32) -> Size<i32, Logical>;

/// Whose a window is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// The process; 0: not known.
    pub pid: u32,
    /// The app that Steam started it for; 0: for none.
    pub app: u32,
}

impl Owner {
    /// Of this process.
    pub fn of(pid: u32) -> Self {
        Self {
            pid,
            app: crate::child::app_of(pid),
        }
    }
}

/// A window that is mapped or about to be.
#[derive(Debug)]
pub struct Window {
    /// Its name.
    pub id: WindowId,
    /// What it is made of.
    pub kind: Kind,
    /// Its surface; an X11 window's is known once it is paired.
    pub surface: Option<WlSurface>,
    /// Whose it is.
    pub owner: Owner,
    /// It has content and wants to be seen.
    pub mapped: bool,
    /// Where a Wayland window stands, if not in the middle (`Scope::free`).
    pub place: Option<Point<i32, Logical>>,
    /// What Steam says of it; an X11 window's.
    pub marks: Marks,
    /// It covered everything when windows were last chosen from.
    pub covered: bool,
    /// It wants no place in a taskbar or pager.
    pub skipped: bool,
    /// The X server it is of: its place in the list of them.
    pub server: u32,
}

impl Window {
    /// The part of the window that counts as the window (without shadows), in its surface's coordinates.
    pub fn geometry(&self) -> Rectangle<i32, Logical> {
        match &self.kind {
            // Its picture's size: while it is being resized, the X server's is ahead of it, and Xwayland scales the
            // window of a client for which it emulates another mode.
            Kind::X11(x11) => {
                let shown = self.surface.as_ref().filter(|s| s.is_alive());
                let size = shown.and_then(|s| with_renderer_surface_state(s, |s| s.surface_size()).flatten());
                Rectangle::from_size(size.unwrap_or(x11.geometry().size))
            }
            Kind::Xdg(toplevel) => {
                let surface = toplevel.wl_surface();
                let bbox = smithay::desktop::utils::bbox_from_surface_tree(surface, (0, 0));
                set_geometry(surface).and_then(|g| g.intersection(bbox)).unwrap_or(bbox)
            }
        }
    }

    /// How many pixels its picture has to one of its coordinates, horizontally and vertically, as it is fitted. Xwayland
    /// scales the window of a client for which it emulates another mode; a Wayland client that scales its own has chosen
    /// its shape.
    pub fn density(&self) -> (f64, f64) {
        match self.x11() {
            Some(_) => self.own_pixels(),
            None => (1.0, 1.0),
        }
    }

    /// The same, as it is drawn: a Wayland client that has its picture enlarged (as SDL does for a lower mode) has it
    /// enlarged by the filter, too. Not where it consists of several surfaces, the lowest of which is often a single pixel.
    pub fn detail(&self) -> (f64, f64) {
        if self.x11().is_some() {
            return self.density();
        }
        let (x, y) = self.own_pixels();
        let alone = self.surface.as_ref().is_some_and(|s| get_children(s).is_empty());
        let mode = LEAST_MODE..=1.0;
        let emulated = alone && mode.contains(&x) && mode.contains(&y);
        if emulated { (x, y) } else { (1.0, 1.0) }
    }

    fn own_pixels(&self) -> (f64, f64) {
        let surface = self.surface.as_ref().filter(|s| s.is_alive());
        let shown = |s| with_renderer_surface_state(s, |s| Some((s.view()?, s.buffer_scale()))).flatten();
        let Some((view, scale)) = surface.and_then(shown) else {
            return (1.0, 1.0);
        };
        let along = |own: f64, shown: i32| {
            let own = own * f64::from(scale);
            if own >= 1.0 && shown >= 1 {
                own / f64::from(shown)
            } else {
                1.0
            }
        };
        (along(view.src.size.w, view.dst.w), along(view.src.size.h, view.dst.h))
    }

    /// The window's place and size in the game's coordinates; Wayland toplevels are centred in `area`.
    pub fn rect(&self, area: Size<i32, Logical>) -> Rectangle<i32, Logical> {
        match &self.kind {
            Kind::X11(x11) => Rectangle::new(x11.geometry().loc, self.geometry().size),
            Kind::Xdg(toplevel) => {
                let Rectangle { loc, size } = self.geometry();
                let middle = ((area.w - size.w) / 2, (area.h - size.h) / 2).into();
                let at = match self.place {
                    // What stands there is the surface: subsurfaces that reach beyond it do not push it away.
                    Some(place) if set_geometry(toplevel.wl_surface()).is_none() => place + loc,
                    Some(place) => place,
                    None => middle,
                };
                Rectangle::new(at, size)
            }
        }
    }

    /// Its title, for people.
    pub fn title(&self) -> String {
        match &self.kind {
            Kind::X11(x11) => x11.title(),
            Kind::Xdg(toplevel) => toplevel_data(toplevel, |d| d.title.clone()).unwrap_or_default(),
        }
    }

    /// What program it belongs to.
    pub fn app_id(&self) -> String {
        match &self.kind {
            Kind::X11(x11) => x11.class(),
            Kind::Xdg(toplevel) => toplevel_data(toplevel, |d| d.app_id.clone()).unwrap_or_default(),
        }
    }

    /// A dialog that keeps the pointer from its parent.
    pub(super) fn is_modal(&self) -> bool {
        matches!(&self.kind, Kind::Xdg(toplevel) if toplevel_data(toplevel, |d| d.modal))
    }

    /// The X11 window, if it is one.
    pub fn x11(&self) -> Option<&X11Surface> {
        match &self.kind {
            Kind::X11(x11) => Some(x11),
            Kind::Xdg(_) => None,
        }
    }

    /// Mapped, and there is a surface to draw.
    pub fn is_visible(&self) -> bool {
        self.mapped && self.surface.as_ref().is_some_and(Resource::is_alive)
    }

    /// What the policy is to know of it. `steam`: apps are Steam's, else each window is its own.
    pub fn info(&self, stack: &Stack, areas: Areas<'_>, steam: bool) -> Info {
        let area = areas(self.server);
        let (role, keyboard) = match &self.kind {
            Kind::Xdg(toplevel) => match toplevel.parent() {
                Some(parent) => (
                    Role::Dialog {
                        parent: stack.by_surface(&parent).map(|w| w.id),
                    },
                    true,
                ),
                None => (Role::Normal, true),
            },
            // Whether the X server's focus is set, or WM_TAKE_FOCUS sent, is smithay's to see from the window's hints.
            Kind::X11(x11) => (x11_role(x11, self.server, stack), crate::xwayland::takes_keyboard(x11)),
        };
        let (x11, fullscreen) = match &self.kind {
            Kind::X11(x11) => (Some((self.server, x11.window_id())), x11.is_fullscreen()),
            Kind::Xdg(_) => (None, false),
        };
        let size = self.rect(area).size;
        Info {
            id: self.id,
            role,
            keyboard,
            app: if steam {
                self.marks.app(self.owner.app)
            } else {
                self.number()
            },
            x11,
            pid: self.owner.pid,
            size: (size.w, size.h),
            covers: self.covers(area),
            helper: self.skipped && !fullscreen,
            marks: self.marks,
        }
    }

    /// It covers all of `area`, or is about to: the X server's size is ahead of the picture's.
    pub fn covers(&self, area: Size<i32, Logical>) -> bool {
        let whole = Rectangle::from_size(area);
        let will_cover = matches!(&self.kind, Kind::X11(x) if x.geometry().contains_rect(whole));
        will_cover || self.rect(area).contains_rect(whole)
    }

    /// It says that it belongs to another window.
    pub fn is_dialog(&self) -> bool {
        match &self.kind {
            Kind::Xdg(toplevel) => toplevel.parent().is_some(),
            Kind::X11(x11) => !x11.is_override_redirect() && x11.is_transient_for().is_some(),
        }
    }

    /// It is a main window only if it covers everything.
    pub fn is_main_by_size(&self) -> bool {
        match &self.kind {
            Kind::Xdg(toplevel) => toplevel.parent().is_some(),
            Kind::X11(x11) => {
                let normal = x11.window_type().is_none_or(|t| t == WmWindowType::Normal);
                x11.is_override_redirect() || x11.is_transient_for().is_some() || !normal
            }
        }
    }

    /// The number of a window that belongs to no app: an X11 window's own, as gamescope has it without `-e`; a Wayland
    /// window has none, so its place in the order of creation stands for it.
    pub fn number(&self) -> u32 {
        match &self.kind {
            Kind::X11(x) => x.window_id(),
            Kind::Xdg(_) => u32::try_from(self.id.0).unwrap_or(u32::MAX),
        }
    }
}

/// What the client says is the window.
fn set_geometry(surface: &WlSurface) -> Option<Rectangle<i32, Logical>> {
    with_states(surface, |s| {
        s.cached_state.get::<SurfaceCachedState>().current().geometry
    })
}

fn x11_role(x11: &X11Surface, server: u32, stack: &Stack) -> Role {
    let parent = x11.is_transient_for();
    let known = parent.and_then(|p| stack.by_x11(server, p)).map(|w| w.id);
    if x11.is_override_redirect() {
        return Role::Override { parent: known };
    }
    if parent.is_some() {
        return Role::Dialog { parent: known };
    }
    match x11.window_type() {
        Some(
            WmWindowType::DropdownMenu | WmWindowType::PopupMenu | WmWindowType::Tooltip | WmWindowType::Notification,
        ) => Role::Override { parent: None },
        Some(WmWindowType::Splash) => Role::Splash,
        Some(WmWindowType::Dialog | WmWindowType::Utility | WmWindowType::Toolbar) => Role::Dialog { parent: None },
        _ => Role::Normal,
    }
}

/// Reads the role data of a toplevel.
pub fn toplevel_data<T>(
    toplevel: &ToplevelSurface,
    f: impl FnOnce(&smithay::wayland::shell::xdg::XdgToplevelSurfaceRoleAttributes) -> T,
) -> T
where
    T: Default,
{
    with_states(toplevel.wl_surface(), |states| {
        let data = states.data_map.get::<XdgToplevelSurfaceData>();
        data.and_then(|d| d.lock().ok().map(|d| f(&d))).unwrap_or_default()
    })
}
