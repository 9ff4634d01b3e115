"""The verb for clips that is not the same for all kinds of data; see `gensynth.cli.commands`."""

from __future__ import annotations

from gensynth.kinds.audio.config import AudioConfig


def explore(data: str, *, data_config: AudioConfig, recipes: bool = False) -> int:
    """Show what is in a set of clips, before anything is made.

    Args:
        data: A folder of sound files, in a sub-folder for each class or beside a metadata.csv.
        data_config: How the clips are read.
        recipes: Also measure after which changes (noise, shift, pitch, room, ...) clips are no longer known as their
            class.
    """
    from gensynth.fidelity.label_safety import held_out_of
    from gensynth.kind import kinds
    from gensynth.kinds.audio.explore import explore as look
    from gensynth.kinds.audio.read import read_clips

    print(look(read_clips(data, data_config)).as_text())
    if recipes:
        from gensynth.kinds.audio.samplers.catalog import CATALOG
        from gensynth.kinds.audio.samplers.recipe_safety import recipe_safety

        changes = {name: made for known in CATALOG.names() for name, made in CATALOG.get(known).recipes().items()}
        parts = kinds()["audio"].parts(data, data_config)
        try:
            told = recipe_safety(parts.train, changes, held_out_of(parts)).as_text("clip")
        except ValueError as error:
            told = f"note: recipes cannot be measured: {error}"
        print(f"\n{told}")
    return 0
