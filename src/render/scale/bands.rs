//! Shares the rows of a picture among threads, which end with the picture.

use std::sync::Mutex;

/// So many rows are taken at a time: to start a thread takes as long as a few rows.
const BAND: usize = 32;
/// More threads than this only wait for memory.
const MOST: usize = 16;

/// Calls `draw(y, row)` for each row of `width` elements, from several threads.
pub fn rows<T: Send>(output: &mut [T], width: usize, draw: impl Fn(usize, &mut [T]) + Sync) {
    let count = output.len() / width / BAND;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = threads.min(count).min(MOST);
    let bands = Mutex::new(output.chunks_mut(BAND * width).enumerate());
    let work = || {
        // Nobody panics while it is locked; if somebody did, the others stop.
        while let Some((band, rows)) = bands.lock().ok().and_then(|mut bands| bands.next()) {
            for (y, row) in rows.chunks_exact_mut(width).enumerate() {
                draw(band * BAND + y, row);
            }
        }
    };
    std::thread::scope(|scope| {
        for i in 1..threads {
            // One that can't be started leaves its rows to the others.
            let thread = std::thread::Builder::new().name(format!("scale-{i}"));
            if let Err(why) = thread.spawn_scoped(scope, work) {
                tracing::warn!("a thread for scaling can't be started: {why}");
            }
        }
        work();
    });
}
