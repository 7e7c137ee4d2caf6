package externalgrpc

import (
	"fmt"

	"github.com/trimtab/trimtab/clusterscaler/externalgrpc/protocol"
	"github.com/trimtab/trimtab/clusterscaler/fleet"
)

// The classes of errors that cluster-autoscaler knows.
const (
	outOfResources = 1 // there is no machine left, or no more are allowed
	otherError     = 99
)

// instancesOf leaves out instances without an ID, which name nothing, and takes each once. As for cluster-autoscaler an error
// counts only where a state is told.
func instancesOf(all []*protocol.Instance) []fleet.Instance {
	out, known := make([]fleet.Instance, 0, len(all)), make(map[string]bool, len(all))
	for _, from := range all {
		if from.GetId() == "" || known[from.GetId()] {
			continue
		}
		known[from.GetId()] = true
		i := fleet.Instance{ID: from.GetId(), State: stateOf(from.GetStatus().GetInstanceState())}
		if e := from.GetStatus().GetErrorInfo(); e.GetErrorCode() != "" && i.State != fleet.Unspecified {
			i.Failure = failureOf(e)
		}
		out = append(out, i)
	}
	return out
}

// failureOf has the server's texts, on one line each.
func failureOf(e *protocol.InstanceErrorInfo) *fleet.Failure {
	f, class := &fleet.Failure{}, "other"
	switch n := e.GetInstanceErrorClass(); n {
	case outOfResources:
		f.Class, class = fleet.Capacity, "out of resources"
	case otherError:
	default:
		class = fmt.Sprintf("class %d", n)
	}
	f.Message = fmt.Sprintf("%s (%s): %s", printable(e.GetErrorCode()), class, printable(e.GetErrorMessage()))
	return f
}

func stateOf(s protocol.InstanceStatus_InstanceState) fleet.State {
	switch s {
	case protocol.InstanceStatus_instanceRunning:
		return fleet.Running
	case protocol.InstanceStatus_instanceCreating:
		return fleet.Creating
	case protocol.InstanceStatus_instanceDeleting:
		return fleet.Deleting
	default:
		return fleet.Unspecified
	}
}
