//! What the receiver does with single batches: late presses, gaps, outages, hostile numbers.

use goggles_protocols::input::{Absolute, Ack, Batch, Edge, Event, Keys, Limits, Place, Receiver, Vector};

/// Server's clock at the client's 0; the way takes 10 ms.
const BASE: u64 = 5_000_000;

fn press(code: u16, age_ms: u32) -> Edge {
    Edge {
        code,
        pressed: true,
        age: age_ms * 1000,
        place: None,
    }
}

fn release(code: u16, age_ms: u32) -> Edge {
    Edge {
        pressed: false,
        ..press(code, age_ms)
    }
}

fn holding(codes: &[u16]) -> Keys {
    let mut keys = Keys::default();
    for code in codes {
        keys.set(*code, true);
    }
    keys
}

/// Batch `seq`, sent at `ms`, with edges up to `edge_seq`.
fn batch(seq: u32, ms: u64, held: &[u16], edge_seq: u32, edges: &[Edge]) -> Batch {
    Batch {
        epoch: 1,
        seq,
        time: ms * 1000,
        held: holding(held),
        edge_seq,
        edges: edges.to_vec(),
        ..Batch::default()
    }
}

/// A receiver that has had one empty batch, sent at 0, with the usual delay: it knows what is normal.
fn receiver() -> Receiver {
    let mut receiver = Receiver::new(Limits::default());
    assert_eq!(receive(&mut receiver, 0, &batch(1, 0, &[], 0, &[])), []);
    receiver
}

/// What comes of a batch that came `late` ms later than usual.
fn receive(receiver: &mut Receiver, late: u64, batch: &Batch) -> Vec<Event> {
    let mut out = Vec::new();
    receiver.receive(BASE + 10_000 + batch.time + late * 1000, batch, &mut out);
    out
}

fn down(code: u16) -> Event {
    Event::Key { code, pressed: true }
}

fn up(code: u16) -> Event {
    Event::Key { code, pressed: false }
}

#[test]
fn a_late_tap_is_dropped_whole() {
    let mut r = receiver();
    // Pressed 200 ms before it arrives, released 100 ms before: neither happens.
    assert_eq!(
        receive(&mut r, 0, &batch(2, 300, &[], 2, &[press(30, 200), release(30, 100)])),
        []
    );
    assert_eq!(r.counters().stale, 1);
    // At the limit it still counts.
    assert_eq!(
        receive(&mut r, 0, &batch(3, 400, &[], 4, &[press(30, 150), release(30, 0)])),
        [down(30), up(30)]
    );
    // So it does when the batch is late and not the edge.
    assert_eq!(
        receive(&mut r, 151, &batch(4, 500, &[], 6, &[press(30, 0), release(30, 0)])),
        []
    );
    assert_eq!(r.counters().stale, 2);
}

#[test]
fn a_late_press_still_held_is_pressed_by_a_fresh_state_only() {
    let mut r = receiver();
    assert_eq!(receive(&mut r, 200, &batch(2, 300, &[17], 1, &[press(17, 0)])), []);
    assert_eq!(r.deadline(), None);
    assert_eq!(receive(&mut r, 0, &batch(3, 510, &[17], 1, &[])), [down(17)]);
    assert_eq!(r.counters().reconciled, 1);
}

#[test]
fn releases_are_never_late() {
    let mut r = receiver();
    assert_eq!(receive(&mut r, 0, &batch(2, 10, &[17], 1, &[press(17, 0)])), [down(17)]);
    assert_eq!(
        receive(&mut r, 5_000, &batch(3, 20, &[], 2, &[release(17, 0)])),
        [up(17)]
    );
}

#[test]
fn the_limit_rises_with_the_round_trip() {
    let mut r = receiver();
    // The echo of batch 1, which came at 10 ms by the client's clock, took 100 ms there and back.
    let echo = Batch {
        last_ack: 1,
        ack_age: 20_000,
        ..batch(2, 120, &[], 0, &[])
    };
    assert_eq!(receive(&mut r, 0, &echo), []);
    assert_eq!(r.rtt(), 100_000);
    assert_eq!(
        receive(&mut r, 0, &batch(3, 500, &[], 2, &[press(30, 250), release(30, 0)])),
        [down(30), up(30)]
    );
    assert_eq!(
        receive(&mut r, 0, &batch(4, 600, &[], 4, &[press(30, 251), release(30, 0)])),
        []
    );
}

#[test]
fn a_clients_sleep_does_not_make_it_late_for_long() {
    let mut r = receiver();
    // The client's clock stood still for a minute. Its next batch looks a minute late …
    assert_eq!(
        receive(&mut r, 60_000, &batch(2, 100, &[30], 1, &[press(30, 0)])),
        [down(30)],
        "the window has passed"
    );
    let mut r = receiver();
    // … or five seconds, within the window: the echo of the first exchange after it clears that up.
    assert_eq!(receive(&mut r, 5_000, &batch(2, 100, &[30], 1, &[press(30, 0)])), []);
    let echo = Batch {
        last_ack: 2,
        ack_age: 5_000,
        ..batch(3, 125, &[30], 1, &[])
    };
    assert_eq!(receive(&mut r, 5_000, &echo), [down(30)]);
}

