package record

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
	corev1 "k8s.io/api/core/v1"

	"github.com/trimtab/trimtab/clusterscaler/kube"
	"github.com/trimtab/trimtab/clusterscaler/kubesched"
	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/internal/text"
)

// maxLine bounds one line of a file.
const maxLine = 256 << 20

// ErrNoSnapshot says that something else than a snapshot was read.
var ErrNoSnapshot = errors.New("it is no snapshot: the first line has no trimtabSnapshot; `trimtab snapshot` writes one")

// errEndsEarly says that a file was cut off.
var errEndsEarly = errors.New("the file ends early; fetch it again")

// Read reads a record, plain or compressed with gzip. It takes only files of this Format, to their ends.
func Read(r io.Reader) (*Record, error) {
	plain, err := uncompressed(r)
	if err != nil {
		return nil, err
	}
	limited := &limited{r: plain}
	decoder := json.NewDecoder(limited)
	decoder.DisallowUnknownFields()
	into := &reader{out: &Record{}, deleting: map[string]bool{}}
	for n := 1; ; n++ {
		limited.left = maxLine
		var l line
		if n == 1 {
			into.version, err = versionOf(decoder, &l)
		} else {
			err = decoder.Decode(&l)
		}
		switch {
		case errors.Is(err, io.EOF) && n > 1, errors.Is(err, io.ErrUnexpectedEOF):
			return nil, fmt.Errorf("line %d: %w", n, errEndsEarly)
		case errors.Is(err, ErrNoSnapshot):
			return nil, err
		case err != nil:
			return nil, fmt.Errorf("line %d%s: %s", n, into.of(), text.Line(err.Error()))
		case l.End != nil && l.End.Lines != n-1:
			return nil, fmt.Errorf("line %d: the file had %d lines, and has %d; fetch it again", n, l.End.Lines, n-1)
		case l.End != nil:
			if err := nothingMore(decoder); err != nil {
				return nil, fmt.Errorf("line %d: %w", n+1, err)
			}
			return into.finish()
		case !into.take(&l):
			return nil, fmt.Errorf("line %d%s: it has nothing that a snapshot has", n, into.of())
		}
	}
}

// beginning is that of every file that Write writes.
const beginning = `{"trimtabSnapshot":`

// Copy copies a file as it is, if it begins as a snapshot does.
func Copy(w io.Writer, r io.Reader) error {
	in := bufio.NewReaderSize(r, 1<<16)
	start, err := in.Peek(len(beginning))
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return err
	case string(start) != beginning:
		return ErrNoSnapshot
	}
	_, err = io.Copy(w, in)
	return err
}

// nothingMore says what stands behind the last line. To look also lets gzip compare its checksum.
func nothingMore(decoder *json.Decoder) error {
	err := decoder.Decode(new(json.RawMessage))
	_, isText := errors.AsType[*json.SyntaxError](err)
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errEndsEarly
	case err == nil, isText:
		return errors.New("more stands behind its end; keep one snapshot in a file")
	default:
		return err
	}
}

// uncompressed also takes off a byte order mark, and reads UTF-16 behind one: Windows PowerShell's > writes that.
func uncompressed(r io.Reader) (io.Reader, error) {
	buffered := bufio.NewReaderSize(r, 1<<16)
	start, _ := buffered.Peek(2)
	switch string(start) {
	case "\x1f\x8b":
	case "\xff\xfe", "\xfe\xff", "\xef\xbb":
		return transform.NewReader(buffered, unicode.BOMOverride(transform.Nop)), nil
	default:
		return buffered, nil
	}
	plain, err := gzip.NewReader(buffered)
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, errEndsEarly
	case err != nil:
		return nil, fmt.Errorf("it begins as gzip does: %w", err)
	}
	return plain, nil
}

// limited ends with an error after a number of bytes.
type limited struct {
	r    io.Reader
	left int
}

// Read implements io.Reader.
func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, fmt.Errorf("it has more than %d bytes", maxLine)
	}
	n, err := l.r.Read(p[:min(len(p), l.left)])
	l.left -= n
	return n, err
}

