//! Photos, videos and sounds that most browsers do not show.

use crate::media::{HEAD_LEN, Kind, sniff};

/// Raw photos, by the extensions of their names: no browser shows one.
const RAW: &str =
    " 3fr arw cr2 cr3 crw dcr dng erf fff gpr iiq k25 kdc mef mos mrw nef nrw orf pef raf rw2 rwl sr2 srf srw x3f ";

/// The kind of a file that begins with `head`, and in a word or two the format for which most browsers do not show it.
/// `None`: they show it, or it is nothing to be shown. `codecs` are the names in its sample descriptions, if they are
/// known. With `surely`, also formats that many show without announcing it before: the page opens none of these as
/// view-only.
pub fn unshown(head: &[u8], extension: Option<&str>, codecs: &[[u8; 4]], surely: bool) -> Option<(Kind, String)> {
    let mime = sniff(head, head.len() < HEAD_LEN);
    let extension = extension.unwrap_or_default().to_ascii_lowercase();
    if RAW.contains(&format!(" {extension} ")) && !matches!(mime, "image/jpeg" | "image/png" | "text/plain") {
        return Some((Kind::Photo, "a raw photo".to_owned()));
    }
    let kind = Kind::of(mime);
    let name = match mime {
        "image/jpeg" | "image/png" | "image/gif" | "image/webp" | "image/avif" | "video/webm" => return None,
        "audio/mpeg" | "audio/ogg" | "audio/opus" | "audio/wav" | "audio/x-wav" | "audio/flac" | "audio/x-flac" => {
            return None;
        }
        "video/mp4" | "video/quicktime" | "video/3gpp" | "video/x-m4v" | "audio/mp4" | "audio/m4a" | "audio/x-m4a" => {
            let mut names: Vec<&str> = codecs.iter().copied().filter_map(unplayed).collect();
            names.dedup();
            match mime {
                "video/quicktime" | "video/3gpp" | "video/x-m4v" if surely && names.is_empty() => {
                    names.push(if mime == "video/quicktime" { "QuickTime" } else { "3GP or M4V" });
                }
                _ if names.is_empty() => return None,
                _ => {}
            }
            names.join(", ")
        }
        "image/heif" | "image/heic" => "HEIC".to_owned(),
        "image/tiff" => "TIFF".to_owned(),
        "image/jxl" => "JPEG XL".to_owned(),
        "video/x-matroska" => "Matroska".to_owned(),
        "video/x-msvideo" => "AVI".to_owned(),
        mime => {
            let subtype = mime.rsplit(['/', '.']).next().unwrap_or(mime);
            subtype.strip_prefix("x-").unwrap_or(subtype).to_uppercase()
        }
    };
    matches!(kind, Kind::Photo | Kind::Video | Kind::Sound).then_some((kind, name))
}

/// The name of a codec that most browsers do not play (of a sample entry, mp4ra.org). A codec that is in no list is one
/// of them.
fn unplayed(codec: [u8; 4]) -> Option<&'static str> {
    Some(match &codec {
        b"hvc1" | b"hev1" | b"dvh1" | b"dvhe" | b"hvc2" | b"hev2" => "HEVC",
        b"vvc1" | b"vvi1" => "VVC",
        b"apch" | b"apcn" | b"apcs" | b"apco" | b"ap4h" | b"ap4x" | b"aprn" | b"aprh" => "ProRes",
        b"mp4v" | b"XVID" | b"DIVX" => "MPEG-4 Part 2",
        b"s263" | b"h263" => "H.263",
        b"jpeg" | b"mjpa" | b"mjpb" | b"mjpg" | b"MJPG" => "Motion JPEG",
        b"AVdn" | b"AVdh" => "DNxHD",
        b"dvc " | b"dvcp" | b"dvpp" | b"dv5n" | b"dv5p" => "DV",
        b"alac" => "Apple Lossless",
        b"ac-3" | b"ec-3" => "Dolby Digital",
        b"samr" | b"sawb" => "AMR",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_that_browsers_show_are_known() {
        let mp4 = b"\0\0\0\x18ftypmp42\0\0\0\0";
        let name = |head: &[u8], extension, codecs: &[[u8; 4]]| {
            unshown(head, Some(extension), codecs, false).map(|(_, name)| name)
        };
        assert_eq!(name(b"\xff\xd8\xff\xe0\0\x10JFIF\0", "jpg", &[]), None);
        assert_eq!(name(mp4, "mp4", &[*b"avc1", *b"mp4a"]), None);
        assert_eq!(name(mp4, "mp4", &[*b"hvc1", *b"mp4a"]).unwrap(), "HEVC");
        assert_eq!(name(mp4, "mov", &[*b"apcn", *b"ac-3"]).unwrap(), "ProRes, Dolby Digital");
        assert_eq!(name(b"\0\0\0\x18ftypheic\0\0\0\0", "heic", &[]).unwrap(), "HEIC");
        assert_eq!(name(b"II*\0\x08\0\0\0\0\0\0\0", "nef", &[]).unwrap(), "a raw photo");
        assert_eq!(name(b"II*\0\x08\0\0\0\0\0\0\0", "tif", &[]).unwrap(), "TIFF");
        assert_eq!(name(b"a text", "nef", &[]), None);
        assert_eq!(name(b"%PDF-1.7", "pdf", &[]), None);
        let film = b"\0\0\0\x14ftypqt  \0\0\0\0";
        assert_eq!(unshown(film, Some("mov"), &[*b"avc1"], false), None);
        assert_eq!(unshown(film, Some("mov"), &[*b"avc1"], true).unwrap().1, "QuickTime");
    }
}
