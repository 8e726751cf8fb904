//! Opening: the notice and the manifest of a waiting share, its one claim, its parts, and the end of the claim.

use std::sync::atomic::Ordering;

use futures_util::future::try_join_all;

use crate::relay::clock::after;
use crate::relay::rules::known::Remembered;
use crate::relay::rules::phase::{Phase, Records, refusal};
use crate::relay::rules::records::{Claim, ClaimEnd, Decision, Guess, Offer, Record, UploadEnd};
use crate::relay::rules::records::{failure, get, load};
use crate::relay::rules::write_once::{Written, write_once};
use crate::relay::rules::{StoreRelay, names};
use crate::relay::{
    Checksum, ClaimResponse, Content, Credential, INLINE_LEN, MAX_GUESSES, Notice, RelayError, V1, Waiting,
};
use crate::secret::{Claimant, Id, Receipt, Role, Token, Verifier};

/// A claim, for the client that holds it.
pub(super) struct Held {
    pub(super) claim: Claim,
    claimant: Claimant,
    pub(super) known: Remembered,
    /// The end of the lease, Unix seconds.
    until: u64,
}

impl Held {
    /// The error for the holder, if the claim has ended.
    fn expect_leased(&self, end: Option<&ClaimEnd>, now: u64) -> Result<(), RelayError> {
        match self.claim.phase(end, now) {
            Phase::Leased { .. } => Ok(()),
            phase => Err(refusal(Some(&self.claim), phase, Some(&self.claimant))),
        }
    }
}

impl StoreRelay {
    /// [`crate::relay::Relay::notice`].
    pub(super) async fn show_notice(&self, link: &Credential) -> Result<Notice, RelayError> {
        self.waiting(&self.records(link, Role::Link).await?)
    }

    /// [`crate::relay::Relay::manifest`].
    pub(super) async fn show_manifest(&self, link: &Credential, proof: &Token) -> Result<Waiting, RelayError> {
        let (offer, known) = self.admit(link, Role::Link).await?;
        let records = self.complete(&link.id, offer.clone(), known);
        let (notice, manifest) = if offer.is_proved_by(&link.id, proof) {
            // Nothing is left to be compared, so the manifest is read at the same time.
            let is_over = |records: &Records| records.phase(self.now()) != Phase::Waiting;
            let (records, manifest) = self.unless(records, is_over, self.manifest_of(&link.id)).await?;
            (self.waiting(&records)?, manifest.unwrap_or(Err(RelayError::BUSY))?)
        } else {
            let notice = self.waiting(&records.await?)?;
            self.check_proof(&link.id, &offer, proof).await?;
            (notice, self.manifest_of(&link.id).await?)
        };
        Ok(Waiting { v: V1, expires: notice.expires, blob_len: notice.blob_len, manifest })
    }

    /// [`crate::relay::Relay::claim`].
    pub(super) async fn claim_share(
        &self,
        link: &Credential,
        proof: &Token,
        claim_token: &Token,
    ) -> Result<ClaimResponse, RelayError> {
        let id = &link.id;
        let (offer, known) = self.admit(link, Role::Link).await?;
        let claimant = claim_token.claimant(id);
        let now = self.now();
        let until = after(now, self.policy.lease);
        let clock_agrees = self.clock_agrees.load(Ordering::Relaxed);
        // The hint of a share that waited a moment ago is written while `claim` is read. One of an ended share would be
        // written for each of its late openers.
        let may_wait = known.upload_end.is_some() && known.claim.is_none() && clock_agrees;
        let hints_at_once = may_wait && offer.is_proved_by(id, proof);
        let hint = async { if hints_at_once { self.mark_due(id, until).await } else { Ok(()) } };
        let (records, hinted) = tokio::join!(self.complete(id, offer, known), hint);
        let records = records?;
        let phase = records.phase(now);
        let (Some(UploadEnd::Committed { blob_len, parts, .. }), Some(expires)) =
            (records.upload_end.as_deref(), records.expires())
        else {
            return Err(records.refusal(phase, Some(&claimant)));
        };
        match phase {
            Phase::Leased { .. } if records.claimant() == Some(&claimant) => {}
            Phase::Waiting if !clock_agrees => return Err(RelayError::BUSY),
            Phase::Waiting if hints_at_once => hinted?,
            Phase::Waiting => {
                self.check_proof(id, &records.offer, proof).await?;
                self.mark_due(id, until).await?;
            }
            _ => return Err(records.refusal(phase, Some(&claimant))),
        }
        // Also for a repeated claim: the record must be durable before any byte is sent. What is sent then is read
        // meanwhile.
        let (name, wanted) = (Claim::name(id), Claim::Claimed { v: V1, at: now, until, claimant });
        let (written, part, manifest) = tokio::join!(
            write_once(&*self.store, &*self.clock, &name, wanted),
            self.inline_part(id, *blob_len, parts),
            self.manifest_of(id)
        );
        let written = written?;
        if let Written::New(claim) = &written {
            self.metrics.share(claim.event());
        }
        let (Written::New(claim) | Written::Same(claim)) = written else {
            return Err(self.refusal(&self.records(link, Role::Link).await?, Some(&claimant)));
        };
        let Claim::Claimed { at, until, .. } = claim else { return Err(RelayError::BUSY) };
        if self.now() < until {
            self.known.remember(id, now, Remembered { claim: Some(claim), ..Remembered::default() });
        }
        let (parts, manifest, part) = (parts.clone(), manifest?, part?);
        let report = self.report_to(records.upload_end.as_deref());
        Ok(ClaimResponse { v: V1, at, until, expires, blob_len: *blob_len, parts, manifest, part, report })
    }

