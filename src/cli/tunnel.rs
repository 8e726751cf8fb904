//! A tunnel to this computer that `share send` opens: the choice of it, and the words about it.

use serde_json::{Value, json};

use crate::cli::context::Context;
use crate::cli::output::errors::{Failure, Hint};
use crate::cli::output::{Output, format};
use crate::host::{Asked, Listening, Tunnel, TunnelCommand, TunnelEnd, TunnelError, TunnelEvent, TunnelOptions};
use crate::relay::here::Answer;

/// Addresses that an error lists.
const MAX_LISTED: usize = 4;
/// The sentence of OpenSSH for a host whose key is not known or has changed.
const UNKNOWN_KEY: &str = "Host key verification failed";

/// Reads the command of a tunnel. `None`: there is to be no tunnel.
pub(super) fn command(text: &str, has_fixed_port: bool) -> Result<Option<TunnelCommand>, Failure> {
    TunnelCommand::parse(text, has_fixed_port).map_err(|error| match error {
        TunnelError::OpenQuote => Failure::usage("--tunnel: a quote is not closed", Hint::run(EXAMPLE)),
        TunnelError::NotInstalled { program } if program == "ssh" => {
            Failure::usage("ssh is not installed", "install the OpenSSH client")
        }
        TunnelError::NotInstalled { program } => {
            Failure::usage(format!("{program} is not installed"), Hint::run("--tunnel localhost.run"))
        }
        _ => Failure::usage("--tunnel needs {} where the port goes", Hint::run(EXAMPLE)),
    })
}

/// A command that opens a tunnel.
const EXAMPLE: &str = "--tunnel 'ssh -R 80:127.0.0.1:{} nokey@localhost.run'";

/// Opens a tunnel to `listening`. `is_bare`: browsers do not follow the link.
pub(super) async fn open(
    command: TunnelCommand,
    listening: &mut Listening,
    is_bare: bool,
    cx: &Context,
) -> Result<Tunnel, Failure> {
    let (output, program) = (&cx.output, command.program().to_owned());
    let options = TunnelOptions { network: cx.network()?.clone(), give_up: cx.give_up };
    event(output, "opening", None, &program, &format!("Opening a tunnel with {program} …"));
    let opened = tokio::select! {
        opened = Tunnel::open(command, listening, options) => opened,
        _ = cx.interrupted() => return Err(Failure::Interrupted(Some(Hint::outcome("nothing was sent")))),
    };
    let tunnel = opened.map_err(|error| failure(&error, output))?;
    let trust = "The tunnel's operator cannot read the share, but can destroy or delay it, and could show browsers a \
                 false page.";
    event(output, "open", Some(&tunnel), &program, trust);
    if !tunnel.has_our_page() && !is_bare {
        output.warn("browsers get a page of the tunnel's operator first, and its script could read the link");
        output.hint(Hint::line("add --bare, so that only share opens the link"));
    }
    Ok(tunnel)
}

/// An error of a tunnel in words. Prints the last lines of its program, which are no part of the error.
fn failure(error: &TunnelError, output: &Output) -> Failure {
    if let TunnelError::Ended { program, lines, .. }
    | TunnelError::NoAddress { program, lines, .. }
    | TunnelError::NoAnswer { program, lines, .. } = error
    {
        for line in lines {
            output.info(&format!("{program}: {line}"));
        }
    }
    let (what, hint) = match error {
        TunnelError::Ended { program, code, lines } => {
            let how = code.map_or_else(|| "killed by a signal".to_owned(), |code| format!("exit code {code}"));
            let hint = if lines.iter().any(|line| line.contains(UNKNOWN_KEY)) {
                "run the command once in a terminal and accept the key; nothing was sent"
            } else {
                "nothing was sent"
            };
            (format!("{program} ended before the tunnel was open ({how})"), Hint::from(hint))
        }
        TunnelError::NoAddress { program, within, .. } => (
            format!("{program} printed no https address within {}", format::duration_words(*within)),
            Hint::line("for a tunnel of your own, add --public-url https://tunnel.example; nothing was sent"),
        ),
        TunnelError::NoAnswer { program, asked, .. } => {
            let listed: Vec<_> = asked.iter().take(MAX_LISTED).map(asked_words).collect();
            (format!("no address that {program} printed leads here: {}", listed.join(", ")), "nothing was sent".into())
        }
        TunnelError::OtherHost { origin, .. } => (
            format!("the tunnel at {} replaces the Host header", origin.name()),
            Hint::line("configure it to pass Host on; nginx: proxy_set_header Host $host; nothing was sent"),
        ),
        other => (other.to_string(), "nothing was sent".into()),
    };
    Failure::Tunnel { what, hint }
}

/// `x.example (name or service not known)`.
fn asked_words(asked: &Asked) -> String {
    let why = match &asked.answer {
        None => "not asked yet".to_owned(),
        Some(Ok(Answer::Foreign)) => "another server answers".to_owned(),
        Some(Ok(Answer::Ours | Answer::OtherHost(_))) => "it forwards to another address".to_owned(),
        Some(Err(error)) => error.to_string(),
    };
    format!("{} ({why})", asked.origin.name())
}

/// Prints changes of a tunnel until it has ended. Without a tunnel there is no end.
pub(super) async fn watch(tunnel: Option<&mut Tunnel>, is_busy: impl Fn() -> bool, output: &Output) -> TunnelEnd {
    let Some(tunnel) = tunnel else { return std::future::pending().await };
    let report = reporter(tunnel, output);
    tunnel.watch(is_busy, report).await
}

/// Makes sure that the tunnel is open before the link is printed.
pub(super) async fn confirm(tunnel: &mut Tunnel, cx: &Context) -> Result<(), Failure> {
    let report = reporter(tunnel, &cx.output);
    tunnel.confirm(report).await.map_err(|end| ended(&end, "nothing was sent".to_owned(), cx))
}

/// Prints changes of a tunnel.
fn reporter<'a>(tunnel: &Tunnel, output: &'a Output) -> impl Fn(TunnelEvent) + use<'a> {
    let (program, url) = (tunnel.program().to_owned(), tunnel.origin().without_path());
    move |change| {
        let (state, words) = match change {
            TunnelEvent::Lost => ("lost", "the tunnel closed; opening it again"),
            TunnelEvent::Back => ("open", "the tunnel is open again"),
        };
        let facts = json!({ "state": state, "url": url, "program": program });
        output.event("tunnel", facts, &format!("{} {words}", format::time_of_day()));
    }
}

/// The error of a share that was revoked because its tunnel has ended. `outcome`: of revoking it.
pub(super) fn ended(end: &TunnelEnd, outcome: String, cx: &Context) -> Failure {
    let what = match end {
        TunnelEnd::Moved(other) => {
            if cx.output.is_json() {
                let facts = json!({ "state": "moved", "url": other.without_path(), "program": Value::Null });
                cx.output.event("tunnel", facts, "");
            }
            "the tunnel came back at another address, so the link no longer works".to_owned()
        }
        TunnelEnd::GivenUp => {
            format!("the tunnel did not come back within {}", format::duration_words(cx.give_up))
        }
    };
    Failure::Tunnel { what, hint: Hint::outcome(outcome) }
}

fn event(output: &Output, state: &str, tunnel: Option<&Tunnel>, program: &str, words: &str) {
    let url = tunnel.map(|tunnel| tunnel.origin().without_path());
    output.event("tunnel", json!({ "state": state, "url": url, "program": program }), words);
}
