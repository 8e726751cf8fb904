//! The layers of the library: imports point down, files do not import each other in cycles, and each heavy crate is
//! used in one module only. Each rule is a function from sources to its violations, so that `broken` can test the
//! rules.

use std::collections::{BTreeMap, BTreeSet};

use super::sources::{Source, imports, is_in, sources};

/// The layers, from the bottom up. A module uses modules of the layers below its own, and no others. A module includes
/// its submodules.
const LAYERS: [&[&str]; 9] = [
    &["platform", "page"],
    &["secret", "safe_text", "blob"],
    &["durable_fs", "relay_url", "manifest", "media", "wordlist"],
    &["link", "terminal"],
    &["seal", "relay"],
    &["state", "report"],
    &["send", "open"],
    &["view", "host"],
    &["cli"],
];

/// Submodules, and those that they must not use. `cli::self` is the file of the module `cli` alone: only `main` uses
/// the dispatcher.
const WITHIN: [(&str, &[&str]); 9] = [
    ("relay", &["seal", "media", "manifest"]),
    ("relay::store", &["relay::rules", "relay::client", "relay::server"]),
    ("relay::rules", &["relay::client", "relay::server", "relay::store::folder", "relay::store::bucket"]),
    ("relay::client", &["relay::rules", "relay::server", "relay::store"]),
    ("relay::server", &["relay::rules", "relay::client", "relay::store"]),
    ("host::tunnel", &["relay::rules", "relay::store"]),
    ("cli::output", &["cli::input"]),
    ("cli", &["cli::self"]),
    ("state", &["terminal", "media"]),
];

/// A crate, or a path in one, and the modules in which it may appear.
const CRATES: [(&str, &[&str]); 32] = [
    ("age", &["seal", "secret", "report"]),
    ("age_core", &["seal"]),
    ("ring", &["seal", "secret", "relay"]),
    ("axum", &["relay::server", "view::browser"]),
    ("reqwest", &["relay::http", "relay::client", "relay::certificate::acme", "platform"]),
    ("instant_acme", &["relay::certificate::acme"]),
    ("rcgen", &["relay::certificate"]),
    ("x509_cert", &["relay::certificate"]),
    ("object_store", &["relay::store::bucket"]),
    ("image", &["view"]),
    ("icy_sixel", &["view"]),
    ("arboard", &["platform::clipboard"]),
    ("desktop_open", &["view::browser"]),
    ("prometheus_client", &["relay::metrics"]),
    ("rustix", &["platform"]),
    ("crossterm_winapi", &["platform"]),
    ("winapi_util", &["platform"]),
    ("win32job", &["platform"]),
    ("sysinfo", &["platform"]),
    ("fs4", &["platform"]),
    ("tempfile", &["platform"]),
    ("tokio::signal::unix", &["platform"]),
    ("tokio::signal::windows", &["platform"]),
    ("listenfd", &["platform"]),
    ("shlex", &["platform"]),
    ("std::os", &["platform"]),
    ("clap", &["cli"]),
    ("indicatif", &["cli"]),
    ("anyhow", &["cli"]),
    ("directories", &["cli"]),
    ("tracing_subscriber", &["cli::output"]),
    ("serde_json", &["manifest", "relay", "report", "state", "view::player::report", "cli"]),
];

/// Files that may be longer than [`MAX_LINES`], with the reason.
const LONG_FILES: [(&str, &str); 0] = [];

/// Length in lines at which a file should be divided by subject.
const MAX_LINES: usize = 400;

/// Modules without a layer.
pub(super) fn without_layer(sources: &[Source]) -> Vec<&str> {
    let modules = sources.iter().map(|source| source.module.as_str());
    modules.filter(|module| !is_outside(module) && layer(module).is_none()).collect()
}

/// Whether a module is `lib`, which lists the modules, or `main`.
fn is_outside(module: &str) -> bool {
    matches!(module, "lib" | "main")
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|parents| parents.iter().any(|parent| is_in(module, parent)))
}

/// Imports that do not point down, or that a submodule must not have.
pub(super) fn upward(sources: &[Source]) -> Vec<(String, String)> {
    let parent = |module: &str| module.split("::").next().unwrap_or_default().to_owned();
    let breaks = |(from, to): &(String, String)| {
        let points_down = is_outside(from) || parent(from) == parent(to) || layer(from) > layer(to);
        // Only `main` uses the dispatcher, not even `lib` does.
        let is_dispatcher = is_in(to, "cli::self") && from != "main";
        let is_within =
            |(parent, others): &(&str, &[&str])| is_in(from, parent) && others.iter().any(|other| is_in(to, other));
        !points_down || is_dispatcher || WITHIN.iter().any(is_within)
    };
    imports(sources).into_iter().filter(breaks).collect()
}

/// Files that import each other, directly or through others.
pub(super) fn cycles(sources: &[Source]) -> BTreeSet<Vec<String>> {
    let imports = imports(sources);
    let mut reaches: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (from, to) in &imports {
        reaches.entry(from).or_default().insert(to);
    }
    // Transitive closure; the graph is small.
    loop {
        let more: Vec<(&str, BTreeSet<&str>)> = reaches
            .iter()
            .map(|(from, to)| (*from, to.iter().filter_map(|next| reaches.get(next)).flatten().copied().collect()))
            .collect();
        let before: usize = reaches.values().map(BTreeSet::len).sum();
        for (from, to) in more {
            reaches.entry(from).or_default().extend(to);
        }
        if reaches.values().map(BTreeSet::len).sum::<usize>() == before {
            break;
        }
    }
    let leads = |from: &str, to: &str| reaches.get(from).is_some_and(|all| all.contains(to));
    let in_a_cycle = reaches.keys().filter(|module| leads(module, module));
    let cycle = |module: &&str| {
        let others = reaches.keys().filter(|other| leads(module, other) && leads(other, module));
        others.map(|other| (*other).to_owned()).collect()
    };
    in_a_cycle.map(cycle).collect()
}

