//! Reads and writes gamescope's and Steam's properties, over our own connection to the X server.
//!
//! Their meaning is `properties`' (what is asked of us) and `feedback`'s (what we say).

use super::feedback::Value;
use super::properties::{CONTROLS, Control, MARKS, Raw, mark};
use crate::scene::marks::Marks;
use anyhow::Result;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use x11rb::connection::Connection as _;
use x11rb::cookie::Cookie;
use x11rb::protocol::xproto::{
    AtomEnum, ChangeWindowAttributesAux, ConnectionExt as _, EventMask, GetPropertyReply, PropMode,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

/// How much of a property is read, in words of 32 bits.
const LONGEST: u32 = 1024;

/// What a changed property means.
#[derive(Debug, PartialEq)]
pub enum Change {
    /// A window's mark: which, and its words.
    Mark(usize, Vec<u32>),
    /// The root window's.
    Control(Control),
}

/// The names' atoms, and what was written.
#[derive(Debug)]
pub struct Steam {
    marks: HashMap<u32, usize>,
    controls: HashMap<u32, usize>,
    utf8: u32,
    atoms: BTreeMap<&'static str, u32>,
    written: BTreeMap<&'static str, Value>,
    /// How often the server is yet to say that we changed each.
    echoes: BTreeMap<&'static str, u32>,
    complained: BTreeSet<usize>,
}

impl Steam {
    /// Asks the X server for the atoms.
    pub fn new(conn: &RustConnection) -> Result<Self> {
        let ask = |name: &str| conn.intern_atom(false, name.as_bytes());
        let marks = MARKS.iter().map(|n| ask(n)).collect::<Result<Vec<_>, _>>()?;
        let controls = CONTROLS.iter().map(|(n, _)| ask(n)).collect::<Result<Vec<_>, _>>()?;
        let utf8 = ask("UTF8_STRING")?;
        let numbered = |cookies: Vec<Cookie<'_, _, x11rb::protocol::xproto::InternAtomReply>>| {
            let atoms = cookies.into_iter().enumerate();
            atoms
                .map(|(at, cookie)| Ok((cookie.reply()?.atom, at)))
                .collect::<Result<HashMap<u32, usize>>>()
        };
        Ok(Self {
            marks: numbered(marks)?,
            controls: numbered(controls)?,
            utf8: utf8.reply()?.atom,
            atoms: BTreeMap::new(),
            written: BTreeMap::new(),
            echoes: BTreeMap::new(),
            complained: BTreeSet::new(),
        })
    }

    /// The marks that a window has now. From here on, the X server tells of its properties' changes.
    pub fn marks(&self, conn: &RustConnection, window: u32) -> Result<Marks> {
        let watch = ChangeWindowAttributesAux::new().event_mask(EventMask::PROPERTY_CHANGE);
        conn.change_window_attributes(window, &watch)?;
        let asked: Vec<_> = self
            .marks
            .iter()
            .map(|(atom, at)| Ok((*at, get(conn, window, *atom)?)))
            .collect::<Result<_>>()?;
        let mut marks = Marks::default();
        for (at, cookie) in asked {
            // A window that is gone has none.
            if let Some(reply) = cookie.reply_unchecked()? {
                mark(&mut marks, at, &raw(&reply).words);
            }
        }
        Ok(marks)
    }

    /// What the changes of these properties, each of a window, mean; those that mean nothing are left out. A busy server
    /// answers all of them at once as late as it answers one.
    pub fn changes(&mut self, conn: &RustConnection, root: u32, changed: &[(u32, u32)]) -> Result<Vec<(u32, Change)>> {
        let mut asked = Vec::new();
        for (window, atom) in changed {
            let known = if *window == root { &self.controls } else { &self.marks };
            if let Some(at) = known.get(atom) {
                asked.push((*window, *at, get(conn, *window, *atom)?));
            }
        }
        let mut changes = Vec::new();
        for (window, at, cookie) in asked {
            let reply = cookie.reply_unchecked()?.map(|reply| raw(&reply));
            if window != root {
                changes.push((window, Change::Mark(at, reply.unwrap_or_default().words)));
            } else if let Some(control) = reply.and_then(|raw| self.control(at, &raw)) {
                changes.push((window, Change::Control(control)));
            }
        }
        Ok(changes)
    }

    /// What the `at`-th of [`CONTROLS`] asks for; what makes no sense is told once.
    fn control(&mut self, at: usize, raw: &Raw) -> Option<Control> {
        let (name, read) = CONTROLS[at];
        read(raw).unwrap_or_else(|why| {
            if self.complained.insert(at) {
                tracing::warn!("an X11 program set {name} to a value that is ignored: {why}");
            }
            None
        })
    }

    /// A property of the root window has changed. Whether it was another's doing, so that what we wrote must be written again.
    pub fn is_overwritten(&mut self, atom: u32) -> bool {
        let Some((name, _)) = self.atoms.iter().find(|(_, known)| **known == atom) else {
            return false;
        };
        match self.echoes.get_mut(name) {
            Some(left) if *left > 0 => {
                *left -= 1;
                false
            }
            _ => self.written.remove(name).is_some(),
        }
    }

    /// Writes what differs from what was written before.
    pub fn write(&mut self, conn: &RustConnection, root: u32, values: Vec<(&'static str, Value)>) -> Result<()> {
        let before = self.written.len();
        let mut wrote = false;
        for (name, value) in values {
            if self.written.get(name) == Some(&value) {
                continue;
            }
            let atom = match self.atoms.get(name) {
                Some(atom) => *atom,
                None => {
                    let atom = conn.intern_atom(false, name.as_bytes())?.reply()?.atom;
                    self.atoms.insert(name, atom);
                    atom
                }
            };
            match &value {
                Value::Words(words) => {
                    conn.change_property32(PropMode::REPLACE, root, atom, AtomEnum::CARDINAL, words)?;
                }
                Value::Text(text) => {
                    conn.change_property8(PropMode::REPLACE, root, atom, self.utf8, text.as_bytes())?;
                }
                Value::Latin(text) => {
                    let text: Vec<u8> = text.bytes().chain([0]).collect();
                    conn.change_property8(PropMode::REPLACE, root, atom, AtomEnum::STRING, &text)?;
                }
                Value::Nothing => {
                    conn.delete_property(root, atom)?;
                }
            }
            // What is not there can't be taken away, of which nobody hears.
            let heard = value != Value::Nothing || self.written.get(name).is_some_and(|v| *v != Value::Nothing);
            *self.echoes.entry(name).or_default() += u32::from(heard);
            self.written.insert(name, value);
            wrote = true;
        }
        if wrote || self.written.len() != before {
            conn.flush()?;
        }
        Ok(())
    }
}

fn get(conn: &RustConnection, window: u32, atom: u32) -> Result<Cookie<'_, RustConnection, GetPropertyReply>> {
    Ok(conn.get_property(false, window, atom, AtomEnum::ANY, 0, LONGEST)?)
}

fn raw(reply: &GetPropertyReply) -> Raw {
    Raw {
        words: reply.value32().map(|words| words.collect()).unwrap_or_default(),
        bytes: reply.value8().map(|bytes| bytes.collect()).unwrap_or_default(),
    }
}
