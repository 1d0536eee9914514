#!/bin/sh
# Installed by `changegate init --hook`. changegate judges every push; while the program is missing,
# every push is refused, because nothing would judge it.
program={program}
[ -x "$program" ] || program=changegate
if ! command -v "$program" >/dev/null 2>&1; then
  echo "changegate: refused: changegate is not installed on the server, so no push can be judged" >&2
  echo "changegate: ask the server's administrator to install it, then push again" >&2
  exit 1
fi
exec "$program" hook pre-receive
