//! The selections of the scripted Wayland client.

use crate::client::{Client, Heard};
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex};
use wayland_client::protocol::{wl_data_device, wl_data_device_manager, wl_data_offer, wl_data_source};
use wayland_client::{Connection, Dispatch, QueueHandle, delegate_noop, event_created_child};
use wayland_protocols::wp::primary_selection::zv1::client::{
    zwp_primary_selection_device_manager_v1 as primary_manager, zwp_primary_selection_device_v1 as primary_device,
    zwp_primary_selection_offer_v1 as primary_offer, zwp_primary_selection_source_v1 as primary_source,
};

/// What a client offers: MIME type and bytes.
pub type Content = Vec<(&'static str, Vec<u8>)>;

/// The offers a client has heard of.
#[derive(Default)]
pub struct Seen {
    clipboard: Option<wl_data_offer::WlDataOffer>,
    primary: Option<primary_offer::ZwpPrimarySelectionOfferV1>,
}

pub type Shared = Arc<Mutex<Seen>>;
/// The MIME types of one offer.
pub type Mimes = Arc<Mutex<Vec<String>>>;

pub struct Clipboard {
    pub seen: Shared,
    device: wl_data_device::WlDataDevice,
    manager: wl_data_device_manager::WlDataDeviceManager,
    primary_device: primary_device::ZwpPrimarySelectionDeviceV1,
    primary_manager: primary_manager::ZwpPrimarySelectionDeviceManagerV1,
}

impl Clipboard {
    pub fn new(client: &Client) -> Self {
        let seen = Shared::default();
        let qh = client.qh();
        let seat = &client.globals().seat;
        let manager: wl_data_device_manager::WlDataDeviceManager = client.global(3);
        let primary_manager: primary_manager::ZwpPrimarySelectionDeviceManagerV1 = client.global(1);
        Self {
            device: manager.get_data_device(seat, &qh, Arc::clone(&seen)),
            primary_device: primary_manager.get_device(seat, &qh, Arc::clone(&seen)),
            manager,
            primary_manager,
            seen,
        }
    }

    /// Offers this as the clipboard; `serial` is of an input event.
    pub fn offer(&self, client: &Client, serial: u32, content: Content) {
        let source = self.manager.create_data_source(&client.qh(), content.clone());
        for (mime, _) in &content {
            source.offer((*mime).to_owned());
        }
        self.device.set_selection(Some(&source), serial);
    }

    /// Offers this as the primary selection.
    pub fn offer_primary(&self, client: &Client, serial: u32, content: Content) {
        let source = self.primary_manager.create_source(&client.qh(), content.clone());
        for (mime, _) in &content {
            source.offer((*mime).to_owned());
        }
        self.primary_device.set_selection(Some(&source), serial);
    }

    /// The MIME types on offer.
    pub fn mimes(&self, primary: bool) -> Vec<String> {
        use wayland_client::Proxy;
        let seen = self.seen.lock().unwrap();
        let mimes = if primary {
            seen.primary.as_ref().and_then(|o| o.data::<Mimes>())
        } else {
            seen.clipboard.as_ref().and_then(|o| o.data::<Mimes>())
        };
        mimes.map(|m| m.lock().unwrap().clone()).unwrap_or_default()
    }

    /// Asks for the content, to be read from the pipe.
    pub fn receive(&self, primary: bool, mime: &str, fd: OwnedFd) {
        let seen = self.seen.lock().unwrap();
        if primary {
            seen.primary.as_ref().unwrap().receive(mime.into(), fd.as_fd());
        } else {
            seen.clipboard.as_ref().unwrap().receive(mime.into(), fd.as_fd());
        }
    }
}

/// Writes on a thread of its own: a pipe holds less than a large selection.
fn write(content: &Content, mime: &str, fd: OwnedFd) {
    let (_, bytes) = content
        .iter()
        .find(|(m, _)| *m == mime)
        .expect("only what was offered is asked for");
    let bytes = bytes.clone();
    std::thread::spawn(move || std::fs::File::from(fd).write_all(&bytes));
}

impl Dispatch<wl_data_device::WlDataDevice, Shared> for Heard {
    fn event(
        _: &mut Self,
        _: &wl_data_device::WlDataDevice,
        event: wl_data_device::Event,
        seen: &Shared,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let wl_data_device::Event::Selection { id } = event {
            seen.lock().unwrap().clipboard = id;
        }
    }
    event_created_child!(Heard, wl_data_device::WlDataDevice, [
        wl_data_device::EVT_DATA_OFFER_OPCODE => (wl_data_offer::WlDataOffer, Mimes::default()),
    ]);
}

impl Dispatch<primary_device::ZwpPrimarySelectionDeviceV1, Shared> for Heard {
    fn event(
        _: &mut Self,
        _: &primary_device::ZwpPrimarySelectionDeviceV1,
        event: primary_device::Event,
        seen: &Shared,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let primary_device::Event::Selection { id } = event {
            seen.lock().unwrap().primary = id;
        }
    }
    event_created_child!(Heard, primary_device::ZwpPrimarySelectionDeviceV1, [
        primary_device::EVT_DATA_OFFER_OPCODE => (primary_offer::ZwpPrimarySelectionOfferV1, Mimes::default()),
    ]);
}

impl Dispatch<wl_data_offer::WlDataOffer, Mimes> for Heard {
    fn event(
        _: &mut Self,
        _: &wl_data_offer::WlDataOffer,
        event: wl_data_offer::Event,
        mimes: &Mimes,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let wl_data_offer::Event::Offer { mime_type } = event {
            mimes.lock().unwrap().push(mime_type);
        }
    }
}

impl Dispatch<primary_offer::ZwpPrimarySelectionOfferV1, Mimes> for Heard {
    fn event(
        _: &mut Self,
        _: &primary_offer::ZwpPrimarySelectionOfferV1,
        event: primary_offer::Event,
        mimes: &Mimes,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let primary_offer::Event::Offer { mime_type } = event {
            mimes.lock().unwrap().push(mime_type);
        }
    }
}

impl Dispatch<wl_data_source::WlDataSource, Content> for Heard {
    fn event(
        _: &mut Self,
        _: &wl_data_source::WlDataSource,
        event: wl_data_source::Event,
        content: &Content,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let wl_data_source::Event::Send { mime_type, fd } = event {
            write(content, &mime_type, fd);
        }
    }
}

impl Dispatch<primary_source::ZwpPrimarySelectionSourceV1, Content> for Heard {
    fn event(
        _: &mut Self,
        _: &primary_source::ZwpPrimarySelectionSourceV1,
        event: primary_source::Event,
        content: &Content,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let primary_source::Event::Send { mime_type, fd } = event {
            write(content, &mime_type, fd);
        }
    }
}

delegate_noop!(Heard: wl_data_device_manager::WlDataDeviceManager);
delegate_noop!(Heard: primary_manager::ZwpPrimarySelectionDeviceManagerV1);
