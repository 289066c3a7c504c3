from __future__ import annotations

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


@pytest.fixture(scope="session")
def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(scope="session")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="session")
def ed_key() -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.generate()


@pytest.fixture(scope="session")
def jwk() -> Callable[..., dict[str, object]]:
    """The public half of a key as a member of a JWK set, with other members beside."""

    def public(key: PrivateKey, kid: str = "", **members: object) -> dict[str, object]:
        named: dict[str, object] = {"kid": kid} if kid else {}
        if isinstance(key, ec.EllipticCurvePrivateKey):
            found = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
        elif isinstance(key, rsa.RSAPrivateKey):
            found = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
        else:
            found = OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)
        return {**found, **named, **members}

    return public
