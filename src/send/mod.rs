//! The flow of sending: [`Draft`] → [`Recorded`] → [`Uploading`] → [`Committed`].
//!
//! Each step consumes the one before. A share is recorded in the outbox before its relay hears of it, so that a share
//! that a crash leaves can be revoked; and its link exists for the caller only when the relay has committed it. An
//! upload that fails before that is revoked.
//!
//! | file | |
//! |---|---|
//! | `batch` | the chain, for the shares of one send: one, or one for each recipient |
//! | `upload` | one share: create, parts, commit; and revoking it |
//! | `sealing` | the thread that reads and encrypts |
//! | `tee` | one read, several shares |
//! | `input` | the files, each by itself and all as one stream |
//!
//! # The order
//! All steps, in the only order that compiles:
//!
//! ```
//! # use std::{error::Error, io, sync::Arc};
//! # use share::{relay::Relay, send::*, state::outbox::Outbox};
//! async fn send(
//!     draft: Draft,
//!     outbox: io::Result<Outbox>,
//!     relay: Arc<dyn Relay>,
//!     files: Vec<Input>,
//! ) -> Result<(), Box<dyn Error>> {
//!     let recorded = draft.record(outbox, None)?;
//!     let uploading = recorded.upload_to(&relay);
//!     let committed = uploading.run(files).await?;
//!     for share in committed.shares() {
//!         println!("{}", share.link().bare().as_str());
//!     }
//!     Ok(())
//! }
//! ```
//!
//! A share that is not recorded cannot be uploaded: only what `record` returns has `upload_to`.
//!
//! ```compile_fail,E0599
//! # use std::{error::Error, io, sync::Arc};
//! # use share::{relay::Relay, send::*, state::outbox::Outbox};
//! fn begin(draft: Draft, outbox: io::Result<Outbox>, relay: Arc<dyn Relay>) -> io::Result<Uploading> {
//!     Ok(draft.upload_to(&relay))
//! }
//! ```
//!
//! So it compiles:
//!
//! ```
//! # use std::{error::Error, io, sync::Arc};
//! # use share::{relay::Relay, send::*, state::outbox::Outbox};
//! fn begin(draft: Draft, outbox: io::Result<Outbox>, relay: Arc<dyn Relay>) -> io::Result<Uploading> {
//!     Ok(draft.record(outbox, None)?.upload_to(&relay))
//! }
//! ```
//!
//! A draft is recorded once: recorded twice, two uploads would have one id.
//!
//! ```compile_fail,E0382
//! # use std::{error::Error, io, sync::Arc};
//! # use share::{relay::Relay, send::*, state::outbox::Outbox};
//! fn twice(draft: Draft, first: io::Result<Outbox>, second: io::Result<Outbox>) -> io::Result<()> {
//!     let recorded = draft.record(first, None)?;
//!     let again = draft.record(second, None)?;
//!     Ok(())
//! }
//! ```
//!
//! So it compiles:
//!
//! ```
//! # use std::{error::Error, io, sync::Arc};
//! # use share::{relay::Relay, send::*, state::outbox::Outbox};
//! fn twice(draft: Draft, first: io::Result<Outbox>, second: io::Result<Outbox>) -> io::Result<()> {
//!     let recorded = draft.record(first, None)?;
//!     Ok(())
//! }
//! ```
//!
//! A share that is only recorded has no link yet,
//!
//! ```compile_fail,E0599
//! # use std::{error::Error, io, sync::Arc};
//! # use share::{relay::Relay, send::*, state::outbox::Outbox};
//! fn links(recorded: Recorded, committed: Committed) {
//!     for share in recorded.shares() {}
//! }
//! ```
//!
//! So it compiles:
//!
//! ```
//! # use std::{error::Error, io, sync::Arc};
//! # use share::{relay::Relay, send::*, state::outbox::Outbox};
//! fn links(recorded: Recorded, committed: Committed) {
//!     for share in committed.shares() {}
//! }
//! ```
//!
//! nor has one that is being uploaded.
//!
//! ```compile_fail,E0599
//! # use std::{error::Error, io, sync::Arc};
//! # use share::{relay::Relay, send::*, state::outbox::Outbox};
//! fn links(uploading: Uploading, committed: Committed) {
//!     for share in uploading.shares() {}
//! }
//! ```
//!
//! So it compiles:
//!
//! ```
//! # use std::{error::Error, io, sync::Arc};
//! # use share::{relay::Relay, send::*, state::outbox::Outbox};
//! fn links(uploading: Uploading, committed: Committed) {
//!     for share in committed.shares() {}
//! }
//! ```
//!
//! An upload runs once.
//!
//! ```compile_fail,E0382
//! # use std::{error::Error, io, sync::Arc};
//! # use share::{relay::Relay, send::*, state::outbox::Outbox};
//! async fn run(uploading: Uploading, files: Vec<Input>, more: Vec<Input>) -> Result<(), Unsent> {
//!     let committed = uploading.run(files).await?;
//!     let again = uploading.run(more).await?;
//!     Ok(())
//! }
//! ```
//!
//! So it compiles:
//!
//! ```
//! # use std::{error::Error, io, sync::Arc};
//! # use share::{relay::Relay, send::*, state::outbox::Outbox};
//! async fn run(uploading: Uploading, files: Vec<Input>, more: Vec<Input>) -> Result<(), Unsent> {
//!     let committed = uploading.run(files).await?;
//!     Ok(())
//! }
//! ```
//!
//! No link is shown after the shares were revoked.
//!
//! ```compile_fail,E0382
//! # use std::{error::Error, io, sync::Arc};
//! # use share::{relay::Relay, send::*, state::outbox::Outbox};
//! async fn revoke(committed: Committed) {
//!     committed.revoke().await;
//!     let first = committed.shares().first().map(|share| share.link().bare());
//! }
//! ```
//!
//! So it compiles:
//!
//! ```
//! # use std::{error::Error, io, sync::Arc};
//! # use share::{relay::Relay, send::*, state::outbox::Outbox};
//! async fn revoke(committed: Committed) {
//!     let first = committed.shares().first().map(|share| share.link().bare());
//!     committed.revoke().await;
//! }
//! ```
//!
//! And nobody but the upload makes committed shares.
//!
//! ```compile_fail,E0451
//! # use std::{error::Error, io, sync::Arc};
//! # use share::{relay::Relay, send::*, state::outbox::Outbox};
//! fn forge(committed: Committed, revoker: Revoker) -> Committed {
//!     Committed { shares: Vec::new(), revoker }
//! }
//! ```
//!
//! So it compiles:
//!
//! ```
//! # use std::{error::Error, io, sync::Arc};
//! # use share::{relay::Relay, send::*, state::outbox::Outbox};
//! fn forge(committed: Committed, revoker: Revoker) -> Committed {
//!     committed
//! }
//! ```

mod batch;
mod error;
mod input;
mod sealing;
mod tee;
mod upload;

pub use self::batch::{BatchPlan, Committed, Draft, KeptAt, Recorded, Revoker, Share, Uploading};
pub use self::error::{SendError, Unsent};
pub use self::input::Input;
pub use self::upload::{SendOptions, Sent};
