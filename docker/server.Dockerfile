# docker build -f docker/server.Dockerfile -t ptth_server .
# docker run --read-only -v "$PWD/public:/files:ro" -v "$PWD/ptth_server.toml:/config/ptth_server.toml:ro" ptth_server
#
# The configuration must be readable by user 65532 alone: chown 65532, chmod 600.
# Linted by `deno task lint:docker`; the tests do not build it.
FROM denoland/deno:2.9.6 AS build
WORKDIR /src
COPY deno.json deno.lock server.ts ./
COPY lib lib
COPY scripts/compile.ts scripts/
RUN deno task compile --host-only --program ptth_server --out /out \
  && mv /out/*/ptth_server /out/ptth_server

FROM debian:13-slim
COPY --from=build /out/ptth_server /usr/local/bin/
COPY LICENSE /usr/share/doc/ptth/
# What is served, unless the configuration names another folder.
WORKDIR /files
# A number, so that platforms that want no root can see that it is none.
USER 65532:65532
# It listens on nothing, so nothing can be asked; it ends by itself when it cannot go on.
HEALTHCHECK NONE
ENTRYPOINT ["ptth_server"]
CMD ["--config", "/config/ptth_server.toml"]
