//! A Wayland server of `wl_shm` alone with one client, for buffers that are a client's own.

use goggles_scope::link::Size;
use smithay::backend::renderer::utils::Buffer;
use smithay::reexports::wayland_server::backend::{ClientData, ClientId, DisconnectReason};
use smithay::reexports::wayland_server::protocol::{wl_buffer, wl_shm::Format as ServerFormat};
use smithay::reexports::wayland_server::{Client as ServerClient, Display};
use smithay::wayland::buffer::BufferHandler;
use smithay::wayland::shm::{ShmHandler, ShmState};
use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use wayland_client::protocol::{wl_buffer::WlBuffer, wl_registry, wl_shm, wl_shm_pool};
use wayland_client::{Connection, Dispatch, EventQueue, Proxy, QueueHandle};

struct Server {
    shm: ShmState,
}

impl BufferHandler for Server {
    fn buffer_destroyed(&mut self, _: &wl_buffer::WlBuffer) {}
}

impl ShmHandler for Server {
    fn shm_state(&self) -> &ShmState {
        &self.shm
    }
}

smithay::delegate_shm!(Server);

struct Alive;

impl ClientData for Alive {
    fn initialized(&self, _: ClientId) {}
    fn disconnected(&self, _: ClientId, _: DisconnectReason) {}
}

#[derive(Default)]
struct Client {
    shm: Option<wl_shm::WlShm>,
    released: usize,
}

impl Dispatch<wl_registry::WlRegistry, ()> for Client {
    fn event(
        this: &mut Self,
        registry: &wl_registry::WlRegistry,
        event: wl_registry::Event,
        (): &(),
        _: &Connection,
        handle: &QueueHandle<Self>,
    ) {
        if let wl_registry::Event::Global { name, .. } = event {
            this.shm = Some(registry.bind(name, 1, handle, ()));
        }
    }
}

impl Dispatch<WlBuffer, ()> for Client {
    fn event(
        this: &mut Self,
        _: &WlBuffer,
        _: <WlBuffer as Proxy>::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        this.released += 1;
    }
}

wayland_client::delegate_noop!(Client: ignore wl_shm::WlShm);
wayland_client::delegate_noop!(Client: wl_shm_pool::WlShmPool);

/// Both sides of the connection, in one thread.
pub struct Shm {
    display: Display<Server>,
    server: Server,
    client: ServerClient,
    connection: Connection,
    queue: EventQueue<Client>,
    state: Client,
}

impl Shm {
    pub fn new() -> Self {
        let display = Display::new().expect("a display");
        let mut handle = display.handle();
        let formats = [ServerFormat::Abgr8888, ServerFormat::Xbgr8888, ServerFormat::Rgb565];
        let shm = ShmState::new::<Server>(&handle, formats);
        let (ours, theirs) = UnixStream::pair().expect("a pair");
        let client = handle.insert_client(ours, Arc::new(Alive)).expect("a client");
        let connection = Connection::from_socket(theirs).expect("a connection");
        let queue = connection.new_event_queue();
        connection.display().get_registry(&queue.handle(), ());
        let server = Server { shm };
        let mut this = Self {
            display,
            server,
            client,
            connection,
            queue,
            state: Client::default(),
        };
        this.turn();
        this.turn();
        assert!(this.state.shm.is_some());
        this
    }

    /// Carries what has been sent, both ways.
    fn turn(&mut self) {
        self.connection.flush().expect("flushes");
        self.display.dispatch_clients(&mut self.server).expect("dispatches");
        self.display.flush_clients().expect("flushes");
        if let Some(guard) = self.queue.prepare_read() {
            // Nothing to read is no error; a connection that was ended shows in what the test looks at.
            let _ = guard.read();
        }
        let _ = self.queue.dispatch_pending(&mut self.state);
    }

    /// How many buffers the client has got back.
    pub fn released(&mut self) -> usize {
        self.turn();
        self.state.released
    }

    /// Whether the client has been thrown out.
    pub fn ended(&mut self) -> bool {
        self.turn();
        self.connection.protocol_error().is_some()
    }

    /// A buffer of the client over `bytes`; also its file.
    pub fn buffer(
        &mut self,
        bytes: &[u8],
        offset: usize,
        stride: usize,
        size: Size,
        format: wl_shm::Format,
    ) -> (Buffer, File) {
        let file = tempfile::tempfile().expect("a file");
        std::os::unix::fs::FileExt::write_all_at(&file, bytes, 0).expect("writes");
        let handle = self.queue.handle();
        let int = |n: usize| i32::try_from(n).expect("small");
        let shm = self.state.shm.as_ref().expect("bound");
        let pool = shm.create_pool(file.as_fd(), int(bytes.len()), &handle, ());
        let (w, h) = (size.w as i32, size.h as i32);
        let buffer = pool.create_buffer(int(offset), w, h, int(stride), format, &handle, ());
        self.turn();
        let id = buffer.id().protocol_id();
        let theirs = self
            .client
            .object_from_protocol_id::<wl_buffer::WlBuffer>(&self.display.handle(), id);
        (Buffer::with_implicit(theirs.expect("the buffer")), file)
    }
}
