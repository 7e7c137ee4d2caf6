// Package proxy is a reverse proxy in front of a real Prometheus that writes down what it is asked, and that
// can be slow or broken on demand. It changes no answer while it is neither.
package proxy
