//! Builds the page for browsers, `src/page/`, into files that are compiled into the program: `page.html` and those that
//! it loads later, each also compressed.
//!
//! In this order: the directory in `SHARE_PAGE_DIST`; the directory in a published crate; files built with npm; without
//! npm, a page that explains how to open a share with the program, and a warning.

use std::env;
use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// The page's sources, and their only subdirectory.
const SOURCES: &str = "src/page";
const LANGUAGES: &str = "languages";
/// The finished page in a published crate. In a working tree it could be older than its sources.
const DIST: &str = "src/page/dist";
/// A file that exists in published crates only.
const PUBLISHED: &str = "Cargo.toml.orig";
/// The directory of the finished page in the output directory.
const BUILT: &str = "dist";
/// The page in that directory.
const PAGE: &str = "page.html";
/// Suffixes of compressed files.
const BROTLI: &str = ".br";
const GZIP: &str = ".gz";

fn main() -> Outcome<()> {
    println!("cargo::rerun-if-changed={SOURCES}");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=SHARE_PAGE_DIST");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let built = out.join(BUILT);
    let named = env::var_os("SHARE_PAGE_DIST").filter(|path| !path.is_empty()).map(PathBuf::from);
    let finished = named.or_else(|| Path::new(PUBLISHED).exists().then(|| PathBuf::from(DIST)));
    let mut kind = "complete";
    clear(&built)?;
    if let Some(finished) = finished {
        println!("cargo::rerun-if-changed={}", finished.display());
        // Publishing a crate without its page fails here.
        let failed = |error| format!("the directory of the finished page, {}: {error}", finished.display());
        copy_files(&finished, &built).map_err(failed)?;
    } else if let Err(error) = bundle(&out.join("page"), &built) {
        println!("cargo::warning=THE BROWSER PAGE IS MISSING from this build: {error}");
        println!("cargo::warning=recipients without the share program will not be able to open anything");
        println!("cargo::warning=install Node.js and npm, or set SHARE_PAGE_DIST to the directory of a finished page");
        // Depend on a file that never exists, so that the next build tries again.
        println!("cargo::rerun-if-changed={}", out.join("never").display());
        clear(&built)?;
        fs::write(built.join(PAGE), fallback()?)?;
        kind = "fallback";
    }
    fs::write(out.join("page.rs"), constants(&built)?)?;
    println!("cargo::rustc-env=SHARE_PAGE={kind}");
    Ok(())
}

/// Bundles the page from a copy of its sources, `workshop`, so that the source directory stays clean.
fn bundle(workshop: &Path, built: &Path) -> Outcome<()> {
    let lock = fs::read(Path::new(SOURCES).join("package-lock.json"))?;
    let installed = workshop.join("node_modules/.installed");
    // Without files of older sources.
    let tables = workshop.join(LANGUAGES);
    clear(workshop)?;
    clear(&tables)?;
    copy_files(Path::new(SOURCES), workshop)?;
    copy_files(&Path::new(SOURCES).join(LANGUAGES), &tables)?;
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

/// The page without its script: its text for browsers that run none.
fn fallback() -> Outcome<String> {
    let style = fs::read_to_string(Path::new(SOURCES).join("style.css"))?;
    let page = fs::read_to_string(Path::new(SOURCES).join("index.html"))?;
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
    let page = parts().ok_or("index.html lacks main, noscript or script")?;
    Ok(page.replace("/* style.css */", &style).replace("image/svg+xml,/* icon.svg */", ","))
}

/// Rust constants with the files in `built`: `PAGE`, and `FILES`, those that the page loads.
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
    let mut files = String::new();
    let mut page = None;
    for name in names.iter().filter(|name| !name.ends_with(BROTLI) && !name.ends_with(GZIP)) {
        let kind = match Path::new(name).extension().and_then(|extension| extension.to_str()) {
            Some("html") => "text/html; charset=utf-8",
            Some("json") => "application/json",
            _ => return Err(format!("{name} is of no known type").into()),
        };
        let (plain, br, gz) = (include(name), compressed(name, BROTLI), compressed(name, GZIP));
        let file = format!("File {{ name: {name:?}, kind: {kind:?}, plain: {plain}, br: {br}, gz: {gz} }}");
        if name == PAGE {
            page = Some(file);
        } else {
            writeln!(files, "    {file},")?;
        }
    }
    let page = page.ok_or_else(|| format!("no {PAGE} in {}", built.display()))?;
    Ok(format!(
        "/// The page.\npub const PAGE: File = {page};\n\n\
         /// The files that the page loads later.\npub const FILES: &[File] = &[\n{files}];\n"
    ))
}
