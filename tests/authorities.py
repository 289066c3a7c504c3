"""Authorities for the tests of TLS: certificates that were true, will be true, or never are."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

PLAIN = NoEncryption()
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True)
class Identity:
    """A certificate and its key in files."""

    certificate: Path
    key: Path

    @property
    def digest(self) -> str:
        return sha256(ssl.PEM_cert_to_DER_cert(self.certificate.read_text())).hexdigest()

    def client(self, authority: Path) -> ssl.SSLContext:
        """How somebody with this identity speaks to a server that the authority vouches for."""
        context = ssl.create_default_context(cafile=str(authority))
        context.load_cert_chain(self.certificate, self.key)
        return context


class Authority:
    """Signs certificates; `file` is its own, in PEM."""

    def __init__(self, folder: Path, name: str = "an authority") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        built = self._builder(self._name, self._key.public_key(), -1, 30)
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        built = built.add_extension(constraints, critical=True)
        self.file = folder / f"{name.replace(' ', '-')}.pem"
        self.file.write_bytes(built.sign(self._key, SHA256()).public_bytes(Encoding.PEM))

    def issue(
        self,
        common: str,
        *names: str | x509.GeneralName,
        begins: float = -1,
        ends: float = 30,
        file: str = "",
        encryption: KeySerializationEncryption = PLAIN,
        key: Key | None = None,
    ) -> Identity:
        """A certificate for `common`, with alternative names; times are days from now."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        built = self._builder(_named(common), key.public_key(), begins, ends)
        built = built.add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
        if names:
            told = [x509.DNSName(name) if isinstance(name, str) else name for name in names]
            alternative = x509.SubjectAlternativeName(told)
            built = built.add_extension(alternative, critical=False)
        made = Identity(
            self._folder / f"{file or common}.crt", self._folder / f"{file or common}.key"
        )
        made.certificate.write_bytes(built.sign(self._key, SHA256()).public_bytes(Encoding.PEM))
        made.key.touch(mode=0o600)
        made.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
        return made

    def _builder(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey,
        begins: float,
        ends: float,
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + timedelta(days=begins))
            .not_valid_after(now + timedelta(days=ends))
        )


def encrypted(password: bytes) -> KeySerializationEncryption:
    return BestAvailableEncryption(password)


def _named(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
