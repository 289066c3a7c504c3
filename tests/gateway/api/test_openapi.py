"""The description of the API is valid, complete, and true of what is answered."""

from __future__ import annotations

from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry, Resource
from starlette.routing import Route

from gateway.api import foldering, introducing
from gateway.api import routes as api
from gateway.api.foldering import Foldering
from gateway.api.hooks import Hooks
from gateway.api.introducing import Introducing
from gateway.api.openapi import describe
from gateway.api.routes import Api
from gateway.operators import purging, redacting, revoking
from gateway.operators.admin import Admin
from gateway.operators.purging import Purging
from gateway.operators.redacting import Redacting
from gateway.operators.revoking import Revoking

OPERATOR = {"Authorization": "Bearer operator-token"}


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    modules = (api, introducing, foldering, purging, redacting, revoking)
    return describe({path: body for one in modules for path, body in one.BODIES.items()})


def _check(description: dict[str, Any], name: str, value: object) -> None:
    resource: Resource[Any] = Resource.opaque(description)
    registry = Registry().with_resource("urn:api", resource)
    schema = {"$ref": f"urn:api#/components/schemas/{name}"}
    OAS31Validator(schema, registry=registry).validate(value)


def _served() -> set[tuple[str, str]]:
    """Path and method of every route of the API but the description itself."""
    hooks = Hooks("secret", _ANY, _ANY)
    routes: list[Route] = [*Api.routes(_ANY), *Admin.operations(_ANY), *hooks.routes()]
    routes += [*Redacting(_ANY, _ANY).routes(), *Revoking.routes(_ANY)]
    routes += Purging.routes(_ANY)
    routes += [*Introducing.routes(_ANY), *Foldering.routes(_ANY)]
    return {
        (route.path.replace(":path", ""), method.lower())
        for route in routes
        for method in (route.methods or set()) - {"HEAD", "OPTIONS"}
        if route.path.startswith(("/v1/", "/admin/", "/hooks/"))
        and route.path != "/v1/openapi.json"
    }


class _Any:
    """Stands for an `Admin` whose routes are only listed."""

    def __getattr__(self, name: str) -> Any:
        async def endpoint(request: object) -> None: ...

        return endpoint


_ANY: Any = _Any()


def test_the_description_is_valid(description: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(description).validate()


def test_it_describes_every_route_and_no_other(description: dict[str, Any]) -> None:
    described = {
        (path, method) for path, methods in description["paths"].items() for method in methods
    }
    assert described == _served()


def test_it_is_served_without_a_token(door: Any, description: dict[str, Any]) -> None:
    answer = door.get("/v1/openapi.json")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/vnd.oai.openapi+json"
    assert answer.json() == description


def test_answers_are_as_described(gallery: Any, description: dict[str, Any]) -> None:
    documents = [
        {"zone": "clinic", "bucket": "documents", "key": key}
        for key in ("picture.jpg", "scan.tif", "note.txt", "missing", "")
    ]
    answer = gallery.post("/v1/links", {"documents": documents}).json()
    assert ["error" in one for one in answer["links"]] == [False, False, False, True, True]
    _check(description, "Links", answer)
    folders = [{"bucket": "documents", "folder": folder} for folder in ("reports", "")]
    given = gallery.post("/v1/folders", {"folders": folders}).json()
    assert ["error" in one for one in given["folders"]] == [False, True]
    _check(description, "Folders", given)
    for key in ("picture.jpg", "scan.tif", "letter.pdf", "note.txt", "broken.jpg"):
        told = gallery.ask("GET", f"/v1/documents/clinic/documents/{key}", headers=OPERATOR)
        _check(description, "Document", told.json())
    box = {"left": 1, "top": 2, "right": 3, "bottom": 4}
    put = gallery.ask("PUT", "/admin/redactions/a", headers=OPERATOR, json={"boxes": [box]})
    _check(description, "Redaction", put.json())
    every = gallery.ask("GET", "/admin/redactions", headers=OPERATOR)
    _check(description, "Redactions", every.json())
    _check(description, "Purge", gallery.post("/admin/purge", {"tags": ["d-1"]}).json())
    _check(description, "Problem", gallery.post("/v1/links", {}).json())
    _check(description, "Problem", gallery.post("/v1/links", {}, "unknown").json())


def test_an_answer_that_is_not_as_described_is_noticed(description: dict[str, Any]) -> None:
    with pytest.raises(Exception, match="required"):
        _check(description, "Link", {"url": "https://docs.example.org/"})


def test_bodies_are_described_as_they_are_checked(description: dict[str, Any]) -> None:
    _check(description, "LinksCall", {"documents": [{"zone": "z", "bucket": "b", "key": "k"}]})
    for wrong in ({}, {"documents": []}, {"documents": [{}]}, {"unknown": 1}):
        with pytest.raises(Exception, match=r"required|non-empty|unexpected|short"):
            _check(description, "LinksCall", wrong)


def test_lists_and_plans_of_purges_are_as_described(
    description: dict[str, Any], gallery: Any
) -> None:
    plan = gallery.post("/admin/purge?dry_run=true", {"tags": ["d-1"]})
    _check(description, "PurgeOrPlan", plan.json())
    _check(description, "PurgePlan", plan.json())
    gallery.post("/admin/purge", {"tags": ["d-1"]})
    _check(description, "Purges", gallery.get("/admin/purges", OPERATOR).json())
    _check(description, "PurgeCall", {"folder": "b/f/", "urls": ["/d/…"], "dry_run": True})
