//! linux-drm-syncobj-v1: a commit waits until its buffer's acquire point is signalled, and its release point is when nothing
//! reads the buffer any more. Advertised where a device has timelines ([`crate::syncobj`]) and linux-dmabuf has buffers.
//!
//! Owns the waits for acquire points. Composition reads a buffer only while it is its surface's, so that the next one's
//! commit releases it, and so does whatever else drops a commit: another before it was shown, or its surface's end.

use super::timing::no_memory;
use crate::state::State;
use crate::syncobj::{Device, Timeline};
use smithay::reexports::calloop::generic::Generic;
use smithay::reexports::calloop::{Interest, Mode, PostAction, RegistrationToken};
use smithay::reexports::wayland_protocols::wp::linux_drm_syncobj::v1::server::{
    wp_linux_drm_syncobj_manager_v1::{self as manager, WpLinuxDrmSyncobjManagerV1},
    wp_linux_drm_syncobj_surface_v1::{self as surface, Error, WpLinuxDrmSyncobjSurfaceV1},
    wp_linux_drm_syncobj_timeline_v1::{self as timeline, WpLinuxDrmSyncobjTimelineV1},
};
use smithay::reexports::wayland_server::backend::ClientId;
use smithay::reexports::wayland_server::protocol::wl_surface::WlSurface;
use smithay::reexports::wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, Resource, Weak,
};
use smithay::wayland::compositor::{
    Blocker, BlockerState, BufferAssignment, Cacheable, CompositorHandler, SurfaceAttributes, SurfaceData, add_blocker,
    add_destruction_hook, add_pre_commit_hook, with_states,
};
use smithay::wayland::dmabuf::get_dmabuf;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// So many commits of a client may wait for their acquire points, as many as it may have DMA-BUFs; each is an open file of
/// ours.
const MOST: usize = 128;

/// The commits that wait.
#[derive(Debug, Default)]
pub struct Syncobjs {
    device: Option<Device>,
    waits: Vec<Wait>,
    next: u64,
}

/// A commit that waits for its acquire point.
#[derive(Debug)]
struct Wait {
    number: u64,
    client: Client,
    surface: Weak<WlSurface>,
    token: RegistrationToken,
    drawn: Arc<AtomicBool>,
}

/// A point of a timeline.
#[derive(Clone, Debug)]
struct Point {
    timeline: Arc<Timeline>,
    point: u64,
}

/// Signals its point at its end.
#[derive(Debug)]
struct Release(Point);

impl Drop for Release {
    fn drop(&mut self) {
        if let Err(e) = self.0.timeline.signal(self.0.point) {
            tracing::warn!("error signalling a release point: {e}");
        }
    }
}

/// A surface's points, as double-buffered state.
#[derive(Debug, Default)]
struct Points {
    /// Of the coming commit.
    acquire: Option<Point>,
    release: Option<Point>,
    /// Whether the commit has a buffer or takes it away.
    attached: bool,
    /// Of the buffer that is committed.
    #[expect(dead_code, reason = "held for its end alone")]
    held: Option<Release>,
}

impl Cacheable for Points {
    fn commit(&mut self, _: &DisplayHandle) -> Self {
        let pending = std::mem::take(self);
        Self {
            attached: pending.attached,
            held: pending.release.map(Release),
            ..Self::default()
        }
    }

    fn merge_into(self, into: &mut Self, _: &DisplayHandle) {
        if self.attached {
            *into = self;
        }
    }
}

/// The surface's object, while there is one.
#[derive(Debug, Default)]
struct Explicit(Mutex<Option<WpLinuxDrmSyncobjSurfaceV1>>);

impl Explicit {
    fn set(&self, object: Option<WpLinuxDrmSyncobjSurfaceV1>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = object;
    }

    fn get(&self) -> Option<WpLinuxDrmSyncobjSurfaceV1> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Holds a commit back until its buffer is drawn.
struct Undrawn(Arc<AtomicBool>);

impl Blocker for Undrawn {
    fn state(&self) -> BlockerState {
        if self.0.load(Ordering::Relaxed) {
            BlockerState::Released
        } else {
            BlockerState::Pending
        }
    }
}

/// Whether the surface's commits bring points of their own.
pub(super) fn is_explicit(states: &SurfaceData) -> bool {
    states.data_map.get::<Explicit>().is_some_and(|e| e.get().is_some())
}

impl Syncobjs {
    /// Makes the global where a device has timelines, for clients that have DMA-BUFs.
    pub(super) fn new(dh: &DisplayHandle, dmabufs: bool) -> Self {
        let found = if dmabufs {
            Device::find()
        } else {
            Err("no linux-dmabuf".into())
        };
        match &found {
            Ok(device) => {
                tracing::debug!("linux-drm-syncobj: {}", device.path.display());
                dh.create_global::<State, WpLinuxDrmSyncobjManagerV1, ()>(1, ());
            }
            Err(why) => tracing::debug!("no linux-drm-syncobj: {why}"),
        }
        Self {
            device: found.ok(),
            ..Self::default()
        }
    }

