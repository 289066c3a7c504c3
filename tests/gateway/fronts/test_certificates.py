"""Certificates: what is wrong with their files is told in words, before anything is served."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from gateway.errors import ConfigurationError
from gateway.fronts.certificates import CertificateFiles, Contexts
from tests.authorities import Authority, Identity, encrypted

DAY = 86_400


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def server(authority: Authority) -> Identity:
    return authority.issue("docs.example.org", "docs.example.org", ends=20)


@pytest.fixture
def files(authority: Authority, server: Identity) -> CertificateFiles:
    return CertificateFiles(str(server.certificate), str(server.key), str(authority.file))


def told(files: CertificateFiles, now: float | None = None) -> list[str]:
    return [str(fault) for fault in files.faults(now or time.time())]


def test_good_files_have_no_fault_and_make_contexts(files: CertificateFiles) -> None:
    assert told(files) == []
    contexts = files.contexts(time.time())
    assert contexts.main is not None
    assert contexts.admin is not None
    for context in (contexts.main, contexts.admin):
        assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert contexts.main.verify_mode == ssl.CERT_OPTIONAL
    assert contexts.admin.verify_mode == ssl.CERT_NONE


def test_without_a_certificate_there_is_no_tls_and_no_fault() -> None:
    assert CertificateFiles().contexts(0) == Contexts(None, None)
    assert told(CertificateFiles()) == []
    assert CertificateFiles().days_left(0) == {}


def test_without_an_authority_no_client_is_asked(files: CertificateFiles) -> None:
    contexts = replace(files, client_ca="").contexts(time.time())
    assert contexts.main is not None
    assert contexts.main.verify_mode == ssl.CERT_NONE


def test_the_days_that_are_left_are_those_of_the_first_to_end(
    files: CertificateFiles, authority: Authority, server: Identity
) -> None:
    later = authority.issue("b", ends=25)
    server.certificate.write_text(server.certificate.read_text() + later.certificate.read_text())
    now = time.time()
    assert files.days_left(now) == {"server.certificate": 19, "server.client_ca": 29}
    assert files.days_left(now + 18 * DAY)["server.certificate"] == 1


@pytest.mark.parametrize(
    ("where", "change", "what"),
    [
        ("certificate", Path.unlink, "can not be read: No such file"),
        ("key", Path.unlink, "can not be read: No such file"),
        ("client_ca", Path.unlink, "can not be read: No such file"),
        ("certificate", lambda path: path.write_text("x"), "holds no certificate in PEM"),
        ("client_ca", lambda path: path.write_bytes(b""), "holds no certificate in PEM"),
        ("key", lambda path: path.write_text("x"), "holds no private key in PEM"),
        ("key", lambda path: path.chmod(0o604), "can be read or changed by others: mode 604"),
        ("key", lambda path: path.chmod(0o620), "can be read or changed by others: mode 620"),
        ("client_ca", lambda path: path.chmod(0o666), "can be changed by anybody: mode 666"),
        ("certificate", lambda path: path.chmod(0o646), "can be changed by anybody: mode 646"),
    ],
)
def test_a_file_that_will_not_do_is_told(
    where: str, change: Callable[[Path], object], what: str, files: CertificateFiles
) -> None:
    change(Path(getattr(files, where)))
    [fault] = told(files)
    assert fault.startswith(f"server.{where}: {what}")
    with pytest.raises(ConfigurationError):
        files.contexts(time.time())


def test_a_key_that_its_group_may_read_will_do(files: CertificateFiles) -> None:
    Path(files.key).chmod(0o640)
    assert told(files) == []


def test_a_key_of_another_certificate_is_told(
    files: CertificateFiles, authority: Authority
) -> None:
    other = authority.issue("other")
    assert told(replace(files, key=str(other.key))) == [
        "server.key: does not belong to the certificate"
    ]


def test_an_encrypted_key_is_told_and_nobody_is_asked_for_its_password(
    files: CertificateFiles, authority: Authority
) -> None:
    other = authority.issue("docs", encryption=encrypted(b"word"))
    changed = replace(files, certificate=str(other.certificate), key=str(other.key))
    assert told(changed)[0].startswith("server.key: is encrypted")


def test_a_certificate_that_ended_or_has_not_begun_is_told(
    files: CertificateFiles, authority: Authority
) -> None:
    now = time.time()
    assert told(files, now + 21 * DAY)[0].startswith("server.certificate: ended at 20")
    assert [fault for fault in told(files, now + 31 * DAY) if "client_ca: ended" in fault]
    young = authority.issue("young", begins=2, ends=9)
    changed = replace(files, certificate=str(young.certificate), key=str(young.key))
    assert told(changed)[0].startswith("server.certificate: begins at 20")


def test_what_openssl_itself_refuses_is_a_fault_too(
    files: CertificateFiles, authority: Authority
) -> None:
    """Such as a key that is too short for it."""
    short = authority.issue("short", key=rsa.generate_private_key(65_537, 1024))
    changed = replace(files, certificate=str(short.certificate), key=str(short.key))
    with pytest.raises(ConfigurationError, match=r"server\.certificate: can not be used: EE_KEY"):
        changed.contexts(time.time())
