"""Home: the page at `/`, for the person who wonders what answers here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse

_TEMPLATES = Environment(
    loader=PackageLoader("gateway"), autoescape=select_autoescape(), trim_blocks=True
)
# Like every answer's, but pictures of this server may be shown: the demo's page has some.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:"


@dataclass(frozen=True, slots=True)
class Example:
    """A document to click on: links to its original, its page at 640 pixels, its thumbnail."""

    title: str
    original: str
    page: str
    thumb: str


Examples = Callable[[], Awaitable[Sequence[Example]]]


async def no_examples() -> Sequence[Example]:
    """What a real installation shows: nothing is browsable."""
    return ()


class Home:
    """Answers `GET /`; `examples` gives fresh links at each call."""

    def __init__(self, examples: Examples = no_examples) -> None:
        self._page = _TEMPLATES.get_template("home.html")
        self._examples = examples

    async def page(self, request: Request) -> HTMLResponse:
        request.scope["record"].route = "home"
        body = self._page.render(examples=await self._examples())
        answer = HTMLResponse(body, headers={"Cache-Control": "no-store"})
        answer.headers["Content-Security-Policy"] = _POLICY
        return answer
