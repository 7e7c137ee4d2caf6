package externalgrpc

import (
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
)

// A loop over 5,000 nodes of which nothing has changed.
func BenchmarkKnownNodes(b *testing.B) {
	p := &Provider{members: map[string]*member{}}
	now := time.Now()
	var all []*corev1.Node
	for i := range 5000 {
		n := template("a")
		n.Name, n.ResourceVersion = fmt.Sprint("node-", i), "1"
		for j := range 25 {
			n.Labels[fmt.Sprint("example.com/label-", j)] = "x"
		}
		all = append(all, n)
		p.members[n.Name] = &member{node: sent(n), group: "a", asked: now, seen: versionOf(n)}
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, asks := p.known(all, map[string]*fleet.Group{"a": {}}, nil, now); len(asks) > 0 {
			b.Fatal("asked again")
		}
	}
}
