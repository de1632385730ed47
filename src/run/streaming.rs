//! Starts the threads of a stream, and listens to them.

use crate::config::{Settings, Stream};
use crate::link::{EncoderToScope, SceneInfo, ToScope};
use crate::state::State;
use crate::stream::audio;
use crate::stream::encode::{self, Encoder};
use crate::stream::transport::Transport;
use anyhow::{Context, Result};
use smithay::reexports::calloop::LoopHandle;
use smithay::reexports::calloop::channel::{self, Event};
use std::rc::Rc;

/// The threads of a stream.
pub(super) struct Streaming {
    pub encoder: Rc<Encoder>,
    pub transport: Rc<Transport>,
    /// For the sound.
    pub voices: Option<audio::VoiceReceiver>,
}

impl Streaming {
    pub fn start(stream: &Stream, settings: &Settings, handle: &LoopHandle<'static, State>) -> Result<Self> {
        let (to_scope, from_network) = channel::channel::<ToScope>();
        let scene = SceneInfo {
            size: settings.output,
            refresh: settings.refresh,
            pointer_locked: false,
            title: String::new(),
            hints: crate::handlers::Hints::default(),
        };
        let mut transport = Transport::spawn(stream, scene, to_scope).context("error opening the stream")?;
        let (encoder_events, from_encoder) = channel::channel::<EncoderToScope>();
        let expect = encode::Expect {
            size: settings.output,
            refresh: settings.refresh,
            rate: stream.rate,
        };
        let config = encode::Config {
            choice: stream.encoder,
            expect: Some(expect),
            rt: settings.rt,
            ..encode::Config::default()
        };
        let encoder =
            Encoder::spawn(config, encoder_events, transport.packets()).context("error starting the encoder")?;
        handle
            .insert_source(from_network, |event, (), state: &mut State| {
                if let Event::Msg(message) = event {
                    state.from_network(message);
                }
            })
            .map_err(|e| anyhow::anyhow!("error listening to the network thread: {e}"))?;
        handle
            .insert_source(from_encoder, |event, (), state: &mut State| {
                if let Event::Msg(event) = event {
                    state.from_encoder(&event);
                }
            })
            .map_err(|e| anyhow::anyhow!("error listening to the encode thread: {e}"))?;
        Ok(Self {
            encoder: Rc::new(encoder),
            voices: transport.take_voices(),
            transport: Rc::new(transport),
        })
    }
}