    /// [`crate::relay::Relay::get_part`].
    pub(super) async fn read_part(&self, holder: &Credential, number: u32, offset: u64) -> Result<Content, RelayError> {
        let id = &holder.id;
        let held = self.held(holder).await?;
        let end = async { load::<ClaimEnd>(&*self.store, &ClaimEnd::name(id)).await };
        let (upload_end, end) = match &held.known.upload_end {
            None => {
                let (upload_end, end) = tokio::try_join!(self.upload_end(id), end)?;
                held.expect_leased(end.as_ref(), self.now())?;
                // Absent means deleted since the claim was read.
                let upload_end = upload_end.ok_or(RelayError::Unknown)?;
                let known =
                    Remembered { claim: Some(held.claim.clone()), upload_end: Some(upload_end.clone()), offer: None };
                self.known.remember(id, self.now(), known);
                (upload_end, None)
            }
            Some(upload_end) => (upload_end.clone(), Some(end)),
        };
        let Some((crc, _)) = upload_end.part(number).filter(|(_, len)| offset < *len) else {
            if let Some(end) = end {
                held.expect_leased(end.await?.as_ref(), self.now())?;
            }
            let len = upload_end.part(number).ok_or(RelayError::BadRequest)?.1;
            return Err(RelayError::OutOfRange { max: len });
        };
        let name = names::part(id, number, crc);
        let part = async { self.store.read(&name, offset).await.map_err(failure) };
        let part = match end {
            None => part.await?,
            // Nothing of the part is sent before `end` was read.
            Some(end) => {
                let (end, part) = tokio::join!(end, part);
                held.expect_leased(end?.as_ref(), self.now())?;
                part?
            }
        };
        // Absent means deleted since the records were read, or lost by the store, like a part that is too short.
        part.filter(|rest| rest.known_len() != Some(0)).ok_or(RelayError::BUSY)
    }

    /// [`crate::relay::Relay::finish`].
    pub(super) async fn finish_claim(&self, holder: &Credential, receipt: &Receipt) -> Result<(), RelayError> {
        let id = &holder.id;
        let held = self.held(holder).await?;
        let (now, claimant) = (self.now(), held.claimant);
        let wanted = ClaimEnd::Finished { v: V1, at: now, receipt: *receipt };
        let end = if now < held.until {
            match self.end_received(id, wanted.clone()).await? {
                Written::New(_) | Written::Same(_) => return Ok(()),
                Written::Theirs(end) => Some(end),
            }
        } else {
            load(&*self.store, &ClaimEnd::name(id)).await?
        };
        match end {
            Some(end) if wanted.same(&end) => Ok(()),
            end => Err(refusal(Some(&held.claim), held.claim.phase(end.as_ref(), now), Some(&claimant))),
        }
    }

    /// The notice of a waiting share.
    fn waiting(&self, records: &Records) -> Result<Notice, RelayError> {
        match (records.phase(self.now()), records.upload_end.as_deref(), records.expires()) {
            (Phase::Waiting, Some(UploadEnd::Committed { blob_len, .. }), Some(expires)) => {
                Ok(Notice { v: V1, expires, blob_len: *blob_len })
            }
            (phase, ..) => Err(records.refusal(phase, None)),
        }
    }

