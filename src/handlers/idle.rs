//! idle-inhibit and ext-idle-notify: who wants to know that the player has gone away, and who forbids it.

use crate::input::confine::root_of;
use crate::state::{Scope, State};
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
}

impl Scope {
    /// Looks who forbids idleness: only what is shown does, and nobody that is gone. To be looked at when anything may have come
    /// or gone.
    pub(crate) fn idle_turn(&mut self) {
        let idle = &mut self.extras.idle;
        idle.inhibitors.retain(Resource::is_alive);
        let shown = |surface: &WlSurface| {
            let root = root_of(surface);
            self.placed.iter().any(|placed| placed.surface == root)
        };
        idle.notifier.set_is_inhibited(idle.inhibitors.iter().any(shown));
    }
}

impl State {
    /// The player did something.
    pub(crate) fn player_is_active(&mut self) {
        self.scope.extras.idle.notifier.notify_activity(&self.scope.seat);
    }
}

impl IdleInhibitHandler for State {
    fn inhibit(&mut self, surface: WlSurface) {
        self.scope.extras.idle.inhibitors.push(surface);
    }

    fn uninhibit(&mut self, surface: WlSurface) {
        let idle = &mut self.scope.extras.idle;
        if let Some(at) = idle.inhibitors.iter().position(|s| *s == surface) {
            idle.inhibitors.swap_remove(at);
        }
    }
}

impl IdleNotifierHandler for State {
    fn idle_notifier_state(&mut self) -> &mut IdleNotifierState<Self> {
        &mut self.scope.extras.idle.notifier
    }
}

smithay::delegate_idle_inhibit!(State);
smithay::delegate_idle_notify!(State);
