"""A CDN to rehearse with: one ASGI application that takes purges as strictly as the vendors do.

It knows the vendors' published contracts and nothing of the code under test. Start one with
`python -m tests.stub_cdn fastly`, point `[cdn.NAME] url` at it, and look at what arrives.
"""

from tests.stub_cdn.accounts import ID, setup_for
from tests.stub_cdn.app import KINDS, StubCdn
from tests.stub_cdn.faults import Faults
from tests.stub_cdn.running import serving

__all__ = ["ID", "KINDS", "Faults", "StubCdn", "serving", "setup_for"]
