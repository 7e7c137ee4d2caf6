package api

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/apiserver"
)

// oracle encodes as the library's handlers do.
func oracle(t testing.TB, v version, mediaType string, object runtime.Object) []byte {
	t.Helper()
	group := genericapiserver.NewDefaultAPIGroupInfo(v.groupVersion().Group, apiserver.Scheme, metav1.ParameterCodec, apiserver.Codecs)
	info, ok := runtime.SerializerInfoForMediaType(group.NegotiatedSerializer.SupportedMediaTypes(), mediaType)
	if !ok {
		t.Fatalf("no serializer for %s", mediaType)
	}
	data, err := runtime.Encode(group.NegotiatedSerializer.EncoderForVersion(info.Serializer, v.groupVersion()), object)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func random() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

func randomText(r *rand.Rand) string {
	texts := []string{"", "pod-1", `a"b\c`, "<script>&", "\x00\x01\b\f\n\r\t\x1f\x7f", "grüße", "日本", "\u2028\u2029", "\xff\xc3(", "😀", "a/b", "\ufffd"}
	text := texts[r.IntN(len(texts))]
	if r.IntN(3) == 0 {
		text += string([]byte{byte(r.IntN(256)), byte(r.IntN(256))}) + texts[r.IntN(len(texts))]
	}
	return text
}

// validText is randomText that protobuf can hold.
func validText(r *rand.Rand) string {
	for {
		if text := randomText(r); utf8.ValidString(text) {
			return text
		}
	}
}

func randomMilli(r *rand.Rand) int64 {
	special := []int64{0, 1, -1, 1000, -1000, 1e6, 2300, math.MaxInt64, math.MinInt64, math.MinInt64 + 1, 1e18, -9e18, 1e15, 1200000000}
	if r.IntN(3) == 0 {
		return special[r.IntN(len(special))]
	}
	v := r.Int64() >> r.IntN(63)
	for range r.IntN(7) {
		if v < math.MaxInt64/1000 {
			v *= 1000
		}
	}
	if r.IntN(2) == 0 {
		v = -v
	}
	return v
}

func randomMillis(r *rand.Rand) int64 {
	special := []int64{0, -1, 1, 999, 1700000000000, 1700000000999, -62135596800000, -62135596800000 + 5, -62135596800001, 253402300800000, 1 << 50}
	return special[r.IntN(len(special))]
}

func randomWindow(r *rand.Rand) int64 { return []int64{0, 60, 1, -5, math.MaxInt64}[r.IntN(5)] }

func randomSelector(r *rand.Rand, text func(*rand.Rand) string) *metav1.LabelSelector {
	switch r.IntN(4) {
	case 0:
		return &metav1.LabelSelector{}
	case 1:
		return &metav1.LabelSelector{MatchLabels: map[string]string{text(r): text(r), "b": "<"}}
	case 2:
		return &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: text(r), Operator: metav1.LabelSelectorOpIn, Values: []string{text(r), "x"}}}}
	default:
		return nil
	}
}

func randomCustom(r *rand.Rand, text func(*rand.Rand) string) *CustomAnswer {
	a := &CustomAnswer{APIVersion: text(r), Kind: text(r), Namespace: text(r), Metric: text(r), Selector: randomSelector(r, text)}
	for range r.IntN(5) {
		a.Items = append(a.Items, CustomItem{Name: text(r), Milli: randomMilli(r), TimestampMillis: randomMillis(r), WindowSeconds: randomWindow(r)})
	}
	return a
}

func randomExternal(t testing.TB, r *rand.Rand, text func(*rand.Rand) string) *ExternalAnswer {
	a := &ExternalAnswer{}
	for range r.IntN(5) {
		item := ExternalItem{Metric: text(r), Value: randomQuantity(t, r), TimestampMillis: randomMillis(r), WindowSeconds: randomWindow(r)}
		if r.IntN(3) > 0 {
			item.Labels = map[string]string{}
			for range r.IntN(5) {
				item.Labels[text(r)] = text(r)
			}
		}
		a.Items = append(a.Items, item)
	}
	return a
}

