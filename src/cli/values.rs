//! The values of options: each is read from the command line by [`FromStr`] and from the file by serde, with the same
//! range and the same words for what is wrong.

mod sound;

pub use sound::{Audio, AudioChannels, AudioPacket};

use clap::ValueEnum;
use serde::de::{Deserializer, Error as _, IntoDeserializer, Visitor};
use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

/// Declares a whole number with a range, read from text and from a TOML integer.
macro_rules! whole_number {
    ($(#[$doc:meta])* $name:ident, $range:expr, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name(pub u32);

        impl $name {
            fn check(value: i64) -> Result<Self, String> {
                let range = $range;
                match u32::try_from(value) {
                    Ok(v) if range.contains(&v) => Ok(Self(v)),
                    _ => Err(format!("{} from {} to {} is wanted, not {value}", $what, range.start(), range.end())),
                }
            }
        }

        impl FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                let range = $range;
                let value = text.parse::<i64>();
                value.map_err(|_| format!("{} from {} to {} is wanted", $what, range.start(), range.end()))
                    .and_then(Self::check)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Whole;
                impl Visitor<'_> for Whole {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                        write!(f, "{} from {} to {}", $what, $range.start(), $range.end())
                    }
                    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<$name, E> {
                        $name::check(value).map_err(E::custom)
                    }
                    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<$name, E> {
                        $name::check(i64::try_from(value).unwrap_or(i64::MAX)).map_err(E::custom)
                    }
                }
                deserializer.deserialize_any(Whole)
            }
        }
    };
}

whole_number!(
    /// A width or a height in pixels. The bounds are H.264 encoders': one macroblock, and level 6.2's longest side.
    Extent, 16..=16384, "a whole number of pixels"
);
whole_number!(
    /// A bit rate in kilobits a second.
    Kbps, 100..=500_000, "a whole number of kilobits a second"
);
whole_number!(
    /// The sound's bit rate in kilobits a second. The bounds are Opus's, for stereo and for 7.1.
    AudioKbps, 16..=2048, "a whole number of kilobits a second"
);
whole_number!(
    /// How many Xwaylands: as many as there are displays that are tried, :0 to :32.
    XwaylandCount, 0..=32, "a count"
);
whole_number!(
    /// Tenths of a stop of sharpening that are left out.
    Sharpness, 0..=20, "a whole number"
);
whole_number!(
    /// Key repeats a second; zero: keys do not repeat.
    RepeatRate, 0..=1000, "a number of repeats a second"
);
whole_number!(
    /// Milliseconds before a key repeats.
    RepeatDelay, 1..=10_000, "a number of milliseconds"
);

/// A rate in millihertz, written as gamescope's whole number, as a decimal or as a fraction: `60`, `59.94`,
/// `60000/1001`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hertz(pub u32);

impl Hertz {
    const WANTED: &str = "a rate from 1 to 1000 Hz is wanted, such as 60, 59.94 or 60000/1001";

    fn check(hz: f64) -> Result<Self, String> {
        // NaN and the infinities fail the comparison, too.
        if (1.0..=1000.0).contains(&hz) {
            Ok(Self((hz * 1000.0).round() as u32))
        } else {
            Err(Self::WANTED.into())
        }
    }
}

impl FromStr for Hertz {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let number = |t: &str| t.trim().parse::<f64>().map_err(|_| Self::WANTED.to_owned());
        match text.split_once('/') {
            Some((above, below)) => Self::check(number(above)? / number(below)?),
            None => Self::check(number(text)?),
        }
    }
}

/// `--framerate-limit`: a rate, or gamescope's 0 for no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(pub Option<Hertz>);

impl FromStr for Limit {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim() == "0" {
            return Ok(Self(None));
        }
        text.parse()
            .map(|hz| Self(Some(hz)))
            .map_err(|e: String| format!("{e}; 0 is no limit"))
    }
}

/// A factor, for relative motion or for the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Factor(pub f64);

