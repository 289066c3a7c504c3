"""`[viewers]`: how browsers prove who looks at links that are bound to a viewer."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from gateway.settings.addresses import is_origin
from gateway.settings.table import Number, Table, Unfit

# Browsers leave the scheme's own port out (Fetch standard, "serializing an origin").
_SENT = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::[0-9]+)?")
_OWN_PORT = re.compile(r"http://.*:80|https://.*:443")


def _origin(value: str) -> str:
    if not (is_origin(value) and _SENT.fullmatch(value)) or _OWN_PORT.fullmatch(value):
        raise Unfit(
            "is not the origin of an application",
            "scheme and host[:port] in small letters, as browsers send it: https://app.example.org",
        )
    return value


Origin = Annotated[str, AfterValidator(_origin)]


class ViewerSettings(Table):
    """The pages that may hand over claims, and how long browsers keep what they get for them."""

    origins: tuple[Origin, ...] = Field(
        default=(),
        description="The origins of the applications whose pages may claim a viewer, such as "
        '"https://app.example.org"; no other page can, and without any there is no cookie.',
    )
    session: Annotated[Number, Field(ge=60, le=2_592_000)] = Field(
        default=28_800,
        description="Seconds after which a browser has to claim its viewer again.",
    )
