//! xdg-foreign and xdg-dialog: whose child a window is, and whether its parent must wait.
//!
//! Owns the handles by which windows are known to other clients, and who uses them: smithay 0.7 tells an importer nothing when
//! what it imported goes, and knows only the last child of a handle.

use crate::state::State;
use ring::rand::{SecureRandom, SystemRandom};
use smithay::reexports::wayland_protocols::xdg::foreign::zv2::server::{
    zxdg_exported_v2::{self, ZxdgExportedV2},
    zxdg_exporter_v2::{self, ZxdgExporterV2},
    zxdg_imported_v2::{self, ZxdgImportedV2},
    zxdg_importer_v2::{self, ZxdgImporterV2},
};
use smithay::reexports::wayland_server::backend::ClientId;
use smithay::reexports::wayland_server::protocol::wl_surface::WlSurface;
use smithay::reexports::wayland_server::{Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, Resource};
use smithay::wayland::compositor::{get_role, with_states};
use smithay::wayland::shell::is_valid_parent;
use smithay::wayland::shell::xdg::{
    ToplevelSurface, XDG_TOPLEVEL_ROLE, XdgToplevelSurfaceData, dialog::XdgDialogHandler,
};

/// The windows that other clients may name, and those that name them.
#[derive(Debug, Default)]
pub struct Foreign {
    exports: Vec<Export>,
    imports: Vec<Import>,
}

#[derive(Debug)]
struct Export {
    exported: ZxdgExportedV2,
    handle: String,
    surface: WlSurface,
}

#[derive(Debug)]
struct Import {
    imported: ZxdgImportedV2,
    /// The window.
    parent: WlSurface,
    /// Which handle of it.
    handle: String,
    children: Vec<WlSurface>,
}

impl Foreign {
    /// Makes the globals.
    pub(super) fn new(dh: &DisplayHandle) -> Self {
        dh.create_global::<State, ZxdgExporterV2, ()>(1, ());
        dh.create_global::<State, ZxdgImporterV2, ()>(1, ());
        Self::default()
    }
}

impl Import {
    /// Its children are windows of their own again.
    fn release(self) {
        for child in self.children.iter().filter(|child| child.is_alive()) {
            set_parent(child, &self.parent, None);
        }
    }
}

/// Makes `to` the parent of a window; or of one that is a child of `from`, if it is none.
fn set_parent(child: &WlSurface, from: &WlSurface, to: Option<&WlSurface>) {
    with_states(child, |states| {
        let toplevel = states.data_map.get::<XdgToplevelSurfaceData>();
        if let Some(mut toplevel) = toplevel.and_then(|t| t.lock().ok())
            && (to.is_some() || toplevel.parent.as_ref() == Some(from))
        {
            toplevel.parent = to.cloned();
        }
    });
}

