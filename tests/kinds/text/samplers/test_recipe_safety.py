"""Label safety of documents: a change that takes the words of a class away is found, one that moves them is safe."""

from __future__ import annotations

from typing import final

import numpy as np
import pytest
from made_reviews import THINGS, reviews

from gensynth.fidelity.label_safety import ALL, SAFE, UNSAFE
from gensynth.kinds.text.samplers.base import TextSampler
from gensynth.kinds.text.samplers.edits import OPERATIONS, Edits
from gensynth.kinds.text.samplers.recipe_safety import recipe_safety
from gensynth.kinds.text.samplers.shuffle import Shuffle
from gensynth.kinds.text.samplers.splice import Splice
from gensynth.sampler.in_turn import Made


@final
class Turned(TextSampler):
    """Makes plain documents of offers."""

    name = "turned"

    def _made(self, label: int, turn: int, rng: np.random.Generator) -> Made:
        text = self.data_.x[turn]
        for word in THINGS["offer"].split(","):
            text = text.replace(word, str(rng.choice(THINGS["plain"].split(","))))
        return text, "turned", (turn,)


def test_what_takes_the_words_of_a_class_away_is_unsafe_and_what_moves_them_is_not() -> None:
    train, other = reviews(0, 90, 60), reviews(1, 90, 60)
    recipes = {"turned": Turned(), "swap": Edits(ops="swap"), "splice": Splice(), "shuffle": Shuffle()}
    found = recipe_safety(train, other, recipes)
    verdicts = {(row.recipe, row.label): row.verdict for row in (*found.pooled, *found.by_class)}
    assert verdicts["turned", "offer"] == verdicts["turned", ALL] == UNSAFE and verdicts["turned", "plain"] == SAFE
    assert {verdicts[name, ALL] for name in ("swap", "splice", "shuffle")} == {SAFE}
    assert {row.n for row in found.pooled} == {150} and found.pooled[0].before > 0.9
    assert found == recipe_safety(train, other, recipes)


def test_documents_that_cannot_be_changed_are_left_out_and_those_of_training_are_asked_out_of_fold() -> None:
    data = reviews(0, 30, 30)
    data.x.texts[data.y == 0] = [text.split(".")[0] for text in data.x.texts[data.y == 0]]  # one sentence, no clause
    found = recipe_safety(data, recipes={"shuffle": Shuffle()})
    assert [(row.label, row.n) for row in found.by_class] == [("plain", 30)]
    with pytest.raises(ValueError, match="two classes of two training documents"):
        recipe_safety(data.subset(data.y == 1))


def test_every_edit_is_asked_about_by_itself() -> None:
    assert [made.ops for made in Edits.recipes().values()] == [*OPERATIONS]
