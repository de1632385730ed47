//! A sender and a receiver with a network between them that loses, delays, reorders and repeats; all in virtual
//! time. Datagrams cross it as bytes.

use goggles_protocols::datagram::{ToClient, ToServer};
use goggles_protocols::input::{Event, Limits, Receiver, Sender};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What the network does to a datagram; times in µs.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
    /// The least one-way delay.
    pub delay: u64,
    /// More of it, evenly spread: reorders what is closer together.
    pub jitter: u64,
    /// Of 1000, how many are lost singly.
    pub loss: u64,
    /// Of 1000, how many start an outage of `burst`.
    pub bursts: u64,
    /// Length of an outage of one direction.
    pub burst: u64,
    /// Of 1000, how many come twice.
    pub twice: u64,
    /// Which world of this weather.
    pub seed: u64,
}

/// What the player does.
#[derive(Clone, Copy, Debug)]
pub enum Action {
    Key(u16, bool),
    Move(f64, f64),
    Place(f64, f64),
    Scroll(f64, f64),
    Blur,
    Reset,
}

/// SplitMix64: small, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.roll() % n.max(1)
    }
}

/// One direction.
struct Link {
    out_until: u64,
    dice: Dice,
}

impl Link {
    /// When the datagram sent at `now` arrives: never, once or twice.
    fn carry(&mut self, now: u64, w: &Weather) -> Vec<u64> {
        if self.dice.below(1000) < w.bursts {
            self.out_until = self.out_until.max(now + w.burst);
        }
        if now < self.out_until || self.dice.below(1000) < w.loss {
            return Vec::new();
        }
        let copies = if self.dice.below(1000) < w.twice { 2 } else { 1 };
        (0..copies)
            .map(|_| now + w.delay + self.dice.below(w.jitter + 1))
            .collect()
    }
}

/// A datagram on its way.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Flight {
    arrival: u64,
    /// Keeps the order total.
    number: u64,
    to_server: bool,
    bytes: Vec<u8>,
}

/// Server's clock − client's: whatever.
const SKEW: u64 = 987_654_321;

pub struct World {
    pub weather: Weather,
    pub now: u64,
    pub sender: Sender,
    pub receiver: Receiver,
    /// All the receiver gave out, with its time in the client's clock.
    pub events: Vec<(u64, Event)>,
    /// Where in `events` the newest epoch begins.
    pub epoch_from: usize,
    /// Datagrams the client sent.
    pub sent: u64,
    up: Link,
    down: Link,
    flying: BinaryHeap<Reverse<Flight>>,
    number: u64,
}

impl World {
    pub fn new(weather: Weather) -> Self {
        Self {
            weather,
            now: 1_000_000,
            sender: Sender::new(7),
            receiver: Receiver::new(Limits::default()),
            events: Vec::new(),
            epoch_from: 0,
            sent: 0,
            up: Link {
                out_until: 0,
                dice: Dice(weather.seed),
            },
            down: Link {
                out_until: 0,
                dice: Dice(!weather.seed),
            },
            flying: BinaryHeap::new(),
            number: 0,
        }
    }

    /// Lets `us` pass.
    pub fn pass(&mut self, us: u64) {
        let end = self.now + us;
        self.send();
        loop {
            let arrival = self.flying.peek().map(|Reverse(flight)| flight.arrival);
            let silence = self.receiver.deadline().map(|t| t - SKEW);
            let next = [arrival, self.sender.deadline(), silence].into_iter().flatten().min();
            let Some(next) = next.filter(|t| *t <= end) else { break };
            self.now = self.now.max(next);
            let mut out = Vec::new();
            if arrival.is_some_and(|at| at <= self.now) {
                self.arrive(&mut out);
            }
            self.receiver.tick(self.now + SKEW, &mut out);
            self.events.extend(out.into_iter().map(|e| (self.now, e)));
            self.send();
        }
        self.now = end;
    }

    pub fn act(&mut self, action: Action) {
        let now = self.now;
        match action {
            Action::Key(code, pressed) => self.sender.key(now, code, pressed),
            Action::Move(dx, dy) => self.sender.relative(now, dx, dy),
            Action::Place(x, y) => self.sender.absolute(now, x, y),
            Action::Scroll(dx, dy) => self.sender.scroll(now, dx, dy),
            Action::Blur => self.sender.blur(now),
            Action::Reset => self.sender.reset(now),
        }
        self.send();
    }

    fn send(&mut self) {
        while let Some(batch) = self.sender.poll(self.now) {
            self.sent += 1;
            let bytes = ToServer::Input(Box::new(batch)).encode();
            for at in self.up.carry(self.now, &self.weather) {
                self.fly(at, true, bytes.clone());
            }
        }
    }

    fn fly(&mut self, arrival: u64, to_server: bool, bytes: Vec<u8>) {
        self.number += 1;
        self.flying.push(Reverse(Flight {
            arrival,
            number: self.number,
            to_server,
            bytes,
        }));
    }

    fn arrive(&mut self, out: &mut Vec<Event>) {
        let Some(Reverse(Flight { to_server, bytes, .. })) = self.flying.pop() else {
            return;
        };
        if !to_server {
            match ToClient::decode(&bytes) {
                Ok(ToClient::Ack(ack)) => self.sender.on_ack(self.now, ack),
                other => panic!("not an acknowledgement: {other:?}"),
            }
            return;
        }
        let epoch = self.receiver.ack().map(|ack| ack.epoch);
        match ToServer::decode(&bytes) {
            Ok(ToServer::Input(batch)) => self.receiver.receive(self.now + SKEW, &batch, out),
            other => panic!("not a batch: {other:?}"),
        }
        let ack = self.receiver.ack().expect("a batch came");
        if epoch != Some(ack.epoch) {
            self.epoch_from = self.events.len();
        }
        for at in self.down.carry(self.now, &self.weather) {
            self.fly(at, false, ToClient::Ack(ack).encode());
        }
    }
}
