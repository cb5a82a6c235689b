"""What a function's code does, without what cannot change a number.

Left out are comments, docstrings, annotations, the names of local variables, and statements that
only tell or check: ``print``, ``assert`` and calls of loggers whose arguments do nothing but look.
All this is told by the syntax tree. Where there is no source, or another one than that which was
compiled, the bytecode takes its place, where docstrings and the names of variables count.
"""

import ast
import builtins
import contextlib
import dis
import functools
import hashlib
import importlib.util
import linecache
import logging
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
# Attributes that are taken of a name, one of the other; () where it is used in another way.
Chain = tuple[str, ...]
# A module, and the names that are imported from it; None where it is imported itself.
Import = tuple[str, tuple[str, ...] | None]

TELLING = frozenset(("debug", "info", "warning", "warn", "error", "exception", "critical", "log"))
# Functions that look at what they are given, and neither change nor consume it.
LOOKING = frozenset(
    (
        *(abs, bool, callable, float, format, hasattr, id, int, isinstance, issubclass, len),
        *(repr, round, str, type),
    )
)
# To these, the names of local variables are visible.
SEES_LOCALS = frozenset(("locals", "vars", "dir", "eval", "exec"))
# Instructions; those of a class's body too.
LOADS_FROM_OUTSIDE = frozenset(
    (
        *("LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF", "LOAD_CLASSDEREF"),
        *("LOAD_FROM_DICT_OR_GLOBALS", "LOAD_FROM_DICT_OR_DEREF"),
    )
)


@dataclass(frozen=True)
class Code:
    """What is told of a function's code.

    Attributes:
        digest: changes with what it does.
        uses: names from outside of the function, each with the attributes that are taken of it.
        loads: names of all attributes that are read anywhere in it.
        counts: names of attributes to which it adds a constant.
    """

    digest: str
    uses: Mapping[str, frozenset[Chain]]
    loads: frozenset[str] = frozenset()
    counts: frozenset[str] = frozenset()


def code_of(function: FunctionType) -> Code:
    """Return what is told of a function's code."""
    node = _node(function)
    if node is None:
        return _from_bytecode(function.__code__)
    names = _Names(function)
    body = node.body if isinstance(node, ast.Lambda) else [*node.body]
    arguments = _bare(node.args)
    plain = ast.Lambda(arguments, body) if isinstance(body, ast.expr) else _def(arguments, body)
    plain = _Without(names).visit(plain)
    _rename(plain, names)
    # Whether it is awaited or iterated over shows in its body.
    flags = isinstance(node, ast.AsyncFunctionDef)
    digest = hashlib.blake2b(f"{flags} {ast.dump(plain)}".encode(), digest_size=8).hexdigest()
    found = _Uses(names)
    found.visit(plain)
    uses = {name: frozenset(chains) for name, chains in found.uses.items()}
    return Code(digest, uses, frozenset(found.loads), frozenset(found.counts))


def imports(function: FunctionType) -> Iterator[Import]:
    """Yield what a function imports when it is called."""
    package = function.__globals__.get("__package__") or ""
    for code in _nested(function.__code__):
        steps = [step for step in dis.get_instructions(code) if step.opname != "EXTENDED_ARG"]
        for level, names, step in zip(steps, steps[1:], steps[2:], strict=False):
            if step.opname == "IMPORT_NAME":
                relative = "." * level.argval + step.argval
                with contextlib.suppress(ImportError):  # it would fail in the same way
                    yield importlib.util.resolve_name(relative, package), names.argval


def values(function: FunctionType) -> dict[str, Any]:
    """Return what a function can see from outside, by name: of its module, or closed over."""
    found = {**function.__globals__}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with contextlib.suppress(ValueError):  # nothing was assigned yet
            found[name] = cell.cell_contents
    return found


# From the function to its syntax tree


def _node(function: FunctionType) -> Function | None:
    """Return the syntax tree that a function was compiled from, if that is certain."""
    code = function.__code__
    text = "".join(linecache.getlines(code.co_filename, function.__globals__))
    tree, codes = _parsed(text, code.co_filename)
    if tree is None or code not in codes:
        return None
    found = [node for node in _functions(tree) if _is_at(node, code)]
    if len(found) > 1:
        found = [node for node in found if _holds(node, code)]
    return found[0] if len(found) == 1 else None


@functools.lru_cache(maxsize=256)
def _parsed(text: str, name: str) -> tuple[ast.Module | None, frozenset[CodeType]]:
    """Return the tree of a file, and all code that it is compiled to."""
    try:
        whole = compile(text, name, "exec", dont_inherit=True)
        return ast.parse(text), frozenset(_nested(whole))
    except (SyntaxError, ValueError, RecursionError):
        return None, frozenset()


def _nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield from _nested(const)


