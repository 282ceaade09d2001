# docker build -f docker/relay.Dockerfile -t ptth_relay .
# docker run --read-only -p 4000:4000 -v "$PWD/ptth_relay.toml:/ptth/ptth_relay.toml:ro" ptth_relay
# Linted by `deno task lint:docker`; the tests do not build it.
FROM denoland/deno:2.9.6 AS build
WORKDIR /src
COPY deno.json deno.lock relay.ts ./
COPY lib lib
COPY scripts/compile.ts scripts/
RUN deno task compile --host-only --program ptth_relay --out /out \
  && mv /out/*/ptth_relay /out/ptth_relay

FROM debian:13-slim
COPY --from=build /out/ptth_relay /usr/local/bin/
COPY LICENSE /usr/share/doc/ptth/
WORKDIR /ptth
# A number, so that platforms that want no root can see that it is none.
USER 65532:65532
EXPOSE 4000
# The image has no HTTP client, and needs none. With another port in the configuration, give
# `docker run` a --health-cmd of your own.
HEALTHCHECK --interval=30s --timeout=5s CMD ["bash", "-c", \
  "exec 3<>/dev/tcp/127.0.0.1/4000 && printf 'GET / HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' >&3 && read -r line <&3 && [[ $line == *' 200 '* ]]"]
ENTRYPOINT ["ptth_relay"]
