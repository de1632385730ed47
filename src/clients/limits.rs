//! How many objects a client may have: far more than any game has, and so few that nobody fills the memory.

use smithay::reexports::wayland_server::backend::{ClientId, ObjectId};
use smithay::reexports::wayland_server::protocol::{wl_buffer::WlBuffer, wl_region::WlRegion, wl_surface::WlSurface};
use smithay::reexports::wayland_server::{DisplayHandle, Resource};
use smithay::wayland::compositor::{SurfaceAttributes, get_region_attributes, with_states};
use smithay::wayland::shm::with_buffer_contents;
use std::collections::HashMap;

/// Of these interfaces, so many.
const OF_INTERFACE: &[(&str, usize)] = &[
    ("wl_surface", 4096),
    ("wl_shm_pool", 1024),
    ("zwp_linux_buffer_params_v1", 1024),
    ("wl_buffer", 16_384),
    ("wl_callback", 65_536),
    // Each has a keymap, in a file.
    ("zwp_virtual_keyboard_v1", 64),
    // Each has 64 kB of types.
    ("wl_data_source", 256),
    ("zwp_primary_selection_source_v1", 256),
];
/// Of any other.
const OF_OTHERS: usize = 8192;
/// Rectangles in regions, wherever they are kept, and in damage that is not committed.
const RECTANGLES: usize = 1 << 16;
/// Bytes of shared memory that its buffers lie in, which count as ours as soon as they are read.
const SHARED: usize = 4 << 30;
/// An Xwayland is many clients.
pub const XWAYLAND: usize = 16;

/// What the client has too much of, in words.
pub fn excess(dh: &DisplayHandle, client: &ClientId, xwayland: bool) -> Option<String> {
    let mut objects: Vec<ObjectId> = Vec::new();
    // One that is gone has nothing.
    let _ = dh
        .backend_handle()
        .with_all_objects_for(client.clone(), |id| objects.push(id));
    let factor = if xwayland { XWAYLAND } else { 1 };
    let mut counts: HashMap<&'static str, usize> = HashMap::new();
    for object in &objects {
        *counts.entry(object.interface().name).or_default() += 1;
    }
    if let Some((name, count)) = most(&counts, factor) {
        return Some(format!("{count} objects of {name}"));
    }
    let shared = shared(dh, &objects);
    if shared > SHARED * factor {
        return Some(format!("{} MiB of shared memory", shared >> 20));
    }
    let rectangles: usize = objects.into_iter().map(|object| rectangles(dh, object)).sum();
    (rectangles > RECTANGLES * factor).then(|| format!("{rectangles} rectangles"))
}

/// Bytes of the pools that have buffers, each counted once.
fn shared(dh: &DisplayHandle, objects: &[ObjectId]) -> usize {
    let buffers = objects.iter().filter(|object| object.interface().name == "wl_buffer");
    let pools: HashMap<usize, usize> = buffers
        .filter_map(|object| {
            let buffer = WlBuffer::from_id(dh, object.clone()).ok()?;
            with_buffer_contents(&buffer, |at, length, _| (at as usize, length)).ok()
        })
        .collect();
    pools.values().sum()
}

/// The first that there are too many of.
fn most(counts: &HashMap<&'static str, usize>, factor: usize) -> Option<(&'static str, usize)> {
    let limit = |name: &str| {
        let listed = OF_INTERFACE.iter().find(|(of, _)| *of == name);
        listed.map_or(OF_OTHERS, |(_, limit)| *limit) * factor
    };
    let mut over = counts.iter().filter(|(name, count)| **count > limit(name));
    over.next().map(|(name, count)| (*name, *count))
}

/// How many an object holds.
fn rectangles(dh: &DisplayHandle, object: ObjectId) -> usize {
    match object.interface().name {
        "wl_region" => WlRegion::from_id(dh, object).map_or(0, |region| get_region_attributes(&region).rects.len()),
        "wl_surface" => WlSurface::from_id(dh, object).map_or(0, |surface| {
            with_states(&surface, |states| {
                let mut cached = states.cached_state.get::<SurfaceAttributes>();
                cached.pending().damage.len() + in_regions(cached.pending()) + in_regions(cached.current())
            })
        }),
        _ => 0,
    }
}

/// How many lie in the regions of a surface's state.
pub fn in_regions(state: &SurfaceAttributes) -> usize {
    let regions = [&state.input_region, &state.opaque_region];
    regions.into_iter().flatten().map(|region| region.rects.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_game_has_is_no_excess_and_a_flood_is() {
        let game = HashMap::from([
            ("wl_surface", 40),
            ("wl_buffer", 300),
            ("wl_callback", 50),
            ("wl_region", 3),
        ]);
        assert_eq!(most(&game, 1), None);
        let flood = HashMap::from([("wl_surface", 4097), ("wl_buffer", 300)]);
        assert_eq!(most(&flood, 1), Some(("wl_surface", 4097)));
        assert_eq!(most(&flood, XWAYLAND), None);
        assert_eq!(
            most(&HashMap::from([("wl_region", 8193)]), 1),
            Some(("wl_region", 8193))
        );
    }
}
