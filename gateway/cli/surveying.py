"""Surveying: the checks of a Supabase project as commands make and tell them."""

from __future__ import annotations

import os
from time import time

import click
import httpx

from gateway.cli.keyfiles import ANON_KEY, given
from gateway.errors import GatewayError
from gateway.settings import Settings
from gateway.stores.opening import open_store
from gateway.survey.checks import Check
from gateway.survey.probe import Probe
from gateway.survey.project import Access, Survey, survey

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


async def surveyed(access: Access) -> Survey:
    """Look at the project now, by the network."""
    async with httpx.AsyncClient() as client:
        return await survey(Probe(client, access.url), access, time)


def access_of(settings: Settings) -> Access:
    """How the project of a configuration is looked at; the anon key comes from the environment."""
    supabase = settings.supabase
    return Access(
        supabase.url,
        supabase.service_key.get_secret_value(),
        given(None, ANON_KEY, os.environ).text,
        supabase.jwt_secret.get_secret_value(),
        supabase.jwks_url,
        buckets=tuple(settings.supabase_zones()),
    )


async def store_checks(settings: Settings) -> list[Check]:
    """Ask each store for a sign of life, with the credentials that it will be served with."""
    checks: list[Check] = []
    for name, address in settings.addresses().items():
        zones = [zone for zone in settings.zones.values() if zone.store == name]
        buckets = [bucket for zone in zones for bucket in zone.buckets]
        store = open_store(address, buckets=buckets, where=f"stores.{name}.url")
        way = "the S3 endpoint" if store.kind == "s3" else "REST"
        try:
            await store.check()
        except GatewayError as error:
            what = f"{way}: {error}"
            checks.append(Check(f"store {name}", "fail", what, "check keys, region and buckets"))
        else:
            checks.append(Check(f"store {name}", "ok", f"answers by {way}"))
        finally:
            await store.aclose()
    return checks


def told(check: Check) -> str:
    """A check as a line."""
    mark = click.style(f"{check.state:<4}", fg=_COLOURS[check.state])
    return f"{mark} {check.name}: {check.detail}" + (f" ({check.hint})" if check.hint else "")
