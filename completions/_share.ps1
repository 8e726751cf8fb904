
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'share' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'share'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'share' {
            [CompletionResult]::new('--give-up', '--give-up', [CompletionResultType]::ParameterName, 'Give up after TIME [default: 10m]')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Keep state between runs in DIR')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Connect through a proxy, or "none"')
            [CompletionResult]::new('--ca', '--ca', [CompletionResultType]::ParameterName, 'Also trust the CA certificates in FILE')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Don''t print progress or hints')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Don''t print progress or hints')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON lines')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more detail (-vv for debugging) [env: SHARE_LOG]')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more detail (-vv for debugging) [env: SHARE_LOG]')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('send', 'send', [CompletionResultType]::ParameterValue, 'Send files or text and print a link that works once')
            [CompletionResult]::new('open', 'open', [CompletionResultType]::ParameterValue, 'Open a link and show or save what was sent')
            [CompletionResult]::new('peek', 'peek', [CompletionResultType]::ParameterValue, 'Show what a link leads to without opening it')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show whether a share was opened, when and by whom')
            [CompletionResult]::new('revoke', 'revoke', [CompletionResultType]::ParameterValue, 'Revoke a share, so that its link no longer works')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the shares that were sent from this device')
            [CompletionResult]::new('report', 'report', [CompletionResultType]::ParameterValue, 'Report a share to the operator of its relay')
            [CompletionResult]::new('relay', 'relay', [CompletionResultType]::ParameterValue, 'Run a relay, or choose and check one')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print completions for a shell')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Print a manual page, or write all of them')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print the help of a command')
            break
        }
        'share;send' {
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Show NAME to the recipient')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'Show NAME to the recipient')
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'Show NAME to the recipient as the sender')
            [CompletionResult]::new('--note', '--note', [CompletionResultType]::ParameterName, 'Show TEXT to the recipient before opening')
            [CompletionResult]::new('--metadata', '--metadata', [CompletionResultType]::ParameterName, 'Strip or keep media metadata')
            [CompletionResult]::new('-e', '-e', [CompletionResultType]::ParameterName, 'Expire after TIME, 1m to 90d [default: 14d]')
            [CompletionResult]::new('--expire', '--expire', [CompletionResultType]::ParameterName, 'Expire after TIME, 1m to 90d [default: 14d]')
            [CompletionResult]::new('--passphrase-file', '--passphrase-file', [CompletionResultType]::ParameterName, 'Read the passphrase from the first line of FILE')
            [CompletionResult]::new('--relay', '--relay', [CompletionResultType]::ParameterName, 'Upload to the relay at URL')
            [CompletionResult]::new('--interface', '--interface', [CompletionResultType]::ParameterName, 'With --direct, serve on the interface NAME, such as wlan0')
            [CompletionResult]::new('--listen', '--listen', [CompletionResultType]::ParameterName, 'With --direct, listen on ADDRESS [default: the local network, port 4080 if it is free]')
            [CompletionResult]::new('--public-url', '--public-url', [CompletionResultType]::ParameterName, 'With --direct, print links to URL, a tunnel to this computer')
            [CompletionResult]::new('--tunnel', '--tunnel', [CompletionResultType]::ParameterName, 'Serve through a tunnel, such as localhost.run')
            [CompletionResult]::new('--for', '--for', [CompletionResultType]::ParameterName, 'Make a separate link for WHO (repeatable)')
            [CompletionResult]::new('--links', '--links', [CompletionResultType]::ParameterName, 'Make N links, each of which works once')
            [CompletionResult]::new('--receipt', '--receipt', [CompletionResultType]::ParameterName, 'Write a receipt to FILE, so that any machine can check or revoke the share')
            [CompletionResult]::new('--give-up', '--give-up', [CompletionResultType]::ParameterName, 'Give up after TIME [default: 10m]')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Keep state between runs in DIR')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Connect through a proxy, or "none"')
            [CompletionResult]::new('--ca', '--ca', [CompletionResultType]::ParameterName, 'Also trust the CA certificates in FILE')
            [CompletionResult]::new('--text', '--text', [CompletionResultType]::ParameterName, 'Prompt for a text to send')
            [CompletionResult]::new('--no-name', '--no-name', [CompletionResultType]::ParameterName, 'Don''t send file names')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Prompt for a passphrase')
            [CompletionResult]::new('--passphrase', '--passphrase', [CompletionResultType]::ParameterName, 'Prompt for a passphrase')
            [CompletionResult]::new('-P', '-P ', [CompletionResultType]::ParameterName, 'Generate a passphrase of four words and print it')
            [CompletionResult]::new('--generate-passphrase', '--generate-passphrase', [CompletionResultType]::ParameterName, 'Generate a passphrase of four words and print it')
            [CompletionResult]::new('--view-only', '--view-only', [CompletionResultType]::ParameterName, 'Ask recipients'' programs not to save the files')
            [CompletionResult]::new('--direct', '--direct', [CompletionResultType]::ParameterName, 'Serve the share from this computer')
            [CompletionResult]::new('--qr', '--qr', [CompletionResultType]::ParameterName, 'Print the link as a QR code too')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Copy the link to the clipboard, not to its history')
            [CompletionResult]::new('--copy', '--copy', [CompletionResultType]::ParameterName, 'Copy the link to the clipboard, not to its history')
            [CompletionResult]::new('--desktop', '--desktop', [CompletionResultType]::ParameterName, 'Copy the link and show a notification, for programs without a terminal, such as file managers')
            [CompletionResult]::new('--bare', '--bare', [CompletionResultType]::ParameterName, 'Print a link that no browser or preview follows')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'Wait until the share is opened')
            [CompletionResult]::new('--notify', '--notify', [CompletionResultType]::ParameterName, 'Notify me when the share is opened (with --wait, or served from here)')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Don''t print progress or hints')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Don''t print progress or hints')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON lines')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more detail (-vv for debugging) [env: SHARE_LOG]')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more detail (-vv for debugging) [env: SHARE_LOG]')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'share;open' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Save to FILE or DIR, or to standard output (-)')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Save to FILE or DIR, or to standard output (-)')
            [CompletionResult]::new('--seconds', '--seconds', [CompletionResultType]::ParameterName, 'Close the view after N seconds')
            [CompletionResult]::new('--passphrase-file', '--passphrase-file', [CompletionResultType]::ParameterName, 'Read the passphrase from the first line of FILE')
            [CompletionResult]::new('--relay', '--relay', [CompletionResultType]::ParameterName, 'Use the relay at URL if the link names none')
            [CompletionResult]::new('--give-up', '--give-up', [CompletionResultType]::ParameterName, 'Give up after TIME [default: 10m]')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Keep state between runs in DIR')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Connect through a proxy, or "none"')
            [CompletionResult]::new('--ca', '--ca', [CompletionResultType]::ParameterName, 'Also trust the CA certificates in FILE')
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Replace FILE if it exists')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Replace FILE if it exists')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Don''t ask first; save what cannot be shown')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Don''t ask first; save what cannot be shown')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Prompt for a passphrase')
            [CompletionResult]::new('--passphrase', '--passphrase', [CompletionResultType]::ParameterName, 'Prompt for a passphrase')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Don''t print progress or hints')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Don''t print progress or hints')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON lines')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more detail (-vv for debugging) [env: SHARE_LOG]')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more detail (-vv for debugging) [env: SHARE_LOG]')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'share;peek' {
            [CompletionResult]::new('--passphrase-file', '--passphrase-file', [CompletionResultType]::ParameterName, 'Read the passphrase from the first line of FILE')
            [CompletionResult]::new('--relay', '--relay', [CompletionResultType]::ParameterName, 'Use the relay at URL if the link names none')
            [CompletionResult]::new('--give-up', '--give-up', [CompletionResultType]::ParameterName, 'Give up after TIME [default: 10m]')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Keep state between runs in DIR')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Connect through a proxy, or "none"')
            [CompletionResult]::new('--ca', '--ca', [CompletionResultType]::ParameterName, 'Also trust the CA certificates in FILE')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Prompt for a passphrase')
            [CompletionResult]::new('--passphrase', '--passphrase', [CompletionResultType]::ParameterName, 'Prompt for a passphrase')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Don''t print progress or hints')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Don''t print progress or hints')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON lines')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more detail (-vv for debugging) [env: SHARE_LOG]')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more detail (-vv for debugging) [env: SHARE_LOG]')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'share;status' {
            [CompletionResult]::new('--receipt', '--receipt', [CompletionResultType]::ParameterName, 'Use a receipt that `share send` wrote, on any machine')
            [CompletionResult]::new('--give-up', '--give-up', [CompletionResultType]::ParameterName, 'Give up after TIME [default: 10m]')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Keep state between runs in DIR')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Connect through a proxy, or "none"')
            [CompletionResult]::new('--ca', '--ca', [CompletionResultType]::ParameterName, 'Also trust the CA certificates in FILE')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'Wait until the share is opened or ends')
            [CompletionResult]::new('--notify', '--notify', [CompletionResultType]::ParameterName, 'Notify me when the share is opened (with --wait)')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Don''t print progress or hints')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Don''t print progress or hints')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON lines')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more detail (-vv for debugging) [env: SHARE_LOG]')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more detail (-vv for debugging) [env: SHARE_LOG]')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'share;revoke' {
            [CompletionResult]::new('--receipt', '--receipt', [CompletionResultType]::ParameterName, 'Use a receipt that `share send` wrote, on any machine')
            [CompletionResult]::new('--give-up', '--give-up', [CompletionResultType]::ParameterName, 'Give up after TIME [default: 10m]')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Keep state between runs in DIR')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Connect through a proxy, or "none"')
            [CompletionResult]::new('--ca', '--ca', [CompletionResultType]::ParameterName, 'Also trust the CA certificates in FILE')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Don''t ask for confirmation')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Don''t ask for confirmation')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Don''t print progress or hints')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Don''t print progress or hints')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON lines')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more detail (-vv for debugging) [env: SHARE_LOG]')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more detail (-vv for debugging) [env: SHARE_LOG]')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'share;list' {
            [CompletionResult]::new('--give-up', '--give-up', [CompletionResultType]::ParameterName, 'Give up after TIME [default: 10m]')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Keep state between runs in DIR')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Connect through a proxy, or "none"')
            [CompletionResult]::new('--ca', '--ca', [CompletionResultType]::ParameterName, 'Also trust the CA certificates in FILE')
            [CompletionResult]::new('--forget', '--forget', [CompletionResultType]::ParameterName, 'Remove ended shares from the list')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Don''t print progress or hints')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Don''t print progress or hints')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON lines')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more detail (-vv for debugging) [env: SHARE_LOG]')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more detail (-vv for debugging) [env: SHARE_LOG]')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'share;report' {
            [CompletionResult]::new('--note', '--note', [CompletionResultType]::ParameterName, 'Add a note to the operator; - reads it from standard input')
            [CompletionResult]::new('--passphrase-file', '--passphrase-file', [CompletionResultType]::ParameterName, 'Read the passphrase from the first line of FILE')
            [CompletionResult]::new('--relay', '--relay', [CompletionResultType]::ParameterName, 'Use the relay at URL if the link names none')
            [CompletionResult]::new('--give-up', '--give-up', [CompletionResultType]::ParameterName, 'Give up after TIME [default: 10m]')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Keep state between runs in DIR')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Connect through a proxy, or "none"')
            [CompletionResult]::new('--ca', '--ca', [CompletionResultType]::ParameterName, 'Also trust the CA certificates in FILE')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Don''t ask for confirmation')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Don''t ask for confirmation')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Prompt for a passphrase')
            [CompletionResult]::new('--passphrase', '--passphrase', [CompletionResultType]::ParameterName, 'Prompt for a passphrase')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Don''t print progress or hints')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Don''t print progress or hints')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON lines')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more detail (-vv for debugging) [env: SHARE_LOG]')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more detail (-vv for debugging) [env: SHARE_LOG]')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'share;relay' {
            [CompletionResult]::new('--listen', '--listen', [CompletionResultType]::ParameterName, 'Listen on ADDRESS [default: 127.0.0.1:4080]')
            [CompletionResult]::new('--public-url', '--public-url', [CompletionResultType]::ParameterName, 'Announce URL, the address of a proxy in front')
            [CompletionResult]::new('--trusted-proxy', '--trusted-proxy', [CompletionResultType]::ParameterName, 'Trust proxies in NET to name the client in X-Forwarded-For, Forwarded or the PROXY protocol (repeatable)')
            [CompletionResult]::new('--create-token-file', '--create-token-file', [CompletionResultType]::ParameterName, 'Let holders of a token in FILE create shares')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Store shares at URL [default: data directory]')
            [CompletionResult]::new('--reserve', '--reserve', [CompletionResultType]::ParameterName, 'Keep SIZE free on the disk [default: 5 %, and at least 1 GiB]')
            [CompletionResult]::new('--domain', '--domain', [CompletionResultType]::ParameterName, 'Get and renew a certificate for NAME, and listen on port 443 (repeatable)')
            [CompletionResult]::new('--acme-directory', '--acme-directory', [CompletionResultType]::ParameterName, 'Get certificates from the ACME server at URL [default: Let''s Encrypt]')
            [CompletionResult]::new('--acme-ca', '--acme-ca', [CompletionResultType]::ParameterName, 'Trust the certificates in FILE (PEM) for the ACME server [default: those of the system]')
            [CompletionResult]::new('--acme-contact', '--acme-contact', [CompletionResultType]::ParameterName, 'Let the certificate authority write to MAIL')
            [CompletionResult]::new('--tls-cert', '--tls-cert', [CompletionResultType]::ParameterName, 'Use the certificate chain in FILE (PEM), and listen on port 443')
            [CompletionResult]::new('--tls-key', '--tls-key', [CompletionResultType]::ParameterName, 'Use the private key in FILE (PEM)')
            [CompletionResult]::new('--http-listen', '--http-listen', [CompletionResultType]::ParameterName, 'Redirect plain HTTP on ADDRESS (port 80) to https, and let the authority use it')
            [CompletionResult]::new('--max-size', '--max-size', [CompletionResultType]::ParameterName, 'Accept shares up to SIZE [default: 4GiB, with --anyone 100MiB]')
            [CompletionResult]::new('--max-lifetime', '--max-lifetime', [CompletionResultType]::ParameterName, 'Accept shares that wait for up to TIME [default: 90d, with --anyone 3d]')
            [CompletionResult]::new('--max-stored', '--max-stored', [CompletionResultType]::ParameterName, 'Store up to SIZE in all [default: what the disk has room for, with --anyone 64GiB]')
            [CompletionResult]::new('--max-requests', '--max-requests', [CompletionResultType]::ParameterName, 'Accept up to N requests a minute per address [default: 6000; none: no limit]')
            [CompletionResult]::new('--max-shares', '--max-shares', [CompletionResultType]::ParameterName, 'Accept up to N new shares an hour per address, and per create token [default: 240, with --anyone 20; none: no limit]')
            [CompletionResult]::new('--max-traffic', '--max-traffic', [CompletionResultType]::ParameterName, 'Transfer up to SIZE an hour per address, both ways; accept up to SIZE an hour per create token [default: 64GiB, with --anyone 256MiB; none: no limit]')
            [CompletionResult]::new('--max-connections', '--max-connections', [CompletionResultType]::ParameterName, 'Accept up to N connections at once per address, of 4096 in all [default: 128; none: no limit]')
            [CompletionResult]::new('--max-uploads', '--max-uploads', [CompletionResultType]::ParameterName, 'Accept up to N unfinished uploads per address, and per create token [default: 64, with --anyone 8; none: no limit]')
            [CompletionResult]::new('--max-parallel', '--max-parallel', [CompletionResultType]::ParameterName, 'Receive up to N parts at once per address; further ones wait [default: 8; none: no limit]')
            [CompletionResult]::new('--min-rate', '--min-rate', [CompletionResultType]::ParameterName, 'End transfers slower than SIZE a second, averaged over 60 seconds [default: 512B; none: no limit]')
            [CompletionResult]::new('--operator-recipient', '--operator-recipient', [CompletionResultType]::ParameterName, 'Let recipients report what they were sent to the holder of this age key, and keep opened shares for an hour')
            [CompletionResult]::new('--contact', '--contact', [CompletionResultType]::ParameterName, 'Tell people how to reach you')
            [CompletionResult]::new('--max-reported', '--max-reported', [CompletionResultType]::ParameterName, 'Keep up to SIZE of reported shares [default: a tenth of the store, or what the largest share needs]')
            [CompletionResult]::new('--max-reports', '--max-reports', [CompletionResultType]::ParameterName, 'Accept up to N reports an hour per address [default: 10; none: no limit]')
            [CompletionResult]::new('--admin', '--admin', [CompletionResultType]::ParameterName, 'Serve health, metrics and status at ADDRESS: 127.0.0.1:PORT, [::1]:PORT or unix:PATH [default: relay.sock in the state directory]')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Log as text or JSON lines on standard error, or to journald')
            [CompletionResult]::new('--drain', '--drain', [CompletionResultType]::ParameterName, 'When stopped, let running requests finish for up to TIME')
            [CompletionResult]::new('--give-up', '--give-up', [CompletionResultType]::ParameterName, 'Give up after TIME [default: 10m]')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Keep state between runs in DIR')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Connect through a proxy, or "none"')
            [CompletionResult]::new('--ca', '--ca', [CompletionResultType]::ParameterName, 'Also trust the CA certificates in FILE')
            [CompletionResult]::new('--plain-http', '--plain-http', [CompletionResultType]::ParameterName, 'Allow plain HTTP on a network that you trust')
            [CompletionResult]::new('--anyone', '--anyone', [CompletionResultType]::ParameterName, 'Let anyone create shares (lower limits)')
            [CompletionResult]::new('--shared-folder', '--shared-folder', [CompletionResultType]::ParameterName, 'Let several relays use the folder')
            [CompletionResult]::new('--accept-terms', '--accept-terms', [CompletionResultType]::ParameterName, 'Accept the terms of the certificate authority')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Don''t print progress or hints')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Don''t print progress or hints')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON lines')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more detail (-vv for debugging) [env: SHARE_LOG]')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more detail (-vv for debugging) [env: SHARE_LOG]')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('use', 'use', [CompletionResultType]::ParameterValue, 'Make a relay the default after checking it')
            [CompletionResult]::new('token', 'token', [CompletionResultType]::ParameterValue, 'Make, list and revoke create tokens')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Check that a relay works, and print its limits')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show what a relay on this machine does')
            [CompletionResult]::new('reports', 'reports', [CompletionResultType]::ParameterValue, 'List, read, save and delete reports')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print the help of a command')
            break
        }
        'share;relay;use' {
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Send header NAME to this relay; prompts for its value and stores it (repeatable)')
            [CompletionResult]::new('--client-cert', '--client-cert', [CompletionResultType]::ParameterName, 'Log in to this relay with a client certificate ("none" removes it)')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'Its private key [default: in the same file]')
            [CompletionResult]::new('--give-up', '--give-up', [CompletionResultType]::ParameterName, 'Give up after TIME [default: 10m]')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Keep state between runs in DIR')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Connect through a proxy, or "none"')
            [CompletionResult]::new('--ca', '--ca', [CompletionResultType]::ParameterName, 'Also trust the CA certificates in FILE')
            [CompletionResult]::new('--keep-default', '--keep-default', [CompletionResultType]::ParameterName, 'Only store the headers and the certificate; the default relay stays')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Don''t print progress or hints')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Don''t print progress or hints')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON lines')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more detail (-vv for debugging) [env: SHARE_LOG]')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more detail (-vv for debugging) [env: SHARE_LOG]')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'share;relay;token' {
            [CompletionResult]::new('--max-size', '--max-size', [CompletionResultType]::ParameterName, 'Accept shares up to SIZE from the holder')
            [CompletionResult]::new('--max-per-day', '--max-per-day', [CompletionResultType]::ParameterName, 'Accept up to SIZE a day from the holder')
            [CompletionResult]::new('--max-shares-per-day', '--max-shares-per-day', [CompletionResultType]::ParameterName, 'Accept up to N new shares a day from the holder')
            [CompletionResult]::new('--until', '--until', [CompletionResultType]::ParameterName, 'Let the token end after TIME, such as 30d, or with the day DATE, UTC, such as 2027-12-31')
            [CompletionResult]::new('--relay', '--relay', [CompletionResultType]::ParameterName, 'Make the link for the relay at URL [default: the configured one]')
            [CompletionResult]::new('--create-token-file', '--create-token-file', [CompletionResultType]::ParameterName, 'Use FILE [default: state directory if it is set, or else the data directory]')
            [CompletionResult]::new('--give-up', '--give-up', [CompletionResultType]::ParameterName, 'Give up after TIME [default: 10m]')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Keep state between runs in DIR')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Connect through a proxy, or "none"')
            [CompletionResult]::new('--ca', '--ca', [CompletionResultType]::ParameterName, 'Also trust the CA certificates in FILE')
            [CompletionResult]::new('--link', '--link', [CompletionResultType]::ParameterName, 'Print a link that contains the token, for sending from a browser')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Don''t print progress or hints')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Don''t print progress or hints')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON lines')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more detail (-vv for debugging) [env: SHARE_LOG]')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more detail (-vv for debugging) [env: SHARE_LOG]')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List create tokens with their limits')
            [CompletionResult]::new('revoke', 'revoke', [CompletionResultType]::ParameterValue, 'Revoke a create token')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print the help of a command')
            break
        }
        'share;relay;token;list' {
            [CompletionResult]::new('--create-token-file', '--create-token-file', [CompletionResultType]::ParameterName, 'Use FILE [default: state directory if it is set, or else the data directory]')
            [CompletionResult]::new('--give-up', '--give-up', [CompletionResultType]::ParameterName, 'Give up after TIME [default: 10m]')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Keep state between runs in DIR')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Connect through a proxy, or "none"')
            [CompletionResult]::new('--ca', '--ca', [CompletionResultType]::ParameterName, 'Also trust the CA certificates in FILE')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Don''t print progress or hints')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Don''t print progress or hints')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON lines')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more detail (-vv for debugging) [env: SHARE_LOG]')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more detail (-vv for debugging) [env: SHARE_LOG]')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'share;relay;token;revoke' {
            [CompletionResult]::new('--create-token-file', '--create-token-file', [CompletionResultType]::ParameterName, 'Use FILE [default: state directory if it is set, or else the data directory]')
            [CompletionResult]::new('--give-up', '--give-up', [CompletionResultType]::ParameterName, 'Give up after TIME [default: 10m]')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Keep state between runs in DIR')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Connect through a proxy, or "none"')
            [CompletionResult]::new('--ca', '--ca', [CompletionResultType]::ParameterName, 'Also trust the CA certificates in FILE')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Don''t print progress or hints')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Don''t print progress or hints')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON lines')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more detail (-vv for debugging) [env: SHARE_LOG]')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more detail (-vv for debugging) [env: SHARE_LOG]')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'share;relay;token;help' {
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List create tokens with their limits')
            [CompletionResult]::new('revoke', 'revoke', [CompletionResultType]::ParameterValue, 'Revoke a create token')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'share;relay;token;help;list' {
            break
        }
        'share;relay;token;help;revoke' {
            break
        }
        'share;relay;token;help;help' {
            break
        }
        'share;relay;check' {
            [CompletionResult]::new('--give-up', '--give-up', [CompletionResultType]::ParameterName, 'Give up after TIME [default: 10m]')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Keep state between runs in DIR')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Connect through a proxy, or "none"')
            [CompletionResult]::new('--ca', '--ca', [CompletionResultType]::ParameterName, 'Also trust the CA certificates in FILE')
            [CompletionResult]::new('--held', '--held', [CompletionResultType]::ParameterName, 'Also check that a request can wait 55 seconds, as --wait requires')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Don''t print progress or hints')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Don''t print progress or hints')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON lines')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more detail (-vv for debugging) [env: SHARE_LOG]')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more detail (-vv for debugging) [env: SHARE_LOG]')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'share;relay;status' {
            [CompletionResult]::new('--admin', '--admin', [CompletionResultType]::ParameterName, 'Ask the relay at ADDRESS: 127.0.0.1:PORT, [::1]:PORT or unix:PATH [default: relay.sock in the state directory, or that of the system service]')
            [CompletionResult]::new('--give-up', '--give-up', [CompletionResultType]::ParameterName, 'Give up after TIME [default: 10m]')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Keep state between runs in DIR')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Connect through a proxy, or "none"')
            [CompletionResult]::new('--ca', '--ca', [CompletionResultType]::ParameterName, 'Also trust the CA certificates in FILE')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Don''t print progress or hints')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Don''t print progress or hints')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON lines')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more detail (-vv for debugging) [env: SHARE_LOG]')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more detail (-vv for debugging) [env: SHARE_LOG]')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'share;relay;reports' {
            [CompletionResult]::new('--give-up', '--give-up', [CompletionResultType]::ParameterName, 'Give up after TIME [default: 10m]')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Keep state between runs in DIR')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Connect through a proxy, or "none"')
            [CompletionResult]::new('--ca', '--ca', [CompletionResultType]::ParameterName, 'Also trust the CA certificates in FILE')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Don''t print progress or hints')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Don''t print progress or hints')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON lines')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more detail (-vv for debugging) [env: SHARE_LOG]')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more detail (-vv for debugging) [env: SHARE_LOG]')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the reports at a relay')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Verify a report, and show what was reported')
            [CompletionResult]::new('save', 'save', [CompletionResultType]::ParameterValue, 'Save what was reported, or the whole report as it is')
            [CompletionResult]::new('delete', 'delete', [CompletionResultType]::ParameterValue, 'Delete a report and what was reported')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print the help of a command')
            break
        }
        'share;relay;reports;list' {
            [CompletionResult]::new('--identity', '--identity', [CompletionResultType]::ParameterName, 'Decrypt with the age identity in FILE; - reads it from standard input')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Read the store of the relay at URL [default: data directory]')
            [CompletionResult]::new('--give-up', '--give-up', [CompletionResultType]::ParameterName, 'Give up after TIME [default: 10m]')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Keep state between runs in DIR')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Connect through a proxy, or "none"')
            [CompletionResult]::new('--ca', '--ca', [CompletionResultType]::ParameterName, 'Also trust the CA certificates in FILE')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Don''t print progress or hints')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Don''t print progress or hints')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON lines')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more detail (-vv for debugging) [env: SHARE_LOG]')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more detail (-vv for debugging) [env: SHARE_LOG]')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'share;relay;reports;show' {
            [CompletionResult]::new('--identity', '--identity', [CompletionResultType]::ParameterName, 'Decrypt with the age identity in FILE; - reads it from standard input')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Read the store of the relay at URL [default: data directory]')
            [CompletionResult]::new('--give-up', '--give-up', [CompletionResultType]::ParameterName, 'Give up after TIME [default: 10m]')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Keep state between runs in DIR')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Connect through a proxy, or "none"')
            [CompletionResult]::new('--ca', '--ca', [CompletionResultType]::ParameterName, 'Also trust the CA certificates in FILE')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Don''t print progress or hints')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Don''t print progress or hints')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON lines')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more detail (-vv for debugging) [env: SHARE_LOG]')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more detail (-vv for debugging) [env: SHARE_LOG]')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'share;relay;reports;save' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Save to FILE or DIR; with --encrypted also to standard output (-)')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Save to FILE or DIR; with --encrypted also to standard output (-)')
            [CompletionResult]::new('--identity', '--identity', [CompletionResultType]::ParameterName, 'Decrypt with the age identity in FILE; - reads it from standard input')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Read the store of the relay at URL [default: data directory]')
            [CompletionResult]::new('--give-up', '--give-up', [CompletionResultType]::ParameterName, 'Give up after TIME [default: 10m]')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Keep state between runs in DIR')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Connect through a proxy, or "none"')
            [CompletionResult]::new('--ca', '--ca', [CompletionResultType]::ParameterName, 'Also trust the CA certificates in FILE')
            [CompletionResult]::new('--encrypted', '--encrypted', [CompletionResultType]::ParameterName, 'Save the report as it is, encrypted')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Don''t print progress or hints')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Don''t print progress or hints')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON lines')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more detail (-vv for debugging) [env: SHARE_LOG]')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more detail (-vv for debugging) [env: SHARE_LOG]')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'share;relay;reports;delete' {
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Read the store of the relay at URL [default: data directory]')
            [CompletionResult]::new('--give-up', '--give-up', [CompletionResultType]::ParameterName, 'Give up after TIME [default: 10m]')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Keep state between runs in DIR')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Connect through a proxy, or "none"')
            [CompletionResult]::new('--ca', '--ca', [CompletionResultType]::ParameterName, 'Also trust the CA certificates in FILE')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Don''t ask for confirmation')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Don''t ask for confirmation')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Don''t print progress or hints')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Don''t print progress or hints')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON lines')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more detail (-vv for debugging) [env: SHARE_LOG]')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more detail (-vv for debugging) [env: SHARE_LOG]')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'share;relay;reports;help' {
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the reports at a relay')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Verify a report, and show what was reported')
            [CompletionResult]::new('save', 'save', [CompletionResultType]::ParameterValue, 'Save what was reported, or the whole report as it is')
            [CompletionResult]::new('delete', 'delete', [CompletionResultType]::ParameterValue, 'Delete a report and what was reported')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'share;relay;reports;help;list' {
            break
        }
        'share;relay;reports;help;show' {
            break
        }
        'share;relay;reports;help;save' {
            break
        }
        'share;relay;reports;help;delete' {
            break
        }
        'share;relay;reports;help;help' {
            break
        }
        'share;relay;help' {
            [CompletionResult]::new('use', 'use', [CompletionResultType]::ParameterValue, 'Make a relay the default after checking it')
            [CompletionResult]::new('token', 'token', [CompletionResultType]::ParameterValue, 'Make, list and revoke create tokens')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Check that a relay works, and print its limits')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show what a relay on this machine does')
            [CompletionResult]::new('reports', 'reports', [CompletionResultType]::ParameterValue, 'List, read, save and delete reports')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'share;relay;help;use' {
            break
        }
        'share;relay;help;token' {
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List create tokens with their limits')
            [CompletionResult]::new('revoke', 'revoke', [CompletionResultType]::ParameterValue, 'Revoke a create token')
            break
        }
        'share;relay;help;token;list' {
            break
        }
        'share;relay;help;token;revoke' {
            break
        }
        'share;relay;help;check' {
            break
        }
        'share;relay;help;status' {
            break
        }
        'share;relay;help;reports' {
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the reports at a relay')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Verify a report, and show what was reported')
            [CompletionResult]::new('save', 'save', [CompletionResultType]::ParameterValue, 'Save what was reported, or the whole report as it is')
            [CompletionResult]::new('delete', 'delete', [CompletionResultType]::ParameterValue, 'Delete a report and what was reported')
            break
        }
        'share;relay;help;reports;list' {
            break
        }
        'share;relay;help;reports;show' {
            break
        }
        'share;relay;help;reports;save' {
            break
        }
        'share;relay;help;reports;delete' {
            break
        }
        'share;relay;help;help' {
            break
        }
        'share;completions' {
            [CompletionResult]::new('--give-up', '--give-up', [CompletionResultType]::ParameterName, 'Give up after TIME [default: 10m]')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Keep state between runs in DIR')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Connect through a proxy, or "none"')
            [CompletionResult]::new('--ca', '--ca', [CompletionResultType]::ParameterName, 'Also trust the CA certificates in FILE')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Don''t print progress or hints')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Don''t print progress or hints')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON lines')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more detail (-vv for debugging) [env: SHARE_LOG]')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more detail (-vv for debugging) [env: SHARE_LOG]')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'share;man' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write all pages to DIR')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write all pages to DIR')
            [CompletionResult]::new('--give-up', '--give-up', [CompletionResultType]::ParameterName, 'Give up after TIME [default: 10m]')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Keep state between runs in DIR')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Connect through a proxy, or "none"')
            [CompletionResult]::new('--ca', '--ca', [CompletionResultType]::ParameterName, 'Also trust the CA certificates in FILE')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Don''t print progress or hints')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Don''t print progress or hints')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results as JSON lines')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more detail (-vv for debugging) [env: SHARE_LOG]')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more detail (-vv for debugging) [env: SHARE_LOG]')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'share;help' {
            [CompletionResult]::new('send', 'send', [CompletionResultType]::ParameterValue, 'Send files or text and print a link that works once')
            [CompletionResult]::new('open', 'open', [CompletionResultType]::ParameterValue, 'Open a link and show or save what was sent')
            [CompletionResult]::new('peek', 'peek', [CompletionResultType]::ParameterValue, 'Show what a link leads to without opening it')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show whether a share was opened, when and by whom')
            [CompletionResult]::new('revoke', 'revoke', [CompletionResultType]::ParameterValue, 'Revoke a share, so that its link no longer works')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the shares that were sent from this device')
            [CompletionResult]::new('report', 'report', [CompletionResultType]::ParameterValue, 'Report a share to the operator of its relay')
            [CompletionResult]::new('relay', 'relay', [CompletionResultType]::ParameterValue, 'Run a relay, or choose and check one')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print completions for a shell')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Print a manual page, or write all of them')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'share;help;send' {
            break
        }
        'share;help;open' {
            break
        }
        'share;help;peek' {
            break
        }
        'share;help;status' {
            break
        }
        'share;help;revoke' {
            break
        }
        'share;help;list' {
            break
        }
        'share;help;report' {
            break
        }
        'share;help;relay' {
            [CompletionResult]::new('use', 'use', [CompletionResultType]::ParameterValue, 'Make a relay the default after checking it')
            [CompletionResult]::new('token', 'token', [CompletionResultType]::ParameterValue, 'Make, list and revoke create tokens')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Check that a relay works, and print its limits')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show what a relay on this machine does')
            [CompletionResult]::new('reports', 'reports', [CompletionResultType]::ParameterValue, 'List, read, save and delete reports')
            break
        }
        'share;help;relay;use' {
            break
        }
        'share;help;relay;token' {
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List create tokens with their limits')
            [CompletionResult]::new('revoke', 'revoke', [CompletionResultType]::ParameterValue, 'Revoke a create token')
            break
        }
        'share;help;relay;token;list' {
            break
        }
        'share;help;relay;token;revoke' {
            break
        }
        'share;help;relay;check' {
            break
        }
        'share;help;relay;status' {
            break
        }
        'share;help;relay;reports' {
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the reports at a relay')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Verify a report, and show what was reported')
            [CompletionResult]::new('save', 'save', [CompletionResultType]::ParameterValue, 'Save what was reported, or the whole report as it is')
            [CompletionResult]::new('delete', 'delete', [CompletionResultType]::ParameterValue, 'Delete a report and what was reported')
            break
        }
        'share;help;relay;reports;list' {
            break
        }
        'share;help;relay;reports;show' {
            break
        }
        'share;help;relay;reports;save' {
            break
        }
        'share;help;relay;reports;delete' {
            break
        }
        'share;help;completions' {
            break
        }
        'share;help;man' {
            break
        }
        'share;help;help' {
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
