//! One encoder element, driven by hand: our thread pushes a buffer into its sink pad and the access unit arrives at our
//! own pad before the push returns.
//!
//! There is no pipeline, no `appsrc` and no `appsink`: each of them would bring a thread, and with it two wake-ups
//! and a queue, between the picture and its packet.

use super::h264::{self, Head};
use super::kind::{Kind, Preset};
use super::sps;
use crate::link::{Rate, Refresh, Size};
use anyhow::{Context, Result, anyhow, bail, ensure};
use bytes::Bytes;
use gst::prelude::*;
use gstreamer as gst;
use gstreamer_video as gst_video;
use std::sync::{Arc, Mutex, PoisonError};

/// What an element is made for; a change of any of it needs a new element and starts with a key frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setup {
    /// Which encoder.
    pub kind: Kind,
    /// The coded size, even on both sides.
    pub coded: Size,
    /// The nominal rate: the rate control gives each frame this share of a second, whatever time it really takes. So
    /// a long pause saves no bits up and spends none, and time stamps play no part. (x264's other way, by time stamps,
    /// would hold a frame back until it knows how long it lasts.)
    pub refresh: Refresh,
    /// The constant rate factor; `None`: constant bit rate.
    pub crf: Option<u8>,
    /// Slice threads.
    pub threads: u32,
    /// x264's preset.
    pub preset: Preset,
}

impl Setup {
    /// For a picture of this size at this rate.
    pub fn new(kind: Kind, size: Size, refresh: Refresh, rate: Rate, threads: usize, preset: Preset) -> Self {
        let crf = match rate {
            Rate::Quality { crf, .. } => Some(crf),
            Rate::Constant { .. } => None,
        };
        Self {
            kind,
            coded: coded_size(kind, size),
            refresh,
            crf,
            threads: threads.clamp(1, 16) as u32,
            preset,
        }
    }
}

/// 4:2:0 codes whole pairs of columns and rows, and H.264 can crop by pairs only: an odd size is rounded up.
pub fn coded_size(kind: Kind, size: Size) -> Size {
    let side = |n: u32| n.saturating_add(n & 1).max(kind.min_side());
    Size {
        w: side(size.w),
        h: side(size.h),
    }
}

/// One encoded frame.
#[derive(Debug)]
pub struct AccessUnit {
    /// Annex B.
    pub data: Bytes,
    /// What its head says.
    pub head: Head,
}

/// A running element with the pool of its input pictures.
#[derive(Debug)]
pub struct Element {
    element: gst::Element,
    feed: gst::Pad,
    take: gst::Pad,
    bus: gst::Bus,
    out: Arc<Mutex<Vec<gst::Buffer>>>,
    pool: gst::BufferPool,
    info: gst_video::VideoInfo,
    setup: Setup,
    rate: Rate,
    last_pts: gst::ClockTime,
}

/// Pictures in the pool: the encoder copies its input, so one is in use at a time; the second covers an element that
/// keeps its reference for a while.
const POOL: u32 = 2;

impl Element {
    /// Makes and starts the element. Needs an initialised GStreamer.
    pub fn open(setup: Setup, rate: Rate) -> Result<Self> {
        let info = video_info(&setup)?;
        let caps = info.to_caps().context("error describing the raw picture")?;
        let element = setup.kind.make(&setup, rate)?;
        let bus = gst::Bus::new();
        // Only what a failure says is of interest; the rest would pile up unread.
        bus.set_sync_handler(|_, message| match message.type_() {
            gst::MessageType::Error => gst::BusSyncReply::Pass,
            _ => gst::BusSyncReply::Drop,
        });
        element.set_bus(Some(&bus));
        let out = Arc::new(Mutex::new(Vec::with_capacity(2)));
        let feed = gst::Pad::builder(gst::PadDirection::Src).name("feed").build();
        let take = take_pad(out.clone())?;
        let sink = element.static_pad("sink").context("the encoder has no sink pad")?;
        let src = element.static_pad("src").context("the encoder has no source pad")?;
        feed.link(&sink).context("error linking to the encoder")?;
        src.link(&take).context("error linking from the encoder")?;
        let pool = pool(&info, &caps)?;
        // From here on `drop` undoes what was done.
        let this = Self {
            element,
            feed,
            take,
            bus,
            out,
            pool,
            info,
            setup,
            rate,
            last_pts: gst::ClockTime::ZERO,
        };
        this.start(&caps).map_err(|e| this.explain(e))?;
        Ok(this)
    }

    fn start(&self, caps: &gst::Caps) -> Result<()> {
        self.take
            .set_active(true)
            .context("error activating the pad after the encoder")?;
        self.feed
            .set_active(true)
            .context("error activating the pad before the encoder")?;
        self.element
            .set_state(gst::State::Playing)
            .context("error starting the encoder")?;
        let segment = gst::FormattedSegment::<gst::ClockTime>::new();
        let events = [
            gst::event::StreamStart::new("video"),
            gst::event::Caps::new(caps),
            gst::event::Segment::new(&segment),
        ];
        for event in events {
            let name = event.type_();
            ensure!(self.feed.push_event(event), "the encoder refused the event {name:?}");
        }
        Ok(())
    }

    /// What it was made for.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// The raw pictures' layout.
    pub fn info(&self) -> &gst_video::VideoInfo {
        &self.info
    }

