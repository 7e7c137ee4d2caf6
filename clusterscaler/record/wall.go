package record

import (
	"reflect"
	"time"
)

// atWall copies a value, with all times in it as far before or after now as they were, on the clock on the wall. A time
// of this process has a second clock, which a file cannot keep: what has passed is measured by that one.
func atWall[T any](v T, now time.Time) T {
	out := reflect.New(reflect.TypeFor[T]()).Elem()
	out.Set(copied(reflect.ValueOf(&v).Elem(), now))
	return out.Interface().(T)
}

// copied copies maps, pointers and slices of the types that hold times of trimtab's own. Those of objects have no
// second clock, and stay as they are.
func copied(v reflect.Value, now time.Time) reflect.Value {
	switch v.Kind() {
	case reflect.Map:
		if v.IsNil() {
			return v
		}
		out := reflect.MakeMapWithSize(v.Type(), v.Len())
		for entries := v.MapRange(); entries.Next(); {
			out.SetMapIndex(entries.Key(), copied(entries.Value(), now))
		}
		return out
	case reflect.Struct:
		if at, is := v.Interface().(time.Time); is {
			if !at.IsZero() {
				at = now.Round(0).Add(-now.Sub(at))
			}
			return reflect.ValueOf(at)
		}
		out := reflect.New(v.Type()).Elem()
		out.Set(v)
		for i := range out.NumField() {
			if out.Type().Field(i).IsExported() && out.Field(i).Kind() != reflect.Pointer {
				out.Field(i).Set(copied(out.Field(i), now))
			}
		}
		return out
	default:
		return v
	}
}
