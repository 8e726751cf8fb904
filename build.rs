//! Builds the pages for browsers, `src/page/`, into files that are compiled into the program: `page.html`, which opens,
//! `send.html`, which sends, and the files that they load later, each also compressed.
//!
//! In this order: the directory in `SHARE_PAGE_DIST`; the directory in a published crate; files built with npm; without
//! npm, pages that explain how to open or send with the program, and a warning.

use std::env;
use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// The pages' sources.
const SOURCES: &str = "src/page";
/// The finished pages in a published crate. In a working tree they could be older than their sources.
const DIST: &str = "src/page/dist";
/// A file that exists in published crates only.
const PUBLISHED: &str = "Cargo.toml.orig";
/// The directory of the finished pages in the output directory.
const BUILT: &str = "dist";
/// The pages: the constant in Rust, the finished file, and its source.
const DOCUMENTS: [(&str, &str, &str); 2] =
    [("PAGE_FILE", "page.html", "index.html"), ("SEND_FILE", "send.html", "send/index.html")];
/// Directories that are no sources: of the finished pages, and of npm.
const FOREIGN: [&str; 2] = ["dist", "node_modules"];
/// Suffixes of compressed files.
const BROTLI: &str = ".br";
const GZIP: &str = ".gz";

/// The values of the condition `system`, which selects the sides of `platform`.
const SYSTEMS: [&str; 3] = ["linux", "unix", "windows"];

fn main() -> Outcome<()> {
    println!("cargo::rerun-if-changed={SOURCES}");
    println!("cargo::rerun-if-changed=build.rs");
    select_system()?;
    println!("cargo::rerun-if-env-changed=SHARE_PAGE_DIST");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let built = out.join(BUILT);
    let named = env::var_os("SHARE_PAGE_DIST").filter(|path| !path.is_empty()).map(PathBuf::from);
    let finished = named.or_else(|| Path::new(PUBLISHED).exists().then(|| PathBuf::from(DIST)));
    let mut kind = "complete";
    clear(&built)?;
    if let Some(finished) = finished {
        println!("cargo::rerun-if-changed={}", finished.display());
        // Publishing a crate without its pages fails here.
        let failed = |error| format!("the directory of the finished pages, {}: {error}", finished.display());
        copy_files(&finished, &built).map_err(failed)?;
    } else if let Err(error) = bundle(&out.join("page"), &built) {
        println!("cargo::warning=THE BROWSER PAGES ARE MISSING from this build: {error}");
        println!("cargo::warning=recipients without the share program will not be able to open anything");
        println!("cargo::warning=install Node.js and npm, or set SHARE_PAGE_DIST to the directory of finished pages");
        // Depend on a file that never exists, so that the next build tries again.
        println!("cargo::rerun-if-changed={}", out.join("never").display());
        clear(&built)?;
        for (_, page, source) in DOCUMENTS {
            fs::write(built.join(page), fallback(source)?)?;
        }
        kind = "fallback";
    }
    fs::write(out.join("page.rs"), constants(&built)?)?;
    println!("cargo::rustc-env=SHARE_PAGE={kind}");
    Ok(())
}

/// Sets `cfg(system)`: `linux`, `unix` (macOS and the BSDs) or `windows`. With `SHARE_PORTABLE=1` a build for Linux
/// gets the side of macOS and the BSDs.
fn select_system() -> Outcome<()> {
    println!("cargo::rustc-check-cfg=cfg(system, values({}))", SYSTEMS.map(|system| format!("{system:?}")).join(", "));
    println!("cargo::rerun-if-env-changed=SHARE_PORTABLE");
    let is_portable = env::var("SHARE_PORTABLE").is_ok_and(|value| value == "1");
    let system = match (&*env::var("CARGO_CFG_TARGET_FAMILY")?, &*env::var("CARGO_CFG_TARGET_OS")?) {
        ("windows", _) => "windows",
        (_, "linux") if !is_portable => "linux",
        _ => "unix",
    };
    println!("cargo::rustc-cfg=system={system:?}");
    Ok(())
}

/// Bundles the pages from a copy of their sources, `workshop`, so that the source directory stays clean.
fn bundle(workshop: &Path, built: &Path) -> Outcome<()> {
    let lock = fs::read(Path::new(SOURCES).join("package-lock.json"))?;
    let installed = workshop.join("node_modules/.installed");
    copy_sources(Path::new(SOURCES), workshop)?;
    if fs::read(&installed).ok().as_deref() != Some(&*lock) {
        let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
        run(Command::new(npm).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(workshop))?;
        fs::write(&installed, &lock)?;
    }
    run(Command::new("node").arg("bundle.mjs").arg(built).current_dir(workshop))
}

