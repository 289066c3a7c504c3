"""RFC 9110 §8.8 and §13 as a table: (method, fields) → what must be decided."""

from __future__ import annotations

import pytest

from gateway.wire.preconditions import Preconditions, Validators, Verdict, evaluate, range_applies

# Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT
VALIDATORS = Validators(b'"v1"', 784_111_777)
SAME = b"Sun, 06 Nov 1994 08:49:37 GMT"
BEFORE = b"Sun, 06 Nov 1994 08:49:36 GMT"
AFTER = b"Sun, 06 Nov 1994 08:49:38 GMT"

PROCEED, NOT_MODIFIED, FAILED = Verdict.PROCEED, Verdict.NOT_MODIFIED, Verdict.FAILED


def asked(**fields: bytes) -> Preconditions:
    return Preconditions(**fields)


CASES = [
    ("13 no precondition", "GET", asked(), PROCEED),
    # If-Match: strong comparison
    ("13.1.1 same tag", "GET", asked(if_match=b'"v1"'), PROCEED),
    ("13.1.1 other tag", "GET", asked(if_match=b'"v2"'), FAILED),
    ("13.1.1 any", "GET", asked(if_match=b"*"), PROCEED),
    ("13.1.1 any with spaces", "GET", asked(if_match=b" * "), PROCEED),
    ("13.1.1 in a list", "GET", asked(if_match=b'"v0", "v1"'), PROCEED),
    ("13.1.1 not in a list", "GET", asked(if_match=b'"v0", "v2"'), FAILED),
    ("13.1.1 weak never matches", "GET", asked(if_match=b'W/"v1"'), FAILED),
    ("13.1.1 weak and strong", "GET", asked(if_match=b'W/"v1", "v1"'), PROCEED),
    ("13.1.1 HEAD", "HEAD", asked(if_match=b'"v2"'), FAILED),
    ("13.1.1 malformed", "GET", asked(if_match=b"v1"), FAILED),
    ("13.1.1 empty", "GET", asked(if_match=b""), FAILED),
    # If-None-Match: weak comparison
    ("13.1.2 same tag", "GET", asked(if_none_match=b'"v1"'), NOT_MODIFIED),
    ("13.1.2 other tag", "GET", asked(if_none_match=b'"v2"'), PROCEED),
    ("13.1.2 weak matches", "GET", asked(if_none_match=b'W/"v1"'), NOT_MODIFIED),
    ("13.1.2 any", "GET", asked(if_none_match=b"*"), NOT_MODIFIED),
    ("13.1.2 HEAD", "HEAD", asked(if_none_match=b'"v1"'), NOT_MODIFIED),
    ("13.1.2 other method", "PUT", asked(if_none_match=b'"v1"'), FAILED),
    ("13.1.2 other method, any", "PUT", asked(if_none_match=b"*"), FAILED),
    ("13.1.2 in a list", "GET", asked(if_none_match=b'"v0", "v1"'), NOT_MODIFIED),
    ("13.1.2 weak in a list", "GET", asked(if_none_match=b'"v0",W/"v1","v2"'), NOT_MODIFIED),
    ("5.6.1.2 empty members", "GET", asked(if_none_match=b', ,"v0", , "v1",'), NOT_MODIFIED),
    ("5.6.1.2 tabs", "GET", asked(if_none_match=b'\t"v0"\t,\t"v1"\t'), NOT_MODIFIED),
    ("8.8.3 weak mark is case-sensitive", "GET", asked(if_none_match=b'w/"v1"'), PROCEED),
    ("8.8.3 no quotes", "GET", asked(if_none_match=b"v1"), PROCEED),
    ("8.8.3 comma inside a tag", "GET", asked(if_none_match=b'"a,b", "v1"'), NOT_MODIFIED),
    ("8.8.3 tag inside a tag", "GET", asked(if_none_match=b'"x"v1"'), PROCEED),
    ("8.8.3 not closed", "GET", asked(if_none_match=b'"v1'), PROCEED),
    ("8.8.3 no comma between", "GET", asked(if_none_match=b'"v0" "v1"'), PROCEED),
    ("8.8.3 any in a list", "GET", asked(if_none_match=b'*, "v0"'), PROCEED),
    ("13.1.2 empty", "GET", asked(if_none_match=b""), PROCEED),
    # If-Modified-Since
    ("13.1.3 same", "GET", asked(if_modified_since=SAME), NOT_MODIFIED),
    ("13.1.3 after", "GET", asked(if_modified_since=AFTER), NOT_MODIFIED),
    ("13.1.3 before", "GET", asked(if_modified_since=BEFORE), PROCEED),
    ("13.1.3 HEAD", "HEAD", asked(if_modified_since=SAME), NOT_MODIFIED),
    ("13.1.3 ignored for others", "PUT", asked(if_modified_since=SAME), PROCEED),
    ("13.1.3 invalid is ignored", "GET", asked(if_modified_since=b"yesterday"), PROCEED),
    ("13.1.3 a list is ignored", "GET", asked(if_modified_since=SAME + b", " + SAME), PROCEED),
    (
        "13.1.3 ignored beside If-None-Match",
        "GET",
        asked(if_none_match=b'"v2"', if_modified_since=SAME),
        PROCEED,
    ),
    (
        "13.1.3 ignored beside a broken If-None-Match",
        "GET",
        asked(if_none_match=b"nonsense", if_modified_since=SAME),
        PROCEED,
    ),
    # If-Unmodified-Since
    ("13.1.4 same", "GET", asked(if_unmodified_since=SAME), PROCEED),
    ("13.1.4 after", "GET", asked(if_unmodified_since=AFTER), PROCEED),
    ("13.1.4 before", "GET", asked(if_unmodified_since=BEFORE), FAILED),
    ("13.1.4 invalid is ignored", "GET", asked(if_unmodified_since=b"0"), PROCEED),
    (
        "13.1.4 a list is ignored",
        "GET",
        asked(if_unmodified_since=BEFORE + b", " + BEFORE),
        PROCEED,
    ),
    (
        "13.1.4 ignored beside If-Match",
        "GET",
        asked(if_match=b'"v1"', if_unmodified_since=BEFORE),
        PROCEED,
    ),
    # Precedence
    (
        "13.2.2 step 1 before step 3",
        "GET",
        asked(if_match=b'"v2"', if_none_match=b'"v1"'),
        FAILED,
    ),
    (
        "13.2.2 step 1 then step 3",
        "GET",
        asked(if_match=b'"v1"', if_none_match=b'"v1"'),
        NOT_MODIFIED,
    ),
    (
        "13.2.2 step 2 before step 3",
        "GET",
        asked(if_unmodified_since=BEFORE, if_none_match=b'"v1"'),
        FAILED,
    ),
    (
        "13.2.2 step 2 then step 4",
        "GET",
        asked(if_unmodified_since=SAME, if_modified_since=SAME),
        NOT_MODIFIED,
    ),
    ("13.2.2 If-Range decides nothing here", "GET", asked(if_range=b'"v2"'), PROCEED),
]


