#!/usr/bin/env bash
# A stand-in for the official Rust image, for a machine that reaches Debian's packages but no container registry:
#   tests/image/stand-in.sh && make image-check RUST_IMAGE=localhost/rust-stand-in
# Debian of the same release with the same packages, and of this machine the Rust and the authorities that it trusts. These end up
# in the image that is built with it: look into that one, and ship another. Needs root, buildah and debootstrap;
# and BUILDAH_ISOLATION=chroot in both lines where there is no runc or crun.
set -euo pipefail

sysroot=$(rustc --print sysroot)
container=$(buildah from scratch)
trap 'buildah rm "$container" >/dev/null' EXIT
root=$(buildah mount "$container")

debootstrap --variant=minbase --include=ca-certificates,gcc,libc6-dev bookworm "$root" >&2
mkdir "$root/usr/local/rust"
cp -a "$sysroot/bin" "$sysroot/lib" "$root/usr/local/rust/"
cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"

buildah config --env PATH=/usr/local/rust/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
buildah commit --quiet "$container" localhost/rust-stand-in
