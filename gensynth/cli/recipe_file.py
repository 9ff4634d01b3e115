"""Recipes: the YAML of `--config`, with names as they are written.

Plain YAML makes 1 of `001`, True of `yes` and None of `null`, all of which people call their classes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from gensynth.data.plain import check_recipe

AS_WRITTEN = ("label", "source", "source_domain", "target_domain", "target", "domain", "group", "to", "targets")
"""Settings whose value is text whatever it looks like, or a list of such: names of classes, domains and columns, and
`to: 200`."""

TEXT = "tag:yaml.org,2002:str"
NUMBER = "tag:yaml.org,2002:float"
FLOAT = re.compile(
    r"[-+]?([0-9][0-9_]*\.[0-9_]*([eE][-+]?[0-9]+)?|[0-9][0-9_]*[eE][-+]?[0-9]+|\.[0-9][0-9_]*([eE][-+]?[0-9]+)?"
    r"|\.(inf|Inf|INF))$|\.(nan|NaN|NAN)$"
)
"""Numbers as Python and JSON write them: to YAML 1.1, `1e-3` is text."""


class RecipeLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # libyaml may be missing
    """Plain values only: neither objects nor dates, which no setting takes."""


RecipeLoader.yaml_implicit_resolvers = {
    first: [rule for rule in rules if rule[0] not in (NUMBER, "tag:yaml.org,2002:timestamp")]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
RecipeLoader.add_implicit_resolver(NUMBER, FLOAT, list("-+0123456789."))


def load_recipe(text: str) -> Any:
    """Return what a recipe says: keys and `AS_WRITTEN` are text, all other values are as in YAML.

    Raises:
        yaml.YAMLError: if it is not YAML.
        ValueError: if it takes far more memory than its text (`gensynth.data.plain.check_recipe`).
    """
    check_recipe(text)
    loader = RecipeLoader(text)
    try:
        root = loader.get_single_node()
        if root is None:
            return None
        for node in _texts(root):
            node.tag = TEXT
        return loader.construct_document(root)
    finally:
        loader.dispose()


def _texts(node: yaml.Node) -> Iterator[yaml.ScalarNode]:
    """Yield the keys, and the values that are `AS_WRITTEN`, of all mappings below a node."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            merges = key.tag == "tag:yaml.org,2002:merge"
            if isinstance(key, yaml.ScalarNode) and not merges:
                yield key
                if key.value in AS_WRITTEN:
                    items = value.value if isinstance(value, yaml.SequenceNode) else [value]
                    yield from (item for item in items if isinstance(item, yaml.ScalarNode) and item.value)
            yield from _texts(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _texts(item)
