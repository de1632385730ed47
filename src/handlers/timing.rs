//! fifo-v1 and commit-timing-v1: content that waits for a tick or for its time.
//!
//! smithay holds such commits back; here is when they are let go. A FIFO barrier falls at the first tick after its
//! content was latched, so that a game that queues frames has each of them shown for one interval, or when its surface is
//! told to draw, if that is hidden. A timed commit is applied when what is shown at its time is latched.

use super::compositor::ClientState;
use crate::clients::{end, in_regions};
use crate::state::{Scope, State};
use crate::time::Mono;
use smithay::reexports::wayland_protocols::wp::commit_timing::v1::server::{
    wp_commit_timer_v1::{Error, Request, WpCommitTimerV1},
    wp_commit_timing_manager_v1::WpCommitTimingManagerV1,
};
use smithay::reexports::wayland_server::protocol::wl_surface::WlSurface;
use smithay::reexports::wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, Resource, Weak, delegate_dispatch, delegate_global_dispatch,
};
use smithay::utils::{Monotonic, Time};
use smithay::wayland::commit_timing::{
    CommitTimerBarrierStateUserData, CommitTimerStateUserData, CommitTimingManagerState, Timestamp,
};
use smithay::wayland::compositor::{
    Barrier, Blocker, BlockerState, CompositorHandler, SurfaceAttributes, SurfaceData, add_blocker,
    add_pre_commit_hook, is_sync_subsurface, with_states,
};
use smithay::wayland::fifo::{FifoBarrierCachedState, FifoCachedState};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// A client may name any time; one further away than this is looked at again then.
const FAR: Duration = Duration::from_secs(1);

/// So many commits of a client may wait; a swapchain has three or four buffers a window. Each holds memory, and each is
/// looked at whenever one is let go.
const MOST: usize = 512;
/// Of synchronised subsurfaces, which wait for their parents, so many: a browser has hundreds, and some frames of each.
const MOST_OF_CHILDREN: usize = 8192;
/// All of them together have so many rectangles.
const RECTANGLES: usize = 1 << 16;

/// Counts a client's commits that are not applied yet: each holds a [`Counted`].
#[derive(Debug, Default)]
pub struct Waiting(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    commits: AtomicUsize,
    /// Those of synchronised subsurfaces.
    of_children: AtomicUsize,
    /// In the damage and the regions of both.
    rectangles: AtomicUsize,
}

/// Goes with the commit that it was added to, and never holds it back.
struct Counted {
    counts: Arc<Counts>,
    of_child: bool,
    rectangles: usize,
}

impl Counted {
    fn new(waiting: &Waiting, of_child: bool, rectangles: usize) -> Self {
        let counts = Arc::clone(&waiting.0);
        counts.of(of_child).fetch_add(1, Ordering::Relaxed);
        counts.rectangles.fetch_add(rectangles, Ordering::Relaxed);
        Self {
            counts,
            of_child,
            rectangles,
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.counts.of(self.of_child).fetch_sub(1, Ordering::Relaxed);
        self.counts.rectangles.fetch_sub(self.rectangles, Ordering::Relaxed);
    }
}

impl Counts {
    fn of(&self, child: bool) -> &AtomicUsize {
        if child { &self.of_children } else { &self.commits }
    }

    /// There are too many.
    fn excess(&self) -> Option<&'static str> {
        let over = |count: &AtomicUsize, most| count.load(Ordering::Relaxed) >= most;
        if over(&self.commits, MOST) || over(&self.of_children, MOST_OF_CHILDREN) {
            return Some("too many commits wait");
        }
        over(&self.rectangles, RECTANGLES).then_some("commits that wait have too many rectangles")
    }
}

impl Blocker for Counted {
    fn state(&self) -> BlockerState {
        BlockerState::Released
    }
}

/// The surfaces whose commits wait.
#[derive(Debug, Default)]
pub struct Timing {
    /// Those with a FIFO barrier.
    fifo: Vec<WlSurface>,
    /// The barriers of content that has been latched: they fall at the next tick.
    latched: Vec<(WlSurface, Barrier)>,
    /// Those with commits that wait for their time.
    timed: Vec<WlSurface>,
}

