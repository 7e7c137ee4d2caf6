// Package redis reads the number of a trigger of type redis: the length of a list, or the size of a set,
// sorted set or hash, under one key of one server.
//
// It guarantees:
//   - A key that does not exist is 0, as Redis deletes an empty list.
//   - A key of another kind is an error that names the kind.
//   - Triggers with equal address and credentials share one client, which is closed with the last of them.
//   - Few idle clients keep their connections.
//   - Nothing is sent to servers that the Policy does not allow.
//   - A reply is small or an error, whatever length a server announces.
//   - No error repeats a password, or a text from a server.
//
// Clusters and sentinels are other trigger types. The package does not retry.
package redis
