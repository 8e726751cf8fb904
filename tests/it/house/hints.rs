//! A hint that contains a command is made with `Hint::run`, which keeps it on one line.

use std::fs;
use std::path::Path;

use syn::visit::{self, Visit};

use crate::support::files;

/// The beginnings of commands and options in a hint.
const COMMANDS: [&str; 3] = ["share ", "--", "tar c "];

/// Collects the strings in an expression that makes a hint, except those in `Hint::run`.
#[derive(Default)]
struct Texts(Vec<String>);

impl<'ast> Visit<'ast> for Texts {
    fn visit_lit_str(&mut self, text: &'ast syn::LitStr) {
        self.0.push(text.value());
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        self.0.push(called.tokens.to_string());
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        if !ends_with(&call.func, &["Hint", "run"]) {
            visit::visit_expr_call(self, call);
        }
    }
}

/// Collects the strings of all hints in a file.
#[derive(Default)]
struct Hints(Texts);

impl<'ast> Visit<'ast> for Hints {
    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        let fails = ["usage", "local", "path"].iter().any(|made| ends_with(&call.func, &["Failure", made]));
        if let (true, Some(hint)) = (fails, call.args.last()) {
            self.0.visit_expr(hint);
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        if call.method == "hint" {
            call.args.iter().for_each(|hint| self.0.visit_expr(hint));
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        let is_hint = matches!(&local.pat, syn::Pat::Ident(name) if name.ident == "hint");
        if let (true, Some(value)) = (is_hint, &local.init) {
            self.0.visit_expr(&value.expr);
        }
        visit::visit_local(self, local);
    }

    fn visit_field_value(&mut self, field: &'ast syn::FieldValue) {
        if matches!(&field.member, syn::Member::Named(name) if name == "hint") {
            self.0.visit_expr(&field.expr);
        }
        visit::visit_field_value(self, field);
    }
}

fn ends_with(called: &syn::Expr, end: &[&str]) -> bool {
    let syn::Expr::Path(called) = called else { return false };
    let parts: Vec<String> = called.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
    parts.iter().rev().map(String::as_str).take(end.len()).eq(end.iter().rev().copied())
}

fn hints(text: &str) -> Vec<String> {
    let mut hints = Hints::default();
    hints.visit_file(&syn::parse_file(text).unwrap());
    hints.0.0
}

fn has_a_command(hint: &str) -> bool {
    COMMANDS.iter().any(|command| hint.contains(command))
}

#[test]
fn hints_with_a_command_are_made_with_run() {
    let sources = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli"));
    let sources = sources.iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    let hints: Vec<String> = sources.flat_map(|path| hints(&fs::read_to_string(path).unwrap())).collect();
    assert!(hints.len() > 50, "the sources were not read: {hints:?}");
    let unmarked: Vec<_> = hints.iter().filter(|hint| has_a_command(hint)).collect();
    assert!(unmarked.is_empty(), "{unmarked:#?}");
}

#[test]
fn a_hint_with_an_unmarked_command_is_found() {
    let unmarked = |text: &str| hints(text).iter().filter(|hint| has_a_command(hint)).count();
    assert_eq!(unmarked(r#"fn f() { Failure::usage("no --what", "use --this"); }"#), 1);
    assert_eq!(unmarked(r#"fn f() { Failure::usage("no --what", Hint::run("use --this")); }"#), 0);
    assert_eq!(unmarked(r#"fn f() { output.hint(format!("share send {name}")); }"#), 1);
    assert_eq!(unmarked(r#"fn f() { let hint = if twice { "once" } else { "share open" }; }"#), 1);
}