@pytest.mark.parametrize(
    ("method", "fields", "verdict"),
    [case[1:] for case in CASES],
    ids=[f"RFC 9110 {case[0]}" for case in CASES],
)
def test_preconditions_decide(method: str, fields: Preconditions, verdict: Verdict) -> None:
    assert evaluate(method, fields, VALIDATORS) is verdict


@pytest.mark.parametrize(
    ("field", "applies"),
    [
        pytest.param(None, True, id="RFC 9110 13.1.5 absent"),
        pytest.param(b'"v1"', True, id="RFC 9110 13.1.5 same tag"),
        pytest.param(b'"v2"', False, id="RFC 9110 13.1.5 other tag"),
        pytest.param(b'W/"v1"', False, id="RFC 9110 13.1.5 weak tag"),
        pytest.param(b'"v1", "v1"', False, id="RFC 9110 13.1.5 no list"),
        pytest.param(b"*", False, id="RFC 9110 13.1.5 no any"),
        pytest.param(SAME, True, id="RFC 9110 13.1.5 exactly the Last-Modified"),
        pytest.param(AFTER, False, id="RFC 9110 13.1.5 later date"),
        pytest.param(BEFORE, False, id="RFC 9110 13.1.5 earlier date"),
        pytest.param(b"nonsense", False, id="RFC 9110 13.1.5 malformed"),
        pytest.param(b"", False, id="RFC 9110 13.1.5 empty"),
    ],
)
def test_if_range_decides_whether_the_range_applies(field: bytes | None, applies: bool) -> None:
    assert range_applies(Preconditions(if_range=field), VALIDATORS) is applies
