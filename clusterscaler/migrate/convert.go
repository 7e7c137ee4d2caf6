package migrate

import (
	"math"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/internal/migration"
	"github.com/trimtab/trimtab/internal/text"
)

// whole takes a whole number that trimtab accepts from least to most.
func whole(least, most int64) func(*migration.Conversion, migration.Value) error {
	return func(c *migration.Conversion, v migration.Value) error {
		if n, _ := strconv.ParseInt(v.Last, 0, 64); n < least || n > most {
			c.Block(v.Flag, "%s is not from %d to %d; write %s by hand", v.Last, least, most, v.Setting)
			return nil
		}
		return migration.Take(c, v)
	}
}

// count takes a number of nodes or pods that is at least least.
func count(least int64) func(*migration.Conversion, migration.Value) error {
	return whole(least, math.MaxInt32)
}

// replicas is nothing from zero on downwards.
func replicas(c *migration.Conversion, v migration.Value) error { return maxNodesTotal(c, v) }

// maxNodesTotal is no bound from zero on downwards.
func maxNodesTotal(c *migration.Conversion, v migration.Value) error {
	if n, _ := strconv.ParseInt(v.Last, 0, 64); n < 0 {
		v.Last = "0"
	}
	return count(0)(c, v)
}

// span takes a duration; a shorter one than least becomes that, and a negative one is not taken.
func span(least time.Duration) func(*migration.Conversion, migration.Value) error {
	return func(c *migration.Conversion, v migration.Value) error {
		switch d, _ := time.ParseDuration(v.Last); {
		case d < 0:
			c.Block(v.Flag, "%s is negative; write %s by hand", v.Last, v.Setting)
			return nil
		case d < least:
			c.Note(v.Flag, "%s is shorter than trimtab accepts; %s is written instead", v.Last, least)
			v.Last = least.String()
		}
		return migration.Take(c, v)
	}
}

// share takes the part of a node's resources up to which it may go. No node is used by more than all.
func share(c *migration.Conversion, v migration.Value) error {
	switch n, _ := strconv.ParseFloat(v.Last, 64); {
	case !(n >= 0):
		c.Block(v.Flag, "%s is not from 0 to 1; to remove no node write scaleDownEnabled: false", v.Last)
		return nil
	case n > 1:
		c.Note(v.Flag, "%s is more than a node has; 1 is written instead, which is the same", v.Last)
		v.Last = "1"
	}
	return migration.Take(c, v)
}

func percentage(c *migration.Conversion, v migration.Value) error {
	if n, _ := strconv.ParseFloat(v.Last, 64); !(n >= 0 && n <= 100) {
		c.Block(v.Flag, "%s is not from 0 to 100; write %s by hand", v.Last, v.Setting)
		return nil
	}
	return migration.Take(c, v)
}

// mostTotal is the largest bound of cores or GiB that trimtab reads.
const mostTotal = 1 << 32

// totals takes MIN:MAX. A maximum of 0 lets cluster-autoscaler add nothing, and is no bound that trimtab takes.
func totals(c *migration.Conversion, v migration.Value) error {
	least, most, ok := minMax(v.Last)
	switch {
	case !ok:
		c.Block(v.Flag, "%s is not MIN:MAX with whole numbers and 0 <= MIN <= MAX; cluster-autoscaler does not start with it", text.Quote(v.Last))
		return nil
	case most == 0 || least > mostTotal:
		c.Block(v.Flag, "%s is not taken: trimtab needs a maximum above 0 and a minimum up to %d; write %s by hand", v.Last, mostTotal, v.Setting)
		return nil
	case most > mostTotal:
		c.Note(v.Flag, "the maximum of %s is more than trimtab reads; %d is written instead", v.Last, mostTotal)
		most = mostTotal
	}
	c.Set(v, v.Setting, migration.Str(strconv.FormatInt(least, 10)+":"+strconv.FormatInt(most, 10)))
	return nil
}

// gpuTotals takes each TYPE:MIN:MAX, of which the last of a type counts.
func gpuTotals(c *migration.Conversion, v migration.Value) error {
	var order []string
	bounds := map[string]string{}
	for _, limit := range v.All {
		kind, rest, _ := strings.Cut(limit, ":")
		least, most, ok := minMax(rest)
		switch {
		case !ok || kind == "":
			c.Block(v.Flag, "%s is not TYPE:MIN:MAX with whole numbers and 0 <= MIN <= MAX; cluster-autoscaler does not start with it", text.Quote(limit))
			continue
		case most == 0 || least > mostTotal:
			c.Block(v.Flag, "%s is not taken: trimtab needs a maximum above 0 and a minimum up to %d; give the groups of that type the max 0, or write %s by hand", text.Quote(limit), mostTotal, v.Setting)
			continue
		}
		if bounds[kind] == "" {
			order = append(order, kind)
		}
		bounds[kind] = kind + ":" + strconv.FormatInt(least, 10) + ":" + strconv.FormatInt(min(most, mostTotal), 10)
	}
	var taken []string
	for _, kind := range order {
		taken = append(taken, bounds[kind])
	}
	if len(taken) > 0 {
		c.Set(v, v.Setting, migration.Strings(taken))
	}
	return nil
}

