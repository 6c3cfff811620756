"""The public key of a MySQL server, and what is encrypted with it: RSA with OAEP (RFC 8017), which Python's standard library lacks."""

import base64
import binascii
import hashlib
import os
import re


def parsed(pem):
    """(modulus, exponent) of a key in PEM; None where it is not one."""
    found = re.fullmatch(rb"\s*-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----\s*\0?", pem)
    try:
        whole = base64.b64decode(found[1]) if found else b""
        # An algorithm, and bits that hold two numbers.
        _, bits = parts(parts(whole)[0])
        modulus, exponent = (int.from_bytes(number, "big") for number in parts(parts(bits[1:])[0]))
    except (ValueError, IndexError, binascii.Error):
        return None
    return (modulus, exponent) if 1024 <= modulus.bit_length() <= 16384 and 1 < exponent < 1 << 33 else None


def parts(der):
    """The contents of values in DER that stand one after another."""
    found = []
    while der:
        size, begin = der[1], 2
        if size & 0x80:
            begin += size & 0x7F
            size = int.from_bytes(der[2:begin], "big")
        if len(der) < begin + size:
            raise ValueError("it ends in the middle")
        found.append(der[begin : begin + size])
        der = der[begin + size :]
    return found


def encrypted(key, text):
    modulus, exponent = key
    size = (modulus.bit_length() + 7) // 8
    seed = os.urandom(20)
    block = hashlib.sha1(b"").digest() + bytes(size - len(text) - 42) + b"\x01" + text
    masked = mask(block, seed)
    return pow(int.from_bytes(b"\0" + mask(seed, masked) + masked, "big"), exponent, modulus).to_bytes(size, "big")


def mask(text, seed):
    stream = b"".join(hashlib.sha1(seed + count.to_bytes(4, "big")).digest() for count in range(len(text) // 20 + 1))
    return bytes(one ^ other for one, other in zip(text, stream, strict=False))
