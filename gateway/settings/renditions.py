"""`[renditions]`: the pool that makes them, and the names declared beside the ladder."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field, field_validator

from gateway.settings.marks import MarkName, MarkSettings
from gateway.settings.table import Number, Switch, Table, Unfit
from imaging.marking.marks import Mark
from imaging.names.renditions import Renditions


class RenditionSettings(Table):
    """What may be asked for, and at what cost."""

    presets: Mapping[str, str] = Field(
        default={},
        description='Names beside the ladder, such as `thumb = "w160-h160-cover"`: a name is a '
        "letter and up to 31 of a-z, 0-9 and _, but not original, full, auto, linear, w and digits "
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
    improve: Switch = Field(
        default=True,
        description="Encode first answers once more in the background, slowly and at the quality "
        "that each picture needs; until then they are fresh for an hour at most.",
    )

    marks: Mapping[MarkName, MarkSettings] = Field(
        default={},
        description="What is drawn over renditions that are granted by an exact name such as "
        "`w1280-mdraft`.",
    )

    @field_validator("presets")
    @classmethod
    def _can_be_declared(cls, presets: Mapping[str, str]) -> Mapping[str, str]:
        wrong = [what for name, spec in presets.items() if (what := _wrong(name, spec))]
        if wrong:
            raise Unfit("; ".join(wrong), 'such as thumb = "w160-h160-cover"')
        return presets

    def mark_values(self) -> dict[str, Mark]:
        """The marks by name, as renditions work with them."""
        return {name: mark.mark(name) for name, mark in self.marks.items()}


def _wrong(name: str, spec: str) -> str:
    try:
        Renditions({name: spec})
    except ValueError as error:
        return str(error)
    return ""
