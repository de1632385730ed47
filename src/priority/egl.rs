//! What priority a GPU's driver grants our contexts by EGL (`EGL_IMG_context_priority`, `EGL_NV_context_priority_realtime`):
//! the same as [`super::gpu`] asks of Vulkan. Owns no context: each trial makes one and lets it go.
//!
//! The library is loaded when it is asked for, so that nobody needs to have it. Numbers are those of Khronos's `egl.xml`.

use super::gpu::{Gpu, Level};
use std::ffi::{CStr, c_char, c_uint, c_void};
use std::ptr;

type Handle = *mut c_void;
type Attributes = *const i32;

const NONE: i32 = 0x3038;
const EXTENSIONS: i32 = 0x3055;
const SURFACE_TYPE: i32 = 0x3033;
const RENDERABLE_TYPE: i32 = 0x3040;
const OPENGL_ES2_BIT: i32 = 4;
const OPENGL_ES_API: c_uint = 0x30a0;
const CONTEXT_CLIENT_VERSION: i32 = 0x3098;
const CONTEXT_PRIORITY_LEVEL: i32 = 0x3100;
const PLATFORM_DEVICE: c_uint = 0x313f;
const DRM_DEVICE_FILE: i32 = 0x3233;

/// What is asked for, the best first, and the extension that it needs besides.
const LEVELS: [(i32, Level, &CStr); 2] = [
    (0x3357, Level::RealTime, c"EGL_NV_context_priority_realtime"),
    (0x3101, Level::High, c"EGL_IMG_context_priority"),
];

/// So many GPUs are asked at most.
const MOST: usize = 16;

/// Tries each device that EGL knows.
///
/// Error: there is no EGL, or it does not tell its devices; for the doctor's line.
pub fn trial() -> Result<Vec<Gpu>, String> {
    let egl = Egl::load().ok_or("no EGL (libEGL.so.1) that tells its devices")?;
    let mut devices = [ptr::null_mut(); MOST];
    let mut count = 0;
    // SAFETY: so many devices fit.
    if unsafe { (egl.query_devices)(MOST as i32, devices.as_mut_ptr(), &mut count) } == 0 {
        return Err("EGL does not tell its devices".into());
    }
    let known = devices.iter().take(usize::try_from(count).unwrap_or(0));
    Ok(known.map(|device| egl.examine(*device)).collect())
}

/// The library's functions.
struct Egl {
    query_devices: unsafe extern "C" fn(i32, *mut Handle, *mut i32) -> c_uint,
    query_device_string: unsafe extern "C" fn(Handle, i32) -> *const c_char,
    get_platform_display: unsafe extern "C" fn(c_uint, Handle, Attributes) -> Handle,
    initialize: unsafe extern "C" fn(Handle, *mut i32, *mut i32) -> c_uint,
    terminate: unsafe extern "C" fn(Handle) -> c_uint,
    query_string: unsafe extern "C" fn(Handle, i32) -> *const c_char,
    bind_api: unsafe extern "C" fn(c_uint) -> c_uint,
    choose_config: unsafe extern "C" fn(Handle, Attributes, *mut Handle, i32, *mut i32) -> c_uint,
    create_context: unsafe extern "C" fn(Handle, Handle, Handle, Attributes) -> Handle,
    query_context: unsafe extern "C" fn(Handle, Handle, i32, *mut i32) -> c_uint,
    destroy_context: unsafe extern "C" fn(Handle, Handle) -> c_uint,
}

impl Egl {
    fn load() -> Option<Self> {
        type Find = unsafe extern "C" fn(*const c_char) -> Handle;
        // SAFETY: the system's library is loaded, and stays; the functions have the types that EGL 1.4 gives them, and
        // EGL_EXT_device_enumeration, EGL_EXT_device_query and EGL_EXT_platform_base. EGL gives an address for names that
        // it doesn't know, too: these extensions come together, and the first is asked for by its name.
        unsafe {
            let library = libc::dlopen(c"libEGL.so.1".as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL);
            if library.is_null() {
                return None;
            }
            let core = |name: &CStr| not_null(libc::dlsym(library, name.as_ptr()));
            let find: Find = function(core(c"eglGetProcAddress")?);
            let extension = |name: &CStr| not_null(find(name.as_ptr()));
            let query_string: unsafe extern "C" fn(Handle, i32) -> *const c_char = function(core(c"eglQueryString")?);
            let client = text(query_string(ptr::null_mut(), EXTENSIONS));
            if !has(client, c"EGL_EXT_platform_device") || !has_devices(client) {
                return None;
            }
            Some(Self {
                query_devices: function(extension(c"eglQueryDevicesEXT")?),
                query_device_string: function(extension(c"eglQueryDeviceStringEXT")?),
                get_platform_display: function(extension(c"eglGetPlatformDisplayEXT")?),
                initialize: function(core(c"eglInitialize")?),
                terminate: function(core(c"eglTerminate")?),
                query_string,
                bind_api: function(core(c"eglBindAPI")?),
                choose_config: function(core(c"eglChooseConfig")?),
                create_context: function(core(c"eglCreateContext")?),
                query_context: function(core(c"eglQueryContext")?),
                destroy_context: function(core(c"eglDestroyContext")?),
            })
        }
    }

