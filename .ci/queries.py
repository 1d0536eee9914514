"""Validates the GraphQL queries against GitHub's own schema, as far as they touch it.

Run from the root of the repository.
"""

import sys
from pathlib import Path

from graphql import GraphQLError, NoDeprecatedCustomRule, build_schema, parse, specified_rules, validate

RULES = [*specified_rules, NoDeprecatedCustomRule]


def main():
    schema = build_schema(Path("tests/data/github/schema.graphql").read_text())
    queries = sorted(Path("src").rglob("*.graphql"))
    problems = [f"{path}: {problem}" for path in queries for problem in problems_of(path, schema)]
    if problems or not queries:
        sys.exit("\n".join(problems) or "queries: there are none below src")
    print(f"{len(queries)} file(s) of queries are valid")


def problems_of(path, schema):
    try:
        return [str(error) for error in validate(schema, parse(path.read_text()), RULES)]
    except GraphQLError as error:
        return [str(error)]


if __name__ == "__main__":
    main()
