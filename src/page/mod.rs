//! The page for browsers and its policy. `build.rs` builds the page from the TypeScript in this directory: one HTML
//! file with script and style, and files that it loads later, such as language tables. The script contains the SHA-256
//! of each, and uses no file with another one.

use std::sync::LazyLock;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

/// A file that a relay serves to browsers.
pub struct File {
    /// The name. That of a file of [`FILES`] contains the first 16 digits of its SHA-256.
    pub name: &'static str,
    /// The value of `Content-Type`.
    pub kind: &'static str,
    /// The content.
    pub plain: &'static [u8],
    /// The content, compressed by Brotli (RFC 7932).
    pub br: Option<&'static [u8]>,
    /// The content, compressed by gzip (RFC 1952).
    pub gz: Option<&'static [u8]>,
}

// `PAGE` and `FILES`.
include!(concat!(env!("OUT_DIR"), "/page.rs"));

/// The text of [`PAGE`].
pub const HTML: &str = include_str!(concat!(env!("OUT_DIR"), "/dist/page.html"));

/// Whether the page can open a share. It cannot if the program was built without npm.
pub fn is_complete() -> bool {
    env!("SHARE_PAGE") == "complete"
}

/// The page's Content-Security-Policy (CSP level 3). Allows its own script and style by their hashes, requests to its
/// own relay, and photos and videos from its own memory. `data:` is for the icon, which saves a request.
pub static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = |start: &str, end: &str| {
        let content = between(HTML, start, end);
        content.map_or("'none'".to_owned(), |content| {
            format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(content)))
        })
    };
    format!(
        "default-src 'none'; script-src {}; style-src {}; connect-src 'self'; img-src blob: data:; media-src blob:; \
         frame-ancestors 'none'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; \
         trusted-types 'none'",
        hash("<script data-cfasync=\"false\">", "</script>"),
        hash("<style>", "</style>"),
    )
});

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    Some(rest.split_once(end)?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_contain_their_hashes_and_the_page_has_the_whole_ones() {
        for file in FILES {
            let hash = format!("{:x}", Sha256::digest(file.plain));
            let (name, rest) = file.name.rsplit_once('-').unwrap();
            assert_eq!(rest.split_once('.').unwrap().0, &hash[..16], "{}", file.name);
            assert!(HTML.contains(&hash), "{name}");
        }
        assert!(is_complete() || FILES.is_empty());
    }

    #[test]
    fn the_page_has_one_script_and_one_style_which_the_policy_allows() {
        for tag in ["<script", "<style"] {
            assert_eq!(HTML.matches(tag).count(), usize::from(is_complete() || tag == "<style"), "{tag}");
        }
        assert_eq!(POLICY.matches("'sha256-").count(), 1 + usize::from(is_complete()));
    }
}
