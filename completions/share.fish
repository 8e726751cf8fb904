# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_share_global_optspecs
    string join \n q/quiet json v/verbose give-up= state-dir= proxy= ca= h/help V/version
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

complete -c share -n "__fish_share_needs_command" -l give-up -d 'Give up after TIME [default: 10m]' -r -f
complete -c share -n "__fish_share_needs_command" -l state-dir -d 'Keep state between runs in DIR' -r -f -a "(__fish_complete_directories)"
complete -c share -n "__fish_share_needs_command" -l proxy -d 'Connect through a proxy, or "none"' -r -f
complete -c share -n "__fish_share_needs_command" -l ca -d 'Also trust the CA certificates in FILE' -r -F
complete -c share -n "__fish_share_needs_command" -s q -l quiet -d 'Don\'t print progress or hints'
complete -c share -n "__fish_share_needs_command" -l json -d 'Print results as JSON lines'
complete -c share -n "__fish_share_needs_command" -s v -l verbose -d 'Print more detail (-vv for debugging) [env: SHARE_LOG]'
complete -c share -n "__fish_share_needs_command" -s h -l help -d 'Print help'
complete -c share -n "__fish_share_needs_command" -s V -l version -d 'Print version'
complete -c share -n "__fish_share_needs_command" -f -a "send" -d 'Send files or text and print a link that works once'
complete -c share -n "__fish_share_needs_command" -f -a "open" -d 'Open a link and show or save what was sent'
complete -c share -n "__fish_share_needs_command" -f -a "peek" -d 'Show what a link leads to without opening it'
complete -c share -n "__fish_share_needs_command" -f -a "status" -d 'Show whether a share was opened, when and by whom'
complete -c share -n "__fish_share_needs_command" -f -a "revoke" -d 'Revoke a share, so that its link no longer works'
complete -c share -n "__fish_share_needs_command" -f -a "list" -d 'List the shares that were sent from this device'
complete -c share -n "__fish_share_needs_command" -f -a "report" -d 'Report a share to the operator of its relay'
complete -c share -n "__fish_share_needs_command" -f -a "relay" -d 'Run a relay, or choose and check one'
complete -c share -n "__fish_share_needs_command" -f -a "completions" -d 'Print completions for a shell'
complete -c share -n "__fish_share_needs_command" -f -a "man" -d 'Print a manual page, or write all of them'
complete -c share -n "__fish_share_needs_command" -f -a "help" -d 'Print the help of a command'
complete -c share -n "__fish_share_using_subcommand send" -s n -l name -d 'Show NAME to the recipient' -r -f
complete -c share -n "__fish_share_using_subcommand send" -l from -d 'Show NAME to the recipient as the sender' -r -f
complete -c share -n "__fish_share_using_subcommand send" -l note -d 'Show TEXT to the recipient before opening' -r -f
complete -c share -n "__fish_share_using_subcommand send" -l metadata -d 'Strip or keep media metadata' -r -f -a "strip\t'Remove location, time and camera data'
keep\t'Send files unchanged'
require\t'Refuse files that cannot be cleaned'"
complete -c share -n "__fish_share_using_subcommand send" -s e -l expire -d 'Expire after TIME, 1m to 90d [default: 14d]' -r -f
complete -c share -n "__fish_share_using_subcommand send" -l passphrase-file -d 'Read the passphrase from the first line of FILE' -r -F
complete -c share -n "__fish_share_using_subcommand send" -l relay -d 'Upload to the relay at URL' -r -f
complete -c share -n "__fish_share_using_subcommand send" -l interface -d 'With --direct, serve on the interface NAME, such as wlan0' -r -f
complete -c share -n "__fish_share_using_subcommand send" -l listen -d 'With --direct, listen on ADDRESS [default: the local network, port 4080 if it is free]' -r -f
complete -c share -n "__fish_share_using_subcommand send" -l public-url -d 'With --direct, print links to URL, a tunnel to this computer' -r -f
complete -c share -n "__fish_share_using_subcommand send" -l tunnel -d 'Serve through a tunnel, such as localhost.run' -r -f
complete -c share -n "__fish_share_using_subcommand send" -l for -d 'Make a separate link for WHO (repeatable)' -r -f
complete -c share -n "__fish_share_using_subcommand send" -l links -d 'Make N links, each of which works once' -r -f
complete -c share -n "__fish_share_using_subcommand send" -l receipt -d 'Write a receipt to FILE, so that any machine can check or revoke the share' -r -F
complete -c share -n "__fish_share_using_subcommand send" -l give-up -d 'Give up after TIME [default: 10m]' -r -f
complete -c share -n "__fish_share_using_subcommand send" -l state-dir -d 'Keep state between runs in DIR' -r -f -a "(__fish_complete_directories)"
complete -c share -n "__fish_share_using_subcommand send" -l proxy -d 'Connect through a proxy, or "none"' -r -f
complete -c share -n "__fish_share_using_subcommand send" -l ca -d 'Also trust the CA certificates in FILE' -r -F
complete -c share -n "__fish_share_using_subcommand send" -l text -d 'Prompt for a text to send'
complete -c share -n "__fish_share_using_subcommand send" -l no-name -d 'Don\'t send file names'
complete -c share -n "__fish_share_using_subcommand send" -s p -l passphrase -d 'Prompt for a passphrase'
complete -c share -n "__fish_share_using_subcommand send" -s P -l generate-passphrase -d 'Generate a passphrase of four words and print it'
complete -c share -n "__fish_share_using_subcommand send" -l view-only -d 'Ask recipients\' programs not to save the files'
complete -c share -n "__fish_share_using_subcommand send" -l direct -d 'Serve the share from this computer'
complete -c share -n "__fish_share_using_subcommand send" -l qr -d 'Print the link as a QR code too'
complete -c share -n "__fish_share_using_subcommand send" -s c -l copy -d 'Copy the link to the clipboard, not to its history'
complete -c share -n "__fish_share_using_subcommand send" -l desktop -d 'Copy the link and show a notification, for programs without a terminal, such as file managers'
complete -c share -n "__fish_share_using_subcommand send" -l bare -d 'Print a link that no browser or preview follows'
complete -c share -n "__fish_share_using_subcommand send" -l wait -d 'Wait until the share is opened'
complete -c share -n "__fish_share_using_subcommand send" -l notify -d 'Notify me when the share is opened (with --wait, or served from here)'
complete -c share -n "__fish_share_using_subcommand send" -s q -l quiet -d 'Don\'t print progress or hints'
complete -c share -n "__fish_share_using_subcommand send" -l json -d 'Print results as JSON lines'
complete -c share -n "__fish_share_using_subcommand send" -s v -l verbose -d 'Print more detail (-vv for debugging) [env: SHARE_LOG]'
complete -c share -n "__fish_share_using_subcommand send" -s h -l help -d 'Print help'
complete -c share -n "__fish_share_using_subcommand open" -s o -l output -d 'Save to FILE or DIR, or to standard output (-)' -r -F
complete -c share -n "__fish_share_using_subcommand open" -l seconds -d 'Close the view after N seconds' -r -f
complete -c share -n "__fish_share_using_subcommand open" -l passphrase-file -d 'Read the passphrase from the first line of FILE' -r -F
complete -c share -n "__fish_share_using_subcommand open" -l relay -d 'Use the relay at URL if the link names none' -r -f
complete -c share -n "__fish_share_using_subcommand open" -l give-up -d 'Give up after TIME [default: 10m]' -r -f
complete -c share -n "__fish_share_using_subcommand open" -l state-dir -d 'Keep state between runs in DIR' -r -f -a "(__fish_complete_directories)"
complete -c share -n "__fish_share_using_subcommand open" -l proxy -d 'Connect through a proxy, or "none"' -r -f
complete -c share -n "__fish_share_using_subcommand open" -l ca -d 'Also trust the CA certificates in FILE' -r -F
complete -c share -n "__fish_share_using_subcommand open" -s f -l force -d 'Replace FILE if it exists'
complete -c share -n "__fish_share_using_subcommand open" -s y -l yes -d 'Don\'t ask first; save what cannot be shown'
complete -c share -n "__fish_share_using_subcommand open" -s p -l passphrase -d 'Prompt for a passphrase'
complete -c share -n "__fish_share_using_subcommand open" -s q -l quiet -d 'Don\'t print progress or hints'
complete -c share -n "__fish_share_using_subcommand open" -l json -d 'Print results as JSON lines'
complete -c share -n "__fish_share_using_subcommand open" -s v -l verbose -d 'Print more detail (-vv for debugging) [env: SHARE_LOG]'
complete -c share -n "__fish_share_using_subcommand open" -s h -l help -d 'Print help'
complete -c share -n "__fish_share_using_subcommand peek" -l passphrase-file -d 'Read the passphrase from the first line of FILE' -r -F
complete -c share -n "__fish_share_using_subcommand peek" -l relay -d 'Use the relay at URL if the link names none' -r -f
complete -c share -n "__fish_share_using_subcommand peek" -l give-up -d 'Give up after TIME [default: 10m]' -r -f
complete -c share -n "__fish_share_using_subcommand peek" -l state-dir -d 'Keep state between runs in DIR' -r -f -a "(__fish_complete_directories)"
complete -c share -n "__fish_share_using_subcommand peek" -l proxy -d 'Connect through a proxy, or "none"' -r -f
complete -c share -n "__fish_share_using_subcommand peek" -l ca -d 'Also trust the CA certificates in FILE' -r -F
complete -c share -n "__fish_share_using_subcommand peek" -s p -l passphrase -d 'Prompt for a passphrase'
complete -c share -n "__fish_share_using_subcommand peek" -s q -l quiet -d 'Don\'t print progress or hints'
complete -c share -n "__fish_share_using_subcommand peek" -l json -d 'Print results as JSON lines'
complete -c share -n "__fish_share_using_subcommand peek" -s v -l verbose -d 'Print more detail (-vv for debugging) [env: SHARE_LOG]'
complete -c share -n "__fish_share_using_subcommand peek" -s h -l help -d 'Print help'
complete -c share -n "__fish_share_using_subcommand status" -l receipt -d 'Use a receipt that `share send` wrote, on any machine' -r -F
complete -c share -n "__fish_share_using_subcommand status" -l give-up -d 'Give up after TIME [default: 10m]' -r -f
complete -c share -n "__fish_share_using_subcommand status" -l state-dir -d 'Keep state between runs in DIR' -r -f -a "(__fish_complete_directories)"
complete -c share -n "__fish_share_using_subcommand status" -l proxy -d 'Connect through a proxy, or "none"' -r -f
complete -c share -n "__fish_share_using_subcommand status" -l ca -d 'Also trust the CA certificates in FILE' -r -F
complete -c share -n "__fish_share_using_subcommand status" -l wait -d 'Wait until the share is opened or ends'
complete -c share -n "__fish_share_using_subcommand status" -l notify -d 'Notify me when the share is opened (with --wait)'
complete -c share -n "__fish_share_using_subcommand status" -s q -l quiet -d 'Don\'t print progress or hints'
complete -c share -n "__fish_share_using_subcommand status" -l json -d 'Print results as JSON lines'
complete -c share -n "__fish_share_using_subcommand status" -s v -l verbose -d 'Print more detail (-vv for debugging) [env: SHARE_LOG]'
complete -c share -n "__fish_share_using_subcommand status" -s h -l help -d 'Print help'
complete -c share -n "__fish_share_using_subcommand revoke" -l receipt -d 'Use a receipt that `share send` wrote, on any machine' -r -F
complete -c share -n "__fish_share_using_subcommand revoke" -l give-up -d 'Give up after TIME [default: 10m]' -r -f
complete -c share -n "__fish_share_using_subcommand revoke" -l state-dir -d 'Keep state between runs in DIR' -r -f -a "(__fish_complete_directories)"
complete -c share -n "__fish_share_using_subcommand revoke" -l proxy -d 'Connect through a proxy, or "none"' -r -f
complete -c share -n "__fish_share_using_subcommand revoke" -l ca -d 'Also trust the CA certificates in FILE' -r -F
complete -c share -n "__fish_share_using_subcommand revoke" -s y -l yes -d 'Don\'t ask for confirmation'
complete -c share -n "__fish_share_using_subcommand revoke" -s q -l quiet -d 'Don\'t print progress or hints'
complete -c share -n "__fish_share_using_subcommand revoke" -l json -d 'Print results as JSON lines'
complete -c share -n "__fish_share_using_subcommand revoke" -s v -l verbose -d 'Print more detail (-vv for debugging) [env: SHARE_LOG]'
complete -c share -n "__fish_share_using_subcommand revoke" -s h -l help -d 'Print help'
complete -c share -n "__fish_share_using_subcommand list" -l give-up -d 'Give up after TIME [default: 10m]' -r -f
complete -c share -n "__fish_share_using_subcommand list" -l state-dir -d 'Keep state between runs in DIR' -r -f -a "(__fish_complete_directories)"
complete -c share -n "__fish_share_using_subcommand list" -l proxy -d 'Connect through a proxy, or "none"' -r -f
complete -c share -n "__fish_share_using_subcommand list" -l ca -d 'Also trust the CA certificates in FILE' -r -F
complete -c share -n "__fish_share_using_subcommand list" -l forget -d 'Remove ended shares from the list'
complete -c share -n "__fish_share_using_subcommand list" -s q -l quiet -d 'Don\'t print progress or hints'
complete -c share -n "__fish_share_using_subcommand list" -l json -d 'Print results as JSON lines'
complete -c share -n "__fish_share_using_subcommand list" -s v -l verbose -d 'Print more detail (-vv for debugging) [env: SHARE_LOG]'
complete -c share -n "__fish_share_using_subcommand list" -s h -l help -d 'Print help'
complete -c share -n "__fish_share_using_subcommand report" -l note -d 'Add a note to the operator; - reads it from standard input' -r -f
complete -c share -n "__fish_share_using_subcommand report" -l passphrase-file -d 'Read the passphrase from the first line of FILE' -r -F
complete -c share -n "__fish_share_using_subcommand report" -l relay -d 'Use the relay at URL if the link names none' -r -f
complete -c share -n "__fish_share_using_subcommand report" -l give-up -d 'Give up after TIME [default: 10m]' -r -f
complete -c share -n "__fish_share_using_subcommand report" -l state-dir -d 'Keep state between runs in DIR' -r -f -a "(__fish_complete_directories)"
complete -c share -n "__fish_share_using_subcommand report" -l proxy -d 'Connect through a proxy, or "none"' -r -f
complete -c share -n "__fish_share_using_subcommand report" -l ca -d 'Also trust the CA certificates in FILE' -r -F
complete -c share -n "__fish_share_using_subcommand report" -s y -l yes -d 'Don\'t ask for confirmation'
complete -c share -n "__fish_share_using_subcommand report" -s p -l passphrase -d 'Prompt for a passphrase'
complete -c share -n "__fish_share_using_subcommand report" -s q -l quiet -d 'Don\'t print progress or hints'
complete -c share -n "__fish_share_using_subcommand report" -l json -d 'Print results as JSON lines'
complete -c share -n "__fish_share_using_subcommand report" -s v -l verbose -d 'Print more detail (-vv for debugging) [env: SHARE_LOG]'
complete -c share -n "__fish_share_using_subcommand report" -s h -l help -d 'Print help'
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check status reports help" -l listen -d 'Listen on ADDRESS [default: 127.0.0.1:4080]' -r -f
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check status reports help" -l public-url -d 'Announce URL, the address of a proxy in front' -r -f
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check status reports help" -l trusted-proxy -d 'Trust proxies in NET to name the client in X-Forwarded-For, Forwarded or the PROXY protocol (repeatable)' -r -f
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check status reports help" -l create-token-file -d 'Let holders of a token in FILE create shares' -r -F
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check status reports help" -l store -d 'Store shares at URL [default: data directory]' -r -f
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check status reports help" -l reserve -d 'Keep SIZE free on the disk [default: 5 %, and at least 1 GiB]' -r -f
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check status reports help" -l domain -d 'Get and renew a certificate for NAME, and listen on port 443 (repeatable)' -r -f -a "(__fish_print_hostnames)"
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check status reports help" -l acme-directory -d 'Get certificates from the ACME server at URL [default: Let\'s Encrypt]' -r -f
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check status reports help" -l acme-ca -d 'Trust the certificates in FILE (PEM) for the ACME server [default: those of the system]' -r -F
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check status reports help" -l acme-contact -d 'Let the certificate authority write to MAIL' -r -f
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check status reports help" -l tls-cert -d 'Use the certificate chain in FILE (PEM), and listen on port 443' -r -F
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check status reports help" -l tls-key -d 'Use the private key in FILE (PEM)' -r -F
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check status reports help" -l http-listen -d 'Redirect plain HTTP on ADDRESS (port 80) to https, and let the authority use it' -r -f
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check status reports help" -l max-size -d 'Accept shares up to SIZE [default: 4GiB, with --anyone 100MiB]' -r -f
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check status reports help" -l max-lifetime -d 'Accept shares that wait for up to TIME [default: 90d, with --anyone 3d]' -r -f
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check status reports help" -l max-stored -d 'Store up to SIZE in all [default: what the disk has room for, with --anyone 64GiB]' -r -f
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check status reports help" -l max-requests -d 'Accept up to N requests a minute per address [default: 6000; none: no limit]' -r -f
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check status reports help" -l max-shares -d 'Accept up to N new shares an hour per address, and per create token [default: 240, with --anyone 20; none: no limit]' -r -f
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check status reports help" -l max-traffic -d 'Transfer up to SIZE an hour per address, both ways; accept up to SIZE an hour per create token [default: 64GiB, with --anyone 256MiB; none: no limit]' -r -f
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check status reports help" -l max-connections -d 'Accept up to N connections at once per address, of 4096 in all [default: 128; none: no limit]' -r -f
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check status reports help" -l max-uploads -d 'Accept up to N unfinished uploads per address, and per create token [default: 64, with --anyone 8; none: no limit]' -r -f
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check status reports help" -l max-parallel -d 'Receive up to N parts at once per address; further ones wait [default: 8; none: no limit]' -r -f
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check status reports help" -l min-rate -d 'End transfers slower than SIZE a second, averaged over 60 seconds [default: 512B; none: no limit]' -r -f
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check status reports help" -l operator-recipient -d 'Let recipients report what they were sent to the holder of this age key, and keep opened shares for an hour' -r -f
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check status reports help" -l contact -d 'Tell people how to reach you' -r -f
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check status reports help" -l max-reported -d 'Keep up to SIZE of reported shares [default: a tenth of the store, or what the largest share needs]' -r -f
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check status reports help" -l max-reports -d 'Accept up to N reports an hour per address [default: 10; none: no limit]' -r -f
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check status reports help" -l admin -d 'Serve health, metrics and status at ADDRESS: 127.0.0.1:PORT, [::1]:PORT or unix:PATH [default: relay.sock in the state directory]' -r -f
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check status reports help" -l log -d 'Log as text or JSON lines on standard error, or to journald' -r -f -a "text\t'Lines for people'
json\t'An object a line'
journald\t'Entries in the journal of systemd'"
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check status reports help" -l drain -d 'When stopped, let running requests finish for up to TIME' -r -f
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check status reports help" -l give-up -d 'Give up after TIME [default: 10m]' -r -f
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check status reports help" -l state-dir -d 'Keep state between runs in DIR' -r -f -a "(__fish_complete_directories)"
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check status reports help" -l proxy -d 'Connect through a proxy, or "none"' -r -f
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check status reports help" -l ca -d 'Also trust the CA certificates in FILE' -r -F
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check status reports help" -l plain-http -d 'Allow plain HTTP on a network that you trust'
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check status reports help" -l anyone -d 'Let anyone create shares (lower limits)'
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check status reports help" -l shared-folder -d 'Let several relays use the folder'
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check status reports help" -l accept-terms -d 'Accept the terms of the certificate authority'
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check status reports help" -s q -l quiet -d 'Don\'t print progress or hints'
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check status reports help" -l json -d 'Print results as JSON lines'
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check status reports help" -s v -l verbose -d 'Print more detail (-vv for debugging) [env: SHARE_LOG]'
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check status reports help" -s h -l help -d 'Print help'
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check status reports help" -f -a "use" -d 'Make a relay the default after checking it'
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check status reports help" -f -a "token" -d 'Make, list and revoke create tokens'
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check status reports help" -f -a "check" -d 'Check that a relay works, and print its limits'
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check status reports help" -f -a "status" -d 'Show what a relay on this machine does'
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check status reports help" -f -a "reports" -d 'List, read, save and delete reports'
complete -c share -n "__fish_share_using_subcommand relay; and not __fish_seen_subcommand_from use token check status reports help" -f -a "help" -d 'Print the help of a command'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from use" -l header -d 'Send header NAME to this relay; prompts for its value and stores it (repeatable)' -r -f
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from use" -l client-cert -d 'Log in to this relay with a client certificate ("none" removes it)' -r -F
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from use" -l client-key -d 'Its private key [default: in the same file]' -r -F
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from use" -l give-up -d 'Give up after TIME [default: 10m]' -r -f
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from use" -l state-dir -d 'Keep state between runs in DIR' -r -f -a "(__fish_complete_directories)"
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from use" -l proxy -d 'Connect through a proxy, or "none"' -r -f
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from use" -l ca -d 'Also trust the CA certificates in FILE' -r -F
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from use" -l keep-default -d 'Only store the headers and the certificate; the default relay stays'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from use" -s q -l quiet -d 'Don\'t print progress or hints'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from use" -l json -d 'Print results as JSON lines'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from use" -s v -l verbose -d 'Print more detail (-vv for debugging) [env: SHARE_LOG]'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from use" -s h -l help -d 'Print help'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from token" -l max-size -d 'Accept shares up to SIZE from the holder' -r -f
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from token" -l max-per-day -d 'Accept up to SIZE a day from the holder' -r -f
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from token" -l max-shares-per-day -d 'Accept up to N new shares a day from the holder' -r -f
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from token" -l until -d 'Let the token end after TIME, such as 30d, or with the day DATE, UTC, such as 2027-12-31' -r -f
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from token" -l relay -d 'Make the link for the relay at URL [default: the configured one]' -r -f
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from token" -l create-token-file -d 'Use FILE [default: state directory if it is set, or else the data directory]' -r -F
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from token" -l give-up -d 'Give up after TIME [default: 10m]' -r -f
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from token" -l state-dir -d 'Keep state between runs in DIR' -r -f -a "(__fish_complete_directories)"
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from token" -l proxy -d 'Connect through a proxy, or "none"' -r -f
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from token" -l ca -d 'Also trust the CA certificates in FILE' -r -F
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from token" -l link -d 'Print a link that contains the token, for sending from a browser'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from token" -s q -l quiet -d 'Don\'t print progress or hints'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from token" -l json -d 'Print results as JSON lines'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from token" -s v -l verbose -d 'Print more detail (-vv for debugging) [env: SHARE_LOG]'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from token" -s h -l help -d 'Print help'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from token" -a "list" -d 'List create tokens with their limits'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from token" -a "revoke" -d 'Revoke a create token'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from token" -a "help" -d 'Print the help of a command'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from check" -l give-up -d 'Give up after TIME [default: 10m]' -r -f
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from check" -l state-dir -d 'Keep state between runs in DIR' -r -f -a "(__fish_complete_directories)"
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from check" -l proxy -d 'Connect through a proxy, or "none"' -r -f
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from check" -l ca -d 'Also trust the CA certificates in FILE' -r -F
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from check" -l held -d 'Also check that a request can wait 55 seconds, as --wait requires'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from check" -s q -l quiet -d 'Don\'t print progress or hints'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from check" -l json -d 'Print results as JSON lines'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from check" -s v -l verbose -d 'Print more detail (-vv for debugging) [env: SHARE_LOG]'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from status" -l admin -d 'Ask the relay at ADDRESS: 127.0.0.1:PORT, [::1]:PORT or unix:PATH [default: relay.sock in the state directory, or that of the system service]' -r -f
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from status" -l give-up -d 'Give up after TIME [default: 10m]' -r -f
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from status" -l state-dir -d 'Keep state between runs in DIR' -r -f -a "(__fish_complete_directories)"
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from status" -l proxy -d 'Connect through a proxy, or "none"' -r -f
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from status" -l ca -d 'Also trust the CA certificates in FILE' -r -F
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from status" -s q -l quiet -d 'Don\'t print progress or hints'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from status" -l json -d 'Print results as JSON lines'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from status" -s v -l verbose -d 'Print more detail (-vv for debugging) [env: SHARE_LOG]'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from reports" -l give-up -d 'Give up after TIME [default: 10m]' -r -f
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from reports" -l state-dir -d 'Keep state between runs in DIR' -r -f -a "(__fish_complete_directories)"
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from reports" -l proxy -d 'Connect through a proxy, or "none"' -r -f
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from reports" -l ca -d 'Also trust the CA certificates in FILE' -r -F
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from reports" -s q -l quiet -d 'Don\'t print progress or hints'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from reports" -l json -d 'Print results as JSON lines'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from reports" -s v -l verbose -d 'Print more detail (-vv for debugging) [env: SHARE_LOG]'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from reports" -s h -l help -d 'Print help'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from reports" -f -a "list" -d 'List the reports at a relay'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from reports" -f -a "show" -d 'Verify a report, and show what was reported'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from reports" -f -a "save" -d 'Save what was reported, or the whole report as it is'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from reports" -f -a "delete" -d 'Delete a report and what was reported'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from reports" -f -a "help" -d 'Print the help of a command'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from help" -f -a "use" -d 'Make a relay the default after checking it'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from help" -f -a "token" -d 'Make, list and revoke create tokens'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from help" -f -a "check" -d 'Check that a relay works, and print its limits'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from help" -f -a "status" -d 'Show what a relay on this machine does'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from help" -f -a "reports" -d 'List, read, save and delete reports'
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c share -n "__fish_share_using_subcommand completions" -l give-up -d 'Give up after TIME [default: 10m]' -r -f
complete -c share -n "__fish_share_using_subcommand completions" -l state-dir -d 'Keep state between runs in DIR' -r -f -a "(__fish_complete_directories)"
complete -c share -n "__fish_share_using_subcommand completions" -l proxy -d 'Connect through a proxy, or "none"' -r -f
complete -c share -n "__fish_share_using_subcommand completions" -l ca -d 'Also trust the CA certificates in FILE' -r -F
complete -c share -n "__fish_share_using_subcommand completions" -s q -l quiet -d 'Don\'t print progress or hints'
complete -c share -n "__fish_share_using_subcommand completions" -l json -d 'Print results as JSON lines'
complete -c share -n "__fish_share_using_subcommand completions" -s v -l verbose -d 'Print more detail (-vv for debugging) [env: SHARE_LOG]'
complete -c share -n "__fish_share_using_subcommand completions" -s h -l help -d 'Print help'
complete -c share -n "__fish_share_using_subcommand man" -s o -l output -d 'Write all pages to DIR' -r -f -a "(__fish_complete_directories)"
complete -c share -n "__fish_share_using_subcommand man" -l give-up -d 'Give up after TIME [default: 10m]' -r -f
complete -c share -n "__fish_share_using_subcommand man" -l state-dir -d 'Keep state between runs in DIR' -r -f -a "(__fish_complete_directories)"
complete -c share -n "__fish_share_using_subcommand man" -l proxy -d 'Connect through a proxy, or "none"' -r -f
complete -c share -n "__fish_share_using_subcommand man" -l ca -d 'Also trust the CA certificates in FILE' -r -F
complete -c share -n "__fish_share_using_subcommand man" -s q -l quiet -d 'Don\'t print progress or hints'
complete -c share -n "__fish_share_using_subcommand man" -l json -d 'Print results as JSON lines'
complete -c share -n "__fish_share_using_subcommand man" -s v -l verbose -d 'Print more detail (-vv for debugging) [env: SHARE_LOG]'
complete -c share -n "__fish_share_using_subcommand man" -s h -l help -d 'Print help'
complete -c share -n "__fish_share_using_subcommand help; and not __fish_seen_subcommand_from send open peek status revoke list report relay completions man help" -f -a "send" -d 'Send files or text and print a link that works once'
complete -c share -n "__fish_share_using_subcommand help; and not __fish_seen_subcommand_from send open peek status revoke list report relay completions man help" -f -a "open" -d 'Open a link and show or save what was sent'
complete -c share -n "__fish_share_using_subcommand help; and not __fish_seen_subcommand_from send open peek status revoke list report relay completions man help" -f -a "peek" -d 'Show what a link leads to without opening it'
complete -c share -n "__fish_share_using_subcommand help; and not __fish_seen_subcommand_from send open peek status revoke list report relay completions man help" -f -a "status" -d 'Show whether a share was opened, when and by whom'
complete -c share -n "__fish_share_using_subcommand help; and not __fish_seen_subcommand_from send open peek status revoke list report relay completions man help" -f -a "revoke" -d 'Revoke a share, so that its link no longer works'
complete -c share -n "__fish_share_using_subcommand help; and not __fish_seen_subcommand_from send open peek status revoke list report relay completions man help" -f -a "list" -d 'List the shares that were sent from this device'
complete -c share -n "__fish_share_using_subcommand help; and not __fish_seen_subcommand_from send open peek status revoke list report relay completions man help" -f -a "report" -d 'Report a share to the operator of its relay'
complete -c share -n "__fish_share_using_subcommand help; and not __fish_seen_subcommand_from send open peek status revoke list report relay completions man help" -f -a "relay" -d 'Run a relay, or choose and check one'
complete -c share -n "__fish_share_using_subcommand help; and not __fish_seen_subcommand_from send open peek status revoke list report relay completions man help" -f -a "completions" -d 'Print completions for a shell'
complete -c share -n "__fish_share_using_subcommand help; and not __fish_seen_subcommand_from send open peek status revoke list report relay completions man help" -f -a "man" -d 'Print a manual page, or write all of them'
complete -c share -n "__fish_share_using_subcommand help; and not __fish_seen_subcommand_from send open peek status revoke list report relay completions man help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c share -n "__fish_share_using_subcommand help; and __fish_seen_subcommand_from relay" -f -a "use" -d 'Make a relay the default after checking it'
complete -c share -n "__fish_share_using_subcommand help; and __fish_seen_subcommand_from relay" -f -a "token" -d 'Make, list and revoke create tokens'
complete -c share -n "__fish_share_using_subcommand help; and __fish_seen_subcommand_from relay" -f -a "check" -d 'Check that a relay works, and print its limits'
complete -c share -n "__fish_share_using_subcommand help; and __fish_seen_subcommand_from relay" -f -a "status" -d 'Show what a relay on this machine does'
complete -c share -n "__fish_share_using_subcommand help; and __fish_seen_subcommand_from relay" -f -a "reports" -d 'List, read, save and delete reports'
complete -c share -n "__fish_share_using_subcommand open" -f
complete -c share -n "__fish_share_using_subcommand peek" -f
complete -c share -n "__fish_share_using_subcommand status" -f
complete -c share -n "__fish_share_using_subcommand revoke" -f
complete -c share -n "__fish_share_using_subcommand list" -f
complete -c share -n "__fish_share_using_subcommand report" -f
complete -c share -n "__fish_share_using_subcommand relay" -f
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from use" -f
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from token" -f
complete -c share -n "__fish_share_using_subcommand token; and __fish_seen_subcommand_from list" -f
complete -c share -n "__fish_share_using_subcommand token; and __fish_seen_subcommand_from revoke" -f
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from check" -f
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from status" -f
complete -c share -n "__fish_share_using_subcommand relay; and __fish_seen_subcommand_from reports" -f
complete -c share -n "__fish_share_using_subcommand reports; and __fish_seen_subcommand_from list" -f
complete -c share -n "__fish_share_using_subcommand reports; and __fish_seen_subcommand_from show" -f
complete -c share -n "__fish_share_using_subcommand reports; and __fish_seen_subcommand_from save" -f
complete -c share -n "__fish_share_using_subcommand reports; and __fish_seen_subcommand_from delete" -f
complete -c share -n "__fish_share_using_subcommand completions" -f -a "bash elvish fish powershell zsh"
complete -c share -n "__fish_share_using_subcommand man" -f -a "check completions delete list man open peek relay report reports revoke save send show status token use"
