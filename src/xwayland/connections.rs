//! Our connections to an X server: the window manager's and our own. Neither may hold up the session.
//!
//! The loop waits for replies. No client can keep the server from giving them: Xwayland lets nobody grab the server but the
//! window manager. A server that gives no answer for [`PATIENCE`] all the same, because it hangs or is stopped, is ended,
//! as if it had died.

use super::Xwayland;
use super::ewmh::Ewmh;
use super::server::Server;
use super::steam::Steam;
use crate::child::descendants;
use crate::clients::{LOOK, Watch};
use crate::state::State;
use anyhow::{Context, Result, anyhow};
use rustix::process::Signal;
use smithay::reexports::calloop::LoopHandle;
use smithay::xwayland::X11Wm;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

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
        let xwayland = &self.scope.xwayland;
        let place = xwayland.answers.asked;
        if xwayland.answers.watch.as_ref().is_some_and(Watch::leave)
            && let Some(run) = xwayland.slots.get(&place).and_then(|slot| slot.run.as_ref())
        {
            let seconds = PATIENCE.as_secs();
            tracing::warn!("Xwayland {place} did not answer for {seconds} s: it is ended");
            // Its end is noticed as that of one that died.
            kill(run.display());
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
    (server.ewmh, server.steam) = (Some(ewmh), Some(steam));
    Ok(())
}

/// Ends the process of the server with this display, if there is one.
pub(super) fn kill(display: u32) {
    let Ok(own) = i32::try_from(std::process::id()) else {
        return;
    };
    let (its, parent) = (format!("Xwayland\0:{display}\0"), format!("PPid:\t{own}"));
    for process in descendants(own) {
        let read = |file| std::fs::read_to_string(format!("/proc/{}/{file}", process.pid)).unwrap_or_default();
        // A program of ours may have servers of its own, in a container under the same number.
        if read("cmdline").starts_with(&its) && read("status").lines().any(|line| line == parent) {
            process.signal(Signal::KILL);
        }
    }
}
