//! Turns access units into pictures: libavcodec's H.264 decoder through GStreamer.
//!
//! The decoder element hangs between two pads of ours, without a pipeline around it, so that it decodes in the
//! caller's thread: no queue and no thread switch adds to what the bench measures.

use anyhow::{Context, Result, bail, ensure};
use gstreamer::prelude::*;
use gstreamer::{self as gst, Caps, EventView};
use gstreamer_video::{VideoColorMatrix, VideoColorRange, VideoFormat, VideoFrame, VideoFrameExt, VideoInfo};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::picture::Rgb;

/// What the decoder has given out, in order.
#[derive(Default)]
struct Output {
    info: Option<VideoInfo>,
    buffers: Vec<gst::Buffer>,
}

/// A decoder at a stream's start.
pub struct Decoder {
    element: gst::Element,
    input: gst::Pad,
    // Kept alive: the element's source pad is linked to it.
    _output: gst::Pad,
    shared: Arc<Mutex<Output>>,
}

impl Decoder {
    /// A decoder of Annex B access units.
    ///
    /// # Errors
    /// GStreamer, or its libav plugin, is missing.
    pub fn new() -> Result<Self> {
        gst::init().context("error starting GStreamer")?;
        let element = gst::ElementFactory::make("avdec_h264")
            // Frame threads would hold pictures back.
            .property_from_str("thread-type", "slice")
            .property("max-threads", 2)
            .build()
            .context("no avdec_h264 (package gstreamer1.0-libav)")?;
        let shared = Arc::new(Mutex::new(Output::default()));
        let (on_event, on_buffer) = (shared.clone(), shared.clone());
        let output = gst::Pad::builder(gst::PadDirection::Sink)
            .event_function(move |_, _, event| {
                if let EventView::Caps(caps) = event.view() {
                    lock(&on_event).info = VideoInfo::from_caps(caps.caps()).ok();
                }
                true
            })
            .chain_function(move |_, _, buffer| {
                lock(&on_buffer).buffers.push(buffer);
                Ok(gst::FlowSuccess::Ok)
            })
            .build();
        let input = gst::Pad::builder(gst::PadDirection::Src).build();
        let pad = |name| {
            element
                .static_pad(name)
                .with_context(|| format!("avdec_h264 has no pad {name}"))
        };
        input.link(&pad("sink")?).context("error linking the decoder")?;
        pad("src")?.link(&output).context("error linking the decoder")?;
        output.set_active(true)?;
        input.set_active(true)?;
        element
            .set_state(gst::State::Playing)
            .context("error starting the decoder")?;
        let caps = Caps::builder("video/x-h264")
            .field("stream-format", "byte-stream")
            .field("alignment", "au")
            .build();
        for event in [
            gst::event::StreamStart::new("stream"),
            gst::event::Caps::new(&caps),
            gst::event::Segment::new(&gst::FormattedSegment::<gst::ClockTime>::new()),
        ] {
            ensure!(input.push_event(event), "the decoder takes no events");
        }
        Ok(Self {
            element,
            input,
            _output: output,
            shared,
        })
    }

    /// Decodes one access unit. A stream without reordering gives its picture at once; `None`: the decoder holds it
    /// back, or it was damaged.
    pub fn decode(&mut self, unit: impl AsRef<[u8]> + Send + 'static) -> Result<Option<Picture>> {
        let mut buffer = gst::Buffer::from_slice(unit);
        if let Some(buffer) = buffer.get_mut() {
            // Time stamps play no part, but the decoder wants some.
            buffer.set_pts(gst::ClockTime::ZERO);
        }
        self.input.push(buffer).context("error decoding")?;
        let mut output = lock(&self.shared);
        let Some(last) = output.buffers.pop() else {
            return Ok(None);
        };
        ensure!(output.buffers.is_empty(), "several pictures of one access unit");
        let info = output.info.clone().context("a picture without a format")?;
        drop(output);
        Picture::new(last, &info).map(Some)
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // It goes down whatever the answer is.
        let _ = self.element.set_state(gst::State::Null);
    }
}

fn lock(shared: &Mutex<Output>) -> std::sync::MutexGuard<'_, Output> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A decoded picture, as the decoder gave it out (I420).
pub struct Picture {
    frame: VideoFrame<gstreamer_video::video_frame::Readable>,
    /// Kr and Kb of the matrix (ITU-T H.273, table 4).
    k: [f32; 2],
    full_range: bool,
}

impl Picture {
    fn new(buffer: gst::Buffer, info: &VideoInfo) -> Result<Self> {
        ensure!(
            info.format() == VideoFormat::I420,
            "decoded to {:?}, not I420",
            info.format()
        );
        let k = match info.colorimetry().matrix() {
            VideoColorMatrix::Bt709 => [0.2126, 0.0722],
            VideoColorMatrix::Bt601 => [0.299, 0.114],
            other => bail!("an unexpected colour matrix: {other:?}"),
        };
        let full_range = info.colorimetry().range() == VideoColorRange::Range0_255;
        let frame = VideoFrame::from_buffer_readable(buffer, info)
            .ok()
            .context("error mapping a picture")?;
        Ok(Self { frame, k, full_range })
    }

    /// Width and height in pixels.
    pub fn size(&self) -> (usize, usize) {
        (self.frame.width() as usize, self.frame.height() as usize)
    }

