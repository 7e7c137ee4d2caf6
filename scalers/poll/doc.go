// Package poll is the polling loop. It knows when an object is due. It does not depend on the kind of object.
//
// A round has three steps. Begin and End run on a worker. Between them, Read waits for other systems and holds no
// worker. Rounds of one object never overlap. An object that is queued during its round gets another round afterwards.
// If it changed, the new round does not wait for the reading.
//
//	      due                 worker                reader               worker
//	idle ----> queued ----> opening ----> (queued) ----> reading ----> (queued) ----> acting ----> idle
//
// It guarantees that no namespace can block another. Workers and readers are Slots: namespaces take turns, and none may
// take so many that nothing is left for a later one. An idle object costs a timer and no goroutine.
package poll
