#!/bin/sh
# Installed by `changegate init --hook`. Every push is judged by changegate; while the program is
# missing, every push is refused, because nobody would judge it.
program={program}
[ -x "$program" ] || program=changegate
if ! command -v "$program" >/dev/null 2>&1; then
  echo "changegate: refused: the server's changegate is missing, and nothing goes in unjudged" >&2
  echo "changegate: ask the server's administrator to install it, then push again" >&2
  exit 1
fi
exec "$program" hook pre-receive
