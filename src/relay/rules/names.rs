//! Names of a share's objects, of hints and of probes. They never change: stores outlive program versions.

use jiff::Timestamp;

use crate::relay::account::DAY;
use crate::relay::store::layout::{DUE, KEPT, PROBES, REPORTS, SHARES, USED};
use crate::relay::{AccountKey, Checksum};
use crate::secret::Id;

/// The end of the name of a use by a committed share.
const COMMITTED: &str = "-committed";

/// Prefix of all hints for the sweeper.
pub(super) fn hints() -> String {
    format!("{DUE}/")
}

/// The hint to look at a share at `due`, Unix seconds. These names sort by time.
pub(super) fn due(id: &Id, due: u64) -> String {
    format!("{}{}", first_due(due), id.hex())
}

/// A name that sorts before all hints of that second, and after all earlier ones.
pub(super) fn first_due(due: u64) -> String {
    format!("{DUE}/{}/{due:010}-", timestamp(due).strftime("%Y%m%d%H"))
}

fn timestamp(at: u64) -> Timestamp {
    i64::try_from(at).ok().and_then(|at| Timestamp::from_second(at).ok()).unwrap_or(Timestamp::MAX)
}

/// The time and the share in the name of a hint.
pub(super) fn parse_due(name: &str) -> Option<(u64, Id)> {
    let (due, id) = name.rsplit('/').next()?.split_once('-')?;
    Some((due.parse().ok()?, Id::from_hex(id)?))
}

/// Prefix of all objects from tests of the store.
pub(super) fn probes() -> String {
    format!("{PROBES}/")
}

/// Prefix of all objects that count what create tokens have used.
pub(super) fn all_uses() -> String {
    format!("{USED}/")
}

/// Prefix of those of one day, in days since 1970. These names sort by time.
pub(super) fn uses_of_day(day: u64) -> String {
    format!("{USED}/{}/", timestamp(day.saturating_mul(DAY)).strftime("%Y%m%d"))
}

/// Prefix of those of one account on one day.
pub(super) fn uses(day: u64, account: &AccountKey) -> String {
    format!("{}{}/", uses_of_day(day), account.hex())
}

/// A share takes so many bytes of an account. Of several such objects of a share the one of a committed share counts,
/// and otherwise the greatest number.
pub(super) fn used(day: u64, account: &AccountKey, share: &Id, bytes: u64, is_committed: bool) -> String {
    format!("{}{}-{bytes}{}", uses(day, account), share.hex(), if is_committed { COMMITTED } else { "" })
}

/// The share, the bytes, and whether it is committed, in the name of a use.
pub(super) fn parse_use(name: &str) -> Option<(Id, u64, bool)> {
    let (share, bytes) = name.rsplit('/').next()?.split_once('-')?;
    let (bytes, is_committed) = bytes.strip_suffix(COMMITTED).map_or((bytes, false), |bytes| (bytes, true));
    Some((Id::from_hex(share)?, bytes.parse().ok()?, is_committed))
}

/// Prefix of the index of all reported shares.
pub(super) fn all_reported() -> String {
    format!("{REPORTS}/")
}

/// Prefix of the index of a reported share.
pub(super) fn all_reported_of(id: &Id) -> String {
    format!("{REPORTS}/{}-", id.hex())
}

/// A share with so many bytes was reported. `is_kept`: they are set aside.
pub(super) fn reported(id: &Id, bytes: u64, is_kept: bool) -> String {
    format!("{}{bytes}{}", all_reported_of(id), if is_kept { KEPT } else { "" })
}

/// The share, its bytes, and whether they are set aside, in the name of a reported share.
pub(super) fn parse_reported(name: &str) -> Option<(Id, u64, bool)> {
    let (id, bytes) = name.rsplit('/').next()?.split_once('-')?;
    let (bytes, is_kept) = bytes.strip_suffix(KEPT).map_or((bytes, false), |bytes| (bytes, true));
    Some((Id::from_hex(id)?, bytes.parse().ok()?, is_kept))
}

