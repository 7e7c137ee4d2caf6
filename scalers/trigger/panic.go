package trigger

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
)

// caught makes err of a panic. A source meets what users wrote and what servers sent: one that it cannot bear must not end
// the process, since the next leader would meet it too. It is to be deferred.
func caught(err *error) {
	if reason := recover(); reason != nil {
		*err = fmt.Errorf("a fault of trimtab: panic: %v, at %s; please report it", reason, panicked())
	}
}

// panicked is where the code is that panicked.
func panicked() string {
	callers := make([]uintptr, 64)
	frames := runtime.CallersFrames(callers[:runtime.Callers(0, callers)])
	inPanic := false
	for {
		frame, more := frames.Next()
		switch {
		case strings.HasPrefix(frame.Function, "runtime."):
			inPanic = inPanic || frame.Function == "runtime.gopanic"
		case inPanic:
			return fmt.Sprintf("%s:%d", filepath.Base(frame.File), frame.Line)
		}
		if !more {
			return "an unknown place"
		}
	}
}
