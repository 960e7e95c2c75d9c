package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
)

const populace = "姓名,证件类型,证件号码,备注\n张三,居民身份证,110000199001010013,\n欧阳雪松,,11000019900101003X,\"有,逗号\"\n\n阿卜杜拉•买买提,身份证,110000199001010080,\n"

// TestRegistersAreLoaded: CSV in both encodings and a workbook give the same
// register; loading again changes nothing.
func TestRegistersAreLoaded(t *testing.T) {
	gb, err := simplifiedchinese.GB18030.NewEncoder().String(populace)
	if err != nil {
		t.Fatal(err)
	}
	d := newDesk(t, "")
	book := excelize.NewFile()
	for i, line := range strings.Split(strings.ReplaceAll(populace, "\"有,逗号\"", ""), "\n") {
		for j, cell := range strings.Split(line, ",") {
			at, err := excelize.CoordinatesToCellName(j+1, i+1)
			if err != nil {
				t.Fatal(err)
			}
			if err := book.SetCellStr("Sheet1", at, cell); err != nil {
				t.Fatal(err)
			}
		}
	}
	workbook := filepath.Join(d.dir, "persons.xlsx")
	if err := book.SaveAs(workbook); err != nil {
		t.Fatal(err)
	}
	for i, file := range []string{d.file("utf8.csv", "\ufeff"+populace), d.file("gb.csv", gb), workbook} {
		var r loadReport
		d.tells(&r, "register", "load", "--kind", "persons", file)
		if r.Lines != 3 || r.Bad != 0 || i == 0 && r.Added != 3 || i > 0 && r.Same != 3 {
			t.Errorf("%s: %+v", filepath.Base(file), r)
		}
	}
	var r loadReport
	d.tells(&r, "register", "load", "--kind", "persons", d.file("new.csv", "name,id_number,status\n张三丰,110000199001010013,\n欧阳雪松,11000019900101003x,注销\n"))
	if r.Changed != 2 {
		t.Errorf("%+v", r)
	}
	d.inside(func(a *app) {
		p, err := a.db.PersonOnRecord(t.Context(), account.DocResident, "110000199001010013")
		if err != nil || p.Name != "张三丰" || p.Void {
			t.Errorf("%+v, %v", p, err)
		}
		if p, err = a.db.PersonOnRecord(t.Context(), account.DocResident, "11000019900101003X"); err != nil || !p.Void {
			t.Errorf("%+v, %v", p, err)
		}
		if _, err = a.db.PersonOnRecord(t.Context(), account.DocPassport, "11000019900101003X"); !fault.Is(err, fault.NotFound) {
			t.Errorf("by another document: %v", err)
		}
		rows, err := a.db.RecentAudit(t.Context(), 100)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, row := range rows {
			if row.Kind == audit.RegisterLoaded {
				n++
			}
		}
		if n != 4 {
			t.Errorf("%d rows of loading, want 4", n)
		}
	})
}

// What is wrong in an extract is told by line and column, and never quoted; the
// rest is loaded.
func TestBadLinesOfARegister(t *testing.T) {
	d := newDesk(t, "")
	file := d.file("units.csv", "单位名称,统一社会信用代码,法定代表人,法定代表人证件号码,状态\n"+
		"样例智能装备有限公司,91110000MA00000077,李四,11000019900101003X,\n"+
		"坏代码有限公司,91110000MA00000078,李四,11000019900101003X,\n"+
		"坏证件有限公司,91110000MA00000820,李四,110000199001010031,\n"+
		"缺姓名有限公司,91110000MA0000269Y,,11000019900101003X,\n"+
		",91110000MA0000269Y,李四,11000019900101003X,\n"+
		"注销有限公司,91110000MA0000269Y,李四,11000019900101003X,注销\n")
	var r loadReport
	d.tells(&r, "register", "load", "--kind", "units", "--dry-run", file)
	if r.Added != 0 || r.Bad != 4 {
		t.Errorf("a dry run: %+v", r)
	}
	d.tells(&r, "register", "load", "--kind", "units", file)
	if r.Lines != 6 || r.Added != 2 || r.Bad != 4 || len(r.First) != 4 {
		t.Fatalf("%+v", r)
	}
	for i, want := range []string{"uscc", "legal_rep_id_number", "legal_rep_name", "unit_name"} {
		if b := r.First[i]; b.Column != want || b.Line != i+3 || b.Why == "" || strings.Contains(b.Why, "李四") {
			t.Errorf("line %d: %+v", i+3, b)
		}
	}
	d.inside(func(a *app) {
		if u, err := a.db.UnitOnRecord(t.Context(), "91110000MA0000269Y"); err != nil || !u.Deregistered {
			t.Errorf("%+v, %v", u, err)
		}
	})
	for name, args := range map[string][]string{
		"no file":      {"register", "load", "--kind", "units"},
		"no such file": {"register", "load", "--kind", "units", filepath.Join(d.dir, "none.csv")},
		"no kind":      {"register", "load", file},
		"other kind":   {"register", "load", "--kind", "persons", file},
		"empty":        {"register", "load", "--kind", "units", d.file("empty.csv", "")},
		"no heading":   {"register", "load", "--kind", "units", d.file("bare.csv", "样例智能装备有限公司,91110000MA00000077,李四,11000019900101003X\n")},
		"broken quote": {"register", "load", "--kind", "units", d.file("quote.csv", "名称,uscc\n\"a,b\n")},
	} {
		if out, err := d.run(args...); err == nil {
			t.Errorf("%s: done: %s", name, out)
		} else if strings.Contains(err.Error(), "李四") {
			t.Errorf("%s: quoted: %v", name, err)
		}
	}
}
