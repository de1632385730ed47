//! The pairing under every order in which the two connections can bring their news.

use super::{Claim, pair};
use proptest::prelude::*;
use std::collections::{HashMap, VecDeque};

/// A surface: its object id, and which object of that id it is.
type Surface = (u32, u32);

/// What Xwayland says on one of its connections.
#[derive(Clone, Debug)]
enum Say {
    /// X11: the window is mapped.
    Mapped(usize),
    /// X11: its surface has this object id.
    Announced(usize, u32),
    /// X11: the window is unmapped.
    Unmapped(usize),
    /// Wayland: there is a surface.
    Created(Surface),
    /// Wayland: there is none any more.
    Destroyed(Surface),
    /// X11 and Wayland: the newer generation's serial.
    Serial(usize, u32),
    HasSerial(Surface, u32),
}

/// Xwayland: it maps and unmaps windows, and uses the ids of surfaces again, the last one first, as libwayland does.
#[derive(Default)]
struct Server {
    free: Vec<u32>,
    next: u32,
    made: u32,
    surfaces: HashMap<usize, Surface>,
    x11: VecDeque<Say>,
    wayland: VecDeque<Say>,
    serials: bool,
}

impl Server {
    fn toggle(&mut self, window: usize) {
        if let Some(surface) = self.surfaces.remove(&window) {
            self.x11.push_back(Say::Unmapped(window));
            self.wayland.push_back(Say::Destroyed(surface));
            self.free.push(surface.0);
            return;
        }
        let id = self.free.pop().unwrap_or_else(|| {
            self.next += 1;
            self.next
        });
        self.made += 1;
        let surface = (id, self.made);
        self.surfaces.insert(window, surface);
        self.wayland.push_back(Say::Created(surface));
        self.x11.push_back(Say::Mapped(window));
        if self.serials {
            self.wayland.push_back(Say::HasSerial(surface, self.made));
            self.x11.push_back(Say::Serial(window, self.made));
        } else {
            self.x11.push_back(Say::Announced(window, id));
        }
    }
}

/// What is known of a window: its two claims, and what it was paired with.
type Known = (Option<u32>, Option<u32>, Option<(Surface, Option<u32>)>);

/// Our side, as the compositor has it.
#[derive(Default)]
struct Ours {
    /// The last announcement of each window, which smithay never takes back.
    announced: HashMap<usize, u32>,
    /// The mapped windows: announced before, serial, what it has and by which id.
    windows: HashMap<usize, Known>,
    alive: Vec<Surface>,
    serials: HashMap<u32, Surface>,
}

impl Ours {
    fn hear(&mut self, said: Say) {
        match said {
            Say::Mapped(w) => drop(self.windows.insert(w, (self.announced.get(&w).copied(), None, None))),
            Say::Announced(w, id) => drop(self.announced.insert(w, id)),
            Say::Unmapped(w) => drop(self.windows.remove(&w)),
            Say::Created(s) => self.alive.push(s),
            Say::Destroyed(s) => self.alive.retain(|a| *a != s),
            Say::Serial(w, serial) => {
                if let Some(window) = self.windows.get_mut(&w) {
                    window.1 = Some(serial);
                }
            }
            Say::HasSerial(s, serial) => drop(self.serials.insert(serial, s)),
        }
        let order: Vec<usize> = self.windows.keys().copied().collect();
        let alive = |s: &Surface| self.alive.contains(s);
        let claims: Vec<_> = order
            .iter()
            .map(|w| {
                let (before, serial, has) = self.windows[w];
                Claim {
                    by_serial: serial.and_then(|s| self.serials.get(&s).copied()).filter(alive),
                    announced: self.announced.get(w).copied(),
                    before,
                    has: has.filter(|(s, _)| alive(s)),
                }
            })
            .collect();
        let pairs = pair(&claims, |id| self.alive.iter().find(|s| s.0 == id).copied());
        let given: Vec<_> = pairs.iter().flatten().collect();
        assert!(
            given.iter().all(|s| given.iter().filter(|o| o == &s).count() == 1),
            "one surface for two: {pairs:?}"
        );
        for (w, surface) in order.into_iter().zip(pairs) {
            let id = self.announced.get(&w).copied();
            if let Some(window) = self.windows.get_mut(&w) {
                window.2 = surface.map(|s| (s, id));
            }
        }
    }

    fn pairs(&self) -> HashMap<usize, Surface> {
        let has = self.windows.iter();
        has.filter_map(|(w, (_, _, has))| Some((*w, has.as_ref()?.0))).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn every_window_ends_with_its_own_surface(
        serials: bool,
        toggles in prop::collection::vec(0..4usize, 1..24),
        order in prop::collection::vec(any::<bool>(), 100),
    ) {
        let mut server = Server { serials, ..Server::default() };
        for window in toggles {
            server.toggle(window);
        }
        let mut ours = Ours::default();
        let mut order = order.into_iter();
        loop {
            let wayland_first = order.next().unwrap_or(true);
            let (first, second) = if wayland_first {
                (&mut server.wayland, &mut server.x11)
            } else {
                (&mut server.x11, &mut server.wayland)
            };
            let Some(said) = first.pop_front().or_else(|| second.pop_front()) else { break };
            ours.hear(said);
        }
        prop_assert_eq!(ours.pairs(), server.surfaces);
    }
}

#[test]
fn nobody_gets_what_another_has() {
    let claim = |announced, before, has| Claim {
        by_serial: None,
        announced,
        before,
        has,
    };
    let find = |id: u32| Some((id, 1));
    // The second may only repeat an old announcement; the first was announced for sure.
    let claims = [claim(Some(7), Some(7), None), claim(Some(7), None, None)];
    assert_eq!(pair(&claims, find), [None, Some((7, 1))]);
    // A pair that turns out to be wrong is taken apart.
    let claims = [
        claim(Some(8), Some(7), Some(((7, 1), Some(7)))),
        claim(Some(7), None, None),
    ];
    assert_eq!(pair(&claims, find), [Some((8, 1)), Some((7, 1))]);
}
