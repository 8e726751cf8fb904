//! The flow of sending: [`Draft`] → [`Recorded`] → [`Uploading`] → [`Committed`].
//!
//! Each step consumes the one before. A share is recorded in the outbox before its relay hears of it, so that whatever
//! a crash leaves can be revoked; and its link exists for the caller only when the relay has committed it. Whatever
//! fails before that is revoked.
//!
//! | file | |
//! |---|---|
//! | `batch` | the chain, for the shares of one send: one, or one for each recipient |
//! | `upload` | one share: create, parts, commit; and revoking it |
//! | `sealing` | the thread that reads and encrypts |
//! | `tee` | one read, several shares |
//! | `input` | the files, each by itself and all as one stream |

mod batch;
mod error;
mod input;
mod sealing;
mod tee;
mod upload;

pub use self::batch::{Committed, Draft, KeptAt, Plan, Recorded, Revoker, Share, Uploading};
pub use self::error::{SendError, Unsent};
pub use self::input::Input;
pub use self::upload::{SendOptions, Sent};
