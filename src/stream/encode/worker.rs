//! The encode thread's loop.

use super::convert::Converter;
use super::element::{AccessUnit, Element, Setup};
use super::kind::{Kind, max_kbps};
use super::mailbox::Mailbox;
use super::{Config, Sink, h264, probe};
use crate::link::{EncodeJob, EncoderToScope, FrameId, Packet, TimeLine, VideoFormat};
use crate::priority;
use crate::time::Mono;
use anyhow::{Context, Result, anyhow};
use gstreamer as gst;
use std::cell::Cell;
use std::sync::{Arc, mpsc};

/// Runs until the mailbox is closed. Says on `ready` which encoder passed its probe, or why none did.
pub fn run(
    config: Config,
    mailbox: &Mailbox,
    events: calloop::channel::Sender<EncoderToScope>,
    sink: Sink,
    ready: mpsc::SyncSender<Result<Kind>>,
) {
    let last_word = LastWord {
        mailbox,
        events: events.clone(),
        at_work: Cell::new(None),
    };
    // Before the encoder starts its helper threads, which inherit it; real time they would not.
    raise(false);
    let (kind, element) = match probe::choose(&config) {
        Ok(chosen) => chosen,
        Err(e) => {
            let _ = ready.send(Err(e));
            return;
        }
    };
    if config.rt {
        raise(true);
    }
    if ready.send(Ok(kind)).is_err() {
        return;
    }
    let mut worker = Worker {
        config,
        kind,
        element,
        needs_key: true,
        format: None,
        converter: Converter::default(),
        events,
        sink,
    };
    while let Some(job) = mailbox.take() {
        last_word.at_work.set(Some(job.frame));
        worker.job(job);
        last_word.at_work.set(None);
    }
}

fn raise(rt: bool) {
    let granted = priority::raise(priority::Kind::Encode, rt);
    tracing::debug!("priority of the encode thread: {granted}");
}

/// However the thread ends, by a panic too: nobody goes on waiting for it.
struct LastWord<'a> {
    mailbox: &'a Mailbox,
    events: calloop::channel::Sender<EncoderToScope>,
    at_work: Cell<Option<FrameId>>,
}

impl Drop for LastWord<'_> {
    fn drop(&mut self) {
        let waiting = self.mailbox.close();
        for frame in self.at_work.get().into_iter().chain(waiting) {
            let _ = self.events.send(EncoderToScope::Failed {
                frame,
                why: "the encode thread has ended".into(),
            });
        }
    }
}

struct Worker {
    config: Config,
    kind: Kind,
    /// `None` after a failure.
    element: Option<Element>,
    /// The next packet must be a key frame: nothing went out yet, or the last one was lost.
    needs_key: bool,
    format: Option<Arc<VideoFormat>>,
    converter: Converter,
    events: calloop::channel::Sender<EncoderToScope>,
    sink: Sink,
}

impl Worker {
    fn job(&mut self, job: EncodeJob) {
        let frame = job.frame;
        let event = match self.packet(job) {
            Ok(packet) => self.send(packet),
            Err(e) => {
                // The element may be in any state: the next job gets a fresh one, and with it a key frame.
                self.element = None;
                self.needs_key = true;
                tracing::warn!("frame {} was not encoded: {e:#}", frame.0);
                EncoderToScope::Failed {
                    frame,
                    why: format!("{e:#}"),
                }
            }
        };
        // The receiver may be gone at shutdown.
        let _ = self.events.send(event);
    }

    fn packet(&mut self, job: EncodeJob) -> Result<Packet> {
        let mut times = TimeLine {
            encode_start: Mono::now(),
            ..job.times
        };
        let (config, kind) = (&self.config, self.kind);
        let setup = Setup::new(kind, job.size, job.refresh, job.rate, config.threads, config.preset);
        if self.element.as_ref().is_none_or(|e| *e.setup() != setup) {
            self.element = None;
            self.needs_key = true;
        }
        let element = match &mut self.element {
            Some(element) => element,
            none => {
                if config.rt {
                    priority::lower();
                }
                let opened = Element::open(setup, job.rate);
                if config.rt {
                    raise(true);
                }
                none.insert(opened.context("error restarting the encoder")?)
            }
        };
        element.set_rate(job.rate);
        let mut target = gstreamer_video::VideoFrame::from_buffer_writable(element.picture()?, element.info())
            .map_err(|_| anyhow!("error mapping a picture of the pool"))?;
        self.converter.convert(&job.pixels, job.size, &mut target)?;
        // Gives the buffer back to the client while we encode.
        drop(job.pixels);
        times.converted = Mono::now();
        let pts = gst::ClockTime::from_nseconds(times.encode_start.0);
        let unit = element.encode(target.into_buffer(), pts, self.needs_key || job.key_frame)?;
        times.encoded = Mono::now();
        self.needs_key = false;
        let key_frame = unit.head.is_key();
        let format = self.describe(&unit, &setup, max_kbps(job.rate))?;
        Ok(Packet {
            frame: job.frame,
            data: unit.data,
            key_frame,
            format,
            times,
        })
    }

    /// The stream's description: a new one only where it says something new.
    fn describe(&mut self, unit: &AccessUnit, setup: &Setup, max_kbps: u32) -> Result<Arc<VideoFormat>> {
        let codec = match (unit.head.sps, &self.format) {
            (Some(sps), _) => h264::codec(sps),
            (None, Some(format)) => format.codec.clone(),
            (None, None) => return Err(anyhow!("the first access unit has no parameter sets")),
        };
        let bitrate = u64::from(max_kbps) * 1000;
        let format = VideoFormat {
            codec,
            size: setup.coded,
            refresh: setup.refresh,
            bitrate,
        };
        Ok(match &self.format {
            Some(old) if **old == format => old.clone(),
            _ => self.format.insert(Arc::new(format)).clone(),
        })
    }

    fn send(&mut self, packet: Packet) -> EncoderToScope {
        let (frame, times, bytes, key_frame) = (packet.frame, packet.times, packet.data.len(), packet.key_frame);
        match (self.sink)(packet) {
            Ok(()) => EncoderToScope::Done {
                frame,
                times,
                bytes,
                key_frame,
            },
            Err(_) => {
                // What follows would refer to a picture that nobody has.
                self.needs_key = true;
                EncoderToScope::PacketDropped(frame)
            }
        }
    }
}
