"""Every test of the client runs on both clients, for threads and for tasks."""

import pytest

from tests.api.doubles import Tasks, Threads
from tests.authority import new_authority


@pytest.fixture(params=[Threads, Tasks], ids=["threads", "tasks"])
def client(request):
    """Call it with the other side and settings; call the result with what to ask of the cloud."""
    return request.param


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """A certificate for 127.0.0.1 that signs itself: its file, and a context that serves it."""
    return new_authority(tmp_path_factory.mktemp("authority"))