    fn examine(&self, device: Handle) -> Gpu {
        // SAFETY: the device is EGL's; its strings live as long as the library. What is not known is null.
        let (file, extensions) = unsafe {
            let extensions = text((self.query_device_string)(device, EXTENSIONS));
            let file = has(extensions, c"EGL_EXT_device_drm")
                .then(|| text((self.query_device_string)(device, DRM_DEVICE_FILE)));
            (file.unwrap_or_default(), extensions)
        };
        let software = has(extensions, c"EGL_MESA_device_software");
        let name = match (file.to_string_lossy(), software) {
            (file, _) if !file.is_empty() => file.into_owned(),
            (_, true) => "software".into(),
            (_, false) => "a device without a file".into(),
        };
        // SAFETY: the device is EGL's; the display is ended after what is made from it.
        let level = unsafe {
            let display = (self.get_platform_display)(PLATFORM_DEVICE, device, ptr::null());
            match display.is_null() || (self.initialize)(display, ptr::null_mut(), ptr::null_mut()) == 0 {
                true => Err("can't be used".into()),
                false => {
                    let level = self.level(display);
                    (self.terminate)(display);
                    level
                }
            }
        };
        Gpu { name, software, level }
    }

    /// The best that is granted.
    ///
    /// # Safety
    ///
    /// The display is initialised.
    unsafe fn level(&self, display: Handle) -> Result<Level, String> {
        // SAFETY: the lists end with `NONE`; the contexts are the display's, and are gone at the end.
        unsafe {
            let extensions = text((self.query_string)(display, EXTENSIONS));
            if !has(extensions, c"EGL_IMG_context_priority") {
                return Ok(Level::None);
            }
            let wanted = [RENDERABLE_TYPE, OPENGL_ES2_BIT, SURFACE_TYPE, 0, NONE];
            let (mut config, mut count) = (ptr::null_mut(), 0);
            (self.bind_api)(OPENGL_ES_API);
            (self.choose_config)(display, wanted.as_ptr(), &mut config, 1, &mut count);
            if count == 0 {
                return Err("has no OpenGL ES".into());
            }
            for (wanted, _, extension) in LEVELS {
                if !has(extensions, extension) {
                    continue;
                }
                let wanted = [CONTEXT_CLIENT_VERSION, 2, CONTEXT_PRIORITY_LEVEL, wanted, NONE];
                let context = (self.create_context)(display, config, ptr::null_mut(), wanted.as_ptr());
                if context.is_null() {
                    continue;
                }
                // What was asked for is only a hint.
                let mut granted = 0;
                (self.query_context)(display, context, CONTEXT_PRIORITY_LEVEL, &mut granted);
                (self.destroy_context)(display, context);
                if let Some((_, level, _)) = LEVELS.iter().find(|(number, ..)| *number == granted) {
                    return Ok(*level);
                }
            }
        }
        Ok(Level::Default)
    }
}

fn not_null(address: Handle) -> Option<Handle> {
    (!address.is_null()).then_some(address)
}

/// A function at this address.
///
/// # Safety
///
/// `F` is its type.
unsafe fn function<F: Copy>(address: Handle) -> F {
    assert_eq!(size_of::<F>(), size_of::<Handle>());
    // SAFETY: the sizes are the same, and the caller knows the type.
    unsafe { std::mem::transmute_copy(&address) }
}

/// A string of EGL's; null is an empty one.
///
/// # Safety
///
/// It ends with a zero, and lives as long as the library, which is never unloaded.
unsafe fn text(of: *const c_char) -> &'static CStr {
    if of.is_null() {
        return c"";
    }
    // SAFETY: see above.
    unsafe { CStr::from_ptr(of) }
}

fn has(extensions: &CStr, name: &CStr) -> bool {
    let mut words = extensions.to_bytes().split(|byte| *byte == b' ');
    words.any(|word| word == name.to_bytes())
}

/// `EGL_EXT_device_base` is the older name of both others.
fn has_devices(client: &CStr) -> bool {
    let both = has(client, c"EGL_EXT_device_enumeration") && has(client, c"EGL_EXT_device_query");
    both || has(client, c"EGL_EXT_device_base")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_are_whole_words() {
        let extensions = c"EGL_IMG_context_priority_x EGL_EXT_device_base";
        assert!(has_devices(extensions) && !has(extensions, c"EGL_IMG_context_priority"));
        assert!(!has_devices(c"EGL_EXT_device_query") && !has(c"", c"EGL_EXT_device_query"));
    }

    #[test]
    fn each_device_is_asked() {
        // Whether there is a library, and what it grants, is the machine's.
        for gpu in trial().unwrap_or_default() {
            assert!(!gpu.name.is_empty(), "{gpu:?}");
            assert!(!gpu.software || gpu.level != Ok(Level::RealTime), "{gpu:?}");
        }
    }
}
