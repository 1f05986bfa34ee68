# syntax=docker/dockerfile:1
FROM rust:1.95-slim-bookworm AS build
WORKDIR /build
# build-essential: a C compiler for aws-lc, the cryptography of rustls.
RUN apt-get update && apt-get install -y --no-install-recommends build-essential && rm -rf /var/lib/apt/lists/*
COPY . .
# The caches survive from build to build, so the program is moved out of them.
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/build/target \
    cargo build --release --locked --bin pruuf && cp target/release/pruuf /usr/local/bin/pruuf

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin pruuf
COPY --from=build /usr/local/bin/pruuf /usr/local/bin/pruuf
USER pruuf
ENV PRUUF_LISTEN=0.0.0.0:8080
EXPOSE 8080
# A start with a database that is up takes less than a second.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 CMD ["pruuf", "health"]
# Docker's SIGTERM ends it after the requests that are under way.
ENTRYPOINT ["pruuf"]
CMD ["serve"]