// versionOf reads the first line. Only its format and version are looked at as long as they may be those of another trimtab.
func versionOf(decoder *json.Decoder, l *line) (version string, err error) {
	var raw map[string]json.RawMessage
	err = decoder.Decode(&raw)
	_, isText := errors.AsType[*json.SyntaxError](err)
	_, isOther := errors.AsType[*json.UnmarshalTypeError](err)
	switch {
	case isText, isOther, errors.Is(err, io.EOF), err == nil && raw["trimtabSnapshot"] == nil:
		return "", ErrNoSnapshot
	case err != nil: // of the reader
		return "", err
	}
	var h struct {
		Format  int    `json:"format"`
		Version string `json:"version"`
	}
	if err := json.Unmarshal(raw["trimtabSnapshot"], &h); err != nil {
		return "", err
	}
	if h.Format != Format {
		return h.Version, fmt.Errorf("it has format %d, and this trimtab reads format %d; replay it with trimtab %.80q, which wrote it", h.Format, Format, h.Version)
	}
	l.Header = &header{}
	return h.Version, json.Unmarshal(raw["trimtabSnapshot"], l.Header)
}

// reader puts the lines together.
type reader struct {
	out      *Record
	version  string
	deleting map[string]bool
	objects  kube.Objects
	storage  kubesched.Objects
	header   header
}

// of names the trimtab that wrote the file.
func (r *reader) of() string {
	if r.version == "" {
		return ""
	}
	return fmt.Sprintf(", written by trimtab %.80q", r.version)
}

// take keeps what l has, and says whether that is anything.
func (r *reader) take(l *line) bool {
	seen := &r.out.Seen
	switch {
	case l.Header != nil:
		r.header = *l.Header
	case l.Policy != nil:
		r.out.Policy = *l.Policy
	case l.Memory != nil:
		r.out.Memory = *l.Memory
	case l.Placement != nil:
		put(&r.out.Memory.Planned, l.Placement.Pod, &l.Placement.Placement)
	case l.Group != nil:
		seen.Groups = append(seen.Groups, *l.Group)
	case l.Namespace != nil:
		put(&r.objects.Namespaces, l.Namespace.Name, l.Namespace.Labels)
	case l.Owner != nil:
		r.out.Owners = append(r.out.Owners, *l.Owner)
	case l.Example != nil && l.Example.Node != nil && !slices.Contains(l.Example.Pods, nil):
		put(&seen.Examples, l.Example.Group, kube.Example{Node: l.Example.Node, Pods: l.Example.Pods, Seen: l.Example.Seen})
	case l.Node != nil && l.Node.Node != nil:
		r.objects.Nodes = append(r.objects.Nodes, l.Node.Node)
		if l.Node.Group != "" {
			put(&seen.GroupOf, l.Node.Node.Name, l.Node.Group)
		}
		if l.Node.Deleting {
			r.deleting[l.Node.Node.Name] = true
		}
	case l.DaemonSet != nil:
		r.objects.DaemonSets = append(r.objects.DaemonSets, l.DaemonSet)
	case l.Budget != nil:
		r.objects.Budgets = append(r.objects.Budgets, l.Budget)
	case l.Pod != nil:
		r.objects.Pods = append(r.objects.Pods, l.Pod)
	case l.Outcome != nil:
		r.out.Outcome = l.Outcome
	default:
		return r.takeStorage(l)
	}
	return true
}

func (r *reader) takeStorage(l *line) bool {
	s := &r.storage
	switch {
	case l.Claim != nil:
		s.Claims = append(s.Claims, l.Claim)
	case l.Volume != nil:
		s.Volumes = append(s.Volumes, l.Volume)
	case l.StorageClass != nil:
		s.StorageClasses = append(s.StorageClasses, l.StorageClass)
	case l.CSINode != nil:
		s.CSINodes = append(s.CSINodes, l.CSINode)
	case l.CSIDriver != nil:
		s.CSIDrivers = append(s.CSIDrivers, l.CSIDriver)
	case l.StorageCapacity != nil:
		s.StorageCapacities = append(s.StorageCapacities, l.StorageCapacity)
	case l.VolumeAttachment != nil:
		s.VolumeAttachments = append(s.VolumeAttachments, l.VolumeAttachment)
	case l.DeviceClaim != nil:
		s.DeviceClaims = append(s.DeviceClaims, l.DeviceClaim)
	case l.ResourceSlice != nil:
		s.ResourceSlices = append(s.ResourceSlices, l.ResourceSlice)
	case l.DeviceClass != nil:
		s.DeviceClasses = append(s.DeviceClasses, l.DeviceClass)
	default:
		return false
	}
	return true
}

