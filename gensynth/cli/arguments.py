"""Builds a verb's parser from its function: signature, docstring and the config dataclasses it takes.

A positional parameter becomes a positional argument, a keyword one an option. A parameter annotated with a
dataclass lends its fields: at the top level if its name ends in `_config`, else under its name (`--model.z_dim`).
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import os
from collections.abc import Callable, Collection, Mapping
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any, get_args, get_type_hints

import docstring_parser
import yaml
from jsonargparse import ActionConfigFile, ArgumentParser, Namespace, set_loader, set_parsing_settings

import gensynth
from gensynth.cli import commands, runs
from gensynth.cli.recipe_file import load_recipe
from gensynth.generator.names import model_names
from gensynth.kind import CONFIGS, Kind, kind_of, kinds
from gensynth.rebalance.run import Run

set_parsing_settings(docstring_parse_attribute_docstrings=True)
set_loader("yaml", load_recipe, (yaml.YAMLError, ValueError))


COUNTS = {"--keep": "how many of each to keep", "--counts": "how many of each to make"}
TAKES_TEXT = (*COUNTS, "--label", "--source", "--target", "--text", "--evaluate.command")
NOT_FROM_FILES = {
    "evaluate.classifier": "runs code",
    "evaluate.command": "runs code",
    "settings.url": "says where documents and keys are sent",
}
NUMBERS = ("--size", "--weights")
WORDS = tuple(f"--{name}" for name in ("evaluate.arms", "evaluate.classifiers"))
WORDS += tuple(f"--{name}" for name in ("choose.classifiers", "choose.targets"))
"""Options that name classes and numbers, and what these are; options whose value is taken as it stands, settings that
no recipe may have, and why, and options that are lists of numbers or words, separated by commas."""


class Parser(ArgumentParser):
    """A parser that takes options as people write them.

    Attributes:
        flags: The options that are true or false; named alone, they mean true.
    """

    flags: frozenset[str] = frozenset()

    def parse_args(self, args: list[str], *rest: Any, **options: Any) -> Namespace:  # type: ignore[override]
        """Parse; `--num-nodes`, `--per-class`, `--keep 8=20`, `--size 16,20` and `--label -x` are read as meant."""
        return super().parse_args(normalize(args, self.flags), *rest, **options)


def normalize(argv: list[str], flags: Collection[str]) -> list[str]:
    """Bring options into the one form that jsonargparse reads; ValueError where a value of `COUNTS` is no count."""
    out: list[str] = []
    counted: dict[str, dict[str, int]] = {name: {} for name in COUNTS}
    waiting = iter(range(len(argv)))
    for at in waiting:
        token = argv[at]
        if token == "-o":
            token = "--out"
        if not token.startswith("--"):
            out.append(token)
            continue
        name, equals, value = token.partition("=")
        name = "--" + name[2:].replace("-", "_")
        following = argv[at + 1] if at + 1 < len(argv) else ""
        if name in flags and not equals and following not in ("true", "false"):
            equals, value = "=", "true"
        if name in (*TAKES_TEXT, *NUMBERS, *WORDS) and not equals and following:
            equals, value = "=", following
            next(waiting)
        if name == "--print_config" and not equals:
            equals, value = "=", "skip_null"  # in a recipe, `label: null` is a class called null
        if name in COUNTS and equals and not value.lstrip().startswith("{"):
            pairs = [pair.rpartition("=") for pair in value.split(",")]
            if not all(c and n.strip().isdecimal() for c, _, n in pairs):
                raise ValueError(f"{name} is {value!r}; name classes and {COUNTS[name]}: {name} NAME=N,NAME=N.")
            counted[name] |= {c: int(n) for c, _, n in pairs}
            value = json.dumps(counted[name])  # said twice, both count: the last one on the line holds all
        if name in NUMBERS and "," in value and not value.lstrip().startswith("["):  # one size is a number
            value = f"[{value}]"
        if name in WORDS and not value.lstrip().startswith("["):
            value = json.dumps([word.strip() for word in value.split(",")])
        out.append(name + equals + value)
    return out


def function_of(verb: str, argv: list[str]) -> Callable[..., int]:
    """Return what runs a verb for the kind of data that its arguments name.

    Raises:
        ValueError: if the verb is not for that kind, two kinds are named, or a pipe or a device is: to read one may
            take for ever.
    """
    given = [token.partition("=")[2] if token.startswith("--") else token for token in argv]
    recipe = _recipe(argv)
    given += [value for value in recipe.values() if isinstance(value, str)]
    for name in given:
        if not _is_text(name):
            raise ValueError(f"{name!r} holds a character that no file or text can have; type it again.")
        if os.path.exists(name) and not (os.path.isfile(name) or os.path.isdir(name)):
            raise ValueError(f"{name} is a pipe or a device; give a file, or a folder where one is asked for.")
    told = (k.name for k in kinds().values() if k.told_by and (_option(argv, f"--{k.told_by}") or k.told_by in recipe))
    named = _option(argv, "--kind") or recipe.get("kind") or next(told, None)
    kind = _kind_of_run(argv) if verb == "report" else kind_of(given, None if named is None else str(named))
    function = verb_of(verb, kind)
    if function is None:
        able = [other.plural for other in kinds().values() if verb_of(verb, other) is not None]
        raise ValueError(f"'gensynth {verb}' is for {' and '.join(able)}, not for {kind.plural}.")
    return function


def _kind_of_run(argv: list[str]) -> Kind:
    """Return the kind of data that the folder of a run is of; the usual one where none is named."""
    run = next((Path(token) for token in argv if not token.startswith("--")), None)
    if run is None or not run.exists():
        return kind_of([])
    if run.is_file():
        raise ValueError(f"'gensynth report' takes the folder of a run, such as NAME.run, not {str(run)!r}.")
    name = Run.read(run)["settings"].get("kind")
    if name is not None and name not in kinds():
        raise ValueError(f"{run} is a run of kind {name!r}; known: {', '.join(kinds())}.")
    return kind_of([]) if name is None else kinds()[name]


def verb_of(verb: str, kind: Kind) -> Callable[..., int] | None:
    """Return what runs a verb for a kind of data, its own function or that for all kinds; None if there is none."""
    own = getattr(import_module(kind.commands), verb, None) if kind.commands else None
    shared: Callable[..., int] | None = getattr(commands, verb, None) or getattr(runs, verb, None)
    return own or (None if shared is None else _for_kind(shared, kind))


def _for_kind(function: Callable[..., int], kind: Kind) -> Callable[..., int]:
    """Return a verb for all kinds with its first parameter given, and its settings those of the kind."""
    names = {name: kind.config(name) for name in CONFIGS if name in inspect.getsource(function)}
    hints = get_type_hints(function, localns={**names, "Kind": object})
    signature = inspect.signature(function)
    _, *rest = signature.parameters.values()

    @wraps(function)
    def verb(**values: Any) -> int:
        return function(kind, **values)

    verb.__annotations__ = {name: hint for name, hint in hints.items() if name != "kind"}
    verb.__signature__ = signature.replace(parameters=rest)  # type: ignore[attr-defined]
    return verb


def _is_text(name: str) -> bool:
    try:
        return b"\0" not in os.fsencode(name)
    except UnicodeEncodeError:  # half of a character
        return False


def of_other_kind(setting: str, function: Callable[..., int], verb: str, argv: list[str]) -> str:
    """Return a sentence on a setting that the verb has for other kinds of data only; "" if it has it for none."""
    able = []
    for other in kinds().values():
        twin = verb_of(verb, other)
        if twin is None or twin is function:
            continue
        known = parser_of(twin, verb, argv)[0]._option_string_actions
        if {f"--{setting}", f"--{setting.partition('.')[0]}"} & {*known}:
            able.append(other)
    if not able:
        return ""
    they, sources = ", ".join(kind.plural for kind in able), "; ".join(kind.sources for kind in able)
    return f"setting {setting!r} is for {they}, and none is named here: {sources}."


class _Public(dict[str, Any]):
    """The public names of gensynth, each imported when a verb's signature asks for it."""

    def __missing__(self, name: str) -> Any:
        if name not in gensynth.__all__:
            raise KeyError(name)
        return getattr(gensynth, name)


