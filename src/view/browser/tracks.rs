//! The tracks of a video.

use crate::view::browser::content::ShownFiles;

/// The longest list of tracks that is read, in bytes.
const MAX_TRACKS: u64 = 16 << 20;
/// The most boxes before it.
const MAX_BOXES: usize = 64;

/// Whether a video has a video track. True if that is unknown.
pub(super) async fn has_pictures(content: &ShownFiles, number: usize) -> bool {
    let range = content.range(number).unwrap_or_default();
    let (mut at, mut boxes) = (range.start, 0);
    // MP4 (ISO/IEC 14496-12): the box `moov` lists the tracks.
    while let Ok(head) = content.read(at..range.end.min(at + 16)).await
        && let [a, b, c, d, kind @ ..] = &head[..]
        && boxes < MAX_BOXES
    {
        let len = match (u32::from_be_bytes([*a, *b, *c, *d]), kind) {
            (0, _) => range.end - at,
            (1, [_, _, _, _, len @ ..]) => len.try_into().map_or(0, u64::from_be_bytes),
            (len, _) => u64::from(len),
        };
        if kind.starts_with(b"moov") && len <= MAX_TRACKS {
            let Ok(moov) = content.read(at..range.end.min(at + len)).await else { return true };
            // The handler `hdlr` has four bytes of version, four reserved bytes, and the kind of the track.
            let kinds = moov.windows(16).filter(|window| window.starts_with(b"hdlr")).map(|window| &window[12..16]);
            let kinds: Vec<_> = kinds.collect();
            return kinds.contains(&&b"vide"[..]) || !kinds.contains(&&b"soun"[..]);
        }
        if len < 8 {
            return true;
        }
        (at, boxes) = (at.saturating_add(len).min(range.end), boxes + 1);
    }
    true
}
