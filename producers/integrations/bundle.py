"""One file out of several modules: what a web application copies, and what needs nothing of ours there."""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Final

_PACKAGE: Final = "producers.integrations"
_COMMON: Final = (
    "failures",
    "words",
    "mails",
    "checks",
    "answers",
    "celery_apps",
    "by_name",
    "connections",
    "over_http",
    "client",
)
#: The integrations, and the modules that each is made of, in the order in which they stand in its file.
PARTS: Final = {
    "django": (*_COMMON, "django_mails", "django"),
    "flask": (*_COMMON, "outbox", "flask"),
    "fastapi": (*_COMMON, "outbox", "fastapi"),
    "plain": (*_COMMON, "outbox"),
}
_TITLES: Final = {
    "django": "Postroom's email backend for Django.",
    "flask": "Postroom's extension for Flask.",
    "fastapi": "Postroom's dependency for FastAPI.",
    "plain": "Postroom's client for any Python program.",
}
_HEAD: Final = '''"""
{title}

Made by `postroom integration {name}`. Copy it into your project, and leave it as it is: a newer one will
replace it. Nothing of Postroom's has to be installed for it.

SPDX-License-Identifier: MIT
"""

from __future__ import annotations
'''
_WIDTH: Final = 110
#: Where the examples have their copies.
COPIES: Final = {
    "django": "examples/django/shop/mail_backend.py",
    "flask": "examples/flask/postroom.py",
    "fastapi": "examples/fastapi/postroom.py",
}


@dataclass
class _Imports:
    """The imports of several modules, merged."""

    modules: set[str] = field(default_factory=set)
    names: dict[str, set[str]] = field(default_factory=dict)

    def add(self, node: ast.Import | ast.ImportFrom) -> None:
        if isinstance(node, ast.Import):
            self.modules |= {alias.name for alias in node.names}
        elif node.module and node.module != "__future__" and not node.module.startswith(_PACKAGE):
            self.names.setdefault(node.module, set()).update(alias.name for alias in node.names)

    def without(self, others: _Imports) -> _Imports:
        names = {name: found - others.names.get(name, set()) for name, found in self.names.items()}
        return _Imports(
            self.modules - others.modules, {name: found for name, found in names.items() if found}
        )

    def lines(self, indent: str) -> list[str]:
        """Return them as a formatter leaves them: the library's, a blank line, everybody else's."""
        blocks = []
        for own in (True, False):
            block = [f"import {name}" for name in sorted(self.modules) if _is_standard(name) is own]
            for module, names in sorted(self.names.items()):
                if _is_standard(module) is own:
                    block += _from(module, sorted(names, key=_order), indent)
            if block:
                blocks.append([indent + line for line in block])
        return [line for block in blocks for line in ("", *block)][1:]


def bundle(name: str) -> str:
    """Return the text of the file for the integration *name*, a key of `PARTS`."""
    runtime, typing, bodies = _Imports(), _Imports(), []
    for part in PARTS[name]:
        source = files(_PACKAGE).joinpath(f"{part}.py").read_text(encoding="utf-8")
        bodies.append(_body(source, runtime, typing))
    typing = typing.without(runtime)
    head = [_HEAD.format(title=_TITLES[name], name=name), *runtime.lines("")]
    if typing.names:
        head += ["", "if TYPE_CHECKING:", *typing.lines("    ")]
    return "\n".join(head) + "\n\n\n" + "\n\n\n".join(bodies) + "\n"


def _body(source: str, runtime: _Imports, typing: _Imports) -> str:
    """Return what stands behind the imports of a module; these are added to *runtime* and *typing*."""
    lines = source.splitlines()
    end = 0
    for node in ast.parse(source).body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            runtime.add(node)
        elif _is_for_types(node):
            for each in ast.walk(node):
                if isinstance(each, (ast.Import, ast.ImportFrom)):
                    typing.add(each)
        elif not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            continue
        end = node.end_lineno or end
    return "\n".join(lines[end:]).strip("\n")


def _is_for_types(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def _is_standard(module: str) -> bool:
    return module.partition(".")[0] in sys.stdlib_module_names


def _from(module: str, names: list[str], indent: str) -> list[str]:
    line = f"from {module} import {', '.join(names)}"
    if len(indent + line) <= _WIDTH:
        return [line]
    return [f"from {module} import (", *(f"    {name}," for name in names), ")"]


def _order(name: str) -> tuple[int, str]:
    """Order names as import sorters do: constants, classes, functions."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


if __name__ == "__main__":
    for _name, _path in COPIES.items():
        (Path(sys.argv[1]) / _path).write_text(bundle(_name), encoding="utf-8")
