#!/usr/bin/env bash
# Puts changegate into PATH (`install`), or names what would be built from source (`name_build`). Takes VERSION and
# SHA256 as action.yml describes them, ACTION_REF, the ref to which the action is pinned, and from the runner
# GITHUB_ACTION_PATH, GITHUB_OUTPUT, GITHUB_PATH, RUNNER_OS, RUNNER_ARCH, RUNNER_TEMP and ImageOS.
set -euo pipefail

source=$GITHUB_ACTION_PATH/../../..
folder=$RUNNER_TEMP/changegate
releases=https://github.com/changegate/changegate/releases/download

install() {
  case $VERSION in
    installed) is_there || fail 'the runner has no changegate in PATH: install it there, or set another version' ;;
    source) use_source ;;
    *) install_release ;;
  esac
  echo "$(command -v changegate): $(changegate --version)"
}

is_there() {
  command -v changegate >/dev/null
}

use_source() {
  local commit
  commit=$(commit_of_source)
  if is_built_from changegate "$commit"; then
    return
  fi
  if ! is_built_from "$folder/changegate" "$commit"; then
    local target=$RUNNER_TEMP/changegate-target
    CHANGEGATE_COMMIT=$commit cargo build --release --locked --manifest-path "$source/Cargo.toml" --target-dir "$target"
    mkdir -p "$folder"
    cp "$target/release/changegate" "$folder/changegate"
  fi
  put_into_path "$folder"
}

# A key for the cache: equal keys are equal builds. None if the commit isn't known, or if nothing has to be built.
name_build() {
  local commit toolchain
  commit=$(commit_of_source)
  if [[ -z $commit ]] || is_built_from changegate "$commit"; then
    return
  fi
  toolchain=$(rustc --version --verbose | sha256sum | cut -c 1-16)
  echo "key=changegate-$commit-$RUNNER_OS-$RUNNER_ARCH-${ImageOS-}-$toolchain" >>"$GITHUB_OUTPUT"
}

# The commit of a clone, or the one to which the action is pinned: a download of it holds no repository. Nothing if it
# is pinned to a name, which may mean another commit tomorrow.
commit_of_source() {
  if [[ -e $source/.git ]]; then
    git -C "$source" rev-parse HEAD || true
  elif [[ $ACTION_REF =~ ^[0-9a-f]{40}$ ]]; then
    echo "$ACTION_REF"
  fi
}

# Whether a program says that it was built from this commit.
is_built_from() {
  [[ -n $2 ]] && grep --quiet --line-regexp --fixed-strings "commit $2" <<<"$("$1" --version 2>/dev/null)"
}

install_release() {
  local number='^[0-9]+\.[0-9]+\.[0-9]+$'
  [[ $VERSION =~ $number ]] || fail "\`version: $VERSION\` is not a release: write a number such as 0.1.0, or \`source\` or \`installed\`"
  local platform=$RUNNER_OS-$RUNNER_ARCH target
  case $platform in
    Linux-X64) target=x86_64-unknown-linux-gnu ;;
    Linux-ARM64) target=aarch64-unknown-linux-gnu ;;
    *) fail "there is no release for $platform: set \`version: source\`" ;;
  esac
  local hash
  hash=$(awk -v platform="$platform" '$1 == platform { print $2 }' <<<"$SHA256")
  [[ $hash =~ ^[0-9a-f]{64}$ ]] || fail "\`sha256\` has no checksum for $platform: add a line \`$platform HASH\`, from the page of the release"
  if is_there && is_file_with "$hash" "$(command -v changegate)"; then
    return
  fi
  mkdir -p "$folder"
  curl --fail --silent --show-error --location --proto '=https' --retry 3 \
    --output "$folder/changegate" "$releases/v$VERSION/changegate-$target"
  is_file_with "$hash" "$folder/changegate" || fail "what $releases/v$VERSION holds isn't what \`sha256\` says: compare the checksum with the page of the release, and don't use the file"
  chmod +x "$folder/changegate"
  put_into_path "$folder"
}

is_file_with() {
  sha256sum --check --status <<<"$1  $2"
}

put_into_path() {
  echo "$1" >>"$GITHUB_PATH"
  PATH=$1:$PATH
}

fail() {
  echo "::error::$1"
  exit 2
}

"$1"
