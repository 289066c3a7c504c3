"""Admissions: users of the Supabase project, let in while nobody has taken their access back."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from gateway.state.revocations import Revocations
from gateway.supabase.callers import Caller, Callers

T = TypeVar("T")


class Admissions:
    """Looks at a caller twice: before Supabase is asked for them, and when it has answered."""

    def __init__(self, callers: Callers, revocations: Revocations) -> None:
        self._callers = callers
        self._revocations = revocations

    async def caller(self, authorization: bytes, apikey: bytes) -> Caller:
        """Who calls. Raises `CallerRefused`, `KeysUnavailable`, `ViewerRefused`."""
        caller = await self._callers.caller(authorization, apikey)
        self._revocations.check_viewer(caller.subject)
        return caller

    async def still(self, caller: Caller, answer: Awaitable[T]) -> T:
        """What Supabase answers for a caller who may still have it then.

        Raises `ViewerRefused` for one who was revoked while Supabase thought.
        """
        told = await answer
        self._revocations.check_viewer(caller.subject)
        return told

    async def aclose(self) -> None:
        """Stop reading keys."""
        await self._callers.aclose()
