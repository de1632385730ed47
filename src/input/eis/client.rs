//! One program that emulates input: the handshake, and its devices.
//!
//! Owns its devices; what it holds down with them is released when it stops emulating, when the device goes, or at its end.

use super::device::{Emulated, Kind};
use crate::state::State;
use enumflags2::BitFlags;
use reis::PendingRequestResult;
use reis::eis;
use reis::eis::connection::DisconnectReason;
use reis::eis::handshake::ContextType;
use reis::handshake::EisHandshaker;
use reis::request::{Connection, DeviceCapability as Capability, EisRequest, EisRequestConverter, Seat};
use std::collections::BTreeMap;

/// So many requests make a frame at most.
const MOST: usize = 1024;

/// Whether a connection goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It does.
    Go,
    /// It has ended, or must.
    End,
}

/// One connection.
#[derive(Debug)]
pub struct Client {
    phase: Phase,
    seat: Option<Seat>,
    /// What it wants to emulate.
    bound: BitFlags<Capability>,
    devices: BTreeMap<Kind, Emulated>,
    /// Requests since the last frame: reis keeps them.
    unframed: usize,
}

enum Phase {
    Greeting(EisHandshaker),
    Open(EisRequestConverter),
}

impl std::fmt::Debug for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Greeting(_) => "Greeting",
            Self::Open(_) => "Open",
        })
    }
}

impl Client {
    /// A connection that has just come.
    pub fn new(context: &eis::Context) -> Self {
        Self {
            phase: Phase::Greeting(EisHandshaker::new(context, 1)),
            seat: None,
            bound: BitFlags::empty(),
            devices: BTreeMap::new(),
            unframed: 0,
        }
    }

    /// Does what was read.
    pub fn take(&mut self, context: &eis::Context, state: &mut State) -> Step {
        while let Some(result) = context.pending_request() {
            let request = match result {
                PendingRequestResult::Request(request) => request,
                PendingRequestResult::ParseError(why) => {
                    return self.refuse(DisconnectReason::Protocol, &why.to_string());
                }
                // It names what has gone meanwhile; the request means nothing then.
                PendingRequestResult::InvalidObject(id) => {
                    if let Phase::Open(converter) = &self.phase {
                        let connection = converter.handle();
                        connection.connection().invalid_object(connection.last_serial(), id);
                    }
                    continue;
                }
            };
            let step = match &mut self.phase {
                Phase::Greeting(handshaker) => match handshaker.handle_request(request) {
                    Ok(None) => Step::Go,
                    Ok(Some(answer)) => {
                        self.phase = Phase::Open(EisRequestConverter::new(context, answer, 1));
                        self.open()
                    }
                    Err(why) => {
                        tracing::debug!("a program that would emulate input does not greet as it should: {why:?}");
                        Step::End
                    }
                },
                Phase::Open(converter) => {
                    self.unframed += 1;
                    match converter.handle_request(request) {
                        Ok(()) => self.go_on(state),
                        Err(why) => self.refuse(DisconnectReason::Value, &why.to_string()),
                    }
                }
            };
            if step == Step::End {
                return step;
            }
        }
        // One whose answers fill its socket does not read them, and is no program that goes on.
        match context.flush() {
            Ok(()) => Step::Go,
            Err(why) => {
                tracing::debug!("a program that emulates input does not read: {why}");
                Step::End
            }
        }
    }

    fn connection(&self) -> Option<&Connection> {
        match &self.phase {
            Phase::Open(converter) => Some(converter.handle()),
            Phase::Greeting(_) => None,
        }
    }

    /// Says why it must go.
    fn refuse(&self, reason: DisconnectReason, why: &str) -> Step {
        tracing::warn!("a program that emulates input is let go: {why}");
        if let Some(connection) = self.connection() {
            connection.disconnected(reason, Some(why));
        }
        Step::End
    }

