//! The page that shows the files of a share, one below the other.
//!
//! `page.html` has the style and the script. The script reports a file as seen while the page is visible: a photo once
//! it is decoded; a video once a frame was presented, because a video without a decoder plays its sound without an
//! error, 0 pixels wide; a sound once it plays; a text at once. A closed page shows nothing, even after going back to
//! it.

use std::fmt::Write as _;
use std::io;

use crate::media::Kind;
use crate::safe_text::printable;
use crate::view::browser::content::ShownFiles;
use crate::view::browser::tracks::has_pictures;
use crate::view::text;

/// The page, with placeholders for the nonce of its style and script, and for the files.
const TEMPLATE: &str = include_str!("page.html");

/// Builds the page for `content`, with a sentence above it. `nonce`: the one in the page's Content-Security-Policy.
///
/// # Errors
/// A text could not be read.
pub(super) async fn html(content: &ShownFiles, notice: &str, nonce: &str) -> io::Result<String> {
    let values = [("nonce", nonce), ("notice", &escaped(notice)), ("files", &files(content).await?)];
    Ok(filled(TEMPLATE, &values))
}

/// Fills the placeholders `{{name}}` of a template. Placeholders within values are not filled.
fn filled(template: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{")
        && let Some((name, after)) = after.split_once("}}")
    {
        filled.push_str(before);
        filled.push_str(values.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value));
        rest = after;
    }
    filled + rest
}

/// The elements that show the files.
async fn files(content: &ShownFiles) -> io::Result<String> {
    let mut html = String::new();
    for (number, entry) in content.manifest().entries.iter().enumerate() {
        let name = entry.name().map(printable).unwrap_or_default();
        let _ = write!(html, "<h2>{}</h2>", escaped(&name));
        let _ = match Kind::of(&entry.r#type) {
            Kind::Photo => write!(html, "<img src={number} data-file={number} alt=\"\">"),
            Kind::Video => {
                let sound = if has_pictures(content, number).await { "" } else { " data-sound" };
                write!(html, "<video src={number} data-file={number}{sound} controls playsinline></video>")
            }
            Kind::Sound => write!(html, "<audio src={number} data-file={number} controls></audio>"),
            Kind::Text => {
                let text = content.read(content.range(number).unwrap_or_default()).await?;
                write!(html, "<pre data-file={number}>{}</pre>", escaped(&text::visible(&text)))
            }
            Kind::File => write!(html, "<p>This file can only be saved: press s in the terminal.</p>"),
        };
    }
    Ok(html)
}

/// Escapes a text for HTML, between tags or in a quoted attribute.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_within_values_are_not_filled() {
        let values = [("nonce", "n"), ("files", "a {{nonce}} {{files}} b")];
        assert_eq!(filled("<{{nonce}}>{{files}}<{{nonce}}>", &values), "<n>a {{nonce}} {{files}} b<n>");
        assert_eq!(filled("none, {{ and }}", &values[..0]), "none, ");
        assert_eq!(filled("a {{ b", &values), "a {{ b");
    }

    #[test]
    fn page_has_all_its_placeholders_and_no_other() {
        assert_eq!(TEMPLATE.matches("{{nonce}}").count(), 2, "of the style and the script");
        assert_eq!(TEMPLATE.matches("{{files}}").count(), 1);
        assert_eq!(TEMPLATE.matches("{{notice}}").count(), 1);
        assert_eq!(TEMPLATE.matches("{{").count(), 4);
        assert_eq!(TEMPLATE.matches("<script").count() + TEMPLATE.matches("<style").count(), 2);
    }
}
