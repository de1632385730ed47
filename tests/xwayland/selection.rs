//! Copied in one world, pasted in the other.

use crate::client::Client;
use crate::clipboard::{Clipboard, Content};
use crate::desk::Desk;
use crate::x::{RED, X};
use goggles_protocols::input::Event;
use std::io::{ErrorKind, Read};
use x11rb::protocol::Event as XEvent;
use x11rb::protocol::xproto::{
    AtomEnum, ConnectionExt as _, EventMask, PropMode, SELECTION_NOTIFY_EVENT, SelectionNotifyEvent,
};
use x11rb::wrapper::ConnectionExt as _;

const UTF8: &str = "text/plain;charset=utf-8";

/// A desk with an X11 window and, above it, a Wayland one.
struct Two {
    desk: Desk,
    x: X,
    x_window: u32,
    client: Client,
    clipboard: Clipboard,
}

impl Two {
    fn new() -> Self {
        let mut desk = Desk::new();
        let x = desk.x();
        let x_window = x.window((0, 0, 640, 480), RED);
        x.map(x_window);
        desk.until_focused(&x, x_window);
        let mut client = desk.f.client();
        let clipboard = Clipboard::new(&client);
        let window = client.toplevel();
        desk.f.settle(&mut [&mut client]);
        client.fill(&window.surface, (640, 480), 0x808080);
        let mut two = Self {
            desk,
            x,
            x_window,
            client,
            clipboard,
        };
        two.until("the Wayland window has the keyboard", |t| {
            t.client.heard.keyboard_focus.is_some()
        });
        two
    }

    fn until(&mut self, what: &str, done: impl Fn(&mut Self) -> bool) {
        for _ in 0..6000 {
            if done(self) {
                return;
            }
            self.client.flush();
            self.desk.f.live(std::time::Duration::from_millis(5));
            self.client.read();
        }
        panic!("never: {what}");
    }

    /// The X11 client becomes the owner, and answers who asks from now on.
    fn x_copies(&mut self, selection: &str) {
        let selection = self.x.atom(selection);
        let now = x11rb::CURRENT_TIME;
        self.x.conn.set_selection_owner(self.x_window, selection, now).unwrap();
        self.x.flush();
    }

    /// Answers requests for the X11 client's selection.
    fn x_answers(&mut self, content: &Content) {
        self.x.read();
        for event in std::mem::take(&mut self.x.events) {
            let XEvent::SelectionRequest(r) = event else { continue };
            let targets: Vec<u32> = content.iter().map(|(name, _)| self.x.atom(name)).collect();
            let conn = &self.x.conn;
            let known = if r.target == self.x.atom("TARGETS") {
                let atom = AtomEnum::ATOM;
                conn.change_property32(PropMode::REPLACE, r.requestor, r.property, atom, &targets)
                    .unwrap();
                true
            } else if let Some(at) = targets.iter().position(|t| *t == r.target) {
                let bytes = &content[at].1;
                conn.change_property8(PropMode::REPLACE, r.requestor, r.property, r.target, bytes)
                    .unwrap();
                true
            } else {
                false
            };
            let answer = SelectionNotifyEvent {
                response_type: SELECTION_NOTIFY_EVENT,
                sequence: 0,
                time: r.time,
                requestor: r.requestor,
                selection: r.selection,
                target: r.target,
                property: if known { r.property } else { x11rb::NONE },
            };
            conn.send_event(false, r.requestor, EventMask::NO_EVENT, answer)
                .unwrap();
            self.x.flush();
        }
    }

    /// What the Wayland client reads.
    fn wayland_pastes(&mut self, primary: bool, mime: &str, content: &Content) -> Vec<u8> {
        let (mut reader, writer) = std::io::pipe().unwrap();
        rustix::io::ioctl_fionbio(&reader, true).unwrap();
        self.clipboard.receive(primary, mime, writer.into());
        let mut bytes = Vec::new();
        for _ in 0..6000 {
            match reader.read_to_end(&mut bytes) {
                Ok(_) => return bytes,
                Err(e) => assert_eq!(e.kind(), ErrorKind::WouldBlock),
            }
            self.x_answers(content);
            self.client.flush();
            self.desk.f.live(std::time::Duration::from_millis(5));
            self.client.read();
        }
        panic!("the pipe is never closed");
    }

    /// What the X11 client reads; `None`: it was refused.
    fn x_pastes(&mut self, selection: &str, target: &str) -> Option<Vec<u8>> {
        let (selection, target, property) = (self.x.atom(selection), self.x.atom(target), self.x.atom("PASTE"));
        let incr = self.x.atom("INCR");
        let now = x11rb::CURRENT_TIME;
        self.x
            .conn
            .convert_selection(self.x_window, selection, target, property, now)
            .unwrap();
        self.x.flush();
        let mut answered = None;
        self.take_event("the selection is answered", |e| match e {
            XEvent::SelectionNotify(e) => {
                answered = Some(e.property);
                true
            }
            _ => false,
        });
        if answered == Some(x11rb::NONE) {
            return None;
        }
        let first = self.take_property(property);
        if first.0 != incr {
            return Some(first.1);
        }
        let mut bytes = Vec::new();
        loop {
            self.take_event(
                "a part of the selection",
                |e| matches!(e, XEvent::PropertyNotify(e) if e.atom == property && u8::from(e.state) == 0),
            );
            let (_, part) = self.take_property(property);
            if part.is_empty() {
                return Some(bytes);
            }
            bytes.extend(part);
        }
    }

