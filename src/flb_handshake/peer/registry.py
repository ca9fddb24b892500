"""IANA's names for what stands in a ClientHello: versions, groups, signature algorithms."""

from __future__ import annotations

from typing import Final


def _registry(text: str) -> dict[int, str]:
    """Read `code name code name …`, codes in hex, as the registries print them."""
    words = text.split()
    return {int(code, 16): name for code, name in zip(words[::2], words[1::2], strict=True)}


VERSION_NAMES: Final = _registry("""
    0304 TLSv1.3   0303 TLSv1.2   0302 TLSv1.1   0301 TLSv1   0300 SSLv3
    fefc DTLSv1.3  fefd DTLSv1.2  feff DTLSv1
""")
JA4_VERSIONS: Final = _registry(
    "0304 13 0303 12 0302 11 0301 10 0300 s3 0002 s2 feff d1 fefd d2 fefc d3"
)

# IANA, Transport Layer Security Parameters: TLS Supported Groups. The two Kyber drafts were
# withdrawn there, yet browsers of 2023 and 2024 still send them.
GROUP_NAMES: Final = _registry("""
    0001 sect163k1  0002 sect163r1  0003 sect163r2  0004 sect193r1  0005 sect193r2  0006 sect233k1
    0007 sect233r1  0008 sect239k1  0009 sect283k1  000a sect283r1  000b sect409k1  000c sect409r1
    000d sect571k1  000e sect571r1  000f secp160k1  0010 secp160r1  0011 secp160r2  0012 secp192k1
    0013 secp192r1  0014 secp224k1  0015 secp224r1  0016 secp256k1  0017 secp256r1  0018 secp384r1
    0019 secp521r1  001a brainpoolP256r1  001b brainpoolP384r1  001c brainpoolP512r1  001d x25519
    001e x448  001f brainpoolP256r1tls13  0020 brainpoolP384r1tls13  0021 brainpoolP512r1tls13
    0022 GC256A  0023 GC256B  0024 GC256C  0025 GC256D  0026 GC512A  0027 GC512B
    0028 GC512C  0029 curveSM2  0100 ffdhe2048  0101 ffdhe3072  0102 ffdhe4096  0103 ffdhe6144
    0104 ffdhe8192  0200 MLKEM512  0201 MLKEM768  0202 MLKEM1024
    11eb SecP256r1MLKEM768   11ec X25519MLKEM768   11ed SecP384r1MLKEM1024   11ee curveSM2MLKEM768
    6399 X25519Kyber768Draft00   639a SecP256r1Kyber768Draft00
""")

# IANA, the same page: TLS SignatureScheme. Pairs of TLS 1.2 that the registry does not name
# (0x0303, ECDSA with SHA-224, for one) stay hexadecimal.
SIGNATURE_NAMES: Final = _registry("""
    0201 rsa_pkcs1_sha1             0203 ecdsa_sha1
    0401 rsa_pkcs1_sha256           0403 ecdsa_secp256r1_sha256    0420 rsa_pkcs1_sha256_legacy
    0501 rsa_pkcs1_sha384           0503 ecdsa_secp384r1_sha384    0520 rsa_pkcs1_sha384_legacy
    0601 rsa_pkcs1_sha512           0603 ecdsa_secp521r1_sha512    0620 rsa_pkcs1_sha512_legacy
    0704 eccsi_sha256  0705 iso_ibs1  0706 iso_ibs2  0707 iso_chinese_ibs  0708 sm2sig_sm3
    0709 gostr34102012_256a 070a gostr34102012_256b 070b gostr34102012_256c 070c gostr34102012_256d
    070d gostr34102012_512a 070e gostr34102012_512b 070f gostr34102012_512c
    0804 rsa_pss_rsae_sha256        0805 rsa_pss_rsae_sha384       0806 rsa_pss_rsae_sha512
    0807 ed25519    0808 ed448      0904 mldsa44    0905 mldsa65           0906 mldsa87
    0809 rsa_pss_pss_sha256         080a rsa_pss_pss_sha384        080b rsa_pss_pss_sha512
    081a ecdsa_brainpoolP256r1tls13_sha256    081b ecdsa_brainpoolP384r1tls13_sha384
    081c ecdsa_brainpoolP512r1tls13_sha512
""")
