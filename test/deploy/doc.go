// Package deploy checks what a user installs: the manifests of deploy/, as kubectl's own kustomize builds them, and the
// version that an image of the Dockerfile says. It needs no cluster and no container engine.
package deploy
