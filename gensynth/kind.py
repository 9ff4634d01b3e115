"""Kind: what a kind of data says of itself, and the registry of kinds. Read this page first.

A *step* (data, generator, sampler, fidelity, mix, evaluate, choose, rebalance, report, cli) is written once. A *kind*
of data is one room, `gensynth/kinds/NAME/`, whose `kind.py` defines one class derived from `Kind`, or from
`gensynth.kinds.plain.PlainKind`, which says all that can be said for it. Steps ask the kind; they import none, and no
kind imports another (`tests/test_floors.py`). Kinds of other packages are found by their entry
points, group `gensynth.kinds`, each of which names such a class.
"""

from __future__ import annotations

import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from inspect import isabstract, isclass
from typing import TYPE_CHECKING, Any, ClassVar

from gensynth.data.words import did_you_mean

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from gensynth.choose.design import Design
    from gensynth.data.labeled import LabeledData
    from gensynth.data.split import Parts
    from gensynth.evaluate.classifier import Classifier
    from gensynth.evaluate.config import ArmsConfig
    from gensynth.fidelity.space import Space
    from gensynth.mix.drawn import Order
    from gensynth.mix.files import Files
    from gensynth.rebalance.job import Job, RunFiles
    from gensynth.report.contents import Contents
    from gensynth.report.markup import Html
    from gensynth.sampler.base import Sampler
    from gensynth.sampler.synthetic import Synthetic


GROUP = "gensynth.kinds"
"""Entry points of other packages' kinds; also the package of our own."""


CONFIGS = {
    "ReadConfig": "gensynth.data.split.SplitConfig",
    "FilesConfig": "gensynth.data.settings.NoSettings",
    "CheckConfig": "gensynth.data.settings.NoSettings",
    "EvaluateConfig": "gensynth.evaluate.config.LinearConfig",
    "DrawConfig": "gensynth.data.settings.NoSettings",
    "ChooseConfig": "gensynth.choose.config.FoldsConfig",
    "RebalanceConfig": "gensynth.rebalance.config.RebalanceConfig",
    "WholeConfig": "gensynth.data.split.SplitConfig",
}
"""How data are read and split, how a data set is written, what examples are checked in, how synthetic ones are tested
and drawn, how a sampler is chosen, what a run makes, and how data are read of which a whole synthetic set is made."""


