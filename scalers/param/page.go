package param

import (
	"fmt"
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
		return "comma-separated list" + p.values(" of ")
	case *map[string]string:
		return "comma-separated list of `name=value`"
	case *Address:
		if len(p.Schemes) > 0 {
			return "URL (" + strings.Join(p.Schemes, ", ") + ")"
		}
		return "address"
	default:
		return "text" + p.values(": ")
	}
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
