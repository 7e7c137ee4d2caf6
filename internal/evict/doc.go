// Package evict takes pods off their nodes through the Eviction API, for the drain of a node and for whoever else makes
// pods start again.
//
// It guarantees that the very pod goes that was meant, by its UID, and never another of its name; that no pod gets more
// time to end than it asks for, and none less but where the caller caps it; and that a budget which refuses is obeyed. It
// tries each pod once in a round and waits for nobody: when to try again, and when to give up, is its caller's to say.
package evict
