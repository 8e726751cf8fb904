//! Builds the page for browsers, `src/page/`, into one HTML file that is compiled into the program.
//!
//! In this order: the file in `SHARE_PAGE_DIST`; the file in a published crate; a file built with npm; without npm, a
//! page that explains how to open a share with the program, and a warning.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// The page's sources.
const SOURCES: &str = "src/page";
/// The finished page in a published crate. In a working tree it could be older than its sources.
const DIST: &str = "src/page/dist/page.html";
/// A file that exists in published crates only.
const PUBLISHED: &str = "Cargo.toml.orig";

fn main() -> Outcome<()> {
    println!("cargo::rerun-if-changed={SOURCES}");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=SHARE_PAGE_DIST");
    let page = PathBuf::from(env::var("OUT_DIR")?).join("page.html");
    let named = env::var_os("SHARE_PAGE_DIST").filter(|path| !path.is_empty()).map(PathBuf::from);
    let finished = named.or_else(|| Path::new(PUBLISHED).exists().then(|| PathBuf::from(DIST)));
    let mut kind = "complete";
    if let Some(finished) = finished {
        println!("cargo::rerun-if-changed={}", finished.display());
        // Publishing a crate without its page fails here.
        let html =
            fs::read(&finished).map_err(|error| format!("the finished page, {}: {error}", finished.display()))?;
        fs::write(&page, html)?;
    } else if let Err(error) = bundle(&page) {
        println!("cargo::warning=THE BROWSER PAGE IS MISSING from this build: {error}");
        println!("cargo::warning=recipients without the share program will not be able to open anything");
        println!("cargo::warning=install Node.js and npm, or set SHARE_PAGE_DIST to a page that was built elsewhere");
        // Depend on a file that never exists, so that the next build tries again.
        println!("cargo::rerun-if-changed={}", page.with_file_name("never").display());
        fs::write(&page, fallback()?)?;
        kind = "fallback";
    }
    println!("cargo::rustc-env=SHARE_PAGE={kind}");
    Ok(())
}

/// Bundles the page in the output directory, so that the source directory stays clean.
fn bundle(page: &Path) -> Outcome<()> {
    let workshop = page.with_file_name("page");
    fs::create_dir_all(&workshop)?;
    let lock = fs::read(Path::new(SOURCES).join("package-lock.json"))?;
    let installed = workshop.join("node_modules/.installed");
    // Remove files of older sources.
    for old in fs::read_dir(&workshop)? {
        let old = old?.path();
        if old.is_file() {
            fs::remove_file(old)?;
        }
    }
    let tables = workshop.join("languages");
    if tables.exists() {
        fs::remove_dir_all(&tables)?;
    }
    fs::create_dir_all(&tables)?;
    copy_files(Path::new(SOURCES), &workshop)?;
    copy_files(&Path::new(SOURCES).join("languages"), &tables)?;
    if fs::read(&installed).ok().as_deref() != Some(&*lock) {
        let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
        run(Command::new(npm).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&workshop))?;
        fs::write(&installed, &lock)?;
    }
    run(Command::new("node").arg("bundle.mjs").arg(page).current_dir(&workshop))
}

/// Copies the files of a directory, without those of its subdirectories.
fn copy_files(from: &Path, to: &Path) -> Outcome<()> {
    for source in fs::read_dir(from)? {
        let source = source?.path();
        if let (true, Some(name)) = (source.is_file(), source.file_name()) {
            fs::write(to.join(name), fs::read(&source)?)?;
        }
    }
    Ok(())
}

fn run(command: &mut Command) -> Outcome<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let printed = String::from_utf8_lossy(&output.stderr);
    let error = printed.lines().find(|line| line.contains("rror")).unwrap_or_default().trim();
    Err(format!("{program} failed ({}): {error}", output.status).into())
}

/// The page without its script, which explains how to open a share with the program.
fn fallback() -> Outcome<String> {
    let style = fs::read_to_string(Path::new(SOURCES).join("style.css"))?;
    let page = fs::read_to_string(Path::new(SOURCES).join("index.html"))?;
    Ok(page.replace("/* style.css */", &style).replace("<script>/* page.js */</script>\n", ""))
}
