"""What CA.File holds: each kind of file, for the chain that it is meant for."""

from __future__ import annotations

from typing import Final

from flb_handshake.certificates import OTHER_ROOT, CertSpec, Chain, expired
from flb_handshake.model import CAFile, File, FileForm, Setup


def ca_file(setup: Setup) -> File | None:
    """The file that CA.File names, given the peer's chain; None: `tls.ca_file` is unset."""
    return ca_content(setup.agent.ca, setup.judged)


def ca_content(kind: CAFile | File | None, chain: Chain) -> File | None:
    """A CA file of this kind for a chain; None: unset."""
    if isinstance(kind, File) or kind is None:
        return kind
    if kind in {CAFile.SYSTEM, CAFile.UNSET}:
        return None
    return File(
        form=_FORMS.get(kind, FileForm.PEM),
        certs=_held(kind, chain),
        crl_of=chain.leaf.path[1:] if kind is CAFile.ROOT_AND_CRL else (),
        text="these are not certificates\n" if kind is CAFile.GARBAGE else "",
        stem="ca-" + kind.value.replace(" ", "-"),
    )


_FORMS: Final = {
    CAFile.EMPTY: FileForm.TEXT,
    CAFile.GARBAGE: FileForm.TEXT,
    CAFile.MISSING: FileForm.MISSING,
    CAFile.DIRECTORY: FileForm.DIRECTORY,
    CAFile.DER: FileForm.DER,
    CAFile.CRLF: FileForm.CRLF,
}


def _held(kind: CAFile, chain: Chain) -> tuple[CertSpec, ...]:
    """The certificates in a CA.File of this kind."""
    match kind:
        case CAFile.ROOT | CAFile.DER | CAFile.CRLF | CAFile.ROOT_AND_CRL:
            return (chain.root,)
        case CAFile.INTERMEDIATE:
            return (chain.intermediate,)
        case CAFile.INTERMEDIATE_AND_ROOT:
            return (chain.intermediate, chain.root)
        case CAFile.OTHER_ROOT:
            return (OTHER_ROOT,)
        case CAFile.OTHER_AND_ROOT:
            return (OTHER_ROOT, chain.root)
        case CAFile.LEAF | CAFile.SELF_SIGNED_LEAF:
            return (chain.leaf,)
        case CAFile.EXPIRED_ROOT:
            return (chain.root.but(expired()),)
        case _:
            return ()
