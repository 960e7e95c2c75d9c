package store

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

type named string

// row is one of every kind of column.
type row struct {
	text   string
	name   named
	number int64
	yes    bool
	at     time.Time
	list   []string
}

func (r *row) dest() tuple {
	return tuple{&r.text, &r.name, &r.number, &r.yes, &instant{&r.at}, &document{&r.list}}
}

// byTheBook reads an array of arrays with encoding/json alone.
func byTheBook(b []byte) ([]row, error) {
	var arrays []json.RawMessage
	if err := json.Unmarshal(b, &arrays); err != nil {
		return nil, err
	}
	var out []row
	for _, a := range arrays {
		var values []json.RawMessage
		if err := json.Unmarshal(a, &values); err != nil {
			return nil, err
		}
		var r row
		dest := r.dest()
		if len(values) != len(dest) {
			return nil, errTuple
		}
		for i, v := range values {
			if err := json.Unmarshal(v, dest[i]); err != nil {
				return nil, err
			}
		}
		out = append(out, r)
	}
	return out, nil
}

func byHand(b []byte) ([]row, error) {
	var out []*row
	err := readAll(b, func() tuple {
		r := &row{}
		out = append(out, r)
		return r.dest()
	})
	var flat []row
	for _, r := range out {
		flat = append(flat, *r)
	}
	return flat, err
}

var tuples = []string{
	`[]`, ` [ ] `, `[["a","b",1,true,2,"[\"x\",\"y\"]"]]`, `[ [ "张三" , "" , -5 , false , 1700000000000 , "[]" ] ]`,
	`[["quo\"te","\u5f20",0,true,0,""],["a]b,c","[",9223372036854775807,false,1,"[\"\\\\\"]"]]`,
	`[["a","b",null,null,null,null]]`, `[[null,null,1,true,1,null]]`,
	// not rows of ours
	``, `[`, `[[`, `[[]]`, `[["a"]]`, `[["a","b",1,true,2,"[]",7]]`, `[["a","b",1,true,2,"[]"],]`, `[["a","b",1,true,2,"[]"]`, `[["a","b",1,true,2,"[]"]] x`,
	`[["a","b",01,true,2,"[]"]]`, `[["a","b",1.5,true,2,"[]"]]`, `[["a","b",+1,true,2,"[]"]]`, `[["a","b",99999999999999999999,true,2,"[]"]]`,
	`[["a","b",1,tru,2,"[]"]]`, `[["a","b","1",true,2,"[]"]]`, `[["a","b",1,"true",2,"[]"]]`, `[[1,"b",1,true,2,"[]"]]`, `[["a","b",1,true,"2","[]"]]`,
	`[["a","b",1,true,2,["x"]]]`, `[["a","b",1,true,2,{}]]`, `[["a\","b",1,true,2,"[]"]]`, `[{"a":1}]`, `{"a":1}`, `"a"`, `[["a" "b",1,true,2,"[]"]]`, `[["a",,1,true,2,"[]"]]`,
	"[[\"a\x01\",\"b\",1,true,2,\"[]\"]]", "[[\"\xff\",\"b\",1,true,2,\"[]\"]]", `[["a","b",1,true,2,"{"]]`, `null`,
}

func FuzzTuple(f *testing.F) {
	for _, s := range tuples {
		f.Add([]byte(s))
	}
	f.Fuzz(agree)
}

// agree: the reading by hand takes what encoding/json takes, with the same
// result, and refuses what it refuses. Nothing at all, and null, are no arrays.
func agree(t *testing.T, b []byte) {
	want, wantErr := byTheBook(b)
	got, err := byHand(b)
	if len(b) == 0 || string(blanks(b)) != "" && blanks(b)[0] != '[' {
		return
	}
	if (err == nil) != (wantErr == nil) {
		t.Fatalf("%q: %v, by the book %v", b, err, wantErr)
	}
	if err == nil && !reflect.DeepEqual(got, want) {
		t.Fatalf("%q:\n%+v, by the book\n%+v", b, got, want)
	}
}

func TestTuples(t *testing.T) {
	good := 0
	for _, s := range tuples {
		agree(t, []byte(s))
		if rows, err := byHand([]byte(s)); err == nil && len(rows) > 0 {
			good++
		}
	}
	if good < 4 { // else the table proves refusals alone
		t.Errorf("%d rows could be read", good)
	}
}
