//! Pictures to encode, a harness around the encode thread, and a decoder to look at what came out.

use goggles_scope::link::{EncodeJob, EncoderToScope, FrameId, Image, Packet, Pixels, Rate, Refresh, Size, TimeLine};
use goggles_scope::stream::encode::{Config, Encoder};
use gst::prelude::*;
use gst_video::prelude::*;
use gstreamer as gst;
use gstreamer_video as gst_video;
use std::collections::VecDeque;
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Nothing here takes this long; a test that waits longer has failed.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub const QUALITY: Rate = Rate::Quality {
    crf: 18,
    max_kbps: 100_000,
};

/// An encode thread with both of its ends.
pub struct Harness {
    pub encoder: Encoder,
    events: calloop::EventLoop<'static, VecDeque<EncoderToScope>>,
    queue: VecDeque<EncoderToScope>,
    pub packets: mpsc::Receiver<Packet>,
    next: u64,
}

impl Harness {
    pub fn new(config: Config) -> Self {
        Self::with_room(config, 1000)
    }

    /// The sink holds `room` packets.
    pub fn with_room(config: Config, room: usize) -> Self {
        let (events_to, events) = calloop::channel::channel();
        let (packets_to, packets) = mpsc::sync_channel(room);
        let sink = Box::new(move |packet| {
            packets_to.try_send(packet).map_err(|e| match e {
                mpsc::TrySendError::Full(p) | mpsc::TrySendError::Disconnected(p) => p,
            })
        });
        let encoder = Encoder::spawn_to(config, events_to, sink).expect("the encoder starts");
        let event_loop = calloop::EventLoop::try_new().expect("a loop");
        let insert = event_loop
            .handle()
            .insert_source(events, |event, _, queue: &mut VecDeque<_>| {
                if let calloop::channel::Event::Msg(event) = event {
                    queue.push_back(event);
                }
            });
        assert!(insert.is_ok());
        Self {
            encoder,
            events: event_loop,
            queue: VecDeque::new(),
            packets,
            next: 0,
        }
    }

    pub fn job(&mut self, picture: &Picture) -> EncodeJob {
        self.next += 1;
        EncodeJob {
            frame: FrameId(self.next),
            pixels: Pixels::Composed(picture.image()),
            size: picture.size,
            refresh: Refresh(60_000),
            key_frame: false,
            rate: QUALITY,
            times: TimeLine::default(),
        }
    }

    pub fn event(&mut self) -> EncoderToScope {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(event) = self.queue.pop_front() {
                return event;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no event came");
            self.events.dispatch(left, &mut self.queue).expect("dispatches");
        }
    }

    /// Encodes one picture and returns its packet.
    pub fn encode(&mut self, picture: &Picture) -> Packet {
        let job = self.job(picture);
        self.encode_job(job)
    }

    /// Encodes one job and returns its packet, which must be out before `Done` is.
    pub fn encode_job(&mut self, job: EncodeJob) -> Packet {
        let frame = job.frame;
        self.encoder.submit(job);
        match self.event() {
            EncoderToScope::Done { frame: done, .. } => assert_eq!(done, frame),
            other => panic!("{other:?}"),
        }
        let packet = self
            .packets
            .recv_timeout(PATIENCE)
            .expect("the packet is out before `Done`");
        assert_eq!(packet.frame, frame);
        packet
    }
}

/// A picture of 32 bits a pixel: B G R x.
#[derive(Clone)]
pub struct Picture {
    pub size: Size,
    pub stride: usize,
    pub data: Vec<u8>,
}

impl Picture {
    /// `colour` gives (r, g, b) for each pixel; rows are `pad` bytes longer than needed, and the pad is filled with noise.
    pub fn new(w: u32, h: u32, pad: usize, colour: impl Fn(u32, u32) -> [u8; 3]) -> Self {
        let stride = w as usize * 4 + pad;
        let mut data = vec![0xe5; stride * h as usize];
        for y in 0..h {
            for x in 0..w {
                let [r, g, b] = colour(x, y);
                let at = y as usize * stride + x as usize * 4;
                data[at..at + 4].copy_from_slice(&[b, g, r, 0x3c]);
            }
        }
        Self {
            size: Size { w, h },
            stride,
            data,
        }
    }

    /// The eight colours of the test card, in four columns and two rows.
    pub fn card(w: u32, h: u32, pad: usize) -> Self {
        Self::new(w, h, pad, |x, y| CARD[((x * 4 / w) + 4 * (y * 2 / h)) as usize])
    }

    pub fn plain(w: u32, h: u32, colour: [u8; 3]) -> Self {
        Self::new(w, h, 0, |_, _| colour)
    }

    pub fn image(&self) -> Image {
        Image {
            data: self.data.clone(),
            stride: self.stride,
            size: self.size,
            home: None,
        }
    }

