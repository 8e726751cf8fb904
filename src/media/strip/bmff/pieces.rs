//! Pieces of a file.

/// Offsets and lengths, in bytes.
pub(super) type Pieces = Vec<(u64, u64)>;

/// In their order, and none over another.
pub(super) fn side_by_side(mut pieces: Pieces) -> Pieces {
    pieces.sort_unstable();
    let mut merged = Pieces::with_capacity(pieces.len());
    for (at, len) in pieces {
        match merged.last_mut() {
            Some((last, long)) if at <= *last + *long => *long = (*long).max(at + len - *last),
            _ => merged.push((at, len)),
        }
    }
    merged
}

/// The number of the first of `pieces`, which are side by side, that ends behind `at`.
pub(super) fn first_behind(pieces: &Pieces, at: u64) -> usize {
    pieces.partition_point(|(start, len)| start + len <= at)
}
