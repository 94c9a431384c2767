"""One service for all tests that only ask."""

import pytest


@pytest.fixture(scope="session")
def service():
    """A service of one small size, compiled."""
    from serve_service import serving

    with serving() as service:
        known = service.state.known
        for size in known.sizes:
            known.compile(size)
        yield service