def parser_of(
    function: Callable[..., int], verb: str, argv: list[str]
) -> tuple[ArgumentParser, Callable[[Namespace], int]]:
    """Return the parser of a verb, and what runs the verb with the parsed arguments."""
    text = docstring_parser.parse(function.__doc__ or "")
    help_of = {p.arg_name: (p.description or "").replace("%", "%%").replace("`", "") for p in text.params}
    parser = _bare_parser(verb, text.short_description)
    hints = get_type_hints(function, localns=_Public())
    parameters = inspect.signature(function).parameters
    built_for = _generator_settings(parser, parameters, verb, argv)
    if built_for:
        from gensynth.generator.registry import get_generator

        hints["model"] = get_generator(built_for, "image").Config
    configs: dict[str, type] = {}
    flags = {f"--{name}" for name, kind in hints.items() if kind is bool}
    for name, parameter in parameters.items():
        kind: Any = hints[name]
        if name == "model" and not built_for:
            continue
        if dataclasses.is_dataclass(kind):
            configs[name] = kind  # type: ignore[assignment]
            prefix = "" if name.endswith("_config") else f"{name}."
            flags |= {f"--{prefix}{field}" for field, hint in get_type_hints(kind).items() if hint is bool}
            parser.add_class_arguments(kind, prefix.rstrip(".") or None)
        elif parameter.default is not inspect.Parameter.empty:
            # A class may be called "null": text stays text, and only an absent option is None.
            kind = str if kind == str | None else kind
            parser.add_argument(f"--{name}", type=kind, default=parameter.default, help=help_of.get(name))
        elif parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            parser.add_argument(f"--{name}", type=kind, required=True, help=help_of.get(name))
        else:
            parser.add_argument(name, type=kind, help=help_of.get(name))
    parser.flags = frozenset(flags)

    def call(args: Namespace) -> int:
        _refuse_from_files(args, argv)
        if "generator" in args and "model" in configs and built_for != args.generator in model_names():
            raise ValueError(f"the recipe is for {args.generator!r} and the command line for {built_for!r}; give one.")
        return function(
            **{name: _settings(name, configs[name], args) if name in configs else args[name] for name in parameters}
        )

    return parser, call


