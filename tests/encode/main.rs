//! The encode thread: pictures in, packets out, and what the packets decode to.

mod shm;
mod support;

use goggles_scope::config::Encoder as Choice;
use goggles_scope::link::{EncodeJob, EncoderToScope, FrameId, Pixels, Rate, Size};
use goggles_scope::stream::encode::{Config, Expect, Kind, probe};
use shm::Shm;
use smithay::backend::renderer::utils::Buffer;
use std::sync::Arc;
use support::{CARD, Decoded, Decoder, Harness, Picture, QUALITY};
use wayland_client::protocol::wl_shm::Format;

/// The middle of each of the card's patches has its colour.
fn assert_card(decoded: &Decoded, picture: &Picture, tolerance: f64) {
    let (w, h) = (picture.size.w, picture.size.h);
    for (i, colour) in (0u32..).zip(CARD) {
        let (x, y) = ((i % 4) * w / 4 + w / 8, (i / 4) * h / 2 + h / 4);
        let got = decoded.rgb(x, y);
        let far = (0..3)
            .map(|c| (got[c] - f64::from(colour[c])).abs())
            .fold(0.0, f64::max);
        assert!(far <= tolerance, "{w}x{h}: patch {i} is {got:?}, not {colour:?}");
    }
}

/// A picture that is different for each `n` all over: stripes that move.
fn moving(n: u32) -> Picture {
    Picture::new(320, 180, 0, |x, y| {
        let v = ((x + 7 * n) * 3 + y) as u8;
        [v, v.wrapping_mul(3), v / 2]
    })
}

#[test]
fn colours_sizes_and_strides() {
    let mut harness = Harness::new(Config::default());
    for (w, h, pad) in [
        (1280, 720, 0),
        (641, 359, 0),
        (640, 361, 52),
        (333, 200, 4),
        (64, 64, 1000),
        (3840, 2160, 0),
    ] {
        let picture = Picture::card(w, h, pad);
        let packet = harness.encode(&picture);
        assert!(packet.key_frame, "a new size starts a new group");
        assert_eq!(
            packet.format.size,
            Size {
                w: w + w % 2,
                h: h + h % 2
            }
        );
        assert!(packet.format.codec.starts_with("avc3.42c0"), "{}", packet.format.codec);
        let decoded = Decoder::all([&packet]);
        assert_eq!(decoded.len(), 1);
        assert_eq!(
            decoded[0].info.colorimetry().to_string(),
            "bt709",
            "the bitstream says its colours"
        );
        assert_card(&decoded[0], &picture, 8.0);
    }
}

#[test]
fn tiny_pictures() {
    let mut harness = Harness::new(Config::default());
    for (w, h) in [(1, 1), (1, 9), (15, 17), (16, 16)] {
        let packet = harness.encode(&Picture::plain(w, h, [200, 30, 120]));
        let decoded = Decoder::all([&packet]);
        assert_eq!(decoded.len(), 1, "{w}x{h}");
        let got = decoded[0].rgb(w - 1, h - 1);
        assert!(
            (got[0] - 200.0).abs() < 8.0 && (got[2] - 120.0).abs() < 8.0,
            "{w}x{h}: {got:?}"
        );
    }
}

#[test]
fn a_gradient_keeps_its_quality() {
    let mut harness = Harness::new(Config::default());
    let picture = Picture::new(640, 360, 0, |x, y| [(x * 255 / 640) as u8, (y * 255 / 360) as u8, 90]);
    let packets: Vec<_> = (0..10).map(|_| harness.encode(&picture)).collect();
    let decoded = Decoder::all(&packets);
    let psnr: Vec<f64> = decoded.iter().map(|d| d.psnr(&picture)).collect();
    assert!(psnr.len() == 10 && psnr.iter().all(|&db| db > 40.0), "{psnr:?}");
}

