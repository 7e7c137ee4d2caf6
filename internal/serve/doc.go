// Package serve bounds what clients can use of a port, and configures TLS of a port.
//
// It guarantees:
//   - A listener never has more connections than its limit, and always accepts new ones.
//   - One client address cannot use all of a handler's concurrent requests.
//   - A page for this machine alone cannot be read by a browser that reached it by another host name.
//   - A changed certificate is used without a restart, and TLS below 1.2 is refused.
package serve
