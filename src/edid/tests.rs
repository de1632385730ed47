//! Every EDID that is made is read back, sealed, and, where `edid-decode` is installed, judged by it.

use super::*;
use crate::link::{Refresh, Size};
use proptest::prelude::*;
use std::io::Write;
use std::process::{Command, Stdio};

const HDR: Hdr = Hdr {
    max_nits: 1000.0,
    max_average_nits: 400.0,
    min_nits: 0.01,
    gamut: Chromaticity::BT2020,
};

fn spec(w: u32, h: u32, mhz: u32) -> Spec {
    Spec::new(Size { w, h }, Refresh(mhz))
}

/// What `edid-decode --check` says.
fn decode(edid: &[u8]) -> (bool, String) {
    let mut tool = Command::new("edid-decode")
        .args(["--check", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("edid-decode (tools/setup.sh check)");
    let mut stdin = tool.stdin.take().unwrap();
    stdin.write_all(edid).unwrap();
    drop(stdin);
    let output = tool.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (text.contains("EDID conformity: PASS") && output.status.success(), text)
}

/// Sizes from the smallest to the largest, landscape and portrait, and odd ones.
const SIZES: &[(u32, u32)] = &[
    (640, 480),
    (800, 600),
    (1024, 768),
    (1280, 720),
    (1280, 800),
    (1366, 768),
    (1920, 1080),
    (1080, 1920),
    (720, 1280),
    (480, 640),
    (2560, 1080),
    (2560, 1440),
    (3440, 1440),
    (3840, 2160),
    (2160, 3840),
    (4096, 2160),
    (5120, 1440),
    (5120, 2880),
    (7680, 4320),
    (4320, 7680),
];

const RATES: &[u32] = &[
    24_000, 30_000, 50_000, 59_940, 60_000, 75_000, 90_000, 119_880, 120_000, 144_000, 240_000,
];

#[test]
fn edid_decode_finds_nothing_wrong() {
    let mut wrong = Vec::new();
    for (w, h) in SIZES {
        for mhz in RATES {
            if (*w, *h, *mhz) == (640, 480, 24_000) {
                // Debian 12's edid-decode crashes (a segmentation fault) at any EDID with that timing.
                continue;
            }
            for (variable_from, hdr) in [(None, None), (Some(48), None), (None, Some(HDR)), (Some(24), Some(HDR))] {
                // A range needs some width.
                let variable_from = variable_from.filter(|from| from * 1000 + 10_000 < *mhz);
                let spec = Spec {
                    variable_from,
                    hdr,
                    ..spec(*w, *h, *mhz)
                };
                let (pass, text) = decode(&build(&spec));
                let rate = format!("{:.3}", f64::from(*mhz) / 1000.0);
                if !pass {
                    wrong.push(format!(
                        "{w}x{h} {rate} {variable_from:?} hdr {}: {text}",
                        hdr.is_some()
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong, the first: {}", wrong.len(), wrong[0]);
}

#[test]
fn sixty_hertz_monitors_have_the_sizes_that_no_table_knows() {
    let planned = |w, h, mhz| Plan::new(&spec(w, h, mhz)).detailed;
    let sizes = |w, h, mhz| planned(w, h, mhz).iter().map(|t| t.h.active).collect::<Vec<_>>();
    assert_eq!(sizes(3840, 2160, 60_000), [2560]);
    assert!(sizes(1920, 1080, 60_000).is_empty());
    assert_eq!(sizes(3840, 2160, 59_940), [2560, 1920, 1600, 1280]);
}

#[test]
fn the_native_mode_is_where_its_readers_look() {
    let plain = build(&spec(1920, 1080, 59_940));
    assert_eq!(
        read(&plain).unwrap().mode,
        Some((Size { w: 1920, h: 1080 }, Refresh(59_938)))
    );
    assert_eq!(plain.len(), 2 * BLOCK);
    // 2080 x 1111 pixels, 59.94 times a second: 138.51 MHz.
    assert_eq!(u16::from_le_bytes([plain[54], plain[55]]), 13_851);
    let beyond = build(&spec(7680, 4320, 240_000));
    assert_eq!(beyond.len(), 3 * BLOCK);
    let id = &beyond[2 * BLOCK..];
    let at = id.windows(3).position(|w| w == [0x22, 0, 20]).unwrap();
    let clock = u32::from_le_bytes([id[at + 3], id[at + 4], id[at + 5], 0]) + 1;
    let word = |i: usize| u16::from_le_bytes([id[at + 7 + i], id[at + 8 + i]]);
    assert_eq!((word(0) + 1, word(8) + 1), (7680, 4320));
    let frame = u64::from(word(0) + word(2) + 2) * u64::from(word(8) + word(10) + 2);
    let rate = f64::from(clock) * 1000.0 / frame as f64;
    assert!((rate - 240.0).abs() < 0.001, "{rate}");
}

#[test]
fn hdr_is_said_as_cta_861_says_it() {
    let bytes = build(&Spec {
        hdr: Some(HDR),
        ..spec(1920, 1080, 60_000)
    });
    let cta = &bytes[BLOCK..];
    // 993 nits at most, 400 on average, 0.0098 at least: the codes' steps.
    let metadata = [0xe6, 0x06, 0x05, 0x01, 138, 96, 8];
    assert!(cta.windows(7).any(|w| w == metadata), "{cta:02x?}");
    assert!(cta.windows(4).any(|w| w == [0xe3, 0x05, 0x80, 0x00]));
    let sdr = build(&spec(1920, 1080, 60_000));
    assert!(!sdr[BLOCK..].windows(2).any(|w| w == [0xe6, 0x06]));
}

#[test]
fn what_is_wrong_with_a_file_is_said() {
    let good = build(&spec(1280, 720, 60_000));
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        read(&bytes)
    };
    let reseal = |bytes: &mut Vec<u8>| {
        bytes[127] = 0;
        bytes[127] = sum(&bytes[..BLOCK]).wrapping_neg();
    };
    assert_eq!(with(&|b| b.truncate(200)), Err(Flaw::Length(200)));
    assert_eq!(with(&|b| b.clear()), Err(Flaw::Length(0)));
    assert_eq!(with(&|b| b[1] = 0), Err(Flaw::Header));
    assert_eq!(with(&|b| b[60] ^= 1), Err(Flaw::Checksum(0)));
    assert_eq!(with(&|b| b[200] ^= 1), Err(Flaw::Checksum(1)));
    assert_eq!(
        with(&|b| b.truncate(BLOCK)),
        Err(Flaw::Extensions { said: 1, there: 0 })
    );
    assert_eq!(
        with(&|b| {
            b[18] = 2;
            reseal(b);
        }),
        Err(Flaw::Version(2, 4))
    );
    assert_eq!(
        with(&|b| {
            b[8] = 0;
            reseal(b);
        }),
        Err(Flaw::Vendor)
    );
}

#[test]
fn names_and_vendors_have_their_rules() {
    assert!("goggles-scope".parse::<Name>().is_ok() && "a b".parse::<Name>().is_ok());
    for text in ["", " a", "a ", "12345678901234", "é", "a\nb"] {
        assert!(text.parse::<Name>().is_err(), "{text:?}");
    }
    assert_eq!("DEL".parse(), Ok(Vendor(*b"DEL")));
    for text in ["", "DE", "DELL", "del", "D1L"] {
        assert!(text.parse::<Vendor>().is_err(), "{text:?}");
    }
}

proptest! {
    #[test]
    fn whatever_is_made_is_sealed_and_read_back(
        (w, h) in (1u32..=65_536, 1u32..=65_536),
        mhz in 0u32..2_000_000,
        serial: u32,
        name in "[!-~]([ -~]{0,11}[!-~])?",
        vendor in "[A-Z]{3}",
        variable_from in proptest::option::of(0u32..2000),
        nits in proptest::option::of((0.0f64..20_000.0, 0.0f64..20_000.0, 0.0f64..10.0)),
    ) {
        let hdr = nits.map(|(max_nits, max_average_nits, min_nits)| Hdr {
            max_nits,
            max_average_nits,
            min_nits,
            gamut: Chromaticity::BT2020,
        });
        let vendor: Vendor = vendor.parse().unwrap();
        let spec = Spec {
            vendor,
            name: name.parse().unwrap(),
            serial,
            variable_from,
            hdr,
            ..spec(w, h, mhz)
        };
        let bytes = build(&spec);
        prop_assert!(bytes.chunks_exact(BLOCK).all(|block| sum(block) == 0));
        let told = read(&bytes).unwrap();
        let said = (told.vendor, told.name, told.millimetres, told.hdr);
        prop_assert_eq!(said, (vendor, name, Some(spec.millimetres), hdr.is_some()));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600), blocks in 0usize..5) {
        let _ = read(&bytes);
        // The same with all that comes before the contents in order.
        let mut shaped = bytes;
        shaped.resize(blocks * BLOCK, 0x5a);
        if blocks > 0 {
            shaped[..8].copy_from_slice(&super::base::HEADER);
            shaped[18] = 1;
            shaped[126] = (blocks - 1) as u8;
            for block in shaped.chunks_exact_mut(BLOCK) {
                block[BLOCK - 1] = 0;
                block[BLOCK - 1] = sum(block).wrapping_neg();
            }
            if let Ok(told) = read(&shaped) {
                prop_assert!(!told.name.is_empty());
            }
        }
    }
}
