package config

import (
	"fmt"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// field is one key of the configuration and the place of its value.
type field struct {
	key   string // listen.tls.cert_file
	tag   reflect.StructTag
	value reflect.Value
}

// fieldsOf lists the leaves of c in the order of the file; what is set through
// them is set in c.
func fieldsOf(c *Config) []field {
	var found []field
	var walk func(prefix string, v reflect.Value)
	walk = func(prefix string, v reflect.Value) {
		for i := range v.NumField() {
			f := v.Type().Field(i)
			name := f.Tag.Get("key")
			if name == "-" {
				continue
			}
			if f.Type.Kind() == reflect.Struct {
				walk(prefix+name+".", v.Field(i))
				continue
			}
			found = append(found, field{key: prefix + name, tag: f.Tag, value: v.Field(i)})
		}
	}
	walk("", reflect.ValueOf(c).Elem())
	return found
}

// isSecretFile tells whether the key names a file that holds a secret.
func (f field) isSecretFile() bool { return f.tag.Get("credential") != "" }

// set puts raw, as YAML or the environment gives it, into the field. It
// answers what is wrong with it, or "".
func (f field) set(raw any) string {
	switch target := f.value.Addr().Interface().(type) {
	case *string:
		text, ok := raw.(string)
		if !ok {
			return "is not text; put it in quotes"
		}
		*target = strings.TrimSpace(text)
	case *bool:
		on, err := strconv.ParseBool(fmt.Sprint(raw))
		if err != nil {
			return "is neither true nor false"
		}
		*target = on
	case *int:
		n, err := strconv.Atoi(strings.TrimSpace(fmt.Sprint(raw)))
		if err != nil {
			return "is not a whole number"
		}
		*target = n
	case *float64:
		x, err := strconv.ParseFloat(strings.TrimSpace(fmt.Sprint(raw)), 64)
		if err != nil {
			return "is not a number"
		}
		*target = x
	case *time.Duration:
		d, err := parseDuration(fmt.Sprint(raw))
		if err != nil {
			return `is not a length of time; write it with its unit, such as "90s", "10m", "12h" or "30d"`
		}
		*target = d
	case *[]string:
		list, ok := listOf(raw)
		if !ok {
			return "is not a list of texts"
		}
		*target = list
	case *[]netip.Prefix:
		list, ok := listOf(raw)
		if !ok {
			return "is not a list of networks"
		}
		var prefixes []netip.Prefix
		for _, one := range list {
			p, err := netip.ParsePrefix(one)
			if err != nil {
				return `is not a list of networks such as "10.1.2.0/24"`
			}
			prefixes = append(prefixes, p.Masked())
		}
		*target = prefixes
	default:
		panic("config: no decoder for the type of " + f.key)
	}
	return ""
}

// text gives the value as the YAML file would carry it.
func (f field) text() string {
	if d, ok := f.value.Interface().(time.Duration); ok {
		return d.String()
	}
	return fmt.Sprint(f.value.Interface())
}

// parseDuration reads Go's notation and whole days ("30d").
func parseDuration(s string) (time.Duration, error) {
	s = strings.TrimSpace(s)
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.Atoi(days)
		if err != nil || n < 0 || n > 36500 {
			return 0, fmt.Errorf("bad number of days")
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	return time.ParseDuration(s)
}

// listOf takes a YAML list of texts, or one text with commas as the
// environment gives it.
func listOf(raw any) ([]string, bool) {
	var list []string
	switch v := raw.(type) {
	case string:
		for _, one := range strings.Split(v, ",") {
			if one = strings.TrimSpace(one); one != "" {
				list = append(list, one)
			}
		}
	case []any:
		for _, one := range v {
			text, ok := one.(string)
			if !ok {
				return nil, false
			}
			list = append(list, strings.TrimSpace(text))
		}
	default:
		return nil, false
	}
	return list, true
}
