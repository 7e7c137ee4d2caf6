package plan

// scaleUpLines is what the lines have said that scaleUpLine reads.
type scaleUpLines struct {
	runs   []builtPod
	runsIn []string // the group of each
}

// scaleUpLine reads lines that are about growth alone.
func (b *builder) scaleUpLine(word, name string, f fields) bool {
	switch word {
	case "runs": // "runs GROUP kube-system/agent cpu=": what belongs to the group's example
		pod := ""
		for key := range f {
			if f[key] == "" && key != "mirror" {
				pod = key
			}
		}
		b.runs, b.runsIn = append(b.runs, b.pod(pod, f)), append(b.runsIn, name)
	default:
		return false
	}
	return true
}

// finish adds to the snapshot what has its classes.
func (b *builder) finish(s *Snapshot) {
	for i, p := range b.runs {
		for j := range s.Groups {
			if g := &s.Groups[j]; g.Name == b.runsIn[i] {
				r := Running{DaemonSet: p.Name, Class: s.Classes.Intern(p.spec)}
				if p.Mirror {
					r.DaemonSet = ""
				}
				g.Live, g.Runs = true, append(g.Runs, r)
			}
		}
	}
}

// scaleUpPolicy reads settings that are about growth alone.
func (b *builder) scaleUpPolicy(key string, f fields) bool {
	switch key {
	case "forceDs":
		b.policy.ForceDaemonSets = f[key] == "true"
	default:
		return false
	}
	return true
}
