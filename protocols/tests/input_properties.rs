//! What input must hold to over any network: no key is ever stuck, no motion is lost, no edge is made twice.

mod common;

use common::{Action, Weather, World};
use goggles_protocols::input::{Event, Keys};
use proptest::prelude::*;

/// Long enough for every repeat, acknowledgement and outage.
const QUIET: u64 = 2_000_000;

fn bad_weather() -> impl Strategy<Value = Weather> {
    (
        1_000u64..40_000,
        0u64..30_000,
        prop_oneof![Just(10_000u64), Just(30_000)],
        0u64..200,
        any::<u64>(),
    )
        .prop_map(|(delay, jitter, burst, twice, seed)| Weather {
            delay,
            jitter,
            loss: 50,
            bursts: 20,
            burst,
            twice,
            seed,
        })
}

/// A third lost, and outages longer than the silence that lets all go.
fn storm() -> impl Strategy<Value = Weather> {
    (1_000u64..200_000, 0u64..200_000, 10_000u64..600_000, any::<u64>()).prop_map(|(delay, jitter, burst, seed)| {
        Weather {
            delay,
            jitter,
            loss: 300,
            bursts: 5,
            burst,
            twice: 300,
            seed,
        }
    })
}

fn code() -> impl Strategy<Value = u16> {
    // Few of them, so that the same is pressed again soon.
    prop_oneof![
        Just(17u16),
        Just(30),
        Just(31),
        Just(255),
        Just(0x110),
        Just(0x111),
        0u16..256
    ]
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        6 => (code(), any::<bool>()).prop_map(|(c, p)| Action::Key(c, p)),
        4 => (-300.0f64..300.0, -300.0f64..300.0).prop_map(|(x, y)| Action::Move(x, y)),
        2 => (0.0f64..1.0, 0.0f64..1.0).prop_map(|(x, y)| Action::Place(x, y)),
        1 => (-500.0f64..500.0, -500.0f64..500.0).prop_map(|(x, y)| Action::Scroll(x, y)),
        1 => Just(Action::Blur),
    ]
}

fn script() -> impl Strategy<Value = Vec<(u64, Action)>> {
    // Mostly quick, sometimes a pause in which all gets acknowledged.
    let gap = prop_oneof![6 => 0u64..5_000, 4 => 5_000u64..80_000, 1 => 80_000u64..900_000];
    prop::collection::vec((gap, action()), 1..120)
}

/// What the seat holds after `events`, which must not press what is pressed or release what is not.
fn replay(events: &[(u64, Event)]) -> Result<Keys, TestCaseError> {
    let mut held = Keys::default();
    for (_, event) in events {
        if let Event::Key { code, pressed } | Event::Button { code, pressed } = *event {
            prop_assert!(held.set(code, pressed), "{event:?} changes nothing");
        }
    }
    Ok(held)
}

fn sum(events: &[(u64, Event)]) -> [f64; 4] {
    let mut sum = [0.0; 4];
    for (_, event) in events {
        match *event {
            Event::Relative { dx, dy } => (sum[0] += dx, sum[1] += dy),
            Event::Scroll { dx, dy } => (sum[2] += dx, sum[3] += dy),
            _ => continue,
        };
    }
    sum
}

/// Runs the script to its end and a quiet time after, and checks what must hold then.
fn play(weather: Weather, script: &[(u64, Action)]) -> Result<World, TestCaseError> {
    let mut world = World::new(weather);
    let (mut moved, mut place) = ([0.0; 4], None);
    for (gap, action) in script {
        world.pass(*gap);
        world.act(*action);
        match *action {
            Action::Move(dx, dy) => (moved[0] += dx, moved[1] += dy),
            Action::Scroll(dx, dy) => (moved[2] += dx, moved[3] += dy),
            Action::Place(x, y) => {
                place = Some((x, y));
                continue;
            }
            _ => continue,
        };
    }
    // The outages end; single losses go on.
    world.weather.bursts = 0;
    world.pass(QUIET);

    let held = replay(&world.events)?;
    prop_assert_eq!(&held, world.receiver.held());
    prop_assert_eq!(&held, world.sender.held(), "what is held differs");
    for (got, want) in sum(&world.events).iter().zip(moved) {
        // What is less than 1/256 waits in the sender.
        prop_assert!(
            (want - got - 1.0 / 512.0).abs() <= 1.0 / 512.0 + 1e-9,
            "moved {} of {}",
            got,
            want
        );
    }
    let last = world.events.iter().rev().find_map(|(_, e)| match *e {
        Event::Absolute { x, y } => Some((x, y)),
        _ => None,
    });
    match (last, place) {
        (Some((x, y)), Some((px, py))) => prop_assert!((x - px).abs() < 1e-5 && (y - py).abs() < 1e-5),
        (None, None) => (),
        other => prop_assert!(false, "{:?}", other),
    }

    world.act(Action::Blur);
    world.pass(QUIET);
    prop_assert!(world.receiver.held().is_empty(), "stuck");
    prop_assert_eq!(world.sender.deadline(), None, "not quiet");
    prop_assert_eq!(world.receiver.deadline(), None);
    Ok(world)
}