#[test]
fn one_in_one_out_and_key_frames_only_on_demand() {
    let mut harness = Harness::new(Config::default());
    let wishes = [3, 4, 50, 299];
    let mut packets = Vec::new();
    for n in 0..320 {
        let mut job = harness.job(&moving(n));
        job.key_frame = wishes.contains(&n);
        // `encode_job` fails unless the packet of this very job is out before the next one goes in.
        let packet = harness.encode_job(job);
        assert_eq!(packet.key_frame, n == 0 || wishes.contains(&n), "frame {n}");
        let times = packet.times;
        assert!(times.encode_start.0 > 0 && times.encode_start <= times.converted && times.converted < times.encoded);
        packets.push(packet);
    }
    assert!(
        packets.iter().all(|p| Arc::ptr_eq(&p.format, &packets[0].format)),
        "one description for all"
    );
    // A viewer can join at any key frame, and sees the right picture at once.
    let from = 50;
    let decoded = Decoder::all(&packets[from..]);
    assert_eq!(decoded.len(), packets.len() - from);
    assert!(decoded[0].psnr(&moving(50)) > 25.0);
}

#[test]
fn a_cut_does_not_make_a_key_frame() {
    let mut harness = Harness::new(Config::default());
    for n in 0..20 {
        let colour = if n % 2 == 0 { [255, 255, 255] } else { [0, 0, 0] };
        assert_eq!(harness.encode(&Picture::plain(640, 360, colour)).key_frame, n == 0);
    }
}

#[test]
fn the_newest_wins_in_a_burst() {
    let mut harness = Harness::new(Config::default());
    let jobs: Vec<_> = (0..200).map(|n| harness.job(&moving(n))).collect();
    let last = jobs.last().expect("some").frame;
    for job in jobs {
        harness.encoder.submit(job);
    }
    let mut seen = Vec::new();
    let mut replaced = 0;
    while !seen.contains(&last) {
        match harness.event() {
            EncoderToScope::Done { frame, .. } => seen.push(frame),
            EncoderToScope::Replaced(frame) => {
                replaced += 1;
                seen.push(frame);
            }
            other => panic!("{other:?}"),
        }
    }
    seen.sort();
    assert_eq!(
        seen,
        (1..=200).map(FrameId).collect::<Vec<_>>(),
        "each job is answered once"
    );
    let sent: Vec<_> = harness.packets.try_iter().collect();
    assert_eq!(sent.len() + replaced, 200);
    assert!(replaced > 0 && sent.last().expect("the last one").frame == last);
    assert!(
        sent[0].key_frame,
        "the first packet starts a group, even if the first job was replaced"
    );
    assert_eq!(Decoder::all(&sent).len(), sent.len());
}

