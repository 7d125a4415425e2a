"""The names of an adapter's modules, read from their source: no host is installed where the pages are tested."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.docs.pages import ROOT

__all__ = ["HOSTS", "is_there", "names_of"]

HOSTS = "voucher_payment_gateway.hosts."


def names_of(module: str) -> set[str]:
    """Return the names at the top of a module, and its submodules. Raises ModuleNotFoundError."""
    path = _path(module)
    if path is None:
        raise ModuleNotFoundError(module)
    below = {each.stem for each in path.parent.glob("*.py")} if path.name == "__init__.py" else set()
    return below | set(_defined(ast.parse(path.read_text())))


def is_there(dotted: str) -> bool:
    """Return whether ``dotted`` is a module, or a name in one."""
    module, _, name = dotted.rpartition(".")
    return _path(dotted) is not None or (_path(module) is not None and name in names_of(module))


def _path(module: str) -> Path | None:
    path = ROOT.joinpath(*module.split("."))
    found = [each for each in (path / "__init__.py", path.with_suffix(".py")) if each.is_file()]
    return found[0] if found else None


def _defined(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))
            yield from _exported(node)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id
        elif isinstance(node, ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in node.names)


def _exported(node: ast.Assign) -> list[str]:
    """Return the names in ``__all__``: some are loaded on their first use."""
    is_list = any(isinstance(target, ast.Name) and target.id == "__all__" for target in node.targets)
    return list(ast.literal_eval(node.value)) if is_list else []
