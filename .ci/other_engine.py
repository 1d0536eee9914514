"""Asks OPA itself, the reference engine, whether it decides as changegate does.

The Rust tests leave the input of each decision, the changes to the organisation data that it was made
with, and the ruling in target/cases/*.json. Here OPA rules on the same and has to come to the same. It also runs the
policies' own tests. Run from the root of the repository, after `cargo test`.
"""

import difflib
import json
import re
import sys
from pathlib import Path

from opa_bindings import OpaEngine, OpaError
from ruamel.yaml import YAML

FEWEST_CASES = 50
MOST_DIFFERENCES_SHOWN = 3


def main():
    failures = compare_decisions(sorted(Path("target/cases").glob("*.json"))) + run_policy_tests()
    if failures:
        sys.exit("\n".join(failures))


def compare_decisions(cases):
    """Rules on every case; returns what is wrong, in words."""
    if len(cases) < FEWEST_CASES:
        return [f"other engine: {len(cases)} cases in target/cases, fewer than {FEWEST_CASES}: run `cargo test` first"]
    engines = {}  # one for each set of changes to the organisation data
    differences = []
    for path in cases:
        case = json.loads(path.read_text())
        changes = json.dumps(case["org"], sort_keys=True)
        engine = engines.get(changes) or engines.setdefault(changes, load_bundle(with_tests=False, changes=case["org"]))
        ruling = evaluate(engine, "data.changegate.decision", case["input"])
        ours, theirs = pretty(case["ruling"]), pretty(ruling)
        if ours != theirs:
            lines = difflib.unified_diff(ours, theirs, f"{path} changegate", f"{path} OPA", lineterm="")
            differences.append("\n".join(lines))
    if differences:
        shown = differences[:MOST_DIFFERENCES_SHOWN]
        return [*shown, f"other engine: {len(differences)} of {len(cases)} decisions differ; first ones above"]
    print(f"other engine: {len(cases)} decisions agree")
    return []


def run_policy_tests():
    """Runs each test_ rule of the *_test.rego files; returns those that fail."""
    engine = load_bundle(with_tests=True)
    tests = [test for path in sorted(Path("policies").rglob("*_test.rego")) for test in tests_in(path)]
    answers = {test: evaluate(engine, test, {}) for test in tests}
    failing = [f"{test}: {answer or 'undefined'}" for test, answer in answers.items() if answer is not True]
    if failing or not tests:
        return [*failing, f"other engine: {len(failing)} of {len(tests)} policy tests fail"]
    print(f"other engine: {len(tests)} policy tests pass")
    return []


def tests_in(path):
    """The references of a file's tests, such as data.changegate.rules.window_test.test_a_night."""
    source = path.read_text()
    package = re.search(r"^package (\S+)", source, re.MULTILINE)[1]
    names = re.findall(r"^(test_\w+)", source, re.MULTILINE)
    return [f"data.{package}.{name}" for name in dict.fromkeys(names)]


def load_bundle(with_tests, changes=None):
    """The policies and the organisation data, as changegate mounts them, with a case's changes to them."""
    engine = OpaEngine()
    for path in sorted(Path("policies").rglob("*.rego")):
        if with_tests or not path.stem.endswith("_test"):
            engine.add_policy(str(path), path.read_text())
    tables = {path.parent.name: read_yaml(path) for path in Path("policies/org").glob("*/data.yaml")}
    engine.add_data({"org": merged(tables, changes or {})})
    return engine


def merged(value, patch):
    """A JSON merge patch (RFC 7396) applied to a value."""
    if not isinstance(patch, dict):
        return patch
    value = dict(value) if isinstance(value, dict) else {}
    for key, change in patch.items():
        if change is None:
            value.pop(key, None)
        else:
            value[key] = merged(value.get(key), change)
    return value


def read_yaml(path):
    """YAML 1.2 whose dates stay text, as in changegate."""
    yaml = YAML(typ="safe", pure=True)
    yaml.constructor.add_constructor("tag:yaml.org,2002:timestamp", lambda constructor, node: node.value)
    return yaml.load(path)


def evaluate(engine, reference, document):
    """The value at a reference; None where it is undefined."""
    try:
        results = engine.eval_query(f"value = {reference}", document)
    except OpaError as error:
        return f"error: {error}"
    return results[0]["value"] if results else None


def pretty(value):
    """A value's lines, the same for equal values. A set is an array here, in an order of the engine's own."""
    return json.dumps(in_order(value), indent=1, sort_keys=True, ensure_ascii=False).splitlines()


def in_order(value):
    if isinstance(value, dict):
        return {key: in_order(item) for key, item in value.items()}
    if isinstance(value, list):
        return sorted(map(in_order, value), key=lambda item: json.dumps(item, sort_keys=True))
    return int(value) if isinstance(value, float) and value.is_integer() else value


if __name__ == "__main__":
    main()
