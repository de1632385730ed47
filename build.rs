//! Bundles the browser client (`resources/web`) and generates `$OUT_DIR/web_assets.rs`, which the transport embeds:
//! `pub static ASSETS: &[(path, content type, bytes)]`.
//!
//! `npm ci` runs only when `node_modules` doesn't belong to the present lock file; a page that hasn't changed costs
//! nothing, since cargo doesn't run this at all.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// The page's files: path on the server, content type, file in the bundle.
const ASSETS: [(&str, &str, &str); 7] = [
    ("/", "text/html; charset=utf-8", "index.html"),
    ("/main.js", "text/javascript; charset=utf-8", "main.js"),
    ("/audio.js", "text/javascript; charset=utf-8", "audio.js"),
    ("/worker.js", "text/javascript; charset=utf-8", "worker.js"),
    ("/style.css", "text/css; charset=utf-8", "style.css"),
    ("/icon.svg", "image/svg+xml", "icon.svg"),
    ("/licences.txt", "text/plain; charset=utf-8", "licences.txt"),
];

/// What a change of reruns the bundler. Not `node_modules`, nor tests.
const INPUTS: [&str; 7] = [
    "package.json",
    "package-lock.json",
    "build.mjs",
    "index.html",
    "style.css",
    "icon.svg",
    "src",
];

/// The oldest node that the bundler is used with (Debian 12's).
const NODE_MAJOR: u32 = 18;

fn main() -> ExitCode {
    match bundle() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            for line in why.lines() {
                println!("cargo::error={line}");
            }
            ExitCode::FAILURE
        }
    }
}

fn bundle() -> Result<(), String> {
    let web = PathBuf::from(var("CARGO_MANIFEST_DIR")?).join("resources/web");
    let out = PathBuf::from(var("OUT_DIR")?);
    println!("cargo::rerun-if-changed=build.rs");
    for input in INPUTS {
        println!("cargo::rerun-if-changed={}", web.join(input).display());
    }
    check_node()?;
    install(&web)?;
    let dist = out.join("web");
    run(
        Command::new("node").arg("build.mjs").arg(&dist).current_dir(&web),
        "bundling the page",
    )?;
    fs::write(out.join("web_assets.rs"), table()).map_err(|e| format!("error writing web_assets.rs: {e}"))
}

/// The generated source. Paths start at `OUT_DIR` so that a target folder can be moved.
fn table() -> String {
    let mut table = String::from("/// Path, content type, bytes.\npub static ASSETS: &[(&str, &str, &[u8])] = &[\n");
    for (path, content_type, file) in ASSETS {
        table += &format!(
            "    ({path:?}, {content_type:?}, include_bytes!(concat!(env!(\"OUT_DIR\"), \"/web/{file}\"))),\n"
        );
    }
    table + "];\n"
}

fn check_node() -> Result<(), String> {
    const REMEDY: &str = "the browser client is bundled by node and npm; on Debian: apt-get install nodejs npm";
    let version = Command::new("node")
        .arg("--version")
        .output()
        .map_err(|e| format!("node: {e}\n{REMEDY}"))?;
    let version = String::from_utf8_lossy(&version.stdout).trim().to_owned();
    let major = version
        .trim_start_matches('v')
        .split('.')
        .next()
        .and_then(|s| s.parse::<u32>().ok());
    if major.is_none_or(|m| m < NODE_MAJOR) {
        return Err(format!(
            "node {NODE_MAJOR} or newer is needed, found {version:?}\n{REMEDY}"
        ));
    }
    Command::new("npm")
        .arg("--version")
        .output()
        .map_err(|e| format!("npm: {e}\n{REMEDY}"))?;
    Ok(())
}

/// `npm ci`, unless `node_modules` was made from this very lock file. Builds in one checkout that use several target
/// folders wait for each other.
fn install(web: &Path) -> Result<(), String> {
    let guard = web.join(".install.lock");
    let guard = File::create(&guard).map_err(|e| format!("error creating {}: {e}", guard.display()))?;
    guard.lock().map_err(|e| format!("error locking node_modules: {e}"))?;
    let wanted =
        fs::read(web.join("package-lock.json")).map_err(|e| format!("error reading package-lock.json: {e}"))?;
    let stamp = web.join("node_modules/.made-from");
    if fs::read(&stamp).is_ok_and(|made_from| made_from == wanted) {
        return Ok(());
    }
    let mut npm = Command::new("npm");
    // esbuild needs no install script: its launcher finds the platform's package by itself.
    npm.args(["ci", "--include=dev", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(web);
    run(
        &mut npm,
        "installing the page's packages (npm ci; needs the npm registry once)",
    )?;
    fs::write(&stamp, wanted).map_err(|e| format!("error writing {}: {e}", stamp.display()))
}

/// Runs `command`; its output becomes the error's text.
fn run(command: &mut Command, what: &str) -> Result<(), String> {
    let done = command.output().map_err(|e| format!("error {what}: {e}"))?;
    if done.status.success() {
        return Ok(());
    }
    let (out, err) = (
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr),
    );
    Err(format!("error {what}: {}\n{out}\n{err}", done.status))
}

fn var(name: &str) -> Result<String, String> {
    std::env::var(name).map_err(|e| format!("{name}: {e}"))
}
