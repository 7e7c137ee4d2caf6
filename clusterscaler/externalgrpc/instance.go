package externalgrpc

import (
	"fmt"

	"github.com/trimtab/trimtab/clusterscaler/externalgrpc/protocol"
)

// State is where an instance stands in its life.
type State uint8

// The states of an instance.
const (
	Unspecified State = iota // the server does not say
	Running
	Creating
	Deleting
)

func (s State) String() string {
	switch s {
	case Running:
		return "running"
	case Creating:
		return "creating"
	case Deleting:
		return "deleting"
	default:
		return "unspecified"
	}
}

// ErrorClass says what kind of trouble an instance has.
type ErrorClass int32

// The classes that cluster-autoscaler knows.
const (
	OutOfResources ErrorClass = 1
	OtherError     ErrorClass = 99
)

func (c ErrorClass) String() string {
	switch c {
	case OutOfResources:
		return "out of resources"
	case OtherError:
		return "other"
	default:
		return fmt.Sprintf("class %d", int32(c))
	}
}

// InstanceError is why an instance does not become what it should. Its texts are the server's, on one line each.
type InstanceError struct {
	Class         ErrorClass
	Code, Message string
}

func (e *InstanceError) String() string {
	return fmt.Sprintf("%s (%s): %s", e.Code, e.Class, e.Message)
}

// Instance is a machine of a group, whether it has registered as a node or not.
type Instance struct {
	// ID is the provider ID of the node that it is or becomes.
	ID    string
	State State
	// Error is nil when there is none.
	Error *InstanceError
}

func (i Instance) String() string {
	if i.Error == nil {
		return fmt.Sprintf("%s %s", printable(i.ID), i.State)
	}
	return fmt.Sprintf("%s %s: %s", printable(i.ID), i.State, i.Error)
}

// failed says that the machine cannot be made. As for cluster-autoscaler that needs the state of one that is being made.
func (i Instance) failed() bool { return i.State == Creating && i.Error != nil }

// instancesOf leaves out instances without an ID, which name nothing, and takes each once. As for cluster-autoscaler an
// error counts only where a state is told.
func instancesOf(all []*protocol.Instance) []Instance {
	out, known := make([]Instance, 0, len(all)), make(map[string]bool, len(all))
	for _, from := range all {
		if from.GetId() == "" || known[from.GetId()] {
			continue
		}
		known[from.GetId()] = true
		i := Instance{ID: from.GetId(), State: stateOf(from.GetStatus().GetInstanceState())}
		if e := from.GetStatus().GetErrorInfo(); e.GetErrorCode() != "" && i.State != Unspecified {
			i.Error = &InstanceError{
				Class: ErrorClass(e.GetInstanceErrorClass()), Code: printable(e.GetErrorCode()), Message: printable(e.GetErrorMessage()),
			}
		}
		out = append(out, i)
	}
	return out
}

func stateOf(s protocol.InstanceStatus_InstanceState) State {
	switch s {
	case protocol.InstanceStatus_instanceRunning:
		return Running
	case protocol.InstanceStatus_instanceCreating:
		return Creating
	case protocol.InstanceStatus_instanceDeleting:
		return Deleting
	default:
		return Unspecified
	}
}
