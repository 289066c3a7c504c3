"""The page: docs/settings.md, written from the models so that it cannot lag behind them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gateway.settings.schema import ANY, Node, Setting, leaves, schema

_OPENING = """\
# Settings

This page is written by `python -m gateway.settings > docs/settings.md`; do not edit it.

Ostiary reads `ostiary.toml` in the folder where it starts, or the file that `--config` or the
variable `OSTIARY_CONFIG` names, and the environment. A key nobody knows is an error that names the
nearest one. A start shows every error at once. `ostiary config show --origin` prints every value
with the place it came from; secrets are masked.

## Sources

The strongest comes first:

1. **Environment.** `OSTIARY_` and the path in capitals, `__` between its parts:
   `OSTIARY_SERVER__PORT=8080`. The names of stores, zones and CDNs write `_` for each `-`:
   the zone `east-wing` is `OSTIARY_ZONES__EAST_WING__TTL`. Numbers and `true` or `false` stand as
   they are; lists and tables are JSON: `OSTIARY_ZONES__CLINIC__BUCKETS='["documents", "scans"]'`.
   A list with commas alone is refused, because a name may hold a comma.
2. **Files.** The same name with `_FILE` at its end is the path of a file that holds the value, for
   the secrets of Docker and Kubernetes: `OSTIARY_SIGNING__KEYS__K1_FILE=/run/secrets/k1`. One line
   end at its end is dropped. So a name of your own that ends in `_file` is best given in TOML.
3. **`ostiary.toml`.**

A table given as JSON takes the place of the whole table of weaker sources; a single value only of
that value. The variables that Kubernetes adds for a Service called `ostiary`
(`OSTIARY_SERVICE_HOST`, `OSTIARY_PORT=tcp://…`) are passed over.

## A whole file

```toml
[server]
host = "127.0.0.1"
port = 8080
data = "var"
region = "eu"

[signing]
keys = { k1 = "<64 hex>", k2 = "<64 hex>" }     # openssl rand -hex 32
active = "k2"
seal_key = "<128 hex>"                          # openssl rand -hex 64

[admin]
tokens = ["sha256:<hex of the token's SHA-256>"]
port = 9090

[[admin.token]]
id = "reception"
hash = "sha256:<hex of the token's SHA-256>"
scopes = ["links"]
zones = ["clinic"]

[stores.main]
url = "file:///srv/documents"

[supabase]
url = "https://ref.supabase.co"
service_key = "<service-key>"
jwks_url = "https://ref.supabase.co/auth/v1/.well-known/jwks.json"
webhook_secret = "<64-random-hex-digits>"       # openssl rand -hex 32

[stores.project]
url = "supabase:"

[zones.portal]
store = "project"
buckets = ["letters"]

[zones.clinic]
store = "main"
buckets = ["documents", "scans"]
cache = "windowed"
public_url = "https://docs.example.org"
home = "eu"
revocable = ["documents/reports/"]

[viewers]
origins = ["https://app.example.org"]

[limits]
client = "600/minute"

[renditions]
presets = { thumb = "w160-h160-cover" }

[renditions.marks.draft]
text = "Draft of {date}"

[cdn.varnish]
provider = "varnish"
url = "http://127.0.0.1:6081"
secret = "<secret>"
```
"""


def page() -> str:
    """The whole page."""
    return "\n".join([_OPENING, *_sections()])


def _sections() -> Iterator[str]:
    for name, node in schema().fields.items():
        table = node.each if node.each else node
        heading = f"[{name}.{ANY}]" if node.each else f"[{name}]"
        path = (name, ANY) if node.each else (name,)
        yield _section(heading, node.meaning, path, table)
        for below, inner in table.fields.items():
            if inner.of_tables and inner.each:
                many = inner.kind == "list"
                heading = f"[[{name}.{below}]]" if many else f"[{name}.{below}.{ANY}]"
                inside = (*path, below) if many else (*path, below, ANY)
                yield _section(heading, inner.meaning, inside, inner.each)


def _section(heading: str, meaning: str, path: tuple[str, ...], table: Node) -> str:
    # Tables under names of the user's choice have sections of their own.
    rows = [_row(one) for one in leaves(table, path) if len(one.path) == len(path) + 1]
    columns = ["| key | meaning | type | default | environment |", "|---|---|---|---|---|"]
    return "\n".join([f"## `{heading}`", "", meaning, "", *columns, *rows, ""])


def _row(setting: Setting) -> str:
    node = setting.node
    variable = setting.variable
    # What is in a list of tables has no variable of its own.
    named = "" if variable.startswith("OSTIARY_ADMIN__TOKEN__") else f"`{variable}`"
    cells = [f"`{setting.path[-1]}`", node.meaning, node.type, _default(node), named]
    return f"| {' | '.join(cells)} |"


def _default(node: Node) -> str:
    value = node.default
    if node.required:
        return "needed"
    if node.kind == "secret" or value is None:
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, Mapping):
        return "`{}`"
    if isinstance(value, tuple):
        return "`[]`"
    return f"`{value}`" if isinstance(value, int | float) else f'`"{value}"`'
