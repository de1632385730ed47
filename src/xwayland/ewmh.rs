//! A connection of our own to the X server, for what smithay's window manager leaves out.
//!
//! - `_NET_WM_STATE` as the client set it before it mapped the window, `_NET_ACTIVE_WINDOW` as a request and, smithay
//!   putting the root window there, as a property.
//! - The order of all windows, override-redirect ones included.
//! - The mode a client set by RandR, which Xwayland emulates by scaling a full-screen window of that size.

use super::stacking::moves;
use crate::state::State;
use anyhow::{Context, Result};
use smithay::reexports::calloop::{Interest, LoopHandle, Mode, PostAction, RegistrationToken, generic::Generic};
use smithay::utils::{Logical, Rectangle};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    AtomEnum, ChangeWindowAttributesAux, ConfigureWindowAux, ConnectionExt as _, EventMask, MapState, PropMode,
    StackMode,
};
use x11rb::rust_connection::{DefaultStream, RustConnection};
use x11rb::wrapper::ConnectionExt as _;

x11rb::atom_manager! {
    /// The atoms we use ourselves.
    Atoms: AtomsCookie {
        TARGETS,
        CLIPBOARD_MANAGER,
        UTF8_STRING,
        WM_PROTOCOLS,
        WM_TAKE_FOCUS,
        _NET_ACTIVE_WINDOW,
        _NET_CLOSE_WINDOW,
        _NET_MOVERESIZE_WINDOW,
        _NET_CLIENT_LIST_STACKING,
        _NET_SUPPORTED,
        _NET_SUPPORTING_WM_CHECK,
        _NET_SYSTEM_TRAY_S0,
        _NET_WM_NAME,
        _NET_WM_STATE,
        _NET_WM_STATE_FULLSCREEN,
        _NET_WM_STATE_SKIP_PAGER,
        _NET_WM_STATE_SKIP_TASKBAR,
        _NET_WM_STATE_MAXIMIZED_HORZ,
        _NET_WM_STATE_MAXIMIZED_VERT,
        _NET_WM_WINDOW_TYPE,
        _NET_WM_WINDOW_TYPE_NORMAL,
        _NET_WM_WINDOW_TYPE_DIALOG,
        _NET_WM_WINDOW_TYPE_UTILITY,
        _NET_WM_WINDOW_TYPE_SPLASH,
        _XWAYLAND_RANDR_EMU_MONITOR_RECTS,
    }
}

/// What `_NET_WM_STATE` says of a window that is not mapped yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// It wants the whole output, for itself.
    pub fullscreen: bool,
    /// It wants as much as there is.
    pub maximized: bool,
    /// It wants no place in taskbars and pagers.
    pub skipped: bool,
}

/// What an X event asks us to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// A client asks that this window be raised and focused.
    Activate(u32),
    /// A client asks that this window be closed.
    Close(u32),
    /// A client asks for another place and size of this window.
    Place {
        /// Which.
        window: u32,
        /// x and y.
        at: (Option<i32>, Option<i32>),
        /// Width and height.
        size: (Option<u32>, Option<u32>),
    },
    /// The screen has another size.
    Resized,
    /// Xwayland emulates another mode for the client of this window.
    Emulated(u32),
    /// Another property of this window has changed.
    Property {
        /// Whose.
        window: u32,
        /// Its name.
        atom: u32,
    },
}

/// The connection.
#[derive(Debug)]
pub struct Ewmh {
    conn: Arc<RustConnection>,
    source: RegistrationToken,
    root: u32,
    atoms: Atoms,
    active: u32,
    /// A reply was waited for, so that events may wait inside the connection and not in its socket.
    unread: bool,
}

