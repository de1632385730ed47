//! The places of the X servers: what outlives one run of each, and the output that each of them sees.

use super::crashes::Crashes;
use super::owners::Owners;
use super::properties::MODE_CONTROL;
use super::server::Server;
use crate::handlers::outputs;
use crate::link::Size as Pixels;
use crate::scene::policy::WindowId;
use crate::state::{Scope, State};
use smithay::output::{Mode, Output};
use smithay::reexports::wayland_server::backend::GlobalId;
use smithay::utils::{Logical, Rectangle, Size};
use smithay::wayland::xwayland_shell::XWaylandShellState;
use std::collections::HashMap;

/// A server's place.
#[derive(Debug)]
pub(super) struct Slot {
    /// The server that runs or starts.
    pub run: Option<Server>,
    /// The serials of its surfaces: each server counts them from one.
    pub shell: XWaylandShellState,
    /// A server has been ready here.
    pub was_ready: bool,
    pub crashes: Crashes,
    /// The run whose process is to be gone before a server is started again, and its display.
    pub again: Option<(u64, u32)>,
    /// The X11 windows that are mapped, by their X11 id.
    pub windows: HashMap<u32, Managed>,
    /// Whose windows there are, mapped or not.
    pub owners: Owners,
    /// Windows that we hid until smithay is done with them.
    pub hidden: Vec<u32>,
    /// Those with which it is.
    pub to_show: Vec<u32>,
    /// Something happened after which a window may have got, or lost, its surface.
    pub look: bool,
    /// What the X server was last told of the order, bottom to top; `None`: it must be told.
    pub told_order: Option<Vec<u32>>,
    /// What it sees; `None`, the first server: what Wayland clients see.
    pub screen: Option<Screen>,
    /// The number by which it was asked for.
    pub name: Option<u32>,
}

/// A server's own output.
#[derive(Debug)]
pub(super) struct Screen {
    /// Its size, in the game's coordinates.
    pub area: Size<i32, Logical>,
    output: Output,
    global: GlobalId,
}

/// What we keep of a mapped X11 window.
#[derive(Debug)]
pub(super) struct Managed {
    pub id: WindowId,
    /// The X server has mapped it, too.
    pub mapped: bool,
    /// The surface's object id that it was announced with before it was mapped this time.
    pub before: Option<u32>,
    /// The one it was paired by.
    pub paired: Option<u32>,
    /// Where it was before it filled the output.
    pub former: Option<Rectangle<i32, Logical>>,
    /// It fills the output because every window must, and not because it asked for that.
    pub forced: bool,
    /// The window below it (`Some(None)`: it is the lowest), as the X server last said.
    pub above: Option<Option<u32>>,
}

impl Slot {
    fn new(shell: XWaylandShellState, screen: Option<Screen>) -> Self {
        Self {
            run: None,
            shell,
            was_ready: false,
            crashes: Crashes::default(),
            again: None,
            windows: HashMap::new(),
            owners: Owners::default(),
            hidden: Vec::new(),
            to_show: Vec::new(),
            look: false,
            told_order: None,
            screen,
            name: None,
        }
    }
}

impl State {
    /// Makes a place for one server more, and its output. Gives which.
    pub(super) fn x11_add_place(&mut self) -> u32 {
        let scope = &mut self.scope;
        let slots = &scope.xwayland.slots;
        // There are at most as many as displays, so that one is free.
        let server = (0..=u32::MAX).find(|n| !slots.contains_key(n)).unwrap_or(u32::MAX);
        let dh = &scope.dh;
        let shell = scope
            .xwayland
            .shell
            .get_or_insert_with(|| XWaylandShellState::new::<Self>(dh));
        let shell = shell.clone();
        let screen = (server > 0).then(|| scope.x11_make_screen(server));
        scope.xwayland.slots.insert(server, Slot::new(shell, screen));
        server
    }

