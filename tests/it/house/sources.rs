//! Parsed sources: their modules, and the paths that their code uses. Nested imports, `super::`, and paths inside
//! macros and attributes count as well.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use syn::visit::{self, Visit};

use crate::support::files;

/// Attributes and macros that compile code under a condition.
const CONDITIONS: [&str; 3] = ["cfg", "cfg_attr", "cfg_select"];

/// A source file: its module, such as `relay::store::folder`, the paths in its code, and the words in its conditions
/// (`cfg`), such as `target_os`.
pub(super) struct Source {
    pub(super) module: String,
    pub(super) paths: BTreeSet<Vec<String>>,
    pub(super) conditions: BTreeSet<String>,
    pub(super) text: String,
}

/// Collects the paths in a file, with `super` and `self` resolved, and the words in its conditions.
struct Paths<'a> {
    /// The module of the visited code.
    within: Vec<String>,
    /// All modules that have a file.
    modules: &'a BTreeSet<String>,
    found: BTreeSet<Vec<String>>,
    conditions: BTreeSet<String>,
}

impl Paths<'_> {
    /// Notes a path. One that begins with a crate keeps that name; one within this crate begins with `crate`.
    fn note(&mut self, path: &[String]) {
        let mut base = vec!["crate".to_owned()];
        let mut rest = path;
        match path.first().map(String::as_str) {
            Some("crate") => rest = &path[1..],
            Some("self" | "super") => {
                rest = if path[0] == "self" { &path[1..] } else { path };
                let ups = rest.iter().take_while(|part| *part == "super").count();
                base.extend(self.within[..self.within.len().saturating_sub(ups)].iter().cloned());
                rest = &rest[ups..];
            }
            // A submodule of this one, or another crate.
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

    /// Notes the arguments of a macro or an attribute: the words of a condition, and paths. They are not parsed, but a
    /// path contains colons.
    fn arguments(&mut self, name: &syn::Path, tokens: &str) {
        if name.segments.last().is_some_and(|last| CONDITIONS.iter().any(|condition| last.ident == condition)) {
            let words = tokens.split(|c: char| !(c.is_alphanumeric() || c == '_'));
            self.conditions.extend(words.filter(|word| !word.is_empty()).map(str::to_owned));
        }
        let tokens = tokens.replace(" :: ", "::");
        for word in tokens.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')) {
            let parts: Vec<String> = word.split("::").map(str::to_owned).collect();
            if parts.len() > 1 && parts.iter().all(|part| !part.is_empty() && !part.contains(':')) {
                self.note(&parts);
            }
        }
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
        // A visibility names the module that may use an item. It is not an import.
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        // Unit tests may use any module.
        if item.attrs.iter().any(is_for_tests) {
            return;
        }
        self.within.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.within.pop();
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        self.visit_path(&called.path);
        self.arguments(&called.path, &called.tokens.to_string());
    }

    fn visit_meta_list(&mut self, list: &'ast syn::MetaList) {
        self.visit_path(&list.path);
        self.arguments(&list.path, &list.tokens.to_string());
    }
}

/// Whether a module is compiled for unit tests only.
fn is_for_tests(attribute: &syn::Attribute) -> bool {
    let is_test = |list: &syn::MetaList| list.tokens.to_string() == "test";
    attribute.path().is_ident("cfg") && attribute.meta.require_list().is_ok_and(is_test)
}

/// The sources of the program.
pub(super) fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let rust = files(&root).into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    let module = |path: &Path| {
        let name = path.strip_prefix(&root).unwrap().with_extension("");
        let parts: Vec<&str> = name.iter().map(|part| part.to_str().unwrap()).collect();
        parts.strip_suffix(&["mod"]).unwrap_or(&parts).join("::")
    };
    parse(rust.map(|path| (module(&path), fs::read_to_string(&path).unwrap())).collect())
}

/// Sources from the names of their modules and their texts.
pub(super) fn parse(texts: Vec<(String, String)>) -> Vec<Source> {
    let modules: BTreeSet<String> = texts.iter().map(|(module, _)| module.clone()).collect();
    let source = |(module, text): (String, String)| {
        let within = module.split("::").map(str::to_owned).collect();
        let mut paths = Paths { within, modules: &modules, found: BTreeSet::new(), conditions: BTreeSet::new() };
        paths.visit_file(&syn::parse_file(&text).unwrap());
        Source { module, paths: paths.found, conditions: paths.conditions, text }
    };
    texts.into_iter().map(source).collect()
}

/// Pairs of modules: a file, and a file that it imports.
pub(super) fn imports(sources: &[Source]) -> BTreeSet<(String, String)> {
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

/// Whether a module is `parent` or a submodule of it. `cli::self` is the file of the module `cli` alone.
pub(super) fn is_in(module: &str, parent: &str) -> bool {
    match parent.strip_suffix("::self") {
        Some(alone) => module == alone,
        None => module.strip_prefix(parent).is_some_and(|rest| rest.is_empty() || rest.starts_with("::")),
    }
}
