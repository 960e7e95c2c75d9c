package realname

import (
	"errors"
	"strings"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/fault"
)

// The kinds of extract.
const (
	Persons = "persons"
	Units   = "units"
)

// columns are the headings of an extract, each in the authority's words or ours.
var columns = map[string]map[string]string{
	Persons: {
		"姓名": "name", "name": "name",
		"证件类型": "id_type", "id_type": "id_type",
		"证件号码": "id_number", "公民身份号码": "id_number", "id_number": "id_number",
		"状态": "status", "status": "status",
	},
	Units: {
		"单位名称": "name", "名称": "name", "name": "name",
		"统一社会信用代码": "uscc", "uscc": "uscc",
		"法定代表人": "rep_name", "法定代表人姓名": "rep_name", "经营者": "rep_name", "legal_rep_name": "rep_name",
		"法定代表人证件类型": "rep_type", "legal_rep_id_type": "rep_type",
		"法定代表人证件号码": "rep_number", "legal_rep_id_number": "rep_number",
		"状态": "status", "status": "status",
	},
}

var needed = map[string][]string{Persons: {"name", "id_number"}, Units: {"name", "uscc", "rep_name", "rep_number"}}

// documentNames are the words of the extracts for types of document.
var documentNames = map[string]string{
	"": account.DocResident, "居民身份证": account.DocResident, "身份证": account.DocResident, "111": account.DocResident,
	"港澳台居民居住证": account.DocResidencePermit, "外国人永久居留身份证": account.DocPermanent, "553": account.DocPermanent, "554": account.DocPermanent,
	"港澳居民来往内地通行证": account.DocMainlandPass, "516": account.DocMainlandPass,
	"台湾居民来往大陆通行证": account.DocTaiwanPass, "511": account.DocTaiwanPass,
	"护照": account.DocPassport, "414": account.DocPassport,
}

// gone are the words for what is no longer in force.
var gone = map[string]bool{"注销": true, "吊销": true, "作废": true, "死亡": true, "cancelled": true, "deregistered": true, "void": true}

// Heading is the first line of an extract, understood.
type Heading struct {
	kind  string
	names []string // of each column, "" for one that is not ours
}

// ReadHeading finds the columns. fault.Invalid names the one that is missing.
func ReadHeading(kind string, cells []string) (Heading, error) {
	h := Heading{kind: kind}
	have := map[string]bool{}
	for _, cell := range cells {
		name := columns[kind][strings.ToLower(strings.TrimSpace(strings.TrimPrefix(cell, "\ufeff")))]
		if have[name] {
			name = ""
		}
		have[name] = true
		h.names = append(h.names, name)
	}
	for _, name := range needed[kind] {
		if !have[name] {
			return h, fault.New(fault.Invalid, "the heading has no column for %s", name)
		}
	}
	return h, nil
}

// Line is one line of an extract: of the two records one is set.
type Line struct {
	Person *PersonRecord
	Unit   *UnitRecord
}

// Read understands one line. A fault names the column and what is wrong, never
// what stands there.
func (h Heading) Read(cells []string, now time.Time) (Line, error) {
	v := map[string]string{}
	for i, name := range h.names {
		if name != "" && i < len(cells) {
			v[name] = strings.TrimSpace(cells[i])
		}
	}
	over := gone[strings.ToLower(v["status"])]
	if h.kind == Persons {
		p := PersonRecord{Void: over}
		var err error
		if p.Name, err = account.ParseName(v["name"]); err != nil {
			return Line{}, err
		}
		if p.IDType, p.IDNumber, err = readDocument(v["id_type"], v["id_number"], now); err != nil {
			return Line{}, err
		}
		return Line{Person: &p}, nil
	}
	u := UnitRecord{Deregistered: over}
	var err error
	if u.USCC, err = account.ParseRealUSCC(v["uscc"]); err != nil {
		return Line{}, err
	}
	if u.Name, err = account.ParseUnitName(v["name"]); err != nil {
		return Line{}, err
	}
	if u.RepName, err = account.ParseName(v["rep_name"]); err != nil {
		return Line{}, at("legal_rep_name", err)
	}
	if u.RepIDType, u.RepIDNumber, err = readDocument(v["rep_type"], v["rep_number"], now); err != nil {
		var e *fault.Error
		if errors.As(err, &e) {
			return Line{}, at("legal_rep_"+e.Field, err)
		}
		return Line{}, err
	}
	return Line{Unit: &u}, nil
}

func readDocument(word, number string, now time.Time) (docType, canonical string, err error) {
	docType, ok := documentNames[word]
	if !ok {
		docType = word
	}
	canonical, err = account.ParseDocument(docType, number, now)
	return docType, canonical, err
}

// Loaded counts what became of lines.
type Loaded struct{ Added, Changed, Same int }
