"""The schema: every setting that there is, as a tree read off the models."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Literal, Union, get_args, get_origin

from annotated_types import Ge, Le
from pydantic import SecretBytes, SecretStr
from pydantic.fields import FieldInfo

from gateway.settings import Settings
from gateway.settings.table import Table

Kind = Literal["table", "names", "list", "number", "share", "switch", "text", "secret"]

PREFIX = "OSTIARY_"
ANY = "NAME"


@dataclass(frozen=True, slots=True)
class Node:
    """One setting, or a table of them.

    A `table` has `fields`; `names` is a table under names of the user's choice, each a `each`;
    a `list` holds any number of `each`. `default` counts only when not `required`.
    """

    kind: Kind
    meaning: str = ""
    type: str = ""
    required: bool = False
    default: object = None
    fields: Mapping[str, Node] = field(default_factory=dict[str, "Node"])
    each: Node | None = None

    @property
    def of_tables(self) -> bool:
        """Whether what it holds are tables."""
        return self.each is not None and self.each.kind == "table"

    def child(self, name: str) -> Node | None:
        """The node of that name below this one."""
        return self.fields.get(name) if self.kind == "table" else self.each


@dataclass(frozen=True, slots=True)
class Setting:
    """A leaf of the schema; `NAME` in its path stands for a name of the user's choice."""

    path: tuple[str, ...]
    node: Node

    @property
    def variable(self) -> str:
        """Its name in the environment."""
        return variable(self.path)


def variable(path: tuple[str, ...]) -> str:
    """The environment's name of a setting. Names of tables write their hyphens as `_`."""
    return PREFIX + "__".join(part.upper().replace("-", "_") for part in path)


@cache
def schema() -> Node:
    """The tree of all settings."""
    return _table(Settings)


def leaves(node: Node | None = None, path: tuple[str, ...] = ()) -> Iterator[Setting]:
    """Every setting below `node` in the order of the models; all of them without arguments."""
    node = node or schema()
    if node.kind == "table":
        for name, below in node.fields.items():
            yield from leaves(below, (*path, name))
    elif node.kind == "names" and node.of_tables:
        yield from leaves(node.each, (*path, ANY))
    else:
        yield Setting(path, node)


def _table(model: type[Table]) -> Node:
    fields = {name: _node(info) for name, info in model.model_fields.items()}
    return Node("table", type="table", fields=fields)


def _node(info: FieldInfo) -> Node:
    bare = _bare(info.annotation, tuple(info.metadata))
    return Node(
        bare.kind,
        meaning=info.description or "",
        type=bare.type,
        required=info.is_required(),
        default=info.default,
        fields=bare.fields,
        each=bare.each,
    )


def _bare(annotation: object, metadata: tuple[object, ...]) -> Node:
    """A node of the type alone, through `Annotated` and `| None`."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _bare(arguments[0], (*metadata, *arguments[1:]))
    if origin in (Union, types.UnionType):
        return _bare(next(one for one in arguments if one is not types.NoneType), metadata)
    if origin is Literal:
        return Node("text", type=" or ".join(f'"{one}"' for one in arguments))
    if origin is tuple:
        each = _bare(arguments[0], ())
        return Node("list", type=f"list of {each.type}", each=each)
    if origin is not None:
        each = _bare(arguments[1], ())
        return Node("names", type=f"{each.type} by name", each=each)
    return _plain(annotation, metadata)


def _plain(annotation: object, metadata: tuple[object, ...]) -> Node:
    if annotation is bool:
        return Node("switch", type="true or false")
    if annotation is int:
        return Node("number", type=f"whole number{_bounds(metadata)}")
    if annotation is float:
        return Node("share", type=f"number{_bounds(metadata)}")
    if annotation is SecretStr or annotation is SecretBytes:
        return Node("secret", type="secret")
    if isinstance(annotation, type) and issubclass(annotation, Table):
        return _table(annotation)
    if annotation is str:
        return Node("text", type="text")
    raise TypeError(f"no kind of setting is known for {annotation}")


def _bounds(metadata: tuple[object, ...]) -> str:
    flat = [one for item in metadata for one in (getattr(item, "metadata", None) or [item])]
    low = next((str(one.ge) for one in flat if isinstance(one, Ge)), "")
    high = next((str(one.le) for one in flat if isinstance(one, Le)), "")
    if low and high:
        return f", {low} to {high}"
    return f", {low} or more" if low else ""
