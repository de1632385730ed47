//! The Wayland clients: takes them in, reads what they ask, and lets those go that want more than any game needs.
//!
//! | file | what |
//! |---|---|
//! | [`ended`] | how many were let go, and for what |
//! | [`files`] | who sends files that stay open |
//! | [`limits`] | how many objects a client may have |
//! | [`watch`] | ends what holds up the loop: a client that never stops sending, an X server that does not answer |
//!
//! wayland-backend reads from one client for as long as there is something to read, and keeps every file that it is sent.
//! So each client is read from by itself: whoever sends files without end, or keeps the loop from all others, is known.

mod ended;
mod files;
mod limits;
mod watch;

pub use ended::Ended;
pub(crate) use limits::{XWAYLAND, in_regions};
pub(crate) use watch::{LOOK, Watch};

use crate::handlers::ClientState;
use crate::lines::Lines;
use crate::state::State;
use anyhow::Result;
use calloop::generic::{Generic, NoIoDrop};
use calloop::{Interest, LoopHandle, Mode, PostAction};
use files::Files;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::sockopt::socket_peercred;
use smithay::reexports::wayland_server::backend::{ClientId, DisconnectReason, ObjectId};
use smithay::reexports::wayland_server::{Client, Display, DisplayHandle};
use std::ffi::CString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Weak};

/// More connections at once are refused.
const MOST: usize = 512;
/// So many looks at the loop reading from the same client are too many.
const READING: u32 = 4;
/// After so many requests, a client's objects are counted.
const COUNT_EVERY: usize = 512;
/// A client that has so many bytes of events unread, besides what the kernel holds for it, is let go: a minute of the
/// fastest mouse.
const UNREAD: usize = 4 << 20;
/// `wl_display.error.no_memory`.
const NO_MEMORY: u32 = 2;

/// The clients' connections.
#[derive(Debug)]
pub struct Clients {
    list: Vec<Connection>,
    watch: Watch<OwnedFd>,
    files: Files,
    /// What clients make us write.
    pub lines: Lines,
    ended: Arc<Ended>,
}

#[derive(Debug)]
struct Connection {
    id: ClientId,
    /// Its end is the client's; an Xwayland's is only known to smithay.
    socket: Option<Weak<OwnedFd>>,
    who: String,
    /// Files that came while it was read from, less those that were closed meanwhile; counted only while many are open.
    files: u64,
    /// Requests since its objects were counted.
    requests: usize,
}

impl Clients {
    /// None yet.
    pub fn new() -> Self {
        Self {
            list: Vec::new(),
            watch: Watch::new("client-watch", READING),
            files: Files::new(),
            lines: Lines::default(),
            ended: Arc::default(),
        }
    }

    /// How many were let go.
    pub fn ended(&self) -> &Ended {
        &self.ended
    }

    /// Reads at a socket, which is ended if that never ends. Whether it was, too.
    pub(crate) fn watched<T>(&self, socket: Option<Arc<OwnedFd>>, read: impl FnOnce() -> T) -> (T, bool) {
        self.watch.enter(socket);
        let read = read();
        (read, self.watch.leave())
    }

    /// Takes a connection in.
    ///
    /// Error: there are too many, or the connection is none any more.
    pub fn admit(&mut self, dh: &mut DisplayHandle, stream: UnixStream, data: ClientState) -> io::Result<Client> {
        if self.list.len() >= MOST {
            return Err(io::Error::other(format!("{MOST} are connected, and more are refused")));
        }
        self.files.count();
        let socket = Arc::new(OwnedFd::from(stream.try_clone()?));
        let pid = socket_peercred(&stream).map_or(0, |peer| peer.pid.as_raw_nonzero().get());
        let who = who(pid);
        let weak = Arc::downgrade(&socket);
        let data = data.with_socket(socket, &self.ended, pid.unsigned_abs());
        let client = dh.insert_client(stream, Arc::new(data))?;
        self.list.push(Connection {
            id: client.id(),
            socket: Some(weak),
            who,
            files: 0,
            requests: 0,
        });
        Ok(client)
    }

    /// Reads from one more that was taken in by smithay: an Xwayland.
    pub fn add_xwayland(&mut self, client: &Client) {
        self.list.push(Connection {
            id: client.id(),
            socket: None,
            who: "Xwayland".into(),
            files: 0,
            requests: 0,
        });
    }

    /// Whom to read from: those who have sent something or are gone, and each Xwayland.
    fn ready(&self) -> Vec<(ClientId, Option<Arc<OwnedFd>>)> {
        let sockets: Vec<_> = self.list.iter().map(|c| c.socket.as_ref().map(Weak::upgrade)).collect();
        let mut polled: Vec<_> = sockets
            .iter()
            .filter_map(|socket| socket.as_ref()?.as_ref())
            .map(|socket| PollFd::new(socket, PollFlags::IN))
            .collect();
        let known = poll(&mut polled, Some(&rustix::time::Timespec::default())).is_ok();
        let mut answers = polled.iter().map(|fd| !known || !fd.revents().is_empty());
        let mut has_sent = Vec::with_capacity(self.list.len());
        for socket in &sockets {
            has_sent.push(match socket {
                Some(Some(_)) => answers.next().unwrap_or(true),
                // Xwayland, or one that is gone.
                None | Some(None) => true,
            });
        }
        drop(polled);
        let ids = self.list.iter().map(|c| c.id.clone());
        let all = ids.zip(sockets.into_iter().map(Option::flatten)).zip(has_sent);
        all.filter_map(|(client, has_sent)| has_sent.then_some(client))
            .collect()
    }
}

