"""The verb for documents that is not the same for all kinds of data; see `gensynth.cli.commands`."""

from __future__ import annotations

from gensynth.kinds.text.config import TextConfig


def explore(data: str, *, data_config: TextConfig, recipes: bool = False) -> int:
    """Show what is in a set of documents, before anything is made.

    Args:
        data: A table, or a folder with .txt files in a sub-folder for each class.
        data_config: How the documents are read.
        recipes: Also measure after which changes (swapped words, synonyms, spliced halves, ...) documents are no longer
            known as their class.
    """
    from gensynth.fidelity.label_safety import held_out_of
    from gensynth.kind import kinds
    from gensynth.kinds.text.explore import explore as look
    from gensynth.kinds.text.read import read_documents

    print(look(read_documents(data, data_config)).as_text())
    if recipes:
        from gensynth.kinds.text.samplers.recipe_safety import recipe_safety

        parts = kinds()["text"].parts(data, data_config)
        try:
            told = recipe_safety(parts.train, held_out_of(parts)).as_text("document")
        except ValueError as error:
            told = f"note: recipes cannot be measured: {error}"
        print(f"\n{told}")
    return 0
