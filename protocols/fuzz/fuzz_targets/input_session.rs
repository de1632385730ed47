//! The receiver under a hostile client: whatever batches come, whenever, no key is pressed twice or released unpressed,
//! and silence ends with nothing held.
#![no_main]

use goggles_protocols::input::{Batch, Event, Keys, Limits, Receiver};
use libfuzzer_sys::fuzz_target;

fn apply(events: &mut Vec<Event>, held: &mut Keys) {
    for event in events.drain(..) {
        match event {
            Event::Key { code, pressed } | Event::Button { code, pressed } => assert!(held.set(code, pressed)),
            Event::Relative { dx, dy } | Event::Scroll { dx, dy } => assert!(dx.is_finite() && dy.is_finite()),
            Event::Absolute { x, y } => assert!((0.0..=1.0).contains(&x) && (0.0..=1.0).contains(&y)),
        }
    }
}

fuzz_target!(|batches: Vec<(u32, Vec<u8>)>| {
    let mut receiver = Receiver::new(Limits::default());
    let (mut now, mut events, mut held) = (0u64, Vec::new(), Keys::default());
    for (gap, bytes) in batches {
        now += u64::from(gap);
        receiver.tick(now, &mut events);
        let bytes = [&[Batch::KIND][..], &bytes].concat();
        if let Ok(batch) = Batch::decode(&bytes) {
            receiver.receive(now, &batch, &mut events);
        }
        apply(&mut events, &mut held);
        assert_eq!(&held, receiver.held());
    }
    if let Some(deadline) = receiver.deadline() {
        receiver.tick(deadline, &mut events);
        apply(&mut events, &mut held);
    }
    assert!(held.is_empty());
});