impl FromStr for Factor {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim().parse::<f64>() {
            Ok(v) if (0.01..=100.0).contains(&v) => Ok(Self(v)),
            _ => Err("a factor from 0.01 to 100 is wanted".into()),
        }
    }
}

/// How long the cursor stays without motion: milliseconds, or `never` for a cursor that is not hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HideDelay(pub Option<Duration>);

impl FromStr for HideDelay {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim() {
            "never" => Ok(Self(None)),
            t => match t.parse::<u32>() {
                Ok(ms) if ms <= 3_600_000 => Ok(Self(Some(Duration::from_millis(ms.into())))),
                _ => Err("a number of milliseconds from 0 to 3600000 is wanted, or 'never'".into()),
            },
        }
    }
}

/// A place on a cursor's image, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hotspot(pub u16, pub u16);

impl FromStr for Hotspot {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let number = |t: &str| t.trim().parse::<u16>().ok();
        text.split_once(',')
            .and_then(|(x, y)| Some(Self(number(x)?, number(y)?)))
            .ok_or_else(|| "X,Y is wanted, such as 4,4".into())
    }
}

/// An address and a port to listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listen(pub SocketAddr);

impl FromStr for Listen {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        text.parse()
            .map(Self)
            .map_err(|_| "ADDR:PORT is wanted, such as 0.0.0.0:4433, 127.0.0.1:4433 or [::]:4433".into())
    }
}

/// A broadcast's name: it is part of an address, so it is kept to what needs no escaping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamName(pub String);

impl FromStr for StreamName {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if (1..=64).contains(&text.len()) && text.chars().all(fits) && !text.starts_with('.') {
            Ok(Self(text.into()))
        } else {
            Err("1 to 64 letters, digits, '-', '_' or '.' are wanted (not '.' first)".into())
        }
    }
}

/// In the file, a list of one thing may be written without brackets.
pub fn one_or_many<'de, D: Deserializer<'de>, T: serde::Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    struct List<T>(std::marker::PhantomData<T>);
    impl<'de, T: serde::Deserialize<'de>> Visitor<'de> for List<T> {
        type Value = Vec<T>;
        fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
            f.write_str("a value, or a list of them")
        }
        fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Vec<T>, E> {
            T::deserialize(value.into_deserializer()).map(|one| vec![one])
        }
        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Vec<T>, E> {
            T::deserialize(text.into_deserializer()).map(|one| vec![one])
        }
        fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
            let mut list = Vec::new();
            while let Some(one) = seq.next_element()? {
                list.push(one);
            }
            Ok(list)
        }
    }
    deserializer.deserialize_any(List(std::marker::PhantomData))
}

/// Reads a TOML value by its text: what may be a number or a word is a number or a string in the file.
fn by_text<'de, D: Deserializer<'de>, T: FromStr<Err = String>>(
    de: D,
    numbers: bool,
    words: bool,
) -> Result<T, D::Error> {
    struct Text {
        numbers: bool,
        words: bool,
    }
    impl Visitor<'_> for Text {
        type Value = String;
        fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
            f.write_str(match (self.numbers, self.words) {
                (true, true) => "a number or a string",
                (true, false) => "a number",
                _ => "a string",
            })
        }
        fn visit_i64<E: serde::de::Error>(self, v: i64) -> Result<String, E> {
            if self.numbers {
                Ok(v.to_string())
            } else {
                Err(E::invalid_type(serde::de::Unexpected::Signed(v), &self))
            }
        }
        fn visit_f64<E: serde::de::Error>(self, v: f64) -> Result<String, E> {
            if self.numbers {
                Ok(v.to_string())
            } else {
                Err(E::invalid_type(serde::de::Unexpected::Float(v), &self))
            }
        }
        fn visit_str<E: serde::de::Error>(self, v: &str) -> Result<String, E> {
            if self.words {
                Ok(v.into())
            } else {
                Err(E::invalid_type(serde::de::Unexpected::Str(v), &self))
            }
        }
    }
    de.deserialize_any(Text { numbers, words })?
        .parse()
        .map_err(D::Error::custom)
}

