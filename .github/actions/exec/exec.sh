#!/usr/bin/env bash
# Executes a change by `changegate exec`, whose exit code it ends with. Takes CHANGE, COMMAND_FILE, REPOSITORY, STEP,
# WAIT, ROLLBACK and IF_NOT_DONE as action.yml describes them, and GITHUB_TOKEN and CHANGEGATE_JOB_TOKEN. What changegate finds out is written by
# changegate itself, to GITHUB_OUTPUT and GITHUB_STEP_SUMMARY.
set -euo pipefail

fail() {
  echo "::error::$1"
  exit 202
}

# No input may be taken for an option.
[[ $CHANGE =~ ^[A-Za-z] ]] || fail "\`change: $CHANGE\` is not a change's id, such as CHG-1234"
[[ -f $COMMAND_FILE ]] || fail "\`command-file: $COMMAND_FILE\` is not a file in the workspace: name the script that executes the change"
arguments=("$CHANGE" "--repo=$REPOSITORY")
[[ -z $STEP ]] || arguments+=("--step=$STEP")
[[ -z $WAIT ]] || arguments+=("--wait=$WAIT")
[[ $ROLLBACK != true ]] || arguments+=(--rollback)
[[ $IF_NOT_DONE != true ]] || arguments+=(--if-not-done)

# Signals go to changegate, which passes them on and records the end.
exec changegate exec "${arguments[@]}" -- bash "$COMMAND_FILE"
