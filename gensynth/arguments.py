"""Builds a verb's parser from its function: signature, docstring and the config dataclasses it takes.

A positional parameter becomes a positional argument, a keyword one an option. A parameter annotated with a
dataclass lends its fields: at the top level if its name ends in `_config`, else under its name (`--model.z_dim`).
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_type_hints

import docstring_parser
import yaml
from jsonargparse import ActionConfigFile, ArgumentParser, Namespace

from gensynth.registry import generator_names, get_generator


def parser_of(
    function: Callable[..., int], verb: str, argv: list[str]
) -> tuple[ArgumentParser, Callable[[Namespace], int]]:
    """Return the parser of a verb, and what runs the verb with the parsed arguments."""
    text = docstring_parser.parse(function.__doc__ or "")
    help_of = {p.arg_name: (p.description or "").replace("%", "%%").replace("`", "") for p in text.params}
    parser = ArgumentParser(prog=f"gensynth {verb}", description=text.short_description, exit_on_error=False)
    parser.add_argument("--config", action=ActionConfigFile, help="a recipe (YAML); options given beside it win")
    hints = get_type_hints(function)
    configs: dict[str, type] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        kind: Any = hints[name]
        if name == "model":
            kind = get_generator(generator_of(argv)).Config
        if dataclasses.is_dataclass(kind):
            configs[name] = kind  # type: ignore[assignment]
            parser.add_class_arguments(kind, None if name.endswith("_config") else name)
        elif kind is bool:
            parser.add_argument(f"--{name}", action="store_true", help=help_of.get(name))
        elif parameter.default is not inspect.Parameter.empty:
            parser.add_argument(f"--{name}", type=kind, default=parameter.default, help=help_of.get(name))
        elif parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            parser.add_argument(f"--{name}", type=kind, required=True, help=help_of.get(name))
        else:
            parser.add_argument(name, type=kind, help=help_of.get(name))

    def call(args: Namespace) -> int:
        values: dict[str, Any] = {}
        for name in inspect.signature(function).parameters:
            if name in configs:
                source = args if name.endswith("_config") else args[name]
                fields = [field.name for field in dataclasses.fields(configs[name])]
                values[name] = configs[name](**{field: source[field] for field in fields})
            else:
                values[name] = args[name]
        return function(**values)

    return parser, call


def generator_of(argv: list[str], default: str = "vae") -> str:
    """Find the generator's name in the arguments or in the recipe: it decides which settings there are."""
    if argv and argv[0] in generator_names():  # 'gensynth train NAME'
        return argv[0]
    recipe: Path | None = None
    for at, token in enumerate(argv):
        name, _, value = token.partition("=")
        value = value or (argv[at + 1] if at + 1 < len(argv) else "")
        if name == "--generator":
            return value
        if name == "--config":
            recipe = Path(value)
    if recipe is not None and recipe.is_file():
        contents = yaml.safe_load(recipe.read_text())
        if isinstance(contents, dict) and isinstance(contents.get("generator"), str):
            return contents["generator"]
    return default
