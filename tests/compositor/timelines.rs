//! linux-drm-syncobj-v1: what needs a device with timelines and `/dev/udmabuf`. `make test-lab` runs these where there are
//! both.

use crate::client::{Client, Heard, Window};
use crate::fixture::Fixture;
use goggles_scope::dmabuf::{from_memory, memory};
use goggles_scope::syncobj::{Device, Timeline};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};
use wayland_client::protocol::wl_buffer::WlBuffer;
use wayland_client::{Connection, Dispatch, Proxy, QueueHandle, delegate_noop, event_created_child};
use wayland_protocols::wp::linux_dmabuf::zv1::client::{
    zwp_linux_buffer_params_v1::{self as params, ZwpLinuxBufferParamsV1},
    zwp_linux_dmabuf_v1::ZwpLinuxDmabufV1,
};
use wayland_protocols::wp::linux_drm_syncobj::v1::client::{
    wp_linux_drm_syncobj_manager_v1::{self as manager, WpLinuxDrmSyncobjManagerV1},
    wp_linux_drm_syncobj_surface_v1::{Error, WpLinuxDrmSyncobjSurfaceV1},
    wp_linux_drm_syncobj_timeline_v1::WpLinuxDrmSyncobjTimelineV1,
};

const SIDE: i32 = 64;
const XR24: u32 = u32::from_le_bytes(*b"XR24");
const RED: u32 = 0xff_0000;
const GREEN: u32 = 0x00_ff00;
const BLUE: u32 = 0x00_00ff;

/// A client with a window, and its device.
struct Explicit {
    client: Client,
    window: Window,
    device: Device,
    dmabufs: ZwpLinuxDmabufV1,
    manager: WpLinuxDrmSyncobjManagerV1,
    sync: WpLinuxDrmSyncobjSurfaceV1,
}

/// A timeline on both sides.
struct Both {
    kernel: Timeline,
    wire: WpLinuxDrmSyncobjTimelineV1,
}

impl Both {
    fn is_signalled(&self, point: u64) -> bool {
        let event = self.kernel.event(point).expect("an event");
        rustix::io::read(event, &mut [0; 8]).is_ok()
    }
}

impl Explicit {
    fn new(f: &mut Fixture) -> Self {
        let mut client = f.client();
        let window = client.toplevel();
        f.settle(&mut [&mut client]);
        client.fill(&window.surface, (SIDE, SIDE), RED);
        f.advance(32, &mut [&mut client]);
        assert_eq!(f.picture().at(9, 9), RED);
        let manager: WpLinuxDrmSyncobjManagerV1 = client.global(1);
        Self {
            sync: manager.get_surface(&window.surface, &client.qh(), ()),
            dmabufs: client.global(4),
            device: Device::find().expect("a device with timelines"),
            manager,
            window,
            client,
        }
    }

    fn timeline(&self) -> Both {
        let kernel = self.device.create().expect("a timeline");
        let file = kernel.export().expect("its file");
        let wire = self.manager.import_timeline(file.as_fd(), &self.client.qh(), ());
        Both { kernel, wire }
    }

    /// A DMA-BUF of one colour.
    fn buffer(&self, colour: u32) -> WlBuffer {
        let bytes = (SIDE * SIDE * 4) as u64;
        let memory = memory(bytes).expect("memory");
        let pixels: Vec<u8> = (0..SIDE * SIDE).flat_map(|_| colour.to_le_bytes()).collect();
        rustix::io::pwrite(&memory, &pixels, 0).expect("it is written");
        let fd = from_memory(memory.as_fd(), 0, bytes).expect("a DMA-BUF");
        let params = self.dmabufs.create_params(&self.client.qh(), ());
        params.add(fd.as_fd(), 0, 0, SIDE as u32 * 4, 0, 0);
        params.create_immed(SIDE, SIDE, XR24, params::Flags::empty(), &self.client.qh(), ())
    }

    fn show(&self, buffer: &WlBuffer, acquire: (&Both, u32), release: (&Both, u32)) {
        self.sync.set_acquire_point(&acquire.0.wire, 0, acquire.1);
        self.sync.set_release_point(&release.0.wire, 0, release.1);
        self.client.show(&self.window.surface, buffer, (SIDE, SIDE));
    }

