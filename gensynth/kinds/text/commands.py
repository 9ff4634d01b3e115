"""The verb for documents that is not the same for all kinds of data; see `gensynth.cli.commands`."""

from __future__ import annotations

from gensynth.kinds.text.config import TextConfig


def explore(data: str, *, data_config: TextConfig) -> int:
    """Show what is in a set of documents, before anything is made.

    Args:
        data: A table, or a folder with .txt files in a sub-folder for each class.
        data_config: How the documents are read.
    """
    from gensynth.kinds.text.explore import explore as look
    from gensynth.kinds.text.read import read_documents

    print(look(read_documents(data, data_config)).as_text())
    return 0
