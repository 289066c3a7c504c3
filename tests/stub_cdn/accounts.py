"""The customer that every vendor of the stub knows, and the setup that proves to be it."""

from __future__ import annotations

import json
from functools import cache

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cdn.setups import Setup

ID = "thing-1"
SECRET = "stub-secret"
TEAM, PROJECT = "team-1", "project-1"
CLIENT_TOKEN, ACCESS_TOKEN = "akab-client-token", "akab-access-token"
ACCESS_KEY = "AKIASTUB"
EMAIL = "purger@project-1.iam.example.com"


@cache
def google_key() -> RSAPrivateKey:
    """The key of the service account; made once."""
    return generate_private_key(public_exponent=65_537, key_size=2_048)


def service_account(url: str) -> str:
    """The JSON file that Google gives, for the stub at `url`."""
    pem = google_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    told = {"client_email": EMAIL, "private_key": pem.decode(), "private_key_id": "one"}
    return json.dumps({**told, "token_uri": f"{url}/token"})


def setup_for(kind: str, url: str, name: str = "edge") -> Setup:
    """The setup of a provider whose CDN is the stub at `url`."""
    match kind:
        case "null":
            return Setup(name)
        case "varnish" | "nginx" | "supabase":
            return Setup(name, url, secret=SECRET)
        case "cloudflare":
            return Setup(name, url, ID, plan="enterprise", secret=SECRET)
        case "cloudfront":
            return Setup(name, url, ID, secret=SECRET, access_key=ACCESS_KEY)
        case "akamai":
            tokens = {"client_token": CLIENT_TOKEN, "access_token": ACCESS_TOKEN}
            return Setup(name, url, secret=SECRET, **tokens)
        case "google":
            return Setup(name, url, ID, PROJECT, secret=service_account(url))
        case "vercel":
            return Setup(name, url, ID, TEAM, secret=SECRET)
        case _:
            return Setup(name, url, ID, secret=SECRET)
