# kejitong in an empty image: one static binary, the authorities' certificates,
# the time zones, and a user without rights.
FROM golang:1.26-bookworm AS build
ARG VERSION=unknown
WORKDIR /src
COPY go.mod go.sum ./
COPY third_party ./third_party
RUN go mod download
COPY cmd ./cmd
# The code alone: config/deploy/secrets must not reach any layer.
COPY config/*.go ./config/
COPY provider ./provider
COPY store ./store
COPY templates ./templates
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/kejitong ./cmd/kejitong \
 && mkdir -p /out/data /out/etc \
 && printf 'kejitong:x:65532:65532::/var/lib/kejitong:/kejitong\n' >/out/etc/passwd

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /usr/local/go/lib/time/zoneinfo.zip /zoneinfo.zip
COPY --from=build /out/etc/passwd /etc/passwd
COPY --from=build --chown=65532:65532 /out/data /var/lib/kejitong
COPY --from=build /out/kejitong /kejitong
ENV ZONEINFO=/zoneinfo.zip
USER 65532:65532
# 8443 with its own certificate, 8080 behind a TLS front, 9090 metrics and health.
EXPOSE 8443 8080 9090
HEALTHCHECK --interval=30s --timeout=10s --start-period=20s --retries=3 \
  CMD ["/kejitong", "doctor", "--config", "/etc/kejitong/kejitong.yaml"]
ENTRYPOINT ["/kejitong"]
CMD ["serve", "--config", "/etc/kejitong/kejitong.yaml"]