    /// Lets the surface's commits wait for their acquire points.
    pub(super) fn watch(surface: &WlSurface) {
        add_pre_commit_hook::<State, _>(surface, |state, dh, surface| match with_states(surface, look) {
            Ok(None) => (),
            Ok(Some(acquire)) => state.wait(dh, surface, &acquire),
            Err((object, code, message)) => object.post_error(code, message),
        });
        add_destruction_hook::<State, _>(surface, |state, surface| {
            with_states(surface, |states| {
                *states.cached_state.get::<Points>().current() = Points::default()
            });
            state.wait_no_more(surface);
        });
    }
}

type Refused = (WpLinuxDrmSyncobjSurfaceV1, Error, &'static str);

/// Looks at what is about to be committed; the acquire point that it must wait for.
fn look(states: &SurfaceData) -> Result<Option<Point>, Refused> {
    let Some(explicit) = states.data_map.get::<Explicit>() else {
        return Ok(None);
    };
    let mut points = states.cached_state.get::<Points>();
    let mut attributes = states.cached_state.get::<SurfaceAttributes>();
    let (points, buffer) = (points.pending(), &attributes.pending().buffer);
    points.attached = buffer.is_some();
    // Its end took the points along.
    let Some(object) = explicit.get() else {
        return Ok(None);
    };
    let buffer = buffer.as_ref().and_then(|b| match b {
        BufferAssignment::NewBuffer(buffer) => Some(buffer),
        BufferAssignment::Removed => None,
    });
    match (buffer, &points.acquire, &points.release) {
        (None, None, None) => Ok(None),
        (None, _, _) => Err((object, Error::NoBuffer, "points without a buffer")),
        (Some(_), None, _) => Err((object, Error::NoAcquirePoint, "a buffer without an acquire point")),
        (Some(_), _, None) => Err((object, Error::NoReleasePoint, "a buffer without a release point")),
        (Some(buffer), Some(acquire), Some(release)) => {
            if get_dmabuf(buffer).is_err() {
                return Err((object, Error::UnsupportedBuffer, "the buffer is no DMA-BUF"));
            }
            if Arc::ptr_eq(&acquire.timeline, &release.timeline) && release.point <= acquire.point {
                return Err((object, Error::ConflictingPoints, "released before it is acquired"));
            }
            Ok(Some(acquire.clone()))
        }
    }
}

impl State {
    /// Lets the commit that comes next wait for the point.
    fn wait(&mut self, dh: &DisplayHandle, surface: &WlSurface, acquire: &Point) {
        let Some(client) = surface.client() else {
            return;
        };
        let event = match acquire.timeline.event(acquire.point) {
            Ok(event) => event,
            Err(e) => return tracing::warn!("error waiting for an acquire point: {e}"),
        };
        if rustix::io::read(&event, &mut [0; 8]).is_ok() {
            return;
        }
        let syncobjs = &mut self.scope.extras.syncobjs;
        if syncobjs.waits.iter().filter(|wait| wait.client == client).count() >= MOST {
            return no_memory(&client, dh, "too many commits wait for their acquire points");
        }
        let number = syncobjs.next;
        let source = Generic::new(event, Interest::READ, Mode::Level);
        let inserted = self.scope.events.insert_source(source, move |_, _, state| {
            state.drawn(|wait| wait.number == number);
            // It is removed by that.
            Ok(PostAction::Continue)
        });
        let token = match inserted {
            Ok(token) => token,
            Err(e) => return tracing::warn!("error waiting for an acquire point: {e}"),
        };
        let drawn = Arc::new(AtomicBool::new(false));
        add_blocker(surface, Undrawn(Arc::clone(&drawn)));
        syncobjs.next += 1;
        syncobjs.waits.push(Wait {
            number,
            client,
            surface: surface.downgrade(),
            token,
            drawn,
        });
    }

    /// Lets go of the commits that these waits hold back.
    fn drawn(&mut self, which: impl Fn(&Wait) -> bool) {
        let waits = &mut self.scope.extras.syncobjs.waits;
        let over: Vec<Wait> = waits.extract_if(.., |wait| which(wait)).collect();
        for wait in over {
            self.scope.events.remove(wait.token);
            wait.drawn.store(true, Ordering::Relaxed);
            let dh = self.scope.dh.clone();
            self.client_compositor_state(&wait.client).blocker_cleared(self, &dh);
        }
    }

    /// The surface is gone: nobody waits for its pictures. What waits behind them is looked at once the surface is no more.
    fn wait_no_more(&mut self, surface: &WlSurface) {
        let id = surface.id();
        let waits = &self.scope.extras.syncobjs.waits;
        if waits.iter().any(|wait| wait.surface.id() == id) {
            self.scope
                .events
                .insert_idle(move |state| state.drawn(|wait| wait.surface.id() == id));
        }
    }
}

impl GlobalDispatch<WpLinuxDrmSyncobjManagerV1, ()> for State {
    fn bind(
        _: &mut Self,
        _: &DisplayHandle,
        _: &Client,
        resource: New<WpLinuxDrmSyncobjManagerV1>,
        (): &(),
        init: &mut DataInit<'_, Self>,
    ) {
        init.init(resource, ());
    }
}

impl Dispatch<WpLinuxDrmSyncobjManagerV1, ()> for State {
    fn request(
        state: &mut Self,
        _: &Client,
        resource: &WpLinuxDrmSyncobjManagerV1,
        request: manager::Request,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Self>,
    ) {
        match request {
            manager::Request::GetSurface { id, surface } => {
                let object = init.init(id, surface.downgrade());
                let taken = with_states(&surface, |states| {
                    let explicit = states.data_map.get_or_insert_threadsafe(Explicit::default);
                    let taken = explicit.get().is_some();
                    if !taken {
                        explicit.set(Some(object));
                    }
                    taken
                });
                if taken {
                    resource.post_error(manager::Error::SurfaceExists, "the surface has one already");
                }
            }
            manager::Request::ImportTimeline { id, fd } => {
                // There is a global only with a device.
                let device = state.scope.extras.syncobjs.device.as_ref();
                let timeline = device.and_then(|device| device.import(fd.as_fd()).ok());
                let refused = timeline.is_none();
                init.init(id, timeline.map(Arc::new));
                if refused {
                    resource.post_error(manager::Error::InvalidTimeline, "no timeline");
                }
            }
            _ => (),
        }
    }
}

impl Dispatch<WpLinuxDrmSyncobjTimelineV1, Option<Arc<Timeline>>> for State {
    fn request(
        _: &mut Self,
        _: &Client,
        _: &WpLinuxDrmSyncobjTimelineV1,
        _: timeline::Request,
        _: &Option<Arc<Timeline>>,
        _: &DisplayHandle,
        _: &mut DataInit<'_, Self>,
    ) {
    }
}

impl Dispatch<WpLinuxDrmSyncobjSurfaceV1, Weak<WlSurface>> for State {
    fn request(
        _: &mut Self,
        _: &Client,
        resource: &WpLinuxDrmSyncobjSurfaceV1,
        request: surface::Request,
        surface: &Weak<WlSurface>,
        _: &DisplayHandle,
        _: &mut DataInit<'_, Self>,
    ) {
        let (timeline, hi, lo, acquires) = match request {
            surface::Request::SetAcquirePoint {
                timeline,
                point_hi,
                point_lo,
            } => (timeline, point_hi, point_lo, true),
            surface::Request::SetReleasePoint {
                timeline,
                point_hi,
                point_lo,
            } => (timeline, point_hi, point_lo, false),
            _ => return,
        };
        let Ok(surface) = surface.upgrade() else {
            return resource.post_error(Error::NoSurface, "its surface is gone");
        };
        // A refused timeline has ended its client.
        let Some(Some(timeline)) = timeline.data::<Option<Arc<Timeline>>>() else {
            return;
        };
        let point = Some(Point {
            timeline: Arc::clone(timeline),
            point: u64::from(hi) << 32 | u64::from(lo),
        });
        with_states(&surface, |states| {
            let mut points = states.cached_state.get::<Points>();
            let pending = points.pending();
            if acquires {
                pending.acquire = point;
            } else {
                pending.release = point;
            }
        });
    }

    fn destroyed(_: &mut Self, _: ClientId, object: &WpLinuxDrmSyncobjSurfaceV1, surface: &Weak<WlSurface>) {
        let Ok(surface) = surface.upgrade() else {
            return;
        };
        with_states(&surface, |states| {
            let Some(explicit) = states.data_map.get::<Explicit>() else {
                return;
            };
            // Another than the surface's own was refused.
            if explicit.get().as_ref() != Some(object) {
                return;
            }
            explicit.set(None);
            let mut points = states.cached_state.get::<Points>();
            let pending = points.pending();
            (pending.acquire, pending.release) = (None, None);
        });
    }
}
