//! The session policy of the private sound server, which a session manager has elsewhere: who is connected to whom. Pure:
//! objects come and go, links come out.

use std::collections::{BTreeMap, BTreeSet};

/// A global object's number. PipeWire uses numbers again.
pub type Id = u32;

/// What a node is, by its `media.class`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A program that plays.
    Player,
    /// A program that records.
    Recorder,
    /// Our sink.
    Sink,
    /// Our microphone.
    Source,
}

impl Kind {
    /// Of a node with this class; `ours`: it is one of our own streams.
    pub fn of(class: &str, ours: bool) -> Option<Self> {
        match class {
            "Stream/Output/Audio" => Some(Self::Player),
            "Stream/Input/Audio" => Some(Self::Recorder),
            "Audio/Sink" if ours => Some(Self::Sink),
            "Audio/Source" if ours => Some(Self::Source),
            _ => None,
        }
    }

    /// Whom it is connected to.
    fn peer(self) -> Self {
        match self {
            Self::Player => Self::Sink,
            Self::Sink => Self::Player,
            Self::Recorder => Self::Source,
            Self::Source => Self::Recorder,
        }
    }

    /// Whether its ports put sound out.
    fn is_output(self) -> bool {
        matches!(self, Self::Player | Self::Source)
    }
}

/// One of a node's ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its node.
    pub node: Id,
    /// It puts sound out.
    pub output: bool,
    /// It is a copy of what a sink takes.
    pub monitor: bool,
    /// `audio.channel`.
    pub channel: String,
}

/// A connection to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link {
    /// The node and port that put sound out.
    pub from: (Id, Id),
    /// The node and port that take it.
    pub to: (Id, Id),
}

/// The objects that matter.
#[derive(Debug, Default)]
pub struct Graph {
    nodes: BTreeMap<Id, Kind>,
    ports: BTreeMap<Id, Port>,
    links: BTreeSet<Link>,
}

impl Graph {
    /// A node has come.
    pub fn node(&mut self, id: Id, kind: Kind) {
        self.remove(id);
        self.nodes.insert(id, kind);
    }

    /// A port has come, before or after its node.
    pub fn port(&mut self, id: Id, port: Port) {
        self.remove(id);
        self.ports.insert(id, port);
    }

    /// An object has gone, and all that was known of its number.
    pub fn remove(&mut self, id: Id) {
        self.nodes.remove(&id);
        self.ports.remove(&id);
        let of = |end: (Id, Id)| end.0 == id || end.1 == id;
        self.links.retain(|link| !of(link.from) && !of(link.to));
    }

    /// The links that are due and not made yet; they count as made from here on. Whoever plays a channel that the other
    /// side lacks, and no other, is heard all the same where one of them has a single channel.
    pub fn due(&mut self) -> Vec<Link> {
        let mut new = Vec::new();
        for (&node, &kind) in self.nodes.iter().filter(|(_, kind)| kind.is_output()) {
            for (&peer, _) in self.nodes.iter().filter(|(_, k)| **k == kind.peer()) {
                let (from, to) = (self.ports_of(node, true), self.ports_of(peer, false));
                for &(out, channel) in &from {
                    for &(into, other) in &to {
                        let alone = from.len() == 1 && (channel == "MONO" || channel == "UNK")
                            || to.len() == 1 && (other == "MONO" || other == "UNK");
                        if channel == other || alone {
                            new.push(Link {
                                from: (node, out),
                                to: (peer, into),
                            });
                        }
                    }
                }
            }
        }
        new.retain(|link| self.links.insert(*link));
        new
    }

    fn ports_of(&self, node: Id, output: bool) -> Vec<(Id, &str)> {
        let is = |p: &&Port| p.node == node && p.output == output && !p.monitor;
        let ports = self.ports.iter().filter(|(_, p)| is(p));
        ports.map(|(id, p)| (*id, p.channel.as_str())).collect()
    }

    /// Whether there is one of a kind that has a port for each channel.
    pub fn has(&self, kind: Kind, channels: usize) -> bool {
        let mut of_kind = self.nodes.iter().filter(|(_, k)| **k == kind);
        of_kind.any(|(id, _)| self.ports_of(*id, kind.is_output()).len() == channels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(node: Id, output: bool, channel: &str) -> Port {
        Port {
            node,
            output,
            monitor: false,
            channel: channel.into(),
        }
    }

    fn ends(links: &[Link]) -> Vec<(Id, Id)> {
        links.iter().map(|l| (l.from.1, l.to.1)).collect()
    }

    #[test]
    fn channels_are_linked_by_name_once_in_whatever_order_they_come() {
        let mut graph = Graph::default();
        graph.port(11, port(1, false, "FL"));
        graph.port(12, port(1, false, "FR"));
        graph.node(2, Kind::Player);
        graph.port(21, port(2, true, "FR"));
        assert_eq!(graph.due(), []);
        graph.node(1, Kind::Sink);
        assert!(graph.has(Kind::Sink, 2) && !graph.has(Kind::Sink, 6));
        assert_eq!(ends(&graph.due()), [(21, 12)]);
        graph.port(22, port(2, true, "FL"));
        assert_eq!(ends(&graph.due()), [(22, 11)]);
        assert_eq!(graph.due(), []);
    }

    #[test]
    fn a_number_that_is_used_again_is_linked_again() {
        let mut graph = Graph::default();
        graph.node(1, Kind::Sink);
        graph.port(11, port(1, false, "FL"));
        for _ in 0..2 {
            graph.node(2, Kind::Player);
            graph.port(21, port(2, true, "FL"));
            assert_eq!(ends(&graph.due()), [(21, 11)]);
            graph.remove(21);
            graph.remove(2);
        }
        // Without the removal having been told.
        graph.node(2, Kind::Player);
        graph.port(21, port(2, true, "FL"));
        graph.due();
        graph.port(21, port(2, true, "FL"));
        assert_eq!(ends(&graph.due()), [(21, 11)]);
    }

    #[test]
    fn recorders_hear_the_microphone_and_nothing_else() {
        let mut graph = Graph::default();
        graph.node(1, Kind::Sink);
        graph.port(11, port(1, false, "FL"));
        let monitor = Port {
            monitor: true,
            ..port(1, true, "FL")
        };
        graph.port(12, monitor);
        graph.node(2, Kind::Recorder);
        graph.port(21, port(2, false, "FL"));
        graph.port(22, port(2, false, "FR"));
        assert_eq!(graph.due(), []);
        graph.node(3, Kind::Source);
        graph.port(31, port(3, true, "MONO"));
        assert_eq!(ends(&graph.due()), [(31, 21), (31, 22)]);
    }

    #[test]
    fn what_others_offer_is_not_ours() {
        assert_eq!(Kind::of("Audio/Sink", false), None);
        assert_eq!(Kind::of("Audio/Source", false), None);
        assert_eq!(Kind::of("Stream/Output/Audio", false), Some(Kind::Player));
        assert_eq!(Kind::of("Video/Source", true), None);
    }
}
