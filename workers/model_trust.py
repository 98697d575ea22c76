"""The signed list of model packages that a worker may load. No torch, no Django.

The portal holds an Ed25519 key and signs a list of package hashes; a worker holds the
public half and loads nothing that is not on a list with a good signature. The list has
a number that only grows, so that an older list can not bring a withdrawn model back.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

_PURPOSE: Final = b"overread model list 1\n"
"""What is signed begins with this: a signature for something else is not one here."""
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class UntrustedError(ValueError):
    """A list or key that can not be trusted; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowedPackage:
    """One entry of the list.

    Attributes:
        package_hash: What names the package, 64 hexadecimal digits.
        name: The model's name, for people.
        version: Its version, for people.
        admitted_at: When, ISO 8601 UTC.
    """

    package_hash: str
    name: str
    version: str
    admitted_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowList:
    """The packages that may be loaded.

    Attributes:
        number: Grows by one with each change.
        issued_at: When it was signed, ISO 8601 UTC.
        packages: In the order in which they were admitted.
    """

    number: int
    issued_at: str
    packages: tuple[AllowedPackage, ...]

    @property
    def hashes(self) -> frozenset[str]:
        """The names of all packages on it."""
        return frozenset(entry.package_hash for entry in self.packages)


def make_key() -> str:
    """Return a new private key, 32 bytes in base64."""
    return _text(Ed25519PrivateKey.generate().private_bytes_raw())


def public_key_of(private_key: str) -> str:
    """Return the public half of a private key, 32 bytes in base64.

    Raises:
        UntrustedError: It is no such key.
    """
    return _text(_private(private_key).public_key().public_bytes_raw())


def sign_list(
    packages: Iterable[AllowedPackage], *, number: int, issued_at: str, private_key: str
) -> bytes:
    """Return a list and its signature as JSON: `{"body": text, "signature": base64}`.

    Raises:
        UntrustedError: The key is none, or a hash is none.
    """
    rows = [
        {
            "hash": entry.package_hash,
            "name": entry.name,
            "version": entry.version,
            "admitted_at": entry.admitted_at,
        }
        for entry in packages
    ]
    if any(not _SHA256.fullmatch(row["hash"]) for row in rows):
        raise UntrustedError("an entry's hash is no SHA-256")
    body = json.dumps(
        {"number": number, "issued_at": issued_at, "packages": rows},
        sort_keys=True,
        ensure_ascii=False,
    )
    signature = _private(private_key).sign(_PURPOSE + body.encode())
    return json.dumps({"body": body, "signature": _text(signature)}).encode()


def read_list(content: bytes, *, public_key: str) -> AllowList:
    """Return a list whose signature is good.

    Args:
        content: What `sign_list` made.
        public_key: Base64; whose signature is believed.

    Raises:
        UntrustedError: It is damaged, or was signed by somebody else.
    """
    try:
        outer = json.loads(content)
        body, signature = str(outer["body"]), _bytes(str(outer["signature"]))
    except (ValueError, KeyError, TypeError) as error:
        raise UntrustedError("the list of allowed models is damaged") from error
    try:
        _public(public_key).verify(signature, _PURPOSE + body.encode())
    except InvalidSignature as error:
        raise UntrustedError(
            "the list of allowed models is not signed by this portal's key"
        ) from error
    return _parse(json.loads(body))


def _parse(said: dict[str, Any]) -> AllowList:
    try:
        return AllowList(
            number=int(said["number"]),
            issued_at=str(said["issued_at"]),
            packages=tuple(
                AllowedPackage(
                    package_hash=str(row["hash"]),
                    name=str(row["name"]),
                    version=str(row["version"]),
                    admitted_at=str(row["admitted_at"]),
                )
                for row in said["packages"]
            ),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise UntrustedError("the list of allowed models is damaged") from error


def _private(text: str) -> Ed25519PrivateKey:
    try:
        return Ed25519PrivateKey.from_private_bytes(_bytes(text.strip()))
    except ValueError as error:
        raise UntrustedError("the signing key for models is no Ed25519 key") from error


def _public(text: str) -> Ed25519PublicKey:
    try:
        return Ed25519PublicKey.from_public_bytes(_bytes(text.strip()))
    except ValueError as error:
        raise UntrustedError("the public key for models is no Ed25519 key") from error


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error
