package vpa

import (
	"github.com/trimtab/trimtab/internal/verdict"
	"github.com/trimtab/trimtab/vpa/recommend"
)

// Codes lists every verdict code of the part with its meaning.
func Codes() []verdict.CodeDoc { return recommend.Codes() }
