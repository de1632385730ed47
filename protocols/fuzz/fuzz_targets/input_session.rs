//! The receiver under a hostile client: whatever batches come, whenever, no key is pressed twice or released
//! unpressed, and silence ends with nothing held. The batches are well-formed by construction (the decoder has its
//! own target), with few epochs and near numbers, so that they meet.
#![no_main]

use goggles_protocols::input::{BUTTON_FIRST, Batch, Edge, Event, Keys, Limits, Receiver, is_button};
use libfuzzer_sys::fuzz_target;

/// µs since the last batch, the fixed part behind the kind and before the count, and the edges: code, down, age.
type Step = (u32, [u8; 94], Vec<(u8, bool, u32)>);

fn batch(head: &[u8; 94], edges: &[(u8, bool, u32)]) -> Option<Batch> {
    let mut batch = Batch::decode(&[&[Batch::KIND][..], head, &[0]].concat()).ok()?;
    batch.epoch %= 4;
    batch.seq %= 1024;
    batch.edge_seq %= 1024;
    batch.time %= 1 << 40;
    batch.edges.extend(edges.iter().take(16).map(|(code, pressed, age)| {
        let code = if code % 4 == 0 {
            BUTTON_FIRST + u16::from(code / 16)
        } else {
            u16::from(*code)
        };
        Edge {
            code,
            pressed: *pressed,
            age: age % 400_000,
            place: is_button(code).then_some(batch.place),
        }
    }));
    Some(batch)
}

fn apply(events: &mut Vec<Event>, held: &mut Keys) {
    for event in events.drain(..) {
        match event {
            Event::Key { code, pressed } | Event::Button { code, pressed } => assert!(held.set(code, pressed)),
            Event::Relative { dx, dy } | Event::Scroll { dx, dy } => assert!(dx.is_finite() && dy.is_finite()),
            Event::Absolute { x, y } => assert!((0.0..=1.0).contains(&x) && (0.0..=1.0).contains(&y)),
        }
    }
}

fuzz_target!(|steps: Vec<Step>| {
    let mut receiver = Receiver::new(Limits::default());
    let (mut now, mut events, mut held) = (0u64, Vec::new(), Keys::default());
    for (gap, head, edges) in steps {
        now += u64::from(gap % 1_000_000);
        receiver.tick(now, &mut events);
        let Some(batch) = batch(&head, &edges) else { continue };
        receiver.receive(now, &batch, &mut events);
        apply(&mut events, &mut held);
        assert_eq!(&held, receiver.held());
    }
    if let Some(deadline) = receiver.deadline() {
        receiver.tick(deadline, &mut events);
        apply(&mut events, &mut held);
    }
    assert!(held.is_empty());
});
