//! Xwayland: the servers, their window managers, and the pairing of windows with surfaces.
//!
//! There may be several servers (`--xwayland-count`, and what Steam asks for while the session runs), each with its own
//! window manager, output, windows and properties; they are told apart by their place in the list of them. The first is
//! the program's (`DISPLAY`), and its root window is where the session is told and driven.
//!
//! | file | what it does |
//! |---|---|
//! | `slot` | the places of the servers: what outlives one run of each |
//! | `server` | starts an X server, notices its end, starts it again |
//! | `connections` | our connections to it, which no client of it may hold up |
//! | `crashes` | decides whether it is started again, or one more is (pure) |
//! | `manager` | smithay's window manager calls us: windows come, go, ask for a place, a size, full screen |
//! | `owners` | how many windows a program may have |
//! | `requests` | what clients ask for that smithay does not hear of: to be raised, closed, moved |
//! | `filling` | gives windows their places and sizes |
//! | `placing` | where a window goes and how large it is (pure) |
//! | `process` | which process and app a window is of |
//! | `pairing` | finds the surface of each window, for both generations of Xwayland |
//! | `stacking` | tells the X server our order, with as few moves as it takes (`moves` is pure) |
//! | `steam`, `properties` | gamescope's and Steam's X properties: reading and writing, and their meaning (pure) |
//! | `controls` | obeys them |
//! | `told` | tells the root windows what has changed of the session |
//! | `feedback` | how Steam is told of it (pure) |
//! | `ewmh` | a connection of our own, for what smithay's window manager leaves out |
//! | `screen` | tells X11 clients of the monitor, and gives them the default cursor |
//! | `selection` | clipboard and primary selection, both ways |

mod connections;
mod controls;
mod crashes;
mod ewmh;
mod feedback;
mod filling;
mod manager;
mod owners;
mod pairing;
mod placing;
mod process;
mod properties;
mod requests;
mod screen;
mod selection;
mod server;
mod slot;
mod stacking;
mod steam;
mod told;

pub use controls::Controls;
pub use manager::takes_keyboard;
pub use properties::{Control, Layout};

use server::Server;
use slot::Slot;
use smithay::wayland::xwayland_shell::XWaylandShellState;
use smithay::xwayland::xwm::XwmId;
use smithay::xwayland::{X11Surface, X11Wm};
use std::collections::BTreeMap;

/// Xwayland's state.
#[derive(Debug, Default)]
pub struct Xwayland {
    /// The protocol by which Xwayland 23.1 and newer pairs, as each server begins with it.
    shell: Option<XWaylandShellState>,
    /// The one of servers that are gone.
    old_shell: Option<XWaylandShellState>,
    /// The servers, by their place.
    slots: BTreeMap<u32, Slot>,
    /// Managers of servers that are gone: smithay's selection transfers may still ask for theirs by its id, and nobody can
    /// know when the last has. `crashes` keeps them from being many.
    retired: Vec<X11Wm>,
    /// The server whose manager smithay asked for last.
    asked: Option<u32>,
    /// Why a server never was ready.
    failure: Option<anyhow::Error>,
    /// Servers that were told to end and have not yet.
    ending: usize,
    /// What Steam was last told.
    told: told::Told,
    /// Whether servers answer.
    answers: connections::Answers,
    /// Who offers what as the selections.
    offered: selection::Offered,
    starts: u64,
}

impl Xwayland {
    /// The first server's display (`DISPLAY=:N`), once it is ready.
    pub fn display(&self) -> Option<u32> {
        self.display_of(0)
    }

    /// The display of the server at this place, once it is ready.
    pub fn display_of(&self, server: u32) -> Option<u32> {
        let run = self.slots.get(&server)?.run.as_ref()?;
        run.is_ready().then(|| run.display())
    }

    /// The displays of all servers, in their order, once all are ready.
    pub fn displays(&self) -> Option<Vec<u32>> {
        self.slots.keys().map(|server| self.display_of(*server)).collect()
    }

    /// Why a server ended before it was ready, told once. One that dies later is started again.
    pub fn take_failure(&mut self) -> Option<anyhow::Error> {
        self.failure.take()
    }

    /// No server's process is left.
    pub fn is_gone(&self) -> bool {
        self.slots.values().all(|slot| slot.run.is_none()) && self.ending == 0
    }

    /// The places of all servers.
    fn places(&self) -> Vec<u32> {
        self.slots.keys().copied().collect()
    }

    /// The server at this place that runs or starts, to be asked something.
    fn run(&mut self, server: u32) -> Option<&mut Server> {
        self.asks(server);
        self.slots.get_mut(&server)?.run.as_mut()
    }

    /// Our connection to the server at this place, if it is ready.
    fn ewmh(&mut self, server: u32) -> Option<&mut ewmh::Ewmh> {
        self.run(server)?.ewmh.as_mut()
    }

    /// Whether events may wait that no readiness will tell of.
    fn has_unread(&self) -> bool {
        let runs = self.slots.values().filter_map(|slot| slot.run.as_ref());
        runs.filter_map(|run| run.ewmh.as_ref()).any(ewmh::Ewmh::has_unread)
    }

    /// The window manager of the server at this place, if it is ready.
    fn wm(&mut self, server: u32) -> Option<&mut X11Wm> {
        self.run(server)?.wm.as_mut()
    }

    /// The place of the server of this manager, if it is none of the past.
    fn managed_by(&self, id: XwmId) -> Option<u32> {
        let is = |slot: &Slot| slot.run.as_ref()?.wm.as_ref().map(|wm| wm.id() == id);
        let found = self.slots.iter().find(|(_, slot)| is(slot).unwrap_or(false));
        found.map(|(server, _)| *server)
    }

    /// The place of this window's server.
    fn server_of(&self, window: &X11Surface) -> Option<u32> {
        self.managed_by(window.xwm_id()?)
    }

    /// What is kept of this window, if it is mapped.
    fn managed(&mut self, window: &X11Surface) -> Option<&mut slot::Managed> {
        let server = self.server_of(window)?;
        self.slots.get_mut(&server)?.windows.get_mut(&window.window_id())
    }
}