impl Timing {
    /// Looks at each commit of a new surface before smithay does, which alone tells of commits that will wait.
    pub(super) fn watch(surface: &WlSurface) {
        add_pre_commit_hook::<State, _>(surface, |state, dh, surface| {
            count(dh, surface);
            let (fifo, timed) = with_states(surface, |states| (sets_barrier(states), has_time(states)));
            let timing = &mut state.scope.extras.timing;
            if fifo && !timing.fifo.contains(surface) {
                timing.fifo.push(surface.clone());
            }
            if timed && !timing.timed.contains(surface) {
                timing.timed.push(surface.clone());
            }
        });
    }

    /// For when the next timed commit is.
    pub fn deadline(&self, now: Mono) -> Option<Mono> {
        let horizon = stamp(now + FAR);
        let due = |s: &WlSurface| {
            let next = with_states(s, |states| {
                let timers = states.data_map.get::<CommitTimerBarrierStateUserData>()?;
                timers.lock().ok()?.next_deadline()
            })?;
            // Compared before it is converted: what a client sends need be no time at all.
            let soon = next.min(horizon).max(stamp(Mono(0)));
            Some(Mono(Duration::from(Time::<Monotonic>::from(soon)).as_nanos() as u64))
        };
        self.timed.iter().filter(|s| s.is_alive()).filter_map(due).min()
    }
}

/// Counts a commit, and ends the connection of a client with too many that wait. Those of a synchronised subsurface wait for
/// its parent's.
fn count(dh: &DisplayHandle, surface: &WlSurface) {
    let Some(client) = surface.client() else {
        return;
    };
    // Xwayland's client is none that could mean harm.
    let Some(ours) = client.get_data::<ClientState>() else {
        return;
    };
    if let Some(what) = ours.waiting.0.excess() {
        return no_memory(&client, dh, what);
    }
    let rectangles = with_states(surface, |states| {
        let mut cached = states.cached_state.get::<SurfaceAttributes>();
        let pending = cached.pending();
        pending.damage.len() + in_regions(pending)
    });
    let counted = Counted::new(&ours.waiting, is_sync_subsurface(surface), rectangles);
    add_blocker(surface, counted);
}

/// Ends the connection of a client that wants too much.
pub(super) fn no_memory(client: &Client, dh: &DisplayHandle, message: &str) {
    tracing::warn!("{message}: a client is disconnected");
    end(dh, &client.id(), message);
}

fn sets_barrier(states: &SurfaceData) -> bool {
    states.cached_state.has::<FifoCachedState>() && states.cached_state.get::<FifoCachedState>().pending().set_barrier
}

fn has_time(states: &SurfaceData) -> bool {
    let timer = states.data_map.get::<CommitTimerStateUserData>();
    timer.is_some_and(|t| t.borrow().timestamp.is_some())
}

fn stamp(at: Mono) -> Timestamp {
    Time::<Monotonic>::from(Duration::from_nanos(at.0)).into()
}

/// Takes the barrier of the content that is shown, if it has one that has not fallen.
fn take_barrier(surface: &WlSurface) -> Option<Barrier> {
    with_states(surface, |states| {
        let mut guard = states.cached_state.get::<FifoBarrierCachedState>();
        guard.current().barrier.take().filter(|b| !b.is_signaled())
    })
}

/// Whether a barrier of the content that is shown stands.
fn has_barrier(surface: &WlSurface) -> bool {
    with_states(surface, |states| {
        let mut guard = states.cached_state.get::<FifoBarrierCachedState>();
        guard.current().barrier.as_ref().is_some_and(|b| !b.is_signaled())
    })
}

/// Whether a barrier stands or may come to stand. That of a commit which waits is known to it alone, and to the one that
/// waits for it: smithay takes it out of the pending state when a commit that sets none waits for it.
fn may_have_barrier(surface: &WlSurface) -> bool {
    let next = || {
        with_states(surface, |states| {
            let mut guard = states.cached_state.get::<FifoBarrierCachedState>();
            guard.pending().barrier.as_ref().is_some_and(|b| !b.is_signaled())
        })
    };
    let waits = |client: Client| match client.get_data::<ClientState>() {
        Some(ours) => Arc::strong_count(&ours.waiting.0) > 1,
        None => true,
    };
    surface.is_alive() && (has_barrier(surface) || next() || surface.client().is_some_and(waits))
}

impl Scope {
    /// What was applied has been latched.
    pub(crate) fn fifo_latched(&mut self) {
        let mut surfaces = std::mem::take(&mut self.extras.timing.fifo);
        surfaces.retain(may_have_barrier);
        let seen = surfaces.iter().filter(|s| self.is_seen(s));
        let barriers: Vec<_> = seen.filter_map(|s| Some((s.clone(), take_barrier(s)?))).collect();
        self.extras.timing.fifo = surfaces;
        self.extras.timing.latched.extend(barriers);
    }

