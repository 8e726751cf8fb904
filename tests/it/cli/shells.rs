//! Completions and manual pages.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{SHARE, Sandbox, files};

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
    (
        "fish",
        "share.fish",
        r#"source "$FILE"; complete -C 'share s'; complete -C 'share man re'; complete -C 'share completions '"#,
    ),
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
        let printed = String::from_utf8(ended.stdout).unwrap();
        let expected: &[&str] = match shell {
            "zsh" => &["_share", "_share: function"],
            "fish" => &["send", "status", "revoke", "powershell"],
            _ => &["send", "status"],
        };
        for word in expected {
            assert!(printed.contains(word), "{shell}: {printed}");
        }
    }
}

#[test]
fn every_command_has_a_complete_manual_page() {
    let sandbox = Sandbox::new();
    sandbox.share(["man", "--output", "man1"]).ok();
    let pages = sandbox.path("man1");
    let page = |name: &str| fs::read_to_string(pages.join(format!("{name}.1"))).unwrap();
    let whole = page("share");
    for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS", "EXAMPLES", "ENVIRONMENT", "FILES", "SEE ALSO"] {
        assert!(
            whole.contains(&format!("\n.SH {section}\n").replace("SEE ALSO", "\"SEE ALSO\"")),
            "{section}: {whole}"
        );
    }
    for command in ["send", "open", "peek", "status", "revoke", "list", "report", "relay", "completions", "man"] {
        assert!(whole.contains(&format!("share\\-{command}(1)")), "{command}: {whole}");
    }
    let names: Vec<_> = files(&pages).iter().map(|path| path.file_stem().unwrap().display().to_string()).collect();
    assert_eq!(names.len(), 22, "{names:?}");
    for name in names {
        let (page, words) = (page(&name), name.split('-').skip(1).collect::<Vec<_>>());
        let printed = sandbox.share(["man"].iter().chain(&words)).ok();
        assert_eq!(printed, page.trim_end(), "share man {words:?}");
        assert!(page.starts_with(&format!(".TH {} 1 ", name.to_uppercase())), "{page}");
        for part in [".SH EXAMPLES\n.nf\n  share ", ".SH \"EXIT STATUS\"\n", "already opened", ".SH \"SEE ALSO\"\n"] {
            assert!(page.contains(part), "{name}: {part}: {page}");
        }
    }
    assert!(sandbox.share(["man", "tx"]).ok().contains("share\\-send"));
    assert!(sandbox.share(["man", "relay-use"]).ok().contains(".TH SHARE-RELAY-USE 1"));
    sandbox.share(["man", "nonsense"]).fails(2, "there is no such command");
    sandbox.share(["man", "send", "--output", "x"]).fails(2, "cannot be used with");
    sandbox.share(["man", "--output", "/proc/none"]).fails(8, "/proc/none: ");
    assert!(sandbox.share(["help", "relay"]).ok().contains("a tunnel to here"));
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
        assert!(sandbox.share([word]).ok().contains("revoked"));
    }
}