def _functions(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def _is_at(node: Function, code: CodeType) -> bool:
    if isinstance(node, ast.Lambda):
        return code.co_name == "<lambda>" and node.lineno == code.co_firstlineno
    first = min([node.lineno, *(part.lineno for part in node.decorator_list)])
    return code.co_name == node.name and first == code.co_firstlineno


def _holds(node: Function, code: CodeType) -> bool:
    """Whether all instructions come from the body of a node: for functions on one line."""
    body = node.body if isinstance(node.body, list) else [node.body]
    begin = body[0].lineno, body[0].col_offset
    end = body[-1].end_lineno or 0, body[-1].end_col_offset or 0
    spans = [p for p in code.co_positions() if None not in p and p[2:] != (0, 0)]
    return bool(spans) and all(begin <= (p[0], p[2]) and (p[1], p[3]) <= end for p in spans)


# What is left of the tree


class _Names:
    """What the names in a function mean."""

    def __init__(self, function: FunctionType) -> None:
        codes = [*_nested(function.__code__)]
        self.root = {*function.__code__.co_varnames, *function.__code__.co_cellvars}
        self.bound = {name for code in codes for name in (*code.co_varnames, *code.co_cellvars)}
        self.outer = {name for code in codes for name in code.co_names}
        self.outer |= {*function.__code__.co_freevars}
        self.sees_locals = not SEES_LOCALS.isdisjoint(self.outer)
        self._values = {**vars(builtins), **values(function)}

    def value(self, name: str) -> Any:
        """Return what a name means that is surely not a local one; None if that is not known."""
        return None if name in self.bound else self._values.get(name)


def _bare(arguments: ast.arguments) -> ast.arguments:
    """Return arguments without defaults, which are objects and told as such."""
    return ast.arguments(
        arguments.posonlyargs,
        arguments.args,
        arguments.vararg,
        arguments.kwonlyargs,
        [],
        arguments.kwarg,
        [],
    )


def _def(arguments: ast.arguments, body: list[ast.stmt]) -> ast.AST:
    rest: dict[str, Any] = {"type_params": []} if sys.version_info >= (3, 12) else {}
    return ast.FunctionDef("", arguments, body, [], None, None, **rest)


class _Without(ast.NodeTransformer):
    """Takes out what cannot change a number; what it changes is a copy."""

    def __init__(self, names: _Names) -> None:
        self.names = names

    def generic_visit(self, node: ast.AST) -> ast.AST:
        fields = {name: self._field(value) for name, value in ast.iter_fields(node)}
        return type(node)(**fields)

    def _field(self, value: Any) -> Any:
        if isinstance(value, list):
            parts = [self._field(part) for part in value]
            if not value or not isinstance(value[0], ast.stmt):
                return parts
            kept = [part for part in parts if part is not None and not isinstance(part, ast.Pass)]
            return kept or [ast.Pass()]
        return self.visit(value) if isinstance(value, ast.AST) else value

    def visit_arg(self, node: ast.arg) -> ast.AST:
        return ast.arg(node.arg)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        found = self.generic_visit(node)
        assert isinstance(found, ast.FunctionDef)
        found.returns = None
        return found

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        # Annotations of a class may be its fields: they stay.
        found = self.generic_visit(node)
        assert isinstance(found, ast.ClassDef)
        found.body = [
            part for part in (self._member(part) for part in node.body) if part is not None
        ] or [ast.Pass()]
        return found

    def _member(self, node: ast.stmt) -> Any:
        return node if isinstance(node, ast.AnnAssign) else self.visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        if node.value is None:
            # Nothing happens, but it makes a name local, which its uses tell as well.
            return None
        return ast.Assign([self.visit(node.target)], self.visit(node.value))

    def visit_Assert(self, node: ast.Assert) -> ast.AST | None:
        parts = [node.test] if node.msg is None else [node.test, node.msg]
        return None if all(map(self.looks, parts)) else self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        if isinstance(node.value, ast.Constant) or self._tells(node.value):
            return None
        return self.generic_visit(node)

    def _tells(self, node: ast.expr) -> bool:
        """Whether an expression only prints or logs."""
        if not isinstance(node, ast.Call) or not all(map(self.looks, node.args)):
            return False
        if isinstance(node.func, ast.Name):
            known = all(k.arg in ("sep", "end", "flush") for k in node.keywords)
            prints = self.names.value(node.func.id) is print
            return prints and known and all(self.looks(k.value) for k in node.keywords)
        if not isinstance(node.func, ast.Attribute) or not isinstance(node.func.value, ast.Name):
            return False
        logger = self.names.value(node.func.value.id)
        logs = logger is logging or isinstance(logger, logging.Logger | logging.LoggerAdapter)
        return (
            logs and node.func.attr in TELLING and all(self.looks(k.value) for k in node.keywords)
        )

    def looks(self, node: ast.expr) -> bool:
        """Whether an expression does nothing but look at values."""
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else ""
            value = self.names.value(name)
            given = [*node.args, *(keyword.value for keyword in node.keywords)]
            return isinstance(value, type | type(len)) and value in LOOKING and self._all(given)
        if isinstance(node, ast.Compare) and not _is_plain(node):
            return False
        known: tuple[type[ast.expr], ...] = (
            *(ast.Constant, ast.Name, ast.Attribute, ast.Subscript, ast.Slice, ast.Compare),
            *(ast.BoolOp, ast.UnaryOp, ast.BinOp, ast.IfExp, ast.JoinedStr, ast.FormattedValue),
            *(ast.Tuple, ast.List, ast.Set, ast.Dict),
        )
        parts = (part for part in ast.iter_child_nodes(node) if isinstance(part, ast.expr))
        return isinstance(node, known) and self._all(parts)

    def _all(self, nodes: Any) -> bool:
        return all(map(self.looks, nodes))


def _is_plain(node: ast.Compare) -> bool:
    """Whether it takes nothing from an iterator, as ``x in iterator`` does."""
    shown = ast.Tuple | ast.List | ast.Set | ast.Constant
    return all(
        not isinstance(op, ast.In | ast.NotIn) or isinstance(right, shown)
        for op, right in zip(node.ops, node.comparators, strict=True)
    )


def _rename(tree: ast.AST, names: _Names) -> None:
    """Number the local variables by their first place.

    Only those that occur as nothing but variables, in all functions inside too: not arguments,
    which have a meaning for whoever calls, and not what is a global or an attribute elsewhere.
    """
    if names.sees_locals:
        return
    others = {
        text
        for node in ast.walk(tree)
        if not isinstance(node, ast.Name | ast.Constant)
        for _, field in ast.iter_fields(node)
        for text in (field if isinstance(field, list) else [field])
        if isinstance(text, str)
    }
    local = names.bound - names.outer - others
    numbers: dict[str, int] = {}
    for node in _in_order(tree):
        if isinstance(node, ast.Name) and node.id in local:
            # No name of a program has a space.
            node.id = f"local {numbers.setdefault(node.id, len(numbers))}"


def _in_order(tree: ast.AST) -> Iterator[ast.AST]:
    yield tree
    for node in ast.iter_child_nodes(tree):
        yield from _in_order(node)


class _Uses(ast.NodeVisitor):
    """Collects what is used from outside."""

    def __init__(self, names: _Names) -> None:
        self.names = names
        self.uses: dict[str, set[Chain]] = {}
        self.loads: set[str] = set()
        self.counts: set[str] = set()

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if isinstance(node.ctx, ast.Load):
            self.loads.add(node.attr)
        chain: list[str] = []
        inner: ast.expr = node
        # Only what is read: who writes to a part may write to all of it.
        while isinstance(inner, ast.Attribute) and isinstance(inner.ctx, ast.Load):
            chain.insert(0, inner.attr)
            inner = inner.value
        if isinstance(inner, ast.Name) and chain:
            self.loads.update(chain)
            self._use(inner, tuple(chain))
        else:
            self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        self._use(node, ())

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Attribute) and isinstance(node.value, ast.Constant):
            self.counts.add(node.target.attr)
        self.generic_visit(node)

    def _use(self, node: ast.Name, chain: Chain) -> None:
        if isinstance(node.ctx, ast.Load) and node.id not in self.names.root:
            self.uses.setdefault(node.id, set()).add(chain)


