# The operator and the authorities that it trusts by default, and nothing else: no shell, no library, no package manager.
# Build it with `make image`, look into it with `make image-check`.

# The Rust of Cargo.toml's rust-version. Another one, or the same from elsewhere: --build-arg RUST_IMAGE=...
ARG RUST_IMAGE=docker.io/library/rust:1.95.0-slim-bookworm

FROM ${RUST_IMAGE} AS build
WORKDIR /source
COPY . .
# The target is named so that the flag holds for the operator alone: procedural macros are libraries, which cannot be static.
RUN target="$(rustc --print host-tuple)" \
    && RUSTFLAGS="-C target-feature=+crt-static" cargo build --locked --release --bin operator --target "$target" \
    && mv "target/$target/release/operator" /operator

FROM scratch
LABEL org.opencontainers.image.title="devolutions-migration-operator" \
      org.opencontainers.image.description="Moves Devolutions Cloud single sign-on to a new Entra ID application and custom groups to Entra groups, without anybody losing or gaining access" \
      org.opencontainers.image.licenses="Apache-2.0"
# Where rustls looks for the authorities that it trusts; a caBundleRef adds to them. Nothing else is looked for: all times are UTC,
# and glibc finds names without an nsswitch.conf.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /operator /operator
# In numbers: the kubelet cannot tell whether a name is root, and refuses it under runAsNonRoot.
USER 65532:65532
ENTRYPOINT ["/operator"]
