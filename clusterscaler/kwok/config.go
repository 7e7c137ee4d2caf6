package kwok

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/trimtab/trimtab/clusterscaler/group"
	"github.com/trimtab/trimtab/internal/config"
)

// Config is the section clusterScaler.kwok.
type Config struct {
	// Groups are the node groups. Mirrors --nodes.
	Groups []Group `yaml:"groups"`
}

// Group is a written group with the settings of simulated nodes. Its name is part of theirs.
type Group struct {
	group.Group `yaml:",inline"`
	// Template is what each node of the group is.
	Template group.Template `yaml:"template"`
	// LaunchDelay is how long a requested node takes to appear. Default 0.
	LaunchDelay config.Duration `yaml:"launchDelay"`
	// LaunchFailure is what becomes of requested nodes: never (they do not come), unregistered (their instances start and never
	// register) or unready (they register and are never ready). Default empty, none fails.
	LaunchFailure string `yaml:"launchFailure"`
	// Available is how many nodes of the group there can be at a time: further launches fail, as where a cloud has no
	// capacity left. Default no limit.
	Available *int `yaml:"available"`
}

// What can become of the nodes of a group that fail.
const (
	LaunchNever        = "never"
	LaunchUnregistered = "unregistered"
	LaunchUnready      = "unready"
)

func launchFailures() []string { return []string{LaunchNever, LaunchUnregistered, LaunchUnready} }

// Validate checks what the types cannot.
func (c *Config) Validate() config.Problems {
	var ps config.Problems
	first := map[string]int{}
	for i, g := range c.Groups {
		if j, twice := first[g.Name]; twice {
			ps.Add(fmt.Sprintf("groups[%d].name", i), "%q is the name of groups[%d] already", g.Name, j)
			continue
		}
		first[g.Name] = i
	}
	return ps
}

// Validate checks what the types cannot.
func (g *Group) Validate() config.Problems {
	var ps config.Problems
	if problems := validation.IsDNS1123Label(g.Name); len(problems) > 0 {
		ps.Add("name", "%q cannot be part of a node's name: %s", g.Name, problems[0])
	} else if len(g.Name) > group.MaxName {
		ps.Add("name", "%q has more than %d letters, which leaves no room for a suffix", g.Name, group.MaxName)
	}
	d, wrong := g.Described(g.Template)
	ps = append(ps, wrong...)
	if g.LaunchFailure != "" && !slices.Contains(launchFailures(), g.LaunchFailure) {
		ps.Add("launchFailure", "%q is unknown; known: %v", g.LaunchFailure, launchFailures())
	}
	if g.Available != nil && *g.Available < 0 {
		ps.Add("available", "%d is negative", *g.Available)
	}
	return append(ps, d.Template.Check(&g.CNI)...)
}
