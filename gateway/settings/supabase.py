"""`[supabase]`: the project whose documents are delivered, and what proves its users and hooks."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from gateway.settings.addresses import Credentials, StoreAddress, is_origin
from gateway.settings.table import Number, Secret, Switch, Table, Unfit

STORAGE = "/storage/v1"
LARGEST = 2_500
# RFC 7518 §3.2: a key for HS256 is no shorter than its hash.
_JWT_OCTETS = 32
_HOOK_OCTETS = 16
_PRINTABLE = re.compile(r"[!-~]*")


def _url(value: str) -> str:
    if value and not is_origin(value):
        raise Unfit(
            "is not scheme and host[:port]",
            "such as https://ref.supabase.co; /storage/v1 is looked for below it",
        )
    return value


def _jwks(value: str) -> str:
    origin, slash, path = _split(value)
    if value and not (slash and is_origin(origin) and not set(path) & set("#@ ")):
        raise Unfit(
            "is not an http or https URL",
            "such as https://ref.supabase.co/auth/v1/.well-known/jwks.json",
        )
    return value


def _split(value: str) -> tuple[str, str, str]:
    scheme, colon, rest = value.partition("://")
    host, slash, path = rest.partition("/")
    return scheme + colon + host, slash, path


def _field_value(value: Secret) -> Secret:
    if not _PRINTABLE.fullmatch(value.get_secret_value()):
        raise Unfit("holds what no field of a request may hold", "printable ASCII without spaces")
    return value


FieldSecret = Annotated[Secret, AfterValidator(_field_value)]


class SupabaseSettings(Table):
    """The Supabase project; `url` stands first, since the others mean nothing without it."""

    url: Annotated[str, AfterValidator(_url)] = Field(
        default="",
        description="Scheme and host[:port] of the project; its storage is at /storage/v1 below "
        "it. Empty: no Supabase, and no storage routes.",
    )
    service_key: FieldSecret = Field(
        default=Secret(""),
        validate_default=True,
        description="The service key (service_role or sb_secret_…). It fetches bytes and never "
        "decides who may have them.",
    )
    jwt_secret: Secret = Field(
        default=Secret(""),
        validate_default=True,
        description="The secret of users' HS256 tokens. Without it and jwks_url tokens are not "
        "read here, and Supabase alone judges them.",
    )
    jwks_url: Annotated[str, AfterValidator(_jwks)] = Field(
        default="",
        validate_default=True,
        description="Where the public keys of users' ES256, RS256 and EdDSA tokens are.",
    )
    jwt_issuer: str = Field(default="", description="The `iss` that users' tokens must have.")
    jwt_audience: str = Field(default="", description="The `aud` that users' tokens must have.")
    webhook_secret: FieldSecret = Field(
        default=Secret(""),
        validate_default=True,
        description="Proves the calls of /hooks/…; without it there are none.",
    )
    strict: Switch = Field(
        default=False,
        description="Answer errors with their true statuses instead of Supabase's 400, and refuse "
        "a transform that is too large instead of making it smaller.",
    )
    largest: Annotated[Number, Field(ge=1, le=4_096)] = Field(
        default=LARGEST, description="The longest side of a transform, in pixels."
    )

    @field_validator("jwt_secret")
    @classmethod
    def _long_enough(cls, secret: Secret) -> Secret:
        if 0 < len(secret.get_secret_value().encode()) < _JWT_OCTETS:
            raise Unfit(f"is shorter than {_JWT_OCTETS} octets", "RFC 7518, section 3.2")
        return secret

    @field_validator("webhook_secret")
    @classmethod
    def _not_guessable(cls, secret: Secret) -> Secret:
        if 0 < len(secret.get_secret_value()) < _HOOK_OCTETS:
            raise Unfit(f"is shorter than {_HOOK_OCTETS} characters", "openssl rand -hex 32")
        return secret

    @field_validator("service_key", "jwt_secret", "jwks_url", "webhook_secret")
    @classmethod
    def _with_url(cls, value: Secret | str, info: ValidationInfo) -> Secret | str:
        plain = value if isinstance(value, str) else value.get_secret_value()
        if plain and info.data.get("url") == "":
            raise Unfit("means nothing without supabase.url", "such as https://ref.supabase.co")
        return value

    @property
    def configured(self) -> bool:
        """Whether there is a Supabase project at all."""
        return bool(self.url)

    def rest(self) -> StoreAddress:
        """Its storage by REST, with the service key."""
        key = self.service_key.get_secret_value()
        return StoreAddress("supabase", root=self.url, credentials=Credentials("", key))

    def s3(self, credentials: Credentials, region: str) -> StoreAddress:
        """Its storage by the S3 protocol, with access keys of its own."""
        endpoint = f"{self.url}{STORAGE}/s3"
        return StoreAddress("s3", endpoint=endpoint, region=region, credentials=credentials)
