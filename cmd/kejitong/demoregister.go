package main

import (
	"context"
	"fmt"
	"strings"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/realname"
)

// The registers of the demonstration: people and units that nobody registered yet,
// synthetic, of regions that were never given out (xx0000).

// demoPerson is somebody whom the demonstration's population register knows.
type demoPerson struct {
	Name     string `json:"name"`
	IDNumber string `json:"id_number"`
	Mobile   string `json:"mobile"`
}

// demoEntity is a unit of its other register.
type demoEntity struct {
	Name     string     `json:"name"`
	USCC     string     `json:"uscc"`
	LegalRep demoPerson `json:"legal_representative"`
}

// demoRegister is what the line for scripts says of them.
type demoRegister struct {
	Persons  []demoPerson `json:"persons"`
	Entities []demoEntity `json:"entities"`
}

// demoAuthority is whose registers they are.
const demoAuthority = "演示身份核验中心"

func demoPersons() []demoPerson {
	var out []demoPerson
	for i, name := range []string{"陈晨", "林小雨", "欧阳雪松", "阿依努尔·买买提", "周文博", "许诺"} {
		out = append(out, demoPerson{name, residentNumber(fmt.Sprintf("11000019850615%03d", i+1)), fmt.Sprintf("1395555%04d", i+1)})
	}
	return out
}

func demoEntities() []demoEntity {
	var out []demoEntity
	reps := []string{"孙立", "吴桐", "郑洁", "何川", "高远", "罗兰"}
	for i, row := range []struct{ kind, name string }{
		{"91", "星火量子科技（北京）有限公司"}, {"91", "启明新材料股份有限公司"}, {"91", "云帆智能装备有限公司"}, {"91", "青禾生物技术有限公司"},
		{"12", "示例市科技情报研究所"}, {"52", "示例市创新创业促进中心"},
	} {
		out = append(out, demoEntity{row.name, unitCode(row.kind + "110000" + fmt.Sprintf("MA1KJT0%d", i+1)), demoPerson{
			reps[i], residentNumber(fmt.Sprintf("11000019750820%03d", i+1)), fmt.Sprintf("1396666%04d", i+1),
		}})
	}
	return out
}

// residentNumber completes 17 digits (GB 11643-1999).
func residentNumber(first17 string) string {
	weights := []int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}
	sum := 0
	for i, w := range weights {
		sum += int(first17[i]-'0') * w
	}
	return first17 + string("10X98765432"[sum%11])
}

// unitCode completes 16 characters by the organisation code's check character (GB
// 11714) and the whole's (GB 32100-2015).
func unitCode(first16 string) string {
	const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	sum := 0
	for i, w := range []int{3, 7, 9, 10, 5, 8, 4, 2} {
		sum += strings.IndexByte(letters, first16[8+i]) * w
	}
	code := first16 + string("0X987654321"[sum%11])
	const alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
	sum = 0
	for i, w := 0, 1; i < 17; i, w = i+1, w*3%31 {
		sum += strings.IndexByte(alphabet, code[i]) * w
	}
	return code + string(alphabet[(31-sum%31)%31])
}

// loadRegisters gives the demonstration's verifier something to compare with.
func (s *performance) loadRegisters(ctx context.Context, a *app) error {
	var lines []realname.Line
	for _, p := range demoPersons() {
		lines = append(lines, realname.Line{Person: &realname.PersonRecord{Name: p.Name, IDType: account.DocResident, IDNumber: p.IDNumber}})
	}
	for _, e := range demoEntities() {
		lines = append(lines, realname.Line{Unit: &realname.UnitRecord{
			USCC: account.USCC(e.USCC), Name: e.Name, RepName: e.LegalRep.Name, RepIDType: account.DocResident, RepIDNumber: e.LegalRep.IDNumber,
		}})
	}
	_, err := a.db.LoadRegister(ctx, lines, audit.Event{Kind: audit.RegisterLoaded, Actor: "demo", Object: "demo"})
	return err
}