    /// The colours of the frames of the next three intervals.
    fn watch(&mut self, f: &mut Fixture) -> Vec<u32> {
        f.advance(48, &mut [&mut self.client]);
        assert_eq!(self.client.error, None);
        f.pictures().iter().map(|p| p.at(9, 9)).collect()
    }
}

#[test]
#[ignore = "needs a device with timelines: make test-lab"]
fn a_buffer_is_shown_once_it_is_drawn_and_released_with_the_next() {
    let mut f = Fixture::new(SIDE as u32, SIDE as u32);
    let mut c = Explicit::new(&mut f);
    let (drawn, first, second) = (c.timeline(), c.timeline(), c.timeline());
    let (green, blue) = (c.buffer(GREEN), c.buffer(BLUE));
    c.show(&green, (&drawn, 1), (&first, 7));
    assert!(c.watch(&mut f).is_empty(), "it is not drawn yet");
    drawn.kernel.signal(1).expect("it is signalled");
    assert_eq!(c.watch(&mut f), [GREEN]);
    assert!(!first.is_signalled(7), "it is shown");
    // Drawn before it is committed, and with points of more than 32 bits.
    drawn.kernel.signal(1 << 40).expect("it is signalled");
    c.sync.set_acquire_point(&drawn.wire, 1 << 8, 0);
    c.sync.set_release_point(&second.wire, 1 << 8, 0);
    c.client.show(&c.window.surface, &blue, (SIDE, SIDE));
    assert_eq!(c.watch(&mut f), [BLUE]);
    assert!(first.is_signalled(7) && !first.is_signalled(8));
    assert!(!second.is_signalled(1 << 40), "it is shown");
    // Commits without a buffer change nothing of it.
    c.window.surface.commit();
    c.watch(&mut f);
    assert!(!second.is_signalled(1 << 40), "it is still shown");
    c.window.surface.attach(None, 0, 0);
    c.window.surface.commit();
    c.watch(&mut f);
    assert!(second.is_signalled(1 << 40) && !second.is_signalled((1 << 40) + 1));
}

#[test]
#[ignore = "needs a device with timelines: make test-lab"]
fn who_never_draws_leaves_nothing_behind() {
    let mut f = Fixture::new(SIDE as u32, SIDE as u32);
    let mut first = Explicit::new(&mut f);
    let files = || std::fs::read_dir("/proc/self/fd").expect("a list").count();
    let before = files();
    for flood in [100, 300] {
        let mut c = Explicit::new(&mut f);
        let (drawn, release, buffer) = (c.timeline(), c.timeline(), c.buffer(GREEN));
        for point in 1..=flood {
            c.show(&buffer, (&drawn, point), (&release, point));
        }
        f.settle(&mut [&mut c.client]);
        assert_eq!(c.client.error.is_some(), flood > 128, "{:?}", c.client.error);
        assert!(files() > before);
        drop((c, drawn, release, buffer));
        // The memory of a client's pools is let go by a thread of smithay's.
        let patience = Instant::now() + Duration::from_secs(30);
        while files() != before && Instant::now() < patience {
            f.settle(&mut []);
        }
        assert_eq!(files(), before, "after {flood} commits");
    }
    // The other goes on.
    first.watch(&mut f);
    let (drawn, release, buffer) = (first.timeline(), first.timeline(), first.buffer(BLUE));
    drawn.kernel.signal(1).expect("it is signalled");
    first.show(&buffer, (&drawn, 1), (&release, 1));
    assert_eq!(first.watch(&mut f), [BLUE]);
}

