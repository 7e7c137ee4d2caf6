package fleet

import (
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/trimtab/trimtab/clusterscaler/group"
)

// Group is what a cloud says of a node group at one moment: a driver makes it, and only Judge reads it.
type Group struct {
	Name string
	// Min and Max bound Target.
	Min, Max int
	// Target is how many nodes the cloud works towards; nil where it does not say. It counts instances that fail or have not
	// been launched, and none that the cloud is deleting.
	Target *int
	// Instances are the machines that there are, each once; nil where the cloud does not say, as opposed to none.
	Instances []Instance
	// Nodes are the names of the nodes of the group, where the cloud says so itself. Where it is nil, the nodes are those
	// with the IDs of the Instances.
	Nodes []string
	// Failure is why nodes do not come that Target counts and of which there is no instance; nil where nothing is known.
	Failure *Failure
	// Room is by how many nodes the group can grow, and RoomWhy what it is that ends then; nil where the cloud does not say.
	Room    *int
	RoomWhy string
	// Template is what a new node is; nil where the cloud does not know.
	Template *corev1.Node
	// Zones are those in which nodes may come; empty for that of the Template.
	Zones []string
	// Price is per node and hour in any currency; 0 is unknown.
	Price float64
	// Options are what the group has other than the configuration says. OptionsUnknown says that the cloud has failed to tell
	// whether there are any: until it does the group must not shrink by those of others.
	Options        group.Options
	OptionsUnknown bool
	// Trouble is why the group cannot grow, and Unknown why its size or bounds are not known, so that it can neither grow nor
	// shrink; each in the cloud's words, and empty for most.
	Trouble, Unknown string
}

// State is where an instance stands in its life.
type State uint8

// The states of an instance.
const (
	Unspecified State = iota // the cloud does not say
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

// Instance is a machine of a group, whether it has registered as a node or not.
type Instance struct {
	// ID is the provider ID of the node that it is or becomes; the node's name on clouds without provider IDs.
	ID    string
	State State
	// Failure is why it does not become what it should; nil when there is none.
	Failure *Failure
}

// failed says that the machine cannot be made. As for cluster-autoscaler that needs the state of one that is being made.
func (i *Instance) failed() bool { return i.State == Creating && i.Failure != nil }

func (i Instance) String() string {
	if i.Failure == nil {
		return fmt.Sprintf("%s %s", i.ID, i.State)
	}
	return fmt.Sprintf("%s %s: %s", i.ID, i.State, i.Failure.Message)
}

// Class says what kind of failure it is, and so who can do something about it.
type Class uint8

// The classes of failures.
const (
	Other      Class = iota // none of the others, or the cloud does not say
	Capacity                // the cloud has no such machine left there
	Quota                   // the account may not have more
	Addresses               // the subnet has no address left
	Throttling              // too many requests; the same will be granted later
	Template                // what the group says of new machines cannot be done, such as an image that does not exist
	Rights                  // who asks may not
)

func (c Class) String() string {
	switch c {
	case Capacity:
		return "capacity"
	case Quota:
		return "quota"
	case Addresses:
		return "addresses"
	case Throttling:
		return "throttling"
	case Template:
		return "template"
	case Rights:
		return "rights"
	default:
		return "other"
	}
}

// Failure is why a machine cannot be made. Its texts are the cloud's. In the chain of a driver's error it says the class of a
// refusal.
type Failure struct {
	Class   Class
	Message string
	// Zone and Type are where and of what the cloud has none left; empty where it does not say.
	Zone, Type string
	// At is when it happened; zero for one that lasts, as that of an Instance.
	At time.Time
}

func (f *Failure) Error() string { return f.Message }

// FailureOf is the failure that an error of a driver tells of, with the text of the whole error. It is Other where the driver says no class.
func FailureOf(err error) Failure {
	var f Failure
	if said, is := errors.AsType[*Failure](err); is {
		f = *said
	}
	f.Message = err.Error()
	return f
}

// place is the Place of which the cloud says that it has none left, if it does.
func (f *Failure) place() (place string, short bool) {
	return Place(f.Zone, f.Type), f.Class == Capacity && f.Zone != "" && f.Type != ""
}

// Failed is a node that was to come and will not.
type Failed struct {
	// Instance is the ID of the machine; empty where there is none.
	Instance string
	Failure
}

// Node is what must be known of a node that has registered.
type Node struct {
	Name, ProviderID string
	// Deleting says that its removal has begun, by whomever.
	Deleting bool
}

// id is what the node's instance is called.
func (n *Node) id() string {
	if n.ProviderID == "" {
		return n.Name
	}
	return n.ProviderID
}

// Policy is how long what is waited for. The fields mirror cluster-autoscaler's flags of like names.
type Policy struct {
	// MaxNodeProvisionTime is how long a requested node is waited for before its group is backed off.
	MaxNodeProvisionTime time.Duration
	// MaxNodeDeletionTime is how long a node may stand that the cloud has accepted to delete, before that is asked for again.
	MaxNodeDeletionTime time.Duration
	// ForceDeleteUnregistered deletes instances that do not register in time even where that takes their group below its minimum.
	ForceDeleteUnregistered bool
	// InitialBackoff is how long a group rests after it failed to grow, twice as long each time it fails again, up to MaxBackoff,
	// and as at first after BackoffResetTimeout.
	InitialBackoff, MaxBackoff, BackoffResetTimeout time.Duration
}
