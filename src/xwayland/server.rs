//! Starts the X server, notices its end, and starts it again.
//!
//! smithay starts the process and waits for it; it tells of nothing but its readiness. That the process has ended is
//! learned from its standard error, which nobody else holds open.

use super::connections;
use super::crashes::refusal;
use super::ewmh::Ewmh;
use super::owners::Owners;
use super::steam::Steam;
use crate::handlers::{ClientState, outputs};
use crate::state::State;
use anyhow::{Context, Result, anyhow};
use smithay::reexports::calloop::timer::{TimeoutAction, Timer};
use smithay::reexports::calloop::{Interest, Mode, PostAction, RegistrationToken, generic::Generic};
use smithay::reexports::wayland_server::Client;
use smithay::utils::user_data::UserDataMap;
use smithay::xwayland::{X11Wm, XWayland, XWaylandEvent, xwm::XwmId};
use std::collections::VecDeque;
use std::io::{ErrorKind, PipeReader, Read};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::time::Duration;

/// It takes 0.2 to 0.9 s; past this it never will be ready.
const READY_WITHIN: Duration = Duration::from_secs(15);

/// How long its process may outlive its X connection.
const ENDS_WITHIN: Duration = Duration::from_secs(2);

/// How many of its last lines are told of a server that ended.
const WORDS: usize = 3;

/// Where X servers have their sockets.
const SOCKETS: &str = "/tmp/.X11-unix";

/// One run of the X server.
#[derive(Debug)]
pub struct Server {
    run: u64,
    client: Client,
    display: u32,
    process: RegistrationToken,
    deadline: RegistrationToken,
    pub(super) wm: Option<X11Wm>,
    pub(super) ewmh: Option<Ewmh>,
    pub(super) steam: Option<Steam>,
    /// Our connections', once it is ready.
    pub(super) sockets: connections::Sockets,
    last_words: LastWords,
}

/// The last lines that the server wrote, for who reads that it has ended.
#[derive(Debug, Default)]
struct LastWords(VecDeque<String>);

impl LastWords {
    fn push(&mut self, line: &str) {
        // X servers mark errors, frame them with empty lines, and add where in themselves they were.
        let line = line.strip_prefix("(EE)").unwrap_or(line).trim();
        let numbered = line
            .split_once(": ")
            .is_some_and(|(n, _)| n.bytes().all(|b| b.is_ascii_digit()));
        if !line.is_empty() && !numbered && line != "Backtrace:" {
            self.0.truncate(WORDS - 1);
            self.0.push_front(line.to_owned());
        }
    }
}

impl Server {
    /// The window manager has taken over.
    pub fn is_ready(&self) -> bool {
        self.ewmh.is_some()
    }

    /// The X display's number.
    pub fn display(&self) -> u32 {
        self.display
    }

    /// Xwayland as a Wayland client.
    pub fn client(&self) -> &Client {
        &self.client
    }
}

impl State {
    /// Starts as many Xwaylands as the settings say, one at least, and starts each again under the same number when it
    /// dies. An error: one could not even be started. Whether they are ready, or never will be, is told by
    /// [`displays`](super::Xwayland::displays) and [`take_failure`](super::Xwayland::take_failure) in later iterations
    /// of the loop.
    pub fn start_xwayland(&mut self) -> Result<()> {
        for _ in 0..self.scope.settings.xwayland_count.max(1) {
            let server = self.x11_add_place();
            self.spawn_xwayland(server, None)?;
        }
        Ok(())
    }

    /// Ends all Xwaylands for good. Each ends when its Wayland connection does, in the loop's next iterations; see
    /// [`is_gone`](super::Xwayland::is_gone).
    pub fn stop_xwayland(&mut self) {
        for server in self.scope.xwayland.places() {
            self.x11_end_server(server);
        }
    }

    /// One server more, whose readiness is told with this number.
    pub(super) fn x11_create_server(&mut self, name: u32) {
        let xwayland = &self.scope.xwayland;
        if let Some(why) = refusal(xwayland.slots.len() + xwayland.ending, xwayland.starts) {
            tracing::warn!("an Xwayland that an X11 program asks for is refused: {why}");
            return;
        }
        let server = self.x11_add_place();
        if let Some(slot) = self.scope.xwayland.slots.get_mut(&server) {
            slot.name = Some(name);
        }
        if let Err(why) = self.spawn_xwayland(server, None) {
            tracing::warn!("{why:#}");
            self.scope.x11_remove_place(server);
        }
    }

    /// Ends the server at this place for good, with all that is of it.
    pub(super) fn x11_end_server(&mut self, server: u32) {
        self.take_xwayland(server);
        self.scope.x11_remove_place(server);
    }