impl Default for Clients {
    fn default() -> Self {
        Self::new()
    }
}

/// Clients' requests become a source of the loop.
///
/// Error: the loop takes no source.
pub fn insert_display(events: &LoopHandle<'static, State>, mut display: Display<State>) -> Result<()> {
    // A game that loads reads nothing for a while, but its player goes on moving the mouse.
    display.backend().handle().set_default_max_buffer_size(UNREAD);
    let source = Generic::new(display, Interest::READ, Mode::Level);
    let read = |_, display: &mut NoIoDrop<Display<State>>, state: &mut State| {
        state.scope.now = state.scope.clock.now();
        // SAFETY: the display is never dropped while its source lives, nor taken out of it.
        state.read_clients(unsafe { display.get_mut() })?;
        Ok(PostAction::Continue)
    };
    let inserted = events.insert_source(source, read);
    inserted.map_err(|e| anyhow::anyhow!("error listening to clients: {e}"))?;
    Ok(())
}

impl State {
    /// Takes a Wayland connection in.
    ///
    /// Error: as [`Clients::admit`].
    pub fn admit(&mut self, stream: UnixStream, data: ClientState) -> io::Result<Client> {
        let scope = &mut self.scope;
        scope.clients.admit(&mut scope.dh, stream, data)
    }

    /// Takes in who comes by itself, or says why not.
    pub fn let_in(&mut self, stream: UnixStream, data: ClientState) {
        if let Err(why) = self.admit(stream, data)
            && let Some(left_out) = self.scope.clients.lines.one(self.scope.now)
        {
            tracing::warn!("a client could not connect: {why}{left_out}");
        }
    }

    /// Reads what clients ask.
    ///
    /// Error: the display's own; the session can't go on.
    pub fn read_clients(&mut self, display: &mut Display<Self>) -> io::Result<()> {
        let mut idle = true;
        for (id, socket) in self.scope.clients.ready() {
            self.scope.clients.files.before();
            self.scope.clients.watch.enter(socket);
            let read = display.backend().dispatch_single_client(self, id.clone());
            let stuck = self.scope.clients.watch.leave();
            let files = self.scope.clients.files.after();
            match read {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => continue,
                Err(_) => self.client_is_gone(&id, stuck),
                Ok(requests) => {
                    if self.has_too_much(&id, requests, files) {
                        // The error must get out, and the next attempt to read closes the connection.
                        display.flush_clients()?;
                        let _ = display.backend().dispatch_single_client(self, id.clone());
                        self.client_is_gone(&id, false);
                    }
                }
            }
            idle = false;
        }
        if idle {
            // Someone is ready who is not in the list; it must be seen to, or the loop would turn for ever.
            display.dispatch_clients(self)?;
        }
        Ok(())
    }

    /// Ends a client's connection for what it did or has.
    pub fn let_go(&self, id: &ClientId, what: &str) {
        let mut list = self.scope.clients.list.iter();
        let who = list.find(|c| c.id == *id).map_or("a client", |c| &c.who);
        tracing::warn!("{who} has {what}: it is let go");
        end(&self.scope.dh, id, &format!("too much: {what}"));
    }

    fn client_is_gone(&mut self, id: &ClientId, stuck: bool) {
        let list = &mut self.scope.clients.list;
        let Some(place) = list.iter().position(|c| c.id == *id) else {
            return;
        };
        let connection = list.swap_remove(place);
        if stuck {
            self.scope.clients.ended.stuck();
            tracing::warn!("{} never stopped sending: it is let go", connection.who);
        }
    }

    /// Whether it had too much, and was ended.
    fn has_too_much(&mut self, id: &ClientId, requests: usize, files: i64) -> bool {
        let clients = &mut self.scope.clients;
        let Some(connection) = clients.list.iter_mut().find(|c| c.id == *id) else {
            return false;
        };
        connection.files = connection.files.saturating_add_signed(files);
        connection.requests += requests;
        let mut excess = (connection.files > clients.files.most()).then(|| format!("{} open files", connection.files));
        if excess.is_none() && connection.requests >= COUNT_EVERY {
            connection.requests = 0;
            excess = limits::excess(&self.scope.dh, id, connection.socket.is_none());
        }
        let Some(what) = excess else { return false };
        self.let_go(id, &what);
        true
    }
}

/// Ends a connection with an error on its display, which the client is told.
pub(crate) fn end(dh: &DisplayHandle, id: &ClientId, why: &str) {
    let handle = dh.backend_handle();
    let mut display: Option<ObjectId> = None;
    let _ = handle.with_all_objects_for(id.clone(), |object| {
        if object.protocol_id() == 1 {
            display = Some(object);
        }
    });
    match (display, CString::new(why)) {
        (Some(display), Ok(why)) => handle.post_error(display, NO_MEMORY, why),
        _ => handle.kill_client(id.clone(), DisconnectReason::ConnectionClosed),
    }
}

/// The process on the other end, for messages; 0: it is not known.
fn who(pid: i32) -> String {
    if pid == 0 {
        return "a client".into();
    }
    match std::fs::read_to_string(format!("/proc/{pid}/comm")) {
        Ok(name) => format!("the client {} ({pid})", name.trim_end()),
        Err(_) => format!("the client {pid}"),
    }
}
