#!/usr/bin/env bash
# check.sh IMAGE: builds the image with buildah, looks into it, and runs the operator out of it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
image=$1

if ! command -v buildah >/dev/null; then
  echo "skipped: looking into an image needs buildah (Debian: apt install buildah)"
  exit 0
fi
# Whoever is not root can mount an image in a user namespace only.
if [[ $(id -u) != 0 ]]; then
  exec buildah unshare "$0" "$@"
fi

fail() {
  printf 'error: %s: %s\n' "$image" "$*" >&2
  exit 1
}

# equal WHAT FOUND EXPECTED
equal() {
  [[ $2 == "$3" ]] || fail "$1 is '$2', not '$3'"
}

config() {
  buildah inspect --type image --format "{{.OCIv1.Config.$1}}" "$image"
}

# With the image's user and files, and nothing of the host's environment. That it runs shows that it is static: no library is there.
operator() {
  env -i PATH=/usr/sbin:/usr/bin chroot --userspec=65532:65532 "$root" /operator "$@"
}

make image BUILDER=buildah IMAGE="$image"
equal user "$(config User)" 65532:65532
equal entrypoint "$(config Entrypoint)" '[/operator]'
equal command "$(config Cmd)" '[]'

container=$(buildah from --pull-never "$image")
trap 'buildah rm "$container" >/dev/null' EXIT
root=$(buildah mount "$container")

equal content "$(cd "$root" && find . ! -type d | sort | xargs)" './etc/ssl/certs/ca-certificates.crt ./operator'
size=$(du --summarize --apparent-size --bytes "$root" | cut -f1)
grep -q 'BEGIN CERTIFICATE' "$root/etc/ssl/certs/ca-certificates.crt" || fail "it trusts no authority"

equal version "$(operator --version)" "operator $(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n1)"
operator --help >/dev/null

# It is of this tree if it writes the same definitions.
install --directory --owner=65532 "$root/crds"
operator crds --out /crds
diff -r crds "$root/crds" >&2 || fail "its definitions are not those of this tree"

printf '%s: as it should be, %s\n' "$image" "$(numfmt --to=iec-i --suffix=B --format=%.1f "$size")"
