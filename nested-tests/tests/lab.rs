//! What needs a kernel with devices: `make test-lab` runs these in one.

use anyhow::{Context, Result, ensure};
use goggles_scope::dmabuf::{from_memory, memory};
use nested_tests::decode::is_near;
use nested_tests::picture::{Mode, Size, TOLERANCE, colour};
use nested_tests::scope::{Scope, Setup, picture_program};
use std::ffi::OsString;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use wayland_client::globals::{GlobalListContents, registry_queue_init};
use wayland_client::protocol::{wl_buffer, wl_registry};
use wayland_client::{Connection, Dispatch, EventQueue, QueueHandle, delegate_noop, event_created_child};
use wayland_protocols::wp::linux_dmabuf::zv1::client::{
    zwp_linux_buffer_params_v1::{self as params, ZwpLinuxBufferParamsV1},
    zwp_linux_dmabuf_feedback_v1::{self as feedback, ZwpLinuxDmabufFeedbackV1},
    zwp_linux_dmabuf_v1::ZwpLinuxDmabufV1,
};

/// Of linux/input-event-codes.h.
const KEY_SPACE: u16 = 57;
/// Its rows and its picture are whole pages.
const SIZE: Size = Size { w: 640, h: 384 };
const XR24: u32 = u32::from_le_bytes(*b"XR24");
/// `zwp_linux_buffer_params_v1.error.invalid_wl_buffer` and `.out_of_bounds`.
const INVALID_BUFFER: u32 = 7;
const OUT_OF_BOUNDS: u32 = 6;
/// `zwp_linux_buffer_params_v1.error.invalid_dimensions`.
const INVALID_DIMENSIONS: u32 = 5;

/// A program whose every frame is a DMA-BUF, until a viewer sees its first colour.
fn start() -> Result<(Scope, nested_tests::viewer::Viewer)> {
    let mut program = picture_program("wl-picture", Mode::Flip, SIZE)?;
    program.push(OsString::from("--dmabuf"));
    let mut setup = Setup::new(SIZE)?;
    setup.args(["--xwayland-count", "0"]).program(program);
    let scope = setup.start()?;
    let viewer = scope.viewer()?;
    let is = |press| move |c| is_near(c, colour(press), TOLERANCE);
    viewer.until_shown("a DMA-BUF's colour", |s| is(0)(s.picture.centre()))?;
    Ok((scope, viewer))
}

#[test]
#[ignore = "needs /dev/udmabuf: make test-lab"]
fn a_clients_dmabufs_are_seen_in_their_colours() -> Result<()> {
    let (scope, viewer) = start()?;
    for press in 1..=5 {
        viewer.tap(KEY_SPACE);
        let shown = viewer.until_shown("the next DMA-BUF's colour", |s| {
            is_near(s.picture.centre(), colour(press), TOLERANCE)
        })?;
        let all = shown.picture.share(|c| is_near(c, colour(press), TOLERANCE));
        ensure!(all > 0.9, "{all} of the picture");
    }
    let (status, log) = scope.stop()?;
    ensure!(status.success() && !log.contains("ERROR"), "{log}");
    Ok(())
}

/// What is asked for, and what is handed over.
struct Case {
    what: &'static str,
    fd: OwnedFd,
    size: (i32, i32),
    offset: u32,
    stride: u32,
    planes: u32,
    modifier: u32,
    /// The error that ends a client; `None`: only `create_immed` does.
    fatal: Option<u32>,
}

#[derive(Default)]
struct Client {
    made: Option<bool>,
    device: Option<Vec<u8>>,
}

fn cases() -> Result<Vec<Case>> {
    let bytes: u64 = 256 * 64;
    let real = || from_memory(memory(bytes)?.as_fd(), 0, bytes).context("error making a DMA-BUF");
    let case = |what, fd| Case {
        what,
        fd,
        size: (64, 64),
        offset: 0,
        stride: 256,
        planes: 1,
        modifier: 0,
        fatal: None,
    };
    let (plain, small) = (
        memory(bytes)?,
        rustix::fs::memfd_create("m", rustix::fs::MemfdFlags::CLOEXEC)?,
    );
    rustix::fs::ftruncate(&small, bytes)?;
    let mut cases = vec![
        case("memory", plain),
        case("memory that may shrink", small),
        case("a pipe", rustix::pipe::pipe()?.0),
        // Its size is 0.
        Case {
            fatal: Some(OUT_OF_BOUNDS),
            ..case("a device", std::fs::File::open("/dev/zero")?.into())
        },
    ];
    cases.push(Case {
        planes: 2,
        ..case("two planes", real()?)
    });
    cases.push(Case {
        modifier: 1,
        ..case("a tiled one", real()?)
    });
    cases.push(Case {
        stride: 252,
        ..case("rows that overlap", real()?)
    });
    cases.push(Case {
        stride: 0,
        ..case("rows without length", real()?)
    });
    cases.push(Case {
        offset: 4,
        size: (64, 63),
        ..case("an offset within a page", real()?)
    });
    let fatal = Some(INVALID_DIMENSIONS);
    for size in [(-1, 64), (64, -1), (0, 64), (64, 0), (i32::MIN, i32::MIN)] {
        cases.push(Case {
            fatal,
            size,
            ..case("a size that is none", real()?)
        });
    }
    let fatal = Some(OUT_OF_BOUNDS);
    cases.push(Case {
        fatal,
        size: (64, 65),
        ..case("too high", real()?)
    });
    cases.push(Case {
        fatal,
        stride: 260,
        ..case("too long a stride", real()?)
    });
    cases.push(Case {
        fatal,
        offset: 4096,
        ..case("too far an offset", real()?)
    });
    cases.push(Case {
        fatal,
        offset: u32::MAX,
        ..case("an offset that overflows", real()?)
    });
    Ok(cases)
}