    fn spawn_xwayland(&mut self, server: u32, display: Option<u32>) -> Result<()> {
        if let (Some(slot), Some(shell)) = (self.scope.xwayland.slots.get_mut(&server), &self.scope.xwayland.shell) {
            // None must find the surfaces of the server before it.
            slot.shell = shell.clone();
        }
        make_socket_folder();
        let (log, stderr) = std::io::pipe().context("error creating a pipe")?;
        rustix::io::ioctl_fionbio(&log, true).context("error preparing a pipe")?;
        // SteamOS' Xwayland lists modes beyond the monitor's own then; others do not know it.
        let variables = [("XWAYLAND_FORCE_ENABLE_EXTRA_MODES", "1")];
        let dh = &self.scope.dh;
        let place = |data: &UserDataMap| {
            data.insert_if_missing_threadsafe(|| outputs::Place(server));
        };
        let (process, client) =
            XWayland::spawn(dh, display, variables, true, Stdio::null(), stderr, place).map_err(|e| {
                match e.kind() {
                    ErrorKind::NotFound => anyhow!(
                        "error starting Xwayland: there is no Xwayland in PATH (Debian's package is xwayland); \
                     --xwayland-count 0 does without X11"
                    ),
                    ErrorKind::AddrInUse => anyhow!(
                        "error starting Xwayland: no X display from :0 to :32 is free, or {SOCKETS} can't be written"
                    ),
                    _ => anyhow!("error starting Xwayland: {e}"),
                }
            })?;
        self.scope.clients.add_xwayland(&client);
        self.scope.xwayland.starts += 1;
        let (run, display) = (self.scope.xwayland.starts, process.display_number());
        let events = &self.scope.events;
        let failed = |e: &dyn std::fmt::Display| anyhow!("error watching Xwayland: {e}");
        let process = events
            .insert_source(process, move |event, (), state: &mut Self| match event {
                XWaylandEvent::Ready { x11_socket, .. } => state.xwayland_ready(run, x11_socket),
                XWaylandEvent::Error => state.xwayland_ended(run, "it can't be heard of"),
            })
            .map_err(|e| failed(&e))?;
        events
            .insert_source(Generic::new(log, Interest::READ, Mode::Level), move |_, log, state| {
                // SAFETY: the pipe is read, not replaced.
                let log: &PipeReader = unsafe { log.get_mut() };
                state.xwayland_says(run, log)
            })
            .map_err(|e| failed(&e))?;
        let deadline = events
            .insert_source(Timer::from_duration(READY_WITHIN), move |_, (), state: &mut Self| {
                state.xwayland_ended(run, "it was not ready in time");
                TimeoutAction::Drop
            })
            .map_err(|e| failed(&e))?;
        let started = Server {
            run,
            client,
            display,
            process,
            deadline,
            wm: None,
            ewmh: None,
            steam: None,
            sockets: connections::Sockets::default(),
            last_words: LastWords::default(),
        };
        if let Some(slot) = self.scope.xwayland.slots.get_mut(&server) {
            slot.run = Some(started);
        }
        Ok(())
    }

    /// The server of this run, with its place.
    fn xwayland_run(&mut self, run: u64) -> Option<(u32, &mut Server)> {
        let slots = self.scope.xwayland.slots.iter_mut();
        let mut servers = slots.filter_map(|(server, slot)| Some((*server, slot.run.as_mut()?)));
        servers.find(|(_, server)| server.run == run)
    }

    fn xwayland_ready(&mut self, run: u64, socket: UnixStream) {
        let events = self.scope.events.clone();
        let Some((place, _)) = self.xwayland_run(run) else {
            return;
        };
        let xwayland = &mut self.scope.xwayland;
        let slot = xwayland.slots.get_mut(&place);
        let Some(server) = slot.and_then(|slot| slot.run.as_mut()) else {
            return;
        };
        events.remove(server.deadline);
        if let Err(why) = connections::connect(place, server, socket, &mut xwayland.answers, &events) {
            self.xwayland_ended(run, &format!("{why:#}"));
            return;
        }
        let number = server.display;
        tracing::info!("Xwayland {place} is ready at :{number}");
        self.x11_show_monitor(place);
        self.x11_show_cursor(place);
        if let Some(slot) = self.scope.xwayland.slots.get_mut(&place) {
            slot.told_order = None;
            if let (Some(name), false) = (slot.name, slot.was_ready) {
                self.scope.xwayland.told.created = Some(format!("{name} {place} :{number}"));
            }
            slot.was_ready = true;
        }
        self.scope.xwayland.told.dirty = true;
        self.selections_to_new_server(place);
    }

