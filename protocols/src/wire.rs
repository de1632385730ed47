//! Reading and writing little-endian fields; owns the rules all messages share (exact length, caps, UTF-8).

use crate::Error;

/// Takes fields off the front of a message.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// A reader behind the kind byte of a message that must be of `kind`.
    pub fn of_kind(bytes: &'a [u8], kind: u8) -> Result<Self, Error> {
        let mut reader = Self(bytes);
        match reader.u8()? {
            k if k == kind => Ok(reader),
            k => Err(Error::Kind(k)),
        }
    }

    pub fn bytes(&mut self, len: usize) -> Result<&'a [u8], Error> {
        let (head, rest) = self.0.split_at_checked(len).ok_or(Error::Truncated)?;
        self.0 = rest;
        Ok(head)
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(Error::Truncated)?;
        self.0 = rest;
        Ok(*head)
    }

    pub fn u8(&mut self) -> Result<u8, Error> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    pub fn u16(&mut self) -> Result<u16, Error> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    pub fn u32(&mut self) -> Result<u32, Error> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub fn i32(&mut self) -> Result<i32, Error> {
        Ok(i32::from_le_bytes(self.array()?))
    }

    pub fn u64(&mut self) -> Result<u64, Error> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    pub fn i64(&mut self) -> Result<i64, Error> {
        Ok(i64::from_le_bytes(self.array()?))
    }

    pub fn bool(&mut self, what: &'static str) -> Result<bool, Error> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            v => Err(Error::Value { what, value: v.into() }),
        }
    }

    /// A `u16` length of at most `cap`, then as many bytes of UTF-8.
    pub fn text(&mut self, what: &'static str, cap: usize) -> Result<String, Error> {
        let len = self.u16()? as usize;
        if len > cap {
            return Err(Error::TooLong { what, len, cap });
        }
        let text = std::str::from_utf8(self.bytes(len)?).map_err(|_| Error::Utf8(what))?;
        Ok(text.to_owned())
    }

    /// All that is left.
    pub fn rest(self) -> &'a [u8] {
        self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Nothing may be left.
    pub fn end(self) -> Result<(), Error> {
        match self.0.len() {
            0 => Ok(()),
            n => Err(Error::Trailing(n)),
        }
    }
}

/// Writes a `u16` length and the text, cut at the last character boundary within `cap`.
pub(crate) fn put_text(out: &mut Vec<u8>, text: &str, cap: usize) {
    let text = &text[..text.floor_char_boundary(cap)];
    out.extend((text.len() as u16).to_le_bytes());
    out.extend(text.as_bytes());
}

/// Appends integers in wire order.
macro_rules! put {
    ($out:expr, $($value:expr),+ $(,)?) => {{ $( $out.extend($value.to_le_bytes()); )+ }};
}
pub(crate) use put;
