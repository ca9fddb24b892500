"""What people ask most of Fluent Bit and TLS, each with the scenario whose result answers it."""

from __future__ import annotations

from typing import Final

QUESTIONS: Final[tuple[tuple[str, tuple[tuple[str, str], ...]], ...]] = (
    (
        "An output, and the server's certificate",
        (
            (
                "All is right: `tls on`, `tls.verify on`, `tls.ca_file` the root",
                "mode.cell[mode=verify_peer-ca=root-collector=healthy]",
            ),
            (
                "The certificate is another host's, and nothing is said of names",
                "mode.cell[mode=verify_peer-ca=root-collector=wrong_host]",
            ),
            (
                "The same, with `tls.verify_hostname on`",
                "mode.cell[mode=verify_host-ca=root-collector=wrong_host]",
            ),
            (
                "The same, with `tls.verify_hostname on` and `tls.verify off`",
                "syntax.verify_hostname[words=off+on]",
            ),
            (
                "An address is dialled that the certificate bears as an IP address, "
                "with `tls.verify_hostname on`",
                "names.name[mode=verify_host-naming=IP_SAN_right]",
            ),
            (
                "The certificate has no subjectAltName, only a matching common name, "
                "with `tls.verify_hostname on`",
                "names.name[mode=verify_host-naming=no_SAN_matching_CN]",
            ),
            (
                "The certificate is of an authority that `tls.ca_file` does not hold",
                "trust.untrusted_root[mode=verify_peer]",
            ),
            (
                "The same, with `tls.verify off`",
                "syntax.verify[word=off]",
            ),
            (
                "The certificate has expired",
                "validity.too_old[mode=verify_peer-at=leaf]",
            ),
            (
                "The same, with `tls.verify off`",
                "validity.unverified[at=leaf-age=expired]",
            ),
            (
                "The server does not send its intermediate certificate",
                "trust.missing_intermediate[mode=verify_peer]",
            ),
            (
                "The same, and `tls.ca_file` holds it beside the root",
                "mode.cell[mode=verify_peer-ca=intermediate_and_root-collector=no_intermediate]",
            ),
            (
                "`tls.ca_file` holds the intermediate alone",
                "mode.cell[mode=verify_peer-ca=intermediate-collector=healthy]",
            ),
            (
                "`tls.ca_file` holds the server's certificate itself, which an authority issued",
                "mode.cell[mode=verify_peer-ca=leaf-collector=healthy]",
            ),
            (
                "`tls.ca_file` holds the server's self-signed certificate",
                "mode.cell[mode=verify_peer-ca=self_signed_leaf-collector=healthy]",
            ),
            (
                "`tls.ca_file` names a file that is not there",
                "mode.cell[mode=verify_peer-ca=missing_file-collector=healthy]",
            ),
            (
                "`tls.ca_file` holds the root, and `tls.ca_path` names an empty directory",
                "files.ca_path_and_ca_file[mode=verify_peer-path=empty]",
            ),
            (
                "The certificate is revoked, and `tls.ca_file` holds the CRL",
                "trust.revoked_certificate[mode=verify_peer-at=leaf]",
            ),
        ),
    ),
    (
        "An output, and whether it speaks TLS at all",
        (
            (
                "`tls.ca_file` and `tls.verify on`, but no `tls on`",
                "syntax.tls_unset[mode=verify_peer]",
            ),
            ("`tls maybe`, or another word that is no boolean", "syntax.tls[word=maybe]"),
            ("`tls yes`", "syntax.tls[word=yes]"),
            ("out_gelf with `mode tls`, but no `tls on`", "streams.gelf[mode=tls-tls=unset]"),
            ("out_syslog with `mode tls`, but no `tls on`", "streams.syslog[mode=tls-tls=unset]"),
            ("out_gelf in datagrams with `tls on`", "streams.gelf[mode=udp-tls=on]"),
            ("out_nats with `tls on`", "streams.nats[tls=on]"),
        ),
    ),
    (
        "An output, its protocol and its own certificate",
        (
            ("The server speaks TLS 1.2 at most", "protocol.no_bounds[collector=TLSv1.2]"),
            ("The server speaks TLS 1.1 at most", "protocol.no_bounds[collector=TLSv1.1]"),
            (
                "`tls.min_version` is no version that it knows, and the server speaks TLS 1.2",
                "syntax.unparsable_minimum[value=TLSv9]",
            ),
            (
                "The server demands a certificate, and there is none, TLS 1.3",
                "client_auth.policy[policy=demand-certificate=none-version=TLSv1.3]",
            ),
            (
                "`tls.crt_file` without `tls.key_file`, and the server demands a certificate",
                "files.certificate_without_key[mode=verify_peer-demanded=True]",
            ),
            (
                "`tls.key_file` holds the key of another certificate",
                "files.key_of_another_certificate[mode=verify_peer]",
            ),
        ),
    ),
    (
        "An input, and who ships to it",
        (
            (
                "`tls.verify on` and `tls.ca_file`: a client without a certificate",
                "server_role.cell[http=1.1-mode=verify_peer-ca=right-shipper=no_certificate]",
            ),
            (
                "`tls.verify on` and `tls.ca_file`: a client of another authority",
                "server_role.cell[http=1.1-mode=verify_peer-ca=right-shipper=other_CA]",
            ),
            (
                "`tls.verify_client_cert on` as well: a client without a certificate",
                "server_role.cell[http=1.1-mode=require-ca=right-shipper=no_certificate]",
            ),
            (
                "`tls.verify_client_cert on`, but `tls.verify off`: a client without a certificate",
                "server_role.cell[http=1.1-mode=verify_off_verify_client_cert_on-ca=right"
                "-shipper=no_certificate]",
            ),
            (
                "`tls.verify on`: a client that resumes its session",
                "protocol.shipper_resumes[version=TLSv1.3-mode=verify_peer]",
            ),
        ),
    ),
    (
        "Files that change under a running agent",
        (
            (
                "`tls.ca_file` is replaced by the root of the server's new authority",
                "rotation.ca_file_replaced[way=by_rename-to=new]",
            ),
            (
                "`tls.ca_file` becomes garbage",
                "rotation.ca_file_spoilt[way=by_rename-spoilt=garbage]",
            ),
        ),
    ),
)
"""By subject: the situation, and the id of its scenario."""
