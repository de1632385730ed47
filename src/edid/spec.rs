//! What a virtual monitor is like.

use crate::link::{Refresh, Size};
use std::str::FromStr;

/// Three letters that say who made a monitor (UEFI's list of PNP ids).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vendor(pub [u8; 3]);

impl Vendor {
    /// Ours; it stands in nobody's list.
    pub const OURS: Self = Self(*b"GGS");

    /// As EDID packs it: five bits a letter, A is 1.
    pub fn packed(self) -> [u8; 2] {
        let [a, b, c] = self.0.map(|letter| u16::from(letter - b'@'));
        (a << 10 | b << 5 | c).to_be_bytes()
    }
}

impl FromStr for Vendor {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match <[u8; 3]>::try_from(text.as_bytes()) {
            Ok(letters) if letters.iter().all(u8::is_ascii_uppercase) => Ok(Self(letters)),
            _ => Err("three capital letters are wanted, such as GGS".into()),
        }
    }
}

impl std::fmt::Display for Vendor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

/// A monitor's name: 1 to 13 printable ASCII characters, without spaces at its ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Name {
    fn default() -> Self {
        Self("goggles-scope".into())
    }
}

impl FromStr for Name {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let printable = text.bytes().all(|b| (b' '..=b'~').contains(&b));
        if printable && (1..=13).contains(&text.len()) && text.trim() == text {
            Ok(Self(text.into()))
        } else {
            Err("1 to 13 ASCII characters are wanted, without spaces at the ends".into())
        }
    }
}

/// CIE 1931 x and y of the primaries and of white.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct Chromaticity {
    pub red: (f64, f64),
    pub green: (f64, f64),
    pub blue: (f64, f64),
    pub white: (f64, f64),
}

impl Chromaticity {
    /// IEC 61966-2-1.
    pub const SRGB: Self = Self {
        red: (0.640, 0.330),
        green: (0.300, 0.600),
        blue: (0.150, 0.060),
        white: (0.3127, 0.3290),
    };
    /// ITU-R BT.2020.
    pub const BT2020: Self = Self {
        red: (0.708, 0.292),
        green: (0.170, 0.797),
        blue: (0.131, 0.046),
        white: (0.3127, 0.3290),
    };

    /// The eight numbers in the order of EDID and DisplayID.
    pub(super) fn numbers(&self) -> [f64; 8] {
        let points = [self.red, self.green, self.blue, self.white];
        std::array::from_fn(|i| if i % 2 == 0 { points[i / 2].0 } else { points[i / 2].1 })
    }
}

/// What a monitor says of its high dynamic range (CTA-861.3's static metadata), in candela a square metre.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hdr {
    /// The brightest spot.
    pub max_nits: f64,
    /// The brightest whole picture.
    pub max_average_nits: f64,
    /// The darkest.
    pub min_nits: f64,
    /// What it can show.
    pub gamut: Chromaticity,
}

impl Hdr {
    /// Our HDR10 monitor's.
    pub const OURS: Self = Self {
        max_nits: 1_000.0,
        max_average_nits: 400.0,
        min_nits: 0.01,
        gamut: Chromaticity::BT2020,
    };
}

/// A virtual monitor.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// Its native mode's size in pixels, from 1 to 65536 a side.
    pub size: Size,
    /// Its native mode's rate, from 1 to 1000 Hz.
    pub refresh: Refresh,
    /// Its size in millimetres; see [`Spec::millimetres_at_96_dpi`].
    pub millimetres: (u32, u32),
    /// Who made it.
    pub vendor: Vendor,
    /// What it is called.
    pub name: Name,
    /// Its serial number.
    pub serial: u32,
    /// The lowest rate (Hz) of a monitor of variable rate; `None`: its rates are fixed.
    pub variable_from: Option<u32>,
    /// `None`: sRGB.
    pub hdr: Option<Hdr>,
}

impl Spec {
    /// A fixed-rate sRGB monitor of ours.
    pub fn new(size: Size, refresh: Refresh) -> Self {
        Self {
            size,
            refresh,
            millimetres: Self::millimetres_at_96_dpi(size),
            vendor: Vendor::OURS,
            name: Name::default(),
            serial: 1,
            variable_from: None,
            hdr: None,
        }
    }

    /// 0.2646 mm a pixel, at which programs choose scale 1; both sides smaller in the same measure where EDID's 255 cm
    /// would not do.
    pub fn millimetres_at_96_dpi(size: Size) -> (u32, u32) {
        let longest = f64::from(size.w.max(size.h).max(1)) * 25.4 / 96.0;
        let scale = (2550.0 / longest).min(1.0);
        let mm = |px: u32| ((f64::from(px) * 25.4 / 96.0 * scale).round() as u32).max(1);
        (mm(size.w), mm(size.h))
    }

    pub(super) fn chromaticity(&self) -> Chromaticity {
        self.hdr.map_or(Chromaticity::SRGB, |hdr| hdr.gamut)
    }
}