#[test]
#[ignore = "needs a device with timelines: make test-lab"]
fn what_the_protocol_forbids_ends_the_client() {
    type Bad = fn(&Explicit, &Both, &Both, &WlBuffer);
    let cases: [(&str, u32, Bad); 9] = [
        ("surface", Error::NoBuffer as u32, |c, a, _, _| {
            c.sync.set_acquire_point(&a.wire, 0, 1);
            c.window.surface.commit();
        }),
        ("surface", Error::NoBuffer as u32, |c, a, b, _| {
            c.sync.set_acquire_point(&a.wire, 0, 1);
            c.sync.set_release_point(&b.wire, 0, 1);
            c.window.surface.attach(None, 0, 0);
            c.window.surface.commit();
        }),
        ("surface", Error::NoAcquirePoint as u32, |c, _, b, buffer| {
            c.sync.set_release_point(&b.wire, 0, 1);
            c.client.show(&c.window.surface, buffer, (SIDE, SIDE));
        }),
        ("surface", Error::NoReleasePoint as u32, |c, a, _, buffer| {
            c.sync.set_acquire_point(&a.wire, 0, 1);
            c.client.show(&c.window.surface, buffer, (SIDE, SIDE));
        }),
        ("surface", Error::ConflictingPoints as u32, |c, a, _, buffer| {
            c.show(buffer, (a, 2), (a, 2));
        }),
        ("surface", Error::UnsupportedBuffer as u32, |c, a, b, _| {
            c.sync.set_acquire_point(&a.wire, 0, 1);
            c.sync.set_release_point(&b.wire, 0, 1);
            c.client.fill(&c.window.surface, (SIDE, SIDE), RED);
        }),
        ("surface", Error::NoSurface as u32, |c, a, _, _| {
            c.window.toplevel.destroy();
            c.window.xdg.destroy();
            c.window.surface.destroy();
            c.sync.set_acquire_point(&a.wire, 0, 1);
        }),
        ("manager", manager::Error::SurfaceExists as u32, |c, _, _, _| {
            c.manager.get_surface(&c.window.surface, &c.client.qh(), ());
        }),
        ("manager", manager::Error::InvalidTimeline as u32, |c, _, _, _| {
            let no_timeline = memory(4096).expect("memory");
            c.manager.import_timeline(no_timeline.as_fd(), &c.client.qh(), ());
        }),
    ];
    let mut f = Fixture::new(SIDE as u32, SIDE as u32);
    for (i, (object, code, bad)) in cases.into_iter().enumerate() {
        let mut c = Explicit::new(&mut f);
        let (a, b, buffer) = (c.timeline(), c.timeline(), c.buffer(GREEN));
        bad(&c, &a, &b, &buffer);
        f.settle(&mut [&mut c.client]);
        let error = c.client.error.unwrap_or_default();
        let want = format!("error {code} on object wp_linux_drm_syncobj_{object}_v1");
        assert!(error.contains(&want), "case {i}: {want}: {error}");
    }
}

#[test]
#[ignore = "needs a device with timelines: make test-lab"]
fn without_its_object_a_surface_is_as_before() {
    let mut f = Fixture::new(SIDE as u32, SIDE as u32);
    let mut c = Explicit::new(&mut f);
    let (a, b) = (c.timeline(), c.timeline());
    // Points that no commit took are forgotten.
    c.sync.set_acquire_point(&a.wire, 0, 1);
    c.sync.destroy();
    c.client.fill(&c.window.surface, (SIDE, SIDE), BLUE);
    assert_eq!(c.watch(&mut f), [BLUE]);
    c.sync = c.manager.get_surface(&c.window.surface, &c.client.qh(), ());
    let green = c.buffer(GREEN);
    a.kernel.signal(1).expect("it is signalled");
    c.show(&green, (&a, 1), (&b, 1));
    assert_eq!(c.watch(&mut f), [GREEN]);
    // The end of its surface releases it.
    c.window.toplevel.destroy();
    c.window.xdg.destroy();
    c.window.surface.destroy();
    c.watch(&mut f);
    assert!(b.is_signalled(1));
    assert!(!c.window.surface.is_alive());
}

impl Dispatch<ZwpLinuxBufferParamsV1, ()> for Heard {
    fn event(
        _: &mut Self,
        _: &ZwpLinuxBufferParamsV1,
        _: params::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
    }

    event_created_child!(Heard, ZwpLinuxBufferParamsV1, [
        params::EVT_CREATED_OPCODE => (WlBuffer, ()),
    ]);
}

delegate_noop!(Heard: ignore ZwpLinuxDmabufV1);
delegate_noop!(Heard: WpLinuxDrmSyncobjManagerV1);
delegate_noop!(Heard: WpLinuxDrmSyncobjSurfaceV1);
delegate_noop!(Heard: WpLinuxDrmSyncobjTimelineV1);
