//! The kind of a photo, video or text, by its bytes alone: neither the sender's description nor the file's name is
//! trusted. And [`strip`]: its bytes without place, time and maker.

pub mod browsers;
pub mod edits;
pub mod formats;
pub mod strip;

/// Bytes from the beginning of a file that [`sniff`] takes.
pub const HEAD_LEN: usize = 8192;

/// The kinds of file that have different words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A still picture.
    Photo,
    /// Moving pictures.
    Video,
    /// Sound.
    Sound,
    /// Text in UTF-8.
    Text,
    /// Anything else.
    File,
}

impl Kind {
    /// The kind behind a MIME type.
    pub fn of(mime: &str) -> Self {
        match mime.split('/').next() {
            // SVG is a program that draws.
            Some("image") if !mime.contains("svg") => Self::Photo,
            Some("video") => Self::Video,
            Some("audio") => Self::Sound,
            _ if mime == "text/plain" => Self::Text,
            _ => Self::File,
        }
    }

    /// One word for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Photo => "photo",
            Self::Video => "video",
            Self::Sound => "sound",
            Self::Text => "text",
            Self::File => "file",
        }
    }
}

/// The MIME type of a file that begins with `head`. `whole`: nothing follows, so the last character of a text cannot be
/// cut in two.
pub fn sniff(head: &[u8], whole: bool) -> &'static str {
    let text = text(head, whole).filter(|text| !text.is_empty() && !text.contains('\0'));
    // A text is one whatever language it is written in: it is shown as it stands.
    match infer::get(head).map(|found| found.mime_type()).filter(|found| !found.starts_with("text/")) {
        None => {}
        // These are made of text.
        Some(
            found @ ("application/pdf" | "application/rtf" | "application/postscript" | "application/x-x509-ca-cert"),
        ) => return found,
        // Others begin with letters with which a text may begin too, such as BM, BC or GIF.
        Some(_) if text.is_some_and(|text| !text.contains(is_control)) => return "text/plain",
        // Documents of old versions of Office differ only behind the head.
        Some("application/msword") => return "application/x-ole-storage",
        Some(found) => return found,
    }
    match (head.get(4..8), head.get(8..12)) {
        (Some(b"ftyp"), Some(b"avif" | b"avis")) => return "image/avif",
        (Some(b"ftyp"), Some(b"mif1" | b"msf1" | b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx")) => {
            return "image/heif";
        }
        (Some(b"ftyp"), Some([b'3', b'g', ..])) => return "video/3gpp",
        // Every camera has a brand of its own.
        (Some(b"ftyp"), Some(_)) => return "video/mp4",
        (Some(b"moov" | b"mdat" | b"wide" | b"pnot"), _) => return "video/quicktime",
        _ => {}
    }
    if text.is_some() { "text/plain" } else { "application/octet-stream" }
}

/// The beginning of a text in UTF-8.
fn text(head: &[u8], whole: bool) -> Option<&str> {
    match std::str::from_utf8(head) {
        Ok(text) => Some(text),
        Err(error) if !whole && error.error_len().is_none() => std::str::from_utf8(&head[..error.valid_up_to()]).ok(),
        Err(_) => None,
    }
}

/// A control character that does not structure a text.
fn is_control(c: char) -> bool {
    c.is_ascii_control() && !c.is_ascii_whitespace()
}

/// A file name for the nameless of a MIME type, with the usual extension.
pub fn default_name(mime: &str) -> &'static str {
    match mime {
        "image/jpeg" => "photo.jpg",
        "image/png" => "photo.png",
        "image/gif" => "photo.gif",
        "image/webp" => "photo.webp",
        "image/avif" => "photo.avif",
        "image/heif" | "image/heic" => "photo.heic",
        "video/mp4" => "video.mp4",
        "video/quicktime" => "video.mov",
        "video/3gpp" => "video.3gp",
        "video/webm" => "video.webm",
        "video/x-matroska" => "video.mkv",
        "text/plain" => "text.txt",
        _ => "file",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_decide_what_a_file_is() {
        assert_eq!(sniff(b"\xff\xd8\xff\xe0\0\x10JFIF\0", false), "image/jpeg");
        assert_eq!(sniff(b"\x89PNG\r\n\x1a\n", false), "image/png");
        assert_eq!(sniff(b"\0\0\0\x18ftypmp42\0\0\0\0", false), "video/mp4");
        assert_eq!(sniff("caf\u{e9}\n".as_bytes(), true), "text/plain");
        assert_eq!(sniff(&"é".as_bytes()[..1], false), "application/octet-stream");
        assert_eq!(sniff(&"aé".as_bytes()[..2], false), "text/plain");
        assert_eq!(sniff(&"aé".as_bytes()[..2], true), "application/octet-stream");
        assert_eq!(sniff(b"", true), "application/octet-stream");
        assert_eq!(sniff(b"a\0b", true), "application/octet-stream");
        assert_eq!(sniff(b"<html>", true), "text/plain");
        assert_eq!(sniff(b"#!/bin/sh\n", true), "text/plain");
        for text in ["BMW", "BCC: you\n", "GIF or PNG?", "MZ", "some WEBP", "ID3 is"] {
            assert_eq!(sniff(text.as_bytes(), true), "text/plain", "{text}");
        }
        assert_eq!(sniff(b"BM\x1a\x01\x02", true), "image/bmp");
        assert_eq!(sniff(b"%PDF-1.7\n", true), "application/pdf");
        assert_eq!(sniff(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", true), "application/x-ole-storage");
        assert_eq!(sniff(b"\0\0\0\x18ftypXAVC\0\0\0\0", false), "video/mp4");
        assert_eq!(sniff(b"\0\0\0\x18ftyp3gp4\0\0\0\0", false), "video/3gpp");
    }
}
