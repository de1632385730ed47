//! wl_compositor, wl_subcompositor, wl_shm: commits become scene changes. Requests come by `core_requests`.

use super::dmabuf::Dmabufs;
use super::hints::drawn_as;
use super::syncobj::Syncobjs;
use super::timing::{Timing, Waiting};
use crate::clients::Ended;
use crate::scene::window::Owner;
use crate::state::{Scope, State};
use smithay::backend::renderer::utils::{
    RendererSurfaceStateUserData, on_commit_buffer_handler, with_renderer_surface_state,
};
use smithay::reexports::wayland_server::backend::{ClientData, ClientId, DisconnectReason};
use smithay::reexports::wayland_server::protocol::{wl_buffer, wl_surface::WlSurface};
use smithay::reexports::wayland_server::{Client, Resource};
use smithay::wayland::buffer::BufferHandler;
use smithay::wayland::compositor::{
    BufferAssignment, CompositorClientState, CompositorHandler, CompositorState, SurfaceAttributes, TraversalAction,
    get_parent, is_sync_subsurface, with_states, with_surface_tree_downward,
};
use smithay::wayland::security_context::SecurityContext;
use smithay::wayland::shm::{ShmHandler, ShmState};
use smithay::xwayland::XWaylandClientData;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What we keep of a Wayland client.
#[derive(Debug, Default)]
pub struct ClientState {
    /// smithay's part.
    pub compositor: CompositorClientState,
    /// The sandbox that it connected from, if it did.
    pub sandbox: Option<SecurityContext>,
    /// Its commits that are not applied yet.
    pub(super) waiting: Waiting,
    /// Its connection's end that is ours, for as long as it is connected.
    pub(super) socket: Mutex<Option<Arc<OwnedFd>>>,
    /// Where its end is counted.
    pub(super) ended: Option<Arc<Ended>>,
    /// Whose it is, and so its windows are.
    pub(super) owner: Owner,
}

impl ClientState {
    /// With a duplicate of our end of the connection, with where its end is counted, and of this process.
    pub fn with_socket(mut self, socket: Arc<OwnedFd>, ended: &Arc<Ended>, pid: u32) -> Self {
        self.owner = Owner::of(pid);
        self.ended = Some(Arc::clone(ended));
        self.socket = Mutex::new(Some(socket));
        self
    }
}

