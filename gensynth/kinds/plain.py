"""PlainKind: a kind of data that leaves to the house what can be said without knowing it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gensynth.kind import Kind

if TYPE_CHECKING:
    from gensynth.choose.design import Design
    from gensynth.data.labeled import LabeledData
    from gensynth.evaluate.classifier import Classifier
    from gensynth.rebalance.job import Asked, Job, RunFiles


class PlainKind(Kind):
    """Tested by logistic regression on what its space sees, chosen for by cross-validation, run with saved samplers."""

    def classifiers(self, train: LabeledData, config: Any, own: Any = None) -> Sequence[Classifier]:  # noqa: ARG002
        """As `Kind.classifiers`; `own` is not taken."""
        from gensynth.evaluate.linear import Linear
        from gensynth.evaluate.outcome import rarer

        if own is not None:
            raise TypeError(f"{self.plural} are tested by logistic regression, not by a classifier of your own.")
        return [Linear(self.space(train), rarer(train.y, len(train.classes)))]

    def design(self, train: LabeledData, validation: LabeledData | None, config: Any) -> Design:  # noqa: ARG002
        """As `Kind.design`: cross-validation of the training examples, for there are seldom enough to hold out."""
        from gensynth.choose.designs import CrossValidation

        ways, classifiers = self.suited(self.config("EvaluateConfig")(), train).ways, self.classifiers(train, config)
        known = [way for way in ways if not any(way in c.lacks for c in classifiers)]
        return CrossValidation.of(train, classifiers, config, known)

    def run_files(self) -> type[RunFiles]:
        """As `Kind.run_files`: a sampler that draws its samples again."""
        from gensynth.rebalance.saved import SavedRun

        return SavedRun

    def job(self, asked: Asked) -> Job:
        """As `Kind.job`: a sampler is fitted and saved."""
        from gensynth.rebalance.saved import saved_job

        return saved_job(self, asked)
