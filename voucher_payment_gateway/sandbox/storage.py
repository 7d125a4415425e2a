"""The state as one JSON file, replaced atomically after each change."""

import contextlib
import os
import tempfile
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from voucher_payment_gateway.sandbox.records import State

__all__ = ["StateFile", "StateFileError"]

_STATE: TypeAdapter[State] = TypeAdapter(State)


class StateFileError(Exception):
    """The state file cannot be read; the message is one sentence for the user."""


class StateFile:
    """A file that contains the state before a change or after it, never a part."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def load(self) -> State:
        """Return the saved state, empty if there is no file yet. Raises StateFileError."""
        try:
            return _STATE.validate_json(self.path.read_bytes())
        except FileNotFoundError:
            return State()
        except OSError as error:
            raise StateFileError(f"The state file {self.path} cannot be read: {error.strerror}.") from error
        except ValidationError as error:
            raise StateFileError(
                f"The state file {self.path} is damaged or of another version; "
                f"move it away to start with an empty cloud."
            ) from error

    def save(self, state: State) -> None:
        """Write the state; only its owner can read it, since it contains codes and secrets."""
        descriptor, temporary = tempfile.mkstemp(prefix=f".{self.path.name}.", dir=self.path.parent or ".")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(_STATE.dump_json(state))
            os.replace(temporary, self.path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
            raise
