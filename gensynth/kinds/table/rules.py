"""Rules that every row of a table must obey. They come from a file, so they are checked without running any code."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

RULES = {
    "inequality": "each column is at most the next one",
    "fixed_combinations": "only combinations of values that occur in the real rows",
    "one_hot": "exactly one of the columns is true",
    "predicate": "an expression of columns, numbers and text is true, such as `age >= 18 or student == 'yes'`",
}
"""The kinds of rules. A row with a missing value in one of the columns obeys inequalities and predicates."""

OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes:
        kind: One of `RULES`.
        columns: The columns it is about, in order; those of a predicate are found in its expression.
        expression: For a predicate: comparisons, + - * / %, `and`, `or`, `not`, brackets over constants and column
            names; names with blanks or signs in them stand in backquotes. Times are compared with ISO text.
    """

    kind: str
    columns: tuple[Hashable, ...] = ()
    expression: str = ""

    def __post_init__(self) -> None:
        if self.kind not in RULES:
            raise ValueError(f"rule {self.kind!r} is not known; allowed: {', '.join(RULES)}.")
        if self.kind == "predicate":
            tree, quoted = _parse(self.expression)
            names = [quoted.get(node.id, node.id) for node in ast.walk(tree) if isinstance(node, ast.Name)]
            object.__setattr__(self, "columns", tuple(dict.fromkeys(names)))
        if len(self.columns) < (1 if self.kind == "predicate" else 2):
            raise ValueError(f"rule {self.as_text()!r} names too few columns: {list(self.columns)}.")

    def as_text(self) -> str:
        """Return the rule for people."""
        return f"{self.kind} {self.expression or ', '.join(map(str, self.columns))}"

    def obeyed(self, frame: pd.DataFrame, real: pd.DataFrame) -> np.ndarray:
        """Return which rows of `frame` obey the rule, bool, shape (n,); times must not be text (`Schema.obeyed`).

        Args:
            frame: Rows to check.
            real: Real rows, from which allowed combinations are taken.

        Raises:
            ValueError: if the rule compares what cannot be compared.
        """
        names = list(self.columns)
        if self.kind == "fixed_combinations":
            both = pd.concat([real[names].astype(object), frame[names].astype(object)])
            combination = both.groupby(names, dropna=False, sort=False).ngroup().to_numpy()
            return np.isin(combination[len(real) :], combination[: len(real)])
        try:
            if self.kind == "one_hot":
                flags = [frame[name].astype(object).to_numpy(dtype=float, na_value=0.0) for name in names]
                return np.sum(flags, axis=0) == 1
            if self.kind == "inequality":
                pairs = zip(names, names[1:], strict=False)
                return np.logical_and.reduce([_where_known(frame, pair, _ordered) for pair in pairs])
            tree, quoted = _parse(self.expression)
            return _where_known(frame, self.columns, lambda known: _value(tree, known, quoted))
        except (TypeError, ValueError, ZeroDivisionError) as error:
            raise ValueError(f"rule {self.as_text()!r} cannot be checked: {error}.") from error


def _where_known(frame: pd.DataFrame, names: tuple[Hashable, ...], check: Callable[[pd.DataFrame], Any]) -> np.ndarray:
    """Return the answer of `check` for rows in which none of the columns is missing, true for the others."""
    known = frame[list(names)].notna().all(axis=1).to_numpy()
    ok = np.ones(len(frame), dtype=bool)
    ok[known] = _truth(check(frame.loc[known, list(names)]))
    return ok


def _ordered(pair: pd.DataFrame) -> pd.Series:
    return pair.iloc[:, 0] <= pair.iloc[:, 1]


def _truth(value: Any) -> Any:
    return np.asarray(value, dtype=bool)


def _parse(expression: str) -> tuple[ast.expr, dict[str, str]]:
    """Return the expression as a tree, and by stand-in, the column names that were in backquotes."""
    quoted: dict[str, str] = {}

    def stand_in(match: re.Match[str]) -> str:
        return quoted.setdefault(match[1], f"quoted_column_{len(quoted)}")

    try:
        tree = ast.parse(re.sub("`([^`]+)`", stand_in, expression), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"rule {expression[:200]!r} is not an expression: {error}.") from error
    plain = (ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.BinOp, ast.Compare, ast.Name, ast.Load)
    for node in ast.walk(tree):
        constant = isinstance(node, ast.Constant) and isinstance(node.value, str | int | float)
        if not constant and not isinstance(node, (*plain, *OPERATORS)):
            what = repr(node.value) if isinstance(node, ast.Constant) else type(node).__name__
            raise ValueError(
                f"rule {expression[:200]!r} holds {what}; allowed are column names, numbers, text, comparisons, "
                "+ - * / %, and, or, not."
            )
    return tree, {name: column for column, name in quoted.items()}


def _value(node: ast.expr, frame: pd.DataFrame, quoted: dict[str, str]) -> Any:
    """Return the value for each row of an expression that `_parse` has accepted."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        return frame[quoted.get(node.id, node.id)]
    if isinstance(node, ast.UnaryOp):
        value = _value(node.operand, frame, quoted)
        return ~_truth(value) if isinstance(node.op, ast.Not) else -_number(value)
    if isinstance(node, ast.BinOp):
        left, right = (_number(_value(side, frame, quoted)) for side in (node.left, node.right))
        return OPERATORS[type(node.op)](left, right)
    if isinstance(node, ast.BoolOp):
        join = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
        return join.reduce(np.broadcast_arrays(*(_truth(_value(part, frame, quoted)) for part in node.values)))
    assert isinstance(node, ast.Compare)
    values = [_value(side, frame, quoted) for side in (node.left, *node.comparators)]
    steps = zip(node.ops, values, values[1:], strict=False)
    return np.logical_and.reduce([_truth(OPERATORS[type(op)](left, right)) for op, left, right in steps])


def _number(value: Any) -> Any:
    """Return a number or a column of numbers; TypeError for text, of which a product could fill the memory."""
    if isinstance(value, str) or (isinstance(value, pd.Series) and not pd.api.types.is_numeric_dtype(value.dtype)):
        raise TypeError("only numbers can be added, subtracted, multiplied and divided")
    return value
