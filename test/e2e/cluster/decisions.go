package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Why is what trimtab decided about the pods of an app or a node.
func (c *Cluster) Why(ctx context.Context, subject string) string {
	decisions, err := c.decisions(ctx)
	if err != nil {
		return err.Error()
	}
	var out []string
	for _, d := range decisions {
		if strings.Contains(d.Subject, subject) {
			out = append(out, d.Subject+": "+d.Message)
		}
	}
	return strings.Join(out, "; ")
}

type decision struct{ Subject, Code, Message string }

func (c *Cluster) decisions(ctx context.Context) ([]decision, error) {
	var out struct{ Decisions []decision }
	text, err := read(ctx, c.Trimtab.Debug+"/debug/decisions?"+url.Values{"format": {"json"}, "limit": {"5000"}}.Encode())
	if err != nil {
		return nil, err
	}
	return out.Decisions, json.Unmarshal([]byte(text), &out)
}

// Decided is the condition that trimtab has decided so about a subject whose name has these letters, with words that the
// message holds.
func (c *Cluster) Decided(subject, code, words string) func(context.Context) error {
	return func(ctx context.Context) error {
		decisions, err := c.decisions(ctx)
		if err != nil {
			return err
		}
		var others []string
		for _, d := range decisions {
			if !strings.Contains(d.Subject, subject) {
				continue
			}
			if d.Code == code && strings.Contains(d.Message, words) {
				return nil
			}
			others = append(others, d.Code+": "+d.Message)
		}
		return fmt.Errorf("of %s it was decided %q", subject, others)
	}
}

// Knows is the condition that trimtab has seen the node.
func (c *Cluster) Knows(node string) func(context.Context) error {
	return func(ctx context.Context) error {
		decisions, err := c.decisions(ctx)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(decisions, func(d decision) bool { return d.Subject == "node "+node }) {
			return errors.New("nothing has been decided about node " + node)
		}
		return nil
	}
}

// Explained is the condition that `trimtab explain` says these words of a pod or a node.
func (c *Cluster) Explained(kind, name string, words ...string) func(context.Context) error {
	return func(ctx context.Context) error {
		out, err := exec.CommandContext(ctx, c.Trimtab.Binary(), "explain", kind, "--server", c.Trimtab.Debug, name).CombinedOutput()
		if err != nil {
			return fmt.Errorf("trimtab explain: %w: %s", err, out)
		}
		for _, w := range words {
			if !strings.Contains(string(out), w) {
				return fmt.Errorf("trimtab explain does not say %q but:\n%s", w, out)
			}
		}
		return nil
	}
}

// Told is the condition that an Event on an object of that name has the reason and the words.
func (c *Cluster) Told(object, reason string, words ...string) func(context.Context) error {
	return func(ctx context.Context) error {
		var events corev1.EventList
		if err := c.Client.List(ctx, &events, client.MatchingFields{"involvedObject.name": object}); err != nil {
			return err
		}
		var others []string
		for _, e := range events.Items {
			if e.Reason == reason && !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(e.Message, w) }) {
				return nil
			}
			others = append(others, e.Reason+": "+e.Message)
		}
		return fmt.Errorf("the Events of %s are %q", object, others)
	}
}

// Read is what the server of trimtab answers on the path.
func (c *Cluster) Read(ctx context.Context, path string) (string, error) {
	return read(ctx, c.Trimtab.URL+path)
}

func read(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %d: %s", url, resp.StatusCode, body)
	}
	return string(body), err
}

// Metric is the condition that /metrics has a line that begins so and is above zero.
func (c *Cluster) Metric(line string) func(context.Context) error {
	return func(ctx context.Context) error {
		text, err := c.Read(ctx, "/metrics")
		if err != nil {
			return err
		}
		for one := range strings.Lines(text) {
			if value, ok := strings.CutPrefix(one, line); ok && strings.TrimSpace(value) != "0" {
				return nil
			}
		}
		return errors.New("there is none: " + line)
	}
}
