//! Hints with a command are printed on one line, so that it can be copied. `Hint::run` takes a command and nothing
//! else, since it is printed as `try: COMMAND`; `Hint::line` takes a sentence that contains a command.

use std::fs;
use std::path::Path;

use syn::visit::{self, Visit};

use crate::support::files;

/// The beginnings of commands and options in a hint.
const COMMANDS: [&str; 15] = [
    "share send",
    "share open",
    "share peek",
    "share status",
    "share revoke",
    "share list",
    "share relay",
    "share report",
    "share help",
    "share --",
    "share {",
    "--",
    "tar c ",
    "chmod ",
    "sudo ",
];
/// Words and marks that make a sentence of a command.
const SENTENCE: [&str; 6] = [", ", "; ", "? ", " or ", " and ", ". "];

/// Collects the texts in an expression that make a hint, without those that are marked as commands.
#[derive(Default)]
struct Texts(Vec<String>);

/// Collects the texts that calls of `Hint::run` and `Hint::line` contain.
#[derive(Default)]
struct Marked {
    commands: Texts,
    lines: Texts,
}

impl<'ast> Visit<'ast> for Marked {
    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        let into = match () {
            () if ends_with(&call.func, &["Hint", "run"]) => Some(&mut self.commands),
            () if ends_with(&call.func, &["Hint", "line"]) => Some(&mut self.lines),
            () => None,
        };
        if let Some(texts) = into {
            call.args.iter().for_each(|text| texts.visit_expr(text));
        }
        visit::visit_expr_call(self, call);
    }
}

impl<'ast> Visit<'ast> for Texts {
    fn visit_lit_str(&mut self, text: &'ast syn::LitStr) {
        self.0.push(text.value());
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        self.0.push(called.tokens.to_string());
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        if !ends_with(&call.func, &["Hint", "run"]) && !ends_with(&call.func, &["Hint", "line"]) {
            visit::visit_expr_call(self, call);
        }
    }
}

/// Collects the texts of all hints in a file.
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
    COMMANDS.iter().any(|command| hint.contains(command)) || hint.starts_with('-')
}

/// Whether a text, perhaps the source of a `format!`, is a command or options, and nothing else.
fn is_command(hint: &str) -> bool {
    let text = hint.split('"').nth(1).unwrap_or(hint);
    let begins = text.starts_with('-') || COMMANDS.iter().any(|command| text.starts_with(command));
    begins && !SENTENCE.iter().any(|mark| text.contains(mark))
}

fn marked(text: &str) -> Marked {
    let mut marked = Marked::default();
    marked.visit_file(&syn::parse_file(text).unwrap());
    marked
}

fn sources() -> Vec<String> {
    let sources = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli"));
    let sources = sources.iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    sources.map(|path| fs::read_to_string(path).unwrap()).collect()
}

#[test]
fn hints_with_a_command_are_marked() {
    let hints: Vec<String> = sources().iter().flat_map(|text| hints(text)).collect();
    assert!(hints.len() > 20, "the sources were not read: {hints:?}");
    let unmarked: Vec<_> = hints.iter().filter(|hint| has_a_command(hint)).collect();
    assert!(unmarked.is_empty(), "{unmarked:#?}");
}

#[test]
fn a_hint_with_a_command_that_is_not_marked_is_found() {
    let unmarked = |text: &str| hints(text).iter().filter(|hint| has_a_command(hint)).count();
    assert_eq!(unmarked(r#"fn f() { Failure::usage("no --what", "use --this"); }"#), 1);
    assert_eq!(unmarked(r#"fn f() { Failure::usage("no --what", Hint::run("use --this")); }"#), 0);
    assert_eq!(unmarked(r#"fn f() { Failure::usage("no --what", Hint::line("set --this")); }"#), 0);
    assert_eq!(unmarked(r#"fn f() { output.hint(format!("share send {name}")); }"#), 1);
    assert_eq!(unmarked(r#"fn f() { let hint = if twice { "once" } else { "share open" }; }"#), 1);
}

#[test]
fn hints_that_are_commands_are_nothing_else() {
    let all: Vec<Marked> = sources().iter().map(|text| marked(text)).collect();
    let commands: Vec<_> = all.iter().flat_map(|marked| &marked.commands.0).collect();
    assert!(commands.len() > 15, "the sources were not read: {commands:?}");
    let sentences: Vec<_> = commands.iter().filter(|text| !is_command(text)).collect();
    assert!(sentences.is_empty(), "these are no commands, use Hint::line: {sentences:#?}");
    let lines: Vec<_> = all.iter().flat_map(|marked| &marked.lines.0).collect();
    assert!(lines.len() > 10, "the sources were not read: {lines:?}");
    let commands: Vec<_> = lines.iter().filter(|text| is_command(text)).collect();
    assert!(commands.is_empty(), "these are commands, use Hint::run: {commands:#?}");
}

#[test]
fn a_sentence_is_no_command() {
    for command in ["share open", "--expire 24h", r#""share send {}" , quoted (name)"#, "tar c a | share send -n a.tar"]
    {
        assert!(is_command(command), "{command}");
    }
    for sentence in ["share open, and paste the link", "use --this", "--this or --that", r#""ask {}" , name"#] {
        assert!(!is_command(sentence), "{sentence}");
    }
    let found = marked(r#"fn f() { (Hint::run("share open"), Hint::line("set --this"), Hint::run(x(|| "y"))) }"#);
    assert_eq!(
        (found.commands.0, found.lines.0),
        (vec!["share open".to_owned(), "y".to_owned()], vec!["set --this".to_owned()])
    );
}