// minMax reads MIN:MAX.
func minMax(text string) (least, most int64, ok bool) {
	low, high, found := strings.Cut(text, ":")
	least, err := strconv.ParseInt(low, 10, 64)
	most, err2 := strconv.ParseInt(high, 10, 64)
	return least, most, found && err == nil && err2 == nil && least >= 0 && least <= most
}

// expanders takes the expanders that trimtab has.
func expanders(c *migration.Conversion, v migration.Value) error {
	var taken []string
	for _, name := range strings.Split(v.Last, ",") {
		switch name {
		case "least-waste", "most-pods", "least-nodes", "random":
		case "price":
			if !external(c) { // else the server is asked
				c.Note(v.Flag, "write the price of each group as clusterScaler.kwok.groups[].price; groups without one come last")
			}
		case "priority":
			if !external(c) { // else the names stay, too
				c.Note(v.Flag, "the ConfigMap cluster-autoscaler-priority-expander stays; its expressions match on the names in clusterScaler.kwok.groups")
			}
		case "grpc":
			if !grpcServer(c) {
				c.Block(v.Flag, "grpc is left out: it needs --grpc-expander-url with a HOST:PORT, and --grpc-expander-cert")
				continue
			}
		default:
			c.Block(v.Flag, "%s is no expander; cluster-autoscaler does not start with it", text.Quote(name))
			continue
		}
		taken = append(taken, name)
	}
	if len(taken) > 0 {
		c.Set(v, v.Setting, migration.Strings(taken))
	}
	return nil
}

// evictionGroups takes priorities with their seconds. cluster-autoscaler evicts all pods at once where it cannot read them.
func evictionGroups(c *migration.Conversion, v migration.Value) error {
	if _, err := plan.ParseEvictionGroups(v.Last); err != nil {
		c.Block(v.Flag, "is not taken: %v", err)
		return nil
	}
	return migration.Take(c, v)
}

// grpcServer is whether the flags name the server of the expander grpc.
func grpcServer(c *migration.Conversion) bool {
	urls, certs := c.Given("grpc-expander-url"), c.Given("grpc-expander-cert")
	if len(urls) == 0 || len(certs) == 0 || certs[len(certs)-1].Text == "" {
		return false
	}
	host, port, found := strings.Cut(urls[len(urls)-1].Text, ":")
	return found && host != "" && port != "" && !strings.ContainsAny(host+port, ":[]")
}

// emptyBulk is what older versions call the parallelism of removals.
func emptyBulk(c *migration.Conversion, v migration.Value) error {
	if len(c.Given("max-scale-down-parallelism")) > 0 {
		c.Note(v.Flag, "is not taken beside --max-scale-down-parallelism")
		return nil
	}
	return count(1)(c, v)
}

// verbosity is debug above 4, which many manifests have for the reasons of decisions; trimtab gives these at
// any level.
func verbosity(c *migration.Conversion, v migration.Value) error {
	level := "info"
	if n, _ := strconv.ParseInt(v.Last, 0, 64); n > 4 {
		level = "debug"
	}
	c.Set(v, v.Setting, migration.Str(level))
	return nil
}

// threshold is where the log goes to files too; all of it goes to standard error by default, in both programs.
func threshold(c *migration.Conversion, v migration.Value) error {
	if strings.EqualFold(v.Last, "info") || v.Last == "0" {
		return nil
	}
	return migration.Drop(c, v)
}

func logFormat(c *migration.Conversion, v migration.Value) error {
	if v.Last != "text" && v.Last != "json" {
		c.Block(v.Flag, "%s is neither text nor json; cluster-autoscaler does not start with it", text.Quote(v.Last))
		return nil
	}
	return migration.Take(c, v)
}

// namespace takes the name of one; a name that is none is the cluster's to refuse.
func configMapName(c *migration.Conversion, v migration.Value) error {
	if len(validation.IsDNS1123Subdomain(v.Last)) > 0 {
		c.Block(v.Flag, "%s is not the name of a ConfigMap; write %s by hand", text.Quote(v.Last), v.Setting)
		return nil
	}
	return migration.Take(c, v)
}

func namespace(c *migration.Conversion, v migration.Value) error {
	if !isLabel(v.Last) {
		c.Block(v.Flag, "%s is not the name of a namespace; write %s by hand", text.Quote(v.Last), v.Setting)
		return nil
	}
	return migration.Take(c, v)
}
