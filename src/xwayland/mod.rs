//! Xwayland: the server, its window manager, and the pairing of windows with surfaces.
//!
//! | file | what it does |
//! |---|---|
//! | `server` | starts the X server, notices its end, starts it again |
//! | `crashes` | decides whether it is started again (pure) |
//! | `manager` | smithay's window manager calls us: windows come, go, ask for a place, a size, full screen |
//! | `requests` | what clients ask for that smithay does not hear of: to be raised, closed, moved |
//! | `placing` | where a window goes and how large it is (pure) |
//! | `pairing` | finds the surface of each window, for both generations of Xwayland |
//! | `stacking` | tells the X server our order, with as few moves as it takes (`moves` is pure) |
//! | `steam`, `properties` | gamescope's and Steam's X properties: reading and writing, and their meaning (pure) |
//! | `controls` | obeys them |
//! | `feedback` | what Steam is told (pure) |
//! | `ewmh` | a connection of our own, for what smithay's window manager leaves out |
//! | `screen` | tells X11 clients of the monitor |
//! | `selection` | clipboard and primary selection, both ways |

mod controls;
mod crashes;
mod ewmh;
mod feedback;
mod manager;
mod pairing;
mod placing;
mod properties;
mod requests;
mod screen;
mod selection;
mod server;
mod stacking;
mod steam;

pub use controls::Controls;
pub use manager::takes_keyboard;
pub use properties::Control;

use crate::scene::policy::WindowId;
use smithay::utils::{Logical, Rectangle};
use smithay::wayland::xwayland_shell::XWaylandShellState;
use smithay::xwayland::X11Wm;
use std::collections::HashMap;

/// Xwayland's state.
#[derive(Debug, Default)]
pub struct Xwayland {
    /// The protocol by which Xwayland 23.1 and newer pairs; made at each start.
    shell: Option<XWaylandShellState>,
    /// The server that runs or starts.
    server: Option<server::Server>,
    /// Managers of servers that are gone: smithay's selection transfers may still ask for theirs by its id.
    retired: Vec<X11Wm>,
    crashes: crashes::Crashes,
    /// Why the first server never was ready.
    failure: Option<anyhow::Error>,
    /// A server has been ready.
    was_ready: bool,
    /// The display of a server to be started when the process of the last one is gone.
    again: Option<u32>,
    /// Servers that were told to end and have not yet.
    ending: usize,
    /// The X11 windows that are mapped, by their X11 id.
    windows: HashMap<u32, Managed>,
    /// Windows that we hid until smithay is done with them.
    hidden: Vec<u32>,
    /// Those with which it is.
    to_show: Vec<u32>,
    /// Something happened after which a window may have got, or lost, its surface.
    look: bool,
    /// What the X server was last told of the order, bottom to top; `None`: it must be told.
    told_order: Option<Vec<u32>>,
    /// What Steam was last told.
    told: controls::Told,
    /// What Wayland clients offer, for a server that starts later.
    offered: selection::Offered,
    starts: u64,
}

/// What we keep of a mapped X11 window.
#[derive(Debug)]
struct Managed {
    id: WindowId,
    /// The X server has mapped it, too.
    mapped: bool,
    /// The surface's object id that it was announced with before it was mapped this time.
    before: Option<u32>,
    /// The one it was paired by.
    paired: Option<u32>,
    /// Where it was before it filled the output.
    former: Option<Rectangle<i32, Logical>>,
    /// The window below it (`Some(None)`: it is the lowest), as the X server last said.
    above: Option<Option<u32>>,
}

impl Xwayland {
    /// The X display's number (`DISPLAY=:N`), once the server is ready.
    pub fn display(&self) -> Option<u32> {
        self.server.as_ref().filter(|s| s.is_ready()).map(|s| s.display())
    }

    /// Why the server ended before it was ready, told once. One that dies later is started again.
    pub fn take_failure(&mut self) -> Option<anyhow::Error> {
        self.failure.take()
    }

    /// No server's process is left.
    pub fn is_gone(&self) -> bool {
        self.server.is_none() && self.ending == 0
    }
}