#[test]
fn a_lost_packet_is_reported_and_followed_by_a_key_frame() {
    let mut harness = Harness::with_room(Config::default(), 2);
    for n in 0..4 {
        let job = harness.job(&moving(n));
        harness.encoder.submit(job);
        match harness.event() {
            EncoderToScope::Done { frame, .. } => assert!(frame <= FrameId(2)),
            EncoderToScope::PacketDropped(frame) => assert!(frame > FrameId(2)),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(harness.packets.try_iter().count(), 2);
    assert!(harness.encode(&moving(5)).key_frame);
    assert!(!harness.encode(&moving(6)).key_frame);
}

/// Noise, which takes all the bits it gets.
fn noise(n: u32) -> Picture {
    Picture::new(640, 360, 0, move |x, y| {
        let v = (x ^ (y << 7)).wrapping_add(n * 7919).wrapping_mul(2_654_435_761);
        v.to_be_bytes()[..3].try_into().expect("three")
    })
}

#[test]
fn quality_is_bounded() {
    let mut harness = Harness::new(Config::default());
    let mut sizes = Vec::new();
    for n in 0..120 {
        // A still picture for a second first: what it saves must not be spent at once by what follows.
        let mut job = harness.job(&if n < 60 {
            Picture::plain(640, 360, [90; 3])
        } else {
            noise(n)
        });
        job.rate = Rate::Quality {
            crf: 15,
            max_kbps: 6000,
        };
        sizes.push(harness.encode_job(job).data.len() as f64 * 8.0 / 1000.0);
    }
    // The bound allows 100 kbit a frame and six frames' worth saved up.
    let (first, rest): (f64, f64) = (sizes[60..66].iter().sum(), sizes[70..].iter().sum());
    assert!(first < 1300.0, "{first} kbit in six frames");
    assert!(rest / 50.0 < 115.0, "{} kbit a frame", rest / 50.0);
}

#[test]
fn the_rate_changes_without_a_new_group() {
    let mut harness = Harness::new(Config::default());
    let mean = |harness: &mut Harness, kbps: u32, from: u32| {
        let mut bytes = 0;
        for n in from..from + 60 {
            let mut job = harness.job(&noise(n));
            job.rate = Rate::Constant { kbps };
            let packet = harness.encode_job(job);
            assert_eq!(packet.key_frame, n == 0, "frame {n}");
            assert_eq!(packet.format.bitrate, u64::from(kbps) * 1000);
            if n >= from + 20 {
                bytes += packet.data.len();
            }
        }
        bytes as f64 * 8.0 / 40.0 * 60.0 / 1000.0
    };
    for (i, kbps) in (0u32..).zip([8000, 20_000, 5000]) {
        let got = mean(&mut harness, kbps, i * 60);
        assert!(
            (0.6..1.1).contains(&(got / f64::from(kbps))),
            "{kbps} kbit/s asked, {got:.0} made"
        );
    }
    // Another kind of rate needs another encoder.
    assert!(harness.encode(&noise(999)).key_frame);
}

#[test]
fn an_impossible_job_fails_alone() {
    let mut harness = Harness::new(Config::default());
    harness.encode(&moving(0));
    for size in [
        Size { w: 0, h: 0 },
        Size { w: 320, h: 100_000 },
        Size { w: 1000, h: 180 },
    ] {
        let mut job = harness.job(&moving(1));
        job.size = size;
        let bad = job.frame;
        harness.encoder.submit(job);
        match harness.event() {
            EncoderToScope::Failed { frame, why } => assert!(frame == bad && !why.is_empty()),
            other => panic!("{other:?}"),
        }
        assert!(
            harness.encode(&moving(2)).key_frame,
            "after a failure a new group starts"
        );
    }
}

#[test]
fn drop_joins_and_releases() {
    let mut harness = Harness::new(Config::default());
    let (home, returned) = std::sync::mpsc::channel();
    for n in 0..30 {
        let mut job = harness.job(&moving(n));
        if let goggles_scope::link::Pixels::Composed(image) = &mut job.pixels {
            image.home = Some(home.clone());
        }
        harness.encoder.submit(job);
    }
    drop(home);
    drop(harness);
    assert_eq!(returned.iter().count(), 30, "every picture's memory came home");
}

#[test]
fn expected_jobs_find_the_encoder_warm() {
    let size = Size { w: 320, h: 180 };
    let expect = Expect {
        size,
        refresh: goggles_scope::link::Refresh(60_000),
        rate: QUALITY,
    };
    let mut harness = Harness::new(Config {
        expect: Some(expect),
        ..Config::default()
    });
    assert!(harness.encode(&moving(0)).key_frame);
    assert!(!harness.encode(&moving(1)).key_frame);
}

#[test]
fn openh264_does_the_same() {
    let mut harness = Harness::new(Config {
        choice: Choice::OpenH264,
        ..Config::default()
    });
    assert_eq!(harness.encoder.kind(), Kind::OpenH264);
    for (w, h, pad) in [(640, 360, 0), (641, 359, 52), (1280, 720, 0)] {
        let picture = Picture::card(w, h, pad);
        let first = harness.encode(&picture);
        assert!(
            first.key_frame && first.format.codec.starts_with("avc3.42"),
            "{}",
            first.format.codec
        );
        let mut packets = vec![first];
        for n in 1..100 {
            let mut job = harness.job(&picture);
            job.key_frame = n == 40;
            let packet = harness.encode_job(job);
            assert_eq!(packet.key_frame, n == 40, "frame {n}");
            packets.push(packet);
        }
        let decoded = Decoder::all(&packets);
        assert_eq!(decoded.len(), packets.len());
        assert_eq!(decoded[0].info.colorimetry().to_string(), "bt709");
        for picture_out in [&decoded[0], &decoded[40], &decoded[99]] {
            assert_card(picture_out, &picture, 10.0);
        }
    }
}

#[test]
fn probes_say_what_works() {
    let found = probe(Choice::Auto);
    assert_eq!(
        found.iter().map(|p| p.name).collect::<Vec<_>>(),
        ["x264enc", "openh264enc"]
    );
    for probe in found {
        assert!(probe.works && probe.remedy.is_empty() && probe.ms > 0.0, "{probe:?}");
    }
}

#[test]
fn packets_are_there_before_done() {
    // The harness checks it for every frame; here it is said once, with the event's own figures.
    let mut harness = Harness::new(Config::default());
    let job = harness.job(&moving(0));
    harness.encoder.submit(job);
    let EncoderToScope::Done {
        bytes,
        key_frame,
        times,
        ..
    } = harness.event()
    else {
        panic!("not done")
    };
    let packet = harness.packets.try_recv().expect("a packet");
    assert_eq!(
        (bytes, key_frame, times),
        (packet.data.len(), packet.key_frame, packet.times)
    );
}

/// The job of a client's buffer.
fn client_job(harness: &mut Harness, picture: &Picture, buffer: Buffer) -> EncodeJob {
    EncodeJob {
        pixels: Pixels::Client(buffer),
        ..harness.job(picture)
    }
}

#[test]
fn a_clients_buffer_is_read_in_place_and_given_back() {
    let mut harness = Harness::new(Config::default());
    let mut shm = Shm::new();
    for (n, (w, h, pad, offset, format)) in (1..).zip([
        (640, 360, 0, 0, Format::Xrgb8888),
        (640, 360, 64, 4096, Format::Argb8888),
        (641, 359, 12, 8, Format::Xrgb8888),
        (640, 360, 0, 0, Format::Xbgr8888),
        (640, 360, 8, 100, Format::Abgr8888),
    ]) {
        let picture = Picture::card(w, h, pad);
        let mut bytes = vec![0x77; offset];
        bytes.extend(&picture.data);
        if matches!(format, Format::Xbgr8888 | Format::Abgr8888) {
            for y in 0..h as usize {
                let row = &mut bytes[offset + y * picture.stride..][..w as usize * 4];
                row.chunks_exact_mut(4).for_each(|pixel| pixel.swap(0, 2));
            }
        }
        let (buffer, _file) = shm.buffer(&bytes, offset, picture.stride, picture.size, format);
        let mut job = client_job(&mut harness, &picture, buffer);
        job.key_frame = true;
        assert_eq!(shm.released(), n - 1);
        let packet = harness.encode_job(job);
        assert_eq!(shm.released(), n, "the buffer came back");
        assert_card(&Decoder::all([&packet])[0], &picture, 8.0);
    }
}

#[test]
fn a_client_that_lies_fails_alone() {
    let mut harness = Harness::new(Config::default());
    let picture = Picture::card(640, 360, 0);
    let fail = |harness: &mut Harness, job: EncodeJob| {
        harness.encoder.submit(job);
        let EncoderToScope::Failed { why, .. } = harness.event() else {
            panic!("it was encoded")
        };
        why
    };

    let mut shm = Shm::new();
    let (buffer, _file) = shm.buffer(&picture.data, 0, 640 * 2, picture.size, Format::Rgb565);
    let job = client_job(&mut harness, &picture, buffer);
    assert!(fail(&mut harness, job).contains("Rgb565"));
    let (buffer, _file) = shm.buffer(&picture.data, 0, 640 * 4, Size { w: 640, h: 180 }, Format::Xrgb8888);
    let job = client_job(&mut harness, &picture, buffer);
    assert!(fail(&mut harness, job).contains("640x180"));
    assert!(
        !shm.ended() && shm.released() == 2,
        "the compositor's mistakes are not the client's"
    );

    // The file is cut short under the mapping: reading raises SIGBUS.
    let (buffer, file) = shm.buffer(&picture.data, 0, 640 * 4, picture.size, Format::Xrgb8888);
    file.set_len(4096).expect("cuts");
    let job = client_job(&mut harness, &picture, buffer);
    fail(&mut harness, job);
    assert!(shm.ended(), "the client lost its connection");

    let packet = harness.encode(&picture);
    assert!(packet.key_frame);
    assert_card(&Decoder::all([&packet])[0], &picture, 8.0);
}
