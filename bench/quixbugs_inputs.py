#!/usr/bin/env python3
"""Compares a patched QuixBugs program with its reference on random inputs.

    python3 bench/quixbugs_inputs.py CLONE PATCHED PROGRAM      # exit code 0: they agree

Inputs are random variations of the program's own test inputs that keep what the tests' inputs have in common (sorted lists stay
sorted, non-negative numbers stay non-negative); programs on graphs and linked lists get random graphs.
"""
from __future__ import annotations

import copy
import importlib.util
import json
import random
import signal
import sys
import types
from pathlib import Path

TRIALS = 300
REFERENCE_SECONDS = 1.0  # of processor time; inputs that take the reference longer are passed over
CANDIDATE_SECONDS = 10.0


class Node:
    """The structure that the graph programs work on."""

    def __init__(self, value=None, successor=None, successors=None, predecessors=None, incoming_nodes=None, outgoing_nodes=None):
        self.value = value
        self.successor = successor
        self.successors = successors if successors is not None else []
        self.predecessors = predecessors if predecessors is not None else []
        self.incoming_nodes = incoming_nodes if incoming_nodes is not None else []
        self.outgoing_nodes = outgoing_nodes if outgoing_nodes is not None else []


def load(path: Path, program: str):
    spec = importlib.util.spec_from_file_location(f"{path.parent.name}_{program}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, program)


class TooLong(Exception):
    pass


def outcome(function, arguments, seconds):
    """The result in a comparable form, or the kind of failure."""
    def alarm(*_):
        raise TooLong()
    signal.signal(signal.SIGVTALRM, alarm)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        result = function(*arguments)
        if isinstance(result, types.GeneratorType):
            result = list(result)
        return ("value", comparable(result))
    except TooLong:
        return ("endless", None)
    except RecursionError:
        return ("error", "RecursionError")
    except Exception as error:  # the kind of error is part of the behaviour
        return ("error", type(error).__name__)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def comparable(value):
    if isinstance(value, Node):
        chain, seen = [], set()
        while value is not None and id(value) not in seen:
            seen.add(id(value))
            chain.append(value.value)
            value = value.successor
        return chain
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, (list, tuple)):
        return [comparable(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted(map(repr, value))
    if isinstance(value, dict):
        return sorted((repr(key), comparable(item)) for key, item in value.items())
    return value


def vary(value, rng: random.Random):
    """A random variation that keeps the shape: signs, sortedness, lengths above zero, alphabets."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        low = 0 if value == 0 else 1 if value > 0 else value * 2
        return rng.randint(low, max(low + 1, abs(value) * 2))
    if isinstance(value, float):
        return value * rng.uniform(0.5, 1.5)
    if isinstance(value, str):
        letters = list(value)
        rng.shuffle(letters)
        return "".join(letters[: rng.randint(min(1, len(letters)), len(letters))]) if rng.random() < 0.7 else value
    if isinstance(value, list):
        return vary_list(value, rng)
    return value


def vary_list(value: list, rng: random.Random):
    if all(isinstance(item, int) and not isinstance(item, bool) for item in value):
        items = [vary(item, rng) if rng.random() < 0.6 else item for item in value]
        if rng.random() < 0.3 and len(items) > 1:
            del items[rng.randrange(len(items))]
        if value == sorted(set(value)) and len(value) > 1:
            return sorted(set(items))
        if value == sorted(value):
            return sorted(items)
        rng.shuffle(items)
        return items
    return [vary(item, rng) if rng.random() < 0.5 else item for item in value]


def from_examples(clone: Path, program: str, rng: random.Random):
    lines = (clone / "json_testcases" / f"{program}.json").read_text().splitlines()
    examples = [json.loads(line)[0] for line in lines if line.strip()]
    examples = [example if isinstance(example, list) else [example] for example in examples]
    for example in examples:
        yield lambda example=example: copy.deepcopy(example)
    for _ in range(TRIALS):
        varied = [vary(argument, rng) for argument in rng.choice(examples)]
        yield lambda varied=varied: copy.deepcopy(varied)


def random_nodes(rng: random.Random, acyclic: bool):
    count = rng.randint(1, 7)
    edges = [(a, b) for a in range(count) for b in range(count) if a != b and rng.random() < 0.35 and (not acyclic or a < b)]
    return count, edges


def build(count: int, edges: list) -> list:
    nodes = [Node(value=index) for index in range(count)]
    for a, b in edges:
        nodes[a].successors.append(nodes[b])
        nodes[b].predecessors.append(nodes[a])
        nodes[a].outgoing_nodes.append(nodes[b])
        nodes[b].incoming_nodes.append(nodes[a])
    return nodes


def chain(values: list, loop_to=None):
    nodes = [Node(value=value) for value in values]
    for left, right in zip(nodes, nodes[1:]):
        left.successor = right
    if loop_to is not None and nodes:
        nodes[-1].successor = nodes[loop_to]
    return nodes[0] if nodes else None


def graphs(program: str, rng: random.Random):
    """Thunks that make fresh arguments each time, since the programs change what they are given."""
    for _ in range(TRIALS):
        count, edges = random_nodes(rng, program == "topological_ordering")
        weights = {edge: rng.randint(1, 9) for edge in edges}
        start, goal = rng.randrange(count), rng.randrange(count)
        length = rng.randint(0, 6)
        loop = rng.randrange(length) if length and rng.random() < 0.5 else None
        values = [rng.randint(0, 9) for _ in range(length)]
        yield {
            "breadth_first_search": lambda: (lambda n: [n[start], n[goal]])(build(count, edges)),
            "depth_first_search": lambda: (lambda n: [n[start], n[goal]])(build(count, edges)),
            "detect_cycle": lambda: [chain(values, loop)],
            "reverse_linked_list": lambda: [chain(values)],
            "topological_ordering": lambda: [build(count, edges)],
            "minimum_spanning_tree": lambda: [{tuple(sorted(edge)): weight for edge, weight in weights.items()}],
            "shortest_path_length": lambda: (lambda n: [{(n[a], n[b]): w for (a, b), w in weights.items()}, n[start], n[goal]])(build(count, edges)),
            "shortest_path_lengths": lambda: [count, dict(weights)],
            "shortest_paths": lambda: [str(start), {(str(a), str(b)): w for (a, b), w in weights.items()}],
        }[program]


def main() -> int:
    clone, patched, program = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    sys.setrecursionlimit(2000)
    reference = load(clone / "correct_python_programs" / f"{program}.py", program)
    candidate = load(patched / "python_programs" / f"{program}.py", program)
    rng = random.Random(program)
    has_examples = (clone / "json_testcases" / f"{program}.json").exists()
    endless = 0
    for make in from_examples(clone, program, rng) if has_examples else graphs(program, rng):
        expected = outcome(reference, make(), REFERENCE_SECONDS)
        endless += expected[0] == "endless"
        if endless > 20:
            break
        if expected[0] != "value":
            continue
        actual = outcome(candidate, make(), CANDIDATE_SECONDS)
        if normal(program, expected) != normal(program, actual):
            print(f"{program}: on {make()!r:.200} expected {expected!r:.200}, got {actual!r:.200}")
            return 1
    return 0


def normal(program: str, result):
    """Orders that the programs leave open are not compared."""
    if program == "topological_ordering" and result[0] == "value":
        return ("value", len(result[1]))
    return result


if __name__ == "__main__":
    raise SystemExit(main())