/// Prefix of all objects of all shares.
pub(super) fn shares() -> String {
    format!("{SHARES}/")
}

/// The share of an object, and the rest of its name.
pub(super) fn of_share(name: &str) -> Option<(&str, &str)> {
    name.strip_prefix(SHARES)?.strip_prefix('/')?.split_once('/')
}

/// Prefix of all objects of a share.
pub(super) fn share(id: &Id) -> String {
    format!("{SHARES}/{}/", id.hex())
}

/// The record of the announcement.
pub(super) fn offer(id: &Id) -> String {
    format!("{}offer", share(id))
}

/// Prefix of all parts.
pub(super) fn parts(id: &Id) -> String {
    format!("{}part/", share(id))
}

/// A part: its number and its checksum.
pub(super) fn part(id: &Id, number: u32, crc: Checksum) -> String {
    format!("{}{number:06}-{crc}", parts(id))
}

/// The number and the checksum in the name of a part.
pub(super) fn parse_part(name: &str) -> Option<(u32, Checksum)> {
    let (number, crc) = name.rsplit('/').next()?.split_once('-')?;
    Some((number.parse().ok()?, Checksum::parse(crc)?))
}

/// The encrypted manifest.
pub(super) fn manifest(id: &Id) -> String {
    format!("{}manifest", share(id))
}

/// The record of the commit or abort.
pub(super) fn upload_end(id: &Id) -> String {
    format!("{}seal", share(id))
}

/// Prefix of all slots.
pub(super) fn guesses(id: &Id) -> String {
    format!("{}try/", share(id))
}

/// One slot.
pub(super) fn guess(id: &Id, slot: u8) -> String {
    format!("{}{slot:02}", guesses(id))
}

/// The record of the claim, or of the end of a waiting share.
pub(super) fn claim(id: &Id) -> String {
    format!("{}claim", share(id))
}

/// The record of how the claim ended.
pub(super) fn end(id: &Id) -> String {
    format!("{}end", share(id))
}

/// The record that decides whether a share was reported in time.
pub(super) fn report(id: &Id) -> String {
    format!("{}report", share(id))
}

/// The record of the operator's deletion of a report.
pub(super) fn review(id: &Id) -> String {
    format!("{}review", share(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_names_stay() {
        let id = Id::from_bytes([0xab; 16]);
        let hex = "ab".repeat(16);
        assert_eq!(due(&id, 1_700_000_000), format!("due/2023111422/1700000000-{hex}"));
        assert_eq!(parse_due(&due(&id, 1_700_000_000)), Some((1_700_000_000, id)));
        assert_eq!(part(&id, 7, Checksum::of(b"")), format!("v1/{hex}/part/000007-00000000"));
        assert_eq!(parse_part(&part(&id, 7, Checksum::of(b"x"))), Some((7, Checksum::of(b"x"))));
        assert_eq!(guess(&id, 3), format!("v1/{hex}/try/03"));
        let records = [offer(&id), upload_end(&id), claim(&id), end(&id), manifest(&id), report(&id), review(&id)];
        let expected = ["offer", "seal", "claim", "end", "manifest", "report", "review"];
        assert_eq!(records, expected.map(|name| format!("v1/{hex}/{name}")));
        for (is_kept, expected) in [(false, format!("reports/{hex}-4096")), (true, format!("reports/{hex}-4096-kept"))]
        {
            let name = reported(&id, 4096, is_kept);
            assert_eq!((&name, parse_reported(&name)), (&expected, Some((id, 4096, is_kept))));
        }
        let account = AccountKey::of(&[7; 32]);
        let of_day = format!("used/20231114/{}", account.hex());
        for (is_committed, expected) in
            [(false, format!("{of_day}/{hex}-4096")), (true, format!("{of_day}/{hex}-4096-committed"))]
        {
            let name = used(1_700_000_000 / DAY, &account, &id, 4096, is_committed);
            assert_eq!((&name, parse_use(&name)), (&expected, Some((id, 4096, is_committed))));
        }
        assert_eq!((hints(), probes()), ("due/".to_owned(), "probe/".to_owned()));
    }
}
