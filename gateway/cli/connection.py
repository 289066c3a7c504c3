"""A connection to a Supabase project, from what the command line and the environment say of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypedDict

import click

from gateway.cli.drafts import Draft, ZoneDraft
from gateway.cli.keyfiles import ANON_KEY, JWT_SECRET, SERVICE_KEY, Given, given
from gateway.configuration.variables import DATABASE_URL
from gateway.survey.project import JWKS, Access, Survey

PUBLIC = "-public"
"""What is behind a zone's name in the name of the zone over its public buckets."""


class Wishes(TypedDict):
    """What the command line says of the configuration to be written."""

    supabase_url: str
    gateway_url: str
    public_url: str
    buckets: tuple[str, ...]
    zone: str
    cache: str
    service_key_file: Path | None
    anon_key_file: Path | None
    jwt_secret_file: Path | None
    database_url_file: Path | None


@dataclass(frozen=True, slots=True)
class Connection:
    """What is wished, and the secrets for it."""

    wishes: Wishes
    service_key: Given
    anon_key: Given
    jwt_secret: Given
    database_url: Given

    @classmethod
    def of(cls, wishes: Wishes, environ: Mapping[str, str]) -> Self:
        """Raises `click.ClickException` for what is missing or does not go together."""
        connection = cls(
            wishes,
            given(wishes["service_key_file"], SERVICE_KEY, environ),
            given(wishes["anon_key_file"], ANON_KEY, environ),
            given(wishes["jwt_secret_file"], JWT_SECRET, environ),
            given(wishes["database_url_file"], (DATABASE_URL,), environ),
        )
        need(wishes["supabase_url"], "--supabase-url")
        if not connection.service_key.text:
            ways = f"--service-key-file or {' or '.join(SERVICE_KEY)}"
            raise click.UsageError(f"a service key is needed: {ways}")
        if connection.database_url.text:
            need(wishes["gateway_url"], "--gateway-url")
        return connection

    @property
    def access(self) -> Access:
        """How the project is looked at."""
        url = self.wishes["supabase_url"]
        return Access(
            url,
            self.service_key.text,
            self.anon_key.text,
            self.jwt_secret.text,
            url + JWKS,
            seeking=True,
            buckets=self.wishes["buckets"],
        )

    def draft(self, survey: Survey, data: Path) -> Draft:
        """The configuration that fits what was found."""
        access = self.access
        return Draft(
            data=data,
            url=access.url,
            service_key=access.service_key,
            zones=tuple(self._zones(survey)),
            jwks_url=access.jwks_url if survey.published else "",
            jwt_secret=access.jwt_secret,
        )

    def _zones(self, survey: Survey) -> Iterator[ZoneDraft]:
        """Public buckets have a zone of their own, since others may keep what is in them."""
        name, public_url = self.wishes["zone"], self.wishes["public_url"]
        private = [bucket.name for bucket in survey.buckets if not bucket.public]
        public = [bucket.name for bucket in survey.buckets if bucket.public]
        if private:
            yield ZoneDraft(name, private, self.wishes["cache"], public_url)
        if public:
            yield ZoneDraft.public(name + PUBLIC, public, public_url)


def need(value: str, option: str) -> None:
    """Raises `click.UsageError` where an option has no value."""
    if not value:
        raise click.UsageError(f"{option} is needed")