macro_rules! from_file {
    ($name:ty, numbers: $numbers:literal, words: $words:literal) => {
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                by_text(deserializer, $numbers, $words)
            }
        }
    };
}
from_file!(Hertz, numbers: true, words: true);
from_file!(Limit, numbers: true, words: true);
from_file!(Factor, numbers: true, words: false);
from_file!(HideDelay, numbers: true, words: true);
from_file!(AudioPacket, numbers: true, words: true);
from_file!(AudioChannels, numbers: true, words: true);
from_file!(Listen, numbers: false, words: true);
from_file!(Hotspot, numbers: false, words: true);
from_file!(crate::input::hotkeys::Bindings, numbers: false, words: true);
from_file!(StreamName, numbers: false, words: true);
from_file!(crate::edid::Name, numbers: false, words: true);
from_file!(crate::edid::Vendor, numbers: false, words: true);

/// `--backend`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// Headless with --stream or without a display
    Auto,
    /// No window and no screen: only the stream
    Headless,
    /// A window on a Wayland desktop (not served yet)
    #[value(hide = true)]
    Wayland,
    /// A window on an X11 desktop (not served yet)
    #[value(hide = true)]
    X11,
    /// A screen of its own (not served yet)
    #[value(hide = true)]
    Drm,
    /// gamescope's; never served under this name
    #[value(hide = true)]
    Sdl,
    /// gamescope's; not served yet
    #[value(hide = true)]
    Openvr,
}

/// `-F`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Filter {
    /// Bilinear
    Linear,
    /// Nearest neighbour
    Nearest,
    /// Nearest neighbour, blended at the borders of pixels
    Pixel,
    /// AMD's FSR 1, sharpened
    Fsr,
    /// NVIDIA Image Scaling's method, sharpened
    Nis,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_rational() {
        for (text, mhz) in [
            ("60", 60_000),
            ("59.94", 59_940),
            ("60000/1001", 59_940),
            ("24000/1001", 23_976),
            ("1", 1000),
        ] {
            assert_eq!(text.parse(), Ok(Hertz(mhz)), "{text}");
        }
        for text in [
            "0", "-60", "1001", "60/0", "0/0", "nan", "inf", "", "sixty", "1/2/3", "60hz",
        ] {
            assert!(text.parse::<Hertz>().is_err(), "{text}");
        }
        assert_eq!("0".parse(), Ok(Limit(None)));
        assert_eq!("30".parse(), Ok(Limit(Some(Hertz(30_000)))));
    }

    #[test]
    fn numbers_have_ranges() {
        assert_eq!("720".parse(), Ok(Extent(720)));
        let too_large = "99999".parse::<Extent>().unwrap_err();
        assert_eq!(
            too_large,
            "a whole number of pixels from 16 to 16384 is wanted, not 99999"
        );
        for text in ["0", "-1", "15", "16385", "7.5", "x", "", "99999999999999999999"] {
            assert!(text.parse::<Extent>().is_err(), "{text}");
        }
        assert!("0".parse::<Factor>().is_err());
        assert!("nan".parse::<Factor>().is_err());
        assert_eq!("never".parse(), Ok(HideDelay(None)));
        assert!("-5".parse::<HideDelay>().is_err());
    }

    #[test]
    fn names_and_addresses() {
        assert!("0.0.0.0:4433".parse::<Listen>().is_ok() && "[::1]:0".parse::<Listen>().is_ok());
        for text in ["4433", "localhost", "1.2.3.4", "1.2.3.4:65536", "::1:4433x"] {
            assert!(text.parse::<Listen>().is_err(), "{text}");
        }
        for text in ["", "a/b", "a b", "../x", ".x", "é"] {
            assert!(text.parse::<StreamName>().is_err(), "{text}");
        }
    }
}
