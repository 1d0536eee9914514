"""Checks what the lock file brings in: where each crate comes from, under which licence, and how often.

Reads `cargo metadata --format-version 1 --locked` from standard input.
"""

import json
import re
import sys

REGISTRY = "registry+https://github.com/rust-lang/crates.io-index"

# Licences that ask for no more than a notice.
ALLOWED = {
    "0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0",
    "CC0-1.0", "CDLA-Permissive-2.0", "ISC", "MIT", "MIT-0", "Unicode-3.0", "Unlicense", "Zlib",
}  # fmt: skip

# Two versions of one of these would mean two builds of something large, or two types of one name.
ONLY_ONE = {"chrono", "clap", "regex", "regorus", "saphyr-parser", "schemars", "serde", "serde_json"}


def main():
    packages = json.load(sys.stdin)["packages"]
    crates = [package for package in packages if package["source"] is not None]
    problems = [problem for crate in crates for problem in problems_of(crate)]
    names = [crate["name"] for crate in crates]
    problems += [f"{name}: {names.count(name)} versions" for name in sorted(ONLY_ONE) if names.count(name) > 1]
    if problems:
        sys.exit("\n".join(problems))
    print(f"{len(crates)} crates, all from the Rust registry and under allowed licences")


def problems_of(crate):
    name = f"{crate['name']} {crate['version']}"
    if crate["source"] != REGISTRY:
        yield f"{name}: comes from {crate['source']}, not from the Rust registry"
    if not allowed(crate["license"] or ""):
        yield f"{name}: the licence `{crate['license']}` is not among those allowed"


def allowed(expression):
    """Whether an SPDX expression can be met by allowed licences alone; `/` is the old way to write OR."""
    while "(" in expression:
        expression = re.sub(r"\(([^()]*)\)", lambda group: "yes" if allowed(group[1]) else "no", expression)
    alternatives = (alternative.split(" AND ") for alternative in re.split(" OR |/", expression))
    return any(all(term.strip() in ALLOWED | {"yes"} for term in terms) for terms in alternatives)


if __name__ == "__main__":
    main()
