#!/usr/bin/env bash
# Puts changegate into PATH. Takes VERSION and SHA256 as action.yml describes them, and from the
# runner GITHUB_ACTION_PATH, GITHUB_PATH, RUNNER_OS, RUNNER_ARCH and RUNNER_TEMP.
set -euo pipefail

source=$GITHUB_ACTION_PATH/../../..
releases=https://github.com/changegate/changegate/releases/download

main() {
  case $VERSION in
    installed) is_there || fail 'the runner has no changegate in PATH: install it there, or set another version' ;;
    source) use_source ;;
    *) install_release ;;
  esac
  changegate_in_use
}

# Whether PATH has changegate, of this version if one is given.
is_there() {
  command -v changegate >/dev/null &&
    { [[ -z ${1-} ]] || [[ $(changegate --version) == "changegate $1" ]]; }
}

use_source() {
  local wanted
  wanted=$(sed -n 's/^version = "\(.*\)"$/\1/p;/^version = /q' "$source/Cargo.toml")
  if is_there "${wanted:?Cargo.toml says no version}"; then
    return
  fi
  cargo build --release --locked --manifest-path "$source/Cargo.toml" --target-dir "$RUNNER_TEMP/changegate"
  put_into_path "$RUNNER_TEMP/changegate/release"
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
  local folder=$RUNNER_TEMP/changegate
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

changegate_in_use() {
  echo "$(command -v changegate): $(changegate --version)"
}

fail() {
  echo "::error::$1"
  exit 2
}

main
