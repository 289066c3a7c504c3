"""What signing refuses, and why.

SigningError
├── BadKey            a secret, key name or seal key that may not sign
├── BadZone           a zone whose name or times can not stand in a link
├── Unsignable        no link can be made for what was asked
├── LinkRefused       not a link of ours: form, key, signature, spelling, life
├── LinkExpired       ours, but its time is over
├── LinkRevoked       ours, but taken back since
├── GenerationAhead   ours, but newer than the revocations known here
├── BadgeRefused      not words of ours that somebody is a viewer, or no more
├── AudienceRefused   ours, but bound to a viewer or a use that was not proved
└── GrantRefused      ours, but the rendition is not one that it grants

No message holds a token, a key or a document's name.
"""

from __future__ import annotations


class SigningError(Exception):
    """Base of everything signing raises on purpose."""


class BadKey(SigningError):
    """Key material that may not be used; the message never shows the secret."""


class BadZone(SigningError):
    """A zone whose name or times can not stand in a link."""


class Unsignable(SigningError):
    """No link can be made for what was asked.

    `reason` is one word: the part that breaks the grammar.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason


class LinkRefused(SigningError):
    """Not a link of ours.

    `reason`, its one argument, is a word for metrics and for `explain`; the answer's body is the
    same for all.
    """

    @property
    def reason(self) -> str:
        return str(self.args[0])


class LinkExpired(SigningError):
    """The link was ours until `expires_at`, in Unix seconds, exclusive."""

    def __init__(self, expires_at: int) -> None:
        self.expires_at = expires_at


class LinkRevoked(SigningError):
    """The link's generation is below the one now known: it was taken back."""


class GenerationAhead(SigningError):
    """The link's generation is above the one known here: re-read the authority first."""


class BadgeRefused(SigningError):
    """No badge of ours that says now who a viewer is.

    `reason`, its one argument, is "form", "kid", "signature" or "expired"; of a claim also "used",
    and "revoked" where its viewer was since.
    """

    @property
    def reason(self) -> str:
        return str(self.args[0])


class AudienceRefused(SigningError):
    """The link is bound to a viewer, or good once, and nothing proved that this is it."""


class GrantRefused(SigningError):
    """The link does not grant this rendition, or no such rendition is declared."""
