# A static binary on a base without a shell, run by a user who is not root.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=""
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /trimtab ./cmd/trimtab

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /trimtab /trimtab
USER 65532:65532
EXPOSE 6443 8080
ENTRYPOINT ["/trimtab"]
CMD ["run", "--config", "/etc/trimtab/trimtab.yaml"]
