# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_share_global_optspecs
    string join \n give-up= json q/quiet v/verbose state-dir= h/help V/version
end

function __fish_share_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_share_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_share_using_subcommand
    set -l cmd (__fish_share_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c share -n "__fish_share_needs_command" -l give-up -d 'Give up when the relay does not answer for this long [default: 10m]' -r
complete -c share -n "__fish_share_needs_command" -l state-dir -d 'Where to keep what must outlive a run' -r -F
complete -c share -n "__fish_share_needs_command" -l json -d 'Print one JSON object a line, for programs'
complete -c share -n "__fish_share_needs_command" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c share -n "__fish_share_needs_command" -s v -l verbose -d 'Say more; twice: everything'
complete -c share -n "__fish_share_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c share -n "__fish_share_needs_command" -s V -l version -d 'Print version'
complete -c share -n "__fish_share_needs_command" -f -a "send" -d 'Send something that can be opened once, and print its link'
complete -c share -n "__fish_share_needs_command" -f -a "open" -d 'Open a link. It opens once'
complete -c share -n "__fish_share_needs_command" -f -a "peek" -d 'Say what waits behind a link, without opening it'
complete -c share -n "__fish_share_needs_command" -f -a "status" -d 'Ask what became of what you sent'
complete -c share -n "__fish_share_needs_command" -f -a "revoke" -d 'Take back what you sent: the link is dead, and the relay deletes what it holds'
complete -c share -n "__fish_share_needs_command" -f -a "list" -d 'List what you sent, and what became of it'
complete -c share -n "__fish_share_needs_command" -f -a "relay" -d 'Run a relay, or choose and check one'
complete -c share -n "__fish_share_needs_command" -f -a "completions" -d 'Print completions for a shell'
complete -c share -n "__fish_share_needs_command" -f -a "man" -d 'Print the manual page, or the one of a command'
complete -c share -n "__fish_share_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c share -n "__fish_share_using_subcommand send" -l relay -d 'Where to leave it' -r
complete -c share -n "__fish_share_using_subcommand send" -l listen -d 'With --direct: the address to listen on [default: the one on the local network, port 4080 if it is free]' -r
complete -c share -n "__fish_share_using_subcommand send" -l interface -d 'Serve a direct share on the interface NAME, such as wlan0' -r
complete -c share -n "__fish_share_using_subcommand send" -l public-url -d 'With --direct: the address of a tunnel that leads here' -r
complete -c share -n "__fish_share_using_subcommand send" -s e -l expire -d 'How long it may wait to be opened: 1m to 90d [default: 14d]' -r
complete -c share -n "__fish_share_using_subcommand send" -s n -l name -d 'What the recipient calls it' -r
complete -c share -n "__fish_share_using_subcommand send" -l for -d 'A link of their own for WHO; may be said several times' -r
complete -c share -n "__fish_share_using_subcommand send" -l links -d 'So many links, each of which opens once' -r
complete -c share -n "__fish_share_using_subcommand send" -l metadata -d 'What becomes of positions, times and cameras in photos and videos' -r -f -a "strip\t'Take it out where that is possible, and say where it is not'
keep\t'Send everything as it is'
require\t'Send nothing that cannot be cleaned'"
complete -c share -n "__fish_share_using_subcommand send" -l receipt -d 'Keep in FILE what asks for it and takes it back, on any machine' -r -F
complete -c share -n "__fish_share_using_subcommand send" -l passphrase-file -d 'Read the passphrase from the first line of a file' -r -F
complete -c share -n "__fish_share_using_subcommand send" -l give-up -d 'Give up when the relay does not answer for this long [default: 10m]' -r
complete -c share -n "__fish_share_using_subcommand send" -l state-dir -d 'Where to keep what must outlive a run' -r -F
complete -c share -n "__fish_share_using_subcommand send" -l direct -d 'Serve it from this machine until it was opened'
complete -c share -n "__fish_share_using_subcommand send" -l no-name -d 'Don\'t tell the recipient the names of files'
complete -c share -n "__fish_share_using_subcommand send" -l text -d 'Ask for a text to send'
complete -c share -n "__fish_share_using_subcommand send" -l bare -d 'Print the link in the form that no bot and no preview follows'
complete -c share -n "__fish_share_using_subcommand send" -l qr -d 'Show the link as a QR code too'
complete -c share -n "__fish_share_using_subcommand send" -s c -l copy -d 'Copy the link to the clipboard, and keep it out of clipboard histories'
complete -c share -n "__fish_share_using_subcommand send" -l view-only -d 'Ask recipients\' programs to show it and not to save it: a courtesy, not a lock'
complete -c share -n "__fish_share_using_subcommand send" -l wait -d 'Wait until it was opened'
complete -c share -n "__fish_share_using_subcommand send" -s p -l passphrase -d 'Ask for a passphrase'
complete -c share -n "__fish_share_using_subcommand send" -s P -l generate-passphrase -d 'Make a passphrase of four words, and show it'
complete -c share -n "__fish_share_using_subcommand send" -l json -d 'Print one JSON object a line, for programs'
complete -c share -n "__fish_share_using_subcommand send" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c share -n "__fish_share_using_subcommand send" -s v -l verbose -d 'Say more; twice: everything'
complete -c share -n "__fish_share_using_subcommand send" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c share -n "__fish_share_using_subcommand open" -l relay -d 'The relay of links that name none' -r
complete -c share -n "__fish_share_using_subcommand open" -l passphrase-file -d 'Read the passphrase from the first line of a file' -r -F
complete -c share -n "__fish_share_using_subcommand open" -s o -l output -d 'Save it instead of showing it: to a file, into a directory under the sender\'s name, or `-` for standard output' -r -F
complete -c share -n "__fish_share_using_subcommand open" -l seconds -d 'Close what is shown after so many seconds' -r
complete -c share -n "__fish_share_using_subcommand open" -l give-up -d 'Give up when the relay does not answer for this long [default: 10m]' -r
complete -c share -n "__fish_share_using_subcommand open" -l state-dir -d 'Where to keep what must outlive a run' -r -F
complete -c share -n "__fish_share_using_subcommand open" -s p -l passphrase -d 'Ask for a passphrase'
complete -c share -n "__fish_share_using_subcommand open" -s f -l force -d 'Replace FILE if it exists'
complete -c share -n "__fish_share_using_subcommand open" -s y -l yes -d 'Don\'t ask: show it, or save it here where it cannot be shown'
complete -c share -n "__fish_share_using_subcommand open" -l json -d 'Print one JSON object a line, for programs'
complete -c share -n "__fish_share_using_subcommand open" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c share -n "__fish_share_using_subcommand open" -s v -l verbose -d 'Say more; twice: everything'
complete -c share -n "__fish_share_using_subcommand open" -s h -l help -d 'Print help'
complete -c share -n "__fish_share_using_subcommand peek" -l relay -d 'The relay of links that name none' -r
complete -c share -n "__fish_share_using_subcommand peek" -l passphrase-file -d 'Read the passphrase from the first line of a file' -r -F
complete -c share -n "__fish_share_using_subcommand peek" -l give-up -d 'Give up when the relay does not answer for this long [default: 10m]' -r
complete -c share -n "__fish_share_using_subcommand peek" -l state-dir -d 'Where to keep what must outlive a run' -r -F
complete -c share -n "__fish_share_using_subcommand peek" -s p -l passphrase -d 'Ask for a passphrase'
complete -c share -n "__fish_share_using_subcommand peek" -l json -d 'Print one JSON object a line, for programs'
complete -c share -n "__fish_share_using_subcommand peek" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c share -n "__fish_share_using_subcommand peek" -s v -l verbose -d 'Say more; twice: everything'
complete -c share -n "__fish_share_using_subcommand peek" -s h -l help -d 'Print help'
complete -c share -n "__fish_share_using_subcommand status" -l receipt -d 'What share send --receipt wrote, on this machine or another' -r -F
complete -c share -n "__fish_share_using_subcommand status" -l give-up -d 'Give up when the relay does not answer for this long [default: 10m]' -r
complete -c share -n "__fish_share_using_subcommand status" -l state-dir -d 'Where to keep what must outlive a run' -r -F
complete -c share -n "__fish_share_using_subcommand status" -l wait -d 'Wait until it was opened, or cannot be any more'
complete -c share -n "__fish_share_using_subcommand status" -l json -d 'Print one JSON object a line, for programs'
complete -c share -n "__fish_share_using_subcommand status" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c share -n "__fish_share_using_subcommand status" -s v -l verbose -d 'Say more; twice: everything'
complete -c share -n "__fish_share_using_subcommand status" -s h -l help -d 'Print help'
complete -c share -n "__fish_share_using_subcommand revoke" -l receipt -d 'What share send --receipt wrote, on this machine or another' -r -F
complete -c share -n "__fish_share_using_subcommand revoke" -l give-up -d 'Give up when the relay does not answer for this long [default: 10m]' -r
complete -c share -n "__fish_share_using_subcommand revoke" -l state-dir -d 'Where to keep what must outlive a run' -r -F
complete -c share -n "__fish_share_using_subcommand revoke" -s y -l yes -d 'Don\'t ask'
complete -c share -n "__fish_share_using_subcommand revoke" -l json -d 'Print one JSON object a line, for programs'
complete -c share -n "__fish_share_using_subcommand revoke" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c share -n "__fish_share_using_subcommand revoke" -s v -l verbose -d 'Say more; twice: everything'
complete -c share -n "__fish_share_using_subcommand revoke" -s h -l help -d 'Print help'
complete -c share -n "__fish_share_using_subcommand list" -l give-up -d 'Give up when the relay does not answer for this long [default: 10m]' -r
complete -c share -n "__fish_share_using_subcommand list" -l state-dir -d 'Where to keep what must outlive a run' -r -F
complete -c share -n "__fish_share_using_subcommand list" -l forget -d 'Forget what has ended'
complete -c share -n "__fish_share_using_subcommand list" -l json -d 'Print one JSON object a line, for programs'
complete -c share -n "__fish_share_using_subcommand list" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c share -n "__fish_share_using_subcommand list" -s v -l verbose -d 'Say more; twice: everything'
complete -c share -n "__fish_share_using_subcommand list" -s h -l help -d 'Print help'
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check help" -l listen -d 'Where to listen [default: 127.0.0.1:4080]' -r
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check help" -l public-url -d 'The address by which people reach it' -r
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check help" -l store -d 'Where to keep shares: file:///DIRECTORY, s3://BUCKET/PREFIX, gs://…, az://… or memory: [default: the data directory]' -r
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check help" -l reserve -d 'Room that must stay free for anything new to be taken [default: 5 %, and 1 GiB at least]' -r
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check help" -l max-size -d 'The largest share' -r
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check help" -l create-token-file -d 'Let those leave something here who have a token of this file: share relay token makes them' -r -F
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check help" -l give-up -d 'Give up when the relay does not answer for this long [default: 10m]' -r
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check help" -l state-dir -d 'Where to keep what must outlive a run' -r -F
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check help" -l shared-folder -d 'Several relays use the folder at once'
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check help" -l open -d 'Let anybody leave something here, not only programs of this machine'
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check help" -l plain-http -d 'Listen on a network without encryption: on a trusted one, or behind a proxy that encrypts'
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check help" -l json -d 'Print one JSON object a line, for programs'
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check help" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check help" -s v -l verbose -d 'Say more; twice: everything'
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check help" -f -a "use" -d 'Make a relay the default, after checking that it works'
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check help" -f -a "token" -d 'Make a create token for somebody who may leave things at your relay'
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check help" -f -a "check" -d 'Find out whether a relay works, and what it takes'
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from use" -l give-up -d 'Give up when the relay does not answer for this long [default: 10m]' -r
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from use" -l state-dir -d 'Where to keep what must outlive a run' -r -F
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from use" -l json -d 'Print one JSON object a line, for programs'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from use" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from use" -s v -l verbose -d 'Say more; twice: everything'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from use" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from token" -l create-token-file -d 'The file that share relay --create-token-file reads [default: in the data directory]' -r -F
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from token" -l give-up -d 'Give up when the relay does not answer for this long [default: 10m]' -r
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from token" -l state-dir -d 'Where to keep what must outlive a run' -r -F
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from token" -l json -d 'Print one JSON object a line, for programs'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from token" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from token" -s v -l verbose -d 'Say more; twice: everything'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from token" -s h -l help -d 'Print help'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from check" -l give-up -d 'Give up when the relay does not answer for this long [default: 10m]' -r
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from check" -l state-dir -d 'Where to keep what must outlive a run' -r -F
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from check" -l held -d 'Also find out whether an answer may be held back for 55 seconds, as --wait needs it'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from check" -l json -d 'Print one JSON object a line, for programs'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from check" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from check" -s v -l verbose -d 'Say more; twice: everything'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from help" -f -a "use" -d 'Make a relay the default, after checking that it works'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from help" -f -a "token" -d 'Make a create token for somebody who may leave things at your relay'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from help" -f -a "check" -d 'Find out whether a relay works, and what it takes'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c share -n "__fish_share_using_subcommand completions" -l give-up -d 'Give up when the relay does not answer for this long [default: 10m]' -r
complete -c share -n "__fish_share_using_subcommand completions" -l state-dir -d 'Where to keep what must outlive a run' -r -F
complete -c share -n "__fish_share_using_subcommand completions" -l json -d 'Print one JSON object a line, for programs'
complete -c share -n "__fish_share_using_subcommand completions" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c share -n "__fish_share_using_subcommand completions" -s v -l verbose -d 'Say more; twice: everything'
complete -c share -n "__fish_share_using_subcommand completions" -s h -l help -d 'Print help'
complete -c share -n "__fish_share_using_subcommand man" -l give-up -d 'Give up when the relay does not answer for this long [default: 10m]' -r
complete -c share -n "__fish_share_using_subcommand man" -l state-dir -d 'Where to keep what must outlive a run' -r -F
complete -c share -n "__fish_share_using_subcommand man" -l json -d 'Print one JSON object a line, for programs'
complete -c share -n "__fish_share_using_subcommand man" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c share -n "__fish_share_using_subcommand man" -s v -l verbose -d 'Say more; twice: everything'
complete -c share -n "__fish_share_using_subcommand man" -s h -l help -d 'Print help'
complete -c share -n "__fish_share_using_subcommand help; and not __fish_seen_subcommand_from send open peek status revoke list relay completions man help" -f -a "send" -d 'Send something that can be opened once, and print its link'
complete -c share -n "__fish_share_using_subcommand help; and not __fish_seen_subcommand_from send open peek status revoke list relay completions man help" -f -a "open" -d 'Open a link. It opens once'
complete -c share -n "__fish_share_using_subcommand help; and not __fish_seen_subcommand_from send open peek status revoke list relay completions man help" -f -a "peek" -d 'Say what waits behind a link, without opening it'
complete -c share -n "__fish_share_using_subcommand help; and not __fish_seen_subcommand_from send open peek status revoke list relay completions man help" -f -a "status" -d 'Ask what became of what you sent'
complete -c share -n "__fish_share_using_subcommand help; and not __fish_seen_subcommand_from send open peek status revoke list relay completions man help" -f -a "revoke" -d 'Take back what you sent: the link is dead, and the relay deletes what it holds'
complete -c share -n "__fish_share_using_subcommand help; and not __fish_seen_subcommand_from send open peek status revoke list relay completions man help" -f -a "list" -d 'List what you sent, and what became of it'
complete -c share -n "__fish_share_using_subcommand help; and not __fish_seen_subcommand_from send open peek status revoke list relay completions man help" -f -a "relay" -d 'Run a relay, or choose and check one'
complete -c share -n "__fish_share_using_subcommand help; and not __fish_seen_subcommand_from send open peek status revoke list relay completions man help" -f -a "completions" -d 'Print completions for a shell'
complete -c share -n "__fish_share_using_subcommand help; and not __fish_seen_subcommand_from send open peek status revoke list relay completions man help" -f -a "man" -d 'Print the manual page, or the one of a command'
complete -c share -n "__fish_share_using_subcommand help; and not __fish_seen_subcommand_from send open peek status revoke list relay completions man help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c share -n "__fish_share_using_subcommand help; and __fish_seen_subcommand_from relay" -f -a "use" -d 'Make a relay the default, after checking that it works'
complete -c share -n "__fish_share_using_subcommand help; and __fish_seen_subcommand_from relay" -f -a "token" -d 'Make a create token for somebody who may leave things at your relay'
complete -c share -n "__fish_share_using_subcommand help; and __fish_seen_subcommand_from relay" -f -a "check" -d 'Find out whether a relay works, and what it takes'