# Where there is no source


def _from_bytecode(code: CodeType) -> Code:
    digest = hashlib.blake2b(digest_size=8)
    for part in _instructions(code):
        digest.update(len(part).to_bytes(8, "little") + part)
    uses: dict[str, set[Chain]] = {}
    for inner in _nested(code):
        for name, chain in _loaded(inner):
            if inner is not code or name not in code.co_cellvars:
                uses.setdefault(name, set()).add(chain)
    # What a class holds may be read by any of these names.
    loads = frozenset(name for inner in _nested(code) for name in inner.co_names)
    found = {name: frozenset(chains) for name, chains in uses.items()}
    return Code(digest.hexdigest(), found, loads)


def _loaded(code: CodeType) -> Iterator[tuple[str, Chain]]:
    """Yield the names that instructions load from outside, each with the attributes taken of it.

    Instructions that take an attribute stand behind the one that loads the name.
    """
    name = ""
    chain: Chain = ()
    for one in dis.get_instructions(code):
        if one.opname == "EXTENDED_ARG":  # a part of the next one
            continue
        if name and one.opname in ("LOAD_ATTR", "LOAD_METHOD"):
            chain = (*chain, str(one.argval))
            continue
        if name:
            yield name, chain
        outside = one.opname in LOADS_FROM_OUTSIDE
        name, chain = (str(one.argval), ()) if outside else ("", ())


def _instructions(code: CodeType) -> Iterator[bytes]:
    yield code.co_code
    for names in (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars):
        yield repr(names).encode()
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield from _instructions(const)
        elif isinstance(const, frozenset):
            yield repr(sorted(const, key=repr)).encode()
        else:
            yield repr(const).encode("utf-8", "backslashreplace")
