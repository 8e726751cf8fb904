//! Opening: the notice and the manifest of a waiting share, its one claim, its parts, and the end of the claim.

use std::sync::atomic::Ordering;

use crate::relay::clock::after;
use crate::relay::rules::phase::{Phase, Records};
use crate::relay::rules::records::{Claim, ClaimEnd, Decision, Guess, Offer, Record, UploadEnd};
use crate::relay::rules::records::{failure, get, load};
use crate::relay::rules::write_once::{Written, write_once};
use crate::relay::rules::{StoreRelay, names};
use crate::relay::{
    Checksum, ClaimResponse, Content, Credential, INLINE_LEN, MAX_GUESSES, Notice, RelayError, V1, Waiting,
};
use crate::secret::{Claimant, Flags, Id, Receipt, Role, Token};

impl StoreRelay {
    /// [`crate::relay::Relay::notice`].
    pub(super) async fn show_notice(&self, link: &Credential) -> Result<Notice, RelayError> {
        self.waiting(link).await.map(|(_, notice)| notice)
    }

    /// [`crate::relay::Relay::manifest`].
    pub(super) async fn show_manifest(&self, link: &Credential, proof: &Token) -> Result<Waiting, RelayError> {
        let (records, notice) = self.waiting(link).await?;
        self.check_proof(&link.id, &records.offer, proof).await?;
        let manifest = self.manifest_of(&link.id).await?;
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
        let records = self.records(link, Role::Link).await?;
        let claimant = claim_token.claimant(id);
        let now = self.now();
        let phase = records.phase(now);
        let (Some(UploadEnd::Committed { blob_len, parts, .. }), Some(expires)) =
            (&records.upload_end, records.expires())
        else {
            return Err(records.refusal(phase, Some(&claimant)));
        };
        match phase {
            Phase::Leased { .. } if records.claimant() == Some(&claimant) => {}
            Phase::Waiting if !self.clock_agrees.load(Ordering::Relaxed) => return Err(RelayError::BUSY),
            Phase::Waiting => self.check_proof(id, &records.offer, proof).await?,
            _ => return Err(records.refusal(phase, Some(&claimant))),
        }
        let until = after(now, self.policy.lease);
        self.mark_due(id, until).await?;
        // Also for a repeated claim: the record must be durable before any byte is sent.
        let wanted = Claim::Claimed { v: V1, at: now, until, claimant };
        let written = write_once(&*self.store, &*self.clock, &Claim::name(id), wanted).await?;
        let Written::Ours(Claim::Claimed { at, until, .. }) = written else {
            return Err(self.refusal(&self.records(link, Role::Link).await?, Some(&claimant)));
        };
        let part = self.inline_part(id, *blob_len, parts).await?;
        let manifest = self.manifest_of(id).await?;
        Ok(ClaimResponse { v: V1, at, until, expires, blob_len: *blob_len, parts: parts.clone(), manifest, part })
    }

    /// [`crate::relay::Relay::get_part`].
    pub(super) async fn read_part(&self, holder: &Credential, number: u32, offset: u64) -> Result<Content, RelayError> {
        let (records, claimant) = self.held(holder).await?;
        let phase = records.phase(self.now());
        let (Phase::Leased { .. }, Some(UploadEnd::Committed { parts, .. })) = (phase, &records.upload_end) else {
            return Err(records.refusal(phase, Some(&claimant)));
        };
        let crc = parts.get(number as usize).ok_or(RelayError::BadRequest)?;
        let part = self.store.read(&names::part(&holder.id, number, *crc), offset).await.map_err(failure)?;
        match part {
            // No byte is at `offset`: a part is never empty.
            Some(rest) if rest.known_len() == Some(0) => Err(RelayError::BadRequest),
            // Absent means deleted since the records were read, or lost by the store.
            part => part.ok_or(RelayError::BUSY),
        }
    }

    /// [`crate::relay::Relay::finish`].
    pub(super) async fn finish_claim(&self, holder: &Credential, receipt: &Receipt) -> Result<(), RelayError> {
        let (records, claimant) = self.held(holder).await?;
        let wanted = ClaimEnd::Finished { v: V1, at: self.now(), receipt: *receipt };
        let written = match records.phase(self.now()) {
            Phase::Leased { .. } => self.end_share(&holder.id, wanted).await?,
            phase => match &records.end {
                Some(end) if wanted.same(end) => return Ok(()),
                _ => return Err(records.refusal(phase, Some(&claimant))),
            },
        };
        match written {
            Written::Ours(_) => Ok(()),
            Written::Theirs(end) => Err(self.refusal(&Records { end: Some(end), ..records }, Some(&claimant))),
        }
    }

    /// The records of a waiting share, and its notice.
    async fn waiting(&self, link: &Credential) -> Result<(Records, Notice), RelayError> {
        let records = self.records(link, Role::Link).await?;
        match (records.phase(self.now()), &records.upload_end, records.expires()) {
            (Phase::Waiting, Some(UploadEnd::Committed { blob_len, .. }), Some(expires)) => {
                let notice = Notice { v: V1, expires, blob_len: *blob_len };
                Ok((records, notice))
            }
            (phase, ..) => Err(records.refusal(phase, None)),
        }
    }

    /// The records of a share, for the holder of its claim token.
    async fn held(&self, holder: &Credential) -> Result<(Records, Claimant), RelayError> {
        let records = Records::load(&*self.store, &holder.id).await?.ok_or(RelayError::Unknown)?;
        let claimant = holder.token.claimant(&holder.id);
        if records.claimant() == Some(&claimant) { Ok((records, claimant)) } else { Err(RelayError::Unknown) }
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
        if !Flags::from_bits(offer.flags).is_some_and(|flags| flags.contains(Flags::PASSPHRASE)) {
            // Not guessable: the token is derived from the link alone.
            return if presented == offer.verifiers.open { Ok(()) } else { Err(RelayError::Unknown) };
        }
        for slot in 0..MAX_GUESSES {
            let name = names::guess(id, slot);
            let ours = match load::<Guess>(&*self.store, &name).await? {
                Some(taken) => taken.proof == presented,
                None => {
                    let guess = Guess::new(self.now(), presented);
                    write_once(&*self.store, &*self.clock, &name, guess).await?.is_ours()
                }
            };
            if !ours {
                continue;
            }
            // The end of a share deletes its slots, so this one may have been free for that reason.
            if load::<Claim>(&*self.store, &Claim::name(id)).await?.is_some() {
                self.store.delete(&[name]).await.map_err(failure)?;
                return Err(self.refusal_now(id).await?);
            }
            let right = presented == offer.verifiers.open;
            return if right { Ok(()) } else { Err(RelayError::WrongPassphrase { left: MAX_GUESSES - 1 - slot }) };
        }
        self.end_share(id, Claim::Locked { v: V1, at: self.now() }).await?;
        Err(self.refusal_now(id).await?)
    }

    /// The error for a client without a claim, now that the share has ended.
    async fn refusal_now(&self, id: &Id) -> Result<RelayError, RelayError> {
        let records = Records::load(&*self.store, id).await?.ok_or(RelayError::Unknown)?;
        Ok(self.refusal(&records, None))
    }
}
