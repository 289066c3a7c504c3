"""docs/cdns.md says of each CDN what the table of facts says, and can be copied from."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from cdn.facts import FACTS
from gateway.settings import CdnSettings

PAGE = (Path(__file__).parents[3] / "docs" / "cdns.md").read_text(encoding="utf-8")
KINDS = sorted(FACTS.keys() - {"null"})
ACCOUNT = {"client_email": "a@b", "private_key": "k", "token_uri": "https://x"}
SNIPPETS = {
    kind: text for text, kind in re.findall(r"^ *(\[cdn\.([a-z]+)\]\n.*?)```", PAGE, re.S | re.M)
}


def number(text: str) -> float:
    return float(text.replace(",", "").removesuffix("/s"))


def cells(kind: str) -> list[str]:
    found = re.search(rf"^\| `{kind}` \| (.*) \|$", PAGE, re.M)
    assert found, f"{kind} has no row"
    return found[1].split(" | ")


@pytest.mark.parametrize("kind", KINDS)
def test_each_row_is_the_one_of_the_table(kind: str) -> None:
    facts, limits = FACTS[kind], FACTS[kind].limits_of("")
    reads, tag_field, soft, batch, calls, tags, shared = cells(kind)
    assert reads == (facts.profile.shared_field or "Cache-Control") or kind == "supabase"
    assert tag_field == (facts.profile.tag_field if "tags" in facts.abilities else "–")
    assert soft == ("yes" if "soft" in facts.abilities else "no")
    assert number(batch) == limits.batch
    burst, rate = map(number, calls.split(", "))
    assert (burst, rate) == (limits.burst, pytest.approx(limits.rate, rel=0.005))
    assert (tags == "–") == (limits.tag_rate == float("inf"))
    if tags != "–":
        burst, rate = map(number, tags.split(", "))
        assert (burst, rate) == (limits.tag_burst, pytest.approx(limits.tag_rate, rel=0.005))
    assert shared == ("the account's" if facts.account else "its own")


@pytest.mark.parametrize("kind", KINDS)
def test_each_has_a_table_to_copy(kind: str) -> None:
    text = SNIPPETS[kind].replace("<the JSON file of a service account>", json.dumps(ACCOUNT))
    table = tomllib.loads(re.sub(r"<([a-z-]+)>", r"\1", text))["cdn"][kind]
    settings = CdnSettings.model_validate(table)
    assert settings.provider == kind
    assert set(FACTS[kind].needs) <= table.keys()
