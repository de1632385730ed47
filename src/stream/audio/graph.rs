//! Carries out the [`policy`](super::policy) on the private server: names the default sink, gives programs' nodes their
//! ports, makes the links.

use super::policy::{Graph, Kind, Port};
use super::{pod, sink, source};
use anyhow::{Context, Result};
use goggles_protocols::audio::Layout;
use pipewire::client::{Client, ClientListener};
use pipewire::constants::ID_ANY;
use pipewire::core::CoreRc;
use pipewire::metadata::Metadata;
use pipewire::node::Node;
use pipewire::permissions::{Permission, PermissionFlags};
use pipewire::properties::properties;
use pipewire::registry::{GlobalObject, Listener, RegistryRc};
use pipewire::spa::param::ParamType;
use pipewire::spa::utils::{Direction, dict::DictRef};
use pipewire::types::ObjectType;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Watches the registry, as long as it lives.
pub struct Manager {
    state: Rc<RefCell<State>>,
    _listener: Listener,
    _registry: RegistryRc,
}

struct State {
    core: CoreRc,
    graph: Graph,
    layout: Layout,
    microphone: bool,
    /// Bound, so that they can be told how to be.
    nodes: BTreeMap<u32, Node>,
    /// Bound, so that they can be let in.
    clients: BTreeMap<u32, Admission>,
    metadata: Option<Metadata>,
}

impl Manager {
    /// For a core of the private server, whose sink has this layout, and which has a microphone or not.
    ///
    /// # Errors
    /// The server has no registry for us.
    pub fn new(core: &CoreRc, layout: Layout, microphone: bool) -> Result<Self> {
        let registry = core.get_registry_rc().context("error asking for PipeWire's registry")?;
        let state = Rc::new(RefCell::new(State {
            core: core.clone(),
            graph: Graph::default(),
            layout,
            microphone,
            nodes: BTreeMap::new(),
            clients: BTreeMap::new(),
            metadata: None,
        }));
        let weak = registry.downgrade();
        let (come, gone) = (state.clone(), state.clone());
        let listener = registry
            .add_listener_local()
            .global(move |object| {
                if let Some(registry) = weak.upgrade() {
                    come.borrow_mut().global(&registry, object);
                }
            })
            .global_remove(move |id| gone.borrow_mut().remove(id))
            .register();
        Ok(Self {
            state,
            _listener: listener,
            _registry: registry,
        })
    }

    /// Whether the sink can be played to, and the microphone, if there is to be one, recorded.
    pub fn is_ready(&self) -> bool {
        let state = self.state.borrow();
        let sink = state.graph.has(Kind::Sink, usize::from(state.layout.channels()));
        state.metadata.is_some() && sink && (!state.microphone || state.graph.has(Kind::Source, 1))
    }
}

impl State {
    fn global(&mut self, registry: &RegistryRc, object: &GlobalObject<&DictRef>) {
        let Some(properties) = object.props else { return };
        match object.type_ {
            ObjectType::Metadata if properties.get("metadata.name") == Some("default") => {
                match registry.bind::<Metadata, _>(object) {
                    Ok(metadata) => self.defaults(metadata),
                    Err(e) => tracing::warn!(target: "audio", "error binding PipeWire's metadata: {e}"),
                }
            }
            ObjectType::Node => self.node(registry, object, properties),
            ObjectType::Client => match registry.bind::<Client, _>(object) {
                Ok(client) => drop(self.clients.insert(object.id, Admission::new(client))),
                Err(e) => tracing::warn!(target: "audio", "error binding a program's connection: {e}"),
            },
            ObjectType::Port => {
                let node = properties.get("node.id").and_then(|id| id.parse().ok());
                let (Some(node), Some(direction)) = (node, properties.get("port.direction")) else {
                    return;
                };
                let port = Port {
                    node,
                    output: direction == "out",
                    monitor: properties.get("port.monitor") == Some("true"),
                    channel: properties.get("audio.channel").unwrap_or("UNK").to_owned(),
                };
                tracing::debug!(target: "audio", ?port, "port");
                self.graph.port(object.id, port);
                self.link();
            }
            _ => {}
        }
    }