    /// Those with a barrier of applied content that stands.
    fn fifo_standing(&self) -> impl Iterator<Item = &WlSurface> {
        let surfaces = self.extras.timing.fifo.iter();
        surfaces.filter(|s| s.is_alive() && has_barrier(s))
    }

    /// A barrier of content that was not latched yet stands.
    pub(crate) fn fifo_waits(&self) -> bool {
        self.fifo_standing().any(|s| self.is_seen(s))
    }

    /// As long as a barrier stands, there must be a tick at which it falls; that of a hidden surface falls when it is told
    /// to draw.
    pub(crate) fn fifo_keeps_ticking(&mut self) {
        if !self.extras.timing.latched.is_empty() || self.fifo_waits() {
            self.pacer.commit(self.now, false);
        }
        let hidden: Vec<_> = self.fifo_standing().filter(|s| !self.is_seen(s)).cloned().collect();
        for surface in hidden {
            self.tell_unseen(&surface);
        }
    }
}

impl State {
    /// A tick: the barriers of latched content fall, and what waited for them is applied. Content that shows nothing
    /// new is never latched; its barrier falls, too, as does that of content for which the encoder has had no room: a game
    /// is not as slow as the stream.
    pub(crate) fn fifo_tick(&mut self) {
        if !self.scope.pacer.is_dirty() || self.scope.pacer.waits_for_encoder() {
            self.scope.fifo_latched();
        }
        let latched = std::mem::take(&mut self.scope.extras.timing.latched);
        self.fall(&latched);
    }

    /// These hidden surfaces may draw.
    pub(crate) fn fifo_unseen(&mut self, surfaces: &[WlSurface]) {
        let barriers = surfaces.iter().filter_map(|s| Some((s.clone(), take_barrier(s)?)));
        let barriers: Vec<_> = barriers.collect();
        self.fall(&barriers);
    }

    fn fall(&mut self, barriers: &[(WlSurface, Barrier)]) {
        for (_, barrier) in barriers {
            barrier.signal();
        }
        self.apply_waiting(barriers.iter().map(|(surface, _)| surface));
    }

    /// Applies the timed commits whose time has come.
    pub(crate) fn apply_timed(&mut self) {
        let now = stamp(self.scope.pacer.reach(self.scope.now));
        let timing = &mut self.scope.extras.timing;
        let mut due = Vec::new();
        timing.timed.retain(|surface| {
            let left = surface.is_alive().then(|| {
                with_states(surface, |states| {
                    let timers = states.data_map.get::<CommitTimerBarrierStateUserData>()?;
                    let mut timers = timers.lock().ok()?;
                    if timers.signal_until(now) {
                        due.push(surface.clone());
                    }
                    timers.next_deadline()
                })
            });
            left.flatten().is_some()
        });
        self.apply_waiting(due.iter());
    }

    fn apply_waiting<'a>(&mut self, surfaces: impl Iterator<Item = &'a WlSurface>) {
        let mut clients: Vec<Client> = Vec::new();
        for client in surfaces.filter_map(|s| s.client()) {
            if !clients.contains(&client) {
                clients.push(client);
            }
        }
        let dh = self.scope.dh.clone();
        for client in &clients {
            self.client_compositor_state(client).blocker_cleared(self, &dh);
        }
    }
}

// smithay takes any number for nanoseconds.
impl Dispatch<WpCommitTimerV1, Weak<WlSurface>> for State {
    fn request(
        state: &mut Self,
        client: &Client,
        timer: &WpCommitTimerV1,
        request: Request,
        surface: &Weak<WlSurface>,
        dh: &DisplayHandle,
        init: &mut DataInit<'_, Self>,
    ) {
        if matches!(request, Request::SetTimestamp { tv_nsec, .. } if tv_nsec >= 1_000_000_000) {
            timer.post_error(Error::InvalidTimestamp, "a second has fewer nanoseconds");
            return;
        }
        <CommitTimingManagerState as Dispatch<_, _, Self>>::request(state, client, timer, request, surface, dh, init);
    }
}

smithay::delegate_fifo!(State);
delegate_global_dispatch!(State: [WpCommitTimingManagerV1: bool] => CommitTimingManagerState);
delegate_dispatch!(State: [WpCommitTimingManagerV1: bool] => CommitTimingManagerState);
