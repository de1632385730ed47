//! What priority a GPU's driver grants our queues: real time, high, or what every program has
//! (`VK_KHR_global_priority`). Owns no queue: each trial makes a device and lets it go.
//!
//! Drivers grant more than the default only to who may: mostly with `CAP_SYS_NICE`.

use ash::{Device, Entry, Instance, vk};
use std::fmt;

/// What is asked for, the best first.
const LEVELS: [(vk::QueueGlobalPriorityKHR, Level); 3] = [
    (vk::QueueGlobalPriorityKHR::REALTIME, Level::RealTime),
    (vk::QueueGlobalPriorityKHR::HIGH, Level::High),
    (vk::QueueGlobalPriorityKHR::MEDIUM, Level::Default),
];

/// A queue's priority over those of other programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Before all others; it may interrupt them.
    RealTime,
    /// Before the others.
    High,
    /// As every program has it.
    Default,
    /// The driver knows no priorities.
    None,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RealTime => "real time",
            Self::High => "high",
            Self::Default => "the default",
            Self::None => "the driver has no queue priorities",
        })
    }
}

/// A GPU (or a program that does as if it were one), by the driver's name for it, and what its driver grants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gpu {
    /// `VkPhysicalDeviceProperties::deviceName`.
    pub name: String,
    /// It draws on the CPU.
    pub software: bool,
    /// What is granted; else why its driver could not be asked.
    pub level: Result<Level, String>,
}

/// Tries each GPU that Vulkan's loader knows.
///
/// Error: there is no loader or no driver; for the doctor's line.
pub fn trial() -> Result<Vec<Gpu>, String> {
    // SAFETY: the system's loader is loaded; it stays as long as `entry`.
    let entry = unsafe { Entry::load() }.map_err(|_| "no Vulkan loader (libvulkan.so.1)".to_owned())?;
    let application = vk::ApplicationInfo::default().api_version(vk::API_VERSION_1_1);
    let info = vk::InstanceCreateInfo::default().application_info(&application);
    // SAFETY: `info` and what it points to live through the call.
    let instance = unsafe { entry.create_instance(&info, None) }.map_err(|e| format!("no Vulkan instance: {e}"))?;
    let found = examine(&instance).map_err(|e| format!("Vulkan: {e}"));
    // SAFETY: nothing made from it is left.
    unsafe { instance.destroy_instance(None) };
    found
}

fn examine(instance: &Instance) -> Result<Vec<Gpu>, vk::Result> {
    // SAFETY: the instance is alive.
    let devices = unsafe { instance.enumerate_physical_devices() }?;
    let each = devices.into_iter().map(|device| {
        // SAFETY: the device is the instance's.
        let properties = unsafe { instance.get_physical_device_properties(device) };
        let name = properties.device_name_as_c_str().unwrap_or_default();
        Gpu {
            name: name.to_string_lossy().into_owned(),
            software: properties.device_type == vk::PhysicalDeviceType::CPU,
            level: level(instance, device).map_err(|e| e.to_string()),
        }
    });
    Ok(each.collect())
}

/// The best that is granted.
fn level(instance: &Instance, device: vk::PhysicalDevice) -> Result<Level, vk::Result> {
    // SAFETY: the device is the instance's.
    let extensions = unsafe { instance.enumerate_device_extension_properties(device) }?;
    let known = |name| extensions.iter().any(|e| e.extension_name_as_c_str() == Ok(name));
    // The second is the first's name from before Khronos took it over; structures and values are the same.
    let names = [ash::khr::global_priority::NAME, ash::ext::global_priority::NAME];
    let Some(name) = names.into_iter().find(|name| known(name)) else {
        return Ok(Level::None);
    };
    for (wanted, level) in LEVELS {
        match open(instance, device, name, wanted) {
            // SAFETY: the device was made just now, and nothing was made from it.
            Ok(made) => unsafe { made.destroy_device(None) },
            // Some drivers say that they could not begin, where another program holds the right.
            Err(vk::Result::ERROR_NOT_PERMITTED_KHR | vk::Result::ERROR_INITIALIZATION_FAILED) => continue,
            Err(why) => return Err(why),
        }
        return Ok(level);
    }
    Ok(Level::Default)
}

/// A device with one queue of this priority that computes.
fn open(
    instance: &Instance,
    device: vk::PhysicalDevice,
    extension: &std::ffi::CStr,
    wanted: vk::QueueGlobalPriorityKHR,
) -> Result<Device, vk::Result> {
    // SAFETY: the device is the instance's.
    let families = unsafe { instance.get_physical_device_queue_family_properties(device) };
    let computes = |family: &vk::QueueFamilyProperties| family.queue_flags.contains(vk::QueueFlags::COMPUTE);
    let family = families.iter().position(computes).unwrap_or_default() as u32;
    let mut priority = vk::DeviceQueueGlobalPriorityCreateInfoKHR::default().global_priority(wanted);
    let queues = [vk::DeviceQueueCreateInfo::default()
        .queue_family_index(family)
        .queue_priorities(&[1.0])
        .push_next(&mut priority)];
    let extensions = [extension.as_ptr()];
    let info = vk::DeviceCreateInfo::default()
        .queue_create_infos(&queues)
        .enabled_extension_names(&extensions);
    // SAFETY: `info` and what it points to live through the call; the family and the extension are the device's.
    unsafe { instance.create_device(device, &info, None) }
}
