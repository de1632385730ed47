//! A Wayland connection by hand, for requests that no library would send.

use anyhow::{Context, Result};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use std::io::{ErrorKind, IoSlice, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Object, opcode, arguments.
pub type Event = (u32, u32, Vec<u8>);

/// A connection. A write that fails is no error: the next [`Raw::roundtrip`] tells that it has ended.
#[derive(Debug)]
pub struct Raw {
    stream: UnixStream,
    next: u32,
    unread: Vec<u8>,
}

/// What the connection was told at its end.
pub type Ended = Option<String>;

impl Raw {
    /// Connects to the socket at this path.
    pub fn new(path: &Path) -> Result<Self> {
        let stream = UnixStream::connect(path).context("error connecting")?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self {
            stream,
            next: 2,
            unread: Vec::new(),
        })
    }

    /// A new object's number.
    pub fn id(&mut self) -> u32 {
        self.next += 1;
        self.next - 1
    }

    /// The number that the next object gets.
    pub fn next_free(&self) -> u32 {
        self.next
    }

    /// A request. Whether the connection still took it.
    pub fn send(&self, object: u32, opcode: u32, words: &[u32], file: Option<BorrowedFd<'_>>) -> bool {
        let body: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        self.request(object, opcode, &body, file.as_slice())
    }

    /// A request with its arguments as bytes, and four files at most. Whether the connection still took it.
    pub fn request(&self, object: u32, opcode: u32, body: &[u8], files: &[impl AsFd]) -> bool {
        let header = [object, ((body.len() + 8) as u32) << 16 | opcode].map(u32::to_ne_bytes);
        let bytes = [header.as_flattened(), body].concat();
        let files: Vec<_> = files.iter().map(AsFd::as_fd).collect();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !files.is_empty() {
            control.push(SendAncillaryMessage::ScmRights(&files));
        }
        match sendmsg(&self.stream, &[IoSlice::new(&bytes)], &mut control, SendFlags::NOSIGNAL) {
            Ok(sent) => self.bytes(&bytes[sent..]),
            Err(_) => false,
        }
    }

    /// These bytes. Whether the connection still took them.
    pub fn bytes(&self, bytes: &[u8]) -> bool {
        (&self.stream).write_all(bytes).is_ok()
    }

    /// Waits until all that was sent has been looked at. `Ok`: the events that came meanwhile. `Err`: it has ended.
    ///
    /// Outer error: no answer within 30 s.
    pub fn roundtrip(&mut self) -> Result<Result<Vec<Event>, Ended>> {
        let callback = self.id();
        self.roundtrip_as(callback)
    }

    /// As [`Raw::roundtrip`], where another counts the objects: with a new one's number.
    pub fn roundtrip_as(&mut self, callback: u32) -> Result<Result<Vec<Event>, Ended>> {
        // An end is told by what there is to be read.
        self.send(1, 0, &[callback], None);
        let mut events = Vec::new();
        let mut bytes = [0; 65_536];
        loop {
            while let Some(event) = self.event() {
                match event {
                    // wl_display.error: object, code, text.
                    (1, 0, body) => {
                        let text = body.get(12..).unwrap_or_default();
                        let text = String::from_utf8_lossy(text);
                        return Ok(Err(Some(text.trim_end_matches('\0').to_owned())));
                    }
                    (object, 0, _) if object == callback => return Ok(Ok(events)),
                    event => events.push(event),
                }
            }
            match self.stream.read(&mut bytes) {
                Ok(0) => return Ok(Err(None)),
                Ok(n) => self.unread.extend(&bytes[..n]),
                Err(e) if e.kind() == ErrorKind::ConnectionReset => return Ok(Err(None)),
                Err(e) => return Err(e).context("the compositor does not answer"),
            }
        }
    }

    fn event(&mut self) -> Option<Event> {
        let word = |at: usize| self.unread.get(at..at + 4)?.try_into().ok().map(u32::from_ne_bytes);
        let (object, header) = (word(0)?, word(4)?);
        let size = ((header >> 16) as usize).max(8);
        if self.unread.len() < size {
            return None;
        }
        let message: Vec<u8> = self.unread.drain(..size).collect();
        Some((object, header & 0xffff, message[8..].to_vec()))
    }

    /// Binds these globals at the versions that are offered.
    pub fn bind<const N: usize>(&mut self, interfaces: [&str; N]) -> Result<[u32; N]> {
        let registry = self.id();
        self.send(1, 1, &[registry], None);
        let Ok(events) = self.roundtrip()? else {
            anyhow::bail!("no globals");
        };
        let mut ids = [0; N];
        for (id, interface) in ids.iter_mut().zip(interfaces) {
            let found = events.iter().find(|event| name_of(event) == Some(interface.as_bytes()));
            let (_, _, body) = found.with_context(|| format!("no {interface}"))?;
            let name = u32::from_ne_bytes(body[..4].try_into()?);
            let version = u32::from_ne_bytes(*body.last_chunk().context("no version")?);
            let mut text = interface.as_bytes().to_vec();
            text.push(0);
            text.resize(text.len().next_multiple_of(4), 0);
            let (letters, _) = text.as_chunks();
            *id = self.id();
            let mut words = vec![name, interface.len() as u32 + 1];
            words.extend(letters.iter().map(|letters| u32::from_ne_bytes(*letters)));
            words.extend([version, *id]);
            self.send(registry, 0, &words, None);
        }
        Ok(ids)
    }
}

/// The interface that a `wl_registry.global` tells of.
fn name_of((_, _, body): &Event) -> Option<&[u8]> {
    let length = u32::from_ne_bytes(body.get(4..8)?.try_into().ok()?) as usize;
    body.get(8..(7 + length))
}
