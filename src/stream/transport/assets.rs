//! The browser client, bundled by `build.rs` and embedded.

include!(concat!(env!("OUT_DIR"), "/web_assets.rs"));

/// The file at that path: content type and bytes.
pub fn find(path: &str) -> Option<(&'static str, &'static [u8])> {
    ASSETS
        .iter()
        .find(|(p, _, _)| *p == path)
        .map(|(_, content_type, bytes)| (*content_type, *bytes))
}