def _bare_parser(verb: str, description: str | None) -> Parser:
    """Return a parser with the options that every verb has."""
    parser = Parser(prog=f"gensynth {verb}", description=description, exit_on_error=False, allow_abbrev=False)
    parser.add_argument("--config", action=ActionConfigFile, help="a recipe (YAML); options given beside it win")
    parser.add_argument("--kind", type=str, help=f"kind of data, where names do not tell: {', '.join(kinds())}")
    for action in parser._actions:
        if "--print_config" in action.option_strings:
            action.metavar = "[=flags]"  # its own one holds a backspace
    return parser


def _generator_settings(
    parser: ArgumentParser, parameters: Mapping[str, inspect.Parameter], verb: str, argv: list[str]
) -> str:
    """Return the generator whose settings a verb takes; "" if it takes none, or shows help without one named."""
    if "model" not in parameters:
        return ""
    positional = parameters["generator"].default is inspect.Parameter.empty
    if found := generator_of(argv, positional):
        return found
    if not {"-h", "--help"} & set(argv):
        return "deformation"
    # A generator's settings stand in its own file, with its networks, and these import torch.
    named = "NAME" if positional else "--generator NAME"
    parser.epilog = f"The settings of a generator are listed by 'gensynth {verb} {named} --help'."
    return ""


def _settings(name: str, config: type, args: Namespace) -> Any:
    """Return a dataclass of settings from the parsed arguments; ValueError if a setting has no value."""
    source = args if name.endswith("_config") else args[name]
    if not isinstance(source, Namespace):
        raise ValueError(f"{name!r} holds settings, as in '{name}: {{setting: value}}', not {source!r}.")
    hints = get_type_hints(config)
    given = {field.name: source[field.name] for field in dataclasses.fields(config)}
    for field, value in given.items():  # a recipe's empty line; options are refused by the parser
        if value is None and type(None) not in get_args(hints[field]):
            raise ValueError(f"setting {field!r} has no value; give one, or leave it out.")
    return config(**given)


def generator_of(argv: list[str], positional: bool) -> str:
    """Find the generator's name in the arguments or in the recipe, or "": it decides which settings there are."""
    for before, token in zip(["", *argv], argv, strict=False):
        if positional and token in model_names() and not before.startswith("--"):  # 'gensynth train NAME'
            return token
    named = _option(argv, "--generator") or _recipe(argv).get("generator")
    return named if isinstance(named, str) else ""


def _option(argv: list[str], wanted: str) -> str | None:
    """Return the value of an option; "" if it has none, None if it is not given."""
    for at, token in enumerate(argv):
        name, _, value = token.partition("=")
        if name == wanted:
            return value or (argv[at + 1] if at + 1 < len(argv) else "")
    return None


def _refuse_from_files(args: Namespace, argv: list[str]) -> None:
    """Raise ValueError if such a setting is from a recipe or another file, which may be a stranger's."""
    for name, why in NOT_FROM_FILES.items():
        group, _, setting = name.partition(".")
        settings = args.get(group)
        value = settings.get(setting) if isinstance(settings, Namespace | dict) else None
        if value is not None and value != _option(argv, f"--{name}"):
            raise ValueError(f"{name} {why}, so no file may name it; give it on the command line, once: --{name}.")


def _recipe(argv: list[str]) -> dict[str, Any]:
    """Return what stands in the recipes that `--config` names; nothing if there are none.

    Raises:
        ValueError: if one cannot be read, or would fill the memory.
    """
    found: dict[str, Any] = {}
    for at, token in enumerate(argv):
        name, _, value = token.partition("=")
        path = Path(value or (argv[at + 1] if at + 1 < len(argv) else ""))
        if name == "--config" and path.is_file():
            try:
                contents = load_recipe(path.read_text(encoding="utf-8"))
            except UnicodeDecodeError as error:
                raise ValueError(
                    f"recipe {str(path)!r} cannot be read: it is not text in UTF-8; save it so."
                ) from error
            except (yaml.YAMLError, ValueError) as error:
                raise ValueError(f"recipe {str(path)!r} cannot be read: {error}") from error
            if not isinstance(contents, dict):
                raise ValueError(f"recipe {str(path)!r} must hold lines such as 'steps: 3000', one for each setting.")
            found |= contents
    return found
