"""Every test of the client runs on both clients, for threads and for tasks."""

import pytest

from tests.api.doubles import Tasks, Threads


@pytest.fixture(params=[Threads, Tasks], ids=["threads", "tasks"])
def client(request):
    """Call it with the other side and settings; call the result with what to ask of the cloud."""
    return request.param
