//! Reports to an operator: what an opener discloses of one share, and the proof that it is what was sent.
//!
//! The opener of a share encrypts its manifest identity and its blob identity to the operator of the relay, with the
//! share's id and the opener's public name. The relay has the ciphertext and its own records. Together these show the
//! operator exactly what was uploaded under that id; they do not show who uploaded it. Neither the link's secret nor a
//! passphrase, a token or the receipt key is disclosed: the two identities are derived beside these, not above them.
//!
//! | module | |
//! |---|---|
//! | `operator` | the operator's keys: recipient and identities |
//! | `body` | the two age files of a report: keys and note |
//! | `bundle` | a report and everything that it is about, in one file |
//! | `verify` | checks a bundle as strictly as an opening does, and decrypts it |

mod body;
mod bundle;
mod operator;
mod verify;

pub use age::x25519::Identity;

pub use self::body::{Disclosed, KEYS_LEN, MAX_NOTE, NOTE_PADDING, NoteError, seal_keys, seal_note};
pub use self::bundle::{Bundle, BundleError, Facts, Records};
pub use self::operator::{KeyError, Recipient, identities, without_secret_keys};
pub use self::verify::{Content, ContentError, Note, Refuted, Verified, verify};