/// Nobody guesses it.
fn new_handle() -> Option<String> {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

impl State {
    /// These exports end, and so does what was made of them.
    fn revoke(&mut self, is: impl Fn(&Export) -> bool) {
        let foreign = &mut self.scope.extras.foreign;
        let ended: Vec<Export> = foreign.exports.extract_if(.., |export| is(export)).collect();
        if ended.is_empty() {
            return;
        }
        let of_them = |import: &mut Import| ended.iter().any(|export| export.handle == import.handle);
        for import in foreign.imports.extract_if(.., of_them) {
            import.imported.destroyed();
            import.release();
        }
        self.scene_changed();
    }

    /// The window is gone.
    pub(super) fn revoke_window(&mut self, surface: &WlSurface) {
        self.revoke(|export| export.surface == *surface);
    }
}

impl GlobalDispatch<ZxdgExporterV2, ()> for State {
    fn bind(
        _: &mut Self,
        _: &DisplayHandle,
        _: &Client,
        resource: New<ZxdgExporterV2>,
        (): &(),
        init: &mut DataInit<'_, Self>,
    ) {
        init.init(resource, ());
    }
}

impl Dispatch<ZxdgExporterV2, ()> for State {
    fn request(
        state: &mut Self,
        _: &Client,
        exporter: &ZxdgExporterV2,
        request: zxdg_exporter_v2::Request,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Self>,
    ) {
        let zxdg_exporter_v2::Request::ExportToplevel { id, surface } = request else {
            return;
        };
        let exported = init.init(id, ());
        if get_role(&surface) != Some(XDG_TOPLEVEL_ROLE) {
            exporter.post_error(zxdg_exporter_v2::Error::InvalidSurface, "the surface is no window");
            return;
        }
        let Some(handle) = new_handle() else {
            tracing::warn!("a window can't be named: there are no random numbers");
            return;
        };
        exported.handle(handle.clone());
        state.scope.extras.foreign.exports.push(Export {
            exported,
            handle,
            surface,
        });
    }
}

impl Dispatch<ZxdgExportedV2, ()> for State {
    fn request(
        _: &mut Self,
        _: &Client,
        _: &ZxdgExportedV2,
        _: zxdg_exported_v2::Request,
        (): &(),
        _: &DisplayHandle,
        _: &mut DataInit<'_, Self>,
    ) {
    }

    fn destroyed(state: &mut Self, _: ClientId, exported: &ZxdgExportedV2, (): &()) {
        state.revoke(|export| export.exported == *exported);
    }
}

impl GlobalDispatch<ZxdgImporterV2, ()> for State {
    fn bind(
        _: &mut Self,
        _: &DisplayHandle,
        _: &Client,
        resource: New<ZxdgImporterV2>,
        (): &(),
        init: &mut DataInit<'_, Self>,
    ) {
        init.init(resource, ());
    }
}

impl Dispatch<ZxdgImporterV2, ()> for State {
    fn request(
        state: &mut Self,
        _: &Client,
        _: &ZxdgImporterV2,
        request: zxdg_importer_v2::Request,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Self>,
    ) {
        let zxdg_importer_v2::Request::ImportToplevel { id, handle } = request else {
            return;
        };
        let imported = init.init(id, ());
        let foreign = &mut state.scope.extras.foreign;
        let Some(export) = foreign.exports.iter().find(|export| export.handle == handle) else {
            imported.destroyed();
            return;
        };
        let parent = export.surface.clone();
        foreign.imports.push(Import {
            imported,
            parent,
            handle,
            children: Vec::new(),
        });
    }
}

impl Dispatch<ZxdgImportedV2, ()> for State {
    fn request(
        state: &mut Self,
        _: &Client,
        imported: &ZxdgImportedV2,
        request: zxdg_imported_v2::Request,
        (): &(),
        _: &DisplayHandle,
        _: &mut DataInit<'_, Self>,
    ) {
        let zxdg_imported_v2::Request::SetParentOf { surface: child } = request else {
            return;
        };
        let mut imports = state.scope.extras.foreign.imports.iter_mut();
        // One that was told that it is none has no effect.
        let Some(import) = imports.find(|import| import.imported == *imported) else {
            return;
        };
        if get_role(&child) != Some(XDG_TOPLEVEL_ROLE) || !is_valid_parent(&child, &import.parent) {
            imported.post_error(
                zxdg_imported_v2::Error::InvalidSurface,
                "the surface can't be its child",
            );
            return;
        }
        set_parent(&child, &import.parent, Some(&import.parent));
        import.children.retain(|other| other.is_alive() && *other != child);
        import.children.push(child);
        state.scene_changed();
    }

    fn destroyed(state: &mut Self, _: ClientId, imported: &ZxdgImportedV2, (): &()) {
        let imports = &mut state.scope.extras.foreign.imports;
        if let Some(at) = imports.iter().position(|import| import.imported == *imported) {
            imports.swap_remove(at).release();
            state.scene_changed();
        }
    }
}

impl XdgDialogHandler for State {
    fn modal_changed(&mut self, _toplevel: ToplevelSurface, _is_modal: bool) {
        self.scene_changed();
    }
}

smithay::delegate_xdg_dialog!(State);