    /// The size of the screen of the server at this place; `None`: the game's.
    pub(super) fn x11_resize_screen(&mut self, server: u32, size: Option<Pixels>) {
        let scope = &mut self.scope;
        let size = size.or(scope.settings.nested).unwrap_or(scope.settings.output);
        let refresh = scope.settings.refresh.0 as i32;
        if scope.area_of(server) == (size.w as i32, size.h as i32).into() {
            self.x11_mode_is_set();
            return;
        }
        match scope.xwayland.slots.get_mut(&server).map(|slot| slot.screen.as_mut()) {
            Some(Some(screen)) => {
                screen.area = (size.w as i32, size.h as i32).into();
                let mode = Mode {
                    size: (size.w as i32, size.h as i32).into(),
                    refresh,
                };
                screen.output.change_current_state(Some(mode), None, None, None);
                screen.output.set_preferred(mode);
                scope.damage();
            }
            Some(None) => scope.resize_area(size),
            None => {
                tracing::warn!("a mode was asked for by a property, for an Xwayland {server} that there is not");
                return;
            }
        }
        self.x11_fill_screen(server);
    }

    /// The output has another size or rate: the screens that were as large as it are so again.
    pub(crate) fn x11_output_resized(&mut self, before: Pixels) {
        let scope = &mut self.scope;
        let size = scope.settings.output;
        let as_large = |area: Size<i32, Logical>| area == (before.w as i32, before.h as i32).into();
        let game = match as_large(scope.area) {
            true => size,
            // Its size is its own; the rate may be another.
            false => Pixels {
                w: scope.area.w.max(0) as u32,
                h: scope.area.h.max(0) as u32,
            },
        };
        scope.resize_area(game);
        self.x11_fill_screen(0);
        let screens = self.scope.xwayland.slots.iter();
        let others = screens.filter(|(_, slot)| slot.screen.as_ref().is_some_and(|s| as_large(s.area)));
        let others: Vec<u32> = others.map(|(server, _)| *server).collect();
        for server in others {
            self.x11_resize_screen(server, Some(size));
        }
    }

    /// Windows that fill their screen fill it again.
    fn x11_fill_screen(&mut self, server: u32) {
        let filling: Vec<_> = self
            .scope
            .windows
            .iter()
            .filter(|w| w.server == server)
            .filter_map(|w| w.x11().filter(|x11| x11.is_fullscreen() || x11.is_maximized()).cloned())
            .collect();
        for window in filling {
            self.scope.x11_fill_again(&window);
        }
    }
}

impl State {
    /// A server's screen has the size that was asked for: whoever asked for it by a property waits for its removal.
    pub(super) fn x11_mode_is_set(&mut self) {
        let Some(ewmh) = self.scope.xwayland.ewmh(0) else {
            return;
        };
        if let Err(why) = ewmh.remove(MODE_CONTROL) {
            tracing::debug!("error telling Steam of a mode: {why:#}");
        }
    }
}

impl Scope {
    /// The size of the screen of the X server at this place, in the game's coordinates. Wayland clients see the first.
    pub fn area_of(&self, server: u32) -> Size<i32, Logical> {
        let slot = self.xwayland.slots.get(&server);
        slot.and_then(|slot| slot.screen.as_ref())
            .map_or(self.area, |screen| screen.area)
    }

    fn x11_make_screen(&self, server: u32) -> Screen {
        let size = self.settings.nested.unwrap_or(self.settings.output);
        let output = self.monitor.create_output(server, size, self.settings.refresh);
        let global = outputs::publish(&self.dh, &output, server);
        Screen {
            area: (size.w as i32, size.h as i32).into(),
            output,
            global,
        }
    }

    /// Takes away the place of a server that is gone for good.
    pub(super) fn x11_remove_place(&mut self, server: u32) {
        let slot = self.xwayland.slots.remove(&server);
        if let Some(screen) = slot.and_then(|slot| slot.screen) {
            self.dh.remove_global::<State>(screen.global);
        }
    }
}
