//! ext-session-lock: nothing but the lock's surfaces is shown or gets input until its client lets go.
//!
//! What is grabbed is let go of when the session is locked; an X11 client's grab is back when it is unlocked.
//!
//! A lock whose client dies stays, as the protocol demands; another client may take it over.

use super::seat::KeyboardFocus;
use super::trusted;
use crate::scene::stack::Placed;
use crate::state::{Scope, State};
use smithay::desktop::PopupUngrabStrategy;
use smithay::reexports::wayland_protocols::ext::session_lock::v1::server::{
    ext_session_lock_manager_v1::ExtSessionLockManagerV1,
    ext_session_lock_surface_v1::{self, ExtSessionLockSurfaceV1},
    ext_session_lock_v1::{Error, ExtSessionLockV1, Request},
};
use smithay::reexports::wayland_server::protocol::{wl_output::WlOutput, wl_surface::WlSurface};
use smithay::reexports::wayland_server::{Client, DataInit, Dispatch, DisplayHandle, Resource};
use smithay::utils::{Logical, Rectangle, SERIAL_COUNTER};
use smithay::wayland::session_lock::{
    ExtLockSurfaceUserData, LockSurface, SessionLockHandler, SessionLockManagerGlobalData, SessionLockManagerState,
    SessionLockState, SessionLocker,
};

/// The session's lock.
#[derive(Debug)]
pub struct Lock {
    manager: SessionLockManagerState,
    /// The lock that holds the session.
    holder: Option<ExtSessionLockV1>,
    /// To be confirmed once a frame without the session's windows has been latched.
    locker: Option<SessionLocker>,
    surfaces: Vec<LockSurface>,
}

impl Lock {
    pub(super) fn new(dh: &DisplayHandle) -> Self {
        Self {
            manager: SessionLockManagerState::new::<State, _>(dh, trusted),
            holder: None,
            locker: None,
            surfaces: Vec::new(),
        }
    }

    /// The session's windows are neither shown nor driven.
    pub fn is_locked(&self) -> bool {
        self.holder.is_some()
    }

    /// Tells the surfaces their size and gives what is shown in place of everything.
    pub(super) fn arrange(&self, visible: Rectangle<i32, Logical>) -> Vec<Placed> {
        let alive = || self.surfaces.iter().filter(|s| s.alive());
        for surface in alive() {
            let size = (visible.size.w.max(0) as u32, visible.size.h.max(0) as u32);
            surface.with_pending_state(|s| s.size = Some(size.into()));
            surface.send_configure();
        }
        let placed = |s: &LockSurface| Placed::new(s.wl_surface().clone(), visible.loc);
        alive().rev().map(placed).collect()
    }

    /// What has the keyboard while locked.
    pub(super) fn focus(&self) -> Option<KeyboardFocus> {
        let newest = self.surfaces.iter().rev().find(|s| s.alive())?;
        Some(KeyboardFocus::Surface(newest.wl_surface().clone()))
    }
}

impl Scope {
    /// A frame was latched: if it is the first without the session's windows, the lock is confirmed.
    pub(crate) fn lock_latched(&mut self) {
        if let Some(locker) = self.extras.lock.locker.take() {
            locker.lock();
        }
    }
}

impl State {
    /// Menus close, and what is held or dragged is let go of: what goes on, goes to the lock's surfaces.
    fn end_grabs(&mut self) {
        if let Some(mut menu) = self.scope.extras.menu.take() {
            menu.ungrab(PopupUngrabStrategy::All);
        }
        let (serial, time) = (SERIAL_COUNTER.next_serial(), self.time_ms());
        if let Some(pointer) = self.scope.seat.get_pointer() {
            pointer.unset_grab(self, serial, time);
        }
        if let Some(touch) = self.scope.seat.get_touch() {
            touch.unset_grab(self);
        }
        if let Some(keyboard) = self.scope.seat.get_keyboard() {
            keyboard.unset_grab(self);
        }
    }

    /// The part of a commit that concerns the lock's surfaces.
    pub(super) fn lock_commit(&mut self, root: &WlSurface) {
        if self.scope.extras.lock.surfaces.iter().any(|s| s.wl_surface() == root) {
            self.scope.scene_dirty = true;
        }
    }
}

impl SessionLockHandler for State {
    fn lock_state(&mut self) -> &mut SessionLockManagerState {
        &mut self.scope.extras.lock.manager
    }

    fn lock(&mut self, confirmation: SessionLocker) {
        let lock = &mut self.scope.extras.lock;
        if lock.holder.as_ref().is_some_and(Resource::is_alive) {
            // Its drop tells the client that somebody else has the lock.
            return;
        }
        lock.holder = Some(confirmation.ext_session_lock().clone());
        lock.locker = Some(confirmation);
        lock.surfaces.clear();
        self.end_grabs();
        self.scene_changed();
    }

    fn unlock(&mut self) {
        let lock = &mut self.scope.extras.lock;
        lock.holder = None;
        lock.locker = None;
        lock.surfaces.clear();
        self.scene_changed();
        self.resume_grab();
    }

    fn new_surface(&mut self, surface: LockSurface, _output: WlOutput) {
        let visible = self.scope.visible();
        let size = (visible.size.w.max(0) as u32, visible.size.h.max(0) as u32);
        surface.with_pending_state(|s| s.size = Some(size.into()));
        self.scope.extras.lock.surfaces.push(surface);
        self.scene_changed();
    }
}

/// A surface of a lock that does not hold the session: neither shown nor told anything.
#[derive(Debug)]
pub struct Inert;

impl Dispatch<ExtSessionLockSurfaceV1, Inert> for State {
    fn request(
        _: &mut Self,
        _: &Client,
        _: &ExtSessionLockSurfaceV1,
        _: ext_session_lock_surface_v1::Request,
        _: &Inert,
        _: &DisplayHandle,
        _: &mut DataInit<'_, Self>,
    ) {
    }
}

// smithay takes the surfaces of a lock that was refused for the session's; it ends a client that unlocks what it has not
// locked, but unlocks all the same: only the holder's word is passed. And it tells nobody of a lock that is taken back.
impl Dispatch<ExtSessionLockV1, SessionLockState> for State {
    fn request(
        state: &mut Self,
        client: &Client,
        lock: &ExtSessionLockV1,
        request: Request,
        data: &SessionLockState,
        dh: &DisplayHandle,
        init: &mut DataInit<'_, Self>,
    ) {
        let ours = &state.scope.extras.lock;
        let holds = ours.holder.as_ref() == Some(lock);
        let request = match request {
            Request::UnlockAndDestroy if !holds => {
                lock.post_error(Error::InvalidUnlock, "this lock does not hold the session");
                return;
            }
            Request::GetLockSurface { id, .. } if !holds => {
                init.init(id, Inert);
                return;
            }
            Request::Destroy if holds && ours.locker.is_some() => {
                state.unlock();
                request
            }
            _ => request,
        };
        <SessionLockManagerState as Dispatch<_, _, Self>>::request(state, client, lock, request, data, dh, init);
    }
}

smithay::reexports::wayland_server::delegate_global_dispatch!(
    State: [ExtSessionLockManagerV1: SessionLockManagerGlobalData] => SessionLockManagerState
);
smithay::reexports::wayland_server::delegate_dispatch!(
    State: [ExtSessionLockManagerV1: ()] => SessionLockManagerState
);
smithay::reexports::wayland_server::delegate_dispatch!(
    State: [ExtSessionLockSurfaceV1: ExtLockSurfaceUserData] => SessionLockManagerState
);
