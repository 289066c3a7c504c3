"""Certificates: the files by which this server is known, and CDNs may prove themselves.

They are judged before use, so that a start or a reload says in words what is wrong with them.
"""

from __future__ import annotations

import ssl
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gateway.errors import ConfigurationError, Fault

if TYPE_CHECKING:  # workers that are spawned need no settings' models
    from gateway.settings import Server

_CERTIFICATE, _KEY, _AUTHORITY = "server.certificate", "server.key", "server.client_ca"


@dataclass(frozen=True, slots=True)
class Contexts:
    """How each port speaks TLS; None is for a port that does not."""

    main: ssl.SSLContext | None = None
    admin: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """Paths of PEM files: our chain, its key, and the authorities of clients' certificates.

    Without a certificate the ports speak no TLS; without `client_ca` no client is asked for one.
    """

    certificate: str = ""
    key: str = ""
    client_ca: str = ""

    @classmethod
    def of(cls, server: Server) -> CertificateFiles:
        """Those of the settings."""
        return cls(server.certificate, server.key, server.client_ca)

    def contexts(self, now: float) -> Contexts:
        """How to speak TLS with what is in the files now; raises `ConfigurationError`.

        A client of the main port may show a certificate; one that does not hold ends the
        connection. Operators have a proof of their own, and nobody is asked on their port.
        """
        if not self.certificate:
            return Contexts()
        if faults := list(self.faults(now)):
            raise ConfigurationError(faults)
        main, admin = self._context(), self._context()
        if self.client_ca:
            main.verify_mode = ssl.CERT_OPTIONAL
            main.load_verify_locations(self.client_ca)
        return Contexts(main, admin)

    def faults(self, now: float) -> Iterator[Fault]:
        """What would hinder a start at `now`, in Unix seconds."""
        if self.certificate:
            yield from _faults_of(_CERTIFICATE, self.certificate, now)
            yield from self._faults_of_key()
        if self.client_ca:
            yield from _faults_of(_AUTHORITY, self.client_ca, now)

    def days_left(self, now: float) -> dict[str, int]:
        """Whole days until the first certificate of each file ends, by the file's setting."""
        files = {_CERTIFICATE: self.certificate, _AUTHORITY: self.client_ca}
        return {
            where: min((one.not_valid_after_utc - _at(now)).days for one in _read(path))
            for where, path in files.items()
            if path
        }

    def _context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
        context.set_alpn_protocols(["http/1.1"])
        try:
            context.load_cert_chain(self.certificate, self.key, _no_password)
        except ssl.SSLError as error:
            fault = Fault(_CERTIFICATE, f"can not be used: {error.reason or 'TLS refuses it'}")
            raise ConfigurationError([fault]) from None
        return context

    def _faults_of_key(self) -> Iterator[Fault]:
        path = Path(self.key)
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
            key = load_pem_private_key(path.read_bytes(), password=None)
        except OSError as error:
            yield Fault(_KEY, f"can not be read: {error.strerror}")
        except TypeError:
            yield Fault(_KEY, "is encrypted", "nobody is there at a start to give its password")
        except ValueError:
            yield Fault(_KEY, "holds no private key in PEM")
        else:
            if mode & (stat.S_IWGRP | stat.S_IRWXO):
                hint = "chmod 600, or 640 for a group that may read it"
                yield Fault(_KEY, f"can be read or changed by others: mode {mode:o}", hint)
            if not self._paired(key):
                yield Fault(_KEY, "does not belong to the certificate")

    def _paired(self, key: PrivateKeyTypes) -> bool:
        """Whether the certificate is the key's; one that can not be read has a fault of its own."""
        try:
            return key.public_key() == _read(self.certificate)[0].public_key()
        except (OSError, ValueError):
            return True


def _faults_of(where: str, path: str, now: float) -> Iterator[Fault]:
    try:
        found = _read(path)
        mode = stat.S_IMODE(Path(path).stat().st_mode)
    except OSError as error:
        yield Fault(where, f"can not be read: {error.strerror}")
        return
    except ValueError:
        yield Fault(where, "holds no certificate in PEM")
        return
    if mode & stat.S_IWOTH:
        yield Fault(where, f"can be changed by anybody: mode {mode:o}", "chmod 644")
    for one in found:
        if one.not_valid_after_utc < _at(now):
            yield Fault(where, f"ended at {one.not_valid_after_utc:%Y-%m-%d %H:%M} UTC")
        if one.not_valid_before_utc > _at(now):
            yield Fault(where, f"begins at {one.not_valid_before_utc:%Y-%m-%d %H:%M} UTC")


def _read(path: str) -> list[x509.Certificate]:
    """The certificates of a PEM file, at least one; raises `OSError` and `ValueError`."""
    return x509.load_pem_x509_certificates(Path(path).read_bytes())


def _at(now: float) -> datetime:
    return datetime.fromtimestamp(now, UTC)


def _no_password() -> NoReturn:
    """OpenSSL would ask for it on the terminal."""
    raise ValueError
