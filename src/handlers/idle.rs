//! idle-inhibit and ext-idle-notify: who wants to know that the player has gone away, and who forbids it.

use crate::state::State;
use smithay::reexports::calloop::LoopHandle;
use smithay::reexports::wayland_server::{DisplayHandle, Resource, protocol::wl_surface::WlSurface};
use smithay::wayland::idle_inhibit::IdleInhibitHandler;
use smithay::wayland::idle_notify::{IdleNotifierHandler, IdleNotifierState};

/// Who waits for idleness and who forbids it. The output itself never blanks.
#[derive(Debug)]
pub struct Idle {
    notifier: IdleNotifierState<State>,
    inhibitors: Vec<WlSurface>,
}

impl Idle {
    pub(super) fn new(dh: &DisplayHandle, events: &LoopHandle<'static, State>) -> Self {
        Self {
            notifier: IdleNotifierState::new(dh, events.clone()),
            inhibitors: Vec::new(),
        }
    }

    fn changed(&mut self) {
        self.inhibitors.retain(Resource::is_alive);
        self.notifier.set_is_inhibited(!self.inhibitors.is_empty());
    }
}

impl State {
    /// The player did something.
    pub(crate) fn player_is_active(&mut self) {
        let idle = &mut self.scope.extras.idle;
        idle.changed();
        idle.notifier.notify_activity(&self.scope.seat);
    }
}

impl IdleInhibitHandler for State {
    fn inhibit(&mut self, surface: WlSurface) {
        let idle = &mut self.scope.extras.idle;
        idle.inhibitors.push(surface);
        idle.changed();
    }

    fn uninhibit(&mut self, surface: WlSurface) {
        let idle = &mut self.scope.extras.idle;
        if let Some(at) = idle.inhibitors.iter().position(|s| *s == surface) {
            idle.inhibitors.swap_remove(at);
        }
        idle.changed();
    }
}

impl IdleNotifierHandler for State {
    fn idle_notifier_state(&mut self) -> &mut IdleNotifierState<Self> {
        &mut self.scope.extras.idle.notifier
    }
}

smithay::delegate_idle_inhibit!(State);
smithay::delegate_idle_notify!(State);