    fn defaults(&mut self, metadata: Metadata) {
        let microphone = self.microphone.then_some(("default.audio.source", source::NAME));
        for (key, name) in [("default.audio.sink", sink::NAME)].into_iter().chain(microphone) {
            let value = format!("{{ \"name\": \"{name}\" }}");
            metadata.set_property(0, key, Some("Spa:String:JSON"), Some(&value));
        }
        self.metadata = Some(metadata);
    }

    fn node(&mut self, registry: &RegistryRc, object: &GlobalObject<&DictRef>, properties: &DictRef) {
        let name = properties.get("node.name").unwrap_or_default();
        let ours = name == sink::NAME || name == source::NAME;
        let Some(kind) = properties.get("media.class").and_then(|c| Kind::of(c, ours)) else {
            return;
        };
        tracing::debug!(target: "audio", id = object.id, name, ?kind, "node");
        self.graph.node(object.id, kind);
        let node = match registry.bind::<Node, _>(object) {
            Ok(node) => node,
            Err(e) => return tracing::warn!(target: "audio", "error binding a program's node: {e}"),
        };
        let (direction, channels) = match kind {
            Kind::Player => (Direction::Output, pod::channels(self.layout)),
            Kind::Sink => (Direction::Input, pod::channels(self.layout)),
            Kind::Recorder => (Direction::Input, pod::MONO.to_vec()),
            Kind::Source => (Direction::Output, pod::MONO.to_vec()),
        };
        let ports = pod::ports(direction, &channels);
        match ports
            .as_ref()
            .map_err(|e| format!("{e:#}"))
            .and_then(|p| p.pod().map_err(|e| format!("{e:#}")))
        {
            Ok(pod) => node.set_param(ParamType::PortConfig, 0, pod),
            Err(why) => tracing::error!(target: "audio", "{why}"),
        }
        self.nodes.insert(object.id, node);
    }

    fn remove(&mut self, id: u32) {
        self.graph.remove(id);
        self.nodes.remove(&id);
        self.clients.remove(&id);
        // A number that comes back may have been a link's end.
        self.link();
    }

    fn link(&mut self) {
        for link in self.graph.due() {
            let properties = properties! {
                "link.output.node" => link.from.0.to_string(),
                "link.output.port" => link.from.1.to_string(),
                "link.input.node" => link.to.0.to_string(),
                "link.input.port" => link.to.1.to_string(),
                // It is PipeWire's from here on, and ends with its ports.
                "object.linger" => "true",
            };
            tracing::debug!(target: "audio", ?link, "link");
            if let Err(e) = self
                .core
                .create_object::<pipewire::link::Link>("link-factory", &properties)
            {
                tracing::warn!(target: "audio", "error linking a program to the sink: {e}");
            }
        }
    }
}

/// Lets a program in that the server keeps waiting for the session manager's word, as it does those of a sandbox
/// (Flatpak's): whoever reaches this server was led here.
struct Admission {
    /// Goes before the client.
    _listener: ClientListener,
    _client: Rc<Client>,
}

impl Admission {
    fn new(client: Client) -> Self {
        let client = Rc::new(client);
        let weak = Rc::downgrade(&client);
        let listener = client
            .add_listener_local()
            .info(move |info| {
                // There from when the server has judged on.
                let access = info.props().and_then(|properties| properties.get("pipewire.access"));
                if let (Some(access), Some(client)) = (access, weak.upgrade())
                    && access != "unrestricted"
                {
                    tracing::debug!(target: "audio", id = info.id(), access, "let in");
                    client.update_permissions(&[Permission::new(ID_ANY, PermissionFlags::all())]);
                }
            })
            .register();
        Self {
            _listener: listener,
            _client: client,
        }
    }
}
