"""Holds texts against the turns of phrase of words.txt: documentation, comments, messages.

Takes the paths of files. Of Rust and Rego it reads comments, and strings that hold a blank; of everything
else all but code: fenced blocks, styles, and what is between backticks.
"""

import re
import sys
from collections import Counter
from pathlib import Path

# Comments, strings, and what could be taken for the beginning of one.
PIECES = {
    ".rs": re.compile(r"//[^\n]*|r(#*)\".*?\"\1|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\\n])'", re.S),
    ".rego": re.compile(r"#[^\n]*|`[^`]*`|\"(?:\\.|[^\"\\\n])*\""),
}
FENCED = re.compile(r"^ *```.*?^ *```|^<style>.*?^</style>|^<meta[^>]*>", re.S | re.M)
CODE = re.compile(r"`[^`\n]*`")
# What begins a line of a comment, or takes a string to the next line.
MARK = re.compile(r"^ *(?://[/!]?|#)|\\$", re.M)
HIDDEN = "\0"


def main():
    lines = (Path(__file__).parent / "words.txt").read_text().splitlines()
    turns = [turn(line) for line in lines if line and not line.startswith("#")]
    found = [problem for path in sys.argv[1:] for problem in problems(Path(path), turns)]
    for path, line, words, instead in found:
        print(f"{path}:{line}: “{words}”: write: {instead}")
    if found:
        counts = Counter(path for path, *_ in found).most_common()
        sys.exit("\n".join(f"{count:4}  {path}" for path, count in counts) + f"\n{len(found):4}  in all")


def turn(line):
    pattern, instead = line.split(" = ")
    pattern = pattern.replace(" ", r"\s+").replace("^", "^ *")
    return re.compile(pattern, re.I | re.M), instead


def problems(path, turns):
    text = prose(path.read_text(), path.suffix)
    for pattern, instead in turns:
        for match in pattern.finditer(text):
            yield path, text.count("\n", 0, match.end()) + 1, " ".join(match.group().split()), instead


def prose(text, suffix):
    """The text without what isn't to be read, line by line."""
    if suffix in PIECES:
        pieces = [piece.span() for piece in PIECES[suffix].finditer(text) if is_prose(piece.group())]
        ends = [0, *(end for _, end in pieces)]
        starts = [*(start for start, _ in pieces), len(text)]
        code = [hidden(text[end:start]) for end, start in zip(ends, starts)]
        text = code[0] + "".join(text[start:end] + after for (start, end), after in zip(pieces, code[1:]))
    text = FENCED.sub(lambda match: hidden(match.group()), text)
    text = CODE.sub(lambda match: hidden(match.group()), text)
    return MARK.sub(lambda match: " " * len(match.group()), text)


def is_prose(piece):
    return piece.startswith(("//", "#")) or " " in piece


def hidden(text):
    return re.sub(r"\S+", HIDDEN, text)


main()
