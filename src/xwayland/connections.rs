//! Our connections to an X server: the window manager's and our own. Neither may hold up the session.
//!
//! The loop waits for replies. A client may grab the server (`XGrabServer`), and then nobody else is served, unless XTEST
//! says so: both connections ask for that. A server that still gives no answer for [`PATIENCE`] is ended, as if it had
//! died: it hangs, or is stopped, or the manager has asked for a grab of its own (smithay's has one for each window that
//! comes or goes) while a client keeps its one.

use super::Xwayland;
use super::ewmh::Ewmh;
use super::server::Server;
use super::steam::Steam;
use crate::child::descendants;
use crate::clients::{LOOK, Watch};
use crate::state::State;
use anyhow::{Context, Result, anyhow, ensure};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::Signal;
use rustix::time::Timespec;
use smithay::reexports::calloop::LoopHandle;
use smithay::xwayland::X11Wm;
use std::io::{ErrorKind, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;
use x11rb::connection::RequestConnection as _;
use x11rb::protocol::xtest::{ConnectionExt as _, X11_EXTENSION_NAME};
use x11rb::wrapper::ConnectionExt as _;

/// Longer than a server under load takes for anything that a game asks of it. Its programs end with it.
const PATIENCE: Duration = Duration::from_secs(10);

/// The sockets by whose end the loop's waiting for a server ends.
pub(super) type Sockets = Arc<Vec<OwnedFd>>;

/// Who watches that the loop is answered.
#[derive(Debug, Default)]
pub(super) struct Answers {
    watch: Option<Watch<Vec<OwnedFd>>>,
    /// The place of the server that was asked last.
    asked: u32,
}

impl Answers {
    fn enter(&mut self, place: u32, sockets: &Sockets) {
        let looks = PATIENCE.as_millis() / LOOK.as_millis();
        let watch = self.watch.get_or_insert_with(|| Watch::new("x11-watch", looks as u32));
        self.asked = place;
        watch.enter(Some(Arc::clone(sockets)));
    }
}

impl Xwayland {
    /// The server at this place is about to be asked something.
    pub(super) fn asks(&mut self, place: u32) {
        let run = self.slots.get(&place).and_then(|slot| slot.run.as_ref());
        if let Some(run) = run.filter(|run| run.is_ready()) {
            self.answers.enter(place, &run.sockets);
        }
    }
}

impl State {
    /// The loop is about to wait for something else than an X server. One that gave no answer is ended.
    pub fn x11_asked(&mut self) {
        let answers = &self.scope.xwayland.answers;
        if answers.watch.as_ref().is_some_and(Watch::leave) {
            let place = answers.asked;
            let seconds = PATIENCE.as_secs();
            self.x11_give_up(place, &format!("it did not answer for {seconds} s"));
        }
    }
}

/// Has the window manager take over by its `socket`, and connects ourselves to the server at this place.
pub(super) fn connect(
    place: u32,
    server: &mut Server,
    socket: UnixStream,
    answers: &mut Answers,
    events: &LoopHandle<'static, State>,
) -> Result<()> {
    let duplicate =
        |of: &UnixStream| -> Result<OwnedFd> { Ok(of.try_clone().context("error duplicating a socket")?.into()) };
    let managers = socket.try_clone().context("error duplicating a socket")?;
    server.sockets = Arc::new(vec![duplicate(&socket)?]);
    answers.enter(place, &server.sockets);
    let wm = X11Wm::start_wm(events.clone(), socket, server.client().clone())
        .map_err(|e| anyhow!("error starting the window manager: {e}"))?;
    server.wm = Some(wm);
    let display = server.display();
    let ours = UnixStream::connect(format!("/tmp/.X11-unix/X{display}")).context("error connecting to Xwayland")?;
    server.sockets = Arc::new(vec![duplicate(&managers)?, duplicate(&ours)?]);
    answers.enter(place, &server.sockets);
    let mut ewmh = Ewmh::connect(place, ours, events).context("error connecting to Xwayland")?;
    let (conn, _) = ewmh.connection();
    let steam = Steam::new(conn).context("error asking for Xwayland's atoms")?;
    match conn.extension_information(X11_EXTENSION_NAME)? {
        Some(xtest) => {
            serve_always(&managers, xtest.major_opcode)?;
            // Not before: what we do would be told to the manager in the midst of it. The answer comes when it is over.
            conn.sync().context("error asking for XTEST")?;
            conn.xtest_grab_control(true)?
                .check()
                .context("error asking for XTEST")?;
        }
        None => tracing::debug!("this Xwayland has no XTEST: a client that grabs it holds up the session"),
    }
    (server.ewmh, server.steam) = (Some(ewmh), Some(steam));
    Ok(())
}

/// Asks that the manager be served while a client has grabbed the server.
///
/// smithay does not let us use its connection, so that this goes past it. X counts requests by 16 bits: 65536 of them
/// (most of which do nothing) are none to smithay's count. Nobody else is served meanwhile, so that no event has a count of
/// its own. When this returns, the server has begun: the bytes are more than the socket holds.
fn serve_always(manager: &UnixStream, xtest: u8) -> Result<()> {
    const GRAB: [u8; 4] = request(36);
    const UNGRAB: [u8; 4] = request(37);
    const NOTHING: [u8; 4] = request(127);
    let [low, high] = 2u16.to_ne_bytes();
    // GrabControl with "impervious" set.
    let control = [xtest, 3, low, high, 1, 0, 0, 0];
    let mut bytes = GRAB.to_vec();
    bytes.extend(NOTHING.repeat((1 << 16) - 3));
    bytes.extend(control.into_iter().chain(UNGRAB));
    write_all(manager, &bytes).context("error asking for XTEST")
}

/// A core request without any arguments.
const fn request(opcode: u8) -> [u8; 4] {
    let [low, high] = 1u16.to_ne_bytes();
    [opcode, 0, low, high]
}

/// Writes to a socket that does not block.
fn write_all(mut to: &UnixStream, mut bytes: &[u8]) -> Result<()> {
    let patience = Timespec::try_from(PATIENCE)?;
    while !bytes.is_empty() {
        match to.write(bytes) {
            Ok(n) => bytes = &bytes[n..],
            Err(e) if e.kind() == ErrorKind::WouldBlock => {
                let ready = poll(&mut [PollFd::new(&to, PollFlags::OUT)], Some(&patience))?;
                ensure!(ready > 0, "the X server reads nothing");
            }
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok(())
}

/// Ends the process of the server with this display, if there is one.
pub(super) fn kill(display: u32) {
    let Ok(own) = i32::try_from(std::process::id()) else {
        return;
    };
    let its = format!("Xwayland\0:{display}\0");
    for process in descendants(own) {
        let command = std::fs::read(format!("/proc/{}/cmdline", process.pid)).unwrap_or_default();
        if command.starts_with(its.as_bytes()) {
            process.signal(Signal::KILL);
        }
    }
}
