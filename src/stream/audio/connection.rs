//! A connection to a sound server, with the sink, the microphone and, on the session's own, the session policy.

use super::graph::Manager;
use super::ring::Writer;
use super::server::Address;
use super::sink::{Shape, Sink};
use super::source::{self, Source};
use super::thread::quantum;
use super::wake::Wake;
use super::{Config, Mode};
use crate::link::AudioFormat;
use anyhow::{Context, Result, bail};
use pipewire::context::ContextRc;
use pipewire::core::CoreRc;
use pipewire::loop_::{LoopRc, Timeout};
use std::cell::RefCell;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::Duration;

/// The order of the fields is that of their ends.
pub struct Connection {
    /// What programs play to.
    pub sink: Sink,
    /// The microphone, if there is one.
    pub source: Option<Source>,
    /// The session policy of the session's own server.
    pub manager: Option<Manager>,
    _listeners: Vec<pipewire::core::Listener>,
    /// Why it has ended.
    dead: Rc<RefCell<Option<String>>>,
    _cores: Vec<CoreRc>,
    _context: ContextRc,
    /// Its descriptor tells when there is something to do.
    pub loop_: LoopRc,
}

impl Connection {
    /// Connects and asks for sink and microphone. `address`: the session's own server's; else the user's is connected to.
    /// `writer`: where the sound goes. `wake`: told of quanta.
    ///
    /// # Errors
    /// There is no server, or it refuses.
    pub fn new(
        config: &Config,
        format: &AudioFormat,
        address: Option<&Address>,
        writer: Writer,
        wake: &Wake,
    ) -> Result<Self> {
        let (layout, quantum) = (format.layout, quantum(format.packet));
        let loop_ = LoopRc::new(None).context("error making PipeWire's loop")?;
        let context = ContextRc::new(&loop_, None).context("error setting PipeWire up")?;
        let connect = || connect(&context, address);
        let core = connect()?;
        // By a connection of its own: while a node is told how to be, the server doesn't read from the one that tells,
        // and our sink's answer would wait for ever behind its own question.
        let manager_core = address.map(|_| connect()).transpose()?;
        let dead: Rc<RefCell<Option<String>>> = Rc::default();
        let cores: Vec<_> = [Some(core.clone()), manager_core.clone()]
            .into_iter()
            .flatten()
            .collect();
        let listeners = cores.iter().map(|core| listen(core, &dead)).collect();
        let manager = manager_core
            .as_ref()
            .map(|core| Manager::new(core, layout, config.microphone));
        let name = config.mode.source();
        let source = || Source::new(&core, &name, quantum, wake.clone());
        let source = config.microphone.then(source).transpose()?;
        let shape = Shape {
            layout,
            quantum,
            rt: config.rt,
        };
        Ok(Self {
            sink: Sink::new(&core, &config.mode.sink(), shape, writer, wake.clone())?,
            source,
            manager: manager.transpose()?,
            _listeners: listeners,
            dead,
            _cores: cores,
            _context: context,
            loop_,
        })
    }

    /// Does what there is to do.
    ///
    /// # Errors
    /// The connection has ended.
    pub fn turn(&mut self) -> Result<()> {
        self.loop_.iterate(Timeout::Finite(Duration::ZERO));
        match self.dead.take() {
            Some(why) => bail!("PipeWire: {why}"),
            None => Ok(()),
        }
    }
}

/// To the session's own server by its socket: by a name, a variable of our environment (`PIPEWIRE_REMOTE`, which a
/// goggles-scope around this one sets) would be preferred by newer libraries.
fn connect(context: &ContextRc, address: Option<&Address>) -> Result<CoreRc> {
    match address {
        Some(address) => {
            let socket = UnixStream::connect(address.native()).context("error connecting to PipeWire's socket")?;
            context.connect_fd_rc(socket.into(), None)
        }
        None => context.connect_rc(None),
    }
    .context("error connecting to PipeWire")
}

/// Notes in `dead` when the connection has ended.
fn listen(core: &CoreRc, dead: &Rc<RefCell<Option<String>>>) -> pipewire::core::Listener {
    let noted = dead.clone();
    core.add_listener_local()
        .error(move |id, _, code, why| {
            if id == pipewire::core::PW_ID_CORE {
                *noted.borrow_mut() = Some(format!("{why} ({code})"));
            } else {
                tracing::debug!(target: "audio", id, code, "{why}");
            }
        })
        .register()
}

impl Mode {
    /// The microphone's name. On the host's it is the sink's, so that one name leads programs to both
    /// ([`super::guide::host`]).
    fn source(self) -> String {
        match self {
            Self::Private => source::NAME.to_owned(),
            Self::Host => self.sink(),
        }
    }
}