impl Ewmh {
    /// Connects to the server at this place by this socket, and says what the window manager can do.
    pub fn connect(server: u32, stream: UnixStream, events: &LoopHandle<'static, State>) -> Result<Self> {
        let readable = stream.try_clone().context("error watching the connection")?;
        let (stream, _) = DefaultStream::from_unix_stream(stream)?;
        let conn = RustConnection::connect_to_stream(stream, 0).context("error connecting")?;
        let root = conn.setup().roots.first().context("the X server has no screen")?.root;
        let atoms = Atoms::new(&conn)?.reply()?;
        let mask = EventMask::STRUCTURE_NOTIFY | EventMask::SUBSTRUCTURE_NOTIFY | EventMask::PROPERTY_CHANGE;
        conn.change_window_attributes(root, &ChangeWindowAttributesAux::new().event_mask(mask))?;

        let supported = [
            atoms._NET_CLOSE_WINDOW,
            atoms._NET_MOVERESIZE_WINDOW,
            atoms._NET_SUPPORTED,
            atoms._NET_SUPPORTING_WM_CHECK,
            atoms._NET_WM_NAME,
            atoms._NET_WM_STATE_SKIP_PAGER,
            atoms._NET_WM_STATE_SKIP_TASKBAR,
            atoms._NET_WM_WINDOW_TYPE,
            atoms._NET_WM_WINDOW_TYPE_NORMAL,
            atoms._NET_WM_WINDOW_TYPE_DIALOG,
            atoms._NET_WM_WINDOW_TYPE_UTILITY,
            atoms._NET_WM_WINDOW_TYPE_SPLASH,
        ];
        conn.change_property32(PropMode::APPEND, root, atoms._NET_SUPPORTED, AtomEnum::ATOM, &supported)?;
        let check = property32(&conn, root, atoms._NET_SUPPORTING_WM_CHECK)?;
        if let Some(check) = check.first() {
            let name = b"goggles-scope";
            conn.change_property8(PropMode::REPLACE, *check, atoms._NET_WM_NAME, atoms.UTF8_STRING, name)?;
        }
        // Programs whose window is an icon of the tray would else show it as a window. Nothing is shown of it.
        if let Some(check) = check.first() {
            conn.set_selection_owner(*check, atoms._NET_SYSTEM_TRAY_S0, x11rb::CURRENT_TIME)?;
        }
        conn.flush()?;

        let source = Generic::new(readable, Interest::READ, Mode::Level);
        let source = events
            .insert_source(source, move |_, _, state: &mut State| {
                Ok(if state.x11_read_events(server) {
                    PostAction::Continue
                } else {
                    PostAction::Disable
                })
            })
            .map_err(|e| anyhow::anyhow!("error watching the connection: {e}"))?;
        Ok(Self {
            conn: Arc::new(conn),
            source,
            root,
            atoms,
            active: x11rb::NONE,
            unread: true,
        })
    }

    /// The connection, and its root window.
    pub(super) fn connection(&mut self) -> (&RustConnection, u32) {
        self.unread = true;
        (&self.conn, self.root)
    }

    /// The root window.
    pub fn root(&self) -> u32 {
        self.root
    }

    /// The event source, to be removed with the connection.
    pub fn source(&self) -> RegistrationToken {
        self.source
    }

    /// Whether events may wait that no readiness will tell of.
    pub fn take_unread(&mut self) -> bool {
        std::mem::take(&mut self.unread)
    }

    /// Some of them wait on.
    pub fn leave_unread(&mut self) {
        self.unread = true;
    }

    /// As [`Self::take_unread`], and they go on waiting.
    pub fn has_unread(&self) -> bool {
        self.unread
    }

