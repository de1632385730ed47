//! A scripted X11 client.

use crate::desk::Desk;
use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    AtomEnum, ClientMessageEvent, ConfigureWindowAux, ConnectionExt as _, CreateWindowAux, EventMask, PropMode,
    WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

pub const RED: u32 = 0xff0000;
pub const GREEN: u32 = 0x00ff00;
pub const BLUE: u32 = 0x0000ff;
pub const BLACK: u32 = 0;

pub struct X {
    pub conn: RustConnection,
    pub root: u32,
    pub events: Vec<Event>,
}

/// x, y, width, height.
pub type Rect = (i16, i16, u16, u16);

impl X {
    pub fn connect(display: u32) -> Self {
        let (conn, _) = x11rb::connect(Some(&format!(":{display}"))).expect("an X connection");
        let root = conn.setup().roots[0].root;
        Self {
            conn,
            root,
            events: Vec::new(),
        }
    }

    pub fn atom(&self, name: &str) -> u32 {
        let cookie = self.conn.intern_atom(false, name.as_bytes()).unwrap();
        cookie.reply().unwrap().atom
    }

    fn create(&self, (x, y, w, h): Rect, colour: u32, override_redirect: bool) -> u32 {
        let id = self.conn.generate_id().unwrap();
        let mask = EventMask::STRUCTURE_NOTIFY
            | EventMask::FOCUS_CHANGE
            | EventMask::KEY_PRESS
            | EventMask::KEY_RELEASE
            | EventMask::BUTTON_PRESS
            | EventMask::BUTTON_RELEASE
            | EventMask::POINTER_MOTION
            | EventMask::PROPERTY_CHANGE;
        let aux = CreateWindowAux::new()
            .background_pixel(colour)
            .override_redirect(u32::from(override_redirect))
            .event_mask(mask);
        let class = WindowClass::INPUT_OUTPUT;
        let same = x11rb::COPY_FROM_PARENT;
        self.conn
            .create_window(same as u8, id, self.root, x, y, w, h, 0, class, same, &aux)
            .unwrap();
        id
    }

    /// A window of one colour, not mapped yet.
    pub fn window(&self, rect: Rect, colour: u32) -> u32 {
        self.create(rect, colour, false)
    }

    /// An override-redirect window of one colour, not mapped yet.
    pub fn menu(&self, rect: Rect, colour: u32) -> u32 {
        self.create(rect, colour, true)
    }

    pub fn map(&self, window: u32) {
        self.conn.map_window(window).unwrap();
        self.flush();
    }

    pub fn unmap(&self, window: u32) {
        self.conn.unmap_window(window).unwrap();
        self.flush();
    }

    pub fn destroy(&self, window: u32) {
        self.conn.destroy_window(window).unwrap();
        self.flush();
    }

    pub fn configure(&self, window: u32, aux: ConfigureWindowAux) {
        self.conn.configure_window(window, &aux).unwrap();
        self.flush();
    }

    pub fn flush(&self) {
        self.conn.flush().unwrap();
    }

    pub fn set_words(&self, window: u32, property: &str, kind: AtomEnum, words: &[u32]) {
        let property = self.atom(property);
        self.conn
            .change_property32(PropMode::REPLACE, window, property, kind, words)
            .unwrap();
        self.flush();
    }

    /// Takes the property away.
    pub fn forget(&self, window: u32, property: &str) {
        self.conn.delete_property(window, self.atom(property)).unwrap();
        self.flush();
    }

    pub fn words(&self, window: u32, property: &str) -> Vec<u32> {
        let property = self.atom(property);
        let reply = self
            .conn
            .get_property(false, window, property, AtomEnum::ANY, 0, 1024)
            .unwrap();
        let reply = reply.reply().unwrap();
        reply.value32().map(|v| v.collect()).unwrap_or_default()
    }

    pub fn text(&self, window: u32, property: &str) -> String {
        let property = self.atom(property);
        let asked = self
            .conn
            .get_property(false, window, property, AtomEnum::ANY, 0, 1024)
            .unwrap();
        String::from_utf8(asked.reply().unwrap().value).expect("text")
    }

    pub fn belongs_to(&self, window: u32, parent: u32) {
        self.set_words(window, "WM_TRANSIENT_FOR", AtomEnum::WINDOW, &[parent]);
    }

    /// Asks the window manager, as EWMH says how.
    pub fn ask(&self, window: u32, what: &str, data: [u32; 5]) {
        let message = ClientMessageEvent::new(32, window, self.atom(what), data);
        let mask = EventMask::SUBSTRUCTURE_REDIRECT | EventMask::SUBSTRUCTURE_NOTIFY;
        self.conn.send_event(false, self.root, mask, message).unwrap();
        self.flush();
    }

    /// Adds (1) or removes (0) `_NET_WM_STATE`s.
    pub fn ask_state(&self, window: u32, add: u32, states: [&str; 2]) {
        let atom = |name: &str| if name.is_empty() { 0 } else { self.atom(name) };
        self.ask(window, "_NET_WM_STATE", [add, atom(states[0]), atom(states[1]), 1, 0]);
    }

    /// The size and place on the screen, as the X server has it.
    pub fn place(&self, window: u32) -> Rect {
        let g = self.conn.get_geometry(window).unwrap().reply().unwrap();
        let at = self
            .conn
            .translate_coordinates(window, self.root, 0, 0)
            .unwrap()
            .reply()
            .unwrap();
        (at.dst_x, at.dst_y, g.width, g.height)
    }

    pub fn focus(&self) -> u32 {
        self.conn.get_input_focus().unwrap().reply().unwrap().focus
    }

    pub fn active(&self) -> Option<u32> {
        self.words(self.root, "_NET_ACTIVE_WINDOW").first().copied()
    }

    /// The window of ours that the X server sees at a place of the screen.
    pub fn at(&self, x: i16, y: i16) -> u32 {
        let mut at = self.root;
        loop {
            let reply = self
                .conn
                .translate_coordinates(self.root, at, x, y)
                .unwrap()
                .reply()
                .unwrap();
            if reply.child == x11rb::NONE {
                return at;
            }
            at = reply.child;
        }
    }

    /// Takes the events that are there.
    pub fn read(&mut self) -> &[Event] {
        while let Some(event) = self.conn.poll_for_event().unwrap() {
            self.events.push(event);
        }
        &self.events
    }
}

impl Desk {
    /// A client of this desk's X server.
    pub fn x(&self) -> X {
        X::connect(self.display())
    }

    /// A client of the X server at this place.
    pub fn x_at(&self, server: u32) -> X {
        let display = self.f.state.scope.xwayland.display_of(server);
        X::connect(display.expect("the server is ready"))
    }

    /// Lives until the client has an event of this kind; it and all before it are forgotten.
    pub fn event<T>(&mut self, x: &mut X, what: &str, is: impl Fn(&Event) -> Option<T>) -> T {
        self.wait(what, |_| {
            let (at, got) = x.read().iter().enumerate().find_map(|(at, e)| Some((at, is(e)?)))?;
            x.events.drain(..=at);
            Some(got)
        })
    }

    /// Lives until the X server's focus and `_NET_ACTIVE_WINDOW` are this window.
    pub fn until_focused(&mut self, x: &X, window: u32) {
        self.until(&format!("{window:#x} is focused"), |_| {
            x.focus() == window && x.active() == Some(window)
        });
    }
}