/// Creates a directory, or removes its files.
fn clear(directory: &Path) -> Outcome<()> {
    fs::create_dir_all(directory)?;
    for old in fs::read_dir(directory)? {
        let old = old?.path();
        if old.is_file() {
            fs::remove_file(old)?;
        }
    }
    Ok(())
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

/// Makes `to` a copy of a directory of sources, without files of older ones.
fn copy_sources(from: &Path, to: &Path) -> Outcome<()> {
    clear(to)?;
    copy_files(from, to)?;
    let directories = |path: &Path| -> Outcome<Vec<PathBuf>> {
        let paths = fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<Outcome<Vec<_>>>()?;
        let is_foreign = |path: &PathBuf| FOREIGN.iter().any(|name| path.ends_with(name));
        Ok(paths.into_iter().filter(|path| path.is_dir() && !is_foreign(path)).collect())
    };
    for old in directories(to)? {
        if !from.join(old.file_name().unwrap_or_default()).is_dir() {
            fs::remove_dir_all(old)?;
        }
    }
    for source in directories(from)? {
        copy_sources(&source, &to.join(source.file_name().unwrap_or_default()))?;
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

/// The page `source` without its script: its text for browsers that run none.
fn fallback(source: &str) -> Outcome<String> {
    let style = fs::read_to_string(Path::new(SOURCES).join("style.css"))?;
    let page = fs::read_to_string(Path::new(SOURCES).join(source))?;
    let cut = |text: &str, start: &str, end: &str| {
        let (before, rest) = text.split_once(start)?;
        let (inner, after) = rest.split_once(end)?;
        Some((before.to_owned(), inner.to_owned(), after.to_owned()))
    };
    let parts = || {
        let (before, main, after) = cut(&page, "<main>", "</main>")?;
        let (_, text, _) = cut(&main, "<noscript>", "</noscript>")?;
        let (after, _, end) = cut(&after, "<script", "</script>\n")?;
        Some(format!("{before}<main>{text}</main>{after}{end}"))
    };
    let page = parts().ok_or_else(|| format!("{source} lacks main, noscript or script"))?;
    Ok(page.replace("/* style.css */", &style).replace("image/svg+xml,/* icon.svg */", ","))
}

/// Rust constants with the files in `built`: one for each of [`DOCUMENTS`], and `FILES`, those that they load.
fn constants(built: &Path) -> Outcome<String> {
    let mut names = Vec::new();
    for file in fs::read_dir(built)? {
        names.push(file?.file_name().into_string().map_err(|name| format!("{}: no UTF-8", name.display()))?);
    }
    names.sort();
    let include = |name: &str| format!("include_bytes!({:?})", format!("{BUILT}/{name}"));
    let compressed = |name: &str, suffix: &str| {
        let found = names.iter().find(|other| other.strip_suffix(suffix) == Some(name));
        found.map_or("None".to_owned(), |found| format!("Some({})", include(found)))
    };
    let file = |name: &str, kind: &str| {
        let (plain, br, gz) = (include(name), compressed(name, BROTLI), compressed(name, GZIP));
        format!("File {{ name: {name:?}, kind: {kind:?}, plain: {plain}, br: {br}, gz: {gz} }}")
    };
    let mut constants = String::new();
    for (constant, page, _) in DOCUMENTS {
        if !names.iter().any(|name| name == page) {
            return Err(format!("no {page} in {}", built.display()).into());
        }
        writeln!(constants, "const {constant}: File = {};", file(page, "text/html; charset=utf-8"))?;
    }
    constants.push_str("\n/// The files that the pages load later.\npub const FILES: &[File] = &[\n");
    let is_known = |name: &str| DOCUMENTS.iter().any(|(_, page, _)| *page == name);
    for name in names.iter().filter(|name| !name.ends_with(BROTLI) && !name.ends_with(GZIP) && !is_known(name)) {
        match Path::new(name).extension().and_then(|extension| extension.to_str()) {
            Some("json") => writeln!(constants, "    {},", file(name, "application/json"))?,
            _ => return Err(format!("{name} is of no known type").into()),
        }
    }
    constants.push_str("];\n");
    Ok(constants)
}
