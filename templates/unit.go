package templates

// ChooseUnit asks a person which unit to stand for. Each unit is a button
// org=<ID>; org=self stands for nobody else. A second form posts cancel=yes.
type ChooseUnit struct {
	Asks     *System
	Person   string // display name of the signed-in person
	Units    []Unit // any order: the last choice is drawn first
	AsMyself bool   // the system lets a person in without a unit
	Error    Text
	Hidden   map[string]string
	Cancel   bool
}

// Name, Title and Interaction make ChooseUnit a Page.
func (ChooseUnit) Name() string      { return "interact/unit" }
func (ChooseUnit) Title() Text       { return T("unit.title") }
func (ChooseUnit) Interaction() bool { return true }

// Pictures is the asking system's logo.
func (p ChooseUnit) Pictures() []string { return pictureOf(p.Asks) }

// Ordered is Units with the last choice first.
func (p ChooseUnit) Ordered() []Unit {
	ordered := make([]Unit, 0, len(p.Units))
	for _, u := range p.Units {
		if u.Last {
			ordered = append(ordered, u)
		}
	}
	for _, u := range p.Units {
		if !u.Last {
			ordered = append(ordered, u)
		}
	}
	return ordered
}
