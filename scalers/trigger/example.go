package trigger

// Example is a valid trigger of a type. The type's page shows it, and tests use it.
type Example struct {
	// Metadata is spec.triggers[].metadata. Auth has the parameters of the TriggerAuthentication; nil where none is needed.
	Metadata, Auth map[string]string
	// Server is the host:port in these values. A test puts its own server there.
	Server string
}

// Exemplary is a Source with an example of its triggers.
type Exemplary interface {
	Source
	Example() Example
}
