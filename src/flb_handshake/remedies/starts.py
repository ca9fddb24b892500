"""What stops the start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from flb_handshake.remedies.remedy import Remedy

STARTS: Final[Mapping[str, Remedy]] = {
    "ca_file_missing": Remedy(
        meaning="tls.ca_file does not exist",
        because="tls.ca_file names {ca_file}, which does not exist",
        fix="write the root's certificate (PEM) to {ca_file}, or correct tls.ca_file",
    ),
    "ca_file_unreadable": Remedy(
        meaning="Fluent Bit may not read tls.ca_file",
        because="tls.ca_file names {ca_file}, which Fluent Bit may not read (Permission denied)",
        fix="let the user that Fluent Bit runs as read {ca_file} (tls.ca_file)",
    ),
    "ca_file_not_pem": Remedy(
        meaning="tls.ca_file is not PEM",
        because="tls.ca_file names {ca_file}, in which no PEM certificate is found ({form})",
        fix="write the root's certificate as PEM to tls.ca_file (from DER: openssl x509 -inform "
        "DER)",
    ),
    "ca_file_empty": Remedy(
        meaning="tls.ca_file is empty",
        because="tls.ca_file names {ca_file}, which is empty",
        fix="write the root's certificate (PEM) to {ca_file} (tls.ca_file)",
    ),
    "ca_file_is_directory": Remedy(
        meaning="tls.ca_file is a directory",
        because="tls.ca_file names {ca_file}, which is a directory",
        fix="name a file as tls.ca_file, or the directory as tls.ca_path (its files hashed)",
    ),
    "crt_file_unusable": Remedy(
        meaning="tls.crt_file cannot be used",
        because="tls.crt_file names {crt_file}, which {trouble} (it says: {said})",
        fix="put the client certificate (PEM, the leaf first) into tls.crt_file, readable for "
        "Fluent Bit",
    ),
    "key_file_missing": Remedy(
        meaning="tls.key_file does not exist",
        because="tls.key_file names {key_file}, which does not exist: the words about a password "
        "that does not match mislead",
        fix="write the private key to {key_file}, or correct tls.key_file",
    ),
    "key_file_unreadable": Remedy(
        meaning="Fluent Bit may not read tls.key_file",
        because="tls.key_file names {key_file}, which Fluent Bit may not read (Permission denied)",
        fix="let the user that Fluent Bit runs as read {key_file} (tls.key_file)",
    ),
    "key_file_not_pem": Remedy(
        meaning="tls.key_file holds no private key",
        because="tls.key_file names {key_file}, in which no PEM private key is found",
        fix="write the private key (PEM) to tls.key_file",
    ),
    "key_mismatch": Remedy(
        meaning="tls.key_file does not belong to tls.crt_file",
        because="the key in tls.key_file ({key_file}) is not that of {certificate} in tls.crt_file",
        fix="set tls.key_file to the key that belongs to the certificate in tls.crt_file",
    ),
    "key_mismatch/order": Remedy(
        because="the first certificate in tls.crt_file is {subject}, a CA's, and the key in "
        "tls.key_file ({key_file}) is not its key",
        fix="put the agent's own certificate first into tls.crt_file, its issuers after it",
    ),
    "key_passphrase": Remedy(
        meaning="tls.key_file is encrypted, and tls.key_passwd does not open it",
        because="the key in tls.key_file ({key_file}) is encrypted, and {passphrase}",
        fix="set tls.key_passwd to the passphrase of the key",
    ),
    "key_without_certificate": Remedy(
        meaning="tls.key_file is set without tls.crt_file",
        because="tls.key_file is set without tls.crt_file, and there is nothing that the key could "
        "match: the words about a password mislead",
        fix="set tls.crt_file to the certificate of that key, or take tls.key_file away",
    ),
    "bad_ciphers": Remedy(
        meaning="tls.ciphers holds no cipher that OpenSSL knows",
        because="OpenSSL finds no cipher of TLS 1.2 in tls.ciphers ({ciphers})",
        fix="set tls.ciphers to a list of OpenSSL's names, such as ECDHE-ECDSA-AES256-GCM-SHA384, "
        "or take it away",
    ),
    "bad_ciphers/hangs": Remedy(
        because="OpenSSL finds no cipher of TLS 1.2 in tls.ciphers ({ciphers}), and {agent} hangs: "
        "before 5.0 it waits for a lock that it holds itself",
        fix="set tls.ciphers to a list of OpenSSL's names, such as ECDHE-ECDSA-AES256-GCM-SHA384; "
        "end that Fluent Bit by SIGKILL",
    ),
    "crashed": Remedy(
        meaning="Fluent Bit crashes at its start",
        because="{agent} crashed before it connected (it says: {said})",
        fix="take the properties away one by one until it starts, and report the one upstream",
    ),
    "crashed/bound": Remedy(
        because="{bound} is {value}, which names no protocol version: {agent} crashes at that, as "
        "every release from 4.0 to 4.2 does",
        fix="write TLSv1.2 or TLSv1.3 as {bound}",
    ),
    "config_syntax": Remedy(
        meaning="the configuration is not in Fluent Bit's classic format",
        because="the configuration cannot be read at line {line}: {text}",
        fix="write `key value` on that line; a section is [NAME], and there are no nested blocks",
    ),
    "config_syntax/block": Remedy(
        because="the configuration cannot be read at line {line}: no Fluent Bit has a block such "
        "as {text}",
        fix="write properties of the plugin in place of the block: {mode}CA.File is tls.ca_file, "
        "Client.Cert is tls.crt_file, Client.Key is tls.key_file",
    ),
    "unknown_property": Remedy(
        meaning="a property is misspelt, or this plugin does not have it",
        because="{plugin} of {agent} has no property '{property}'",
        fix="{hint}",
    ),
    "tls_on_plugin_without_tls": Remedy(
        meaning="tls is set on a plugin that opens no connection",
        because="{who} opens no network connection, and takes no tls property",
        fix="take tls away from {who}, and set it on the plugin that connects",
    ),
    "not_started": Remedy(
        because="{agent} ended before it connected, with exit code {exit_code} (it says: {said})",
        fix="mend what the last line of the log complains of",
    ),
    "crt_file_not_set": Remedy(
        because="tls is on for an input, which is a TLS server, and tls.crt_file is not set",
        fix="set tls.crt_file to the input's certificate (PEM, its issuers after it) and "
        "tls.key_file to its key",
    ),
    "key_file_not_set": Remedy(
        because="tls is on for an input, which is a TLS server, and tls.key_file is not set",
        fix="set tls.key_file to the private key of the certificate in tls.crt_file",
    ),
    "port_taken": Remedy(
        because="the input cannot listen: another program has its address and port (it says: "
        "{said})",
        fix="end the other program (ss -ltnp names it), or set another Port",
    ),
}
