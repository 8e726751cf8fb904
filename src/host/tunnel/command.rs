//! The command of a tunnel: a short name, or words with `{}` for the port.

use std::path::PathBuf;

use crate::host::tunnel::error::TunnelError;
use crate::platform::detached;
use crate::platform::process::find_program;
use crate::safe_text::printable;

/// The place of the port in a command.
const PORT: &str = "{}";
/// The text that means no tunnel.
const NONE: &str = "none";
/// Options of OpenSSH: needs no terminal, asks nothing, keeps the key of a new host, ends if there is no port or no
/// connection, and takes no part in shared connections, whose process would be another one.
const SSH: &str = "ssh -T -o BatchMode=yes -o StrictHostKeyChecking=accept-new -o ExitOnForwardFailure=yes \
                   -o ServerAliveInterval=15 -o ServerAliveCountMax=3 -o ControlPath=none";
/// Short names, the beginnings of their commands, and the rest. Written from memory of the operators' own instructions.
const SHORT_NAMES: [(&str, &str, &str); 4] = [
    ("localhost.run", SSH, "-R 80:127.0.0.1:{} nokey@localhost.run"),
    ("pinggy", SSH, "-p 443 -R 0:127.0.0.1:{} free@a.pinggy.io"),
    ("cloudflared", "cloudflared", "tunnel --no-autoupdate --url http://127.0.0.1:{}"),
    ("tailscale", "tailscale", "funnel {}"),
];

/// A command that opens a tunnel. It may contain secrets, so only its program is ever shown.
pub struct TunnelCommand {
    program: PathBuf,
    /// The name of the program, for users.
    name: String,
    arguments: Vec<String>,
}

impl TunnelCommand {
    /// Reads a command. `None`: the text asks for no tunnel. `has_fixed_port`: the command may lead to a port that was
    /// chosen before.
    ///
    /// # Errors
    /// [`TunnelError::OpenQuote`], [`TunnelError::NoPort`], [`TunnelError::NotInstalled`].
    pub fn parse(text: &str, has_fixed_port: bool) -> Result<Option<Self>, TunnelError> {
        let text = text.trim();
        if text.is_empty() || text == NONE {
            return Ok(None);
        }
        let short = SHORT_NAMES.iter().find(|(name, ..)| *name == text);
        let text = short.map_or_else(|| text.to_owned(), |(_, program, rest)| format!("{program} {rest}"));
        let words = detached::words(&text).ok_or(TunnelError::OpenQuote)?;
        let [program, arguments @ ..] = &words[..] else { return Ok(None) };
        if !has_fixed_port && !arguments.iter().any(|argument| argument.contains(PORT)) {
            return Err(TunnelError::NoPort);
        }
        let name = printable(program.rsplit('/').next().unwrap_or(program));
        let Some(path) = find_program(program) else { return Err(TunnelError::NotInstalled { program: name }) };
        Ok(Some(Self { program: path, name, arguments: arguments.to_vec() }))
    }

    /// The name of the program.
    pub fn program(&self) -> &str {
        &self.name
    }

    /// The path of the program.
    pub(super) fn path(&self) -> &std::path::Path {
        &self.program
    }

    /// The arguments that lead to `port`.
    pub(super) fn arguments(&self, port: u16) -> Vec<String> {
        self.arguments.iter().map(|argument| argument.replace(PORT, &port.to_string())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str, has_fixed_port: bool) -> Result<Option<(String, Vec<String>)>, String> {
        let command = TunnelCommand::parse(text, has_fixed_port).map_err(|error| error.to_string())?;
        Ok(command.map(|command| (command.program().to_owned(), command.arguments(4080))))
    }

    #[test]
    fn a_command_is_words_without_a_shell() {
        let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let expected = Some(("sh".to_owned(), words(&["-c", "a; b 4080 $HOME", "4080:4080"])));
        assert_eq!(parsed("/bin/sh -c 'a; b {} $HOME' {}:{}", false), Ok(expected));
        assert_eq!(parsed("sh x", true), Ok(Some(("sh".to_owned(), words(&["x"])))));
        for none in ["", "  ", "none", " none "] {
            assert_eq!(parsed(none, false), Ok(None));
        }
    }

    #[test]
    fn commands_that_cannot_work_are_errors() {
        let error = |text: &str| TunnelCommand::parse(text, false).err().unwrap();
        assert!(matches!(error("sh -c 'open"), TunnelError::OpenQuote));
        assert!(matches!(error("sh -c open"), TunnelError::NoPort));
        assert!(matches!(error("{}"), TunnelError::NoPort));
        let missing = error("/nowhere/my-tunnel --token=s3cret {}");
        assert!(matches!(&missing, TunnelError::NotInstalled { program } if program == "my-tunnel"));
        assert!(!format!("{missing:?}{missing}").contains("s3cret"));
    }

    #[test]
    fn short_names_lead_to_the_ipv4_address_of_this_computer() {
        for (name, program, rest) in SHORT_NAMES {
            let words = detached::words(&format!("{program} {rest}")).unwrap();
            assert!(words.iter().any(|word| word.contains(PORT)), "{name}");
            // A name could lead to another program's port on the IPv6 address.
            assert!(!words.iter().any(|word| word.contains("localhost:")), "{name}");
        }
    }
}
