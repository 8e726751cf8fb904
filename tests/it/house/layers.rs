//! The floors of the house: imports point down, files do not import each other in circles, and each heavy crate lives
//! in one room. The sources are parsed, so that nested imports, `super::` and paths inside macros count as well.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use syn::visit::{self, Visit};

use crate::support::files;

/// The floors of the house, from the ground up. A room uses rooms of the floors below its own, and no other. A room is a
/// module with everything below it.
const FLOORS: [&[&str]; 9] = [
    &["platform", "page"],
    &["secret", "safe_text", "blob"],
    &["durable_fs", "relay_url", "manifest", "media", "wordlist"],
    &["link", "terminal"],
    &["seal", "relay"],
    &["state"],
    &["send", "open"],
    &["view", "host"],
    &["cli"],
];

/// Rooms within a room, and those that they must not use. `cli::self` is the file of the room `cli` alone: only `main`
/// uses the dispatcher.
const WITHIN: [(&str, &[&str]); 8] = [
    ("relay", &["seal", "media", "manifest"]),
    ("relay::store", &["relay::rules", "relay::client", "relay::server"]),
    ("relay::rules", &["relay::client", "relay::server", "relay::store::folder", "relay::store::bucket"]),
    ("relay::client", &["relay::rules", "relay::server", "relay::store"]),
    ("relay::server", &["relay::rules", "relay::client", "relay::store"]),
    ("cli::output", &["cli::input"]),
    ("cli", &["cli::self"]),
    ("state", &["terminal", "media"]),
];

/// A crate, or a path in one, and the rooms in which it may appear.
const CRATES: [(&str, &[&str]); 19] = [
    ("icu_properties", &["safe_text"]),
    ("age", &["seal", "secret"]),
    ("age_core", &["seal"]),
    ("ring", &["seal", "secret", "relay"]),
    ("axum", &["relay::server", "view::browser"]),
    ("reqwest", &["relay::http", "relay::client"]),
    ("object_store", &["relay::store::bucket"]),
    ("image", &["view"]),
    ("icy_sixel", &["view"]),
    ("arboard", &["terminal::clipboard"]),
    ("desktop_open", &["view::browser"]),
    ("rustix", &["platform"]),
    ("std::os", &["platform"]),
    ("clap", &["cli"]),
    ("indicatif", &["cli"]),
    ("anyhow", &["cli"]),
    ("directories", &["cli"]),
    ("tracing_subscriber", &["cli::output"]),
    ("serde_json", &["manifest", "relay", "state", "view::player::report", "cli"]),
];

/// A source file: its module, such as `relay::store::folder`, and the paths that its code uses.
struct Source {
    module: String,
    paths: BTreeSet<Vec<String>>,
    text: String,
}

/// Collects the paths in a file, with `super` and `self` resolved.
struct Paths<'a> {
    /// The module of the code that is visited.
    within: Vec<String>,
    /// All modules that have a file.
    modules: &'a BTreeSet<String>,
    found: BTreeSet<Vec<String>>,
}

impl Paths<'_> {
    /// Notes a path. One that begins with a crate keeps that name; one within this crate begins with `crate`.
    fn note(&mut self, path: &[String]) {
        let mut base = vec!["crate".to_owned()];
        let mut rest = path;
        match path.first().map(String::as_str) {
            Some("crate") => rest = &path[1..],
            Some("self") => {
                base.extend(self.within.iter().cloned());
                rest = &path[1..];
            }
            Some("super") => {
                let ups = path.iter().take_while(|part| *part == "super").count();
                base.extend(self.within[..self.within.len().saturating_sub(ups)].iter().cloned());
                rest = &path[ups..];
            }
            // A module below this one, or another crate.
            Some(first) => {
                let child = self.within.iter().map(String::as_str).chain([first]).collect::<Vec<_>>().join("::");
                if self.modules.contains(&child) {
                    base.extend(self.within.iter().cloned());
                } else {
                    base.clear();
                }
            }
            None => return,
        }
        base.extend(rest.iter().cloned());
        self.found.insert(base);
    }

    fn tree(&mut self, before: &[String], tree: &syn::UseTree) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.tree(&with(&path.ident), &path.tree),
            syn::UseTree::Name(name) if name.ident == "self" => self.note(before),
            syn::UseTree::Name(name) => self.note(&with(&name.ident)),
            syn::UseTree::Rename(rename) => self.note(&with(&rename.ident)),
            syn::UseTree::Glob(_) => self.note(&[before, &["*".to_owned()]].concat()),
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.tree(before, tree)),
        }
    }
}

