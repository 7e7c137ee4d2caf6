// Package redis reads the number of a trigger of type redis: the length of a list, or the size of a set,
// sorted set or hash, under one key of one server.
//
// It guarantees that a key which does not exist is 0, as Redis deletes a list that runs empty; that a
// key of another kind is an error that names the kind; that triggers with equal address and credentials
// share one client, which is closed when the last of them is; that few clients keep their
// connections while nobody reads by them; that nothing is sent where the Policy does not lead; that a reply is
// small or an error, whatever length a server announces; and that no error repeats a password, or a text that a
// server wrote. Clusters and sentinels are other trigger types. It does not retry.
package redis
