from decimal import Decimall  # type: ignore[attr-defined]  # noqa: F401
