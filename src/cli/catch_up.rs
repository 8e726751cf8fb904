//! Work that earlier runs have left.

use std::time::Duration;

use futures_util::future::join_all;

use crate::cli::connect::Connected;
use crate::cli::context::Context;
use crate::relay::clock::{Clock, SystemClock};
use crate::{host, open};

/// How long a command tries at most to inform relays for earlier runs.
const CATCH_UP_TIME: Duration = Duration::from_secs(2);

/// Removes shares that earlier runs served and those that are too late to report, and informs relays that a share is
/// safe here. All relays at once, so that one that is gone delays no other.
pub(super) async fn catch_up(cx: &Context) {
    let Ok(state) = cx.state() else { return };
    host::remove_leftovers(&state);
    state.forget_late_reportables(SystemClock.now());
    let Ok(device) = state.device() else { return };
    let Ok(unfinished) = open::unfinished(&state) else { return };
    let informed = join_all(unfinished.map(async |share| {
        let connected = cx.connect_for(&share.endpoint, CATCH_UP_TIME).await;
        let Ok(Connected { relay, .. }) = connected else { return };
        share.finish(&*relay, &device).await;
    }));
    let _ = tokio::time::timeout(CATCH_UP_TIME, informed).await;
}