    /// The next thing to do, of the events that are there. An error: the connection is gone.
    pub fn next(&mut self) -> Result<Option<News>> {
        while let Some(event) = self.conn.poll_for_event()? {
            match event {
                Event::ClientMessage(m) if m.type_ == self.atoms._NET_ACTIVE_WINDOW => {
                    return Ok(Some(News::Activate(m.window)));
                }
                Event::ClientMessage(m) if m.type_ == self.atoms._NET_CLOSE_WINDOW => {
                    return Ok(Some(News::Close(m.window)));
                }
                Event::ClientMessage(m) if m.type_ == self.atoms._NET_MOVERESIZE_WINDOW && m.format == 32 => {
                    // Bits 8 to 11 of the first word say which of the others count (EWMH, root window messages).
                    let [flags, x, y, w, h] = m.data.as_data32();
                    let given = |bit: u32, word: u32| (flags & (1 << bit) != 0).then_some(word);
                    return Ok(Some(News::Place {
                        window: m.window,
                        at: (given(8, x).map(|x| x as i32), given(9, y).map(|y| y as i32)),
                        size: (given(10, w), given(11, h)),
                    }));
                }
                Event::ConfigureNotify(n) if n.window == self.root && n.event == self.root => {
                    return Ok(Some(News::Resized));
                }
                Event::PropertyNotify(n) if n.window == self.root && n.atom == self.atoms._NET_ACTIVE_WINDOW => {
                    self.correct_active()?;
                }
                Event::PropertyNotify(n) if n.atom == self.atoms._XWAYLAND_RANDR_EMU_MONITOR_RECTS => {
                    return Ok(Some(News::Emulated(n.window)));
                }
                Event::PropertyNotify(n) => {
                    return Ok(Some(News::Property {
                        window: n.window,
                        atom: n.atom,
                    }));
                }
                _ => {}
            }
        }
        Ok(None)
    }

    /// What the client wants of its window, as it said before it mapped it. Also watches the window's properties.
    pub fn wishes(&mut self, window: u32) -> Result<Wishes> {
        let watch = ChangeWindowAttributesAux::new().event_mask(EventMask::PROPERTY_CHANGE);
        self.conn.change_window_attributes(window, &watch)?;
        let states = self.read(window, self.atoms._NET_WM_STATE)?;
        Ok(Wishes {
            fullscreen: states.contains(&self.atoms._NET_WM_STATE_FULLSCREEN),
            maximized: states.contains(&self.atoms._NET_WM_STATE_MAXIMIZED_HORZ)
                && states.contains(&self.atoms._NET_WM_STATE_MAXIMIZED_VERT),
            skipped: states.contains(&self.atoms._NET_WM_STATE_SKIP_TASKBAR)
                && states.contains(&self.atoms._NET_WM_STATE_SKIP_PAGER),
        })
    }

    /// Whether the window takes the focus itself when it is told to (`WM_TAKE_FOCUS`, ICCCM 4.1.7).
    pub fn takes_focus(&mut self, window: u32) -> Result<bool> {
        let protocols = self.read(window, self.atoms.WM_PROTOCOLS)?;
        Ok(protocols.contains(&self.atoms.WM_TAKE_FOCUS))
    }

    /// The screen's first rectangle as the window's client sees it, if Xwayland emulates another mode for it.
    pub fn emulated(&mut self, window: u32) -> Option<Rectangle<i32, Logical>> {
        let rects = self.read(window, self.atoms._XWAYLAND_RANDR_EMU_MONITOR_RECTS).ok()?;
        let [x, y, w, h] = rects.get(..4)?.try_into().ok()?;
        let side = |v: u32| (1..=u32::from(u16::MAX)).contains(&v).then_some(v as i32);
        Some(Rectangle::new(
            (x as i16 as i32, y as i16 as i32).into(),
            (side(w)?, side(h)?).into(),
        ))
    }

