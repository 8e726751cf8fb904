//! Starting the programs that open addresses on this desktop, until a browser has come for the page.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::terminal::session::DesktopSession;

/// How long a browser may take from its start to its first request. The first start of a day reads much.
const COMING: Duration = Duration::from_secs(15);
/// How often a program that was started is asked whether it has failed.
const TICK: Duration = Duration::from_millis(20);

/// Starts one program after another until `asked` has ended: the page was asked for.
///
/// # Errors
/// How the last one failed, if none came.
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
                    _ if begun.elapsed() > COMING => break format!("{name} opened no browser"),
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
