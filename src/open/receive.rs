//! Receipt of a whole share: bytes are fetched, verified and written in constant memory. At most three parts are in
//! memory.

use std::io::{self, Write};

use bytes::BytesMut;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use crate::open::claim::Claimed;
use crate::open::error::OpenError;
use crate::open::fetch::{BUFFERS, Opened};
use crate::open::finish::Ending;
use crate::open::notes::Notes;
use crate::seal::{SealError, Unsealer};

/// The verified content of a share. The relay still has it. The next step is [`Received::save`] for files,
/// [`Received::sync`] or [`Received::deliver`] for other content.
#[must_use = "the relay deletes a share only when it is finished"]
pub struct Received<C> {
    pub(super) content: C,
    pub(super) ending: Ending,
}

impl<C> Received<C> {
    pub(super) fn new(content: C, share: &Opened, notes: Notes) -> Self {
        let opener = &share.opener;
        let (relay, holder, receipt) = (opener.relay.clone(), opener.holder(), opener.receipt());
        Self { content, ending: Ending { relay, holder, receipt, until: share.claim.until, notes } }
    }
}

impl<S: Write + Send + 'static> Claimed<S> {
    /// Fetches the whole share, and writes the plaintext to the sink as it is verified; `moved` gets the length of each
    /// piece in bytes. The padding is fetched too: stopping early would reveal the true size.
    ///
    /// # Errors
    ///
    /// The relay refuses, the connection breaks for longer than the backoff allows, the content differs from that which
    /// was sent, or the sink cannot be written. Unless the content is damaged, this device can resume.
    pub async fn receive(self, moved: impl FnMut(u64) + Send + 'static) -> Result<Received<S>, OpenError> {
        let Self { share, notes, sink } = self;
        let (to, mut parts) = mpsc::channel::<BytesMut>(1);
        let (used, free) = mpsc::channel::<BytesMut>(BUFFERS);
        for _ in 0..BUFFERS {
            // The channel has room for every buffer.
            let _ = used.try_send(BytesMut::new());
        }
        let identity = share.opener.keys.blob_identity.clone();
        let (age_len, total) = (share.manifest.age_len, share.manifest.total_size());
        let thread = spawn_blocking(move || {
            let mut out = Limited { out: sink, moved, left: total, exceeded: false };
            let mut unsealer = Unsealer::new(&identity, age_len);
            while let Some(mut part) = parts.blocking_recv() {
                unsealer
                    .push(&mut part, &mut out)
                    .map_err(|error| if out.exceeded { SealError::Corrupt } else { error })?;
                // The channel has room for every buffer.
                let _ = used.try_send(part);
            }
            unsealer.finish()?;
            if out.left > 0 {
                return Err(SealError::Corrupt);
            }
            out.out.flush()?;
            Ok(out.out)
        });
        let fetched = share.fetch(to, free).await;
        let opened = thread.await.unwrap_or_else(|error| Err(SealError::Write(io::Error::other(error))));
        match (fetched, opened) {
            // The thread stops at its first error, and the failed sends to it are only a consequence.
            (_, Err(SealError::Write(error))) => Err(OpenError::Write(error)),
            (Ok(()), Err(SealError::Corrupt)) => Err(OpenError::Corrupt),
            (Err(error), _) => Err(error),
            (Ok(()), Ok(sink)) => Ok(Received::new(sink, &share, notes)),
        }
    }
}

/// Passes on exactly as many bytes as the manifest announces: memory and disks were checked for that size.
struct Limited<W, F> {
    out: W,
    moved: F,
    left: u64,
    exceeded: bool,
}

impl<W: Write, F: FnMut(u64)> Write for Limited<W, F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() as u64 > self.left {
            self.exceeded = true;
            return Err(io::ErrorKind::InvalidData.into());
        }
        let count = self.out.write(bytes)?;
        self.left -= count as u64;
        (self.moved)(count as u64);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
