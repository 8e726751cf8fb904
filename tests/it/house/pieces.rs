//! Comments and strings of source files, without the code between them.

use regex_lite::Regex;

/// The grammar of comments and strings in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    Rust,
    /// TypeScript and JavaScript.
    Script,
    Css,
    /// Shell, Python and TOML: comments only.
    Hash,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Comment,
    Text,
}

/// A comment, with neighboring line comments joined, or the content of a string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) kind: Kind,
    /// The first line, from 1 on.
    pub(super) line: usize,
    pub(super) text: String,
}

/// A scanner of one file.
struct Scanner<'a> {
    source: &'a str,
    language: Language,
    /// Offset of the next byte.
    at: usize,
    pieces: Vec<Piece>,
}

/// The comments and strings of a file, in their order.
pub(super) fn pieces(source: &str, language: Language) -> Vec<Piece> {
    let pieces = if language == Language::Hash {
        let comment = Regex::new(r"(?:^|\s)#(?:$|[ \t](.*))").unwrap();
        let lines = source.lines().enumerate().filter(|(_, line)| !line.starts_with("#!"));
        let found = lines.filter_map(|(number, line)| {
            let found = comment.captures(line)?;
            let text = found.get(1).map_or("", |text| text.as_str()).to_owned();
            Some(Piece { kind: Kind::Comment, line: number + 1, text })
        });
        found.collect()
    } else {
        let mut scanner = Scanner { source, language, at: 0, pieces: Vec::new() };
        scanner.code(false);
        scanner.pieces
    };
    joined(pieces, source)
}

/// Joins comments on successive lines of their own. A blank line divides paragraphs.
fn joined(pieces: Vec<Piece>, source: &str) -> Vec<Piece> {
    let lines: Vec<&str> = source.lines().map(str::trim_start).collect();
    let is_alone = |line: usize| ["//", "/*", "#"].iter().any(|begin| lines[line - 1].starts_with(begin));
    let mut all: Vec<(Piece, usize)> = Vec::new();
    for piece in pieces {
        let last = piece.line + piece.text.matches('\n').count();
        match all.last_mut() {
            Some((before, end)) if *end + 1 == piece.line && is_alone(before.line) && is_alone(piece.line) => {
                before.text.push('\n');
                before.text.push_str(&piece.text);
                *end = last;
            }
            _ => all.push((piece, last)),
        }
    }
    all.into_iter().map(|(piece, _)| piece).collect()
}

