//! Small made-up sources, each of which breaks one rule: the rule's check finds it.

use super::layers::{
    choosing_systems, cycles, misplaced, naming_system_paths, too_long, unfinished, upward, without_layer,
};
use super::sources::{Source, parse};

/// Sources from their modules and texts, with an empty file for each other module that they may import.
fn library(made_up: &[(&str, &str)]) -> Vec<Source> {
    let parents = [
        "platform",
        "secret",
        "link",
        "seal",
        "relay",
        "relay::rules",
        "relay::store",
        "relay::client",
        "state",
        "send",
        "open",
        "view",
        "host",
        "cli",
        "cli::context",
        "cli::input",
        "cli::output",
    ];
    let empty =
        parents.iter().filter(|parent| made_up.iter().all(|(module, _)| module != *parent)).map(|parent| (*parent, ""));
    let texts = made_up.iter().copied().chain(empty);
    parse(texts.map(|(module, text)| (module.to_owned(), text.to_owned())).collect())
}

/// Expects that a module's text makes exactly one forbidden import, to `to`.
#[track_caller]
fn expect_upward(module: &str, text: &str, to: &str) {
    assert_eq!(upward(&library(&[(module, text)])), [(module.to_owned(), to.to_owned())], "{text}");
}

#[track_caller]
fn expect_allowed(module: &str, text: &str) {
    assert_eq!(upward(&library(&[(module, text)])), [], "{text}");
}

#[test]
fn an_import_of_a_higher_layer_is_found() {
    expect_upward("seal", "use crate::send::Input;", "send");
    expect_allowed("send", "use crate::seal::Sealer;");
}

#[test]
fn an_import_of_a_sibling_is_found() {
    expect_upward("send", "use crate::open::Opener;", "open");
    expect_upward("view", "use crate::host;", "host");
}

#[test]
fn a_submodule_belongs_to_its_module() {
    expect_upward("secret::keys", "use crate::cli::output;", "cli::output");
}

#[test]
fn nested_imports_are_found() {
    expect_upward("link", "use crate::{platform, relay::{client::{self, Http}}};", "relay::client");
    expect_upward("link", "use crate::{secret::Id, open as other};", "open");
    expect_upward("seal", "use crate::send::*;", "send");
}

#[test]
fn imports_by_super_are_found() {
    expect_upward("relay::rules::upload", "use super::super::super::send::Input;", "send");
    expect_upward("link", "mod inner { fn f() { super::super::send::input() } }", "send");
    expect_allowed("relay::rules::upload", "use super::super::Relay; use super::records;");
}

#[test]
fn imports_by_self_are_found() {
    expect_upward("relay::store", "mod inner { use self::super::super::super::cli::context; }", "cli::context");
}

#[test]
fn paths_without_an_import_are_found() {
    expect_upward("link", "fn f() -> crate::send::Input { todo() }", "send");
    expect_upward("link", "impl crate::open::Sink for X {}", "open");
}

