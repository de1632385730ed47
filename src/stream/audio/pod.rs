//! What is said to PipeWire of formats and ports, as its PODs.

use anyhow::{Context, Result};
use goggles_protocols::audio::{Layout, Place, RATE};
use pipewire::spa;
use spa::pod::serialize::PodSerializer;
use spa::pod::{Object, Pod, Property, Value};
use spa::utils::{Direction, Id};

/// A serialised POD.
pub struct Bytes(Vec<u8>);

impl Bytes {
    fn of(object: Object) -> Result<Self> {
        let bytes = PodSerializer::serialize(std::io::Cursor::new(Vec::new()), &Value::Object(object));
        let (cursor, _) = bytes.map_err(|e| anyhow::anyhow!("error describing a format: {e:?}"))?;
        Ok(Self(cursor.into_inner()))
    }

    /// For PipeWire.
    pub fn pod(&self) -> Result<&Pod> {
        Pod::from_bytes(&self.0).context("a POD of ours is none")
    }
}

/// What a stream of ours takes or gives: interleaved floats in these channels.
pub fn format(channels: &[u32]) -> Result<Bytes> {
    Bytes::of(Object {
        type_: spa::utils::SpaTypes::ObjectParamFormat.as_raw(),
        id: spa::param::ParamType::EnumFormat.as_raw(),
        properties: properties(channels, spa::param::audio::AudioFormat::F32LE),
    })
}

/// How a node is to show its ports: one a channel, in floats. This sets what programs' own mixers mix to.
pub fn ports(direction: Direction, channels: &[u32]) -> Result<Bytes> {
    let format = Object {
        type_: spa::utils::SpaTypes::ObjectParamFormat.as_raw(),
        id: spa::param::ParamType::Format.as_raw(),
        properties: properties(channels, spa::param::audio::AudioFormat::F32P),
    };
    let id = |key, value| Property::new(key, Value::Id(Id(value)));
    Bytes::of(Object {
        type_: spa::utils::SpaTypes::ObjectParamPortConfig.as_raw(),
        id: spa::param::ParamType::PortConfig.as_raw(),
        properties: vec![
            id(spa::sys::SPA_PARAM_PORT_CONFIG_direction, direction.as_raw()),
            id(
                spa::sys::SPA_PARAM_PORT_CONFIG_mode,
                spa::sys::SPA_PARAM_PORT_CONFIG_MODE_dsp,
            ),
            Property::new(spa::sys::SPA_PARAM_PORT_CONFIG_format, Value::Object(format)),
        ],
    })
}

fn properties(channels: &[u32], format: spa::param::audio::AudioFormat) -> Vec<Property> {
    let mut info = spa::param::audio::AudioInfoRaw::new();
    info.set_format(format);
    info.set_rate(RATE);
    info.set_channels(channels.len() as u32);
    let mut position = [0; spa::sys::SPA_AUDIO_MAX_CHANNELS as usize];
    position[..channels.len()].copy_from_slice(channels);
    info.set_position(position);
    info.into()
}

/// A layout's channels in Opus's order, as PipeWire numbers them.
pub fn channels(layout: Layout) -> Vec<u32> {
    layout.places().iter().map(|place| channel(*place)).collect()
}

/// One channel, as microphones have it.
pub const MONO: [u32; 1] = [spa::sys::SPA_AUDIO_CHANNEL_MONO];

fn channel(place: Place) -> u32 {
    match place {
        Place::FrontLeft => spa::sys::SPA_AUDIO_CHANNEL_FL,
        Place::FrontRight => spa::sys::SPA_AUDIO_CHANNEL_FR,
        Place::FrontCentre => spa::sys::SPA_AUDIO_CHANNEL_FC,
        Place::Low => spa::sys::SPA_AUDIO_CHANNEL_LFE,
        Place::RearLeft => spa::sys::SPA_AUDIO_CHANNEL_RL,
        Place::RearRight => spa::sys::SPA_AUDIO_CHANNEL_RR,
        Place::SideLeft => spa::sys::SPA_AUDIO_CHANNEL_SL,
        Place::SideRight => spa::sys::SPA_AUDIO_CHANNEL_SR,
    }
}