    /// A free input picture from the pool.
    pub fn picture(&self) -> Result<gst::Buffer> {
        let params = gst::BufferPoolAcquireParams::with_flags(gst::BufferPoolAcquireFlags::DONTWAIT);
        self.pool
            .acquire_buffer(Some(&params))
            .map_err(|e| anyhow!("no free picture in the encoder's pool: {e:?}"))
    }

    /// Changes the rate at once, without a new element. The setup must stay the same under the new rate.
    pub fn set_rate(&mut self, rate: Rate) {
        if self.rate != rate {
            self.setup.kind.apply_rate(&self.element, &self.setup, rate);
            self.rate = rate;
        }
    }

    /// Encodes one picture of the pool, taken at `pts` on any steady clock, and returns its access unit.
    ///
    /// Error: the encoder failed, or did not answer with just one access unit, or not with the key frame that was
    /// asked for. The element must not be used after an error.
    pub fn encode(&mut self, mut picture: gst::Buffer, pts: gst::ClockTime, key_frame: bool) -> Result<AccessUnit> {
        self.last_pts = pts.max(self.last_pts + gst::ClockTime::from_nseconds(1));
        let fields = picture.get_mut().context("the picture is still in use")?;
        fields.set_pts(self.last_pts);
        fields.set_dts(gst::ClockTime::NONE);
        if key_frame {
            let event = gst_video::DownstreamForceKeyUnitEvent::builder()
                .all_headers(true)
                .build();
            ensure!(self.feed.push_event(event), "the encoder refused to make a key frame");
        }
        self.feed
            .push(picture)
            .map_err(|e| self.explain(anyhow!("the encoder refused a picture: {e:?}")))?;
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let count = out.len();
        let buffer = out.pop().filter(|_| count == 1);
        out.clear();
        drop(out);
        let Some(buffer) = buffer else {
            bail!(self.explain(anyhow!("one picture made {count} access units")))
        };
        let mapped = buffer
            .into_mapped_buffer_readable()
            .map_err(|_| anyhow!("error mapping the access unit"))?;
        let head = h264::head(&mapped);
        ensure!(head.slice, "the access unit has no slice");
        ensure!(
            head.is_key() || !key_frame,
            "the encoder ignored the wish for a key frame"
        );
        let described = match head.sps {
            Some(_) if !self.setup.kind.describes_colours() => sps::describe_colours(&mapped),
            _ => None,
        };
        let data = described.map_or_else(|| Bytes::from_owner(mapped), Bytes::from);
        Ok(AccessUnit { data, head })
    }

    /// Adds what the element itself said.
    fn explain(&self, error: anyhow::Error) -> anyhow::Error {
        while let Some(message) = self.bus.pop() {
            if let gst::MessageView::Error(said) = message.view() {
                let debug = said.debug().unwrap_or_default();
                return error.context(format!("{}: {} {debug}", self.setup.kind.element(), said.error()));
            }
        }
        error
    }
}

impl Drop for Element {
    fn drop(&mut self) {
        // Flushing first: an element that stops may otherwise wait for pads that nobody reads.
        let _ = self.take.set_active(false);
        let _ = self.feed.set_active(false);
        if let Err(e) = self.element.set_state(gst::State::Null) {
            tracing::warn!("error stopping {}: {e}", self.setup.kind.element());
        }
        let _ = self.pool.set_active(false);
        self.bus.unset_sync_handler();
    }
}

/// BT.709 in limited range, which the encoder writes into the VUI.
fn video_info(setup: &Setup) -> Result<gst_video::VideoInfo> {
    let fps = gst::Fraction::new(i32::try_from(setup.refresh.0.max(1)).unwrap_or(i32::MAX), 1000);
    let colours: gst_video::VideoColorimetry = "bt709".parse().context("error naming BT.709")?;
    gst_video::VideoInfo::builder(setup.kind.raw_format(), setup.coded.w, setup.coded.h)
        .fps(fps)
        .par(gst::Fraction::new(1, 1))
        .colorimetry(&colours)
        // The conversion averages two by two pixels.
        .chroma_site(gst_video::VideoChromaSite::JPEG)
        .build()
        .with_context(|| format!("{}x{} is no size for a video", setup.coded.w, setup.coded.h))
}

/// The pad that the encoder writes to.
fn take_pad(out: Arc<Mutex<Vec<gst::Buffer>>>) -> Result<gst::Pad> {
    let caps = gst::Caps::builder("video/x-h264")
        .field("stream-format", "byte-stream")
        .field("alignment", "au")
        .field("profile", gst::List::new(["constrained-baseline", "baseline"]))
        .build();
    let template = gst::PadTemplate::new("take", gst::PadDirection::Sink, gst::PadPresence::Always, &caps)
        .context("error describing the encoded stream")?;
    Ok(gst::Pad::builder_from_template(&template)
        .chain_function(move |_, _, buffer| {
            out.lock().unwrap_or_else(PoisonError::into_inner).push(buffer);
            Ok(gst::FlowSuccess::Ok)
        })
        .event_function(|_, _, _| true)
        .build())
}

fn pool(info: &gst_video::VideoInfo, caps: &gst::Caps) -> Result<gst::BufferPool> {
    let pool: gst::BufferPool = gst_video::VideoBufferPool::new().upcast();
    let mut config = pool.config();
    let size = u32::try_from(info.size()).context("the picture is too large")?;
    config.set_params(Some(caps), size, POOL, POOL);
    pool.set_config(config).context("error setting up the picture pool")?;
    pool.set_active(true).context("error allocating the picture pool")?;
    Ok(pool)
}
