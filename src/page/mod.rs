//! The pages for browsers and their policies: [`PAGE`] opens, [`SEND`] sends. `build.rs` builds them from the
//! TypeScript in this directory: each is one HTML file with script and style, and loads further files later, such as
//! language tables. The script contains the SHA-256 of each, and uses no file with another one.

use std::sync::OnceLock;

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

// `PAGE_FILE`, `SEND_FILE` and `FILES`.
include!(concat!(env!("OUT_DIR"), "/page.rs"));

/// The page that opens.
pub static PAGE: Document = Document::new("/", PAGE_FILE);

/// The page that sends. A sender's own computer serves none.
pub static SEND: Document = Document::new("/send", SEND_FILE);

/// The name of the script of workers, as JSON, begins with this.
const WORKER: &str = "worker-";

/// The paths of [`FILES`] on a relay begin with this.
pub const FILES_PATH: &str = "/page/";

/// Whether the pages can open and send. They cannot if the program was built without npm.
pub fn is_complete() -> bool {
    env!("SHARE_PAGE") == "complete"
}

/// A page: an HTML file with its policy.
pub struct Document {
    /// The path on a relay.
    pub path: &'static str,
    /// The file.
    pub file: File,
    policy: OnceLock<String>,
}

impl Document {
    const fn new(path: &'static str, file: File) -> Self {
        Self { path, file, policy: OnceLock::new() }
    }

    /// The text.
    pub fn html(&self) -> &'static str {
        std::str::from_utf8(self.file.plain).unwrap_or_default()
    }

    /// The files that its script loads.
    pub fn files(&self) -> impl Iterator<Item = &'static File> {
        let html = self.html();
        FILES.iter().filter(|file| file.digits().is_some_and(|digits| html.contains(digits)))
    }

    /// The Content-Security-Policy (CSP level 3). Allows its own script and style by their hashes, requests to its own
    /// relay, and photos and videos from its own memory. `data:` is for the icon, which saves a request. A page with
    /// a script for workers may start it, from its own memory too: such a worker has the policy of its page.
    pub fn policy(&self) -> &str {
        self.policy.get_or_init(|| {
            let hash = |start: &str, end: &str| {
                let content = between(self.html(), start, end);
                content.map_or("'none'".to_owned(), |content| {
                    format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(content)))
                })
            };
            let has_worker = self.files().any(|file| file.name.starts_with(WORKER));
            let (workers, trusted) = if has_worker { ("blob:", "worker") } else { ("'none'", "'none'") };
            format!(
                "default-src 'none'; script-src {}; worker-src {workers}; style-src {}; connect-src 'self'; \
                 img-src blob: data:; media-src blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; \
                 require-trusted-types-for 'script'; trusted-types {trusted}",
                hash("<script data-cfasync=\"false\">", "</script>"),
                hash("<style>", "</style>"),
            )
        })
    }
}

impl File {
    /// The path on a relay of a file of [`FILES`].
    pub fn path(&self) -> String {
        format!("{FILES_PATH}{}", self.name)
    }

    /// The first 16 digits of the SHA-256, in the name of a file of [`FILES`].
    fn digits(&self) -> Option<&'static str> {
        Some(self.name.rsplit_once('-')?.1.split_once('.')?.0)
    }
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    Some(rest.split_once(end)?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_contain_their_hashes_and_the_pages_have_the_whole_ones() {
        for file in FILES {
            let hash = format!("{:x}", Sha256::digest(file.plain));
            assert_eq!(file.digits(), Some(&hash[..16]), "{}", file.name);
            let loads = |page: &Document| page.html().contains(&hash);
            assert_eq!(
                [&PAGE, &SEND].map(|page| page.files().any(|other| other.name == file.name)),
                [loads(&PAGE), loads(&SEND)]
            );
            assert!(loads(&PAGE) || loads(&SEND), "{}", file.name);
        }
        assert!(is_complete() || FILES.is_empty());
    }

    #[test]
    fn a_page_has_one_script_and_one_style_which_its_policy_allows() {
        for page in [&PAGE, &SEND] {
            for tag in ["<script", "<style"] {
                let count = usize::from(is_complete() || tag == "<style");
                assert_eq!(page.html().matches(tag).count(), count, "{} {tag}", page.path);
            }
            assert_eq!(page.policy().matches("'sha256-").count(), 1 + usize::from(is_complete()), "{}", page.path);
        }
        // Only the page that opens starts workers.
        for allowed in ["worker-src blob:;", "trusted-types worker"] {
            assert_eq!([&PAGE, &SEND].map(|page| page.policy().contains(allowed)), [is_complete(), false], "{allowed}");
        }
    }
}
