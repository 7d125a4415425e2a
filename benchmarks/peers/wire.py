"""What every peer sends beside its bodies: the token is there already."""

from benchmarks.stub_cloud import TOKEN

__all__ = ["HEADERS"]

HEADERS = {"Authorization": f"Bearer {TOKEN['access_token']}", "Accept": "application/json"}
