//! A share that the library serves, and the events for its sender.

use std::cell::RefCell;
use std::fs;
use std::io;
use std::time::Duration;

use share::host::{Event, HostError, HostOptions, Listening, Reach, Revoked, Serving, Standing, beside};
use share::relay::client::HttpRelay;
use share::relay::{Credential, Gone, Relay, RelayError, ShareState};
use share::secret::{DeviceSecret, Flags};
use share::send::{Committed, KeptAt};
use tempfile::TempDir;

use crate::support::{drafts, noise};

const LOOPBACK: HostOptions<'static> =
    HostOptions { listen: Some("127.0.0.1:0"), interface: None, public_url: None, opens_tunnel: false };

/// Hosts a share of `content` on the loopback interface.
async fn hosted(home: &TempDir, content: Vec<u8>) -> (Serving, Committed) {
    let listening = Listening::open(LOOPBACK, 1).unwrap();
    assert!(listening.address().ip.is_loopback() && !listening.address().is_public());
    let host = listening.into_host(drafts::state(home.path()), None).unwrap();
    let (urls, folder) = (host.urls().unwrap(), host.folder_name());
    let draft = drafts::draft(&urls, host.flags(Flags::default()), KeptAt::Here(&folder));
    let recorded = draft.record(drafts::outbox(home.path()), None).unwrap();
    let committed = recorded.upload_to(&host.relay()).run(drafts::input(io::Cursor::new(content))).await.unwrap();
    let state = drafts::state(home.path()).unwrap();
    assert!(beside(&folder, Some(&state)).is_some(), "another program finds it");
    (host.serve(&committed), committed)
}

/// Whether no folder is left.
fn is_tidy(home: &TempDir) -> bool {
    fs::read_dir(home.path().join("state/direct")).unwrap().all(|entry| entry.unwrap().path().is_file())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hosted_share_is_opened_and_its_sender_is_told_each_step() {
    let home = TempDir::new().unwrap();
    let (serving, committed) = hosted(&home, noise(3_000_000, 1)).await;
    assert_eq!((serving.reach(), serving.standing().await), (Reach::Loopback, Standing::Waiting));
    let link = committed.shares()[0].link().clone();
    let keys = link.secret.keys(None);
    let pin = link.secret.direct_key().pin();
    let visitor = HttpRelay::new(link.relay.clone().unwrap(), Some(&pin), Duration::from_secs(10)).unwrap();
    let by_link = Credential::new(keys.id, keys.link_token.clone());
    let claim_token = DeviceSecret::random().claim_token(&keys.id);
    let claimant = claim_token.claimant(&keys.id);

    let events = RefCell::new(Vec::new());
    let opening = async {
        visitor.notice(&by_link).await.unwrap();
        while events.borrow().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let claimed = visitor.claim(&by_link, &keys.open_token, &claim_token).await.unwrap();
        assert_eq!(serving.standing().await, Standing::Opening);
        let holder = Credential::new(keys.id, claim_token.clone());
        let part = visitor.get_part(&holder, 0, 0).await.unwrap().whole().await.unwrap();
        assert_eq!(part.len() as u64, claimed.blob_len);
        visitor.finish(&holder, &keys.receipt_key.receipt(&keys.id, &claimant)).await.unwrap();
    };
    let following = serving.until_opened(&committed, |share, event| {
        if matches!(event, Event::Ended(_)) {
            let kept = drafts::outbox(home.path()).unwrap().find(&keys.id).unwrap();
            assert!(kept[0].end.is_some(), "the outbox has the end before the event");
        }
        assert_eq!(share.link(), &link);
        events.borrow_mut().push(event);
    });
    let (ends, ()) = tokio::join!(following, opening);

    assert_eq!((ends[0].state, ends[0].claimant), (ShareState::Finished, Some(claimant)));
    assert!(committed.shares()[0].entry().is_opened(&ends[0]));
    let mut events = events.into_inner();
    assert_eq!(events.remove(0), Event::LookedAt);
    assert!(matches!(events.remove(0), Event::Opening { claimant: opener, .. } if opener == claimant));
    assert_eq!(events.pop(), Some(Event::Ended(Box::new(ends[0].clone()))));
    assert!(!events.is_empty() && events.iter().all(|event| matches!(event, Event::Fetched(_))), "{events:?}");

    let late = visitor.notice(&by_link).await;
    assert!(matches!(late, Err(RelayError::Gone { how: Gone::AlreadyOpened, .. })), "{late:?}");
    serving.close().await;
    assert!(is_tidy(&home));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_hosted_share_says_so() {
    let home = TempDir::new().unwrap();
    let (serving, committed) = hosted(&home, b"content".to_vec()).await;
    assert_eq!(serving.revoke(&committed).await, Revoked { opened: 0, cut_off: None });
    assert_eq!(serving.standing().await, Standing::Over);
    let link = committed.shares()[0].link();
    let pin = link.secret.direct_key().pin();
    let visitor = HttpRelay::new(link.relay.clone().unwrap(), Some(&pin), Duration::from_secs(10)).unwrap();
    let seen = visitor.notice(&Credential::new(link.secret.id(), link.secret.link_token())).await;
    assert!(matches!(seen, Err(RelayError::Gone { how: Gone::Revoked, .. })), "{seen:?}");
    let ends = serving.until_opened(&committed, |_, _| {}).await;
    assert_eq!(ends[0].state, ShareState::Revoked);
    serving.close().await;
    assert!(is_tidy(&home));
}

#[test]
fn addresses_that_cannot_be_served_are_errors() {
    let open = |listen, public_url, count| {
        Listening::open(HostOptions { listen: Some(listen), public_url, ..HostOptions::default() }, count)
            .err()
            .unwrap()
    };
    let tunnel = Some("https://tunnel.example");
    assert!(matches!(open("nonsense", None, 1), HostError::NotAnAddress));
    assert!(matches!(open("0.0.0.0", None, 1), HostError::EveryInterface(_)));
    assert!(matches!(open("192.0.2.7:4080", None, 1), HostError::CannotListen { .. }));
    assert!(matches!(open("127.0.0.1:0", tunnel, 2), HostError::TunnelToMany));
    assert!(matches!(open("127.0.0.1:0", Some("file:///srv/share"), 1), HostError::PublicUrlIsStore));
    assert!(matches!(open("127.0.0.1:0", Some("ftp://tunnel.example"), 1), HostError::PublicUrl(_)));
}
