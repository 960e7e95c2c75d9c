package templates

import (
	"strconv"
	"time"
)

// FileField is an input for a document, with what is there already: the part
// "filefield" of any form that posts multipart/form-data. It is for the page to
// give each StoredFile a form of its own, "remove-<ID>", outside of the other one
// (part "fileremovals").
type FileField struct {
	Name     string // of the input, and of the message groups upload.label and upload.hint
	Required bool
	Many     bool // more than one may be handed in
	Fixed    bool // what is there can be replaced, but not removed
	Error    Text
	Files    []StoredFile
}

// StoredFile is a document that was handed in.
type StoredFile struct {
	ID    string
	URL   string // of its pages as pictures: a path that ?page= can be put behind
	Pages int
	At    time.Time
	Scan  string // waiting or quarantined: nobody sees it; empty if it may be seen
}

// PageURLs are the addresses of the small pictures of the pages.
func (f StoredFile) PageURLs() []string {
	if f.Scan != "" {
		return nil
	}
	var out []string
	for i := range f.Pages {
		out = append(out, f.URL+"?small=1&page="+strconv.Itoa(i))
	}
	return out
}

// Papers is 上传自然人信息 and 上传法人信息: the documents that a reviewer decides upon.
type Papers struct {
	AccountType string // NaturalPerson or LegalEntity
	Number      string // 受理编号
	Fields      []FileField
	Agreed      bool // to the processing of pictures of documents; given with the first one
	AgreeError  Text
	Error       Text // of the form as a whole
	HandedIn    bool // the review has begun; more may still be added
	Next        string
	BackURL     string
}

// Removable are the documents that can be removed.
func (p Papers) Removable() []StoredFile {
	var out []StoredFile
	for _, f := range p.Fields {
		if !f.Fixed {
			out = append(out, f.Files...)
		}
	}
	return out
}

// Faults are the fields that are wrong, for the summary.
func (p Papers) Faults() []FileField {
	var out []FileField
	for _, f := range p.Fields {
		if f.Error.Says() {
			out = append(out, f)
		}
	}
	return out
}

// Name, Title and Interaction make Papers a Page.
func (Papers) Name() string      { return "portal/papers" }
func (Papers) Interaction() bool { return false }

// Title names the kind of account.
func (p Papers) Title() Text {
	if p.AccountType == LegalEntity {
		return T("papers.title_unit")
	}
	return T("papers.title_person")
}