    /// The colour at `x`, `y`; outside the picture: at its edge.
    pub fn rgb(&self, x: usize, y: usize) -> Rgb {
        let (w, h) = self.size();
        let (x, y) = (x.min(w - 1), y.min(h - 1));
        let sample = |plane: u32, x: usize, y: usize| {
            let stride = self.frame.plane_stride()[plane as usize] as usize;
            // A plane that can't be read is black.
            self.frame
                .plane_data(plane)
                .ok()
                .and_then(|data| data.get(y * stride + x).copied())
                .unwrap_or(0)
        };
        let (luma, cb, cr) = (sample(0, x, y), sample(1, x / 2, y / 2), sample(2, x / 2, y / 2));
        let (luma, cb, cr) = if self.full_range {
            (
                f32::from(luma) / 255.0,
                (f32::from(cb) - 128.0) / 255.0,
                (f32::from(cr) - 128.0) / 255.0,
            )
        } else {
            (
                (f32::from(luma) - 16.0) / 219.0,
                (f32::from(cb) - 128.0) / 224.0,
                (f32::from(cr) - 128.0) / 224.0,
            )
        };
        let [kr, kb] = self.k;
        let r = luma + 2.0 * (1.0 - kr) * cr;
        let b = luma + 2.0 * (1.0 - kb) * cb;
        let g = (luma - kr * r - kb * b) / (1.0 - kr - kb);
        [r, g, b].map(|v| (v * 255.0).round().clamp(0.0, 255.0) as u8)
    }

    /// The colour of the centre.
    pub fn centre(&self) -> Rgb {
        let (w, h) = self.size();
        self.rgb(w / 2, h / 2)
    }

    /// The part of the pixels (one in 16) that `is` says yes to, 0 to 1.
    pub fn share(&self, is: impl Fn(Rgb) -> bool) -> f64 {
        let (w, h) = self.size();
        let (mut yes, mut all) = (0u32, 0u32);
        for y in (0..h).step_by(4) {
            for x in (0..w).step_by(4) {
                all += 1;
                yes += u32::from(is(self.rgb(x, y)));
            }
        }
        f64::from(yes) / f64::from(all.max(1))
    }

    /// Writes it as a PNG, for people to look at.
    pub fn save(&self, path: &Path) -> Result<()> {
        let (w, h) = self.size();
        let pixels: Vec<u8> = (0..h).flat_map(|y| (0..w).flat_map(move |x| self.rgb(x, y))).collect();
        let file = std::fs::File::create(path).with_context(|| format!("error creating {}", path.display()))?;
        let mut encoder = png::Encoder::new(std::io::BufWriter::new(file), w as u32, h as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.write_header()?.write_image_data(&pixels)?;
        Ok(())
    }
}

/// Whether two colours differ by at most `tolerance` in each component.
pub fn is_near(a: Rgb, b: Rgb, tolerance: u8) -> bool {
    a.iter().zip(b).all(|(a, b)| a.abs_diff(b) <= tolerance)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gstreamer_app::AppSink;

    /// `count` access units of a picture whose colour is 0xRRGGBB.
    fn encoded(colour: u32, count: u32) -> Vec<Vec<u8>> {
        gst::init().unwrap();
        let pipeline = gst::parse::launch(&format!(
            "videotestsrc pattern=solid-color foreground-color={} num-buffers={count} \
             ! video/x-raw,format=I420,width=320,height=240,colorimetry=bt709 \
             ! x264enc tune=zerolatency speed-preset=ultrafast byte-stream=true quantizer=10 pass=qual \
             ! video/x-h264,stream-format=byte-stream,alignment=au ! appsink name=out sync=false",
            colour | 0xff00_0000
        ))
        .unwrap();
        let sink: AppSink = pipeline
            .downcast_ref::<gst::Bin>()
            .unwrap()
            .by_name("out")
            .unwrap()
            .downcast()
            .unwrap();
        pipeline.set_state(gst::State::Playing).unwrap();
        let mut units = Vec::new();
        while let Ok(sample) = sink.pull_sample() {
            units.push(sample.buffer().unwrap().map_readable().unwrap().to_vec());
        }
        pipeline.set_state(gst::State::Null).unwrap();
        units
    }

    #[test]
    fn each_unit_gives_its_picture_at_once() {
        let mut decoder = Decoder::new().unwrap();
        let units = encoded(0xc8_28_3c, 5);
        assert_eq!(units.len(), 5);
        for unit in units {
            let picture = decoder.decode(unit).unwrap().expect("held back");
            assert_eq!(picture.size(), (320, 240));
            assert!(
                is_near(picture.centre(), [0xc8, 0x28, 0x3c], 4),
                "{:?}",
                picture.centre()
            );
            assert_eq!(picture.share(|c| is_near(c, [0xc8, 0x28, 0x3c], 4)), 1.0);
        }
    }

    #[test]
    fn a_picture_can_be_saved() {
        let mut decoder = Decoder::new().unwrap();
        let units = encoded(0x28_c8_3c, 1);
        let picture = decoder.decode(units[0].clone()).unwrap().unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        picture.save(file.path()).unwrap();
        let decoder = png::Decoder::new(std::io::BufReader::new(std::fs::File::open(file.path()).unwrap()));
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        let at = (120 * 320 + 160) * 3;
        assert!(is_near(
            [pixels[at], pixels[at + 1], pixels[at + 2]],
            [0x28, 0xc8, 0x3c],
            4
        ));
    }

    #[test]
    fn damage_is_no_panic() {
        let mut decoder = Decoder::new().unwrap();
        let _ = decoder.decode(vec![0, 0, 0, 1, 0x67, 1, 2, 3]);
        let _ = decoder.decode(Vec::new());
    }
}
