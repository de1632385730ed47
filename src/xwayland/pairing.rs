//! Finds the surface of each X11 window.
//!
//! Xwayland from 23.1 on gives window and surface the same serial, and smithay brings them together. Xwayland before
//! that announces the surface's Wayland object id in an X event (`WL_SURFACE_ID`), of which smithay keeps the last one
//! for each window. The two connections are not ordered: the event may come before the surface exists here, or after
//! its first commit; and the ids are used again. So windows and surfaces are compared anew whenever something has
//! changed, by [`pair`], which is pure, and a pair that turns out to be wrong is taken apart again.

use crate::handlers::outputs::Place;
use crate::scene::policy::WindowId;
use crate::state::State;
use smithay::backend::renderer::utils::with_renderer_surface_state;
use smithay::reexports::wayland_server::{Client, Resource, protocol::wl_surface::WlSurface};
use smithay::wayland::compositor::get_role;
use smithay::wayland::xwayland_shell::{XWaylandShellHandler, XWaylandShellState};
use smithay::xwayland::{X11Surface, XWaylandClientData, xwm::XwmId};

/// The object id that a window was last announced with.
#[allow(deprecated, reason = "it is how Xwayland before 23.1 pairs, which Debian 12 has")]
pub fn announced_id(window: &X11Surface) -> Option<u32> {
    window.wl_surface_id()
}

/// What is known of a window's surface. `S` is a surface that lives.
#[derive(Clone, Debug)]
struct Claim<S> {
    /// The one of its serial.
    by_serial: Option<S>,
    /// The object id that it was last announced with.
    announced: Option<u32>,
    /// The one it had been announced with before it was mapped: the same id may mean that the announcement is still to
    /// come, or that the id is used again.
    before: Option<u32>,
    /// The surface it has, and the id by which it got it.
    has: Option<(S, Option<u32>)>,
}