impl ClientData for ClientState {
    fn initialized(&self, _client: ClientId) {}
    fn disconnected(&self, client: ClientId, reason: DisconnectReason) {
        tracing::debug!(?client, ?reason, "a client disconnected");
        if let Some(ended) = &self.ended {
            ended.count(&reason);
        }
        // Or the client would not be told.
        drop(self.socket.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

impl CompositorHandler for State {
    fn compositor_state(&mut self) -> &mut CompositorState {
        &mut self.scope.protocols.compositor
    }

    fn client_compositor_state<'a>(&self, client: &'a Client) -> &'a CompositorClientState {
        // Xwayland's client carries smithay's own data.
        if let Some(data) = client.get_data::<XWaylandClientData>() {
            return &data.compositor_state;
        }
        match client.get_data::<ClientState>() {
            Some(data) => &data.compositor,
            // Every client is inserted by us with one of the two.
            None => unreachable!("a client without data"),
        }
    }

    fn new_surface(&mut self, surface: &WlSurface) {
        Timing::watch(surface);
        Dmabufs::watch(surface);
        Syncobjs::watch(surface);
    }

    fn new_subsurface(&mut self, surface: &WlSurface, _parent: &WlSurface) {
        self.nested(surface);
    }

    fn commit(&mut self, surface: &WlSurface) {
        let changed = changes_picture(surface);
        on_commit_buffer_handler::<Self>(surface);
        forget_damage(surface);
        let scope = &mut self.scope;
        if scope.cursor.surface().is_some_and(|root| is_in_tree(surface, root)) {
            scope.cursor.image_committed();
            // Cursors animate by frame callbacks too.
            scope.pacer.commit(scope.now, false);
            return;
        }
        if is_sync_subsurface(surface) {
            return;
        }
        let mut root = surface.clone();
        while let Some(parent) = get_parent(&root) {
            root = parent;
        }
        // Sizes, places and colours change without a new picture, too; and so do input regions, of which nothing is to be seen.
        let rearranged = is_rearranged(surface);
        scope.over.stale = true;
        scope.popups.commit(surface);
        self.xdg_commit(&root);
        self.x11_commit(&root);
        self.layer_commit(&root);
        self.lock_commit(&root);
        if rearranged && !self.scope.is_seen(surface) {
            // It may just have come into sight.
            self.relayout();
        }
        if self.scope.is_seen(&root) {
            let changed = (changed || rearranged) && self.scope.is_seen(surface);
            self.scope.drawn(&root, changed);
        } else {
            self.scope.drawn_unseen(surface);
        }
        self.scope.look_at_hints();
    }
}

impl Scope {
    /// A tree that is shown was committed; `changed`: it looks another way than before.
    fn drawn(&mut self, root: &WlSurface, changed: bool) {
        self.scene_dirty |= changed;
        if !changed {
            return self.pacer.commit(self.now, false);
        }
        self.last_commit = self.now;
        let base = self.choice.base.and_then(|id| self.windows.get(id));
        if base.is_some_and(|w| w.surface.as_ref() != Some(root)) {
            return self.pacer.commit_beside(self.now);
        }
        self.stats.committed(self.now);
        let x11 = root
            .client()
            .is_some_and(|c| c.get_data::<XWaylandClientData>().is_some());
        self.pacer.content_is_x11(self.now, x11);
        self.pacer.commit(self.now, true);
    }
}

fn is_in_tree(surface: &WlSurface, root: &WlSurface) -> bool {
    let mut at = surface.clone();
    loop {
        if at == *root {
            return true;
        }
        match get_parent(&at) {
            Some(parent) => at = parent,
            None => return false,
        }
    }
}

/// Whether the commit (with its synchronised children) brings pixels, takes them away or moves them.
fn changes_picture(surface: &WlSurface) -> bool {
    let mut changed = false;
    with_surface_tree_downward(
        surface,
        (),
        |_, _, ()| TraversalAction::DoChildren(()),
        |_, states, ()| {
            let mut guard = states.cached_state.get::<SurfaceAttributes>();
            let attributes = guard.current();
            changed |= match &attributes.buffer {
                Some(BufferAssignment::Removed) => true,
                Some(BufferAssignment::NewBuffer(_)) => !attributes.damage.is_empty(),
                None => !attributes.damage.is_empty(),
            };
        },
        |_, _, ()| true,
    );
    // A first buffer without damage shows something new all the same.
    changed || with_renderer_surface_state(surface, |s| s.buffer().is_none()).unwrap_or(true) && has_buffer(surface)
}

/// smithay takes what a commit damaged with the next buffer only: until then it would grow, and each commit seem to bring
/// something.
fn forget_damage(surface: &WlSurface) {
    // A synchronised subsurface's is looked at with its parent's.
    if is_sync_subsurface(surface) {
        return;
    }
    with_surface_tree_downward(
        surface,
        (),
        |_, _, ()| TraversalAction::DoChildren(()),
        |_, states, ()| states.cached_state.get::<SurfaceAttributes>().current().damage.clear(),
        |_, _, ()| true,
    );
}

/// What the tree below a surface looked like after its last commit: sizes, places, order, opacity and colour spaces.
#[derive(Debug, Default)]
struct Arranged(AtomicU64);

/// Whether any of [`Arranged`] is another than after the surface's last commit.
fn is_rearranged(surface: &WlSurface) -> bool {
    let mut hasher = DefaultHasher::new();
    let mut seen = false;
    with_surface_tree_downward(
        surface,
        (),
        |_, _, ()| TraversalAction::DoChildren(()),
        |below, states, ()| {
            below.id().hash(&mut hasher);
            let state = states.data_map.get::<RendererSurfaceStateUserData>();
            if let Some(view) = state.and_then(|s| s.lock().ok().and_then(|s| s.view())) {
                seen = true;
                let (to, from) = (view.dst, view.src);
                (view.offset.x, view.offset.y, to.w, to.h).hash(&mut hasher);
                let source = [from.loc.x, from.loc.y, from.size.w, from.size.h];
                source.map(f64::to_bits).hash(&mut hasher);
                drawn_as(states).hash(&mut hasher);
            }
        },
        |_, _, ()| true,
    );
    let now = if seen { hasher.finish() } else { 0 };
    with_states(surface, |states| {
        let before = states.data_map.get_or_insert_threadsafe(Arranged::default);
        before.0.swap(now, Ordering::Relaxed) != now
    })
}

fn has_buffer(surface: &WlSurface) -> bool {
    with_states(surface, |states| {
        matches!(
            states.cached_state.get::<SurfaceAttributes>().current().buffer,
            Some(BufferAssignment::NewBuffer(_))
        )
    })
}

impl BufferHandler for State {
    fn buffer_destroyed(&mut self, _buffer: &wl_buffer::WlBuffer) {}
}

impl ShmHandler for State {
    fn shm_state(&self) -> &ShmState {
        &self.scope.protocols.shm
    }
}
