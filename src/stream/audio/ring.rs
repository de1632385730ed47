//! A ring between PipeWire's data thread and ours: one writer, one reader, no locks and no allocation after the
//! start. What does not fit is dropped and counted by the writer.

use std::cell::UnsafeCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Samples of one slot, of all channels together: 512 of eight. A longer quantum takes several slots.
pub const SLOT: usize = 4096;
/// Slots: more than 300 ms of 5 ms quanta. A power of two.
const SLOTS: usize = 64;

struct Slot {
    /// When the first sample is due, in ns of `CLOCK_MONOTONIC`.
    at: u64,
    len: usize,
    samples: [f32; SLOT],
}

struct Ring {
    slots: Box<[UnsafeCell<Slot>]>,
    /// Slots written and slots read, ever.
    written: AtomicUsize,
    read: AtomicUsize,
    lost: AtomicU64,
}

// SAFETY: a slot is touched by the writer alone while it is not in `read..written`, and by the reader alone while it
// is; the two counters hand slots over with release and acquire. There is one of each, see `Writer` and `Reader`.
unsafe impl Sync for Ring {}
// SAFETY: it owns all that is in it.
unsafe impl Send for Ring {}

/// For the data thread of the sink, and for the microphone's other end.
pub struct Writer(Arc<Ring>);

/// For the audio thread, and for the data thread of the microphone.
pub struct Reader(Arc<Ring>);

/// Both ends of a new ring.
pub fn ring() -> (Writer, Reader) {
    let slot = || {
        UnsafeCell::new(Slot {
            at: 0,
            len: 0,
            samples: [0.0; SLOT],
        })
    };
    let ring = Arc::new(Ring {
        slots: (0..SLOTS).map(|_| slot()).collect(),
        written: AtomicUsize::new(0),
        read: AtomicUsize::new(0),
        lost: AtomicU64::new(0),
    });
    (Writer(ring.clone()), Reader(ring))
}

impl Writer {
    /// Writes one slot: at most [`SLOT`] little-endian floats, due at `at`. `false`: the reader is too slow, or it is too long.
    pub fn write(&mut self, at: u64, bytes: &[u8]) -> bool {
        let ring = &*self.0;
        let written = ring.written.load(Ordering::Relaxed);
        let (samples, _) = bytes.as_chunks::<4>();
        if written.wrapping_sub(ring.read.load(Ordering::Acquire)) >= SLOTS || samples.len() > SLOT {
            ring.lost.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        // SAFETY: not in `read..written`, so it is the writer's, and there is only one (`&mut self`).
        let slot = unsafe { &mut *ring.slots[written % SLOTS].get() };
        slot.at = at;
        slot.len = samples.len();
        for (to, from) in slot.samples.iter_mut().zip(samples) {
            *to = f32::from_le_bytes(*from);
        }
        ring.written.store(written.wrapping_add(1), Ordering::Release);
        true
    }

    /// Slots that were written and not read yet.
    pub fn waiting(&self) -> usize {
        let ring = &*self.0;
        ring.written
            .load(Ordering::Relaxed)
            .wrapping_sub(ring.read.load(Ordering::Acquire))
    }
}

impl Reader {
    /// Gives the oldest slot to `take`, and frees it; `false` if there is none.
    pub fn read(&mut self, take: impl FnOnce(u64, &[f32])) -> bool {
        let ring = &*self.0;
        let read = ring.read.load(Ordering::Relaxed);
        if read == ring.written.load(Ordering::Acquire) {
            return false;
        }
        // SAFETY: in `read..written`, so it is the reader's, and there is only one (`&mut self`).
        let slot = unsafe { &*ring.slots[read % SLOTS].get() };
        take(slot.at, &slot.samples[..slot.len]);
        ring.read.store(read.wrapping_add(1), Ordering::Release);
        true
    }

    /// How many slots found no room since the last call.
    pub fn lost(&self) -> u64 {
        self.0.lost.swap(0, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(samples: &[f32]) -> Vec<u8> {
        samples.iter().flat_map(|s| s.to_le_bytes()).collect()
    }

    #[test]
    fn what_is_written_is_read_in_order_across_threads() {
        let (mut writer, mut reader) = ring();
        const COUNT: u64 = 20_000;
        let thread = std::thread::spawn(move || {
            let mut n = 0;
            while n < COUNT {
                if writer.write(n, &bytes(&[n as f32, -(n as f32)])) {
                    n += 1;
                } else {
                    std::thread::yield_now();
                }
            }
        });
        let mut expected = 0;
        while expected < COUNT {
            let some = reader.read(|at, samples| {
                assert_eq!(at, expected);
                assert_eq!(samples, [at as f32, -(at as f32)]);
                expected += 1;
            });
            if !some {
                std::thread::yield_now();
            }
        }
        thread.join().unwrap();
        assert!(!reader.read(|_, _| ()));
    }

    #[test]
    fn a_full_ring_drops_what_is_new_and_counts_it() {
        let (mut writer, mut reader) = ring();
        for n in 0..SLOTS {
            assert!(writer.write(n as u64, &bytes(&[0.5])));
        }
        assert!(!writer.write(99, &bytes(&[0.5])));
        assert!(reader.read(|at, _| assert_eq!(at, 0)));
        assert!(writer.write(99, &bytes(&[0.5])));
        assert!(!writer.write(0, &vec![0; 4 * SLOT + 4]), "too long");
        assert_eq!((reader.lost(), reader.lost()), (2, 0));
    }
}