    /// The claim of the holder of its token. Nothing else is read before the token is compared; a remembered claim is
    /// read too if the token is wrong, as in [`StoreRelay::admit`].
    pub(super) async fn held(&self, holder: &Credential) -> Result<Held, RelayError> {
        let id = &holder.id;
        let presented = holder.token.claimant(id);
        let held = |claim: Option<Claim>, known: Remembered| match claim {
            Some(Claim::Claimed { claimant, until, .. }) if claimant == presented => {
                claim.map(|claim| Held { claim, claimant, known, until })
            }
            _ => None,
        };
        let known = self.known.get(id, self.now());
        if let Some(held) = held(known.claim.clone(), known.clone()) {
            return Ok(held);
        }
        let is_former = known.claim.is_some();
        let mut held = held(load(&*self.store, &Claim::name(id)).await?, known).ok_or(RelayError::Unknown)?;
        if is_former {
            held.known = self.forget_former(id);
        }
        Ok(held)
    }

    /// The only part of a share that is short enough to come with the answer to its claim.
    async fn inline_part(
        &self,
        id: &Id,
        blob_len: u64,
        parts: &[Checksum],
    ) -> Result<Option<bytes::Bytes>, RelayError> {
        match *parts {
            [crc] if blob_len <= INLINE_LEN => {
                let part = get(&*self.store, &names::part(id, 0, crc), INLINE_LEN).await?;
                // Absent means deleted since the records were read. The client's next request reads them again.
                Ok(Some(part.ok_or(RelayError::BUSY)?))
            }
            _ => Ok(None),
        }
    }

    /// Fails unless `proof` is the open token. With a passphrase, each *different* proof takes a slot before it is
    /// compared; a repeated one takes no further slot.
    async fn check_proof(&self, id: &Id, offer: &Offer, proof: &Token) -> Result<(), RelayError> {
        let presented = proof.verifier(Role::Open, id);
        if !offer.has_passphrase() {
            // Not guessable: the token is derived from the link alone.
            return if presented == offer.verifiers.open { Ok(()) } else { Err(RelayError::Unknown) };
        }
        let Some((slot, taken)) = self.take_slot(id, presented).await? else {
            self.end_share(id, Claim::Locked { v: V1, at: self.now() }, None).await?;
            return Err(self.refusal_now(id).await?);
        };
        // The end of a share deletes its slots, so this one may have been free for that reason.
        if load::<Claim>(&*self.store, &Claim::name(id)).await?.is_some() {
            self.store.delete(&[names::guess(id, slot)]).await.map_err(failure)?;
            return Err(self.refusal_now(id).await?);
        }
        let right = presented == offer.verifiers.open;
        if right { Ok(()) } else { Err(RelayError::WrongPassphrase { left: MAX_GUESSES.saturating_sub(taken) }) }
    }

    /// Takes the first slot that holds this proof or is free. Returns its number and how many are taken then. `None`:
    /// all hold other proofs.
    async fn take_slot(&self, id: &Id, proof: Verifier) -> Result<Option<(u8, u8)>, RelayError> {
        let listed = self.store.list(&names::guesses(id), None).await.map_err(failure)?;
        // They are taken in their order.
        let taken = u8::try_from(listed.len()).unwrap_or(MAX_GUESSES).min(MAX_GUESSES);
        let slots: Vec<String> = (0..MAX_GUESSES).map(|slot| names::guess(id, slot)).collect();
        let read = slots[..usize::from(taken)].iter().map(|name| load::<Guess>(&*self.store, name));
        let holds = |guess: &Option<Guess>| guess.as_ref().is_some_and(|guess| guess.proof == proof);
        if let Some(ours) = try_join_all(read).await?.iter().position(holds) {
            return Ok(u8::try_from(ours).ok().map(|ours| (ours, taken)));
        }
        for (slot, name) in (0..).zip(&slots).skip(usize::from(taken)) {
            if write_once(&*self.store, &*self.clock, name, Guess::new(self.now(), proof)).await?.is_ours() {
                return Ok(Some((slot, slot + 1)));
            }
        }
        Ok(None)
    }

    /// The error for a client without a claim, now that the share has ended.
    async fn refusal_now(&self, id: &Id) -> Result<RelayError, RelayError> {
        let records = Records::load(&*self.store, id).await?.ok_or(RelayError::Unknown)?;
        Ok(self.refusal(&records, None))
    }
}