#[test]
fn silence_lets_go_and_the_next_batch_presses_again() {
    let mut r = receiver();
    assert_eq!(
        receive(&mut r, 0, &batch(2, 100, &[17, 0x110], 1, &[press(17, 0)])).len(),
        2
    );
    let deadline = r.deadline().expect("something is held");
    assert_eq!(deadline, BASE + 110_000 + 400_000);
    let mut out = Vec::new();
    r.tick(deadline - 1, &mut out);
    assert_eq!(out, []);
    r.tick(deadline, &mut out);
    assert_eq!(
        out,
        [
            up(17),
            Event::Button {
                code: 0x110,
                pressed: false
            }
        ]
    );
    assert_eq!((r.deadline(), r.counters().silences), (None, 1));
    assert_eq!(receive(&mut r, 0, &batch(3, 900, &[17], 1, &[])), [down(17)]);
}

#[test]
fn lost_edges_are_made_up_for_in_order() {
    let mut r = receiver();
    receive(&mut r, 0, &batch(2, 10, &[17, 18], 2, &[press(17, 0), press(18, 0)]));
    // Edges 3 to 5 are in no batch: 17 went up, 19 down. Then 30 was tapped.
    let events = receive(&mut r, 0, &batch(3, 50, &[18, 19], 7, &[press(30, 1), release(30, 0)]));
    assert_eq!(events, [up(17), down(19), down(30), up(30)]);
    assert_eq!((r.counters().lost_edges, r.counters().reconciled), (3, 2));
    assert_eq!(
        r.ack(),
        Some(Ack {
            epoch: 1,
            batch: 3,
            edge: 7
        })
    );
}

#[test]
fn a_late_click_hits_where_it_was_made() {
    let mut r = receiver();
    let at = |x: i32, seq: u32| Place {
        motion: Vector { x: x * 256, y: 0 },
        absolute: Absolute {
            seq,
            x: 13_107 * seq as u16,
            y: 0,
        },
    };
    let click = |x, seq, pressed| Edge {
        code: 0x110,
        pressed,
        age: 4_000,
        place: Some(at(x, seq)),
    };
    // The batches with the press and the release were lost; this one moved on.
    let late = Batch {
        place: at(30, 3),
        ..batch(4, 50, &[], 2, &[click(10, 1, true), click(20, 2, false)])
    };
    let (moved, place) = (Event::Relative { dx: 10.0, dy: 0.0 }, |n: f64| Event::Absolute {
        x: n / 5.0,
        y: 0.0,
    });
    let button = |pressed| Event::Button { code: 0x110, pressed };
    assert_eq!(
        receive(&mut r, 0, &late),
        [
            moved,
            place(1.0),
            button(true),
            moved,
            place(2.0),
            button(false),
            moved,
            place(3.0)
        ]
    );
}

#[test]
fn motion_wraps() {
    let mut r = receiver();
    let at = |seq, x| Batch {
        place: Place {
            motion: Vector { x, y: 0 },
            ..Place::default()
        },
        ..batch(seq, 10, &[], 0, &[])
    };
    assert_eq!(
        receive(&mut r, 0, &at(2, i32::MAX - 255)),
        [Event::Relative {
            dx: 8_388_607.0,
            dy: 0.0
        }]
    );
    assert_eq!(
        receive(&mut r, 0, &at(3, i32::MIN)),
        [Event::Relative { dx: 1.0, dy: 0.0 }]
    );
}

#[test]
fn numbers_wrap() {
    let mut r = Receiver::new(Limits::default());
    let numbered = |epoch, seq| Batch {
        epoch,
        ..batch(seq, 10, &[30], 0, &[])
    };
    assert_eq!(receive(&mut r, 0, &numbered(u32::MAX, u32::MAX)), [down(30)]);
    assert_eq!(receive(&mut r, 0, &numbered(u32::MAX, 0)), []);
    assert_eq!(receive(&mut r, 0, &numbered(u32::MAX, u32::MAX)), []);
    assert_eq!(r.counters().late, 1);
    assert_eq!(
        receive(&mut r, 0, &numbered(0, 1)),
        [up(30), down(30)],
        "a new epoch lets go first"
    );
    assert_eq!(receive(&mut r, 0, &numbered(u32::MAX, 7)), []);
    assert_eq!(r.counters().late, 2);
}

/// Numbers chosen to hurt: nothing overflows, nothing is made twice.
#[test]
fn hostile_numbers_do_no_harm() {
    let mut r = receiver();
    let worst = [0, 1, u32::MAX / 2, u32::MAX / 2 + 1, u32::MAX];
    let mut held = Keys::default();
    for (n, seq) in worst.iter().enumerate() {
        for edge_seq in worst {
            for time in [0, 1, u64::MAX, u64::MAX / 2, u64::MAX / 2 + 1] {
                let edges = [press(30, u32::MAX / 1000), release(31, 0), press(32, 0)];
                let hostile = Batch {
                    epoch: n as u32,
                    time,
                    last_ack: *seq,
                    ack_age: edge_seq,
                    ..batch(*seq, 0, &[30, 33], edge_seq, &edges)
                };
                let mut out = Vec::new();
                r.receive(BASE, &hostile, &mut out);
                for event in out {
                    if let Event::Key { code, pressed } = event {
                        assert!(held.set(code, pressed), "{event:?}");
                    }
                }
                assert_eq!(&held, r.held());
            }
        }
    }
}