    /// The handshake is done.
    fn open(&mut self) -> Step {
        let Some(connection) = self.connection() else {
            return Step::End;
        };
        if connection.context_type() != ContextType::Sender {
            return self.refuse(DisconnectReason::Mode, "input is not captured here, only emulated");
        }
        if !connection.has_interface("ei_seat") || !connection.has_interface("ei_device") {
            return self.refuse(DisconnectReason::Protocol, "ei_seat and ei_device are needed");
        }
        let all = Kind::ALL
            .iter()
            .fold(BitFlags::empty(), |all, kind| all | kind.capabilities());
        let seat = connection.add_seat(Some("seat0"), all);
        tracing::info!("{:?} may emulate input", connection.name().unwrap_or("a program"));
        self.seat = Some(seat);
        Step::Go
    }

    /// Does what reis has made of requests.
    fn go_on(&mut self, state: &mut State) -> Step {
        while let Phase::Open(converter) = &mut self.phase
            && let Some(request) = converter.next_request()
        {
            if let EisRequest::Disconnect = request {
                return Step::End;
            }
            self.request(request, state);
        }
        if self.unframed > MOST {
            return self.refuse(DisconnectReason::Value, "too many requests without a frame");
        }
        Step::Go
    }

    fn request(&mut self, request: EisRequest, state: &mut State) {
        if let EisRequest::Bind(bind) = &request {
            self.unframed = 0;
            self.bound = bind.capabilities;
            return self.arrange(state);
        }
        let Some((kind, emulated)) = request
            .device()
            .and_then(|device| self.devices.iter_mut().find(|(_, e)| e.device == *device))
        else {
            return;
        };
        match request {
            EisRequest::Frame(_) => {
                self.unframed = 0;
                if emulated.emulating && *kind != Kind::Keyboard && *kind != Kind::Touch {
                    state.pointer_frame();
                }
            }
            EisRequest::DeviceStartEmulating(_) => {
                emulated.emulating = true;
                if *kind == Kind::Touch {
                    // So that the first finger is felt, too.
                    state.touch_device();
                }
            }
            EisRequest::DeviceStopEmulating(_) => {
                emulated.emulating = false;
                emulated.release(state);
            }
            EisRequest::DeviceClosed(_) => {
                let kind = *kind;
                self.remove(kind, state);
            }
            // Before it has said that it emulates, or after that, nothing it does is meant.
            request if emulated.emulating => emulated.act(&request, state),
            _ => {}
        }
    }

    /// Makes the devices that are wanted and not there, and takes away those that aren't wanted any more.
    fn arrange(&mut self, state: &mut State) {
        for kind in Kind::ALL {
            let wanted = self.bound.contains(kind.capability());
            match (wanted, self.devices.contains_key(&kind)) {
                (true, false) => self.add(kind, state),
                (false, true) => self.remove(kind, state),
                _ => {}
            }
        }
    }

    fn add(&mut self, kind: Kind, state: &mut State) {
        if let Some(seat) = &self.seat {
            self.devices.insert(kind, Emulated::new(seat, kind, self.bound, state));
        }
    }

    fn remove(&mut self, kind: Kind, state: &mut State) {
        if let Some(mut emulated) = self.devices.remove(&kind) {
            emulated.release(state);
            emulated.device.remove();
        }
    }

    /// Its devices are made anew, of what the keymap and the output are now.
    pub fn renew(&mut self, state: &mut State) {
        for kind in Kind::ALL {
            if self.devices.contains_key(&kind) && kind != Kind::Pointer {
                self.remove(kind, state);
            }
        }
        self.arrange(state);
        if let Some(connection) = self.connection()
            && let Err(why) = connection.flush()
        {
            tracing::debug!("a program that emulates input is not told of its new devices: {why}");
        }
    }

    /// Nothing that it held is held any more.
    pub fn release(&mut self, state: &mut State) {
        for emulated in self.devices.values_mut() {
            emulated.release(state);
        }
    }
}
