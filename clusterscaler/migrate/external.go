package migrate

import (
	"errors"
	"path"
	"strings"

	"github.com/trimtab/trimtab/clusterscaler/externalgrpc/cloudconfig"
	"github.com/trimtab/trimtab/internal/config"
	"github.com/trimtab/trimtab/internal/migration"
	"github.com/trimtab/trimtab/internal/text"
)

// The providers that trimtab has.
const (
	kwok         = "kwok"
	externalGrpc = "externalgrpc"
)

// external says that the cloud stays outside, behind a server that names the groups.
func external(c *migration.Conversion) bool { return c.Text("cloud-provider") == externalGrpc }

// server tells what is missing when nothing says where the server is.
func server(c *migration.Conversion, v migration.Value) {
	if c.Text("cloud-config") == "" {
		c.Block(v.Flag, "is set to %s, and --cloud-config, which says where the server is, is not given; cluster-autoscaler does not start so. "+
			"Write clusterScaler.externalGrpc with its address, and cacert, cert and key for a connection that is encrypted", externalGrpc)
	}
}

// cloudConfig takes what stands in the file where that is among the manifests. Else trimtab reads the file itself.
func cloudConfig(c *migration.Conversion, v migration.Value) error {
	switch {
	case v.Last == "":
		return nil
	case !external(c):
		c.Block(v.Flag, "is set to %s, which trimtab reads with the provider %s only", text.Quote(v.Last), externalGrpc)
		return nil
	case c.In.Files == nil:
		c.Set(v, v.Setting+".cloudConfig", migration.Str(v.Last))
		c.TellFile(v.Flag, v.Last)
		return nil
	}
	at := c.In.Files(v.Last)
	switch {
	case at.Known:
		inlined(c, v, at)
	case at.Missing != nil:
		c.Set(v, v.Setting+".cloudConfig", migration.Str(v.Last))
		c.Note(v.Flag, "the file %s is not known here, so that trimtab is to read it itself: mount it at this path in trimtab's pod. %v", text.Quote(v.Last), at.Missing)
	default:
		c.Set(v, v.Setting+".cloudConfig", migration.Str(v.Last))
		c.TellFile(v.Flag, v.Last)
	}
	return nil
}

// inlined writes the settings of the file, which trimtab would accept as it is.
func inlined(c *migration.Conversion, v migration.Value, at migration.Origin) {
	file, err := cloudconfig.Decode(at.From, []byte(at.Text))
	if err != nil {
		why := err.Error()
		if ps, many := errors.AsType[config.Problems](err); many {
			why = strings.ReplaceAll(ps.Error(), "\n", "; ")
		}
		c.Block(v.Flag, "the file is not taken over; write %s by hand: %s", v.Setting, why)
		return
	}
	file = file.In(path.Dir(path.Clean("/" + v.Last)))
	c.Set(v, v.Setting+".address", migration.Str(file.Address))
	for _, f := range []struct{ key, path string }{{"cacert", file.CACert}, {"cert", file.Cert}, {"key", file.Key}} {
		if f.path != "" {
			c.Set(v, v.Setting+"."+f.key, migration.Str(f.path))
			c.TellFile(v.Flag, f.path)
		}
	}
	if file.Timeout.Std() != cloudconfig.DefaultTimeout {
		c.Set(v, v.Setting+".timeout", migration.Str(file.Timeout.String()))
	}
	if file.CACert == "" {
		c.Note(v.Flag, "the connection is NOT encrypted and nobody proves who he is; set %s.cacert, cert and key", v.Setting)
	}
}