    pub fn rgb(&self, x: u32, y: u32) -> [u8; 3] {
        let at = y as usize * self.stride + x as usize * 4;
        [self.data[at + 2], self.data[at + 1], self.data[at]]
    }
}

pub const CARD: [[u8; 3]; 8] = [
    [0, 0, 0],
    [255, 255, 255],
    [255, 0, 0],
    [0, 255, 0],
    [0, 0, 255],
    [255, 255, 0],
    [128, 128, 128],
    [200, 30, 120],
];

/// Decodes access units with libavcodec, as they come.
pub struct Decoder {
    src: gstreamer_app::AppSrc,
    sink: gstreamer_app::AppSink,
    pipeline: gst::Pipeline,
}

impl Decoder {
    pub fn new() -> Self {
        gst::init().expect("GStreamer");
        let caps = gst::Caps::builder("video/x-h264")
            .field("stream-format", "byte-stream")
            .field("alignment", "au")
            .build();
        let src = gstreamer_app::AppSrc::builder()
            .caps(&caps)
            .format(gst::Format::Time)
            .build();
        let sink = gstreamer_app::AppSink::builder().sync(false).build();
        let parse = gst::ElementFactory::make("h264parse").build().expect("h264parse");
        let decode = gst::ElementFactory::make("avdec_h264").build().expect("avdec_h264");
        let pipeline = gst::Pipeline::new();
        pipeline
            .add_many([src.upcast_ref(), &parse, &decode, sink.upcast_ref()])
            .expect("adds");
        gst::Element::link_many([src.upcast_ref(), &parse, &decode, sink.upcast_ref()]).expect("links");
        pipeline.set_state(gst::State::Playing).expect("plays");
        Self { src, sink, pipeline }
    }

    /// Decodes a whole stream and returns all of its pictures.
    pub fn all<'a>(packets: impl IntoIterator<Item = &'a Packet>) -> Vec<Decoded> {
        let this = Self::new();
        for (count, packet) in (0u64..).zip(packets) {
            let mut buffer = gst::Buffer::from_slice(packet.data.clone());
            let pts = gst::ClockTime::from_mseconds(16 * count);
            buffer.get_mut().expect("ours alone").set_pts(pts);
            this.src.push_buffer(buffer).expect("pushes");
        }
        this.src.end_of_stream().expect("ends");
        let mut pictures = Vec::new();
        while let Some(sample) = this
            .sink
            .try_pull_sample(gst::ClockTime::from_seconds(PATIENCE.as_secs()))
        {
            pictures.push(Decoded::new(&sample));
        }
        assert!(this.sink.is_eos(), "the decoder hangs");
        pictures
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

/// A decoded picture.
pub struct Decoded {
    pub info: gst_video::VideoInfo,
    frame: gst_video::VideoFrame<gst_video::video_frame::Readable>,
}

impl Decoded {
    fn new(sample: &gst::Sample) -> Self {
        let info = gst_video::VideoInfo::from_caps(sample.caps().expect("caps")).expect("video");
        let buffer = sample.buffer_owned().expect("a buffer");
        let frame = gst_video::VideoFrame::from_buffer_readable(buffer, &info).expect("maps");
        Self { info, frame }
    }

    /// Red, green and blue of a pixel, by the inverse of BT.709 limited range (ITU-R BT.709-6, item 3).
    pub fn rgb(&self, x: u32, y: u32) -> [f64; 3] {
        assert_eq!(self.info.format(), gst_video::VideoFormat::I420);
        let at = |plane: u32, x: u32, y: u32| {
            let stride = self.frame.plane_stride()[plane as usize] as u32;
            f64::from(self.frame.plane_data(plane).expect("a plane")[(y * stride + x) as usize])
        };
        let luma = (at(0, x, y) - 16.0) / 219.0;
        let (cb, cr) = (
            (at(1, x / 2, y / 2) - 128.0) / 224.0,
            (at(2, x / 2, y / 2) - 128.0) / 224.0,
        );
        let (kr, kb) = (0.2126, 0.0722);
        let (r, b) = (luma + 2.0 * (1.0 - kr) * cr, luma + 2.0 * (1.0 - kb) * cb);
        let g = (luma - kr * r - kb * b) / (1.0 - kr - kb);
        [r, g, b].map(|c| c * 255.0)
    }

    /// Peak signal-to-noise ratio against the original, over red, green and blue, in decibels.
    pub fn psnr(&self, original: &Picture) -> f64 {
        let mut sum = 0.0;
        for y in 0..original.size.h {
            for x in 0..original.size.w {
                let (ours, theirs) = (self.rgb(x, y), original.rgb(x, y));
                sum += (0..3).map(|i| (ours[i] - f64::from(theirs[i])).powi(2)).sum::<f64>();
            }
        }
        let mse = sum / (3.0 * f64::from(original.size.w) * f64::from(original.size.h));
        10.0 * (255.0 * 255.0 / mse.max(1e-9)).log10()
    }
}
