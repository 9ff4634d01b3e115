"""What a person is told of a table before anything is made from it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from gensynth.kinds.table.rules import Rule
from gensynth.kinds.table.tables import from_frame


def test_notes_say_what_was_guessed_and_what_breaks_rules() -> None:
    labels = np.where(np.random.default_rng(0).random(200) < 0.5, "a", "b")
    frame = pd.DataFrame({"key": range(200), "zip": [f"z{i % 99}" for i in range(200)], "y": labels})
    frame["low"], frame["high"] = np.arange(200) % 7, np.arange(200) % 6
    schema = from_frame(frame, "y").x.schema
    assert schema is not None
    data = from_frame(frame, "y", dataclasses.replace(schema, rules=(Rule("inequality", ("low", "high")),)))
    one, two, three = data.notes
    assert "'key' is an id" in one and "'zip' has 99 levels: the 50 most frequent" in two
    assert "of 200 real rows break the rule 'inequality low, high'" in three


@pytest.mark.parametrize(
    ("values", "note"),
    [
        (
            ["1,234", "7", "99"],
            '\'1,234\'; if the comma stands between thousands, put "kind": "integer"',
        ),
        (["5 %", "7 %", "9 %"], "'5 %'; if they are numbers"),
        (
            ["1/5/2024", "12/6/2024", None],
            "'1/5/2024', taken for the month first; if that is wrong, put \"format\"",
        ),
        (["2024-01-05T10:00:00+01:00", "2024-06-06T10:00:00+02:00"], "if they are times, write all of them in one way"),
        (["3 days", "4 days", *(f"{i} days" for i in range(20))], "'3 days'; if they are numbers, write them without"),
        ([*(f"{i}.5" for i in range(25)), "90+"], "but also '90+'; if that means missing, put "),
        (["0123", "9999"], None),
        (["1.2.3", "10.0.0.1"], None),
        (["a", "5"], None),
    ],
)
def test_notes_say_what_text_may_have_meant(values: list[str | None], note: str | None) -> None:
    labels = ["a"] * 6 * len(values) + ["b"] * 6 * len(values)
    notes = from_frame(pd.DataFrame({"x": values * 12, "y": labels}), "y").notes
    assert len(notes) == (note is not None) and (note is None or note in notes[0])