/// The surface of each window. `find` gives the surface of an object id, if it exists.
///
/// Once all news of both connections have come, each window has its own: it was announced with the id of a surface that
/// lives, and no two have the same id. Before that, for a frame, one may have a surface whose id it is to get.
fn pair<S: Clone + PartialEq>(claims: &[Claim<S>], find: impl Fn(u32) -> Option<S>) -> Vec<Option<S>> {
    let mut pairs: Vec<Option<S>> = claims.iter().map(|c| c.by_serial.clone()).collect();
    // The surer come first; nobody gets what another one has.
    let by_announcement = |c: &Claim<S>| c.announced.filter(|id| Some(*id) != c.before).and_then(&find);
    let by_possession = |c: &Claim<S>| {
        let (surface, id) = c.has.clone()?;
        (id == c.announced).then_some(surface)
    };
    let by_repetition = |c: &Claim<S>| c.announced.and_then(&find);
    type Way<'a, S> = &'a dyn Fn(&Claim<S>) -> Option<S>;
    let ways: [Way<'_, S>; 3] = [&by_announcement, &by_possession, &by_repetition];
    for way in ways {
        for (at, claim) in claims.iter().enumerate() {
            if pairs[at].is_none()
                && let Some(surface) = way(claim)
                && !pairs.contains(&Some(surface.clone()))
            {
                pairs[at] = Some(surface);
            }
        }
    }
    pairs
}

/// What is to change about a window.
struct Change {
    id: WindowId,
    x11: u32,
    surface: Option<WlSurface>,
    paired: Option<u32>,
    mapped: bool,
    first: bool,
}

impl State {
    /// Sees to the events that came while we waited for replies, and to windows that got or lost their surface. Called
    /// once an iteration, since smithay has no hook for the old generation's announcement.
    pub fn x11_turn(&mut self) {
        // Telling an X server the order waits for a reply, behind which an event may come; only so many can follow
        // from one another.
        for _ in 0..8 {
            let mut changed = false;
            for server in self.scope.xwayland.places() {
                if self.scope.xwayland.ewmh(server).is_some_and(|e| e.take_unread()) {
                    self.x11_read_events(server);
                }
                self.scope.x11_show_hidden(server);
                changed |= self.x11_pair(server);
            }
            self.x11_feedback();
            if !changed {
                return;
            }
        }
    }

    /// Whether a window was announced, or lost its surface, since it was paired.
    fn x11_is_unpaired(&self, server: u32) -> bool {
        let Some(slot) = self.scope.xwayland.slots.get(&server) else {
            return false;
        };
        self.scope.windows.iter().filter(|w| w.server == server).any(|w| {
            let Some(x11) = w.x11() else { return false };
            let managed = slot.windows.get(&x11.window_id());
            w.surface.as_ref().is_some_and(|s| !s.is_alive())
                || managed.is_some_and(|m| m.paired != announced_id(x11) || m.mapped != w.mapped)
        })
    }

    /// Brings a server's windows and surfaces together. Whether anything changed.
    fn x11_pair(&mut self, server: u32) -> bool {
        let slot = self.scope.xwayland.slots.get_mut(&server);
        if !slot.is_some_and(|slot| std::mem::take(&mut slot.look)) && !self.x11_is_unpaired(server) {
            return false;
        }
        let changes = self.x11_changes(server);
        let changed = !changes.is_empty();
        for change in changes {
            if change.first {
                self.scope.windows.raise(change.id);
                // What the player clicked before is no reason to keep the keyboard from a new window.
                self.scope.clicked = None;
            }
            let slot = self.scope.xwayland.slots.get_mut(&server);
            if let Some(managed) = slot.and_then(|slot| slot.windows.get_mut(&change.x11)) {
                managed.paired = change.paired;
            }
            if let Some(window) = self.scope.windows.get_mut(change.id) {
                window.surface = change.surface;
                window.mapped = change.mapped;
            }
        }
        if changed {
            self.scene_changed();
        }
        changed
    }

    fn x11_changes(&self, server: u32) -> Vec<Change> {
        let Some(slot) = self.scope.xwayland.slots.get(&server) else {
            return Vec::new();
        };
        let of_server = self.scope.windows.iter().filter(|w| w.server == server);
        let known: Vec<_> = of_server
            .filter_map(|w| {
                let x11 = w.x11()?;
                Some((w, x11, slot.windows.get(&x11.window_id())?))
            })
            .collect();
        let alive = |s: &WlSurface| s.is_alive();
        let claims: Vec<_> = known
            .iter()
            .map(|(w, x11, managed)| Claim {
                by_serial: x11.wl_surface().filter(alive),
                announced: announced_id(x11),
                before: managed.before,
                has: w.surface.clone().filter(alive).map(|s| (s, managed.paired)),
            })
            .collect();
        let client = slot.run.as_ref().map(|run| run.client());
        let pairs = pair(&claims, |id| self.x11_surface(client?, id));
        let has_buffer = |s: &WlSurface| with_renderer_surface_state(s, |s| s.buffer().is_some()).unwrap_or(false);
        let mut changes = Vec::new();
        for ((window, x11, managed), surface) in known.into_iter().zip(pairs) {
            // A window counts from its first picture on, so that the one below it is not taken away for nothing.
            let mapped = managed.mapped && surface.as_ref().is_some_and(has_buffer);
            let paired = surface.as_ref().and(announced_id(x11));
            if surface != window.surface || mapped != window.mapped || paired != managed.paired {
                changes.push(Change {
                    id: window.id,
                    x11: x11.window_id(),
                    first: mapped && !window.mapped,
                    surface,
                    paired,
                    mapped,
                });
            }
        }
        changes
    }

    /// The surface of an object id of an Xwayland's, if it can be a window's.
    fn x11_surface(&self, client: &Client, id: u32) -> Option<WlSurface> {
        // Not there yet, or another kind of object by now: looked for again later.
        let surface: WlSurface = client.object_from_protocol_id(&self.scope.dh, id).ok()?;
        // A window's has no role in the old generation; a cursor's has.
        get_role(&surface).is_none().then_some(surface)
    }

    /// The part of a commit that concerns X11 windows.
    pub fn x11_commit(&mut self, root: &WlSurface) {
        let client = root.client();
        let data = client.as_ref().and_then(|c| c.get_data::<XWaylandClientData>());
        let place = data.and_then(|data| data.user_data().get::<Place>());
        if let Some(place) = place
            && self.scope.windows.by_surface(root).is_none_or(|w| !w.mapped)
            && let Some(slot) = self.scope.xwayland.slots.get_mut(&place.0)
        {
            slot.look = true;
        }
    }
}

impl XWaylandShellHandler for State {
    fn xwayland_shell_state(&mut self) -> &mut XWaylandShellState {
        let dh = &self.scope.dh;
        let xwayland = &mut self.scope.xwayland;
        // Serials are a server's own; smithay asks for its manager before it asks for them.
        let asked = xwayland.asked.filter(|server| xwayland.slots.contains_key(server));
        match asked.and_then(|server| xwayland.slots.get_mut(&server)) {
            Some(slot) => &mut slot.shell,
            // The last words of a server that is gone.
            None => xwayland.old_shell.get_or_insert_with(|| {
                let shell = xwayland
                    .shell
                    .get_or_insert_with(|| XWaylandShellState::new::<Self>(dh));
                shell.clone()
            }),
        }
    }

    fn surface_associated(&mut self, xwm: XwmId, _surface: WlSurface, _window: X11Surface) {
        let server = self.scope.xwayland.managed_by(xwm);
        if let Some(slot) = server.and_then(|server| self.scope.xwayland.slots.get_mut(&server)) {
            slot.look = true;
        }
    }
}

smithay::delegate_xwayland_shell!(State);

#[cfg(test)]
mod tests;
