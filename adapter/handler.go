package adapter

import (
	"net/http"

	"github.com/trimtab/trimtab/adapter/api"
)

// Handler answers the metrics APIs without a port, authentication and authorisation: for answers from files. An API
// without rules is not served.
func (a *Adapter) Handler() (http.Handler, error) { return api.NewHandler(a, a, a.resourceAPI()) }
