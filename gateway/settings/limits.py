"""`[limits]`: how often somebody may ask."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from gateway.settings.table import Table, Unfit

LONGEST_WINDOW = 86_400


def _rate(value: str) -> str:
    if not value:
        return value
    import limits  # a tenth of a second, which only those who limit have to wait

    try:
        item = limits.parse(value)
    except ValueError:
        raise Unfit("is no rate", "such as 600/minute or 20 per 10 seconds") from None
    if item.amount < 1 or not 1 <= item.get_expiry() <= LONGEST_WINDOW:
        raise Unfit("is out of bounds", "1 or more, within a second to a day")
    return value


Rate = Annotated[str, AfterValidator(_rate)]


class LimitSettings(Table):
    """How often somebody may ask; what is over gets 429."""

    client: Rate = Field(
        default="",
        description="Requests of one client (an IPv4 address, an IPv6 /64) to links, storage "
        'routes, and to `/v1/` without an operator\'s token, such as "600/minute"; empty: any.',
    )
    token: Rate = Field(
        default="", description="Requests with one link that is valid; empty: any number."
    )
    operator: Rate = Field(
        default="", description="Calls with one operator's token; empty: any number."
    )