fn connect(scope: &Scope) -> Result<(Connection, EventQueue<Client>, ZwpLinuxDmabufV1)> {
    let socket = scope.ready_line().split_whitespace().last().context("no socket")?;
    let connection = Connection::from_socket(UnixStream::connect(scope.folder().join(socket))?)?;
    let (globals, queue) = registry_queue_init::<Client>(&connection)?;
    let dmabufs = globals.bind(&queue.handle(), 4..=5, ())?;
    Ok((connection, queue, dmabufs))
}

/// Asks for a buffer as a client of its own. `Ok(None)`: its end, with this code.
fn ask(scope: &Scope, case: &Case, at_once: bool) -> Result<std::result::Result<bool, u32>> {
    let (connection, mut queue, dmabufs) = connect(scope)?;
    let qh = queue.handle();
    let params = dmabufs.create_params(&qh, ());
    for plane in 0..case.planes {
        params.add(case.fd.as_fd(), plane, case.offset, case.stride, 0, case.modifier);
    }
    let (w, h) = case.size;
    if at_once {
        params.create_immed(w, h, XR24, params::Flags::empty(), &qh, ());
    } else {
        params.create(w, h, XR24, params::Flags::empty());
    }
    let mut client = Client::default();
    match queue.roundtrip(&mut client) {
        Ok(_) => Ok(Ok(at_once || client.made.context("no answer")?)),
        Err(e) => Ok(Err(connection.protocol_error().with_context(|| format!("{e}"))?.code)),
    }
}

#[test]
#[ignore = "needs /dev/udmabuf: make test-lab"]
fn bad_buffers_fail_as_the_protocol_says() -> Result<()> {
    let (scope, viewer) = start()?;
    for case in cases()? {
        let what = case.what;
        let asked = ask(&scope, &case, false)?;
        ensure!(asked == case.fatal.map_or(Ok(false), Err), "{what}: {asked:?}");
        let at_once = ask(&scope, &case, true)?;
        let code = case.fatal.unwrap_or(INVALID_BUFFER);
        ensure!(at_once == Err(code), "{what}, at once: {at_once:?}");
    }
    let bytes = 256 * 64;
    let good = Case {
        what: "a good one",
        fd: from_memory(memory(bytes)?.as_fd(), 0, bytes)?,
        size: (64, 64),
        offset: 0,
        stride: 256,
        planes: 1,
        modifier: 0,
        fatal: None,
    };
    for at_once in [false, true] {
        ensure!(ask(&scope, &good, at_once)? == Ok(true), "{}", good.what);
    }
    // The others' buffers are as they were.
    viewer.tap(KEY_SPACE);
    viewer.until_shown("the next colour", |s| is_near(s.picture.centre(), colour(1), TOLERANCE))?;
    let (status, log) = scope.stop()?;
    ensure!(status.success() && !log.contains("ERROR"), "{log}");
    Ok(())
}

#[test]
#[ignore = "needs /dev/udmabuf: make test-lab"]
fn the_feedbacks_device_is_there() -> Result<()> {
    let (scope, _viewer) = start()?;
    let (_connection, mut queue, dmabufs) = connect(&scope)?;
    dmabufs.get_default_feedback(&queue.handle(), ());
    let mut client = Client::default();
    queue.roundtrip(&mut client)?;
    // The lab's own render node is one for tests, and none to draw with.
    let device = rustix::fs::stat("/dev/udmabuf")?.st_rdev;
    ensure!(
        client.device == Some(device.to_ne_bytes().to_vec()),
        "{:?}",
        client.device
    );
    Ok(())
}

impl Dispatch<ZwpLinuxBufferParamsV1, ()> for Client {
    fn event(
        client: &mut Self,
        _: &ZwpLinuxBufferParamsV1,
        event: params::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        client.made = Some(matches!(event, params::Event::Created { .. }));
    }

    event_created_child!(Client, ZwpLinuxBufferParamsV1, [
        params::EVT_CREATED_OPCODE => (wl_buffer::WlBuffer, ()),
    ]);
}

impl Dispatch<ZwpLinuxDmabufFeedbackV1, ()> for Client {
    fn event(
        client: &mut Self,
        _: &ZwpLinuxDmabufFeedbackV1,
        event: feedback::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let feedback::Event::MainDevice { device } = event {
            client.device = Some(device);
        }
    }
}

impl Dispatch<wl_registry::WlRegistry, GlobalListContents> for Client {
    fn event(
        _: &mut Self,
        _: &wl_registry::WlRegistry,
        _: wl_registry::Event,
        _: &GlobalListContents,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
    }
}

delegate_noop!(Client: ignore ZwpLinuxDmabufV1);
delegate_noop!(Client: ignore wl_buffer::WlBuffer);
