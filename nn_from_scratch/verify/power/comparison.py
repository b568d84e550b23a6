"""The comparison on planted faults: who catches which, what that costs, and who accuses a right engine."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from nn_from_scratch.verify.faults import FAULTS, Fault, Victim, hunt
from nn_from_scratch.verify.faults.array_rules import PULLS
from nn_from_scratch.verify.faults.rules import RULES
from nn_from_scratch.verify.judging.examine import examine
from nn_from_scratch.verify.power.functions import trials
from nn_from_scratch.verify.power.peers import PEERS, Peer
from nn_from_scratch.verify.questions.generate import case, seeded
from nn_from_scratch.verify.questions.generate_arrays import array_case

Outcome = Literal["caught", "missed", "not applicable"]
SUITE, POINTED = "nn_from_scratch", "nn_from_scratch, given the operation"
"""The suite as it is run on an engine of which nothing is known, and drawing only the graphs that have the
faulty operation, as the others are given it."""

_REPEATS = 2  # sets of random points a peer gets for each fault


@dataclass
class Score:
    """What one tool did."""

    outcomes: list[Outcome] = field(default_factory=list)
    evaluations: int = 0
    seconds: float = 0.0
    clean: int = 0
    false_alarms: list[str] = field(default_factory=list)

    def add(self, outcome: Outcome, evaluations: int, seconds: float) -> None:
        """Count one fault."""
        self.outcomes.append(outcome)
        self.evaluations += evaluations
        self.seconds += seconds

    def row(self) -> dict[str, Any]:
        """Return the counts; `clean` is how many checks of the right engine were made."""
        counts = Counter(self.outcomes)
        return {
            "caught": counts["caught"],
            "missed": counts["missed"],
            "not applicable": counts["not applicable"],
            "evaluations": self.evaluations,
            "seconds": round(self.seconds, 3),
            "clean": self.clean,
            "false alarms": len(self.false_alarms),
            "falsely accused": dict(Counter(self.false_alarms)),
        }


def by_suite(fault: Fault, *, blind: bool) -> tuple[Outcome, int, float]:
    """Return what the suite makes of a fault, the graphs it asked, and the seconds, shrinking included."""
    start = time.perf_counter()
    caught = hunt(fault, blind=blind)
    outcome: Outcome = "missed" if caught is None else "caught"
    return outcome, 2000 if caught is None else max(1, caught.graphs), time.perf_counter() - start


def by_peer(fault: Fault, peer: Peer) -> tuple[Outcome, int, float]:
    """Return what a peer makes of a fault, how often it asked function or derivative, and the seconds."""
    if not fault.rule:
        return "not applicable", 0, 0.0
    start, evaluations = time.perf_counter(), 0
    for repeat in range(_REPEATS):
        for trial in trials(fault.victim, fault.rule, np.random.default_rng(repeat)):
            accused = peer.accuses(trial.function, trial.arrays)
            evaluations += trial.function.evaluations
            if accused:
                return "caught", evaluations, time.perf_counter() - start
    return "missed", evaluations, time.perf_counter() - start


def compare(
    faults: Sequence[Fault] = FAULTS,
    *,
    peers: Sequence[Peer] = PEERS,
    clean_graphs: int = 5_000,
    clean_repeats: int = 3,
    progress: Callable[[str], None] = lambda words: None,
) -> dict[str, Score]:
    """Let every tool check every fault, and the right engine.

    Parameters
    ----------
    faults, peers
        What is planted, and who is compared with the suite.
    clean_graphs
        How many graphs of the right engine the suite checks.
    clean_repeats
        How often a peer checks each rule of the right engine, at new points.
    progress
        Told what was done.

    """
    scores = {name: Score() for name in (SUITE, POINTED, *(peer.name for peer in peers))}
    for number, fault in enumerate(faults):
        scores[SUITE].add(*by_suite(fault, blind=True))
        scores[POINTED].add(*by_suite(fault, blind=False))
        for peer in peers:
            scores[peer.name].add(*by_peer(fault, peer))
        progress(f"{number + 1} of {len(faults)}: {fault.name}")
    for peer in peers:
        _ask_right_rules(peer, scores[peer.name], clean_repeats)
        progress(f"{peer.name}: {len(scores[peer.name].false_alarms)} false alarms")
    engine = Victim().engine("right")
    for index in range(clean_graphs):
        choose = seeded(1, index)
        drawn = array_case(choose, engine.array_forms) if index % 2 else case(choose, engine.forms)
        scores[SUITE].clean += 1
        if examine(engine, drawn).verdict.accuses:
            scores[SUITE].false_alarms.append(str(drawn))
    return scores


def _ask_right_rules(peer: Peer, score: Score, repeats: int) -> None:
    for rule in (*RULES, *PULLS):
        for repeat in range(repeats):
            for trial in trials(Victim(), rule, np.random.default_rng(1000 + repeat)):
                score.clean += 1
                if peer.accuses(trial.function, trial.arrays):
                    score.false_alarms.append(rule)
