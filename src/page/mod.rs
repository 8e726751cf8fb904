//! The page for browsers: one HTML file, which `build.rs` builds from the TypeScript in this directory, and its policy.

use std::sync::LazyLock;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

/// The page.
pub const HTML: &str = include_str!(concat!(env!("OUT_DIR"), "/page.html"));

/// Whether the page can open a share. It cannot if the program was built without npm.
pub fn is_complete() -> bool {
    env!("SHARE_PAGE") == "complete"
}

/// The page's Content-Security-Policy (CSP level 3). Allows its own script and style by their hashes, requests to its
/// own relay, and photos and videos from its own memory. `data:` is for the empty icon, which saves a request.
pub static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = |tag: &str| {
        let content = between(HTML, &format!("<{tag}>"), &format!("</{tag}>"));
        content.map_or("'none'".to_owned(), |content| {
            format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(content)))
        })
    };
    format!(
        "default-src 'none'; script-src {}; style-src {}; connect-src 'self'; img-src blob: data:; media-src blob:; \
         frame-ancestors 'none'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; \
         trusted-types 'none'",
        hash("script"),
        hash("style"),
    )
});

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    Some(rest.split_once(end)?.0)
}