proptest! {
    #[test]
    fn nothing_is_stuck_or_lost(weather in bad_weather(), script in script()) {
        let world = play(weather, &script)?;
        prop_assert_eq!(world.receiver.counters().silences, 0);
    }

    #[test]
    fn nor_in_a_storm(weather in storm(), script in script()) {
        play(weather, &script)?;
    }

    /// On a network that does nothing but delay, every edge is made, in order, and nothing needs to be made up for.
    #[test]
    fn clear_weather_is_exact(delay in 100u64..100_000, script in script()) {
        let weather = Weather { delay, jitter: 0, loss: 0, bursts: 0, burst: 0, twice: 0, seed: 0 };
        let world = play(weather, &script)?;
        let mut held = Keys::default();
        let mut edges = Vec::new();
        for (_, action) in &script {
            match *action {
                Action::Key(code, pressed) if held.set(code, pressed) => edges.push((code, pressed)),
                Action::Blur => edges.extend(std::mem::take(&mut held).iter().map(|c| (c, false))),
                _ => (),
            }
        }
        edges.extend(held.iter().map(|c| (c, false)));
        let made: Vec<_> = world.events.iter().filter_map(|(_, e)| match *e {
            Event::Key { code, pressed } | Event::Button { code, pressed } => Some((code, pressed)),
            _ => None,
        }).collect();
        prop_assert_eq!(made, edges);
        let counters = world.receiver.counters();
        prop_assert_eq!((counters.stale, counters.reconciled, counters.lost_edges, counters.late), (0, 0, 0, 0));
    }

    /// A key held for longer than the round trip and the stale limit is down at the server by then, though nothing
    /// says that its edge came in time.
    #[test]
    fn a_long_press_is_seen(weather in bad_weather(), script in script(), codes in prop::collection::vec(code(), 1..8)) {
        let mut world = World::new(weather);
        for (gap, action) in &script {
            world.pass(*gap);
            world.act(*action);
        }
        let round_trip = 2 * (weather.delay + weather.jitter);
        for code in codes {
            world.act(Action::Key(code, false));
            world.act(Action::Key(code, true));
            world.pass(round_trip + 150_000 + 1);
            prop_assert!(world.receiver.held().contains(code), "{} not seen", code);
        }
    }

    /// A new epoch lets go of what the old one held and counts motion from zero, whatever of the old one still
    /// flies about.
    #[test]
    fn epochs_do_not_mix(weather in bad_weather(), before in script(), after in script()) {
        let mut world = World::new(weather);
        for (gap, action) in before {
            world.pass(gap);
            world.act(action);
        }
        world.act(Action::Reset);
        let mut moved = 0.0;
        for (gap, action) in &after {
            world.pass(*gap);
            world.act(*action);
            if let Action::Move(dx, _) = action {
                moved += dx;
            }
        }
        world.pass(QUIET);
        prop_assert_eq!(world.receiver.held(), world.sender.held());
        prop_assert_eq!(&replay(&world.events)?, world.receiver.held());
        let made = sum(&world.events[world.epoch_from..])[0];
        prop_assert!((moved - made - 1.0 / 512.0).abs() <= 1.0 / 512.0 + 1e-9, "moved {} of {}", made, moved);
        let ack = world.receiver.ack().expect("batches came");
        prop_assert_eq!(ack.epoch, 8);
    }
}

/// Over a still network a change is one datagram if the acknowledgement is back within 4 ms, and a held key costs
/// 125 a second.
#[test]
fn datagrams_are_few() {
    let mut world = World::new(Weather {
        delay: 500,
        jitter: 0,
        loss: 0,
        bursts: 0,
        burst: 0,
        twice: 0,
        seed: 0,
    });
    world.act(Action::Key(30, true));
    world.pass(1_000_000);
    assert_eq!(world.sent, 126);
    world.act(Action::Key(30, false));
    world.pass(1_000_000);
    assert_eq!(world.sent, 127);
    world.act(Action::Move(1.0, 0.0));
    world.pass(1_000_000);
    assert_eq!(world.sent, 128);
}
