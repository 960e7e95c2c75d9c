package store

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// millis gives the column value of a time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// moment gives the time of a column value, in UTC.
func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// instant scans a BIGINT into a time, also from JSON.
type instant struct{ t *time.Time }

func (i instant) Scan(src any) error {
	switch v := src.(type) {
	case int64:
		*i.t = moment(v)
		return nil
	case nil:
		*i.t = time.Time{}
		return nil
	}
	return fmt.Errorf("store: time column holds %T", src)
}

func (i instant) UnmarshalJSON(b []byte) error {
	var ms int64
	if err := json.Unmarshal(b, &ms); err != nil {
		return err
	}
	*i.t = moment(ms)
	return nil
}

// document scans JSON text into to, which is any pointer.
type document struct{ to any }

func (j document) Scan(src any) error {
	var b []byte
	switch v := src.(type) {
	case []byte:
		b = v
	case string:
		b = []byte(v)
	case nil:
	default:
		return fmt.Errorf("store: document column holds %T", src)
	}
	if len(b) == 0 {
		return nil
	}
	return json.Unmarshal(b, j.to)
}

// UnmarshalJSON reads a document that is a JSON string inside another one.
func (j document) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	return j.Scan(s)
}

// encoded gives the JSON text of a value; nil slices become [].
func encoded[T any](v []T) string {
	if len(v) == 0 {
		return "[]"
	}
	b, err := json.Marshal(v)
	if err != nil { // only called for slices of strings
		panic(fmt.Sprintf("store: encode %T: %v", v, err))
	}
	return string(b)
}

// binary scans base64url text into bytes.
type binary struct{ b *[]byte }

func (x binary) Scan(src any) error {
	var s string
	switch v := src.(type) {
	case []byte:
		s = string(v)
	case string:
		s = v
	default:
		return fmt.Errorf("store: binary column holds %T", src)
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return fmt.Errorf("store: binary column: %w", err)
	}
	*x.b = b
	return nil
}

func base64url(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// clip bounds s and keeps out what TEXT of PostgreSQL refuses: NUL and broken
// UTF-8.
func clip(s string) string {
	if len(s) > maxRemark {
		s = s[:maxRemark]
	}
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "")
	}
	return strings.ToValidUTF8(s, "")
}
