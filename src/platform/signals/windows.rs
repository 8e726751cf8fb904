//! The side of Windows.

use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close};

use super::signal::Signal;

/// Calls `heard` for each event of one kind.
macro_rules! each {
    ($events:expr, $heard:expr, $meant:expr) => {
        if let Ok(mut events) = $events {
            let heard = $heard.clone();
            tokio::spawn(async move { while events.recv().await.is_some() && heard($meant) {} });
        }
    };
}

pub(super) fn listen(_: bool, heard: &(impl Fn(Signal) -> bool + Clone + Send + 'static)) {
    each!(ctrl_c(), heard, Signal::Interrupt);
    each!(ctrl_break(), heard, Signal::End);
    each!(ctrl_close(), heard, Signal::End);
}
