"""Made documents of two classes, for tests: sentences by a small grammar, no two nearly the same."""

from __future__ import annotations

import numpy as np

from gensynth.data.labeled import LabeledData
from gensynth.kinds.text.documents import from_documents

WHO = "the teacher,my sister,our neighbour,the old man,a friend,the doctor,his uncle,the child,her boss,the driver"
DID = "told me about,looked at,wrote to,asked for,talked about,came with,went to,thought of,waited for,laughed at"
WHEN = "on monday,last night,in the morning,after lunch,before work,at noon,next week,in the summer,yesterday,now"
WHERE = "in the garden,at the office,by the river,in town,at school,near the station,at home,on the train,upstairs"
THINGS = {
    "plain": "the weather,a new book,the old house,some bread,the cat,a long walk,the bus,her coat,the letter,a song",
    "offer": "a free prize,the cash reward,your winning code,a bonus call,the claim form,this urgent deal,free tickets",
}


def review(label: str, rng: np.random.Generator) -> str:
    """Return a document of four sentences."""
    said = []
    for _ in range(4):
        who, did, thing, when, where = (
            str(rng.choice(words.split(","))) for words in (WHO, DID, THINGS[label], WHEN, WHERE)
        )
        said.append(f"{who.capitalize()} {did} {thing} {when} {where}.")
    return " ".join(said)


def reviews(seed: int, plain: int = 120, offer: int = 60) -> LabeledData:
    """Documents of both classes; their ids differ by seed."""
    rng, labels = np.random.default_rng(seed), ["plain"] * plain + ["offer"] * offer
    data = from_documents([review(label, rng) for label in labels], labels)
    return LabeledData(data.x, data.y, data.classes, tuple(f"{seed}/{i}" for i in range(len(data))))
