// Package poll is the polling loop: it knows when an object is due, and no kind of object.
//
// A round has three steps. Begin and End run on a worker; between them Read waits for what is outside
// the cluster, and holds no worker. Rounds of one object never overlap. An object that is queued while
// it is in work is done again afterwards; one that changed is begun anew without waiting for its reading.
//
//	      due                 worker                reader               worker
//	idle ----> queued ----> opening ----> (queued) ----> reading ----> (queued) ----> acting ----> idle
//
// It guarantees that no namespace can stop another. Workers and readers are Slots: namespaces take
// turns, and none may take so many that nothing is left for one that comes later.
// An object that is idle costs a timer and no goroutine.
package poll
