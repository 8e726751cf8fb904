
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
            [CompletionResult]::new('--give-up', '--give-up', [CompletionResultType]::ParameterName, 'Give up when the relay does not answer for this long [default: 10m]')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where to keep what must outlive a run')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object a line, for programs')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results, warnings and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results, warnings and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice: everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice: everything')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('send', 'send', [CompletionResultType]::ParameterValue, 'Send something that can be opened once, and print its link')
            [CompletionResult]::new('open', 'open', [CompletionResultType]::ParameterValue, 'Open a link. It opens once')
            [CompletionResult]::new('peek', 'peek', [CompletionResultType]::ParameterValue, 'Say what waits behind a link, without opening it')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Ask what became of what you sent')
            [CompletionResult]::new('revoke', 'revoke', [CompletionResultType]::ParameterValue, 'Take back what you sent: the link is dead, and the relay deletes what it holds')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List what you sent, and what became of it')
            [CompletionResult]::new('relay', 'relay', [CompletionResultType]::ParameterValue, 'Run a relay, or choose and check one')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print completions for a shell')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Print the manual page, or the one of a command')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'share;send' {
            [CompletionResult]::new('--relay', '--relay', [CompletionResultType]::ParameterName, 'Where to leave it')
            [CompletionResult]::new('--listen', '--listen', [CompletionResultType]::ParameterName, 'With --direct: the address to listen on [default: the one on the local network, port 4080 if it is free]')
            [CompletionResult]::new('--interface', '--interface', [CompletionResultType]::ParameterName, 'Serve a direct share on the interface NAME, such as wlan0')
            [CompletionResult]::new('--public-url', '--public-url', [CompletionResultType]::ParameterName, 'With --direct: the address of a tunnel that leads here')
            [CompletionResult]::new('-e', '-e', [CompletionResultType]::ParameterName, 'How long it may wait to be opened: 1m to 90d [default: 14d]')
            [CompletionResult]::new('--expire', '--expire', [CompletionResultType]::ParameterName, 'How long it may wait to be opened: 1m to 90d [default: 14d]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'What the recipient calls it')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'What the recipient calls it')
            [CompletionResult]::new('--for', '--for', [CompletionResultType]::ParameterName, 'A link of their own for WHO; may be said several times')
            [CompletionResult]::new('--links', '--links', [CompletionResultType]::ParameterName, 'So many links, each of which opens once')
            [CompletionResult]::new('--metadata', '--metadata', [CompletionResultType]::ParameterName, 'What becomes of positions, times and cameras in photos and videos')
            [CompletionResult]::new('--receipt', '--receipt', [CompletionResultType]::ParameterName, 'Keep in FILE what asks for it and takes it back, on any machine')
            [CompletionResult]::new('--passphrase-file', '--passphrase-file', [CompletionResultType]::ParameterName, 'Read the passphrase from the first line of a file')
            [CompletionResult]::new('--give-up', '--give-up', [CompletionResultType]::ParameterName, 'Give up when the relay does not answer for this long [default: 10m]')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where to keep what must outlive a run')
            [CompletionResult]::new('--direct', '--direct', [CompletionResultType]::ParameterName, 'Serve it from this machine until it was opened')
            [CompletionResult]::new('--no-name', '--no-name', [CompletionResultType]::ParameterName, 'Don''t tell the recipient the names of files')
            [CompletionResult]::new('--text', '--text', [CompletionResultType]::ParameterName, 'Ask for a text to send')
            [CompletionResult]::new('--bare', '--bare', [CompletionResultType]::ParameterName, 'Print the link in the form that no bot and no preview follows')
            [CompletionResult]::new('--qr', '--qr', [CompletionResultType]::ParameterName, 'Show the link as a QR code too')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Copy the link to the clipboard, and keep it out of clipboard histories')
            [CompletionResult]::new('--copy', '--copy', [CompletionResultType]::ParameterName, 'Copy the link to the clipboard, and keep it out of clipboard histories')
            [CompletionResult]::new('--view-only', '--view-only', [CompletionResultType]::ParameterName, 'Ask recipients'' programs to show it and not to save it: a courtesy, not a lock')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'Wait until it was opened')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Ask for a passphrase')
            [CompletionResult]::new('--passphrase', '--passphrase', [CompletionResultType]::ParameterName, 'Ask for a passphrase')
            [CompletionResult]::new('-P', '-P ', [CompletionResultType]::ParameterName, 'Make a passphrase of four words, and show it')
            [CompletionResult]::new('--generate-passphrase', '--generate-passphrase', [CompletionResultType]::ParameterName, 'Make a passphrase of four words, and show it')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object a line, for programs')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results, warnings and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results, warnings and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice: everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice: everything')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'share;open' {
            [CompletionResult]::new('--relay', '--relay', [CompletionResultType]::ParameterName, 'The relay of links that name none')
            [CompletionResult]::new('--passphrase-file', '--passphrase-file', [CompletionResultType]::ParameterName, 'Read the passphrase from the first line of a file')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Save it instead of showing it: to a file, into a directory under the sender''s name, or `-` for standard output')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Save it instead of showing it: to a file, into a directory under the sender''s name, or `-` for standard output')
            [CompletionResult]::new('--seconds', '--seconds', [CompletionResultType]::ParameterName, 'Close what is shown after so many seconds')
            [CompletionResult]::new('--give-up', '--give-up', [CompletionResultType]::ParameterName, 'Give up when the relay does not answer for this long [default: 10m]')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where to keep what must outlive a run')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Ask for a passphrase')
            [CompletionResult]::new('--passphrase', '--passphrase', [CompletionResultType]::ParameterName, 'Ask for a passphrase')
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Replace FILE if it exists')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Replace FILE if it exists')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Don''t ask: show it, or save it here where it cannot be shown')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Don''t ask: show it, or save it here where it cannot be shown')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object a line, for programs')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results, warnings and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results, warnings and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice: everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice: everything')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'share;peek' {
            [CompletionResult]::new('--relay', '--relay', [CompletionResultType]::ParameterName, 'The relay of links that name none')
            [CompletionResult]::new('--passphrase-file', '--passphrase-file', [CompletionResultType]::ParameterName, 'Read the passphrase from the first line of a file')
            [CompletionResult]::new('--give-up', '--give-up', [CompletionResultType]::ParameterName, 'Give up when the relay does not answer for this long [default: 10m]')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where to keep what must outlive a run')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Ask for a passphrase')
            [CompletionResult]::new('--passphrase', '--passphrase', [CompletionResultType]::ParameterName, 'Ask for a passphrase')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object a line, for programs')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results, warnings and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results, warnings and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice: everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice: everything')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'share;status' {
            [CompletionResult]::new('--receipt', '--receipt', [CompletionResultType]::ParameterName, 'What share send --receipt wrote, on this machine or another')
            [CompletionResult]::new('--give-up', '--give-up', [CompletionResultType]::ParameterName, 'Give up when the relay does not answer for this long [default: 10m]')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where to keep what must outlive a run')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'Wait until it was opened, or cannot be any more')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object a line, for programs')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results, warnings and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results, warnings and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice: everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice: everything')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'share;revoke' {
            [CompletionResult]::new('--receipt', '--receipt', [CompletionResultType]::ParameterName, 'What share send --receipt wrote, on this machine or another')
            [CompletionResult]::new('--give-up', '--give-up', [CompletionResultType]::ParameterName, 'Give up when the relay does not answer for this long [default: 10m]')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where to keep what must outlive a run')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Don''t ask')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Don''t ask')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object a line, for programs')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results, warnings and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results, warnings and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice: everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice: everything')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'share;list' {
            [CompletionResult]::new('--give-up', '--give-up', [CompletionResultType]::ParameterName, 'Give up when the relay does not answer for this long [default: 10m]')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where to keep what must outlive a run')
            [CompletionResult]::new('--forget', '--forget', [CompletionResultType]::ParameterName, 'Forget what has ended')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object a line, for programs')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results, warnings and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results, warnings and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice: everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice: everything')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'share;relay' {
            [CompletionResult]::new('--listen', '--listen', [CompletionResultType]::ParameterName, 'Where to listen [default: 127.0.0.1:4080]')
            [CompletionResult]::new('--public-url', '--public-url', [CompletionResultType]::ParameterName, 'The address by which people reach it')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where to keep shares: file:///DIRECTORY, s3://BUCKET/PREFIX, gs://…, az://… or memory: [default: the data directory]')
            [CompletionResult]::new('--reserve', '--reserve', [CompletionResultType]::ParameterName, 'Room that must stay free for anything new to be taken [default: 5 %, and 1 GiB at least]')
            [CompletionResult]::new('--max-size', '--max-size', [CompletionResultType]::ParameterName, 'The largest share')
            [CompletionResult]::new('--create-token-file', '--create-token-file', [CompletionResultType]::ParameterName, 'Let those leave something here who have a token of this file: share relay token makes them')
            [CompletionResult]::new('--give-up', '--give-up', [CompletionResultType]::ParameterName, 'Give up when the relay does not answer for this long [default: 10m]')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where to keep what must outlive a run')
            [CompletionResult]::new('--shared-folder', '--shared-folder', [CompletionResultType]::ParameterName, 'Several relays use the folder at once')
            [CompletionResult]::new('--open', '--open', [CompletionResultType]::ParameterName, 'Let anybody leave something here, not only programs of this machine')
            [CompletionResult]::new('--plain-http', '--plain-http', [CompletionResultType]::ParameterName, 'Listen on a network without encryption: on a trusted one, or behind a proxy that encrypts')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object a line, for programs')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results, warnings and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results, warnings and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice: everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice: everything')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('use', 'use', [CompletionResultType]::ParameterValue, 'Make a relay the default, after checking that it works')
            [CompletionResult]::new('token', 'token', [CompletionResultType]::ParameterValue, 'Make a create token for somebody who may leave things at your relay')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Find out whether a relay works, and what it takes')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'share;relay;use' {
            [CompletionResult]::new('--give-up', '--give-up', [CompletionResultType]::ParameterName, 'Give up when the relay does not answer for this long [default: 10m]')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where to keep what must outlive a run')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object a line, for programs')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results, warnings and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results, warnings and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice: everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice: everything')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'share;relay;token' {
            [CompletionResult]::new('--create-token-file', '--create-token-file', [CompletionResultType]::ParameterName, 'The file that share relay --create-token-file reads [default: in the data directory]')
            [CompletionResult]::new('--give-up', '--give-up', [CompletionResultType]::ParameterName, 'Give up when the relay does not answer for this long [default: 10m]')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where to keep what must outlive a run')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object a line, for programs')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results, warnings and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results, warnings and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice: everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice: everything')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'share;relay;check' {
            [CompletionResult]::new('--give-up', '--give-up', [CompletionResultType]::ParameterName, 'Give up when the relay does not answer for this long [default: 10m]')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where to keep what must outlive a run')
            [CompletionResult]::new('--held', '--held', [CompletionResultType]::ParameterName, 'Also find out whether an answer may be held back for 55 seconds, as --wait needs it')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object a line, for programs')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results, warnings and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results, warnings and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice: everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice: everything')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'share;relay;help' {
            [CompletionResult]::new('use', 'use', [CompletionResultType]::ParameterValue, 'Make a relay the default, after checking that it works')
            [CompletionResult]::new('token', 'token', [CompletionResultType]::ParameterValue, 'Make a create token for somebody who may leave things at your relay')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Find out whether a relay works, and what it takes')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'share;relay;help;use' {
            break
        }
        'share;relay;help;token' {
            break
        }
        'share;relay;help;check' {
            break
        }
        'share;relay;help;help' {
            break
        }
        'share;completions' {
            [CompletionResult]::new('--give-up', '--give-up', [CompletionResultType]::ParameterName, 'Give up when the relay does not answer for this long [default: 10m]')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where to keep what must outlive a run')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object a line, for programs')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results, warnings and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results, warnings and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice: everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice: everything')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'share;man' {
            [CompletionResult]::new('--give-up', '--give-up', [CompletionResultType]::ParameterName, 'Give up when the relay does not answer for this long [default: 10m]')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where to keep what must outlive a run')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object a line, for programs')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results, warnings and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results, warnings and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice: everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice: everything')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'share;help' {
            [CompletionResult]::new('send', 'send', [CompletionResultType]::ParameterValue, 'Send something that can be opened once, and print its link')
            [CompletionResult]::new('open', 'open', [CompletionResultType]::ParameterValue, 'Open a link. It opens once')
            [CompletionResult]::new('peek', 'peek', [CompletionResultType]::ParameterValue, 'Say what waits behind a link, without opening it')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Ask what became of what you sent')
            [CompletionResult]::new('revoke', 'revoke', [CompletionResultType]::ParameterValue, 'Take back what you sent: the link is dead, and the relay deletes what it holds')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List what you sent, and what became of it')
            [CompletionResult]::new('relay', 'relay', [CompletionResultType]::ParameterValue, 'Run a relay, or choose and check one')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print completions for a shell')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Print the manual page, or the one of a command')
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
        'share;help;relay' {
            [CompletionResult]::new('use', 'use', [CompletionResultType]::ParameterValue, 'Make a relay the default, after checking that it works')
            [CompletionResult]::new('token', 'token', [CompletionResultType]::ParameterValue, 'Make a create token for somebody who may leave things at your relay')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Find out whether a relay works, and what it takes')
            break
        }
        'share;help;relay;use' {
            break
        }
        'share;help;relay;token' {
            break
        }
        'share;help;relay;check' {
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
