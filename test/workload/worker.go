package main

import (
	"crypto/sha256"
	"math"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// queueLength is how many requests wait for one pod before further ones fail.
	queueLength = 256
	// blockBytes is the piece of work: a SHA-256 of so many bytes.
	blockBytes = 4096
)

// worker is one pod: a thread, the memory that it holds, and the requests that wait for it.
type worker struct {
	key    key
	uid    string
	queue  chan int // blocks of work
	held   []byte
	failed *atomic.Int64 // shared by all pods: requests that the pod took with it
	gone   atomic.Bool
	done   chan struct{}

	served atomic.Int64
	cpu    atomic.Int64 // nanoseconds
}

func startWorker(k key, uid string, heldBytes int, failed *atomic.Int64) *worker {
	w := &worker{key: k, uid: uid, queue: make(chan int, queueLength), held: make([]byte, max(heldBytes, blockBytes)),
		failed: failed, done: make(chan struct{})}
	go w.run()
	return w
}

// run never unlocks its thread, so that the thread ends with it.
func (w *worker) run() {
	defer close(w.done)
	runtime.LockOSThread()
	for i := range w.held {
		w.held[i] = byte(i) // a page counts only once it was written
	}
	w.cpu.Store(int64(threadCPU()))
	at := 0
	for blocks := range w.queue {
		if w.gone.Load() {
			w.failed.Add(1)
			continue
		}
		at = hash(w.held, at, blocks)
		w.cpu.Store(int64(threadCPU()))
		w.served.Add(1)
	}
}

// offer queues a request unless the queue is full. It must not be called after stop.
func (w *worker) offer(blocks int) bool {
	select {
	case w.queue <- blocks:
		return true
	default:
		return false
	}
}

// stop lets the request in work end, fails the waiting ones, and ends the thread. It does not wait.
func (w *worker) stop() {
	w.gone.Store(true)
	close(w.queue)
}

func (w *worker) usage() usage {
	return usage{key: w.key, served: w.served.Load(), cpuSeconds: time.Duration(w.cpu.Load()).Seconds(), heldBytes: int64(len(w.held))}
}

// hash works through so many blocks of data in a ring, from offset at, writes each result back, and
// returns the next offset. Data has at least one block.
func hash(data []byte, at, blocks int) int {
	for range blocks {
		if at+blockBytes > len(data) {
			at = 0
		}
		sum := sha256.Sum256(data[at : at+blockBytes])
		copy(data[at:], sum[:])
		at += blockBytes
	}
	return at
}

// threadCPU is the CPU time that the calling thread has used, as the kernel counts it.
func threadCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_THREAD, &u); err != nil {
		return 0 // cannot be: the call fails for bad arguments only
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// calibrate measures how many blocks this machine hashes in a second of CPU. It takes about a tenth of
// a second, longer where the CPU is busy.
func calibrate() float64 {
	const enough = 100 * time.Millisecond
	result := make(chan float64)
	go func() {
		runtime.LockOSThread()
		data, at, blocks := make([]byte, 256*blockBytes), 0, 0
		start := threadCPU()
		for threadCPU()-start < enough {
			at = hash(data, at, 256)
			blocks += 256
		}
		result <- float64(blocks) / (threadCPU() - start).Seconds()
	}()
	return <-result
}

// blocksFor is the work that takes so long, at least one block.
func blocksFor(work time.Duration, blocksPerSecond float64) int {
	return max(1, int(math.Round(work.Seconds()*blocksPerSecond)))
}
