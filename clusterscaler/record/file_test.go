package record

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"math/rand/v2"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/group"
	"github.com/trimtab/trimtab/clusterscaler/kube"
	"github.com/trimtab/trimtab/clusterscaler/plan"
)

// aRecord is one that has all that a file can have, as far as random clusters bring it.
func aRecord(t *testing.T) *Record {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		w := newWorld(r)
		_, made, _ := w.loop()
		w.turn(made)
		kept, _, _ := w.loop()
		if w.storage != nil && len(kept.Memory.Planned) > 0 && len(w.daemons) > 0 {
			return kept
		}
	}
	t.Fatal("no such cluster")
	return nil
}

// What is no whole snapshot of this format is refused, with what to do.
func TestOnlyWholeFilesOfThisFormatAreRead(t *testing.T) {
	t.Parallel()
	file := string(written(t, aRecord(t)))
	lines := strings.SplitAfter(strings.TrimSuffix(file, "\n"), "\n")
	without := func(i int) string { return strings.Join(append(append([]string{}, lines[:i]...), lines[i+1:]...), "") }
	for name, c := range map[string]struct{ file, want string }{
		"nothing":            {"", "it is no snapshot"},
		"another JSON":       {"{}\n", "it is no snapshot"},
		"another text":       {"apiVersion: v1\n", "it is no snapshot"},
		"a later format":     {strings.Replace(file, `"format":1,"version":"test"`, `"format":2,"version":"v9.9.9"`, 1), `line 1, written by trimtab "v9.9.9": it has format 2, and this trimtab reads format 1; replay it with trimtab "v9.9.9"`},
		"a field of another": {strings.Replace(file, `"policy":{`, `"policy":{"Other":1,`, 1), `line 2, written by trimtab "test": json: unknown field "Other"`},
		"cut off at a line":  {strings.Join(lines[:len(lines)-2], ""), "the file ends early; fetch it again"},
		"cut off in a line":  {file[:len(file)*2/3], "the file ends early; fetch it again"},
		"cut off at once":    {file[:20], "line 1: the file ends early; fetch it again"},
		"two files":          {file + file, "more stands behind its end; keep one snapshot in a file"},
		"more text":          {file + "\nmore\n", "more stands behind its end; keep one snapshot in a file"},
		"nothing of a pod":   {strings.Replace(file, lines[len(lines)-3], "{\"pod\":null}\n", 1), "it has nothing that a snapshot has"},
		"a line less":        {without(5), "the file had"},
		"no policy":          {strings.Replace(without(1), `"lines":`+number(len(lines)-1), `"lines":`+number(len(lines)-2), 1), "it has no policy"},
		"an order too large": {regexp.MustCompile(`"Order":0`).ReplaceAllString(file, `"Order":4711`), "order 4711 is not below"},
		"a size too large":   {regexp.MustCompile(`"Target":\d+`).ReplaceAllString(file, `"Target":1000000000`), "Target 1000000000 is not between 0 and 100000"},
	} {
		_, err := Read(strings.NewReader(c.file))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// No file makes a plan count without end: each number that is counted up to has a bound, and so have all groups together.
// What a plan of a loop can have is read.
func TestSizesOfGroupsAreBounded(t *testing.T) {
	t.Parallel()
	kept := aRecord(t)
	for want, groups := range map[string][]fleet.Belief{
		`group "g": Min 1000000000 is not between 0 and 100000`:                                               {{Min: 1_000_000_000, Max: 1_000_000_000}},
		`group "g": Min -1 is not between 0 and 100000`:                                                       {{Min: -1, Max: 3}},
		`group "g": Max -9223372036854775808 is below 0`:                                                      {{Max: math.MinInt}},
		`group "g": Min 5 is above Max 3 and Target 4`:                                                        {{Min: 5, Max: 3, Target: 4}},
		`group "g": Max 100001 is not between 0 and 100000, as it must be for a group with all nodes or none`: {{Max: 100_001, Options: group.Options{AllOrNothing: true}}},
		`group "g": with it the groups have more than 200000 nodes, counted by the highest of Target and Min`: slices.Repeat([]fleet.Belief{{Max: 100_000, Target: 60_000}, {Min: 50_000, Max: 60_000}}, 2),
		"": {{Max: math.MaxInt}, {Min: 4, Max: 3, Target: 4}, {Min: 3, Max: 3, Target: 4}, {Min: 100_000, Max: 100_000, Target: 100_000}, {Max: 90_000, Options: group.Options{AllOrNothing: true}}},
	} {
		kept.Seen.Groups = make([]plan.Group, len(groups))
		for i, g := range groups {
			g.Name = "g"
			kept.Seen.Groups[i].Belief = g
		}
		switch _, err := Read(bytes.NewReader(written(t, kept))); {
		case want == "" && err != nil, want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func number(n int) string { return numbered(n, n) }

// Windows PowerShell writes UTF-16 for >, and other editors a byte order mark.
func TestTextOfWindowsIsRead(t *testing.T) {
	t.Parallel()
	file := written(t, aRecord(t))
	for name, encoding := range map[string]encoding.Encoding{
		"UTF-8 with a mark": unicode.UTF8BOM, "UTF-16LE": unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), "UTF-16BE": unicode.UTF16(unicode.BigEndian, unicode.UseBOM),
	} {
		text, err := encoding.NewEncoder().Bytes(bytes.ReplaceAll(file, []byte("\n"), []byte("\r\n")))
		if err != nil {
			t.Fatal(err)
		}
		again, err := Read(bytes.NewReader(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !bytes.Equal(file, written(t, again)) {
			t.Errorf("%s: it is another", name)
		}
	}
}

func TestCompressedFilesAreRead(t *testing.T) {
	t.Parallel()
	file := written(t, aRecord(t))
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(file); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if again := written(t, readAgain(t, b.Bytes())); !bytes.Equal(file, again) {
		t.Error("read compressed it is another")
	}
	for _, length := range []int{5, 10, 12, b.Len() / 2, b.Len() - 20, b.Len() - 1} {
		if _, err := Read(bytes.NewReader(b.Bytes()[:length])); err == nil || !strings.Contains(err.Error(), "the file ends early; fetch it again") {
			t.Errorf("of %d bytes only %d are there: %v", b.Len(), length, err)
		}
	}
	spoiled := bytes.Clone(b.Bytes())
	spoiled[len(spoiled)-8] ^= 1 // of the checksum
	if _, err := Read(bytes.NewReader(spoiled)); err == nil || !strings.Contains(err.Error(), "gzip: invalid checksum") {
		t.Errorf("a spoiled file is read: %v", err)
	}
}

// A file that cannot be read is not called something else.
func TestTheErrorOfAReaderIsTold(t *testing.T) {
	t.Parallel()
	broken := errors.New("the disk is broken")
	if _, err := Read(iotest.ErrReader(broken)); err == nil || !strings.Contains(err.Error(), broken.Error()) {
		t.Errorf("got %v", err)
	}
}

// A file has nothing of what containers run, are told and say, of Secrets, and of annotations that do not decide.
func TestWhatDoesNotDecideIsNotWritten(t *testing.T) {
	t.Parallel()
	r := aRecord(t)
	r.Memory.Backoffs, r.Seen.Groups[0].Trouble = nil, ""
	for _, p := range r.Seen.Pods {
		p.Spec.Containers[0].Image, p.Spec.Containers[0].Command = "hush", []string{"hush"}
		p.Status.ContainerStatuses = []corev1.ContainerStatus{{LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Message: "hush"}}}}
		p.Status.Message = "hush"
	}
	for _, v := range r.Seen.Storage.Volumes {
		v.Spec.MountOptions = []string{"hush"}
		if v.Spec.CSI != nil {
			v.Spec.CSI.VolumeAttributes = map[string]string{"password": "hush"}
		}
	}
	for _, c := range r.Seen.Storage.StorageClasses {
		c.Parameters = map[string]string{"password": "hush"}
	}
	if file := string(written(t, r)); strings.Contains(file, "hush") {
		at := strings.Index(file, "hush")
		t.Errorf("a secret is written: %s", file[max(0, at-200):at+10])
	}
}

// filled sets every field to something, texts to a word that tells where it stands.
func filled(v reflect.Value, depth int) {
	if depth > 14 || !v.CanSet() {
		return
	}
	switch at := v.Addr().Interface().(type) {
	case *time.Time:
		*at = time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
		return
	case *metav1.Time:
		*at = metav1.Unix(1767225600, 0)
		return
	case *resource.Quantity:
		*at = resource.MustParse("3")
		return
	case **regexp.Regexp:
		*at = regexp.MustCompile("secret-x.*")
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		filled(v.Elem(), depth+1)
	case reflect.Struct:
		for i := range v.NumField() {
			filled(v.Field(i), depth+1)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		filled(v.Index(0), depth+1)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		filled(key, depth+1)
		filled(value, depth+1)
		v.SetMapIndex(key, value)
	case reflect.String:
		v.SetString("secret-x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(0)
	case reflect.Uint8:
		v.SetUint(1)
	case reflect.Float64:
		v.SetFloat(0.25)
	}
}

// Whatever a policy, a memory or a group has comes back from a file: a field that JSON does not take would be missing.
func TestNothingOfPolicyMemoryAndGroupsIsLost(t *testing.T) {
	t.Parallel()
	r := &Record{Version: "v1"}
	r.Seen.Objects = &kube.Objects{}
	var g plan.Group
	for _, v := range []any{&r.Policy, &r.Memory, &g, &r.Outcome, &r.Owners} {
		filled(reflect.ValueOf(v).Elem(), 0)
	}
	r.Seen.Groups = []plan.Group{g}
	r.Seen.Now = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	again := readAgain(t, written(t, r))
	for name, pair := range map[string][2]any{
		"policy": {r.Policy, again.Policy}, "memory": {r.Memory, again.Memory}, "groups": {r.Seen.Groups, again.Seen.Groups},
		"outcome": {r.Outcome, again.Outcome}, "owners": {r.Owners, again.Owners},
	} {
		if !reflect.DeepEqual(pair[0], pair[1]) {
			t.Errorf("%s: written\n%+v\nread\n%+v", name, pair[0], pair[1])
		}
	}
}

// The times of a running process have a second clock, which measures what has passed when the one on the wall is set.
func TestTimesKeepTheirDistance(t *testing.T) {
	t.Parallel()
	now := time.Now()
	since := now.Add(-time.Minute)
	set := time.Unix(0, now.Add(-time.Hour).UnixNano()) // has no second clock
	m := atWall(plan.Memory{LastDelete: since, UnneededSince: map[string]time.Time{"a": since, "b": set}}, now)
	wall := now.Round(0)
	if got := wall.Sub(m.UnneededSince["a"]); got != time.Minute || wall.Sub(m.LastDelete) != time.Minute || !m.LastScaleUp.IsZero() {
		t.Errorf("a minute became %v: %+v", got, m)
	}
	if !m.UnneededSince["b"].Equal(set) || m.UnneededSince["a"] != m.UnneededSince["a"].Round(0) {
		t.Errorf("%+v", m)
	}
}

// Of a record whose every text is a secret nothing is left but what is kept on purpose: this is the list, by the JSON keys.
func TestAnonymizedRecordsKeepNoNames(t *testing.T) {
	t.Parallel()
	r := aRecord(t)
	again := readAgain(t, written(t, r))
	s := again.Seen.Storage
	s.Claims, s.Volumes, s.StorageClasses, s.CSINodes, s.CSIDrivers = s.Claims[:1], s.Volumes[:1], s.StorageClasses[:1], nil, nil
	for _, v := range []any{&again.Policy, &again.Memory, &again.Seen.Taints, &again.Seen.Groups, &again.Outcome, &again.Owners, &again.Seen.DaemonSets, &again.Seen.Budgets, s} {
		filled(reflect.ValueOf(v).Elem(), 0)
	}
	again.Policy.Expanders, again.Policy.GPULabel = []plan.Expander{plan.Price}, "gpu" // the values of the label are kept
	pod, node := &corev1.Pod{}, &corev1.Node{}
	for _, v := range []any{pod, node} {
		filled(reflect.ValueOf(v).Elem(), 0)
	}
	pod.Annotations, node.Annotations = map[string]string{annotationSafeVolumes: "secret-x,secret-x"}, nil
	again.Seen.Pods, again.Seen.Nodes = []*corev1.Pod{pod}, []*corev1.Node{node}
	again.Seen.Namespaces = map[string]map[string]string{"secret-x": {"team": "secret-x"}}
	again.Seen.Examples = kube.Examples{"secret-x": {Node: node.DeepCopy(), Pods: []*corev1.Pod{pod.DeepCopy()}}}
	Anonymize(again)
	left := map[string]bool{}
	for line := range bytes.Lines(written(t, again)) {
		var v any
		if err := json.Unmarshal(line, &v); err != nil {
			t.Fatal(err)
		}
		leftovers("", v, left)
	}
	// Own fields are in capitals; {} are keys of a map. A name is that of a resource, driver, device class or request.
	const want = "Effect Features Name Operator Protocol Type accessMode accessModes action allocatable{} allocatedResources{} allocationMode apiGroup " +
		"apiVersion attacher attributes{} cachingMode capacityKey capacity{} cluster code consumedCapacity{} declaredFeatures deviceClassName " +
		"distinctAttribute driver effect expression extendedResourceName fsGroupPolicy kind limits{} matchAttribute name nodeAffinityPolicy " +
		"nodeAllocatableResources{} nodeTaintsPolicy operator overhead{} partitionTypeAttribute persistentVolumeReclaimPolicy phase preemptionPolicy " +
		"protocol provisioner reclaimPolicy request requestName requests requests{} resource resourceName resourceVersion restartPolicy schedulerName " +
		"skipNodeOperations status string type version volumeBindingMode volumeLifecycleModes volumeMode whenUnsatisfiable"
	if got := strings.Join(slices.Sorted(maps.Keys(left)), " "); got != want {
		t.Errorf("kept are the texts of\n%s\nwant\n%s", got, want)
	}
}

// leftovers collects the keys under which the secret stands, and those of maps of which it is a key.
func leftovers(key string, v any, into map[string]bool) {
	switch v := v.(type) {
	case string:
		if strings.Contains(v, "secret-x") {
			into[key] = true
		}
	case []any:
		for _, element := range v {
			leftovers(key, element, into)
		}
	case map[string]any:
		for inner, element := range v {
			if strings.Contains(inner, "secret-x") {
				into[key+"{}"] = true
				inner = key
			}
			leftovers(inner, element, into)
		}
	}
}
