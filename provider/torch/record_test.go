package torch_test

import (
	"strings"
	"testing"
	"time"

	"kejitong/provider/torch"
)

var readAt = time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)

func TestRowsThatCannotBeTakenOver(t *testing.T) {
	good := map[string]string{"kind": "unit", "user_name": "91110108MA01ET88XL", "unit_name": "示例科技有限公司"}
	for _, c := range []struct {
		name, field, value, wrong, msg string
	}{
		{"unknown kind", "kind", "robot", "kind", torch.MsgKind},
		{"wrong check digit", "user_name", "91110108MA01ET88X1", "user_name", "uscc.check_digit"},
		{"O for 0", "user_name", "9111O108MA01ET88XL", "user_name", "uscc.letter_o"},
		{"15 digits", "user_name", "110108012345678", "user_name", "uscc.registration_number"},
		{"no key", "user_name", "", "user_name", "uscc.empty"},
		{"no unit name", "unit_name", " ", "unit_name", torch.MsgUnitName},
		{"unit name of a novel", "unit_name", strings.Repeat("科", 201), "unit_name", torch.MsgText},
		{"line break in a name", "contact", "王\r\n五", "contact", torch.MsgText},
		{"broken characters", "contact", "王\ufffd", "contact", torch.MsgText},
		{"landline", "mobile", "010-88659000", "mobile", "mobile.form"},
		{"identity number", "id_number", "110000199001010012", "id_number", "resident_id.check_digit"},
		{"two addresses", "email", "a@x.cn,b@x.cn", "email", torch.MsgEmail},
		{"30 February", "created_at", "2019-02-30", "created_at", torch.MsgTime},
		{"plain password", "password_hash", "secret", "password_hash", torch.MsgPassword},
	} {
		fields := map[string]string{}
		for k, v := range good {
			fields[k] = v
		}
		fields[c.field] = c.value
		_, errs := torch.ReadRecord(7, fields, "md5", readAt)
		if len(errs) != 1 || errs[0] != (torch.RowError{Row: 7, Field: c.wrong, Msg: c.msg}) {
			t.Errorf("%s: %+v", c.name, errs)
		}
	}
	if _, errs := torch.ReadRecord(2, map[string]string{"user_name": "x", "mobile": "y", "created_at": "z"}, "md5", readAt); len(errs) != 4 {
		t.Errorf("not everything that is wrong is named: %+v", errs)
	}
}

// What people copy by hand matches in any width and case; what is given is kept.
func TestRows(t *testing.T) {
	r, errs := torch.ReadRecord(2, map[string]string{
		"user_name": " ９１１１０１０８ma01et88xl ", "unit_name": "示例科技有限公司", "contact": "王五", "mobile": "+86 187-1111-1111", "id_number": "11000019900101003x",
		"email": "Wang@Example.cn", "password_hash": "59a921163f7920480718bc7857441a9b", "created_at": "2019/3/1 08:30", "last_seen_at": "2026-10-01",
	}, "md5", readAt)
	if len(errs) > 0 || r.Kind != torch.UnitRecord || r.Key != "91110108MA01ET88XL" || r.Mobile != "+8618711111111" || r.IDNumber != "11000019900101003X" || r.Email != "wang@example.cn" ||
		r.Password.Scheme != "md5" || !r.Created.Equal(time.Date(2019, 3, 1, 0, 30, 0, 0, time.UTC)) || !r.LastSeen.Equal(time.Date(2026, 9, 30, 16, 0, 0, 0, time.UTC)) {
		t.Errorf("got %+v, %+v", r, errs)
	}
	r, errs = torch.ReadRecord(3, map[string]string{"user_name": "18711111111", "contact": "李·四"}, "md5", readAt)
	if len(errs) > 0 || r.Kind != torch.PersonRecord || r.Key != "18711111111" || r.Mobile != "+8618711111111" || r.Password.Scheme != "" {
		t.Errorf("got %+v, %+v", r, errs)
	}
}
