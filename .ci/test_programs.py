"""Prints the test programs among the messages of `cargo test --no-run --message-format=json`, a line each."""

import json
import sys

for line in sys.stdin:
    message = json.loads(line)
    if message["reason"] == "compiler-artifact" and message["profile"]["test"] and message["executable"]:
        print(message["executable"])