impl Scanner<'_> {
    fn rest(&self) -> &str {
        &self.source[self.at..]
    }

    fn line(&self, at: usize) -> usize {
        self.source[..at].matches('\n').count() + 1
    }

    fn add(&mut self, kind: Kind, from: usize, text: &str) {
        self.pieces.push(Piece { kind, line: self.line(from), text: text.to_owned() });
    }

    /// Scans code to the end of the file, or to the brace that closes a template's expression.
    fn code(&mut self, in_template: bool) {
        let mut depth = 0;
        while let Some(c) = self.rest().chars().next() {
            match c {
                '{' => depth += 1,
                '}' if in_template && depth == 0 => return,
                '}' => depth -= 1,
                _ => {}
            }
            if !self.comment() && !self.string(c) {
                self.at += c.len_utf8();
            }
        }
    }

    fn comment(&mut self) -> bool {
        let (from, rest) = (self.at, self.rest().to_owned());
        if rest.starts_with("//") && self.language != Language::Css {
            let end = rest.find('\n').unwrap_or(rest.len());
            let text = rest[2..end].trim_start_matches(['/', '!']);
            self.add(Kind::Comment, from, text.strip_prefix(' ').unwrap_or(text));
            self.at += end;
        } else if rest.starts_with("/*") {
            let end = rest.find("*/").unwrap_or(rest.len());
            let lines = rest[2..end].trim_matches('*').lines().map(|line| line.trim().trim_start_matches("* "));
            self.add(Kind::Comment, from, &lines.collect::<Vec<_>>().join("\n"));
            self.at += (end + 2).min(rest.len());
        } else {
            return false;
        }
        true
    }

    /// Scans a literal that begins with `c`.
    fn string(&mut self, c: char) -> bool {
        let before = self.source[..self.at].trim_end().chars().next_back().unwrap_or('\n');
        match (c, self.language) {
            ('"', _) | ('\'', Language::Script | Language::Css) => self.quoted(c),
            ('r', Language::Rust) => return self.raw(),
            ('\'', Language::Rust) => {
                let character = Regex::new(r"^'(?:[^'\\]|\\[^']+|\\')'").unwrap();
                self.at += character.find(self.rest()).map_or(1, |found| found.end());
            }
            ('`', Language::Script) => self.template(),
            // A slash after a value divides; elsewhere it begins a regular expression.
            ('/', Language::Script) if "(,=:[!&|?{};\n".contains(before) => {
                let pattern = Regex::new(r"^/(?:[^/\\\[\n]|\\.|\[(?:[^\]\\]|\\.)*\])+/").unwrap();
                self.at += pattern.find(self.rest()).map_or(1, |found| found.end());
            }
            _ => return false,
        }
        true
    }

    fn quoted(&mut self, quote: char) {
        let from = self.at;
        let mut escaped = false;
        let inside = self.source[from + 1..].char_indices().find(|(_, c)| {
            let ends = *c == quote && !escaped;
            escaped = *c == '\\' && !escaped;
            ends
        });
        let end = inside.map_or(self.source.len(), |(length, _)| from + 1 + length);
        // A backslash at the end of a line joins it with the next one, without the blanks there.
        let text = Regex::new(r"\\\n\s*").unwrap().replace_all(&self.source[from + 1..end], "").into_owned();
        self.add(Kind::Text, from, &text);
        self.at = (end + 1).min(self.source.len());
    }

    fn raw(&mut self) -> bool {
        let is_name = self.source[..self.at].ends_with(|c: char| c.is_alphanumeric() && c != 'b' || c == '_');
        let Some(open) = Regex::new(r#"^r(#*)""#).unwrap().captures(self.rest()).filter(|_| !is_name) else {
            return false;
        };
        let (open, close) = (open[0].len(), format!("\"{}", &open[1]));
        let from = self.at;
        let length = self.rest()[open..].find(&close).unwrap_or(self.rest().len() - open);
        let text = self.rest()[open..open + length].to_owned();
        self.add(Kind::Text, from, &text);
        self.at = (from + open + length + close.len()).min(self.source.len());
        true
    }

    fn template(&mut self) {
        let from = self.at;
        let mut text = String::new();
        self.at += 1;
        while let Some(c) = self.rest().chars().next() {
            if self.rest().starts_with("${") {
                self.at += 2;
                self.code(true);
                text.push_str("${}");
                self.at = (self.at + 1).min(self.source.len());
                continue;
            }
            self.at += c.len_utf8();
            match c {
                '`' => break,
                '\\' => self.at += self.rest().chars().next().map_or(0, char::len_utf8),
                _ => text.push(c),
            }
        }
        self.add(Kind::Text, from, &text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(source: &str, language: Language) -> Vec<(Kind, usize, String)> {
        pieces(source, language).into_iter().map(|piece| (piece.kind, piece.line, piece.text)).collect()
    }

    #[test]
    fn rust_comments_and_strings_are_found() {
        let source = "/// One\n/// two.\n\
            fn f<'a>() { g(b'\"', '\\'', r#\"a \"b\" // c\"#); } // three\nlet s = \"d\\\"e \\\n   f\";";
        let expected = [
            (Kind::Comment, 1, "One\ntwo.".to_owned()),
            (Kind::Text, 3, "a \"b\" // c".to_owned()),
            (Kind::Comment, 3, "three".to_owned()),
            (Kind::Text, 4, "d\\\"e f".to_owned()),
        ];
        assert_eq!(found(source, Language::Rust), expected);
    }

    #[test]
    fn templates_and_regular_expressions_of_scripts_are_found() {
        let source = "/* One */\nconst a = `x ${f(`y`, { b: \"z\" })} w`;\nconst c = /[\"'/]/u; // two";
        let expected = [
            (Kind::Comment, 1, "One".to_owned()),
            (Kind::Text, 2, "y".to_owned()),
            (Kind::Text, 2, "z".to_owned()),
            (Kind::Text, 2, "x ${} w".to_owned()),
            (Kind::Comment, 3, "two".to_owned()),
        ];
        assert_eq!(found(source, Language::Script), expected);
    }

    #[test]
    fn comments_of_scripts_with_a_hash_are_found() {
        let source = "#!/bin/bash\n# One\n#\n# two\necho \"$#\" # three\nf # four\n";
        let expected = [
            (Kind::Comment, 2, "One\n\ntwo".to_owned()),
            (Kind::Comment, 5, "three".to_owned()),
            (Kind::Comment, 6, "four".to_owned()),
        ];
        assert_eq!(found(source, Language::Hash), expected);
    }
}