func randomQuantity(t testing.TB, r *rand.Rand) resource.Quantity {
	t.Helper()
	if r.IntN(2) == 0 {
		return *resource.NewMilliQuantity(randomMilli(r), resource.DecimalSI)
	}
	texts := []string{"0", "1Ki", "1.5Gi", "1000m", "1e3", "1E", "12345678901234567890", "0.1", "-1Mi", "1n", "0.5Ki", "123456789012345678901234567890Ei"}
	q, err := resource.ParseQuantity(texts[r.IntN(len(texts))])
	if err != nil {
		t.Fatal(err)
	}
	if r.IntN(2) == 0 {
		_ = q.String() // which it remembers
	}
	return q
}

// Whatever an answer holds, it is written as the library writes it, to the byte.
func TestEncodersEqualTheLibrary(t *testing.T) {
	t.Parallel()
	r := random()
	for i := range 3000 {
		for _, v := range []version{customV1beta1, customV1beta2, externalV1beta1} {
			for _, mediaType := range []string{runtime.ContentTypeJSON, runtime.ContentTypeProtobuf} {
				text := randomText
				if mediaType == runtime.ContentTypeProtobuf {
					text = validText
				}
				e := encoding{proto: mediaType == runtime.ContentTypeProtobuf}
				var got, want []byte
				var from any
				if v == externalV1beta1 {
					a := randomExternal(t, r, text)
					got, want, from = encodeExternal([]byte("before"), e, v, a), oracle(t, v, mediaType, externalList(a)), a
				} else {
					a := randomCustom(r, text)
					got, want, from = encodeCustom([]byte("before"), e, v, a), oracle(t, v, mediaType, customList(a)), a
				}
				if string(got) != "before"+string(want) {
					t.Fatalf("answer %d, %s as %s: %+v\ngot  %q\nwant %q", i, v.apiVersion(), mediaType, from, got, want)
				}
			}
		}
	}
}

func TestMilliIsACanonicalQuantity(t *testing.T) {
	t.Parallel()
	r := random()
	for range 200000 {
		milli := randomMilli(r)
		if got, want := string(appendMilli(nil, milli)), resource.NewMilliQuantity(milli, resource.DecimalSI).String(); got != want {
			t.Fatalf("%d is %s, want %s", milli, got, want)
		}
	}
}

func FuzzStringIsAsEncodingJSONWritesIt(f *testing.F) {
	r := random()
	for range 100 {
		f.Add(randomText(r))
	}
	f.Fuzz(func(t *testing.T, text string) {
		a := &ExternalAnswer{Items: []ExternalItem{{Metric: text}}}
		got, want := appendExternalJSON(nil, externalV1beta1, a), oracle(t, externalV1beta1, runtime.ContentTypeJSON, externalList(a))
		if string(got) != string(want) {
			t.Errorf("%q is written\n%s, want\n%s", text, got, want)
		}
	})
}

func TestALargeAnswerHasRoom(t *testing.T) {
	t.Parallel()
	a := manyPods(1000)
	for _, v := range []version{customV1beta1, customV1beta2} {
		for e, mediaType := range map[encoding]string{{}: runtime.ContentTypeJSON, {proto: true}: runtime.ContentTypeProtobuf} {
			if got, want := encodeCustom(nil, e, v, a), oracle(t, v, mediaType, customList(a)); string(got) != string(want) {
				t.Errorf("%s as %s: %d bytes differ from the library's %d", v.apiVersion(), mediaType, len(got), len(want))
			}
		}
	}
}

// manyPods is an answer for n pods of a namespace.
func manyPods(n int) *CustomAnswer {
	a := &CustomAnswer{APIVersion: "/v1", Kind: "Pod", Namespace: "production", Metric: "http_requests"}
	for i := range n {
		a.Items = append(a.Items, CustomItem{Name: fmt.Sprintf("web-frontend-7d9fc8b6c4-%05d", i), Milli: int64(i) * 1234, TimestampMillis: 1700000000000, WindowSeconds: 60})
	}
	return a
}
