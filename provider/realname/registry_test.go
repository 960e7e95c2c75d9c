package realname_test

import (
	"slices"
	"testing"

	"kejitong/provider/account"
	"kejitong/provider/fault"
	"kejitong/provider/realname"
)

var notThere = fault.New(fault.NotFound, "no such entry")

// The extract's verdicts name fields, and nothing that it holds.
func TestTheExtractsVerdicts(t *testing.T) {
	reg := extract{
		person: realname.PersonRecord{Name: "欧阳·雪松", IDType: account.DocResident, IDNumber: zhang},
		unit:   realname.UnitRecord{USCC: firmUSCC, Name: "样例智能装备（北京）有限公司", RepName: "李四", RepIDType: account.DocResident, RepIDNumber: li},
	}
	void, gone := reg, reg
	void.person.Void, gone.unit.Deregistered = true, true
	why := func(pairs ...string) []realname.Reason {
		var out []realname.Reason
		for i := 0; i < len(pairs); i += 2 {
			out = append(out, realname.Reason{Field: pairs[i], Code: pairs[i+1]})
		}
		return out
	}
	for _, row := range []struct {
		name  string
		reg   extract
		entry realname.Entry
		want  []realname.Reason
	}{
		{"another name", reg, asPerson("欧阳雪", account.DocResident, zhang), why("name", "mismatch")},
		{"a rare character taken for its like", reg, asPerson("欧阳·雪淞", account.DocResident, zhang), why("name", "mismatch")},
		{"another number", reg, asPerson("欧阳·雪松", account.DocResident, li), why("id_number", "unknown")},
		{"a dead document", void, asPerson("欧阳·雪松", account.DocResident, zhang), why("id_number", "cancelled")},
		{"another unit", reg, asFirm("样例", nextUSCC, "李四", li), why("uscc", "unknown")},
		{"a unit that is gone", gone, asFirm("样例智能装备（北京）有限公司", firmUSCC, "李四", li), why("uscc", "cancelled")},
		{"everything wrong", reg, asFirm("样例", firmUSCC, "王五", wang), why("unit_name", "mismatch", "legal_rep_name", "mismatch", "legal_rep_id_number", "mismatch")},
		{"another dot", reg, asPerson("欧阳•雪松", account.DocResident, zhang), nil},
		{"other brackets and blanks", reg, asFirm("样例智能装备(北京) 有限公司", firmUSCC, "李 四", li), nil},
	} {
		v, err := realname.Registry{Register: row.reg, Checker: "某局"}.Check(t.Context(), realname.Case{Entry: row.entry})
		if err != nil || v.Passed != (row.want == nil) || !slices.Equal(v.Reasons, row.want) {
			t.Errorf("%s: %+v, %v", row.name, v, err)
		}
	}
}
