"""Ed25519 signatures and their keys, for receipts and bundles. A signature is checked without a network."""

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


class InvalidKeyFile(ValueError):
    """A file that holds no Ed25519 key of the kind that is needed."""


class Forged(ValueError):
    """A text that was changed after it was signed, or that another key has signed."""


class Signer:
    """Signs with one private key."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = key.public_key()
        self.key_id = identify(self.public)

    @classmethod
    def read(cls, path: Path) -> "Signer":
        """Read a private key (PEM, PKCS 8, without a password). Raise InvalidKeyFile, OSError."""
        try:
            key = serialization.load_pem_private_key(path.read_bytes(), None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            key = None
        if not isinstance(key, Ed25519PrivateKey):
            raise InvalidKeyFile(f"{path} holds no private Ed25519 key without a password")
        return cls(key)

    def sign(self, told: Mapping[str, Any]) -> str:
        """Return the signature of a JSON object in base64."""
        return base64.b64encode(self._key.sign(canonical(told))).decode()


def make_private_key() -> str:
    """Return a fresh private key as PEM."""
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return Ed25519PrivateKey.generate().private_bytes(encoding, form, serialization.NoEncryption()).decode()


def write_public(key: Ed25519PublicKey) -> str:
    """Return a public key as PEM."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(serialization.Encoding.PEM, form).decode()


def read_public(path: Path) -> Ed25519PublicKey:
    """Read a public key (PEM). Raise InvalidKeyFile, OSError."""
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise InvalidKeyFile(f"{path} holds no public Ed25519 key")
    return key


def check(key: Ed25519PublicKey, told: Mapping[str, Any], signature: str) -> None:
    """Raise Forged unless this key has signed this object."""
    try:
        raw = base64.b64decode(signature, validate=True)
        if base64.b64encode(raw).decode() != signature:
            raise ValueError("another spelling")  # noqa: TRY301
        key.verify(raw, canonical(told))
    except (InvalidSignature, ValueError):
        raise Forged("the signature is not of this text by this key") from None


def identify(key: Ed25519PublicKey) -> str:
    """Return what names a key: 16 hex digits of the SHA-256 of its bytes."""
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return hashlib.sha256(raw).hexdigest()[:16]


def canonical(told: Mapping[str, Any]) -> bytes:
    """Return the bytes that are signed: JSON with sorted keys, without blanks, in UTF-8."""
    return orjson.dumps(told, option=orjson.OPT_SORT_KEYS)