class Kind(ABC):
    """A kind of data. What it imports at its top is light: every command asks every kind."""

    name: ClassVar[str]
    """Name of the kind, such as `table`: `LabeledData.kind`, and the folder of its room."""
    plural: ClassVar[str]
    """The kind in sentences, such as `tables`."""
    noun: ClassVar[str]
    """One example in sentences, such as `row`."""
    sources: ClassVar[str]
    """How its sources are told by their names, in sentences."""
    usual: ClassVar[bool] = False
    """Whether a source that no kind claims is taken to be of this one."""
    configs: ClassVar[Mapping[str, str]] = {}
    """Where its settings stand, dataclasses, by the names in `CONFIGS`; those of `CONFIGS` where it has none. A
    `WholeConfig` is its `ReadConfig` where it has none."""
    told_by: ClassVar[str] = ""
    """An option that only this kind has, such as `text`: where it is given, the sources are of this kind."""
    commands: ClassVar[str] = ""
    """The module of the verbs that are its own, beside those of `gensynth.cli.commands`; "" for none."""

    @abstractmethod
    def claims(self, source: str) -> bool:
        """Whether a source, or a file made from one, is of this kind, told by its name alone."""

    def takes(self, source: str) -> bool:
        """Whether a source may be of this kind, though its name does not tell; by default it has to claim it."""
        return self.claims(source)

    @abstractmethod
    def read(self, source: str, config: Any) -> LabeledData:
        """Read all real data of a source.

        Args:
            source: A name of a data set.
            config: A `ReadConfig`.

        Raises:
            FileNotFoundError: if there is no such source.
            ValueError: if it cannot be read.
        """

    def read_like(self, source: str, like: LabeledData, config: Any) -> LabeledData:  # noqa: ARG002
        """Read further data, as `like` were read; by default `read` needs no telling how."""
        return self.read(source, config)

    def fitted(self, parts: Parts, config: Any) -> Parts:  # noqa: ARG002
        """Return the parts with what is learned of all from the training part alone; by default nothing."""
        return parts

    def parts(self, source: str, config: Any) -> Parts:
        """Read real data and split them.

        Args:
            source: A name of a data set.
            config: A `ReadConfig`.

        Raises:
            FileNotFoundError: if there is no such source.
            ValueError: if it cannot be read or split.
        """
        from gensynth.data.split import split_as

        data, test = self.read(source, config), None
        if config.test_data is not None:
            test = self.read_like(config.test_data, data, config)
            test = replace(test, ids=tuple(f"test_data/{i}" for i in test.ids))
        return self.fitted(split_as(config, data, test), config)

    def against(self, source: str, holdout: str | None, config: Any) -> Parts:
        """Read real data that synthetic ones are checked against.

        Args:
            source: A name of a data set, split as by `parts` if there is no holdout.
            holdout: Further data that no generator saw, the validation part; then all of `source` is the training part.
            config: A `ReadConfig`.

        Raises:
            FileNotFoundError: if there is no such source.
            ValueError: if it cannot be read or split, or the two do not fit together.
        """
        from gensynth.data.split import Parts

        if holdout is None:
            return self.parts(source, config)
        reference = self.read(source, config)
        fresh = self.read_like(holdout, reference, config)
        return self.fitted(Parts(reference.noting(fresh.notes, holdout), fresh, fresh.subset([])), config)

    @abstractmethod
    def files(self, config: Any = None) -> Files:
        """Return how its examples become files; `config` is a `FilesConfig`, by default without settings given."""

    @abstractmethod
    def samplers(self) -> Sequence[str]:
        """Return the names of its samplers and generators."""

    @abstractmethod
    def made(self, sampler: str, settings: dict[str, Any] | None) -> Any:
        """Return a sampler that is not fitted yet and has `save`.

        Args:
            sampler: A name out of `samplers`.
            settings: Its settings, as `gensynth.sampler.catalog.Catalog.made` reads them.

        Raises:
            ValueError: if there is no such sampler, or it has no such setting.
        """

    @abstractmethod
    def load(self, path: Path, config: Any = None) -> Sampler:
        """Return a saved sampler; `config` is a `DrawConfig`, by default without settings given.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if it is something else.
        """

    def refound(self, sampler: Sampler, train: LabeledData) -> Sampler:  # noqa: ARG002
        """Return a saved sampler of a run, drawing from the run's real examples where they lie now.

        By default it is the same, for it holds all that it draws from.

        Args:
            sampler: Loaded; it was fitted to these very examples.
            train: The training part, read again.
        """
        return sampler

    def drawn(self, sampler: Sampler, path: Path, order: Order, config: Any) -> Synthetic | None:  # noqa: ARG002
        """Draw from a saved sampler, perhaps with the help of other processes, in which this is None.

        Args:
            sampler: The sampler, loaded in this process.
            path: Where it is saved, for other processes.
            order: What to draw.
            config: A `DrawConfig`.
        """
        return order.drawn(sampler)

    def tried(self, train: LabeledData) -> tuple[Sequence[Any], Sequence[str]]:
        """Return the samplers, unfitted, that a choice tries on training examples, and why others are left out."""
        from gensynth.sampler.base import suited

        return suited([self.made(name, None) for name in self.samplers()], train)

    @abstractmethod
    def space(self, train: LabeledData, seed: int = 0) -> Space:
        """Return where its examples are compared, fitted on training examples; ValueError if they are too few."""

    def as_one(self, train: LabeledData) -> Callable[[Any], Any]:  # noqa: ARG002
        """Return what turns `LabeledData` or `Synthetic` like `train` into one class, the label among what it holds."""
        import numpy as np

        return lambda data: replace(data, y=np.zeros(len(data), dtype=np.int64), classes=("all",))

    def matching(self, data: LabeledData | Synthetic, where: str) -> np.ndarray:  # noqa: ARG002
        """Return which examples of one class (`as_one`) match a condition, bool, (n,); ValueError if it is none."""
        raise ValueError(f"--where is for tables, not for {self.plural}.")

    def given(self, source: str, train: LabeledData) -> tuple[Any, Mapping[str, int]]:  # noqa: ARG002
        """Read from a file what is given of examples whose rest is to be drawn, and how many there are of each class.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if it holds what is in no real example.
        """
        raise ValueError(f"--given is for tables, not for {self.plural}.")

    def private(self, epsilon: float, delta: float, config: Any) -> Any:  # noqa: ARG002
        """Return an unfitted `Sampler.private` one; ValueError if `config`, a `WholeConfig`, allows no bound."""
        raise ValueError(f"--epsilon is for tables, not for {self.plural}.")

    def levels(self, data: LabeledData, column: str) -> np.ndarray:  # noqa: ARG002
        """Return the level of each example in a column, object, shape (n,); ValueError if there is no such column."""
        raise ValueError(f"--by is for tables, not for {self.plural}.")

    def check_space(self, train: LabeledData, config: Any, data_config: Any) -> Space:  # noqa: ARG002
        """Return where `check` compares, as a `CheckConfig` and a `ReadConfig` say; by default where all steps do."""
        return self.space(train)

    def blind_space(self, everyone: LabeledData) -> Space:
        """Return a space for attacks on privacy, which may know nothing of who of everyone was trained on."""
        return self.space(everyone)

    def suited(self, config: Any, train: LabeledData) -> Any:  # noqa: ARG002
        """Return how these data are tested or chosen for, where that depends on them; by default as settings say.

        Args:
            config: An `EvaluateConfig` or a `ChooseConfig`.
            train: Real training examples.

        Raises:
            ValueError: if a setting does not suit them.
        """
        return config

    @abstractmethod
    def classifiers(self, train: LabeledData, config: Any, own: Any = None) -> Sequence[Classifier]:
        """Return the classifiers that tell whether synthetic examples help.

        Args:
            train: Real training examples; of several splits the largest part.
            config: An `EvaluateConfig`; for a design that cross-validates a `ChooseConfig`.
            own: A classifier of the user's that replaces them, or None.

        Raises:
            TypeError: if `own` is nothing that this kind of data takes.
            ValueError: if the examples or an arm of the settings do not suit it.
        """

    def leak_config(self) -> ArmsConfig | None:
        """Return how the first of `classifiers` is trained to tell whether it takes what is changed for a rare class.

        None where samplers do not change real examples of other classes, too; then nobody looks.
        """
        return None

    @abstractmethod
    def design(self, train: LabeledData, validation: LabeledData | None, config: Any) -> Design:
        """Return what a choice rests on.

        Args:
            train: Real training examples.
            validation: Real examples that were held out for tuning, or None.
            config: A `ChooseConfig`.

        Raises:
            ValueError: if the examples are too few.
        """

    @abstractmethod
    def run_files(self) -> type[RunFiles]:
        """Return the class that says what a run keeps in this kind's own way."""

    @abstractmethod
    def job(self, asked: Any) -> Job:
        """Return a run before it is done.

        Args:
            asked: A `gensynth.rebalance.job.Asked`.

        Raises:
            ValueError: if the data or settings do not allow it, or `asked.out` is something else.
        """

    def look(self, contents: Contents) -> Html:
        """Return real and accepted synthetic examples beside each other, for the page; some were drawn."""
        from gensynth.report import plain

        return plain.look(contents)

    def pictures(
        self, contents: Contents, at: np.ndarray, texts: Sequence[str], real: np.ndarray | None = None
    ) -> Html:
        """Show samples on the page, in the order given; where they take much room, the first of them.

        Args:
            contents: What the page shows.
            at: Positions of n samples, int64, shape (n,).
            texts: What to say of each, such as `ratio 0.46`, length n.
            real: Position of the training example to show beside each, int64, shape (n,); None for none.
        """
        from gensynth.report import plain

        return plain.pictures(contents, at, texts, real)

    def sections(self, contents: Contents) -> Sequence[tuple[str, str, Html]]:  # noqa: ARG002
        """Return its own sections of the page, as `gensynth.report.frame.page` takes them."""
        return ()

    def config(self, name: str) -> type[Any]:
        """Return a dataclass of its settings, such as `ReadConfig`."""
        name = "ReadConfig" if name == "WholeConfig" and name not in self.configs else name
        module, _, found = (CONFIGS | dict(self.configs))[name].rpartition(".")
        cls: type[Any] = getattr(import_module(module), found)
        return cls

    def reference(self) -> Sampler | None:
        """Return the sampler that is always tested, too, unfitted: what is new has to do better than what is usual."""
        return None


