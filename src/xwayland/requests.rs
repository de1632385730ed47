//! What X clients ask of the window manager that smithay does not hear of: to be raised, closed, moved, and for a picture.

use super::ewmh::News;
use super::manager::tell;
use crate::state::{Scope, State};
use smithay::reexports::calloop::ping::make_ping;
use smithay::xwayland::X11Surface;
use std::collections::HashSet;

/// So many events are seen to before the values of the properties that they name are asked for, so many times.
const MOST: usize = 1024;
const ROUNDS: usize = 4;

impl State {
    /// Writes a screenshot; its file is there when the property is taken away, after which it can be set again.
    pub(super) fn x11_screenshot(&mut self, server: u32, property: &'static str) {
        let taken = move |(), _: &mut (), state: &mut Self| {
            let ewmh = state.scope.xwayland.ewmh(server);
            if let Some(Err(why)) = ewmh.map(|ewmh| ewmh.remove(property)) {
                tracing::debug!("error taking a request away: {why:#}");
            }
        };
        let waiting = make_ping().map_err(anyhow::Error::from).and_then(|(ping, source)| {
            let inserted = self.scope.events.insert_source(source, taken);
            inserted.map_err(|e| anyhow::anyhow!("{e}"))?;
            Ok(ping)
        });
        match waiting {
            Ok(ping) => self.take_screenshot_asked(ping),
            Err(why) => tracing::warn!("no screenshot: {why:#}"),
        }
    }

    /// Sees to all events of this server that are there. Whether the connection lives.
    pub(super) fn x11_read_events(&mut self, server: u32) -> bool {
        self.scope.now = self.scope.clock.now();
        // While the server is asked for values, more may come; who never pauses does not keep the loop for ever.
        for _ in 0..ROUNDS {
            let (mut changed, mut known, mut all) = (Vec::new(), HashSet::new(), false);
            for _ in 0..MOST {
                let Some(ewmh) = self.scope.xwayland.ewmh(server) else {
                    return false;
                };
                match ewmh.next() {
                    Ok(None) => {
                        all = true;
                        break;
                    }
                    Ok(Some(News::Property { window, atom })) => {
                        self.scope.x11_look_at_told(server, window, atom);
                        if known.insert((window, atom)) {
                            changed.push((window, atom));
                        }
                    }
                    Ok(Some(news)) => self.x11_news(server, news),
                    // The server is gone; its own end is noticed elsewhere.
                    Err(why) => {
                        tracing::debug!("error reading X events: {why:#}");
                        return false;
                    }
                }
            }
            if all && changed.is_empty() {
                return true;
            }
            self.x11_properties(server, &changed);
        }
        if let Some(ewmh) = self.scope.xwayland.ewmh(server) {
            ewmh.leave_unread();
        }
        true
    }

    fn x11_news(&mut self, server: u32, news: News) {
        let scope = &mut self.scope;
        match news {
            News::Activate(window) => {
                if let Some(id) = scope.windows.by_x11(server, window).map(|w| w.id) {
                    scope.windows.raise(id);
                    scope.clicked = Some(id);
                    self.scene_changed();
                }
            }
            News::Close(window) => {
                if let Some(window) = x11(scope, server, window) {
                    tell(window.close());
                }
            }
            News::Place { window, at, size } => {
                if let Some(window) = x11(scope, server, window) {
                    scope.x11_place(&window, at, size);
                }
            }
            News::Resized => self.x11_mode_is_set(),
            News::Property { window, atom } => self.x11_properties(server, &[(window, atom)]),
            News::Emulated(window) => {
                if let Some(window) = x11(scope, server, window)
                    && window.is_fullscreen()
                {
                    scope.x11_fill_again(&window);
                }
            }
        }
    }
}

/// The window of this number, if it is mapped.
fn x11(scope: &Scope, server: u32, window: u32) -> Option<X11Surface> {
    scope.windows.by_x11(server, window)?.x11().cloned()
}