func put[M ~map[string]V, V any](m *M, key string, value V) {
	if *m == nil {
		*m = M{}
	}
	(*m)[key] = value
}

// finish makes the record of the lines.
func (r *reader) finish() (*Record, error) {
	if r.out.Policy.MaxNodesPerScaleUp == 0 && len(r.out.Policy.Expanders) == 0 {
		return nil, errors.New("it has no policy")
	}
	if problem := r.unbounded(); problem != "" {
		return nil, errors.New(problem)
	}
	seen := &r.out.Seen
	seen.Objects = &r.objects
	seen.Now, seen.ExamplesFor = r.header.At, r.header.ExamplesFor
	seen.Taints, seen.ExpendableBelow = r.header.Taints, r.header.ExpendableBelow
	if r.header.Judged {
		seen.Storage = &r.storage
	}
	seen.Deleting = func(n *corev1.Node) bool { return r.deleting[n.Name] }
	r.out.Version = r.header.Version
	return r.out, nil
}

// maxCount bounds each number that is counted up to: nodes of a group, and pods of a headroom. maxTotal bounds their sum.
const (
	maxCount = 100_000
	maxTotal = 2 * maxCount
)

// unbounded names a number that a decision would count up to, or find something by, and that cannot be.
func (r *reader) unbounded() string {
	planned := r.out.Memory.Planned
	for pod, p := range planned {
		if p.Order < 0 || p.Order >= len(planned) {
			return fmt.Sprintf("placement of pod %.80q: order %d is not below %d, the number of placements", pod, p.Order, len(planned))
		}
	}
	total := 0
	for i := range r.out.Seen.Groups {
		g := &r.out.Seen.Groups[i]
		if problem := unboundedGroup(g); problem != "" {
			return fmt.Sprintf("group %.80q: %s", g.Name, problem)
		}
		if total += most(g); total > maxTotal {
			return fmt.Sprintf("group %.80q: with it the groups have more than %d nodes, counted by the highest of Target and Min", g.Name, maxTotal)
		}
	}
	for _, h := range r.out.Policy.Headroom {
		if h.Count < 0 || h.Count > maxCount {
			return fmt.Sprintf("headroom %.80q: Count %d is not between 0 and %d", h.Name, h.Count, maxCount)
		}
		if total += h.Count; total > maxTotal {
			return fmt.Sprintf("headroom %.80q: with it groups and headroom count more than %d", h.Name, maxTotal)
		}
	}
	return ""
}

func unboundedGroup(g *plan.Group) string {
	switch {
	case g.Target < 0 || g.Target > maxCount:
		return fmt.Sprintf("Target %d is not between 0 and %d", g.Target, maxCount)
	case g.Min < 0 || g.Min > maxCount:
		return fmt.Sprintf("Min %d is not between 0 and %d", g.Min, maxCount)
	case g.Max < 0:
		return fmt.Sprintf("Max %d is below 0", g.Max)
	case g.Min > max(g.Max, g.Target): // a group that is too large may be kept from shrinking
		return fmt.Sprintf("Min %d is above Max %d and Target %d", g.Min, g.Max, g.Target)
	case g.Options.AllOrNothing && g.Max > maxCount:
		return fmt.Sprintf("Max %d is not between 0 and %d, as it must be for a group with all nodes or none", g.Max, maxCount)
	}
	return ""
}

// most is the size that the group is counted up to without a pod that asks for it.
func most(g *plan.Group) int {
	if g.Options.AllOrNothing {
		return max(g.Target, g.Max)
	}
	return max(g.Target, g.Min)
}
