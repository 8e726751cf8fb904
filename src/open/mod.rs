//! The flow of opening: look → claim → receive → journal → place → finish.
//!
//! | room | step | types |
//! |---|---|---|
//! | `look` | what an earlier run left, and what waits | [`Session`] → [`Envelope`] or [`Ours`] |
//! | `claim` | the destination is prepared, then the share is opened: once | [`Ready`] → [`Claimed`], [`Resumed`] → [`Claimed`] |
//! | `receive`, `fetch` | bytes come in and are verified | [`Received`] |
//! | `seekable` | or only those that are watched | [`Seekable`] |
//! | `staging`, `names`, `targets` | files without names, and the names that they will have | [`Staging`], [`Targets`] |
//! | `place` | bytes become durable, the journal has the files, they get their names, the journal has those | [`Synced`] → [`Noted`] → [`Placed`], [`Delivered`] |
//! | `finish` | the relay deletes the share | [`Finishable`] → [`Finished`] |
//! | `notes` | how far it has come: journal and [`Progress`] | |
//!
//! Each step consumes the one before it, so the order that keeps a file safe cannot be written wrongly: everything that
//! can fail here is tried before the share is claimed, no file gets its name before its bytes are durable and the
//! journal has it, and only content that is safe here can be finished, which makes the relay delete it. A connection
//! that breaks is resumed where it broke. A run that is killed leaves a journal from which the next one goes on.
//!
//! # The order is checked by the compiler
//!
//! All steps, in the only order that there is:
//!
//! ```
//! # use std::sync::Arc;
//! # use share::open::*;
//! # use share::relay::{Relay, client::retry::Backoff};
//! # use share::secret::Keys;
//! # type Error = Box<dyn std::error::Error>;
//! # async fn new(session: Session, relay: Arc<dyn Relay>, keys: Keys, backoff: Backoff, to: Targets) -> Result<(), Error> {
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
//! The rest is what does not compile. A share cannot be claimed before it was looked at:
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
//! Files get no names before all of their bytes were verified:
//!
//! ```compile_fail,E0599
//! # use share::open::*;
//! # fn f(claimed: Claimed<Staging>) {
//! let _ = claimed.sync(); // claimed.receive(…).await?.sync()
//! # }
//! ```
//!
//! nor before these are durable:
//!
//! ```compile_fail,E0599
//! # use share::open::*;
//! # fn f(received: Received<Staging>) {
//! let _ = received.note(); // received.sync()?.note()
//! # }
//! ```
//!
//! nor before the journal has them:
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
//! The relay is not asked to delete a share whose bytes are not durable:
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
//! nor one that was handed on without a note:
//!
//! ```compile_fail,E0599
//! # use share::open::*;
//! # async fn f(delivered: Delivered) {
//! let _ = delivered.finish().await; // delivered.note().finish().await
//! # }
//! ```
//!
//! Files do not pass for content that gets no name:
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
mod seekable;
mod staging;
mod targets;

pub use self::claim::{Claimed, Destination, PrepareError, Ready, Resumed};
pub use self::error::OpenError;
pub use self::finish::{Earlier, Finishable, Finished, Unfinished, unfinished};
pub use self::look::{Begin, Envelope, Look, Ours, Refusal, Session};
pub use self::notes::{JournalError, Progress, Stage};
pub use self::place::{Delivered, Noted, PlaceError, Placed, Stream, Synced, Unnamed};
pub use self::receive::Received;
pub use self::seekable::Seekable;
pub use self::staging::{SavedFiles, Staging};
pub use self::targets::{TargetError, Targets, absolute};
