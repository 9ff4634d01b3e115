"""Whole synthetic tables beside SDV, CTGAN and mostlyai: likeness, what attacks find, and what they are worth.

    python benchmarks/whole_tables.py --out RESULTS --peer 'SDV copula=VENV' --peer 'SDV CTGAN=VENV' \
        --peer mostlyai=VENV --write docs/benchmark.md

VENV is an environment with the peer (pip install sdv; pip install 'mostlyai[local]'). Five real tables of mixed types,
three splits each, cut to 4,000 rows; Adult was looked at while `synthesize` was built, the others were not. Every tool
sees the training part alone and draws as many rows; all are measured on the same held-out rows in one way. Ours is what
`synthesize` takes by itself; its samplers are told, too. Killed and started again it goes on. Declared before it was
run: ours is ahead on a table where detection (distance from 0.5), worth, and what the better attack finds are all as
good as those of every peer, or within 0.01.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from common_tables import TARGET, load_table
from table_report import check_markers, machine, markdown, write_between

from gensynth.data.files import write_text
from gensynth.data.plain import typed
from gensynth.data.split import Parts, split_as
from gensynth.evaluate.evaluate import some_of
from gensynth.kind import kinds
from gensynth.kinds.table.builtin import adult
from gensynth.kinds.table.config import TableEvaluateConfig, WholeTableConfig
from gensynth.kinds.table.files import RowFiles
from gensynth.kinds.table.tables import from_frame
from gensynth.synthesize.alone import alone, strongest
from gensynth.synthesize.ruler import Drawn, Measured, Ruler, best

TABLES = ("adult", "abalone_17_vs_7_8_9_10", "hypothyroid", "ada", "kddcup_guess_passwd_vs_satan")
SPLITS, MOST = 3, 4_000
KIND = kinds()["table"]


def parts_of(name: str, split: int) -> Parts:
    """Return a split of a table."""
    frame, target = (adult(), "income") if name == "adult" else (load_table(name), TARGET)
    data = from_frame(frame, target)
    data = data.subset(some_of(data, MOST, split))
    config = WholeTableConfig(split_seed=split)
    return KIND.fitted(split_as(config, data), config)


def ours(parts: Parts, ruler: Ruler, name: str) -> Drawn:
    """Return what a sampler draws, without copies."""
    return ruler.draw(KIND.made(name, None).fit(parts.train), parts.train.class_counts, 0)


def theirs(parts: Parts, ruler: Ruler, peer: str, python: str) -> Drawn:
    """Return what a peer draws from the same training rows, as it is."""
    with TemporaryDirectory() as folder:
        train, drawn = Path(folder, "train.csv"), Path(folder, "drawn.csv")
        RowFiles().frame_of(parts.train, parts.train).to_csv(train, index=False)
        script = Path(__file__).with_name("whole_peers.py")
        subprocess.run([f"{python}/bin/python", script, peer, train, drawn, str(len(parts.train))], check=True)
        samples = RowFiles().read(drawn, parts.train)[0]
    copies = np.mean([content in ruler.once for content in ruler.as_one(samples).x.hashes()])
    return Drawn(samples, float(copies), 1.0, natural=False)


def measure(parts: Parts, tool: str, peers: Mapping[str, str]) -> dict[str, Any]:
    """Return what is found of a tool on a split."""
    ruler, before = Ruler(parts, 0), cpu()
    drawn = theirs(parts, ruler, tool, peers[tool]) if tool in peers else ours(parts, ruler, tool)
    found = ruler.measured(drawn, cpu() - before)
    worth = strongest(alone(parts.train, drawn.examples, ruler.held_out, TableEvaluateConfig(), quiet=True))
    return {
        "measured": {**asdict(found), "sampler": tool},
        "classifier": worth.classifier,
        "real": worth.real.value,
        "synthetic": worth.synthetic.value,
    }


def cpu() -> float:
    """Return CPU seconds of this process and those it ran."""
    of = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in of)


def taken(found: Mapping[str, dict[str, Any]], own: list[str]) -> str:
    """Return which of our samplers `synthesize` takes."""
    read = [typed(Measured, found[name]["measured"]) for name in own]
    return best(read).sampler


def table(lines: Mapping[str, dict[str, Any]], peers: Mapping[str, str], own: list[str]) -> str:
    """Return means over splits by table and tool, what we take first."""
    rows = []
    for name in TABLES:
        splits = ({tool: lines.get(f"{name} {s} {tool}") for tool in (*own, *peers)} for s in range(SPLITS))
        known = [{tool: found for tool, found in split.items() if found is not None} for split in splits]
        whole = [found | {"gensynth": found[taken(found, own)]} for found in known if {*own} <= {*found}]
        for tool in ("gensynth", *peers, *own):
            if got := [found[tool] for found in whole if tool in found]:
                rows.append([name, tool, *cells(got), str(len(got))])
    head = ["table", "tool", "detection AUC", "nearer", "membership AUC", "copies", "worth (real)", "CPU s", "splits"]
    return markdown(head, rows)


def cells(got: list[dict[str, Any]]) -> list[str]:
    """Return means over splits as text."""
    read = [typed(Measured, each["measured"]) for each in got]
    shown = ([m.detection for m in read], [m.nearer.share for m in read], [m.membership.auc for m in read])
    means = [f"{np.mean(values):.3f}" for values in (*shown, [m.copies for m in read])]
    real, synthetic = (float(np.mean([each[name] for each in got])) for name in ("real", "synthetic"))
    return [*means, f"{synthetic:.3f} ({real:.3f})", f"{np.mean([m.seconds for m in read]):.1f}"]


def main() -> None:
    """Measure what is missing, and print or write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--peer", action="append", default=[], help="NAME=VENV")
    parser.add_argument("--write", type=Path)
    args = parser.parse_args()
    peers = dict(each.split("=", 1) for each in args.peer)
    if args.write is not None:
        check_markers(args.write, "whole")
    lines: dict[str, Any] = json.loads(args.out.read_text()) if args.out.exists() else {}
    own: list[str] = []
    for name in TABLES:
        for split in range(SPLITS):
            parts = parts_of(name, split)
            own = [sampler.name for sampler in KIND.tried(parts.train)[0]]
            for tool in (*own, *peers):
                key = f"{name} {split} {tool}"
                try:
                    found = lines.get(key) or measure(parts, tool, peers)
                except (ValueError, subprocess.CalledProcessError) as error:
                    print(f"{key}: {error}", file=sys.stderr)
                    continue
                lines[key] = found
                write_text(args.out, json.dumps(lines, indent=1))
    text = table(lines, peers, own)
    print(text)
    if args.write is not None:
        write_between(args.write, "whole", f"{machine(('numpy', 'scikit-learn', 'torch'))}\n\n{text}")


if __name__ == "__main__":
    main()
