//! The flow of opening: look → claim → receive → journal → place → finish.
//!
//! | module | step | types |
//! |---|---|---|
//! | `look` | finds the state of an earlier run, and the waiting share | [`Session`] → [`Envelope`] or [`Ours`] |
//! | `claim` | prepares the destination, then claims | [`Ready`] → [`Claimed`], [`Resumed`] → [`Claimed`] |
//! | `receive`, `fetch` | downloads and verifies all bytes | [`Received`] |
//! | `seekable` | downloads only the needed pieces | [`Seekable`] |
//! | `staging`, `names`, `tree`, `targets` | files without names, and their intended names | [`Staging`], [`Targets`] |
//! | `place` | flushes and names files, with journal entries between | [`Synced`] → [`Noted`] → [`Placed`], [`Delivered`] |
//! | `finish` | asks the relay to delete the share | [`Finishable`] → [`Finished`] |
//! | `report` | shows the operator of the relay what was sent | [`Reportable`] |
//! | `notes` | the stage of the opening: journal and [`Progress`] | |
//!
//! Each step consumes the one before it, so the compiler enforces the order that keeps a file safe: everything that can
//! fail on this device is tried before the share is claimed, no file gets its name before its bytes are durable and the
//! journal lists it, and only content that is safe on this device can be finished, after which the relay deletes it. A
//! connection that breaks is resumed where it broke. The next run resumes from the journal of a killed one.
//!
//! # The order is checked by the compiler
//!
//! All steps, in the only order that compiles:
//!
//! ```
//! # use std::sync::Arc;
//! # use share::open::*;
//! # use share::relay::{Relay, client::retry::Backoff};
//! # use share::secret::Keys;
//! # type Error = Box<dyn std::error::Error>;
//! # async fn new(session: Session, relay: Arc<dyn Relay>, keys: Keys, backoff: Backoff, to: Targets)
//! # -> Result<(), Error> {
//! let Ok(Look::Waits(envelope)) = session.look(relay, keys, backoff).await else { return Ok(()) };
//! let claimed = envelope.prepare(to)?.claim().await?;
//! let received = claimed.receive(|_| {}).await?;
//! let (files, finishable) = received.sync()?.note()?.place()?.note()?;
//! finishable.finish().await.close();
//! # Ok(()) }
//! # async fn ours(ours: Ours, to: Targets) -> Result<(), Error> {
//! let Ok(resumed) = ours.resume().await else { return Ok(()) };
//! let received = resumed.prepare(to)?.receive(|_| {}).await?;
//! # Ok(()) }
//! # async fn stream(received: Received<Stream>) -> Result<(), Error> {
//! received.sync()?.note().finish().await.close();
//! # Ok(()) }
//! ```
//!
//! The following does not compile. A share cannot be claimed before it was looked at:
//!
//! ```compile_fail,E0599
//! # use share::open::*;
//! # async fn f(session: Session, to: Targets) {
//! let _ = session.prepare(to); // session.look(…).await
//! # }
//! ```
//!
//! nor before its destination was prepared:
//!
//! ```compile_fail,E0599
//! # use share::open::*;
//! # async fn f(envelope: Envelope) {
//! let _ = envelope.claim().await; // envelope.prepare(…)?.claim().await
//! # }
//! ```
//!
//! nor twice:
//!
//! ```compile_fail,E0382
//! # use share::open::*;
//! # async fn f(ready: Ready<Staging>) {
//! let _ = ready.claim().await;
//! let _ = ready.claim().await;
//! # }
//! ```
//!
//! ```
//! # use share::open::*;
//! # async fn f(ready: Ready<Staging>) {
//! let _ = ready.claim().await;
//! # }
//! ```
//!
//! It cannot be received before it is claimed:
//!
//! ```compile_fail,E0599
//! # use share::open::*;
//! # async fn f(ready: Ready<Staging>) {
//! let _ = ready.receive(|_| {}).await; // ready.claim().await?.receive(…).await
//! # }
//! ```
//!
//! nor, when it is resumed, without a destination:
//!
//! ```compile_fail,E0599
//! # use share::open::*;
//! # async fn f(resumed: Resumed) {
//! let _ = resumed.receive(|_| {}).await; // resumed.prepare(…)?.receive(…).await
//! # }
//! ```
//!
//! Files cannot get names before all of their bytes were verified:
//!
//! ```compile_fail,E0599
//! # use share::open::*;
//! # fn f(claimed: Claimed<Staging>) {
//! let _ = claimed.sync(); // claimed.receive(…).await?.sync()
//! # }
//! ```
//!
//! nor before the bytes are durable:
//!
//! ```compile_fail,E0599
//! # use share::open::*;
//! # fn f(received: Received<Staging>) {
//! let _ = received.note(); // received.sync()?.note()
//! # }
//! ```
//!
//! nor before the journal lists them:
//!
//! ```compile_fail,E0599
//! # use share::open::*;
//! # fn f(synced: Synced) {
//! let _ = synced.place(); // synced.note()?.place()
//! # }
//! ```
//!
//! nor again:
//!
//! ```compile_fail,E0382
//! # use share::open::*;
//! # fn f(noted: Noted) {
//! let _ = noted.place();
//! let _ = noted.place();
//! # }
//! ```
//!
//! ```
//! # use share::open::*;
//! # fn f(noted: Noted) {
//! let _ = noted.place();
//! # }
//! ```
//!
//! The relay cannot be asked to delete a share whose bytes are not durable:
//!
//! ```compile_fail,E0599
//! # use share::open::*;
//! # async fn f(received: Received<Staging>) {
//! let _ = received.finish().await; // received.save().await?.1.finish().await
//! # }
//! ```
//!
//! nor one whose files have no names:
//!
//! ```compile_fail,E0599
//! # use share::open::*;
//! # async fn f(noted: Noted) {
//! let _ = noted.finish().await; // noted.place()?.note()?.1.finish().await
//! # }
//! ```
//!
//! nor one whose names the journal does not have:
//!
//! ```compile_fail,E0599
//! # use share::open::*;
//! # async fn f(placed: Placed) {
//! let _ = placed.finish().await; // placed.note()?.1.finish().await
//! # }
//! ```
//!
//! nor one that was delivered without a note:
//!
//! ```compile_fail,E0599
//! # use share::open::*;
//! # async fn f(delivered: Delivered) {
//! let _ = delivered.finish().await; // delivered.note().finish().await
//! # }
//! ```
//!
//! Files cannot be delivered as content without a name:
//!
//! ```compile_fail,E0599
//! # use share::open::*;
//! # async fn f(received: Received<Staging>) {
//! let _ = received.deliver(async |_| Ok::<(), ()>(())).await; // received.save().await
//! # }
//! ```
//!
//! ```
//! # use share::open::*;
//! # async fn f<C: Unnamed>(received: Received<C>) {
//! let _ = received.deliver(async |_| Ok::<(), ()>(())).await;
//! # }
//! ```

mod claim;
mod error;
mod fetch;
mod finish;
mod look;
mod names;
mod notes;
mod place;
mod receive;
mod report;
mod seekable;
mod staging;
mod targets;
mod tree;

pub use self::claim::{Claimed, Destination, PrepareError, Ready, Resumed};
pub use self::error::OpenError;
pub use self::finish::{Earlier, Finishable, Finished, Unfinished, unfinished};
pub use self::look::{Begin, Envelope, Look, Ours, Refusal, Session};
pub use self::notes::{JournalError, Progress, Stage};
pub use self::place::{Delivered, Noted, PlaceError, Placed, Stream, Synced, Unnamed};
pub use self::receive::Received;
pub use self::report::{ReportError, Reportable, held_until, note_ended, note_reported};
pub use self::seekable::Seekable;
pub use self::staging::{SavedFiles, Staging};
pub use self::targets::{TargetError, Targets, absolute};
