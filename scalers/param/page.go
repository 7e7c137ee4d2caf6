package param

import (
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Markdown is the table for a page.
func (t Table) Markdown() string {
	var read, unread strings.Builder
	for _, p := range t {
		names := "`" + strings.Join(p.names(), "`, `") + "`"
		switch {
		case !p.read():
			fmt.Fprintf(&unread, "| %s | %s |\n", names, p.Ignored+p.Refused)
		default:
			fmt.Fprintf(&read, "| %s | %s | %s | %s | %s |\n", names, strings.ReplaceAll(p.places(), p.Name+fromEnv, "`"+p.Name+fromEnv+"`"), p.kind(), p.absent(), p.meaning())
		}
	}
	page := "| Parameter | Where it may stand | Type | Default | Meaning |\n|---|---|---|---|---|\n" + read.String()
	if unread.Len() > 0 {
		page += "\nThese keys of KEDA are known, and not read:\n\n| Key | What becomes of it |\n|---|---|\n" + unread.String()
	}
	return page
}

// kind is the type in words.
func (p Param) kind() string {
	switch p.To.(type) {
	case *float64:
		return "number" + p.Range.String()
	case *int64, *int:
		return "whole number" + p.Range.String()
	case *bool:
		return "true or false"
	case *time.Duration:
		return "duration (`5s`), or milliseconds"
	case *[]string:
		return p.list() + p.values(" of ")
	case *[]int64:
		return p.list() + " of whole numbers" + strings.Replace(p.example(), ", nor a range", ", and of ranges", 1)
	case *map[string]string:
		return p.list() + " of `name=value`"
	case *url.Values:
		return "`name=value&name=value`, encoded as the query of a URL"
	case *Address:
		if len(p.Schemes) > 0 {
			return "URL (" + strings.Join(p.Schemes, ", ") + ")"
		}
		return "address"
	default:
		return "text" + p.values(": ")
	}
}

// list is the kind of a list, by what stands between its items.
func (p Param) list() string {
	if p.Separator == "" {
		return "comma-separated list"
	}
	return "list separated by `" + p.Separator + "`"
}

func (p Param) values(before string) string {
	if len(p.OneOf) == 0 {
		return ""
	}
	return before + "`" + strings.Join(p.OneOf, "`, `") + "`"
}

// String is the range in words, as it follows a type.
func (r Range) String() string {
	switch {
	case !r.is:
		return ""
	case r.above:
		return fmt.Sprintf(", %s to %s", plain(r.low), plain(r.high))
	default:
		return fmt.Sprintf(", at least %s", plain(r.low))
	}
}

func (p Param) absent() string {
	switch {
	case p.Required:
		return "required"
	case p.Default == "":
		return "none"
	default:
		return "`" + p.Default + "`"
	}
}

func (p Param) meaning() string {
	meaning := p.About
	if p.Converted != "" {
		meaning += "; " + p.Converted
	}
	if len(p.Exclusive) > 0 {
		meaning += "; only one of `" + strings.Join(p.Exclusive, "`, `") + "`"
	}
	if p.Secret {
		meaning += "; never shown"
	}
	return meaning
}