    /// Puts the windows, bottom to top, into this order; `listed` are those that pagers and taskbars list.
    pub fn restack(&mut self, order: &[u32], listed: &[u32]) -> Result<()> {
        self.unread = true;
        let now = self.conn.query_tree(self.root)?.reply()?.children;
        let moves = moves(&now, order);
        let attributes = moves.iter().map(|(window, _)| self.conn.get_window_attributes(*window));
        let attributes = attributes.collect::<Result<Vec<_>, _>>()?;
        for ((window, sibling), attributes) in moves.iter().zip(attributes) {
            let below = ConfigureWindowAux::new().sibling(*sibling).stack_mode(StackMode::BELOW);
            // This connection is not the manager's, whom the X server would ask first. It asks nobody about an
            // override-redirect window. That a frame was one for a moment is nothing to anybody.
            let managed = attributes.reply_unchecked()?.is_some_and(|a| !a.override_redirect);
            if managed {
                self.conn.change_window_attributes(*window, &override_redirect(true))?;
            }
            self.conn.configure_window(*window, &below)?;
            if managed {
                self.conn.change_window_attributes(*window, &override_redirect(false))?;
            }
        }
        let list = self.atoms._NET_CLIENT_LIST_STACKING;
        self.conn
            .change_property32(PropMode::REPLACE, self.root, list, AtomEnum::WINDOW, listed)?;
        self.conn.flush()?;
        Ok(())
    }

    /// Unmaps the window, if it is mapped. Whether it was.
    pub fn hide(&mut self, window: u32) -> Result<bool> {
        self.unread = true;
        let attributes = self.conn.get_window_attributes(window)?.reply_unchecked()?;
        let mapped = attributes.is_some_and(|a| a.map_state != MapState::UNMAPPED);
        if mapped {
            self.conn.unmap_window(window)?.check()?;
        }
        Ok(mapped)
    }

    /// Maps an override-redirect window.
    pub fn show(&mut self, window: u32) -> Result<()> {
        self.conn.map_window(window)?;
        self.conn.flush()?;
        Ok(())
    }

    /// Takes away this property of the root window.
    pub fn remove(&mut self, property: &str) -> Result<()> {
        self.unread = true;
        let atom = self.conn.intern_atom(false, property.as_bytes())?.reply()?.atom;
        self.conn.delete_property(self.root, atom)?;
        self.conn.flush()?;
        Ok(())
    }

    /// Says which window is active.
    pub fn set_active(&mut self, window: u32) -> Result<()> {
        if self.active != window {
            self.active = window;
            self.write_active()?;
        }
        Ok(())
    }

    fn write_active(&self) -> Result<()> {
        let atom = self.atoms._NET_ACTIVE_WINDOW;
        self.conn
            .change_property32(PropMode::REPLACE, self.root, atom, AtomEnum::WINDOW, &[self.active])?;
        self.conn.flush()?;
        Ok(())
    }

    fn correct_active(&mut self) -> Result<()> {
        let told = self.read(self.root, self.atoms._NET_ACTIVE_WINDOW)?;
        if told != [self.active] {
            self.write_active()?;
        }
        Ok(())
    }

    /// Lets smithay's manager find the target of this MIME type: it looks for it in the list of the clipboard owner's
    /// targets, but in a property where that list never is.
    pub fn name_target(&mut self, mime: &str) -> Result<()> {
        self.unread = true;
        let target = self.conn.intern_atom(false, mime.as_bytes())?.reply()?.atom;
        let holder = self
            .conn
            .get_selection_owner(self.atoms.CLIPBOARD_MANAGER)?
            .reply()?
            .owner;
        if holder != x11rb::NONE {
            let targets = self.atoms.TARGETS;
            let change = self
                .conn
                .change_property32(PropMode::REPLACE, holder, targets, AtomEnum::ATOM, &[target])?;
            // Over the other connection, smithay reads it next.
            change.check()?;
        }
        Ok(())
    }

    fn read(&mut self, window: u32, property: u32) -> Result<Vec<u32>> {
        self.unread = true;
        property32(&self.conn, window, property)
    }
}

fn override_redirect(is: bool) -> ChangeWindowAttributesAux {
    ChangeWindowAttributesAux::new().override_redirect(u32::from(is))
}

/// A property's 32-bit words, 1024 at most; none if it is not there.
fn property32(conn: &RustConnection, window: u32, property: u32) -> Result<Vec<u32>> {
    let reply = conn
        .get_property(false, window, property, AtomEnum::ANY, 0, 1024)?
        .reply_unchecked()?;
    Ok(reply.and_then(|r| r.value32().map(|v| v.collect())).unwrap_or_default())
}
