"""`[admin]`: who may issue, purge, revoke and look, and on which port."""

from __future__ import annotations

import re
from typing import Annotated, Literal, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
)

from gateway.settings.table import Name, Number, Table, Unfit, filled

Scope = Literal["links", "purge", "revoke", "redact", "metrics", "audit"]
SCOPES: frozenset[str] = frozenset(get_args(Scope))

_OPERATOR = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_HASH = re.compile(r"sha256:[0-9a-fA-F]{64}")


def _token_hash(value: object) -> object:
    if not isinstance(value, str):
        return value
    if not _HASH.fullmatch(value):
        raise Unfit(
            'is not the hash of a token: "sha256:" and 64 hex digits are needed',
            "the token itself does not belong here; hash it with: printf %s TOKEN | sha256sum",
        )
    return value.lower()


def _operator(value: str) -> str:
    if not _OPERATOR.fullmatch(value):
        raise Unfit(
            "is not the id of an operator",
            "1 to 64 of a-z, 0-9, dot, _ and -, beginning with a letter or a digit",
        )
    return value


TokenHash = Annotated[SecretStr, BeforeValidator(_token_hash)]


class Token(Table):
    """A token that reaches some things only."""

    id: Annotated[str, AfterValidator(_operator)] = Field(
        description="The operator's name in logs and in the ledger."
    )
    hash: TokenHash = Field(description='"sha256:" and the hex SHA-256 of the token.')
    scopes: Annotated[tuple[Scope, ...], AfterValidator(filled)] = Field(
        description="What it may do."
    )
    zones: tuple[Name, ...] = Field(
        default=(), description="The zones it may do it in; empty for all of them."
    )


class Admin(Table):
    """Operators and the port for them."""

    port: Number | None = Field(
        default=None,
        ge=0,
        le=65_535,
        description="Where admin, metrics and health move to; without it they stay on the main "
        "port and metrics need a token.",
    )
    tokens: tuple[TokenHash, ...] = Field(
        default=(),
        description='Tokens with every scope in every zone, each as "sha256:<64 hex digits>".',
    )
    token: tuple[Token, ...] = Field(
        default=(), description="Narrower tokens, each an `[[admin.token]]`."
    )

    @field_validator("token")
    @classmethod
    def _apart(cls, token: tuple[Token, ...], info: ValidationInfo) -> tuple[Token, ...]:
        ids = [one.id for one in token]
        if len(set(ids)) < len(ids):
            raise Unfit("has the same id twice", "each operator needs an id of its own")
        plain: tuple[SecretStr, ...] = info.data.get("tokens", ())
        hashes = [one.get_secret_value() for one in plain]
        hashes += [one.hash.get_secret_value() for one in token]
        if len(set(hashes)) < len(hashes):
            raise Unfit("or admin.tokens has the same token twice", "its scopes would be unclear")
        return token
