"""Terms: what links shall grant, how long and to whom, as applications ask for it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from gateway.errors import ViewerUnknown
from gateway.rules import Rules
from imaging.names.renditions import Rendition
from signing.audiences import check_audience
from signing.grants import Grant

_GRANTS = {"all": "a", "original": "o", "previews": "p"}
Text = Annotated[str, StringConstraints(max_length=4_096)]


class Terms(BaseModel):
    """What the links of one call have in common.

    `audience` is the id of the one viewer whom they are for; null for whoever has them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    grant: Annotated[str, StringConstraints(max_length=66)] = "all"
    disposition: Literal["inline", "download"] = "inline"
    expires_in: Annotated[int, Field(ge=1)] | None = None
    audience: Text | None = None

    def granted(self) -> Grant:
        """The grant these words ask for. Raises `Unsignable` when there is none like it."""
        letter = _GRANTS.get(self.grant, self.grant)
        return Grant.parse(("d" if self.disposition == "download" else "i") + letter)

    def check(self, rules: Rules) -> None:
        """An exact grant names something that can be made and shown to whoever has the link.

        Raises `Unsignable` and `ViewerRefused` for an audience that no link can have,
        `UnknownRendition`, and `ViewerUnknown` for a mark that names the viewer of a link that is
        bound to none.
        """
        if self.audience is not None:
            check_audience(self.audience)
            rules.revocations.check_viewer(self.audience)
        grant = self.granted()
        if grant.covers != "exact":
            return
        product = rules.renditions.find(grant.name)
        named = isinstance(product, Rendition) and product.mark.names_viewer
        if named and self.audience is None:
            raise ViewerUnknown