impl<'ast> Visit<'ast> for Paths<'_> {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.tree(&[], &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 {
            let parts: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            self.note(&parts);
        }
        visit::visit_path(self, path);
    }

    fn visit_vis_restricted(&mut self, _: &'ast syn::VisRestricted) {
        // A visibility names the room that may use an item. That is no import.
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        // Tests may use what they test with.
        if item.content.is_none() || item.attrs.iter().any(|attribute| attribute.path().is_ident("cfg")) {
            return;
        }
        self.within.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.within.pop();
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        self.visit_path(&called.path);
        // What a macro is given is no syntax tree, but its paths can be told by their colons.
        let tokens = called.tokens.to_string().replace(" :: ", "::");
        for word in tokens.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')) {
            let parts: Vec<String> = word.split("::").map(str::to_owned).collect();
            if parts.len() > 1 && parts.iter().all(|part| !part.is_empty() && !part.contains(':')) {
                self.note(&parts);
            }
        }
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let rust = files(&root).into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    let module = |path: &Path| {
        let name = path.strip_prefix(&root).unwrap().with_extension("");
        let parts: Vec<&str> = name.iter().map(|part| part.to_str().unwrap()).collect();
        parts.strip_suffix(&["mod"]).unwrap_or(&parts).join("::")
    };
    let rust: Vec<_> = rust.map(|path| (module(&path), fs::read_to_string(&path).unwrap())).collect();
    let modules: BTreeSet<String> = rust.iter().map(|(module, _)| module.clone()).collect();
    let source = |(module, text): (String, String)| {
        let within = module.split("::").map(str::to_owned).collect();
        let mut paths = Paths { within, modules: &modules, found: BTreeSet::new() };
        paths.visit_file(&syn::parse_file(&text).unwrap());
        Source { module, paths: paths.found, text }
    };
    rust.into_iter().map(source).collect()
}

/// Which files import which, by their modules.
fn imports(sources: &[Source]) -> BTreeSet<(String, String)> {
    let modules: BTreeSet<&str> = sources.iter().map(|source| source.module.as_str()).collect();
    let target = |path: &[String]| {
        let inside = path.strip_prefix(&["crate".to_owned()])?;
        let prefixes = (1..=inside.len()).rev().map(|length| inside[..length].join("::"));
        prefixes.into_iter().find(|prefix| modules.contains(prefix.as_str()))
    };
    let mut all = BTreeSet::new();
    for source in sources {
        for to in source.paths.iter().filter_map(|path| target(path)).filter(|to| *to != source.module) {
            all.insert((source.module.clone(), to));
        }
    }
    all
}

/// Whether a module is a room or lies in it. `cli::self` is the file of the room `cli` alone.
fn is_in(module: &str, room: &str) -> bool {
    match room.strip_suffix("::self") {
        Some(alone) => module == alone,
        None => module.strip_prefix(room).is_some_and(|rest| rest.is_empty() || rest.starts_with("::")),
    }
}

#[test]
fn imports_point_down() {
    let imports = imports(&sources());
    assert!(imports.len() > 200, "the sources were not read: {imports:?}");
    let floor = |module: &str| FLOORS.iter().position(|rooms| rooms.iter().any(|room| is_in(module, room)));
    let room = |module: &str| module.split("::").next().unwrap_or_default().to_owned();
    let breaks = |from: &str, to: &str| {
        let is_outside = matches!(from, "lib" | "main");
        let points_down = is_outside || room(from) == room(to) || floor(from) > floor(to);
        let is_within = |(room, others): &(&str, &[&str])| {
            is_in(from, room) && others.iter().any(|other| is_in(to, other) && !(is_outside && *other == "cli::self"))
        };
        !points_down || WITHIN.iter().any(is_within)
    };
    for (from, _) in &imports {
        assert!(floor(from).is_some() || matches!(from.as_str(), "lib" | "main"), "{from} is on no floor");
    }
    let up: Vec<_> = imports.iter().filter(|(from, to)| breaks(from, to)).collect();
    assert!(up.is_empty(), "these imports do not point down: {up:#?}");
}

#[test]
fn files_import_each_other_in_no_circles() {
    let imports = imports(&sources());
    let mut reaches: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (from, to) in &imports {
        reaches.entry(from).or_default().insert(to);
    }
    // Everything that can be reached from everywhere: the graph is small.
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
    let in_a_circle = reaches.keys().filter(|module| leads(module, module));
    let circles: BTreeSet<Vec<&str>> = in_a_circle
        .map(|module| reaches.keys().copied().filter(|other| leads(module, other) && leads(other, module)).collect())
        .collect();
    assert!(circles.is_empty(), "these files import each other: {circles:#?}");
}

#[test]
fn heavy_crates_live_in_one_room() {
    let sources = sources();
    for (crate_name, rooms) in CRATES {
        let users: Vec<&str> = sources
            .iter()
            .filter(|source| source.paths.iter().any(|path| path.join("::").starts_with(crate_name)))
            .map(|source| source.module.as_str())
            .collect();
        assert!(!users.is_empty(), "nothing uses {crate_name}");
        for module in users {
            assert!(rooms.iter().any(|room| is_in(module, room)), "{module} uses {crate_name}");
        }
    }
}

#[test]
fn nothing_is_left_unfinished() {
    for Source { module, text, .. } in sources() {
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        for word in ["process::exit", "todo!(", "unimplemented!(", "dbg!(", "#[allow("] {
            assert!(!code.contains(word), "{module} has {word}");
        }
    }
}