/// Whether a path belongs to a crate, or to a module of one.
fn is_of(path: &[String], crate_name: &str) -> bool {
    crate_name.split("::").eq(path.iter().take(crate_name.split("::").count()))
}

/// The modules that use a crate.
fn users<'a>(sources: &'a [Source], crate_name: &str) -> Vec<&'a str> {
    let uses = |source: &&Source| source.paths.iter().any(|path| is_of(path, crate_name));
    sources.iter().filter(uses).map(|source| source.module.as_str()).collect()
}

/// Modules that use a crate that belongs elsewhere.
pub(super) fn misplaced(sources: &[Source]) -> Vec<(&str, &'static str)> {
    let of = |(crate_name, parents): &(&'static str, &'static [&'static str])| {
        let (crate_name, parents) = (*crate_name, *parents);
        let elsewhere = users(sources, crate_name).into_iter();
        elsewhere
            .filter(|module| !parents.iter().any(|parent| is_in(module, parent)))
            .map(move |module| (module, crate_name))
    };
    CRATES.iter().flat_map(of).collect()
}

/// The code of a file without its comments.
fn code(source: &Source) -> String {
    source.text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Modules outside `platform` that contain a path of Linux.
pub(super) fn naming_system_paths(sources: &[Source]) -> Vec<&str> {
    let names = |source: &&Source| ["\"/proc/", "\"/sys/"].iter().any(|path| code(source).contains(path));
    let elsewhere = sources.iter().filter(|source| !is_in(&source.module, "platform"));
    elsewhere.filter(names).map(|source| source.module.as_str()).collect()
}

/// Modules outside `platform` that contain code for one operating system, with the word of their condition.
pub(super) fn choosing_systems(sources: &[Source]) -> Vec<(&str, &'static str)> {
    let words = ["system", "target_os", "target_family", "target_vendor", "target_env", "unix", "windows"];
    let elsewhere = sources.iter().filter(|source| !is_in(&source.module, "platform"));
    let pairs = elsewhere.flat_map(|source| words.map(|word| (source, word)));
    let chosen = pairs.filter(|(source, word)| source.conditions.contains(*word));
    chosen.map(|(source, word)| (source.module.as_str(), word)).collect()
}

/// Markers of unfinished code, exits and lint exceptions, by module.
pub(super) fn unfinished(sources: &[Source]) -> Vec<(&str, &'static str)> {
    let words = ["process::exit", "todo!(", "unimplemented!(", "dbg!(", "#[allow(", "#![allow("];
    let found = |source| {
        let code = code(source);
        words.into_iter().filter(move |word| code.contains(word)).map(move |word| (source.module.as_str(), word))
    };
    sources.iter().flat_map(found).collect()
}

/// Files that are too long without a reason, and reasons for files that are short.
pub(super) fn too_long<'a>(sources: &'a [Source], reasons: &'a [(&str, &str)]) -> Vec<String> {
    let lines = |source: &Source| source.text.lines().count();
    let has_reason = |module: &str| reasons.iter().any(|(long, _)| *long == module);
    let long = sources.iter().filter(|source| lines(source) > MAX_LINES);
    let without = long.filter(|source| !has_reason(&source.module));
    let is_short = |module: &str| !sources.iter().any(|source| source.module == module && lines(source) > MAX_LINES);
    let needless = reasons.iter().filter(|(module, _)| is_short(module));
    let without = without.map(|source| format!("{} has {} lines", source.module, lines(source)));
    without.chain(needless.map(|(module, _)| format!("{module} is not long any more"))).collect()
}

#[test]
fn imports_point_down() {
    let sources = sources();
    assert!(imports(&sources).len() > 200, "the sources were not read: {:?}", imports(&sources));
    assert_eq!(without_layer(&sources), Vec::<&str>::new(), "these modules have no layer");
    let up = upward(&sources);
    assert!(up.is_empty(), "these imports do not point down: {up:#?}");
}

#[test]
fn files_import_each_other_in_no_cycles() {
    let sources = sources();
    let cycles = cycles(&sources);
    assert!(cycles.is_empty(), "these files import each other: {cycles:#?}");
}

#[test]
fn heavy_crates_are_used_in_one_module() {
    let sources = sources();
    for (crate_name, _) in CRATES {
        assert!(!users(&sources, crate_name).is_empty(), "nothing uses {crate_name}");
    }
    let misplaced = misplaced(&sources);
    assert!(misplaced.is_empty(), "these crates live elsewhere: {misplaced:#?}");
}

#[test]
fn system_paths_are_named_in_platform_only() {
    assert_eq!(naming_system_paths(&sources()), Vec::<&str>::new());
}

#[test]
fn code_for_one_system_is_in_platform_only() {
    assert_eq!(choosing_systems(&sources()), []);
}

#[test]
fn nothing_is_left_unfinished() {
    assert_eq!(unfinished(&sources()), Vec::new());
}

#[test]
fn long_files_have_a_reason() {
    let sources = sources();
    let long = too_long(&sources, &LONG_FILES);
    assert!(long.is_empty(), "divide these by subject, or give the reason: {long:#?}");
}