    fn take_property(&mut self, property: u32) -> (u32, Vec<u8>) {
        let get = self
            .x
            .conn
            .get_property(true, self.x_window, property, AtomEnum::ANY, 0, u32::MAX / 4);
        let reply = get.unwrap().reply().unwrap();
        (reply.type_, reply.value)
    }

    fn take_event(&mut self, what: &str, mut is: impl FnMut(&XEvent) -> bool) {
        for _ in 0..6000 {
            if let Some(at) = self.x.read().iter().position(&mut is) {
                self.x.events.drain(..=at);
                return;
            }
            self.client.flush();
            self.desk.f.live(std::time::Duration::from_millis(5));
            self.client.read();
        }
        panic!("never: {what}");
    }

    /// The serial of a key event that the Wayland client got.
    fn serial(&mut self) -> u32 {
        for pressed in [true, false] {
            self.desk.f.state.inject(Event::Key { code: 30, pressed });
        }
        self.until("the key arrives", |t| t.client.heard.keys.len() >= 2);
        self.client.heard.serial
    }

    fn focus_x(&mut self) {
        let (x, window) = (&self.x, self.x_window);
        x.ask(window, "_NET_ACTIVE_WINDOW", [1, 0, 0, 0, 0]);
        self.desk.until_focused(x, window);
    }
}

fn text(bytes: &[u8]) -> Content {
    vec![("UTF8_STRING", bytes.to_vec())]
}

#[test]
fn x11_to_wayland() {
    let mut two = Two::new();
    for (selection, primary) in [("CLIPBOARD", false), ("PRIMARY", true)] {
        let content = text(format!("grüße {selection}").as_bytes());
        two.x_copies(selection);
        for _ in 0..6000 {
            if !two.clipboard.mimes(primary).is_empty() {
                break;
            }
            two.x_answers(&content);
            two.desk.f.live(std::time::Duration::from_millis(5));
            two.client.read();
        }
        assert_eq!(two.clipboard.mimes(primary), [UTF8]);
        assert_eq!(two.wayland_pastes(primary, UTF8, &content), content[0].1);
    }
    // The owner ends, and nothing is on offer.
    two.x.destroy(two.x_window);
    two.until("nothing is on offer", |t| {
        t.clipboard.mimes(false).is_empty() && t.clipboard.mimes(true).is_empty()
    });
}

#[test]
fn a_picture_from_x11_to_wayland() {
    let mut two = Two::new();
    let png: Vec<u8> = (0..300_000u32).flat_map(|i| (i * 7).to_le_bytes()).collect();
    let content: Content = vec![("image/png", png.clone())];
    two.x_copies("CLIPBOARD");
    for _ in 0..6000 {
        if !two.clipboard.mimes(false).is_empty() {
            break;
        }
        two.x_answers(&content);
        two.desk.f.live(std::time::Duration::from_millis(5));
        two.client.read();
    }
    assert_eq!(two.clipboard.mimes(false), ["image/png"]);
    assert!(two.wayland_pastes(false, "image/png", &content) == png);
}

#[test]
fn wayland_to_x11() {
    let mut two = Two::new();
    let serial = two.serial();
    // More than goes in one piece.
    let long: Vec<u8> = (0..300_000u32).map(|i| b'a' + (i % 26) as u8).collect();
    let content: Content = vec![(UTF8, long.clone()), ("image/png", vec![1, 2, 3])];
    two.clipboard.offer(&two.client, serial, content);
    two.clipboard
        .offer_primary(&two.client, serial, vec![(UTF8, b"primary".to_vec())]);
    let clipboard = two.x.atom("CLIPBOARD");
    let primary = two.x.atom("PRIMARY");
    two.until("the X server has owners", |t| {
        let owner = |s: u32| t.x.conn.get_selection_owner(s).unwrap().reply().unwrap().owner;
        owner(clipboard) != x11rb::NONE && owner(primary) != x11rb::NONE
    });
    assert_eq!(
        two.x_pastes("CLIPBOARD", "UTF8_STRING"),
        None,
        "it has no business with it without the focus"
    );
    two.focus_x();
    let pasted = two.x_pastes("CLIPBOARD", "UTF8_STRING").expect("it has the focus");
    assert_eq!(pasted.len(), long.len());
    assert!(pasted == long);
    assert_eq!(two.x_pastes("CLIPBOARD", "image/png"), Some(vec![1, 2, 3]));
    assert_eq!(two.x_pastes("PRIMARY", "UTF8_STRING"), Some(b"primary".to_vec()));
    assert_eq!(two.x_pastes("CLIPBOARD", "image/jpeg"), None);
}
