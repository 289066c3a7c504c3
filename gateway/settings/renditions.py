"""`[renditions]`: the pool that makes them, and the names declared beside the ladder."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from gateway.settings.table import Number, Table


class RenditionSettings(Table):
    """What may be asked for, and at what cost."""

    presets: Mapping[str, str] = Field(
        default={},
        description='Names beside the ladder, such as `thumb = "w160-h160-cover"`: a name is a '
        "letter and up to 31 of a-z, 0-9 and _, but not original, auto, linear, w and digits "
        "or p and digits.",
    )
    workers: Number = Field(
        default=0, ge=0, le=256, description="Processes that decode and encode; 0 for one per core."
    )
    timeout: Number = Field(
        default=15,
        ge=1,
        le=300,
        description="Seconds one rendition may take before its process is ended.",
    )
