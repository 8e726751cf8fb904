//! The account at an ACME server.

use std::io;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use instant_acme::{Account, Key};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::failure::{Failure, Kind, reason_of, unwritable};
use super::{Acme, storage};
use crate::safe_text::printable;

/// The longest address of terms that is logged, in characters.
const MAX_ADDRESS: usize = 200;

impl Acme {
    fn stored_account(&self) -> Result<Option<storage::Account>, Failure> {
        self.storage.account().map_err(|error| {
            let advice = match error.kind() {
                io::ErrorKind::InvalidData => " (delete the file: a new account is made)",
                _ => "",
            };
            Failure::new(Kind::Refused, format!("the account: {}{advice}", reason_of(&error)))
        })
    }

    /// The account in the files, if the server knew it.
    pub(super) async fn known_account(&self) -> Result<Option<Account>, Failure> {
        let Some(stored) = self.stored_account()? else { return Ok(None) };
        let Some(credentials) = stored.credentials else { return Ok(None) };
        let builder = Account::builder_with_http(Box::new(self.http.clone()));
        let account = builder.from_credentials(credentials).await.map_err(|error| self.failure(&error))?;
        self.update(&account, stored.terms, stored.contact).await?;
        Ok(Some(account))
    }

    /// Makes an account with the key in the files, or with a new one that is there first. If the server has an account
    /// for that key, it is that one.
    pub(super) async fn make_account(&self) -> Result<Account, Failure> {
        let directory = self.http.directory().await.map_err(|error| self.failure(&error))?;
        let stored = self.stored_account()?;
        let (terms, (accepted, contact, key)) = (
            directory.meta.terms_of_service,
            stored.map_or((None, None, None), |stored| (stored.terms, stored.contact, stored.key)),
        );
        if !(self.options.accept_terms || terms.is_none() || terms == accepted) {
            let what = format!("{} has terms now: start once with --accept-terms", self.options.server);
            return Err(Failure::new(Kind::Refused, what));
        }
        let unusable = || Failure::new(Kind::Refused, "the key of the account is damaged");
        let (key, pkcs8) = match key {
            Some(text) => {
                let pkcs8 = PrivatePkcs8KeyDer::from(BASE64URL.decode(text).map_err(|_| unusable())?);
                (Key::from_pkcs8_der(pkcs8.clone_key()).map_err(|_| unusable())?, pkcs8)
            }
            None => Key::generate_pkcs8().map_err(|error| self.failure(&error))?,
        };
        let contact = self.options.contact.clone().or(contact);
        let text = BASE64URL.encode(pkcs8.secret_pkcs8_der());
        let mut kept = storage::Account { terms, contact: contact.clone(), key: Some(text), credentials: None };
        self.storage.keep_account(&kept).map_err(|error| unwritable(&error))?;
        let builder = Account::builder_with_http(Box::new(self.http.clone()));
        let made = builder.create_from_key((key, PrivateKeyDer::Pkcs8(pkcs8)), self.options.directory.clone()).await;
        let (account, credentials) = made.map_err(|error| self.failure(&error))?;
        tracing::info!(server = self.options.server, "made an account at the ACME server");
        if let Some(mail) = contact {
            self.tell_contact(&account, &mail).await?;
        }
        kept.credentials = Some(credentials);
        self.storage.keep_account(&kept).map_err(|error| unwritable(&error))?;
        Ok(account)
    }

    async fn tell_contact(&self, account: &Account, mail: &str) -> Result<(), Failure> {
        account.update_contacts(&[&format!("mailto:{mail}")]).await.map_err(|error| self.failure(&error))
    }

    /// Looks at what may have changed since the account was made: the terms, which only the operator accepts, and the
    /// contact.
    async fn update(&self, account: &Account, terms: Option<String>, contact: Option<String>) -> Result<(), Failure> {
        let directory = self.http.noted().directory.unwrap_or_default();
        let new_terms = directory.meta.terms_of_service.filter(|new| terms.as_ref() != Some(new));
        if let Some(new) = &new_terms
            && !self.options.accept_terms
        {
            let new: String = printable(new).chars().take(MAX_ADDRESS).collect();
            tracing::warn!(terms = new, "the ACME server has new terms: if you accept them, start with --accept-terms");
        }
        let accepted = new_terms.filter(|_| self.options.accept_terms);
        let new_contact = self.options.contact.clone().filter(|new| contact.as_ref() != Some(new));
        if let Some(mail) = &new_contact {
            self.tell_contact(account, mail).await?;
        }
        if (accepted.is_some() || new_contact.is_some())
            && let Some(stored) = self.stored_account()?
        {
            let (terms, contact) = (accepted.or(terms), new_contact.or(contact));
            let kept = storage::Account { terms, contact, ..stored };
            self.storage.keep_account(&kept).map_err(|error| unwritable(&error))?;
        }
        Ok(())
    }
}