@cache
def kinds() -> Mapping[str, Kind]:
    """Return all kinds by name, our own first.

    Raises:
        ValueError: if two have one name, or an entry point names something else.
    """
    package = import_module(GROUP)
    rooms = [
        import_module(f"{GROUP}.{room.name}.kind") for room in pkgutil.iter_modules(package.__path__) if room.ispkg
    ]
    own = [c for room in rooms for c in vars(room).values() if isclass(c) and c.__module__ == room.__name__]
    others = [entry.load() for entry in entry_points(group=GROUP)]
    found: dict[str, Kind] = {}
    for cls in (*own, *others):
        if not (isclass(cls) and issubclass(cls, Kind)) or isabstract(cls):
            raise ValueError(f"entry point {cls!r} of {GROUP} is no concrete Kind; correct or remove its package.")
        if cls.name in found:
            raise ValueError(f"two kinds of data are called {cls.name!r}; remove one of their packages.")
        found[cls.name] = cls()
    return found


def kind_of(sources: Sequence[str], named: str | None = None) -> Kind:
    """Return the kind of what is named, told by names alone.

    Args:
        sources: Names of data sets and files; those that are none are passed over.
        named: Name of the kind, where it is given or an option tells it.

    Raises:
        ValueError: if there is no such kind, or several claim the sources and none is given.
    """
    if named is not None and named not in kinds():
        raise ValueError(f"unknown kind {named!r}; known: {', '.join(kinds())}.{did_you_mean(named, [*kinds()])}")
    if named is not None:
        return kinds()[named]
    # Each source is asked for once: some are looked into.
    claims = [(kind.name, source) for source in sources for kind in kinds().values() if kind.claims(source)]
    claimed = dict(claims)
    # A file of a sampler says of what kind it is, and a table beside it may hold anything.
    able = [name for name in claimed if all(kinds()[name].takes(source) for source in {s for _, s in claims})]
    if len(able) == 1:
        return kinds()[able[0]]
    if len(claimed) > 1:
        (one, first), (two, second), *_ = claimed.items()
        if first == second:
            raise ValueError(f"{first!r} may be of kind {one} or {two}; give --kind {one} or --kind {two}.")
        raise ValueError(f"{first!r} is of kind {one}, and {second!r} of kind {two}; one command takes one kind.")
    return kinds()[next(iter(claimed))] if claimed else next(kind for kind in kinds().values() if kind.usual)


def unknown(what: str, name: str, known: Sequence[str], kind: str) -> ValueError:
    """Return the error for a name that a kind of data does not know; another kind may.

    Args:
        what: What the name would be of, such as `sampler`.
        name: The name.
        known: What is known instead.
        kind: Name of the kind.
    """
    if able := [other.plural for other in kinds().values() if other.name != kind and name in other.samplers()]:
        mine = kinds()[kind].plural
        return ValueError(f"{name!r} is for {', '.join(able)}; for {mine} there are {', '.join(known)}.")
    return ValueError(f"unknown {what} {name!r}; known: {', '.join(known)}.{did_you_mean(name, known)}")
