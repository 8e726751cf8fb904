//! Completions and manual pages.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{SHARE, Sandbox};

/// A shell, its file in `completions/`, and the commands that load the file and list the completions of `share s`.
const SHELLS: [(&str, &str, &str); 3] = [
    (
        "bash",
        "share.bash",
        r#"source "$FILE"; COMP_WORDS=(share s); COMP_CWORD=1; _share share s share; printf '%s\n' "${COMPREPLY[@]}""#,
    ),
    (
        "zsh",
        "_share",
        "fpath=(${FILE:h} $fpath); autoload -Uz compinit && compinit -u -d $HOME/dump; print ${_comps[share]}; \
         autoload +X -Uz _share && whence -w _share",
    ),
    ("fish", "share.fish", r#"source "$FILE"; complete -C 'share s'"#),
];

fn committed(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("completions").join(name)
}

#[test]
fn the_committed_completions_are_current() {
    let sandbox = Sandbox::new();
    for (shell, name) in
        [("bash", "share.bash"), ("zsh", "_share"), ("fish", "share.fish"), ("powershell", "_share.ps1")]
    {
        let text = sandbox.share(["completions", shell]).ok();
        let committed = fs::read_to_string(committed(name)).unwrap();
        assert_eq!(text, committed.trim_end(), "share completions {shell} >completions/{name}");
    }
    sandbox.share(["completions", "cmd.exe"]).fails(2, "cmd.exe");
}

#[test]
#[ignore = "needs bash, zsh and fish: tests/all"]
fn real_shells_load_them_silently() {
    let sandbox = Sandbox::new();
    for (shell, name, script) in SHELLS {
        let mut command = Command::new(shell);
        command.args(["-c", script]);
        let bin = Path::new(SHARE).parent().unwrap().display().to_string();
        let path = format!("{bin}:{}", std::env::var("PATH").unwrap());
        let ended = sandbox.prepare(command).env("FILE", committed(name)).env("PATH", path).run();
        assert!(ended.code == 0 && ended.stderr.is_empty(), "{shell}: {ended:?}");
        let told = String::from_utf8(ended.stdout).unwrap();
        let expected: &[&str] = if shell == "zsh" { &["_share", "_share: function"] } else { &["send", "status"] };
        for word in expected {
            assert!(told.contains(word), "{shell}: {told}");
        }
    }
}

#[test]
fn the_program_and_each_command_have_a_manual_page() {
    let sandbox = Sandbox::new();
    let whole = sandbox.share(["man"]).ok();
    assert!(whole.contains(".TH share 1") && whole.contains("EXIT") | whole.contains("already opened"), "{whole}");
    for command in ["send", "open", "peek", "status", "revoke", "list", "relay", "completions", "man"] {
        let page = sandbox.share(["man", command]).ok();
        assert!(page.contains(&format!(".TH share-{command} 1")), "{command}: {page}");
        assert!(whole.contains(&format!("share\\-{command}")), "{command}");
        assert!(sandbox.share([command, "--help"]).ok().contains("Usage: share"), "{command}");
    }
    assert!(sandbox.share(["man", "tx"]).ok().contains("share-send"));
    sandbox.share(["man", "nonsense"]).fails(2, "there is no such command");
    assert!(sandbox.share(["help", "relay"]).ok().contains("A tunnel to your own machine"));
}

#[test]
fn common_aliases_of_commands_work() {
    let sandbox = Sandbox::new();
    let relay = sandbox.relay();
    for word in ["send", "tx", "upload", "put"] {
        let link = sandbox.share([word, "-q", "--relay", &relay.url]).input(word).ok();
        assert!(sandbox.share(["info", &link]).ok().starts_with("text"));
        let other = ["rx", "receive", "download", "get"][link.len() % 4];
        assert_eq!(sandbox.share([other, "-q", &link]).ok(), word);
    }
    sandbox.share(["tx", "-q", "--relay", &relay.url]).input("text").ok();
    sandbox.share(["rm", "-y"]).ok();
    for word in ["ls", "history"] {
        assert!(sandbox.share([word]).ok().contains("taken back"));
    }
}
