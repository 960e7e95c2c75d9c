package main

import (
	"context"
	"fmt"

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
		out = append(out, demoPerson{name, account.CompleteResidentID(fmt.Sprintf("11000019850615%03d", i+1)), fmt.Sprintf("1395555%04d", i+1)})
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
		out = append(out, demoEntity{row.name, string(account.CompleteUSCC(row.kind + "110000" + fmt.Sprintf("MA1KJT0%d", i+1))), demoPerson{
			reps[i], account.CompleteResidentID(fmt.Sprintf("11000019750820%03d", i+1)), fmt.Sprintf("1396666%04d", i+1),
		}})
	}
	return out
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
