# A static binary on a base without a shell, run by a user who is not root.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# What `trimtab version` says. Without it git tells, where the context has a whole repository.
ARG VERSION=""
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=${VERSION:-$(git describe --tags --always --dirty 2>/dev/null)}" -o /trimtab ./cmd/trimtab

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /trimtab /trimtab
USER 65532:65532
EXPOSE 6443 8080
ENTRYPOINT ["/trimtab"]
CMD ["run", "--config", "/etc/trimtab/trimtab.yaml"]