#[test]
fn paths_in_macros_are_found() {
    expect_upward("link", r#"fn f() { println!("{}", crate::send::MAX); }"#, "send");
    expect_upward("link", "fn f() { crate::cli::output::say!(1); }", "cli::output");
}

#[test]
fn paths_in_attributes_are_found() {
    expect_upward("link", "struct S { #[arg(value_parser = crate::cli::context::duration)] a: u8 }", "cli::context");
    expect_upward("link", r#"struct S { #[serde(with = "crate::open::bytes")] a: u8 }"#, "open");
}

#[test]
fn unit_tests_may_import_anything() {
    expect_allowed("link", "#[cfg(test)] mod tests { use crate::send::Input; }");
    expect_upward("link", "#[cfg(unix)] mod inner { use crate::send::Input; }", "send");
}

#[test]
fn a_module_without_a_layer_is_found() {
    assert_eq!(without_layer(&library(&[("utils", "")])), ["utils"]);
    assert_eq!(without_layer(&library(&[("main", ""), ("lib", "")])), Vec::<&str>::new());
}

#[test]
fn only_main_may_use_the_dispatcher() {
    expect_upward("cli::output", "use crate::cli::Context;", "cli");
    expect_upward("cli::input", "use super::run;", "cli");
    expect_upward("lib", "pub use cli::run; use crate::cli::run as other;", "cli");
    let of_main = parse(vec![
        ("main".to_owned(), "fn main() { crate::cli::run() }".to_owned()),
        ("cli".to_owned(), "use self::context::Context;".to_owned()),
        ("cli::context".to_owned(), String::new()),
    ]);
    assert_eq!(upward(&of_main), []);
}

#[test]
fn output_may_not_use_input() {
    expect_upward("cli::output", "use crate::cli::input::prompt;", "cli::input");
    expect_allowed("cli::input", "use crate::cli::output::Output;");
}

#[test]
fn the_store_may_not_use_the_rules() {
    expect_upward("relay::store", "use crate::relay::rules::Record;", "relay::rules");
    expect_upward("relay::store::folder", "use super::super::rules::Record;", "relay::rules");
    expect_allowed("relay::rules", "use crate::relay::store::Store;");
}

#[test]
fn the_relay_may_not_encrypt() {
    expect_upward("relay::rules", "use crate::seal::PART_LEN;", "seal");
}

#[test]
fn import_cycles_are_found() {
    let two = library(&[("cli::input", "use super::context::Context;"), ("cli::context", "use crate::cli::input;")]);
    assert_eq!(cycles(&two).len(), 1);
    let three = library(&[
        ("relay", "use self::client::Http;"),
        ("relay::client", "use super::rules;"),
        ("relay::rules", "use crate::relay::Relay;"),
    ]);
    let all: Vec<_> = ["relay", "relay::client", "relay::rules"].map(str::to_owned).into();
    assert_eq!(cycles(&three).into_iter().collect::<Vec<_>>(), [all]);
    assert!(cycles(&library(&[("cli", "use self::input;"), ("cli::input", "use super::context;")])).is_empty());
}

#[test]
fn a_crate_in_another_module_is_found() {
    for (module, text, crate_name) in [
        ("view", "use clap::Args;", "clap"),
        ("host", "#[derive(Debug, clap::Args)] struct A;", "clap"),
        ("state", "fn f() -> anyhow::Result<()> { Ok(()) }", "anyhow"),
        ("send", "use {indicatif::ProgressBar, std::io};", "indicatif"),
        ("open", r#"fn f() { format!("{}", age::VERSION); }"#, "age"),
        ("relay::store", "use object_store::path::Path;", "object_store"),
        ("cli::context", "use rustix::fs;", "rustix"),
    ] {
        assert_eq!(misplaced(&library(&[(module, text)])), [(module, crate_name)], "{text}");
    }
    assert_eq!(misplaced(&library(&[("cli::input", "use clap::Args; use clapper::X;")])), []);
}

#[test]
fn platform_specific_code_elsewhere_is_found() {
    let text = "use std::{io, os::unix::fs::OpenOptionsExt};";
    assert_eq!(misplaced(&library(&[("state", text)])), [("state", "std::os")]);
    assert_eq!(misplaced(&library(&[("platform", text)])), []);
    let text = r#"fn f() { read("/proc/self/status"); }"#;
    assert_eq!(naming_system_paths(&library(&[("view", text)])), ["view"]);
    assert_eq!(
        naming_system_paths(&library(&[("platform::memory", text), ("view", "// \"/proc/")])),
        Vec::<&str>::new()
    );
}

#[test]
fn code_for_one_system_is_found() {
    for (text, word) in [
        ("#[cfg(unix)] mod inner;", "unix"),
        ("#[cfg(not(windows))] fn f() {}", "windows"),
        ("fn f() -> bool { cfg!(target_os = \"macos\") }", "target_os"),
        ("#[cfg_attr(\n    system = \"linux\",\n    inline\n)]\nfn f() {}", "system"),
        ("fn f() { #[cfg(all(test, target_family = \"wasm\"))] g(); }", "target_family"),
    ] {
        assert_eq!(choosing_systems(&library(&[("view", text)])), [("view", word)], "{text}");
        assert_eq!(choosing_systems(&library(&[("platform::memory", text)])), [], "{text}");
    }
    let text =
        "// cfg(unix)\nfn f(windows: u8) -> &str { \"target_os\" }\n#[cfg(test)] mod tests { #[cfg(unix)] fn g() {} }";
    assert_eq!(choosing_systems(&library(&[("view", text)])), []);
}

#[test]
fn unfinished_code_is_found() {
    let text = "#![allow(dead_code)]\nfn f() { todo!() }\n// dbg!(\nfn g() { std::process::exit(1) }";
    let found: Vec<&str> = unfinished(&library(&[("link", text)])).into_iter().map(|(_, word)| word).collect();
    assert_eq!(found, ["process::exit", "todo!(", "#![allow("]);
}

#[test]
fn long_files_without_a_reason_are_found() {
    let text = "\n".repeat(401);
    let sources = library(&[("link", &text)]);
    assert_eq!(too_long(&sources, &[]), ["link has 401 lines"]);
    assert_eq!(too_long(&sources, &[("link", "one grammar")]), Vec::<String>::new());
    assert_eq!(too_long(&sources, &[("link", ""), ("seal", "")]), ["seal is not long any more"]);
}
