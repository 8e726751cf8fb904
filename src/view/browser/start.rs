//! Starts programs that open addresses on this desktop, until a browser has requested the page.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::terminal::session::DesktopSession;

/// The longest time from a browser's start to its first request. A first start after booting is slow.
const COMING: Duration = Duration::from_secs(15);
/// The time between two checks whether a program has failed.
const TICK: Duration = Duration::from_millis(20);

/// Starts one program after another until `asked` resolves, which means that the page was requested.
///
/// # Errors
/// How the last program failed.
pub(super) async fn start<F: Future<Output = ()>>(
    url: &str,
    session: &DesktopSession,
    asked: impl Fn() -> F,
) -> Result<(), String> {
    let mut failure = "no web browser was found".to_owned();
    for mut command in desktop_open::commands(url) {
        session.apply(&mut command);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).env_remove("SHARE_LINK");
        let name = command.get_program().to_string_lossy().into_owned();
        let Ok(mut child) = command.spawn() else { continue };
        let begun = Instant::now();
        let failed = async {
            loop {
                match child.try_wait() {
                    Ok(Some(status)) if !status.success() => break format!("{name}: {status}"),
                    _ if begun.elapsed() > COMING => break format!("{name} did not open a browser"),
                    _ => tokio::time::sleep(TICK).await,
                }
            }
        };
        tokio::select! {
            () = asked() => return Ok(()),
            why = failed => failure = why,
        }
    }
    Err(failure)
}