    /// Takes what the server wrote to its standard error; its end is the server's.
    fn xwayland_says(&mut self, run: u64, mut log: &PipeReader) -> std::io::Result<PostAction> {
        let mut buffer = [0; 4096];
        loop {
            match log.read(&mut buffer) {
                Ok(0) => {
                    self.xwayland_is_gone(run);
                    return Ok(PostAction::Remove);
                }
                Ok(n) => {
                    for line in String::from_utf8_lossy(&buffer[..n])
                        .lines()
                        .filter(|l| !l.trim().is_empty())
                    {
                        tracing::debug!(target: "xwayland", "{line}");
                        if let Some((_, server)) = self.xwayland_run(run) {
                            server.last_words.push(line);
                        }
                    }
                }
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(PostAction::Continue),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
    }

    /// The window manager has lost its connection: the process ends, or else it is made to. Its end is waited for, since
    /// only then the display can be taken again without a gap in which another server would take it.
    pub(super) fn x11_lost_manager(&mut self, id: XwmId) {
        let place = self.scope.xwayland.managed_by(id);
        let Some(run) = place.and_then(|at| self.scope.xwayland.run(at)).map(|s| s.run) else {
            return;
        };
        let ended =
            self.scope
                .events
                .insert_source(Timer::from_duration(ENDS_WITHIN), move |_, (), state: &mut Self| {
                    state.xwayland_ended(run, "it closed the connection");
                    TimeoutAction::Drop
                });
        match ended {
            Ok(deadline) => {
                if let Some((_, server)) = self.xwayland_run(run) {
                    server.deadline = deadline;
                }
            }
            Err(why) => tracing::error!("error waiting for Xwayland's end: {why}"),
        }
    }

    /// The server has ended, or is of no use: all of it is taken away, and it is started again, if it was ready.
    fn xwayland_ended(&mut self, run: u64, why: &str) {
        let Some((place, server)) = self.xwayland_run(run) else {
            return;
        };
        let display = server.display;
        let last_words = std::mem::take(&mut server.last_words);
        connections::kill(display);
        self.take_xwayland(place);
        let words: Vec<_> = last_words.0.into_iter().rev().collect();
        let why = match words.join(" | ") {
            nothing if nothing.is_empty() => why.to_owned(),
            words => format!("{why}; it last said: {words}"),
        };
        let now = self.scope.now;
        let Some(slot) = self.scope.xwayland.slots.get_mut(&place) else {
            return;
        };
        if !slot.was_ready && slot.name.is_some() {
            tracing::warn!("the Xwayland that a property asked for is not started: {why}");
            self.scope.x11_remove_place(place);
            return;
        }
        if !slot.was_ready {
            self.scope.xwayland.failure = Some(anyhow!("error starting Xwayland: {why}"));
            return;
        }
        if !slot.crashes.died(now) {
            tracing::warn!("Xwayland {place} is lost, and keeps dying ({why}): its programs can no longer be shown");
            return;
        }
        tracing::warn!("Xwayland {place} is lost ({why}), and its programs with it; starting it again");
        slot.again = Some((run, display));
    }

    /// The process of a server is no more, and its sockets are free.
    fn xwayland_is_gone(&mut self, run: u64) {
        self.xwayland_ended(run, "it ended");
        self.scope.xwayland.ending -= 1;
        let slots = &mut self.scope.xwayland.slots;
        let waiting = slots
            .iter_mut()
            .find(|(_, slot)| slot.again.is_some_and(|(of, _)| of == run));
        let Some((place, (_, display))) = waiting.and_then(|(place, slot)| Some((*place, slot.again.take()?))) else {
            return;
        };
        if let Err(why) = self.spawn_xwayland(place, Some(display)) {
            tracing::warn!("{why:#}");
        }
    }

    /// Takes away the server at this place and all that came from it.
    fn take_xwayland(&mut self, place: u32) {
        let Some(slot) = self.scope.xwayland.slots.get_mut(&place) else {
            return;
        };
        slot.again = None;
        let Some(server) = slot.run.take() else { return };
        slot.windows.clear();
        slot.owners = Owners::default();
        slot.hidden.clear();
        slot.to_show.clear();
        self.scope.xwayland.ending += 1;
        let events = self.scope.events.clone();
        events.remove(server.deadline);
        if let Some(ewmh) = &server.ewmh {
            events.remove(ewmh.source());
        }
        // With it goes the Wayland connection, without which the server ends. It disabled itself when it was ready, and
        // what is not registered can't be removed without a complaint.
        if server.is_ready()
            && let Err(why) = events.enable(&server.process)
        {
            tracing::debug!("error watching Xwayland: {why}");
        }
        events.remove(server.process);
        // The connection of a client that is no more is closed when the next client says something; nobody may.
        if let Ok((ours, _)) = UnixStream::pair()
            && let Err(why) = self.admit(ours, ClientState::default())
        {
            tracing::debug!("error closing Xwayland's connection: {why}");
        }
        self.scope.xwayland.retired.extend(server.wm);
        self.scope.forget_named_base(place);
        let of_server = self
            .scope
            .windows
            .iter()
            .filter(|w| w.server == place && w.x11().is_some());
        for id in of_server.map(|w| w.id).collect::<Vec<_>>() {
            self.scope.windows.remove(id);
        }
        self.scene_changed();
        self.selections_of_gone_server(place);
    }
}

/// Containers and machines that never had an X server lack it. It must be everybody's, with the sticky bit.
fn make_socket_folder() {
    // If it can't be made, the sockets can't either, and that is the error to tell.
    if std::fs::DirBuilder::new().mode(0o1777).create(SOCKETS).is_ok() {
        let _ = std::fs::set_permissions(SOCKETS, std::fs::Permissions::from_mode(0o1777));
    }
}
