"""The grammar os1 as anchored expressions over the octets of a request; linear, never decoding.

What they leave open (which octets may be escaped, UTF-8, decoded lengths) needs decoding and is
asked of `signing.addresses` after the signature.
"""

from __future__ import annotations

import re

MAX_TARGET = 2048
LONGEST_RENDITION = 64

_ZONE = r"[a-z0-9][a-z0-9-]{0,31}"
_RENDITION = r"[a-z0-9][a-z0-9_-]{0,63}"
_VERSION = r"-|[A-Za-z0-9_-]{22}"
_EXTENSION = r"[a-z0-9]{1,8}"
_NAME = r"[A-Za-z0-9_-]{16}"
_TAG = rf"-|{_NAME}"
_GRANT = rf"[id](?:[aop]|x-(?!original(?:\.|\Z)){_RENDITION})"
# Possessive, so that a long path that fails does so in linear time. A dot segment is refused in
# every spelling that a URL parser resolves before the signature is looked at.
_SEGMENT = (
    r"(?!(?:\.|%2E){1,2}(?:/|\Z))"
    r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]++|%[0-9A-F]{2})++"
)

ZONE = re.compile(_ZONE)
RENDITION = re.compile(_RENDITION)
VERSION = re.compile(_VERSION)
EXTENSION = re.compile(_EXTENSION)
GRANT = re.compile(_GRANT)
ONE_TIME = re.compile(_NAME)
# The renditions, in any installation, that hold a document's content whole or may end in it.
WHOLE = re.compile(r"auto|linear|p[1-9][0-9]{0,3}-text")

_KID = r"([a-z0-9]{1,8})"
_LIFE = r"[1-9][0-9]{9}\.(?:0|[1-9][0-9]{0,9})"
_SIGNATURE = r"([A-Za-z0-9_-]{32})"
_TOKEN = rf"(1\.{_KID}\.{_LIFE}\.(?:{_TAG})\.(?:{_TAG})\.{_GRANT})\.{_SIGNATURE}"
# What opens a folder is good for many documents, so it is never good once.
_FOLDER = rf"(1f([4-9]|[1-9][0-9])\.{_KID}\.{_LIFE}\.(?:{_TAG})\.-\.{_GRANT})\.{_SIGNATURE}"

# Groups: body, count of segments, kid, signature.
FOLDER_TOKEN = re.compile(rf"\At={_FOLDER}\Z".encode())
# Groups: body, kid, signature.
TOKEN = re.compile(rf"\At={_TOKEN}\Z".encode())
STORAGE_TOKEN = re.compile(rf"\A{_TOKEN}\Z".encode())
# Groups: rendition, scope, zone, sealed, bucket, key.
PATH = re.compile(
    rf"\A/d/({_RENDITION})/(({_ZONE})/"
    rf"(?:~/(?:{_VERSION})/([A-Za-z0-9_-]+)(?:\.{_EXTENSION})?"
    rf"|(?!~(?!canary/))({_SEGMENT})/(?:{_VERSION})/({_SEGMENT}(?:/{_SEGMENT})*)))\Z".encode()
)
