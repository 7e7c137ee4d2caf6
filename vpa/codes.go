package vpa

import (
	"github.com/trimtab/trimtab/internal/verdict"
	"github.com/trimtab/trimtab/vpa/recommend"
)

// Codes documents every verdict code of the part.
func Codes() []verdict.CodeDoc { return recommend.Codes() }
